"""Mutations that are not stock writes: webhook subscriptions and bulk operations."""

from __future__ import annotations

from typing import Any

from graphql import GraphQLResolveInfo

from sandbox.shopify import inventory, product_set, products
from sandbox.shopify.bulk import SLOTS
from sandbox.shopify.bulk_run import export, read_bulk_query
from sandbox.shopify.context import Context
from sandbox.shopify.inventory import Payload
from sandbox.shopify.inventory_rules import UserError
from sandbox.shopify.webhooks import address_refusal


def subscribe(_: Any, info: GraphQLResolveInfo[Context], **arguments: Any) -> Payload:
    """webhookSubscriptionCreate; the same topic and address twice is refused."""
    context: Context = info.context
    asked, rows = arguments["webhookSubscription"], context.store.subscriptions
    uri = asked.get("uri")
    refusal = context.refusal or ("Address can't be blank" if not uri else address_refusal(uri))
    if refusal is None and any((row.topic, row.uri) == (arguments["topic"], uri) for row in rows.rows.values()):
        refusal = "Address for this topic has already been taken"
    if refusal is not None:
        wrong = UserError(None, ["webhookSubscription", "uri"], refusal)
        return {"webhook_subscription": None, "user_errors": [wrong]}
    fields = asked.get("includeFields") or []
    kind = asked.get("format") or "JSON"
    made = rows.add(
        arguments["topic"], uri, kind=kind, only=asked.get("filter"), fields=fields, version=context.version
    )
    return {"webhook_subscription": made, "user_errors": []}


def unsubscribe(_: Any, info: GraphQLResolveInfo[Context], **arguments: Any) -> Payload:
    """Answer webhookSubscriptionDelete."""
    gid = arguments["id"]
    if info.context.refusal or not info.context.store.subscriptions.remove(gid):
        wrong = UserError(None, ["id"], info.context.refusal or "Webhook subscription does not exist")
        return {"deleted_webhook_subscription_id": None, "user_errors": [wrong]}
    return {"deleted_webhook_subscription_id": gid, "user_errors": []}


def run_bulk_query(_: Any, info: GraphQLResolveInfo[Context], **arguments: Any) -> Payload:
    """bulkOperationRunQuery: five at once; the rows are those of this moment."""
    context: Context = info.context
    bulk = context.store.bulk
    running = bulk.running()
    if context.refusal:
        return _no_bulk([inventory.told_refusal(info)])
    if len(running) >= SLOTS:
        message = f"A bulk query operation for this app and shop is already in progress: {running[0].id}."
        return _no_bulk([UserError("OPERATION_IN_PROGRESS", None, message)])
    query = read_bulk_query(info.schema, arguments["query"])
    if isinstance(query, list):
        return _no_bulk([UserError("INVALID", ["query"], refusal) for refusal in query])
    if not all(map(context.grant.may, query.coordinates)):
        refused = bulk.start(arguments["query"], [], 0, failure="ACCESS_DENIED")
        return {"bulk_operation": refused, "user_errors": []}
    reading = Context(context.store, context.grant, context.version, context.base_url, unpaged=True)
    lines, roots = export(query, reading, None, grouped=arguments["groupObjects"])
    return {"bulk_operation": bulk.start(arguments["query"], lines, roots), "user_errors": []}


def _no_bulk(errors: list[UserError]) -> Payload:
    return {"bulk_operation": None, "user_errors": errors}


def cancel_bulk(_: Any, info: GraphQLResolveInfo[Context], **arguments: Any) -> Payload:
    """Answer bulkOperationCancel."""
    bulk = info.context.store.bulk
    operation = bulk.operations.get(arguments["id"])
    if operation is None:
        return _no_bulk([UserError(None, ["id"], "Bulk operation does not exist")])
    if not bulk.cancel(operation):
        message = f"A bulk operation cannot be canceled when it is {operation.status.lower()}"
        return {"bulk_operation": operation, "user_errors": [UserError(None, ["id"], message)]}
    return {"bulk_operation": operation, "user_errors": []}


MUTATIONS = {
    "Mutation.inventorySetQuantities": inventory.set_quantities,
    "Mutation.inventoryAdjustQuantities": inventory.adjust_quantities,
    "Mutation.inventoryActivate": inventory.activate,
    "Mutation.inventoryDeactivate": inventory.deactivate,
    "Mutation.inventoryItemUpdate": inventory.update_item,
    "Mutation.productCreate": products.create,
    "Mutation.productSet": product_set.set_product,
    "Mutation.productUpdate": products.update,
    "Mutation.productVariantsBulkUpdate": products.update_variants,
    "Mutation.tagsAdd": products.add_tags,
    "Mutation.tagsRemove": products.remove_tags,
    "Mutation.webhookSubscriptionCreate": subscribe,
    "Mutation.webhookSubscriptionDelete": unsubscribe,
    "Mutation.bulkOperationRunQuery": run_bulk_query,
    "Mutation.bulkOperationCancel": cancel_bulk,
}
