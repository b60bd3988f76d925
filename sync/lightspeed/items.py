"""Making items in Lightspeed, and looking for them by their custom SKU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sync.clock import Clock
from sync.item_making import ItemDraft, unfit
from sync.lightspeed.calls import Calls
from sync.lightspeed.paging import Sighting, list_url
from sync.lightspeed.sales import decimal_text
from sync.lightspeed.walks import Read, walk_list
from sync.lightspeed.wire import Item, NotWire, item_row, parse_page, parse_row, parse_rows
from sync.model import ItemRow
from sync.pacing import Urgency

_MAX_PAGES = 3  # several hundred items of one SKU are no answer to what was asked


class LightspeedItems:
    """`ItemMaker` over Lightspeed's API. Reads are tried again as all reads are; a write is sent once."""

    def __init__(self, *, calls: Calls, clock: Clock) -> None:
        self._calls = calls
        self._clock = clock

    async def find(self, sku: str) -> Sequence[ItemRow]:
        """Return the items whose custom SKU is this one, archived ones too; raises Transient or Permanent."""
        found: list[ItemRow] = []

        async def keep(rows: Sequence[ItemRow]) -> None:
            found.extend(rows)

        asked = {"customSku": sku, "archived": "true", "sort": "itemID"}
        url = list_url(self._calls.base, self._calls.account_id, "Item", **asked)
        read = Read("Item.find", "Item", url, Urgency.URGENT, by_id=True, parse=_sightings)
        await walk_list(self._calls, self._clock, read, keep, _MAX_PAGES)
        return found

    async def make(self, draft: ItemDraft) -> ItemRow:
        """Make an item; raises OutcomeUnknown, Transient or Permanent, ValueError for what must never be sent."""
        body = making(draft)
        url = f"{self._calls.account}/Item.json"
        return await self._calls.send("Item.make", "POST", url, body, lambda answer, _: _one(answer))


def making(draft: ItemDraft) -> dict[str, Any]:
    """Return the body that makes an item; Lightspeed fills in what is not said. Raises ValueError for an unfit one."""
    if why := unfit(draft):
        raise ValueError(why)
    body: dict[str, Any] = {"description": draft.title, "customSku": draft.sku, "itemType": "default"}
    body |= {name: code for name, code in (("upc", draft.upc), ("ean", draft.ean)) if code}
    if draft.price is not None:
        price = {"amount": decimal_text(draft.price), "useTypeID": "1", "useType": "Default"}
        body["Prices"] = {"ItemPrice": [price]}
    return body


def _sightings(raw: list[Any]) -> list[tuple[Sighting, ItemRow]]:
    rows = [item_row(item) for item in parse_rows(Item, raw)]
    return [(Sighting(row.item_id, row.time_stamp, row), row) for row in rows]


def _one(body: Any) -> ItemRow:
    """Return the one item of an answer; raises NotWire."""
    rows = parse_page(body, "Item").rows
    if len(rows) != 1:
        raise NotWire("Item: not one row")
    return item_row(parse_row(Item, rows[0]))
