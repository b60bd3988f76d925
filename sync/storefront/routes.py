"""The seven routes: what a proven request gets, and nothing that it says is believed.

An item that is not on the shelf is never a 404, which makes theme scripts switch themselves off for good: it is
available in no quantity.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import TypeVar

import msgspec
from pydantic import BaseModel, ValidationError

from sync.hints import OrderHint
from sync.reservations import Asked, Change, Granted, Refusal, Refused, bare_token
from sync.storefront import strict_json
from sync.storefront.answers import Answer, answer, told
from sync.storefront.bodies import (
    ChangeBody,
    OrdersBody,
    ReleaseBody,
    ReserveBody,
    SyncBody,
    decimal_id,
    moment,
)
from sync.storefront.pages import LARGEST, USUAL, PageAsked, Pages, whole
from sync.storefront.ports import HintTaker, Holds, Shelf

PREFIX = "/apps/wtf/lightspeed"
"""Where Shopify's app proxy leads, set up as docs/storefront.md has it."""

PREFIXES = ("", "/lightspeed", PREFIX)
"""Where the routes are: also where a proxy URL leads whose path was left out, and one that names all of it."""

RESERVE = "reserve"

MOST_OFFSET = 1_000_000
_SAME_BODIES = 64  # bodies of /sync remembered: pages post the same list again and again

REFUSALS: Mapping[Refusal, str] = {
    Refusal.UNKNOWN_ITEM: "This item is not available.",
    Refusal.NOT_ENOUGH: "There is not as much left.",
    Refusal.CART_UNITS: "One cart can reserve no more of this item.",
    Refusal.CART_HOLDS: "One cart can reserve no more items.",
    Refusal.CLIENT_HOLDS: "You have reserved as many items as one visitor can.",
    Refusal.CLIENT_UNITS: "You have reserved as much as one visitor can.",
    Refusal.CLIENT_SHARE: "You have reserved as much of this item as one visitor can.",
    Refusal.UNKNOWN_HOLD: "There is no such reservation.",
    Refusal.ENDED: "This reservation has ended.",
    Refusal.THROTTLED: "Too many requests. Try again a little later.",
}
"""What a shopper is told who cannot reserve."""


class Unfit(ValueError):
    """A request that is signed and cannot be understood."""


@dataclass(slots=True)
class Ask:
    """A request that has proven itself: the client's key, its own parameters, its raw body, its If-None-Match."""

    client: str
    now: datetime
    own: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    known: bytes = b""


Handler = Callable[[Ask], Awaitable[Answer]]
"""Answers a proven request; raises Unfit where it cannot be understood, SyncError where it cannot be answered."""


@dataclass(frozen=True, slots=True)
class Route:
    """One of the seven: its handler, whether it reads a body, is limited in pace, takes the second form of proof."""

    name: str
    handle: Handler
    reads: bool = True
    limited: bool = True
    hints: bool = False


class Available(msgspec.Struct, frozen=True, rename={"item_id": "itemID"}, omit_defaults=True):
    """How much of an item this client can have."""

    item_id: str | None
    variantId: str | None  # noqa: N815 - as the outside spells it
    quantity: int
    available: bool
    asOf: datetime | None  # noqa: N815
    known: bool
    message: str = ""


class Checkable(msgspec.Struct, frozen=True):
    """An item that /sync found, with the number that may be promised now."""

    variantId: str  # noqa: N815 - as the outside spells it
    inventoryItemId: str  # noqa: N815
    quantity: int


@dataclass(slots=True)
class _Known:
    """What a body of /sync names, and what was found of it in a state of the shelf."""

    names: Sequence[tuple[str | None, str | None]]
    generation: int | None = None
    found: bool = False
    results: bytes = b"[]"


