"""Carries out wishes for reservations in turn, over what is known of the items and holds they are about.

Nothing here waits or stores: whoever loads the book in a transaction stores what it says has changed in the same one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sync.reservations import (
    Asked,
    Change,
    Ending,
    Granted,
    Hold,
    HoldLimits,
    Refusal,
    Refused,
    Release,
    Scene,
    cart_digest,
    changed,
    digest,
    ended,
    expiry,
    left,
    refusal,
)

Wish = Asked | Change | Release
Answer = Granted | Refused | bool
"""What a wish is answered with; a release with whether there was an active hold."""

VARIANT = "gid://shopify/ProductVariant/"


@dataclass(frozen=True, slots=True)
class Sellable:
    """What can be sold of one item; ids as the engine knows them."""

    link_id: int
    item_id: str
    variant_id: str
    inventory_item_id: str
    units: int


class HoldBook:
    """The items and holds that some wishes are about, at one moment.

    `counted` are the units of all holds that count, by inventory item; `holds` at least the active ones of the carts
    and clients concerned, and those that are named. What has expired by `now` is ended at once.
    """

    def __init__(
        self,
        items: Iterable[Sellable],
        counted: Mapping[str, int],
        holds: Iterable[Hold],
        *,
        now: datetime,
        limits: HoldLimits,
        new_id: Callable[[], str],
    ) -> None:
        self._limits = limits
        self._new_id = new_id
        self._counted = defaultdict(int, counted)
        self._by_item: dict[str, Sellable] = {}
        self._by_variant: dict[str, Sellable] = {}
        self._by_inventory: dict[str, Sellable] = {}
        for item in items:
            self._by_item[item.item_id] = self._by_variant[item.variant_id] = item
            self._by_inventory[item.inventory_item_id] = item
        self._holds: dict[str, Hold] = {}
        self._of_cart: dict[str, dict[str, Hold]] = defaultdict(dict)
        self._of_client: dict[str, dict[str, Hold]] = defaultdict(dict)
        self.new: set[str] = set()
        self._touched: dict[str, None] = {}
        for hold in holds:
            self._keep(hold)
            if hold.ended_at is None and hold.expires_at <= now:
                self._put(hold, ended(hold, Ending.EXPIRED, hold.expires_at))

    @property
    def touched(self) -> Sequence[Hold]:
        """Return the holds that are new or have changed, as they are now."""
        return [self._holds[hold_id] for hold_id in self._touched]

    def carry_out(self, wish: Wish) -> Answer:
        """Do what is wished, or say why not."""
        match wish:
            case Asked():
                return self._reserve(wish)
            case Change():
                return self._change(wish)
            case Release():
                return self._release(wish)

    def _reserve(self, asked: Asked) -> Granted | Refused:
        item = self._find(asked.item_id, asked.variant_id)
        if item is None:
            return Refused(Refusal.UNKNOWN_ITEM)
        cart, client = cart_digest(asked.cart), digest(asked.client)
        own = self._of_cart[cart].get(item.inventory_item_id) if cart else None
        if own is not None and own.units == asked.units:
            return Granted(own, repeated=True)  # though less may be left by now: whoever holds units keeps them
        if own is not None:
            return self._give(own, item, asked.units, asked.now)
        scene = self._scene(item, cart, client, None)
        why = refusal(asked.units, scene, self._limits)
        if why is not None:
            return Refused(why, left(scene, self._limits))
        until = expiry(asked.now, asked.until, self._limits)
        hold_id = self._new_id()
        hold = Hold(hold_id, item.link_id, item.inventory_item_id, asked.units, cart, client, asked.now, until)
        self.new.add(hold_id)
        self._counted[item.inventory_item_id] += hold.units
        self._keep(hold)
        self._touched[hold_id] = None
        return Granted(hold)

    def _change(self, wish: Change) -> Granted | Refused:
        hold = self._holds.get(wish.hold_id)
        if hold is None:
            return Refused(Refusal.UNKNOWN_HOLD)
        if hold.ended_at is not None:
            return Refused(Refusal.ENDED)
        item = self._by_inventory.get(hold.inventory_item_id)
        if item is None:
            return Refused(Refusal.UNKNOWN_ITEM)
        if not _is_named(item, wish.item_id, wish.variant_id):
            return Refused(Refusal.UNKNOWN_HOLD)
        return self._give(hold, item, wish.units, wish.now)

    def _give(self, hold: Hold, item: Sellable, units: int, now: datetime) -> Granted | Refused:
        """Give an active hold another quantity, or say why not."""
        scene = self._scene(item, hold.cart, hold.client, hold)
        why = refusal(units, scene, self._limits)
        if why is not None:
            return Refused(why, left(scene, self._limits))
        after = changed(hold, units, now, self._limits)
        if after == hold:
            return Granted(hold, repeated=True)
        self._counted[hold.inventory_item_id] += units - hold.units
        self._put(hold, after)
        return Granted(after)

    def _release(self, wish: Release) -> bool:
        hold = self._holds.get(wish.hold_id)
        if hold is None or hold.ended_at is not None:
            return False
        self._counted[hold.inventory_item_id] -= hold.units
        self._put(hold, ended(hold, Ending.RELEASED, wish.now))
        return True

    def _find(self, item_id: str | None, variant_id: str | None) -> Sellable | None:
        item = self._by_item.get(item_id) if item_id is not None else None
        if variant_id is None:
            return item
        other = self._by_variant.get(VARIANT + variant_id)
        return other if item_id is None or item is other else None

    def _scene(self, item: Sellable, cart: str, client: str, hold: Hold | None) -> Scene:
        left_out = "" if hold is None else hold.hold_id
        of_client = [each for each in self._of_client[client].values() if each.hold_id != left_out] if client else []
        same = [each.units for each in of_client if each.inventory_item_id == item.inventory_item_id]
        return Scene(
            sellable=item.units,
            others=self._counted[item.inventory_item_id] - (0 if hold is None else hold.units),
            hold=hold,
            cart_holds=len(self._of_cart[cart]) - (hold is not None) if cart else 0,
            client_holds=len(of_client),
            client_units=sum(each.units for each in of_client),
            client_of_item=sum(same),
        )

    def _keep(self, hold: Hold) -> None:
        self._holds[hold.hold_id] = hold
        if hold.ended_at is not None:
            return
        self._of_client[hold.client][hold.hold_id] = hold
        if hold.cart:
            self._of_cart[hold.cart][hold.inventory_item_id] = hold

    def _put(self, before: Hold, after: Hold) -> None:
        """Replace a hold by what has become of it."""
        self._of_client[before.client].pop(before.hold_id, None)
        self._of_cart[before.cart].pop(before.inventory_item_id, None)
        self._keep(after)
        self._touched[after.hold_id] = None


def _is_named(item: Sellable, item_id: str | None, variant_id: str | None) -> bool:
    """Tell whether the ids that are given are this item's."""
    return item_id in (None, item.item_id) and (variant_id is None or VARIANT + variant_id == item.variant_id)
