"""What a query costs and what the app may still spend: Shopify's calculated cost and its leaky bucket.

Scalars are free, an object is 1 point, money and page info nothing. A connection of n rows is 2 plus one row's
cost times the whole part of 2 ln n. A mutation is 10 plus what is nested in it, less 1; its userErrors are free.
Fitted on recorded answers of a real shop.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    get_named_type,
    get_nullable_type,
    is_list_type,
)
from graphql.execution.values import VariableValues, get_argument_values

from sandbox.clock import Clock
from sandbox.shopify.selections import Scope, collect

MAX_QUERY_COST = 1000
FREE_TYPES = frozenset({"MoneyV2", "MoneyBag", "MailingAddress", "PageInfo"})
COUNT_COST = 10
MUTATION_COST = 10
CONNECTION_COST = 2


@dataclass(frozen=True, slots=True)
class Plan:
    """What a shop's plan grants one app: the bucket's size in points and its refill in points a second."""

    maximum_available: int
    restore_rate: int


STANDARD = Plan(2_000, 100)
ADVANCED = Plan(4_000, 200)
PLUS = Plan(20_000, 1_000)
ENTERPRISE = Plan(40_000, 2_000)


class Bucket:
    """The points that one app may still spend in one shop, refilled by the clock."""

    def __init__(self, clock: Clock, plan: Plan) -> None:
        self._clock = clock
        self._at = clock.now()
        self._level = float(plan.maximum_available)
        self.plan = plan

    def available(self) -> float:
        """Return the points there are now."""
        now = self._clock.now()
        gained = (now - self._at).total_seconds() * self.plan.restore_rate
        self._level = min(self.plan.maximum_available, self._level + gained)
        self._at = now
        return self._level

    def reserve(self, points: int) -> bool:
        """Take `points` out, or nothing and say False."""
        if self.available() < points:
            return False
        self._level -= points
        return True

    def drain(self) -> None:
        """Empty the bucket, as another of the app's processes would."""
        self.available()
        self._level = 0.0

    def give_back(self, points: int) -> None:
        """Return points that a query had reserved and did not use."""
        self._level = min(self.plan.maximum_available, self._level + points)


class Spend(NamedTuple):
    """One asked field: its own points, and how many rows it asks for where it is a connection.

    `branches` are the fields below it, one tuple per type it may turn out to be; the dearest counts.
    """

    key: str
    own: int
    rows: int | None
    branches: tuple[tuple[Spend, ...], ...]


@dataclass(frozen=True)
class Estimate:
    """A query's cost before and, with its data, after it was answered."""

    spends: tuple[Spend, ...]
    mutation: bool

    @cached_property
    def requested(self) -> int:
        """The points that have to be there before the query runs."""
        return sum(self._root(_requested(spend)) for spend in self.spends)

    def actual(self, data: Mapping[str, Any] | None) -> int:
        """Return the points that the answer was worth."""
        if data is None:
            return 0
        return sum(self._root(_actual(spend, data.get(spend.key))) for spend in self.spends)

    def _root(self, points: int) -> int:
        """Price one root field; of a mutation, its payload is one object less, and the mutation itself 10 points."""
        return MUTATION_COST + max(0, points - 2) if self.mutation else points


def _times(rows: int) -> int:
    return max(1, math.floor(2 * math.log(rows)))


def _requested(spend: Spend) -> int:
    below = max((sum(map(_requested, branch)) for branch in spend.branches), default=0)
    if spend.rows is None:
        return spend.own + below
    return CONNECTION_COST + (spend.own + below) * _times(spend.rows) if spend.rows else 0


def _actual(spend: Spend, value: Any) -> int:
    if value is None:
        return 0
    if spend.rows is None:
        if isinstance(value, list):
            return max((_actual(spend, element) for element in value), default=0)
        return spend.own + _below(spend, value)
    rows = _rows_of(value)
    if not rows:
        return CONNECTION_COST if spend.rows else 0
    return CONNECTION_COST + max(spend.own + _below(spend, row) for row in rows if row is not None) * _times(len(rows))


def _below(spend: Spend, value: Any) -> int:
    if not isinstance(value, dict):
        return 0
    return max((sum(_actual(child, value.get(child.key)) for child in branch) for branch in spend.branches), default=0)


