"""Answers one GraphQL request: document, variables, cost, list sizes, bucket, scopes, then the resolvers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    GraphQLError,
    GraphQLResolveInfo,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    execute_sync,
    get_named_type,
)
from graphql.execution.values import VariableValues, get_argument_values

from sandbox.shopify.access import REQUIRED, Grant
from sandbox.shopify.context import Context
from sandbox.shopify.cost import MAX_QUERY_COST, Bucket, Estimate, estimate
from sandbox.shopify.documents import Document, Error, coerce_variables, read_document
from sandbox.shopify.schema import schema_of
from sandbox.shopify.selections import Scope, collect

INPUT_LIMIT = 250
OTHER_LIMITS: Mapping[tuple[str, ...], int] = {("productSet", "input", "variants"): 2_048}  # lists that may be longer
INPUT_POINTS: Mapping[tuple[str, ...], float] = {  # what an entry of an input's list costs
    ("productSet", "input", "variants"): 0.2,
    ("productSet", "input", "files"): 1.9,
}
VARIANT_FILE_POINTS = 0.6
_MOST_ESTIMATES = 1000
_ESTIMATES: dict[tuple[Any, ...], tuple[DocumentNode, Estimate]] = {}  # by document, operation and variables' sizes
LIMITS_PAGE = "https://shopify.dev/api/usage/limits"
SCOPES_PAGE = "https://shopify.dev/api/usage/access-scopes"
Body = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """One request that may be run: its operation, its variables, the fields of its root, and what it will cost."""

    version: str
    schema: GraphQLSchema
    document: Document
    operation: OperationDefinitionNode
    given: dict[str, Any]
    variables: VariableValues
    roots: list[FieldNode]

    @cached_property
    def estimate(self) -> Estimate:
        """What it will cost; whoever only wants to know what is asked need not have it counted."""
        sizes = tuple((name, _size(value)) for name, value in self.variables.coerced.items())
        key = (self.version, id(self.document.node), id(self.operation), sizes)
        if (known := _ESTIMATES.get(key)) is not None and known[0] is self.document.node:
            return known[1]
        found = estimate(self.schema, self.operation, self.document.fragments, self.variables)
        if len(_ESTIMATES) >= _MOST_ESTIMATES:
            _ESTIMATES.clear()
        _ESTIMATES[key] = (self.document.node, found)
        return found

    @cached_property
    def requested(self) -> int:
        """The points that have to be there before it runs: for what it asks and for what it brings."""
        return self.estimate.requested + self.input_points

    @cached_property
    def input_points(self) -> int:
        """What its inputs cost beside the fields it asks for."""
        points = 0.0
        for path, rows in _arguments_lists(self):
            points += INPUT_POINTS.get(tuple(path), 0.0) * len(rows)
            if path == ["productSet", "input", "variants"]:
                points += VARIANT_FILE_POINTS * sum(1 for row in rows if row.get("file"))
        return round(points)


def _size(value: Any) -> Any:
    """Return what of a variable may move an estimate: a number or a switch, the length of a list."""
    if value is None or isinstance(value, bool | int):
        return value
    return len(value) if isinstance(value, list) else ""


Reading = Asked | Sequence[Error]
"""A request that may be run, or the errors that keep it from running."""


def answer(context: Context, asked: Reading) -> Body:
    """Return the body of the HTTP 200 that answers a request."""
    store = context.store
    if not isinstance(asked, Asked):
        return {"errors": list(asked)}
    requested = asked.requested
    if requested > MAX_QUERY_COST:
        return {"errors": [_too_dear(requested)]}
    oversized = next(_oversized(asked), None)
    if oversized is not None:
        return {"errors": [oversized]}
    if context.refusal and asked.operation.operation is OperationType.QUERY:
        return {"data": None, "errors": [_refused(asked.roots[0], context.refusal)]}
    bucket = store.bucket(context.grant.app)
    if store.rate_limits and not bucket.reserve(requested):
        store.throttled += 1
        return throttled_body(bucket, requested)
    return _told(bucket, asked, context, _run(asked, context))


@lru_cache(maxsize=16)
def read(version: str, raw: bytes) -> Reading | None:
    """Return the request of a body ready to run, or the errors that keep it from running; None: not a request.

    It is asked for twice: by who looks whether a fault waits, and to be answered.
    """
    try:
        body = json.loads(raw)
    except ValueError:
        return None
    return _read(version, body) if isinstance(body, dict) and isinstance(body.get("query"), str) else None


def _read(version: str, body: Body) -> Reading:
    document = read_document(version, str(body.get("query") or ""))
    if not isinstance(document, Document):
        return document
    name = body.get("operationName")
    only = next(iter(document.operations.values())) if len(document.operations) == 1 else None
    operation = document.operations.get(name) if name else only
    if operation is None:
        return [{"message": f"No operation named {name!r}" if name else "An operation name is required"}]
    schema, given = schema_of(version), body.get("variables") or {}
    variables = coerce_variables(schema, operation, given)
    if isinstance(variables, list):
        return variables
    scope = Scope(schema, document.fragments, variables)
    root = schema.get_root_type(operation.operation)
    assert root is not None  # noqa: S101 - a validated operation has its root type
    grouped: dict[str, list[FieldNode]] = {}
    collect(scope, root, operation.selection_set, grouped)
    roots = [nodes[0] for nodes in grouped.values()]
    return Asked(version, schema, document, operation, given, variables, roots)


def root_fields(asked: Reading | None) -> list[str]:
    """Return the root fields that a request asks for; none of a request that cannot be run."""
    return [node.name.value for node in asked.roots] if isinstance(asked, Asked) else []


def _oversized(asked: Asked) -> Iterator[Error]:
    """Find list arguments with more entries than are taken."""
    for path, rows in _arguments_lists(asked):
        limit = OTHER_LIMITS.get(tuple(path), INPUT_LIMIT)
        if len(rows) > limit:
            message = f"The input array size of {len(rows)} is greater than the maximum allowed of {limit}."
            yield {"message": message, "path": path, "extensions": {"code": "MAX_INPUT_SIZE_EXCEEDED"}}


def _arguments_lists(asked: Asked) -> Iterator[tuple[list[str], list[Any]]]:
    """Yield every list in the arguments of the root fields with its path, which names no places."""
    root = asked.schema.get_root_type(asked.operation.operation)
    assert root is not None  # noqa: S101 - a validated operation has its root type
    for node in asked.roots:
        definition = root.fields.get(node.name.value)
        if definition is not None:
            yield from _lists(get_argument_values(definition, node, asked.variables), [node.name.value])


def _lists(value: Any, path: list[str]) -> Iterator[tuple[list[str], list[Any]]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _lists(inner, [*path, name])
    elif isinstance(value, list):
        yield path, value
        for element in value:
            if isinstance(element, dict):
                yield from _lists(element, path)


def _run(asked: Asked, context: Context) -> ExecutionResult:
    denied = _denied(asked.schema, context.grant)
    return execute_sync(
        asked.schema,
        asked.document.node,
        context_value=context,
        variable_values=asked.given,
        operation_name=asked.operation.name.value if asked.operation.name else None,
        middleware=[_guard(denied)] if denied else None,
    )


def _denied(schema: GraphQLSchema, grant: Grant) -> frozenset[str]:
    """Return the types and fields that the token may not see; empty, and quickly so, for a full grant."""
    coordinates = frozenset(name for name in REQUIRED if not grant.may(name))
    return frozenset(name for name in coordinates if name.partition(".")[0] in schema.type_map)


def _guard(denied: frozenset[str]) -> Callable[..., Any]:
    """Make a middleware that answers null and ACCESS_DENIED for what the token may not see."""

    def check(resolve: Callable[..., Any], source: Any, info: GraphQLResolveInfo[Context], **asked: Any) -> Any:
        kind = get_named_type(info.return_type).name
        of = kind.removesuffix("Connection")
        for coordinate in (f"{info.parent_type.name}.{info.field_name}", of):
            if coordinate in denied:
                raise _access_denied(info.field_name, REQUIRED[coordinate])
        return resolve(source, info, **asked)

    return check


def _access_denied(name: str, scopes: tuple[str, ...]) -> GraphQLError:
    needed = " or ".join(f"`{scope}`" for scope in scopes) + " access scope."
    return GraphQLError(
        f"Access denied for {name} field. Required access: {needed}",
        extensions={"code": "ACCESS_DENIED", "documentation": SCOPES_PAGE, "requiredAccess": needed},
    )


def _told(bucket: Bucket, asked: Asked, context: Context, result: ExecutionResult) -> Body:
    """Give the unused points back, count the call, and put the answer together."""
    store, requested = context.store, asked.requested
    actual = min(asked.estimate.actual(result.data) + asked.input_points, requested)
    if store.rate_limits:
        bucket.give_back(requested - actual)
    store.points += actual
    store.request_log.update(node.name.value for node in asked.roots)
    told: Body = {"data": result.data}
    if result.errors:
        told["errors"] = [error.formatted for error in result.errors]
    told["extensions"] = {"cost": _cost(bucket, requested, actual)}
    if context.searches:
        told["extensions"]["search"] = context.searches
    return told


def _cost(bucket: Bucket, requested: int, actual: int | None) -> Body:
    return {
        "requestedQueryCost": requested,
        "actualQueryCost": actual,
        "throttleStatus": {
            "maximumAvailable": float(bucket.plan.maximum_available),
            "currentlyAvailable": int(bucket.available()),
            "restoreRate": float(bucket.plan.restore_rate),
        },
    }


def throttled_body(bucket: Bucket, requested: int) -> Body:
    """Return what a client hears that has spent its points."""
    error = {"message": "Throttled", "extensions": {"code": "THROTTLED", "documentation": LIMITS_PAGE}}
    return {"errors": [error], "extensions": {"cost": _cost(bucket, requested, None)}}


def fault_cost(asked: Reading | None) -> int:
    """Return what a request asks for in points, 0 for one that cannot be run."""
    return asked.requested if isinstance(asked, Asked) else 0


def _refused(node: FieldNode, code: str) -> Error:
    """Refuse a read, which has no userErrors to say so in."""
    path = [node.alias.value if node.alias else node.name.value]
    return {"message": f"{node.name.value} was refused.", "path": path, "extensions": {"code": code}}


def _too_dear(requested: int) -> Error:
    return {
        "message": f"Query cost is {requested}, which exceeds the single query max cost limit ({MAX_QUERY_COST}).",
        "extensions": {
            "code": "MAX_COST_EXCEEDED",
            "cost": requested,
            "maxCost": MAX_QUERY_COST,
            "documentation": LIMITS_PAGE,
        },
    }
