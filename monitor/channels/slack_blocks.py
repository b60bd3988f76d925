"""What Slack's messages look like: blocks within Slack's limits, and the text that stands for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from monitor.channels.wording import Several, Wording, or_plain, several, wording
from monitor.notice import Notice, Parcel

ACKNOWLEDGE, SILENCE = "acknowledge", "silence"  # what its buttons say to us
MOST_TOGETHER = 20  # incidents of one message: with two blocks each, far below Slack's 50
_LONGEST_TEXT = 3_000
_MOST_FIELDS = 10  # of a section
_LONGEST_MEMBER = 600  # of one incident among others: Slack takes some 13,000 characters in all

Content = Mapping[str, Any]


def posted(parcel: Parcel, *, plain: bool, buttons: bool = False) -> Content:
    """Return a message of its own, with buttons for what fires."""
    return _content(parcel.notices, parcel, plain=plain, repeat=parcel.repeat, buttons=buttons)


def edited(parcel: Parcel, *, plain: bool, buttons: bool = False) -> Content:
    """Return what the first message shows now: the incidents' newest state, for all that it told of."""
    news = {notice.incident: notice for notice in parcel.notices}
    members = {notice.incident: notice for item in parcel.items for notice in item.previous.members}
    shown = list({**members, **news}.values())
    content = _content(shown, parcel, plain=plain, repeat=False, buttons=buttons)
    return {**content, "blocks": content["blocks"] or []}  # an edit leaves blocks that it does not name


def answered(parcel: Parcel) -> Content:
    """Return the answer in the first message's thread."""
    lines = [_line(wording(notice, repeat=parcel.repeat)) for notice in parcel.notices]
    text = "\n".join(escape(line, _LONGEST_TEXT // len(lines)) for line in lines)
    return {"text": text, "metadata": _metadata(parcel.identity, parcel.notices)}


def _content(notices: Sequence[Notice], parcel: Parcel, *, plain: bool, repeat: bool, buttons: bool) -> Content:
    if len(notices) == 1:
        words = wording(notices[0], identity=parcel.identity, repeat=repeat)
        text, make = _line(words), lambda: _single(words, buttons=buttons)
    else:
        many = several(notices, identity=parcel.identity, repeat=repeat)
        text, make = f"{many.sign} {many.title}", lambda: _group(many, buttons=buttons)
    blocks = None if plain else or_plain(notices[0].alert, make, None)
    metadata = _metadata(parcel.identity, parcel.notices)
    return {"text": escape(text, _LONGEST_TEXT), "blocks": blocks, "metadata": metadata}


def _metadata(identity: str, notices: Sequence[Notice]) -> Mapping[str, Any]:
    payload = {
        "identity": identity,
        "incident": ",".join(notice.incident for notice in notices),
        "kind": ",".join(notice.kind.value for notice in notices),
    }
    return {"event_type": "lightspeed_sync_alert", "event_payload": payload}


def _line(words: Wording) -> str:
    return f"{words.sign} {words.title}. {words.summary}"


# --- blocks ---


def _single(words: Wording, *, buttons: bool) -> Sequence[Content]:
    blocks = [_header(words), _section(words.summary or words.title), *_facts(words.facts)]
    if words.description:
        blocks.append(_section(words.description))
    if words.remedy:
        blocks.append(_section(words.remedy, label="What to do"))
    return [*blocks, *_foot(words, _buttons(words) if buttons else ())]


def _group(words: Several, *, buttons: bool) -> Sequence[Content]:
    blocks = [_header(words)]
    for member in words.members:
        blocks.append(_member(member))
        if buttons and (elements := _buttons(member)):
            blocks.append({"type": "actions", "elements": elements})
    return [*blocks, *_foot(words)]


def _buttons(words: Wording) -> Sequence[Content]:
    """Return the buttons for what fires, each with its incident and alert; none for what is over or done already."""
    done = {ACKNOWLEDGE: words.handling.acknowledged, SILENCE: words.handling.silenced}
    names = {ACKNOWLEDGE: "Acknowledge", SILENCE: "Silence 1 h"} if words.alert else {}
    labels = {action: label for action, label in names.items() if not done[action]}
    value = f"{words.incident} {words.alert}"
    return [
        {"type": "button", "text": {"type": "plain_text", "text": label}, "action_id": action, "value": value}
        for action, label in labels.items()
    ]


def _member(words: Wording) -> Content:
    facts = "; ".join(f"{label}: {text}" for label, text in words.facts)
    return _section(f"{words.summary}\n{facts}", label=f"{words.sign} {words.title}", longest=_LONGEST_MEMBER)


def _header(words: Wording | Several) -> Content:
    return {"type": "header", "text": {"type": "plain_text", "text": f"{words.sign} {words.title}", "emoji": True}}


def _section(text: str, *, label: str = "", longest: int = _LONGEST_TEXT) -> Content:
    head = f"*{escape(label, longest // 2)}*\n" if label else ""
    return {"type": "section", "text": _mrkdwn(head + escape(text, longest - len(head)))}


def _facts(facts: Sequence[tuple[str, str]]) -> Sequence[Content]:
    fields = [_mrkdwn(f"*{escape(label)}*\n{escape(text, 1_900)}") for label, text in facts]
    parts = [fields[start : start + _MOST_FIELDS] for start in range(0, len(fields), _MOST_FIELDS)]
    return [{"type": "section", "fields": part} for part in parts]


def _foot(words: Wording | Several, buttons: Sequence[Content] = ()) -> Sequence[Content]:
    note = {"type": "context", "elements": [_mrkdwn(escape(words.note))]}
    elements = [*buttons]
    if words.link:
        text = {"type": "plain_text", "text": "Status page"}
        elements.append({"type": "button", "text": text, "url": words.link, "action_id": "status"})
    return [{"type": "actions", "elements": elements}, note] if elements else [note]


def _mrkdwn(text: str) -> Content:
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def escape(text: str, longest: int = _LONGEST_TEXT) -> str:
    """Escape what Slack takes for mentions and links; cut what would be too long then."""
    safe = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    while text and len(safe) > longest:
        text = text[: -(len(safe) - longest) // 5 - 1]
        safe = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return safe
