"""What a reservation is, and why one is refused.

A hold keeps units of one item for one cart, for a while. It takes nothing off Shopify's number, which the shopper who
holds the units needs to check out; it lessens what is promised to everybody else.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

HOLD_ID_BITS = 128  # whoever knows a hold's id may change it


@dataclass(frozen=True, slots=True)
class HoldLimits:
    """How long units are held, and how much of the shop one visitor may hold."""

    ttl: timedelta = timedelta(minutes=15)  # a change extends it once; no hold lasts longer than twice this
    cart_units: int = 10  # of one item in one cart
    cart_holds: int = 30
    client_holds: int = 10
    client_units: int = 20
    client_share: float = 0.5  # of what is sellable of one item, rounded up: what one client may hold of it


@dataclass(frozen=True, slots=True)
class Pace:
    """A token bucket: how many a second in the long run, and how many at once."""

    per_second: float
    burst: int


@dataclass(frozen=True, slots=True)
class AskLimits:
    """How often the storefront may be asked to write anything: by one client, and by all together."""

    client: Pace = Pace(5.0, 20)
    everybody: Pace = Pace(200.0, 400)


class Taking(StrEnum):
    """What became of a wish that was granted."""

    GRANTED = "granted"
    REPEATED = "repeated"  # it was granted before
    CHANGED = "changed"


class Ending(StrEnum):
    """How a hold ended; each ends exactly once."""

    CONSUMED = "consumed"  # its units were ordered
    RELEASED = "released"
    EXPIRED = "expired"


class Refusal(StrEnum):
    """Why units are not held; the value is the error that a visitor is answered with."""

    UNKNOWN_ITEM = "unknown_item"  # not on the shelf, or the two ids do not belong together
    NOT_ENOUGH = "not_enough"
    CART_UNITS = "cart_units"
    CART_HOLDS = "cart_holds"
    CLIENT_HOLDS = "client_holds"
    CLIENT_UNITS = "client_units"
    CLIENT_SHARE = "client_share"
    UNKNOWN_HOLD = "unknown_reservation"  # or not one of the item named beside it
    ENDED = "reservation_ended"
    THROTTLED = "too_many_requests"  # told by the door, before anything is looked up


CAPS = frozenset(
    {
        Refusal.CART_UNITS,
        Refusal.CART_HOLDS,
        Refusal.CLIENT_HOLDS,
        Refusal.CLIENT_UNITS,
        Refusal.CLIENT_SHARE,
        Refusal.THROTTLED,
    }
)
"""Refusals that say something of the visitor, not of what is left."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A visitor's wish to hold units; ids are decimal, at least one is given.

    `cart` is the cart's token as it was sent: with it, a cart has at most one hold of an item. `client` is whoever
    asks, as the door tells clients apart. Both are kept as hashes only. `until` may shorten the hold.
    """

    item_id: str | None
    variant_id: str | None
    units: int
    client: str
    now: datetime
    cart: str | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Hold:
    """Units of one item that are held; its id is 128 random bits, and whoever knows it may change it.

    `cart` and `client` are hashes, "" where there is none and as soon as the hold has ended.
    """

    hold_id: str
    link_id: int
    inventory_item_id: str
    units: int
    cart: str
    client: str
    created_at: datetime
    expires_at: datetime
    renewed: bool = False
    ended_at: datetime | None = None
    ending: Ending | None = None
    order_id: str | None = None


@dataclass(frozen=True, slots=True)
class HoldStanding:
    """How reservations stand: those active with their units; how many were made in the last hour, and are ordered."""

    active: int = 0
    units: int = 0
    made: int = 0
    ordered: int = 0


@dataclass(frozen=True, slots=True)
class Granted:
    """The units are held; `repeated`: they were before, nothing has changed."""

    hold: Hold
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """The units are not held; `left` could be by the same visitor, 0 where that cannot be told."""

    reason: Refusal
    left: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """A visitor's wish to give a hold another quantity, or the same for longer.

    Ids that are given beside must be those of the item that is held; decimal as in `Asked`.
    """

    hold_id: str
    units: int
    now: datetime
    item_id: str | None = None
    variant_id: str | None = None


@dataclass(frozen=True, slots=True)
class Release:
    """A visitor's wish to end a hold."""

    hold_id: str
    now: datetime