class Storefront:
    """Answers the seven routes out of a shelf, with holds and hints."""

    def __init__(self, *, shelf: Shelf, holds: Holds, hints: HintTaker) -> None:
        self._shelf = shelf
        self._holds = holds
        self._hints = hints
        self._pages = Pages(shelf)
        self._bodies: OrderedDict[bytes, _Known] = OrderedDict()

    def routes(self) -> Mapping[str, Mapping[str, Route]]:
        """Return the routes by path and method, each path under each prefix."""
        table = {
            "/inventory": {"GET": Route("inventory", self.inventory, reads=False, limited=False)},
            "/availability": {"GET": Route("availability", self.availability, reads=False, limited=False)},
            "/reserve": {"POST": Route(RESERVE, self.reserve), "PUT": Route(RESERVE, self.change)},
            "/release": {"POST": Route("release", self.release)},
            "/sync": {"POST": Route("sync", self.sync, limited=False, hints=True)},
            "/orders": {"POST": Route("orders", self.orders, hints=True)},
        }
        return {prefix + path: methods for prefix in PREFIXES for path, methods in table.items()}

    # --- reading ---
    async def inventory(self, ask: Ask) -> Answer:
        """List what may be promised."""
        return await self._pages.answer(page_asked(ask.own), ask.known)

    async def availability(self, ask: Ask) -> Answer:
        """Tell how much of one item this client can have, what it holds itself included."""
        item_id, variant_id = _names_one(ask.own)
        item = await self._shelf.find(item_id, variant_id)
        if item is None:
            return told(_nothing(item_id, variant_id, whole(ask.now)))
        own = await self._shelf.own(ask.client, item.inventory_item_id) if item.held else 0
        units = max(0, item.sellable - item.held + own)
        as_of = whole(item.as_of(self._shelf.passed_at))
        message = "" if units else "This item is sold out."
        return told(Available(item.item_id, item.variant_id, units, units > 0, as_of, known=True, message=message))

    # --- reservations ---
    async def reserve(self, ask: Ask) -> Answer:
        """Hold units, or change a reservation that the body names: Shopify may not forward PUT."""
        body = _body(ReserveBody, ask.body)
        if body.reservation_id is not None:
            return await self._changed(body.reservation_id, body, ask.now)
        if body.lightspeed_id is None and body.variant_id is None:
            raise Unfit("it names no item")
        asked = Asked(
            item_id=body.lightspeed_id,
            variant_id=body.variant_id,
            units=body.quantity,
            client=ask.client,
            now=ask.now,
            cart=body.cart_token,
            until=body.expires_at,
        )
        return _reserved(await self._holds.reserve(asked), "reserved")

    async def change(self, ask: Ask) -> Answer:
        """Give a reservation another quantity."""
        body = _body(ChangeBody, ask.body)
        return await self._changed(body.reservation_id, body, ask.now)

    async def _changed(self, hold_id: str, body: ChangeBody | ReserveBody, now: datetime) -> Answer:
        wish = Change(hold_id, body.quantity, now, body.lightspeed_id, body.variant_id)
        return _reserved(await self._holds.change(wish), "updated")

    async def release(self, ask: Ask) -> Answer:
        """Give a reservation up; one that has ended, or never was, is released just so."""
        body = _body(ReleaseBody, ask.body)
        await self._holds.release(body.reservation_id, ask.now)
        return told({"reservationId": body.reservation_id, "status": "released"})

    # --- hints ---
    async def sync(self, ask: Ask) -> Answer:
        """Have the items named checked soon, and tell what is known of them."""
        known = self._bodies.get(ask.body)
        if known is None:
            known = self._bodies[ask.body] = _Known(names_of(_body(SyncBody, ask.body)))
            while len(self._bodies) > _SAME_BODIES:
                self._bodies.popitem(last=False)
        if known.generation != self._shelf.generation:
            await self._look_up(known)
        status = (await self._hints.check()).value if known.found else "noop"
        return _synced(status, known.results)

    async def _look_up(self, known: _Known) -> None:
        generation = self._shelf.generation
        items = await self._shelf.find_all(known.names)
        results = [Checkable(item.variant_id, item.inventory_item_id, item.promised) for item in items]
        known.found = bool(items)
        known.results = msgspec.json.encode(results)
        known.generation = generation

    async def orders(self, ask: Ask) -> Answer:
        """Have an order looked at soon, and tell its sale where it is there within two seconds."""
        body = _body(OrdersBody, ask.body)
        items = await self._shelf.find_all([(line.lightspeed_id, line.variant_id) for line in body.line_items])
        sale_id = None
        name = body.order_number or bare_token(body.cart_token)
        if name and items:
            hint = OrderHint(name, frozenset(item.inventory_item_gid for item in items))
            sale_id = await self._hints.order(hint)
        if sale_id is None:
            return told({"status": "accepted"}, HTTPStatus.ACCEPTED)
        return told({"status": "processed", "saleId": sale_id, "sale": {"saleID": sale_id}})


