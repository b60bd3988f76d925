"""The limits Slack puts on Block Kit, for the blocks a message may hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

_UNCHECKED = frozenset({"rich_text", "video", "file", "table", "alert", "card", "container", "carousel", "input"})


def complaints(blocks: Sequence[Any]) -> list[str]:
    """Return what Slack would say about the blocks, each with a JSON pointer; empty where they are fine.

    Source of the limits: Slack's Block Kit reference (50 blocks; header 150; section 3,000 or 10 fields of
    2,000; context 10; actions 25; button text 75, value 2,000, url 3,000; markdown 12,000; ids 255).
    """
    return list(_message(blocks))


def control_sequences(text: str) -> list[str]:
    """Return what Slack would not show as plain text: `<!channel>`, `<@U1>`, `<https://…|label>`."""
    found, rest = [], text
    while "<" in rest:
        inner, closed, after = rest.partition("<")[2].partition(">")
        if not closed:
            break
        found.append(f"<{inner}>")
        rest = after
    return found


def marked_up_texts(blocks: Sequence[Any]) -> Iterator[str]:
    """Yield the text of every `mrkdwn` object at any depth: where control sequences have an effect."""
    for value in blocks:
        if isinstance(value, Mapping):
            if value.get("type") == "mrkdwn" and isinstance(value.get("text"), str):
                yield value["text"]
            yield from marked_up_texts(list(value.values()))
        elif isinstance(value, Sequence) and not isinstance(value, str):
            yield from marked_up_texts(value)


def _message(blocks: Sequence[Any]) -> Iterator[str]:
    yield from _count(blocks, 1, 50, "/blocks")
    seen: set[str] = set()
    for number, block in enumerate(blocks):
        pointer = f"/blocks/{number}"
        if not isinstance(block, Mapping):
            yield f"must be an object [json-pointer:{pointer}]"
            continue
        yield from _block(block, pointer)
        block_id = block.get("block_id")
        if isinstance(block_id, str) and block_id in seen:
            yield f"block_id already exists: {block_id} [json-pointer:{pointer}/block_id]"
        seen.add(str(block_id))


def _block(block: Mapping[str, Any], pointer: str) -> Iterator[str]:
    kind = block.get("type")
    check = _CHECKS.get(kind) if isinstance(kind, str) else None
    if check is not None:
        yield from check(block, pointer)
    elif kind not in _UNCHECKED:
        yield f"unsupported type: {kind} [json-pointer:{pointer}/type]"
    if "block_id" in block:
        yield from _length(block["block_id"], 1, 255, f"{pointer}/block_id")


def _header(block: Mapping[str, Any], pointer: str) -> Iterator[str]:
    yield from _text(block.get("text"), 150, f"{pointer}/text", kinds=("plain_text",))


def _section(block: Mapping[str, Any], pointer: str) -> Iterator[str]:
    if "text" not in block and "fields" not in block:
        yield f"missing required field: text or fields [json-pointer:{pointer}]"
    if "text" in block:
        yield from _text(block["text"], 3_000, f"{pointer}/text")
    if "fields" in block:
        yield from _count(block["fields"], 1, 10, f"{pointer}/fields")
        for number, text in _items(block["fields"]):
            yield from _text(text, 2_000, f"{pointer}/fields/{number}")
    if "accessory" in block:
        yield from _element(block["accessory"], f"{pointer}/accessory")


def _context(block: Mapping[str, Any], pointer: str) -> Iterator[str]:
    yield from _count(block.get("elements"), 1, 10, f"{pointer}/elements")
    for number, element in _items(block.get("elements")):
        place = f"{pointer}/elements/{number}"
        if isinstance(element, Mapping) and element.get("type") == "image":
            yield from _image(element, place)
        else:
            yield from _text(element, 3_000, place)


def _actions(block: Mapping[str, Any], pointer: str) -> Iterator[str]:
    yield from _count(block.get("elements"), 1, 25, f"{pointer}/elements")
    for number, element in _items(block.get("elements")):
        yield from _element(element, f"{pointer}/elements/{number}")


def _element(element: Any, pointer: str) -> Iterator[str]:
    if not isinstance(element, Mapping) or not isinstance(element.get("type"), str):
        yield f"missing required field: type [json-pointer:{pointer}]"
    elif element["type"] == "button":
        yield from _text(element.get("text"), 75, f"{pointer}/text", kinds=("plain_text",))
        for name, most in (("action_id", 255), ("value", 2_000), ("url", 3_000)):
            if name in element:
                yield from _length(element[name], 1, most, f"{pointer}/{name}")
        if element.get("style") not in (None, "primary", "danger"):
            yield f"style must be primary or danger [json-pointer:{pointer}/style]"
    elif element["type"] == "image":
        yield from _image(element, pointer)


def _image(block: Mapping[str, Any], pointer: str) -> Iterator[str]:
    yield from _length(block.get("alt_text"), 1, 2_000, f"{pointer}/alt_text")
    if "slack_file" not in block:
        yield from _length(block.get("image_url"), 1, 3_000, f"{pointer}/image_url")


def _markdown(block: Mapping[str, Any], pointer: str) -> Iterator[str]:
    yield from _length(block.get("text"), 1, 12_000, f"{pointer}/text")


def _divider(_block: Mapping[str, Any], _pointer: str) -> Iterator[str]:
    yield from ()


_CHECKS: Mapping[str, Callable[[Mapping[str, Any], str], Iterator[str]]] = {
    "header": _header,
    "section": _section,
    "context": _context,
    "actions": _actions,
    "image": _image,
    "markdown": _markdown,
    "divider": _divider,
}


def _text(value: Any, most: int, pointer: str, *, kinds: Sequence[str] = ("plain_text", "mrkdwn")) -> Iterator[str]:
    """Check a text object."""
    if not isinstance(value, Mapping):
        yield f"must be a text object [json-pointer:{pointer}]"
        return
    kind = value.get("type")
    if kind not in kinds:
        yield f"must be one of {', '.join(kinds)} [json-pointer:{pointer}/type]"
        return
    allowed = {"type", "text", "emoji" if kind == "plain_text" else "verbatim"}
    for name in sorted(set(value) - allowed):
        yield f"no more fields allowed: {name} [json-pointer:{pointer}]"
    yield from _length(value.get("text"), 1, most, f"{pointer}/text")


def _length(value: Any, least: int, most: int, pointer: str) -> Iterator[str]:
    if not isinstance(value, str):
        yield f"must provide a string [json-pointer:{pointer}]"
    elif len(value) < least:
        yield f"must be more than {least - 1} characters [json-pointer:{pointer}]"
    elif len(value) > most:
        yield f"must be less than {most + 1} characters [json-pointer:{pointer}]"


def _count(value: Any, least: int, most: int, pointer: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"must be an array [json-pointer:{pointer}]"
    elif len(value) < least:
        yield f"no fewer than {least} items allowed [json-pointer:{pointer}]"
    elif len(value) > most:
        yield f"no more than {most} items allowed [json-pointer:{pointer}]"


def _items(value: Any) -> Iterator[tuple[int, Any]]:
    if isinstance(value, list):
        yield from enumerate(value)
