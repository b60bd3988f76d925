"""What a bulk query may ask, and the lines that it writes.

Edges only, one to five connections, two levels of them, no node or nodes at the top, no variables. Every line is
one object; children carry `__parentId`, the id of the nearest object above them that has a line of its own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
    parse,
    validate,
)
from graphql.execution.values import get_argument_values

from sandbox.shopify.context import Context
from sandbox.shopify.selections import Scope, collect
from sandbox.shopify.wire import datetime_text

MAX_BYTES = 65_535
MAX_CONNECTIONS = 5
MAX_DEPTH = 2


class Field(NamedTuple):
    """One asked field, ready to be read off many objects."""

    key: str
    resolve: Callable[..., Any] | None  # None for __typename
    asked: dict[str, Any]
    kind: str  # leaf, date, object, list or connection
    below: tuple[Field, ...]
    type_name: str


class _Info(NamedTuple):
    context: Context
    path: None = None


class Query(NamedTuple):
    """A bulk query that was accepted; `coordinates` are the types and fields that its token has to be good for."""

    fields: tuple[Field, ...]
    coordinates: frozenset[str]


def read_bulk_query(schema: GraphQLSchema, text: str) -> Query | list[str]:
    """Return the query ready to run, or why it is refused."""
    if len(text.encode()) > MAX_BYTES:
        return [f"The query is longer than {MAX_BYTES} bytes."]
    try:
        document = parse(text, no_location=True)
    except GraphQLSyntaxError as wrong:
        return [f"Invalid bulk query: {wrong.message}"]
    refusals = [f"Invalid bulk query: {wrong.message}" for wrong in validate(schema, document)]
    if refusals:
        return refusals
    operation, refused = _only_operation(document)
    if operation is None:
        return refused
    return _planned(schema, document, operation)


def _only_operation(document: DocumentNode) -> tuple[OperationDefinitionNode | None, list[str]]:
    operations = [found for found in document.definitions if isinstance(found, OperationDefinitionNode)]
    if len(operations) != 1 or operations[0].operation is not OperationType.QUERY:
        return None, ["A bulk query is one query operation."]
    if operations[0].variable_definitions:
        return None, ["Variables are not supported in bulk queries."]
    return operations[0], []


def _planned(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode) -> Query | list[str]:
    fragments = {found.name.value: found for found in document.definitions if isinstance(found, FragmentDefinitionNode)}
    planner = _Planner(Scope(schema, fragments, None))
    assert schema.query_type is not None  # noqa: S101 - our schema has one
    fields = planner.fields(schema.query_type, [operation.selection_set], depth=0, in_list=False)
    if {field.key for field in fields if field.kind != "connection"} & {"node", "nodes"}:
        planner.refusals.append("Bulk queries cannot contain a top level `node` or `nodes` field.")
    if not planner.connections:
        planner.refusals.append("Bulk queries must contain at least one connection.")
    if planner.connections > MAX_CONNECTIONS:
        planner.refusals.append(f"Bulk queries cannot contain more than {MAX_CONNECTIONS} connections.")
    return planner.refusals or Query(fields, frozenset(planner.coordinates))


class _Planner:
    """Turns selections into fields and notes what is not allowed on the way."""

    def __init__(self, reading: Scope) -> None:
        self._reading = reading
        self.connections = 0
        self.coordinates: set[str] = set()
        self.refusals: list[str] = []

    def fields(
        self, parent: GraphQLObjectType, sets: Iterable[SelectionSetNode], *, depth: int, in_list: bool
    ) -> tuple[Field, ...]:
        grouped: dict[str, list[FieldNode]] = {}
        for selections in sets:
            collect(self._reading, parent, selections, grouped)
        return tuple(self._field(parent, key, nodes, depth, in_list=in_list) for key, nodes in grouped.items())

    def _field(
        self, parent: GraphQLObjectType, key: str, nodes: list[FieldNode], depth: int, *, in_list: bool
    ) -> Field:
        name = nodes[0].name.value
        if name == "__typename":
            return Field(key, None, {}, "leaf", (), parent.name)
        definition = parent.fields[name]
        kind = get_named_type(definition.type)
        self.coordinates |= {f"{parent.name}.{name}", kind.name}
        asked = get_argument_values(definition, nodes[0])
        resolve = definition.resolve
        sets = [node.selection_set for node in nodes if node.selection_set is not None]
        if is_leaf_type(kind):
            return Field(key, resolve, asked, "date" if kind.name == "DateTime" else "leaf", (), kind.name)
        kind = self._concrete(kind)
        if not isinstance(kind, GraphQLObjectType):
            return Field(key, resolve, asked, "object", (), kind.name)
        if kind.name.endswith("Connection"):
            return self._connection(
                Field(key, resolve, asked, "connection", (), kind.name), kind, sets, depth, in_list=in_list
            )
        is_list = is_list_type(get_nullable_type(definition.type))
        below = self.fields(kind, sets, depth=depth, in_list=in_list or is_list)
        return Field(key, resolve, asked, "list" if is_list else "object", below, kind.name)

    def _connection(
        self, field: Field, kind: GraphQLObjectType, sets: list[SelectionSetNode], depth: int, *, in_list: bool
    ) -> Field:
        self.connections += 1
        if in_list:
            self.refusals.append("Bulk queries cannot contain a connection field within a list field.")
        if depth >= MAX_DEPTH:
            self.refusals.append(
                f"Bulk queries cannot contain connections with a nesting depth greater than {MAX_DEPTH}."
            )
        row_type = self._concrete(get_named_type(kind.fields["nodes"].type))
        self.coordinates.add(row_type.name)
        below = self.fields(row_type, self._rows(kind, sets), depth=depth + 1, in_list=False)
        if any(_holds_connection(found) for found in below) and not any(found.key == "id" for found in below):
            self.refusals.append("The parent 'node' field for a nested connection must select the 'id' field.")
        return field._replace(below=below, type_name=row_type.name)

    def _concrete(self, kind: Any) -> Any:
        """Return the only type that an interface's rows are of here; other types are what they are."""
        possible = self._reading.schema.get_possible_types(kind) if isinstance(kind, GraphQLInterfaceType) else ()
        return possible[0] if len(possible) == 1 else kind

    def _rows(self, kind: GraphQLObjectType, sets: list[SelectionSetNode]) -> list[SelectionSetNode]:
        grouped: dict[str, list[FieldNode]] = {}
        for selections in sets:
            collect(self._reading, kind, selections, grouped)
        found = [node for group in grouped.values() for node in group]
        if any(node.name.value == "nodes" for node in found):
            self.refusals.append("Bulk queries cannot select `nodes`; use `edges { node }`.")
        edge_type = get_named_type(kind.fields["edges"].type)
        inner: dict[str, list[FieldNode]] = {}
        for edge in found:
            if edge.name.value == "edges" and edge.selection_set is not None:
                collect(self._reading, edge_type, edge.selection_set, inner)
        wanted = [node for group in inner.values() for node in group if node.name.value == "node"]
        return [node.selection_set for node in wanted if node.selection_set is not None]


