"""The query language of lists: operators, `or`, relation filters, sorting and cursors, read from the query string."""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from enum import Enum
from urllib.parse import parse_qsl, unquote, unquote_plus

from sandbox.lightspeed.wire import ApiError, Value

MAX_LIMIT = 100
MAX_IN = 100
_OPERATORS = ("><", ">=", "<=", "!=", "!~", ">", "<", "~", "=", "IN")
RANGES = frozenset({"><", ">=", "<=", ">", "<"})
_CONTROL = frozenset({"limit", "sort", "after", "before", "count", "load_relations", "archived", "or"})
_GONE = ("offset", "orderby", "orderby_desc")


class Kind(Enum):
    """How the operands of a field are read."""

    TEXT = "text"
    INT = "int"
    NUMBER = "number"
    BOOL = "bool"
    TIME = "time"


@dataclass(frozen=True, slots=True)
class Condition:
    """One `field=op,value`; `field` may be `Relation.field`."""

    field: str
    operator: str
    operands: tuple[str, ...]

    @property
    def relation(self) -> str:
        """Return the relation the field belongs to, "" for the row's own field."""
        return self.field.rpartition(".")[0]

    @property
    def own_field(self) -> str:
        """Return the field without its relation."""
        return self.field.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class Query:
    """What a list request asks for. `either` are the operands of `or`; `sort` may start with `-`."""

    conditions: tuple[Condition, ...] = ()
    either: tuple[Condition, ...] = ()
    relations: tuple[str, ...] = ()
    all_relations: bool = False
    archived: str = "false"
    sort: str = ""
    limit: int = MAX_LIMIT
    after: tuple[object, ...] | None = None
    before: tuple[object, ...] | None = None
    count: bool = False
    pairs: tuple[tuple[str, str], ...] = ()  # as given, for the next link to repeat


def parse(query_string: str) -> Query:
    """Read a query string; raises ApiError (400) for what V3 does not take."""
    pairs = parse_qsl(query_string, keep_blank_values=True)
    given = dict(pairs)
    for name in _GONE:
        if name in given:
            raise ApiError(400, f"The parameter '{name}' is not supported. Use sort, after and before.")
    count = given.get("count", "0") in ("1", "true")
    if count and given.keys() & {"limit", "sort", "after", "before"}:
        raise ApiError(400, "The parameter 'count' cannot be combined with limit, sort, after or before.")
    relations, everything = read_relations(given.get("load_relations", ""))
    return Query(
        conditions=tuple(_condition(name, value) for name, value in pairs if name not in _CONTROL),
        either=_either(given["or"]) if "or" in given else (),
        relations=relations,
        all_relations=everything,
        archived=_one_of(given.get("archived", "false"), ("false", "true", "only"), "archived"),
        sort=given.get("sort", ""),
        limit=_limit(given.get("limit", str(MAX_LIMIT))),
        after=_cursor(given["after"]) if "after" in given else None,
        before=_cursor(given["before"]) if "before" in given else None,
        count=count,
        pairs=tuple(pairs),
    )


def read_relations(value: str) -> tuple[tuple[str, ...], bool]:
    """Read `load_relations`: a JSON array of names, or `all`; raises ApiError (400)."""
    if not value:
        return (), False
    if value == "all":
        return (), True
    try:
        names = json.loads(value)
    except json.JSONDecodeError as error:
        raise ApiError(400, "load_relations must be a JSON array of relation names.") from error
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ApiError(400, "load_relations must be a JSON array of relation names.")
    return tuple(dict.fromkeys(names)), False


def _one_of(value: str, allowed: Sequence[str], name: str) -> str:
    if value not in allowed:
        raise ApiError(400, f"Invalid value '{value}' for parameter '{name}'.")
    return value


def _limit(value: str) -> int:
    if not re.fullmatch(r"\d{1,9}", value) or int(value) > MAX_LIMIT:
        raise ApiError(400, f"Invalid limit '{value}'. The limit is between 0 and {MAX_LIMIT}.")
    return int(value)