def _rows_of(value: Any) -> list[Any]:
    """Return a connection's rows, however they were asked for; None rows are left out."""
    if isinstance(value, list):
        return [row for row in value if row is not None]
    for key, answered in value.items():
        if isinstance(answered, list) and key != "edges":
            return answered
        if isinstance(answered, list):
            return [edge.get("node") or {} for edge in answered]
    return []


def estimate(
    schema: GraphQLSchema,
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    variables: VariableValues,
) -> Estimate:
    """Return what `operation` costs; its document has been validated and `variables` coerced."""
    root = schema.get_root_type(operation.operation)
    assert root is not None  # noqa: S101 - a validated operation has its root type
    scope = Scope(schema, fragments, variables)
    spends = _fields(scope, root, [operation.selection_set])
    return Estimate(spends, operation.operation is OperationType.MUTATION)


def _fields(scope: Scope, parent: GraphQLObjectType, sets: Sequence[SelectionSetNode]) -> tuple[Spend, ...]:
    """Return the costly fields of one concrete type."""
    grouped: dict[str, list[FieldNode]] = {}
    for selections in sets:
        collect(scope, parent, selections, grouped)
    spends = (_spend(scope, parent, key, nodes) for key, nodes in grouped.items())
    return tuple(spend for spend in spends if spend is not None)


def _spend(scope: Scope, parent: GraphQLObjectType, key: str, nodes: list[FieldNode]) -> Spend | None:
    name = nodes[0].name.value
    definition = parent.fields.get(name)
    sets = [node.selection_set for node in nodes if node.selection_set is not None]
    if definition is None or not sets or name == "userErrors":
        return None
    kind = get_named_type(definition.type)
    if isinstance(kind, GraphQLObjectType) and kind.name.endswith("Connection"):
        return _connection(scope, key, definition, nodes, kind)
    own = COUNT_COST if kind.name == "Count" and parent is scope.schema.query_type else int(kind.name not in FREE_TYPES)
    if parent.name.endswith("Payload") and is_list_type(get_nullable_type(definition.type)):
        own = 0  # what a mutation lists: only what is nested in it counts
    rows = None
    if name == "nodes" and parent is scope.schema.query_type:
        rows = len(get_argument_values(definition, nodes[0], scope.variables)["ids"])
    return Spend(key, own, rows, _branches(scope, kind, sets))


def _branches(scope: Scope, kind: Any, sets: Sequence[SelectionSetNode]) -> tuple[tuple[Spend, ...], ...]:
    if isinstance(kind, GraphQLInterfaceType | GraphQLUnionType):
        return tuple(
            dict.fromkeys(_fields(scope, possible, sets) for possible in scope.schema.get_possible_types(kind))
        )
    return (_fields(scope, kind, sets),)


def _connection(
    scope: Scope, key: str, definition: GraphQLField, nodes: list[FieldNode], kind: GraphQLObjectType
) -> Spend:
    """Read a connection, whose rows stand under `nodes` or under `edges { node }`."""
    asked = get_argument_values(definition, nodes[0], scope.variables)
    rows = asked.get("first") if asked.get("first") is not None else asked.get("last")
    grouped: dict[str, list[FieldNode]] = {}
    for node in nodes:
        assert node.selection_set is not None  # noqa: S101 - a connection has a selection
        collect(scope, kind, node.selection_set, grouped)
    found = [node for group in grouped.values() for node in group]
    sets = [node.selection_set for node in found if node.name.value == "nodes" and node.selection_set]
    edge_type = get_named_type(kind.fields["edges"].type)
    for edge in (node.selection_set for node in found if node.name.value == "edges" and node.selection_set):
        inner: dict[str, list[FieldNode]] = {}
        collect(scope, edge_type, edge, inner)
        sets += [
            n.selection_set for group in inner.values() for n in group if n.name.value == "node" and n.selection_set
        ]
    row_type = get_named_type(kind.fields["nodes"].type)
    return Spend(
        key, 1, min(int(rows or 0), 100_000) if rows is None or rows > 0 else 0, _branches(scope, row_type, sets)
    )