def _holds_connection(field: Field) -> bool:
    return field.kind == "connection" or any(map(_holds_connection, field.below))


def export(query: Query, context: Context, root: Any, *, grouped: bool) -> tuple[list[bytes], int]:
    """Return the file's lines and how many of them have no parent.

    `grouped` puts children right behind their parent; otherwise all parents come first.
    """
    writer = _Writer(context, grouped=grouped)
    roots = writer.start(query.fields, root)
    return writer.lines, roots


class _Writer:
    """Reads objects and writes lines."""

    def __init__(self, context: Context, *, grouped: bool) -> None:
        self._info = _Info(context)
        self._grouped = grouped
        self._waiting: list[tuple[Field, list[Any], str]] = []
        self.lines: list[bytes] = []

    def start(self, fields: tuple[Field, ...], root: Any) -> int:
        found: list[tuple[Field, list[Any]]] = []
        self._read(fields, root, found)
        roots = 0
        for field, rows in found:
            roots += len(rows)
            self._write(field, rows, "")
        while self._waiting:
            waiting, self._waiting = self._waiting, []
            for field, rows, parent in waiting:
                self._write(field, rows, parent)
        return roots

    def _write(self, field: Field, rows: list[Any], parent: str) -> None:
        for row in rows:
            below: list[tuple[Field, list[Any]]] = []
            answered = self._read(field.below, row, below)
            if parent:
                answered["__parentId"] = parent
            self.lines.append(json.dumps(answered, separators=(",", ":")).encode() + b"\n")
            for child, children in below:
                if self._grouped:
                    self._write(child, children, row.id)
                else:
                    self._waiting.append((child, children, row.id))

    def _read(self, fields: tuple[Field, ...], source: Any, below: list[tuple[Field, list[Any]]]) -> dict[str, Any]:
        answered: dict[str, Any] = {}
        for key, resolve, asked, kind, inner, type_name in fields:
            if resolve is None:
                answered[key] = type_name
                continue
            value = resolve(source, self._info, **asked)
            if kind == "connection":
                below.append((Field(key, resolve, asked, kind, inner, type_name), value.nodes))
            elif value is None or kind == "leaf":
                answered[key] = value
            elif kind == "date":
                answered[key] = datetime_text(value) if isinstance(value, datetime) else value
            elif kind == "list":
                answered[key] = [self._read(inner, element, below) for element in value]
            else:
                answered[key] = self._read(inner, value, below)
        return answered
