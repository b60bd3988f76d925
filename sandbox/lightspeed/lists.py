"""Serving lists: filters, order, cursor pages and counts over the tables."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from urllib.parse import quote

from sandbox.lightspeed.books import Books
from sandbox.lightspeed.query import Condition, Kind, Query, cursor, read, read_time, test_of
from sandbox.lightspeed.resources import RESOURCES, Resource, check_relations, many_of, render
from sandbox.lightspeed.wire import ApiError, Json, Value, page, text

Keys = tuple[Any, ...]  # an edge row's sort keys, its id last
RowTest = Callable[[Any], bool]

_NEVER = datetime.min.replace(tzinfo=UTC)  # where a row without the time sorts


@dataclass(frozen=True, slots=True)
class _Order:
    """A list's order: the ascending sort keys of its rows, and the direction they are walked in."""

    keys: Sequence[Keys]
    descending: bool
    field: str


def answer(books: Books, resource: Resource, query: Query, link: Callable[[str], str]) -> Json:
    """Return a list's envelope; `link` makes a full URL of a query string. Raises ApiError (400)."""
    relations = tuple(many_of(resource)) if query.all_relations else query.relations
    check_relations(resource, relations)
    loaded = replace(query, relations=relations)
    matches = _matcher(books, resource, loaded)
    if query.count:
        total = sum(1 for row in _candidates(books, resource, loaded) if matches(row))
        return {"@attributes": {"count": str(total)}}
    order = _order(books, resource, loaded)
    rows, more_before, more_after = _page(books, resource, loaded, order, matches)
    shown = [render(books, resource, row, relations) for row in rows]
    following = link(_cursor_query(resource, query, order, "after", rows[-1])) if rows and more_after else ""
    previous = link(_cursor_query(resource, query, order, "before", rows[0])) if rows and more_before else ""
    return page(resource.name, shown, following, previous)


def _page(
    books: Books, resource: Resource, query: Query, order: _Order, matches: RowTest
) -> tuple[list[Any], bool, bool]:
    """Return the page's rows in order, and whether there are rows before and after it."""
    table = resource.table(books)
    backwards = query.before is not None
    edge = _edge(resource, order, query.before or query.after)
    walk = _walk(order, edge, reverse=order.descending is not backwards, low=_low(resource, query, order))
    taken = list(islice((row for keys in walk if matches(row := table[keys[-1]])), query.limit + 1))
    more = len(taken) > query.limit
    taken = taken[: query.limit]
    if backwards:
        return taken[::-1], more, True
    return taken, query.after is not None, more


def _walk(order: _Order, edge: Keys | None, *, reverse: bool, low: Value) -> Iterator[Keys]:
    """Yield sort keys from behind the edge on; `low` is a bound below which nothing can match."""
    keys = order.keys
    if reverse:
        start = len(keys) if edge is None else bisect_left(keys, edge)
        return (keys[at] for at in range(start - 1, -1, -1))
    start = 0 if edge is None else bisect_right(keys, edge)
    if low is not None:
        start = max(start, bisect_left(keys, (low,)))
    return (keys[at] for at in range(start, len(keys)))


def _low(resource: Resource, query: Query, order: _Order) -> Value:
    """Return the lower bound that the filters put on the sort field, None where there is none."""
    for condition in query.conditions:
        if condition.field == order.field and condition.operator in (">", ">=", "><"):
            return read(resource.columns[order.field].kind, condition.operands[0], order.field)
    return None


def _order(books: Books, resource: Resource, query: Query) -> _Order:
    """Return the order asked for, the id's by default; raises ApiError (400) off the whitelist."""
    sort = query.sort
    field = sort.removeprefix("-")
    if field and field not in (*resource.sortable, resource.key):
        raise ApiError(400, f"Sorting by '{field}' is not supported for {resource.name}.")
    field = {"": resource.key, "id": resource.key, "updatetime": "updateTime"}.get(field, field)
    table, descending = resource.table(books), sort.startswith("-")
    few = _indexed(books, resource, query)
    if few is None and field == resource.key:
        return _Order(table.order_by_key(), descending, field)
    if few is None and field == "timeStamp":
        return _Order(table.order_by_stamp(), descending, field)
    rows = table if few is None else few
    keys = sorted({_keys(resource, field, row) for row in rows})
    return _Order(keys, descending, field)


def _keys(resource: Resource, field: str, row: Any) -> Keys:
    """Return a row's sort keys, its id last."""
    key = resource.key_of(row)
    if field == resource.key:
        return (key,)
    value = resource.columns[field].read(row)
    return (_NEVER if value is None else value, key)


