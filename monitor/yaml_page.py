"""Reads plain YAML and remembers where everything stands, so that a mistake can be told with line and column.

No aliases, no tags, no duplicate keys, limited in size and depth.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, StreamMark, YAMLError
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent, NodeEvent
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from monitor.units import encodable, shown
from monitor.yaml_words import Complaint, in_plain_words

MOST_BYTES = 256 * 1024
_DEEPEST = 12
_TAG = "tag:yaml.org,2002:"
Loc: TypeAlias = tuple[int | str, ...]
"""Where something stands in the data: keys and positions from the outside in."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong, and where: line and column count from 1."""

    file: str
    line: int
    column: int
    problem: str
    remedy: str

    def __str__(self) -> str:
        """Write it as one line, as editors and terminals understand it."""
        return f"{self.file}:{self.line}:{self.column}: {self.problem}; {self.remedy}"


@dataclass(slots=True)
class Page:
    """The file while it is being read: mistakes so far, what is only doubtful, and where each key and value stands.

    `texts` are the values that stand in one line as they are: a place within such a text is a place in the file.
    """

    file: str
    mistakes: list[Mistake] = field(default_factory=list)
    doubts: list[Mistake] = field(default_factory=list)
    keys: dict[Loc, StreamMark] = field(default_factory=dict)
    values: dict[Loc, StreamMark] = field(default_factory=dict)
    texts: dict[Loc, int] = field(default_factory=dict)

    def add(self, mark: StreamMark | None, problem: str, remedy: str) -> None:
        """Report a mistake at a mark; at the file's beginning where there is none."""
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
        self.mistakes.append(Mistake(self.file, line, column, problem, remedy))

    def at(self, loc: Loc, problem: str, remedy: str, *, key: bool = False, within: int = 0) -> None:
        """Report a mistake at a value, so many characters `within` its text; at its key; or around it."""
        line, column = self._place(loc, key=key)
        if within and loc in self.texts:
            column += self.texts[loc] + within
        self.mistakes.append(Mistake(self.file, line, column, problem, remedy))

    def doubt(self, loc: Loc, problem: str, remedy: str, *, key: bool = False) -> None:
        """Report at a value, or at its key, what is no mistake but probably not meant."""
        self.doubts.append(Mistake(self.file, *self._place(loc, key=key), problem, remedy))

    def line(self, loc: Loc) -> int:
        """Return the line of a value."""
        return self._place(loc)[0]

    def _place(self, loc: Loc, *, key: bool = False) -> tuple[int, int]:
        first, second = (self.keys, self.values) if key else (self.values, self.keys)
        for length in range(len(loc), -1, -1):
            mark = first.get(loc[:length]) or second.get(loc[:length])
            if mark is not None:
                return mark.line + 1, mark.column + 1
        return 1, 1


def plain_data(raw: bytes, page: Page) -> Any:
    """Return the data of a file given as bytes; None where it is empty, or where `page` has got a mistake."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - raw.rfind(b"\n", 0, error.start)
        page.mistakes.append(Mistake(page.file, line, column, "this is not UTF-8", "save the file as UTF-8"))
        return None
    try:
        if not _is_plain(text, page):
            return None
        node = _reader().compose(text)
    except YAMLError as error:
        _unreadable(error, text, page)
        return None
    return None if node is None else _value(node, (), page)


def _reader() -> YAML:
    return YAML(typ="safe", pure=True)


def _is_plain(text: str, page: Page) -> bool:
    """Refuse aliases, tags and depth before anything is built from them; False where building would be unsafe."""
    depth = documents = 0
    plain = True
    for event in _reader().parse(text):
        documents += type(event).__name__ == "DocumentStartEvent"
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        if isinstance(event, AliasEvent) or (isinstance(event, NodeEvent) and event.anchor is not None):
            page.add(event.start_mark, "anchors and aliases are not taken", "write the value out")
            plain = False
        if depth > _DEEPEST:
            page.add(event.start_mark, "this is nested too deeply", "see docs/alerts.md for the file's shape")
            return False
        if documents > 1:
            page.add(event.start_mark, "a second document begins here", "keep everything in one; remove the ---")
            return False
    return plain


def _unreadable(error: YAMLError, text: str, page: Page) -> None:
    if isinstance(error, ReaderError):
        before = text[: error.position]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        problem = f"the character {shown(text[error.position : error.position + 1])} is not taken"
        page.mistakes.append(Mistake(page.file, line, column, problem, "remove it"))
    elif isinstance(error, MarkedYAMLError):
        said = " ".join(str(error.problem or error.context or "").split())
        complaint = Complaint(said, _place_of(error.problem_mark), _place_of(error.context_mark))
        plain = in_plain_words(complaint, text.splitlines())
        line, column = plain.place or (0, 0)
        page.mistakes.append(Mistake(page.file, line + 1, column + 1, plain.problem, plain.remedy))
    else:
        page.add(None, "this is not YAML", "see docs/alerts.md for the file's shape")


def _place_of(mark: StreamMark | None) -> tuple[int, int] | None:
    return None if mark is None else (mark.line, mark.column)


def _value(node: Node, loc: Loc, page: Page) -> Any:
    page.values.setdefault(loc, node.start_mark)
    match node:
        case MappingNode():
            return _mapping(node, loc, page)
        case SequenceNode():
            return [_value(each, (*loc, number), page) for number, each in enumerate(node.value)]
        case _:
            if isinstance(node, ScalarNode):
                _remember_text(node, loc, page)
                _refuse_halves(node, page)
            return _scalar(node, page)


def _refuse_halves(node: ScalarNode, page: Page) -> None:
    """Refuse what an escape can name and no UTF-8 can hold: half of a character."""
    text = str(node.value)
    if encodable(text) != text:
        page.add(node.start_mark, f"{shown(text)} holds half of a character", "write the character itself")


def _remember_text(node: ScalarNode, loc: Loc, page: Page) -> None:
    """Remember how far behind a value's beginning its text begins, where it stands in one line as it is."""
    quote = 1 if node.style in ("'", '"') else 0
    begin, end = node.start_mark, node.end_mark
    if begin.line == end.line and end.column - begin.column == len(str(node.value)) + 2 * quote:
        page.texts[loc] = quote


def _mapping(node: MappingNode, loc: Loc, page: Page) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = key_node.value
        if not isinstance(key_node, ScalarNode) or not isinstance(key, str):
            page.add(key_node.start_mark, "this is not a key", "use a single word before the colon")
        elif key in found:
            page.add(key_node.start_mark, f"{shown(key)} stands here twice", "keep one of them")
        else:
            _refuse_halves(key_node, page)
            page.keys[(*loc, key)] = key_node.start_mark
            found[key] = _value(value_node, (*loc, key), page)
    return found


_SCALARS: Mapping[str, Callable[[str], Any]] = {
    f"{_TAG}str": str,
    f"{_TAG}null": lambda _: None,
    f"{_TAG}bool": lambda text: text.lower() == "true",
    f"{_TAG}int": lambda text: int(text) if text.lstrip("+-").isdecimal() else text,  # nobody means 5 by 0x5
    f"{_TAG}float": float,
    f"{_TAG}timestamp": str,
}


def _scalar(node: Node, page: Page) -> Any:
    make = _SCALARS.get(str(node.tag))
    if make is None:
        page.add(node.start_mark, f"the tag {shown(str(node.tag))} is not taken", "write a plain value")
        return None
    try:
        return make(node.value)
    except ValueError:
        return str(node.value)