def names_of(body: SyncBody) -> Sequence[tuple[str | None, str | None]]:
    """Return the pairs of ids that a body of /sync names; those that name nothing are left out."""
    pairs = dict.fromkeys((each.lightspeed_id, each.variant_id) for each in body.updates)
    pairs.pop((None, None), None)
    return list(pairs)


def page_asked(own: Mapping[str, str]) -> PageAsked:
    """Return which page some parameters ask for; raises Unfit."""
    if not own:
        return PageAsked()
    limit = _number(own.get("limit"), USUAL, 1, LARGEST)
    offset = _number(own.get("offset"), 0, 0, MOST_OFFSET)
    try:
        since = moment(_either(own, "updatedSince", "updated_since"))
    except ValueError as error:
        raise Unfit("it names no moment") from error
    return PageAsked(limit, offset, since)


def _number(text: str | None, usual: int, least: int, most: int) -> int:
    if text is None:
        return usual
    if not text.isdigit() or len(text) > len(str(most)) or not least <= int(text) <= most:
        raise Unfit("a number is not one we can use")
    return int(text)


def _either(own: Mapping[str, str], camel: str, snake: str) -> str | None:
    """Return a parameter under either of its names; raises Unfit where both are given."""
    if camel in own and snake in own:
        raise Unfit("a parameter is given twice")
    return own.get(camel, own.get(snake))


def _names_one(own: Mapping[str, str]) -> tuple[str | None, str | None]:
    """Return the Lightspeed id and the variant id that parameters name; raises Unfit where neither is one."""
    try:
        item_id = decimal_id(_either(own, "lightspeedId", "lightspeed_id"))
        variant_id = decimal_id(_either(own, "variantId", "variant_id"))
    except ValueError as error:
        raise Unfit("an id is none") from error
    if item_id is None and variant_id is None:
        raise Unfit("it names no item")
    return item_id, variant_id


def _nothing(item_id: str | None, variant_id: str | None, at: datetime) -> Available:
    return Available(
        item_id, variant_id, 0, available=False, asOf=at, known=False, message="This item is not available."
    )


Model = TypeVar("Model", bound=BaseModel)


def _body(model: type[Model], raw: bytes) -> Model:
    """Return a body as a model understands it; raises Unfit."""
    try:
        return model.model_validate(strict_json.parse(raw))
    except (strict_json.NotStrict, ValidationError) as error:
        raise Unfit("the body is not what this route takes") from error


def _reserved(outcome: Granted | Refused, status: str) -> Answer:
    if isinstance(outcome, Granted):
        hold = outcome.hold
        expires_at = whole(hold.expires_at)
        return told({"reservationId": hold.hold_id, "status": status, "quantity": hold.units, "expiresAt": expires_at})
    value = {"error": outcome.reason.value, "message": REFUSALS[outcome.reason], "quantity": outcome.left}
    return told(value, HTTPStatus.CONFLICT)


def _synced(status: str, results: bytes) -> Answer:
    return answer(b'{"status":"%s","results":%s}' % (status.encode(), results))