def _condition(field: str, value: str) -> Condition:
    for operator in _OPERATORS:
        if value.startswith(operator + ","):
            return Condition(field, operator, _operands(operator, value[len(operator) + 1 :]))
    return Condition(field, "=", (value,))


def _operands(operator: str, value: str) -> tuple[str, ...]:
    if operator == "IN":
        values = tuple(part.strip().strip('"') for part in value.strip("[]").split(","))
        if len(values) > MAX_IN:
            raise ApiError(400, f"IN takes at most {MAX_IN} values.")
        return values
    if operator == "><":
        values = tuple(value.split(","))
        if len(values) != 2:
            raise ApiError(400, "The operator >< takes two values.")
        return values
    return (value,)


def _either(value: str) -> tuple[Condition, ...]:
    """Read `or`: operands parted by a pipe, their values encoded once more."""
    conditions = []
    for part in value.split("|"):
        field, equals, operand = part.partition("=")
        if not equals:
            raise ApiError(400, "The parameter 'or' is malformed.")
        conditions.append(_condition(unquote(field), unquote_plus(operand)))
    return tuple(conditions)


def _cursor(value: str) -> tuple[object, ...]:
    try:
        keys = json.loads(b64decode(value, validate=True))
    except (Base64Error, ValueError) as error:
        raise ApiError(400, "The cursor is invalid.") from error
    if not isinstance(keys, list) or not 1 <= len(keys) <= 2:
        raise ApiError(400, "The cursor is invalid.")
    return tuple(keys)


def cursor(keys: Sequence[object]) -> str:
    """Return a cursor: base64 of the JSON array of an edge row's sort keys (`[105]` is `WzEwNV0=`)."""
    return b64encode(json.dumps(list(keys), separators=(",", ":")).encode()).decode()


def read(kind: Kind, value: str, field: str) -> Value:
    """Read one operand as the kind of its field; raises ApiError (400)."""
    try:
        if kind is Kind.INT:
            return int(value)
        if kind is Kind.NUMBER:
            return Decimal(value)
        if kind is Kind.TIME:
            return read_time(value)
    except (ValueError, InvalidOperation) as error:
        raise ApiError(400, f"Invalid value '{value}' for field '{field}'.") from error
    if kind is Kind.BOOL:
        return _one_of(value.lower(), ("true", "false", "1", "0"), field) in ("true", "1")
    return value


def read_time(value: str) -> datetime:
    """Read a time with its offset, as UTC in whole seconds; raises ValueError.

    A `+` that was not percent-encoded arrives as a space and is refused.
    """
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC).replace(microsecond=0)


Test = Callable[[Value], bool]


def test_of(condition: Condition, kind: Kind) -> Test:
    """Return the test of a condition on a field's value; raises ApiError (400)."""
    if condition.operator in ("~", "!~"):
        pattern = _like(condition.operands[0])
        wanted = condition.operator == "~"
        return lambda value: (pattern.fullmatch(_plain(value)) is not None) is wanted
    operands = [read(kind, operand, condition.field) for operand in condition.operands]
    if kind is Kind.TEXT:  # MySQL's collation: case does not matter
        operands = [str(operand).casefold() for operand in operands]
        compare = _comparison(condition.operator, operands)
        return lambda value: compare(_plain(value).casefold())
    return _comparison(condition.operator, operands)


def _comparison(operator: str, operands: Sequence[Value]) -> Test:
    first: object = operands[0]
    several = frozenset(operands)
    tests: Mapping[str, Test] = {
        "=": lambda value: value == first,
        "!=": lambda value: value != first,
        "IN": lambda value: value in several,
        ">": lambda value: value is not None and value > first,  # type: ignore[operator]
        ">=": lambda value: value is not None and value >= first,  # type: ignore[operator]
        "<": lambda value: value is not None and value < first,  # type: ignore[operator]
        "<=": lambda value: value is not None and value <= first,  # type: ignore[operator]
        "><": lambda value: value is not None and first <= value <= operands[-1],  # type: ignore[operator]
    }
    return tests[operator]


def _like(value: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in value.split("%")), re.IGNORECASE | re.DOTALL)


def _plain(value: Value) -> str:
    return value if isinstance(value, str) else str(value)
