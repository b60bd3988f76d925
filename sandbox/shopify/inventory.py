"""Stock writes: the checks in the order the real service makes them, then everything or nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from graphql import GraphQLEnumType, GraphQLError, GraphQLObjectType, GraphQLResolveInfo, get_named_type
from graphql.execution.values import get_directive_values

from sandbox.shopify.context import Context
from sandbox.shopify.idempotency import digest
from sandbox.shopify.inventory_rules import (
    UserError,
    adjust_errors,
    owner,
    quantity_now,
    set_errors,
    stale_errors,
)
from sandbox.shopify.model import AdjustmentGroup, Change, Level, StockWrite
from sandbox.shopify.money import cents
from sandbox.shopify.state import ShopifyStore

STRICT_FROM = "2026-04"
"""From this version on the directive and changeFromQuantity are mandatory."""

FIRST_GROUP = 9_500_000_000_000
Payload = dict[str, Any]
GROUP = "inventory_adjustment_group"


class Request(NamedTuple):
    """One call of a mutation: what it is called, what it was given, and its idempotency key ("" for none)."""

    context: Context
    mutation: str
    arguments: dict[str, Any]
    key: str

    @property
    def store(self) -> ShopifyStore:
        """The store that is written to."""
        return self.context.store


def set_quantities(_: Any, info: GraphQLResolveInfo[Context], **arguments: Any) -> Payload:
    """inventorySetQuantities: set available or on_hand to absolute values."""
    input_ = arguments["input"]
    _demand_compare(info, "InventoryQuantityInput", input_["quantities"])

    def errors(request: Request) -> list[UserError]:
        found = set_errors(request.store, input_)
        return found or stale_errors(request.store, input_["name"], "quantities", input_["quantities"])

    def apply(request: Request) -> Payload:
        name, store = input_["name"], request.store
        deltas = [(row, "available", row["quantity"] - quantity_now(store, name, row)) for row in input_["quantities"]]
        return _applied(request, input_, name, deltas)

    return _once(info, "inventorySetQuantities", arguments, result=GROUP, errors=errors, apply=apply)


def adjust_quantities(_: Any, info: GraphQLResolveInfo[Context], **arguments: Any) -> Payload:
    """inventoryAdjustQuantities: add to a quantity, or take from it."""
    input_ = arguments["input"]
    _demand_compare(info, "InventoryChangeInput", input_["changes"])

    def errors(request: Request) -> list[UserError]:
        found = adjust_errors(request.store, input_)
        return found or stale_errors(request.store, input_["name"], "changes", input_["changes"])

    def apply(request: Request) -> Payload:
        name = input_["name"]
        return _applied(request, input_, name, [(row, name, row["delta"]) for row in input_["changes"]])

    return _once(info, "inventoryAdjustQuantities", arguments, result=GROUP, errors=errors, apply=apply)


def activate(_: Any, info: GraphQLResolveInfo[Context], **arguments: Any) -> Payload:
    """inventoryActivate: begin to stock an item at a location. Its userErrors have no code."""

    def errors(request: Request) -> list[UserError]:
        return [UserError(None, path, message) for path, message in _activation_refusals(request.store, arguments)]

    def apply(request: Request) -> Payload:
        store = request.store
        item, location = owner(store, arguments)
        assert item is not None  # noqa: S101 - checked above
        assert location is not None  # noqa: S101 - checked above
        level = item.levels.get(location.id)
        if level is None or not level.is_active:
            level = store.stock.activate(item, location)
        wanted = arguments.get("available")
        if wanted is None and arguments.get("onHand") is not None:
            wanted = arguments["onHand"] - level.quantity("on_hand") + level.quantities["available"]
        if wanted is not None:
            before = level.quantities["available"]
            store.stock.move(level, available=wanted - before)
            _note(request, level, "available", before=before, reason="other", reference=None)
        return {"inventory_level": level, "user_errors": []}

    return _once(info, "inventoryActivate", arguments, result="inventory_level", errors=errors, apply=apply)


def _activation_refusals(store: ShopifyStore, arguments: dict[str, Any]) -> list[tuple[list[str], str]]:
    item, location = owner(store, arguments)
    if item is None:
        return [(["inventoryItemId"], "The product couldn't be stocked because it wasn't found.")]
    if location is None or not location.is_active:
        return [(["locationId"], "The product couldn't be stocked because the location wasn't found.")]
    given = [name for name in ("available", "onHand") if arguments.get(name) is not None]
    if len(given) > 1:
        return [(["available"], "Available and on hand can't both be given.")]
    level = item.levels.get(location.id)
    if given and level is not None and level.is_active:
        return [([given[0]], f"Not allowed to set {given[0]} when the item is already active at the location.")]
    return []


def deactivate(_: Any, info: GraphQLResolveInfo[Context], **arguments: Any) -> Payload:
    """inventoryDeactivate: stop stocking an item at a location. Its userErrors have no code."""
    store: ShopifyStore = info.context.store
    if info.context.refusal:
        return _refused([told_refusal(info)])
    level = store.stock.levels.get(arguments["inventoryLevelId"])
    refusal = _deactivation_refusal(level)
    if refusal is not None:
        return _refused([UserError(None, ["inventoryLevelId"], refusal)])
    assert level is not None  # noqa: S101 - checked above
    store.stock.deactivate(level)
    return {"user_errors": []}


def _deactivation_refusal(level: Level | None) -> str | None:
    if level is None:
        return "The product couldn't be unstocked because it wasn't found."
    if not any(other.is_active for other in level.item.levels.values() if other is not level):
        return "The product couldn't be unstocked because it has to be stocked at one location at least."
    if level.quantities["committed"] or level.quantities["incoming"]:
        return "The product couldn't be unstocked because of committed or incoming units."
    return None


def update_item(_: Any, info: GraphQLResolveInfo[Context], **arguments: Any) -> Payload:
    """inventoryItemUpdate: tracked, SKU, cost and shipping of an inventory item."""
    store: ShopifyStore = info.context.store
    if info.context.refusal:
        return {"inventory_item": None, **_refused([told_refusal(info)])}
    item = store.shelves.items.get(arguments["id"])
    if item is None:
        wrong = UserError(None, ["id"], "The inventory item couldn't be found.")
        return {"inventory_item": None, **_refused([wrong])}
    input_ = arguments["input"]
    named = {"tracked": "tracked", "sku": "sku", "requiresShipping": "requires_shipping"}
    changes = {named[name]: value for name, value in input_.items() if name in named and value is not None}
    if input_.get("cost") is not None:
        changes["cost_cents"] = cents(input_["cost"])
    store.update_item(item, **changes)
    return {"inventory_item": item, "user_errors": []}


def _demand_compare(info: GraphQLResolveInfo[Context], type_name: str, rows: list[dict[str, Any]]) -> None:
    """Raise unless every row says what it changes from, if only null."""
    if info.context.version >= STRICT_FROM and any("changeFromQuantity" not in row for row in rows):
        message = f"{type_name} must include the following argument: changeFromQuantity."
        raise GraphQLError(message, extensions={"code": "INVALID_FIELD_ARGUMENTS"})


def _key(info: GraphQLResolveInfo[Context]) -> str:
    """Return the idempotency key that stands on the field; raises where it is mandatory and missing."""
    directive = info.schema.get_directive("idempotent")
    assert directive is not None  # noqa: S101 - our schema has it
    values = get_directive_values(directive, info.field_nodes[0], info.variable_values)
    if values is None and info.context.version >= STRICT_FROM:
        message = "The @idempotent directive is required for this mutation but was not provided."
        raise GraphQLError(message, extensions={"code": "BAD_REQUEST"})
    return values["key"] if values else ""


def _once(
    info: GraphQLResolveInfo[Context],
    mutation: str,
    arguments: dict[str, Any],
    *,
    result: str,
    errors: Callable[[Request], list[UserError]],
    apply: Callable[[Request], Payload],
) -> Payload:
    """Run a write at most once per idempotency key; a refused write is not applied at all."""
    context: Context = info.context
    request = Request(context, mutation, arguments, _key(info))
    if context.refusal:
        return {result: None, **_refused([told_refusal(info)])}
    keys, app, hashed = context.store.idempotency, context.grant.app, digest(arguments)
    if request.key:
        code, payload = keys.look_up(app, mutation, request.key, hashed)
        if code is not None:
            return {result: None, **_refused([UserError(code, None, f"Idempotency key refused: {code.lower()}.")])}
        if payload is not None:
            return dict(payload)
    found = errors(request)
    done = {result: None, **_refused(found)} if found else apply(request)
    if request.key:
        keys.remember(app, mutation, request.key, hashed, None if found else done)
    return done


def told_refusal(info: GraphQLResolveInfo[Context]) -> UserError:
    """Return the userError of a mutation that the service itself refuses; a code its enum lacks becomes null."""
    payload = get_named_type(info.return_type)
    assert isinstance(payload, GraphQLObjectType)  # noqa: S101 - every mutation answers with one
    error = get_named_type(payload.fields["userErrors"].type)
    code = get_named_type(error.fields["code"].type) if "code" in error.fields else None
    known = isinstance(code, GraphQLEnumType) and info.context.refusal in code.values
    return UserError(info.context.refusal if known else None, None, f"{info.context.refusal}: try again later.")


def _refused(errors: list[UserError]) -> Payload:
    return {"user_errors": errors}


def _applied(
    request: Request, input_: dict[str, Any], name: str, deltas: list[tuple[dict[str, Any], str, int]]
) -> Payload:
    """Move every row, note each write, and describe what changed; nothing changed gives no group."""
    store, changes = request.store, []
    for row, moved, delta in deltas:
        item, location = owner(store, row)
        assert item is not None  # noqa: S101 - rows are checked first
        assert location is not None  # noqa: S101 - rows are checked first
        level = item.levels.get(location.id) or store.stock.activate(item, location)
        before = level.quantity(name)
        store.stock.move(level, **{moved: delta})
        reason, reference = input_["reason"], input_.get("referenceDocumentUri")
        _note(request, level, name, before=before, reason=reason, reference=reference)
        if delta:
            changes.append(Change(moved, delta, item, location, row.get("ledgerDocumentUri")))
            changes += [Change("on_hand", delta, item, location)] if moved != "incoming" else []
    return {GROUP: _group(store, input_, changes), "user_errors": []}


def _group(store: ShopifyStore, input_: dict[str, Any], changes: list[Change]) -> AdjustmentGroup | None:
    if not changes:
        return None
    number = FIRST_GROUP + len(store.stock.groups) + 1
    group = AdjustmentGroup(number, store.stock.now(), input_["reason"], input_.get("referenceDocumentUri"), changes)
    store.stock.groups[group.id] = group
    return group


def _note(request: Request, level: Level, name: str, *, before: int, reason: str, reference: str | None) -> None:
    write = StockWrite(
        at=request.store.clock.now(),
        mutation=request.mutation,
        item=level.item.id,
        sku=level.item.sku,
        location=level.location.id,
        name=name,
        before=before,
        after=level.quantity(name),
        reason=reason,
        reference=reference,
        key=request.key,
    )
    request.store.stock.writes.append(write)
