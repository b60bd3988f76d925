"""Shopify's webhooks without any I/O: their topics, what each is about, and which subscriptions there should be.

A webhook is a reason to read and never a fact: of its body only ids, moments and one number are kept. That also
keeps out the shopper's name and address, which the body of an order carries.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

PATH = "/webhooks/shopify"


class Topic(StrEnum):
    """The topics we subscribe to, as the header of a webhook names them."""

    ORDERS_CREATE = "orders/create"
    ORDERS_UPDATED = "orders/updated"
    ORDERS_PAID = "orders/paid"
    ORDERS_CANCELLED = "orders/cancelled"
    ORDERS_EDITED = "orders/edited"
    REFUNDS_CREATE = "refunds/create"
    INVENTORY_LEVELS_UPDATE = "inventory_levels/update"
    PRODUCTS_UPDATE = "products/update"
    PRODUCTS_DELETE = "products/delete"
    APP_UNINSTALLED = "app/uninstalled"


class Hint(StrEnum):
    """What visitors of the storefront may tell: kept and looked at like webhooks, and believed as little."""

    ORDER = "storefront/order"  # the subject is an order's name or number
    STOCK = "storefront/stock"  # of all items: one that is named would be all that is checked


HINTED = timedelta(hours=1)
"""How old an order may be that visitors tell of: a completed checkout is told of at once, or by somebody else."""

Reason = Topic | Hint
"""Why something is looked at."""


class Receipt(StrEnum):
    """What became of a webhook at the door, and later when it was looked at."""

    STORED = "stored"
    REPEATED = "repeated"  # this delivery was stored before
    IGNORED = "ignored"  # a topic that we never asked for
    REFUSED = "refused"  # not signed, of another shop, too large, or not what Shopify sends
    DONE = "done"  # looked at; what it is about was read
    UNNEEDED = "unneeded"  # looked at; it tells what we know, as the echo of our own write does
    POSTPONED = "postponed"  # the reading failed; it is tried again
    DEAD = "dead"  # it cannot be understood, or was tried too often; polling finds what it was about


class WebhookState(StrEnum):
    """Where a stored webhook stands."""

    DUE = "due"
    DONE = "done"
    UNNEEDED = "unneeded"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Webhook:
    """One delivery as it is kept. `subject` is the gid of what to read; "" where the body names none."""

    webhook_id: str
    event_id: str
    topic: Reason
    shop: str
    triggered_at: datetime | None
    received_at: datetime
    subject: str
    body: Mapping[str, Any]  # what `essence` left of it


@dataclass(frozen=True, slots=True)
class DueWebhook:
    """A stored webhook that waits to be looked at; `number` is its place in the order of arrival."""

    number: int
    topic: Reason
    subject: str
    body: Mapping[str, Any]
    attempts: int


class NotWebhook(ValueError):
    """A body that is no JSON object."""


_ORDERS = (Topic.ORDERS_CREATE, Topic.ORDERS_UPDATED, Topic.ORDERS_PAID, Topic.ORDERS_CANCELLED)
_IDS = ("id", "admin_graphql_api_id", "updated_at")
FIELDS: Mapping[Topic, tuple[str, ...]] = {
    **dict.fromkeys(_ORDERS, _IDS),
    Topic.ORDERS_EDITED: ("order_edit",),
    Topic.REFUNDS_CREATE: ("id", "admin_graphql_api_id", "order_id", "created_at"),
    Topic.INVENTORY_LEVELS_UPDATE: ("inventory_item_id", "location_id", "available", "updated_at"),
    Topic.PRODUCTS_UPDATE: (*_IDS, "status", "variant_gids"),
    Topic.PRODUCTS_DELETE: ("id",),
    Topic.APP_UNINSTALLED: ("id",),
}
"""What is kept of a body, by topic."""

_LARGEST_ID = 2**64  # Shopify's are unsigned 64-bit integers
_LONGEST_LIST = 2048  # variants of one product


def reason_of(text: str) -> Reason:
    """Return the reason that is kept as `text`."""
    return Hint(text) if text.startswith("storefront/") else Topic(text)


def topic_of(text: str) -> Topic | None:
    """Return the topic of a header, None for one that we know nothing of."""
    try:
        return Topic(text)
    except ValueError:
        return None


def parse_body(body: bytes) -> Mapping[str, Any]:
    """Return a body's object; raises NotWebhook for anything else, absurd numbers and endless nesting included."""
    try:
        found = json.loads(body.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise NotWebhook("it is not JSON") from error
    if not isinstance(found, dict):
        raise NotWebhook("it is not an object")
    return found


def _no_constant(name: str) -> float:
    raise NotWebhook(f"{name} is not JSON")


def essence(topic: Topic, body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what is kept of a body."""
    if topic is Topic.ORDERS_EDITED:
        edit = body.get("order_edit")
        return {"order_edit": {"order_id": edit.get("order_id")}} if isinstance(edit, Mapping) else {}
    kept = {name: body[name] for name in FIELDS[topic] if _small(body.get(name))}
    if topic is Topic.PRODUCTS_UPDATE and (listed := variants_told(body)) is not None:
        kept["variant_gids"] = {gid: moment.isoformat() for gid, moment in listed.items()}
    return kept


def _small(value: object) -> bool:
    """Tell whether a value is a plain one; nothing nested is kept unseen."""
    return isinstance(value, int) or (isinstance(value, str) and len(value) <= 200)  # noqa: PLR2004 - longer than any


def subject_of(topic: Topic, body: Mapping[str, Any]) -> str:
    """Return the gid of what a webhook is about; "" where the body does not say."""
    match topic:
        case Topic.ORDERS_EDITED:
            edit = body.get("order_edit")
            return _gid("Order", edit.get("order_id") if isinstance(edit, Mapping) else None)
        case Topic.REFUNDS_CREATE:
            return _gid("Order", body.get("order_id"))
        case Topic.INVENTORY_LEVELS_UPDATE:
            return _gid("InventoryItem", body.get("inventory_item_id"))
        case Topic.PRODUCTS_UPDATE | Topic.PRODUCTS_DELETE:
            return _gid("Product", body.get("id"))
        case Topic.APP_UNINSTALLED:
            return "app"
        case _:
            return _gid("Order", body.get("id"))


def _gid(kind: str, number: object) -> str:
    whole = isinstance(number, int) and not isinstance(number, bool) and 0 < number < _LARGEST_ID
    return f"gid://shopify/{kind}/{number}" if whole else ""


def moment_of(value: object) -> datetime | None:
    """Return a moment with its offset in UTC; None for anything else."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        return None if moment is None or moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def variants_told(body: Mapping[str, Any]) -> Mapping[str, datetime] | None:
    """Return a product's variants with the moment each was changed; None where they are not all told."""
    listed = body.get("variant_gids")
    if isinstance(listed, Mapping):
        pairs = list(listed.items())
    elif isinstance(listed, Sequence) and not isinstance(listed, str):
        rows = [row for row in listed if isinstance(row, Mapping)]
        pairs = [(row.get("admin_graphql_api_id"), row.get("updated_at")) for row in rows]
    else:
        return None
    told = {gid: moment for gid, at in pairs if isinstance(gid, str) and (moment := moment_of(at)) is not None}
    return told if 0 < len(told) == len(listed) <= _LONGEST_LIST else None


# --- subscriptions ---


@dataclass(frozen=True, slots=True)
class Subscription:
    """One webhook subscription of our app; `topic` as GraphQL writes it, such as `ORDERS_CREATE`.

    `fields` are the only ones sent (none: all), `filtered`: not every event is told.
    """

    id: str
    topic: str
    uri: str
    json: bool = True
    filtered: bool = False
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Repairs:
    """What makes the subscriptions as they should be; `elsewhere` are left alone and only told of."""

    missing: tuple[Topic, ...]
    wrong: tuple[Subscription, ...]  # to our own address: doubled, filtered or in another form
    elsewhere: tuple[Subscription, ...]  # to our path under another host

    @property
    def needed(self) -> bool:
        """Tell whether anything is to be done."""
        return bool(self.missing or self.wrong)


def repairs(found: Collection[Subscription], uri: str) -> Repairs:
    """Return what to do about our app's subscriptions. Only those to exactly `uri` may be touched."""
    good: dict[Topic, Subscription] = {}
    wrong: list[Subscription] = []
    for each in sorted((one for one in found if one.uri == uri), key=lambda one: one.id):
        topic = Topic.__members__.get(each.topic)
        if topic is None:
            continue  # somebody's own wish; it is answered and ignored
        if topic in good or not _tells_enough(each, topic):
            wrong.append(each)
        else:
            good[topic] = each
    elsewhere = tuple(each for each in found if each.uri != uri and each.uri.endswith(PATH))
    return Repairs(tuple(topic for topic in Topic if topic not in good), tuple(wrong), elsewhere)


def _tells_enough(found: Subscription, topic: Topic) -> bool:
    fields = {name.partition(".")[0] for name in found.fields}
    return found.json and not found.filtered and (not fields or fields.issuperset(wanted_fields(topic)))


def wanted_fields(topic: Topic) -> tuple[str, ...]:
    """Return the fields to ask for, so that no shopper's data travels; none where Shopify's small body is wanted."""
    return FIELDS[topic] if topic in _ORDERS or topic is Topic.REFUNDS_CREATE else ()
