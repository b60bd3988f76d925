"""The words of a message, for every channel alike: a title, what, since when, and what to do.

Whatever comes from outside (SKUs, titles) loses control characters and what turns the direction of writing, and is
cut to length, before a channel adds its own escaping.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

import structlog
from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError, select_autoescape

from monitor.notice import Handling, Kind, Notice, Severity
from monitor.units import UNKNOWN, written_duration, written_minute

log = structlog.get_logger()
T = TypeVar("T")

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"
_DROPPED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_SPACES = frozenset({"Zl", "Zp", "Zs"})
_EXAMPLES_SHOWN = 5
_LONGEST_EXAMPLE = 150
_LONGEST_HEADING = 50  # with what stands before it a subject is one line of a header, which nothing folds
_RENDERING = (TemplateError, ValueError, TypeError, LookupError, AttributeError)

_WORDS = {
    Kind.FIRING: "Alert",
    Kind.REMINDER: "Still firing",
    Kind.RESOLVED: "Resolved",
    Kind.SUMMARY: "Was firing",
    Kind.DIGEST: "Digest",
    Kind.TEST: "Test",
}
_COUNTED = {
    Kind.FIRING: "alert",
    Kind.REMINDER: "still firing",
    Kind.RESOLVED: "resolved",
    Kind.SUMMARY: "was firing",
    Kind.DIGEST: "digest",
    Kind.TEST: "test",
}
OVER = (Kind.RESOLVED, Kind.SUMMARY)
_MOMENT = timedelta(seconds=1)  # what lasts less is told without its length
_MARK = " (possible repeat)"
_SIGNS = {Severity.CRITICAL: "\N{LARGE RED CIRCLE}", Severity.WARNING: "\N{LARGE ORANGE CIRCLE}"}


@dataclass(frozen=True, slots=True)
class Wording:
    """A message in words: safe, short, without any markup."""

    sign: str  # one emoji
    title: str
    summary: str
    facts: tuple[tuple[str, str], ...]  # label, text
    description: str
    remedy: str  # "" where there is nothing left to do
    link: str
    note: str  # where it comes from, and whether it may be a repeat
    alert: str = ""  # what may be acknowledged; "" where nothing fires
    incident: str = ""  # which time of it this is
    handling: Handling = field(default_factory=Handling)

    def plain(self) -> str:
        """Write it as text."""
        lines = [self.title, self.summary, "", *(f"{label}: {text}" for label, text in self.facts)]
        for text in (self.description, f"What to do: {self.remedy}" if self.remedy else "", self.link, self.note):
            if text:
                lines += ["", text]
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Several:
    """A message about several incidents in words."""

    sign: str
    title: str  # how many of what, and as many names as fit
    heading: str  # the same, shorter, as the subject of a mail
    members: tuple[Wording, ...]
    link: str
    note: str

    def plain(self) -> str:
        """Write it as text."""
        lines = [self.title]
        for member in self.members:
            lines += ["", member.title, member.summary, *(f"{label}: {text}" for label, text in member.facts)]
        return "\n".join([*lines, "", *filter(None, (self.link, self.note))])


def wording(notice: Notice, *, identity: str = "", repeat: bool = False) -> Wording:
    """Put a notice into words; `identity` is that of the message it goes out with."""
    over = notice.kind in OVER
    mark = _MARK if repeat else ""
    return Wording(
        sign=_sign(notice, over=over),
        title=clean(f"{_WORDS[notice.kind]}: {notice.alert}", 140 - len(mark)) + mark,
        summary=clean(outcome(notice), 500),
        facts=tuple((label, clean(text, 400)) for label, text in _facts(notice, over=over)),
        description=clean(notice.description, 1_000),
        remedy="" if over else clean(notice.remedy, 1_000),
        link=_link(notice),
        note=_note(notice.severity.value, identity or notice.identity, mark),
        alert=notice.alert if notice.kind in (Kind.FIRING, Kind.REMINDER) else "",
        incident=notice.incident,
        handling=notice.handling,
    )


def several(notices: Sequence[Notice], *, identity: str = "", repeat: bool = False) -> Several:
    """Put several notices into words: those that are not over first, of them the worst."""
    mark = _MARK if repeat else ""
    ordered = sorted(notices, key=lambda notice: (notice.kind in OVER, tuple(Severity).index(notice.severity)))
    worst = ordered[0]
    return Several(
        sign=_sign(worst, over=worst.kind in OVER),
        title=_named(ordered, 140 - len(mark)) + mark,
        heading=_named(ordered, _LONGEST_HEADING - len(mark)) + mark,
        members=tuple(wording(notice) for notice in ordered),
        link=_link(notices[0]),
        note=_note(worst.severity.value, identity, mark),
    )


def _named(notices: Sequence[Notice], longest: int) -> str:
    """Say how many there are of each kind, with as many names as fit."""
    names = [clean(notice.alert, 60) for notice in notices]
    for shown in range(len(names), 0, -1):
        more = f" and {len(names) - shown} more" if shown < len(names) else ""
        told = f"{_counts(notices)}: {', '.join(names[:shown])}{more}"
        if len(told) <= longest:
            return told
    return clean(_counts(notices), longest)


def _counts(notices: Sequence[Notice]) -> str:
    """Say how many there are of each kind."""
    counts = Counter(_COUNTED[notice.kind] for notice in notices)
    return ", ".join(f"{count} {kind}{'s' if count > 1 and kind == 'alert' else ''}" for kind, count in counts.items())


def _link(notice: Notice) -> str:
    return notice.link if notice.link.startswith(("https://", "http://")) else ""


def _note(severity: str, identity: str, mark: str) -> str:
    return clean(f"lightspeed-sync, {severity}, message {identity}{mark}", 200)


def outcome(notice: Notice) -> str:
    """Return what there is to say in one sentence: an end must not read like an alert."""
    if notice.until is None:
        return notice.summary
    length = notice.until - notice.since
    after = f" after {written_duration(length)}" if length >= _MOMENT else ""
    now = f", now {notice.value}" if notice.kind is Kind.RESOLVED and notice.value not in ("", UNKNOWN) else ""
    return f"Over{after}{now}. It was: {notice.summary}"


def lasting(notice: Notice, form: str) -> str:
    """Write into `form` for how long an alert has fired; "" where it is over, or has only just begun."""
    length = notice.at - notice.since
    just_begun = notice.kind is Kind.TEST or length < _MOMENT
    return "" if notice.until is not None or just_begun else form.format(written_duration(length))


def _sign(notice: Notice, *, over: bool) -> str:
    if over:
        return "\N{LARGE GREEN CIRCLE}"
    return _SIGNS.get(notice.severity, "\N{LARGE BLUE CIRCLE}")


def _facts(notice: Notice, *, over: bool) -> list[tuple[str, str]]:
    told = list(notice.facts) if notice.kind is Kind.DIGEST else _incident(notice, over=over)
    return [*told, *notice.handling.lines, *(("Note", remark) for remark in notice.remarks)]


def _incident(notice: Notice, *, over: bool) -> list[tuple[str, str]]:
    if notice.kind is Kind.TEST:
        return [("Sent", _moment(notice.at))]
    label = "Now" if notice.kind is Kind.RESOLVED else "Value"
    facts = [(label, f"{notice.value} (alert at {notice.limit})")] if notice.value else []
    facts.append(("What", notice.signal))
    if over and notice.until is not None:
        length = notice.until - notice.since
        spanned = f" to {_moment(notice.until)} ({written_duration(length)})" if length >= _MOMENT else ""
        facts.append(("When", f"{_moment(notice.since)}{spanned}"))
    else:
        facts.append(("Since", f"{_moment(notice.since)}{lasting(notice, ' ({})')}"))
    if notice.runbook and not over:
        facts.append(("Runbook", notice.runbook))
    if notice.examples:
        shown = [clean(example, _LONGEST_EXAMPLE) for example in notice.examples[:_EXAMPLES_SHOWN]]
        more = len(notice.examples) - len(shown)
        facts.append((notice.named, ", ".join(shown) + (f" and {more} more" if more else "")))
    return facts


def _moment(moment: datetime) -> str:
    return written_minute(moment)


def clean(text: str, longest: int) -> str:
    """Return one line of at most `longest` characters without anything invisible."""
    kept = []
    for letter in text:
        category = unicodedata.category(letter)
        if category in _SPACES or letter in "\t\r\n\v\f":
            kept.append(" ")
        elif category not in _DROPPED:
            kept.append(letter)
    line = " ".join("".join(kept).split())
    return line if len(line) <= longest else line[: longest - 1] + "\N{HORIZONTAL ELLIPSIS}"


def templates() -> Environment:
    """Return the templates, HTML escaped by itself, unknown names refused."""
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(("html",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def or_plain(alert: str, make: Callable[[], T], otherwise: T) -> T:
    """Return what `make` renders; where it cannot, the plain form, so that the message goes out all the same."""
    try:
        return make()
    except _RENDERING as error:
        log.warning("notification.rendering_failed", alert=alert, error=type(error).__name__)
        return otherwise