@dataclass(frozen=True, slots=True)
class Scene:
    """What one decision knows, in units and in active holds; `hold` itself is left out of every sum."""

    sellable: int
    others: int  # of the item, in all holds that count
    hold: Hold | None = None  # the one that is to be changed
    cart_holds: int = 0
    client_holds: int = 0
    client_units: int = 0
    client_of_item: int = 0


def refusal(units: int, scene: Scene, limits: HoldLimits) -> Refusal | None:
    """Return why `units` may not be held; None: they may. Whoever holds no more than before meets no cap."""
    if units > scene.sellable - scene.others:
        return Refusal.NOT_ENOUGH
    if scene.hold is not None and units <= scene.hold.units:
        return None
    if units > limits.cart_units:
        return Refusal.CART_UNITS
    if scene.hold is None and scene.cart_holds >= limits.cart_holds:
        return Refusal.CART_HOLDS
    if scene.hold is None and scene.client_holds >= limits.client_holds:
        return Refusal.CLIENT_HOLDS
    if scene.client_units + units > limits.client_units:
        return Refusal.CLIENT_UNITS
    return Refusal.CLIENT_SHARE if scene.client_of_item + units > _share(scene, limits) else None


def left(scene: Scene, limits: HoldLimits) -> int:
    """Return how many units could be held by the same visitor."""
    free = scene.sellable - scene.others
    if scene.hold is None and (scene.cart_holds >= limits.cart_holds or scene.client_holds >= limits.client_holds):
        return 0
    caps = (limits.cart_units, limits.client_units - scene.client_units, _share(scene, limits) - scene.client_of_item)
    had = 0 if scene.hold is None else scene.hold.units
    return max(0, min(free, max(had, min(caps))))


def _share(scene: Scene, limits: HoldLimits) -> int:
    return math.ceil(scene.sellable * limits.client_share)


def expiry(now: datetime, until: datetime | None, limits: HoldLimits) -> datetime:
    """Return when a new hold ends; a wish that lies in the past comes from a wrong clock and is none."""
    latest = now + limits.ttl
    return latest if until is None or until <= now else min(until, latest)


def changed(hold: Hold, units: int, now: datetime, limits: HoldLimits) -> Hold:
    """Return a hold with another quantity; the first time, it lasts anew."""
    if hold.renewed:
        return replace(hold, units=units)
    until = min(now + limits.ttl, hold.created_at + 2 * limits.ttl)
    return replace(hold, units=units, expires_at=max(hold.expires_at, until), renewed=True)


def ended(hold: Hold, ending: Ending, at: datetime, order_id: str | None = None) -> Hold:
    """Return a hold that has ended; nothing of who held it is kept."""
    return replace(hold, cart="", client="", ended_at=at, ending=ending, order_id=order_id)


def covering(holds: Sequence[Hold], units: int) -> Sequence[tuple[Hold, int]]:
    """Return which holds without a cart `units` that were ordered most likely are, each with how many of its units.

    That is one as large, else the oldest; never more units than were ordered.
    """
    by_age = sorted(holds, key=_age)
    same = [hold for hold in by_age if hold.units == units]
    chosen: list[tuple[Hold, int]] = []
    for hold in same[:1] or by_age:
        taken = min(hold.units, units)
        if taken > 0:
            chosen.append((hold, taken))
        units -= taken
    return chosen


def _age(hold: Hold) -> tuple[datetime, str]:
    return (hold.created_at, hold.hold_id)


def digest(text: str) -> str:
    """Return what is kept of a client's key: enough to know it again, not what it was."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]


def cart_digest(token: str | None) -> str:
    """Return what is kept of a cart's token, "" for none."""
    bare = bare_token(token)
    return digest(bare) if bare else ""


def bare_token(token: str | None) -> str:
    """Return a cart's token as orders have it, "" for none: pages append a key to it."""
    return (token or "").partition("?")[0]