def _edge(resource: Resource, order: _Order, given: tuple[object, ...] | None) -> Keys | None:
    """Return a cursor's keys with native values; raises ApiError (400) for one of another order."""
    if given is None:
        return None
    wanted = 1 if order.field == resource.key else 2
    key = given[-1]
    if len(given) != wanted or not isinstance(key, int):
        raise ApiError(400, "The cursor does not belong to this order.")
    if wanted == 1:
        return (key,)
    kind = resource.columns[order.field].kind
    return (read_time(str(given[0])) if kind is Kind.TIME else read(kind, str(given[0]), order.field), key)


def _cursor_query(resource: Resource, query: Query, order: _Order, name: str, row: Any) -> str:
    """Return the query string that continues a walk: all filters, sort and limit made explicit, and the cursor."""
    keys = [value if isinstance(value, int) else text(value) for value in _keys(resource, order.field, row)]
    kept = [(field, value) for field, value in query.pairs if field not in ("after", "before", "sort", "limit")]
    sort = query.sort or resource.key
    pairs = [*kept, ("sort", sort), ("limit", str(query.limit)), (name, cursor(keys))]
    return "&".join(f"{quote(field, safe='')}={quote(value, safe='')}" for field, value in pairs)


def _candidates(books: Books, resource: Resource, query: Query) -> Sequence[Any] | Any:
    found = _indexed(books, resource, query)
    return resource.table(books) if found is None else found


def _indexed(books: Books, resource: Resource, query: Query) -> Sequence[Any] | None:
    """Return the rows an index narrows the list to, None where no index helps."""
    table = resource.table(books)
    for condition in query.conditions:
        if condition.operator in ("=", "IN") and table.indexes(condition.field):
            kind = resource.columns[condition.field].kind
            values = [read(kind, operand, condition.field) for operand in condition.operands]
            folded = [value.casefold() if isinstance(value, str) else value for value in values]
            return [row for value in dict.fromkeys(folded) for row in table.having(condition.field, value)]
    return None


def _matcher(books: Books, resource: Resource, query: Query) -> RowTest:
    """Return the test of all filters; raises ApiError (400) for unknown fields and bad values."""
    own: list[RowTest] = [_own_test(resource, each) for each in query.conditions if not each.relation]
    by_relation: dict[str, list[Condition]] = defaultdict(list)
    for condition in query.conditions:
        if condition.relation:
            by_relation[condition.relation].append(condition)
    own += [_relation_test(books, resource, query, name, each) for name, each in by_relation.items()]
    if query.either:
        tests = [_one_test(books, resource, query, condition) for condition in query.either]
        own.append(lambda row: any(test(row) for test in tests))
    if resource.hides_archived and query.archived != "true":
        wanted = query.archived == "only"
        archived = resource.columns["archived"].read
        own.append(lambda row: archived(row) is wanted)
    searched = resource.searched
    if searched is not None:
        own.append(lambda row: searched(books, row))
    if len(own) == 1:
        return own[0]
    return lambda row: all(test(row) for test in own)


def _one_test(books: Books, resource: Resource, query: Query, condition: Condition) -> RowTest:
    if condition.relation:
        return _relation_test(books, resource, query, condition.relation, [condition])
    return _own_test(resource, condition)


def _own_test(resource: Resource, condition: Condition) -> RowTest:
    field = "updateTime" if condition.field == "updatetime" else condition.field
    if field in resource.pseudo:
        if condition.operator not in ("=", "IN"):
            raise ApiError(400, f"The field '{field}' takes only = and IN.")
        codes = resource.pseudo[field]
        wanted = frozenset(condition.operands)
        return lambda row: any(code in wanted for code in codes(row) if code)
    column = resource.columns.get(field)
    if column is None:
        raise ApiError(400, f"Invalid field '{condition.field}' for {resource.name}.")
    test, value = test_of(condition, column.kind), column.read
    return lambda row: test(value(row))


def _relation_test(
    books: Books, resource: Resource, query: Query, name: str, conditions: Sequence[Condition]
) -> RowTest:
    """Return the test that at least one related row meets all conditions; the relation must be loaded."""
    relation = resource.relations.get(name)
    if relation is None or name not in query.relations:
        raise ApiError(400, f"The relation '{name}' must be loaded to filter by it.")
    target = RESOURCES[relation.resource]
    tests = [_own_test(target, replace(condition, field=condition.own_field)) for condition in conditions]
    find = relation.find
    return lambda row: any(all(test(each) for test in tests) for each in find(books, row))


def one(books: Books, resource: Resource, row: Any, query: Query) -> Json:
    """Return a single object with the relations asked for; raises ApiError (400)."""
    relations = tuple(many_of(resource)) if query.all_relations else query.relations
    check_relations(resource, relations)
    return render(books, resource, row, relations)
