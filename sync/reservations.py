"""What a reservation is, and why one is refused.

A hold keeps units of one item for one cart, for a while. It takes nothing off Shopify's number, which the shopper who
holds the units needs to check out; it lessens what is promised to everybody else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


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
    UNKNOWN_HOLD = "unknown_reservation"
    ENDED = "reservation_ended"
    THROTTLED = "too_many_requests"  # told by the door, before anything is looked up


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
class Granted:
    """The units are held; `repeated`: they were before, nothing has changed."""

    hold: Hold
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """The units are not held; `left` could be by the same visitor, 0 where that cannot be told."""

    reason: Refusal
    left: int = 0
