"""Lightspeed's layaways of one technical customer: sale lines without a sale that keep units aside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from sync.clock import Clock
from sync.errors import Code, OutcomeUnknown, Permanent, Transient
from sync.lightspeed.answers import AccessDenied, NotFound, unconfirmed
from sync.lightspeed.calls import Calls
from sync.lightspeed.paging import Sighting, list_url
from sync.lightspeed.walks import Read, walk_list
from sync.lightspeed.wire import ItemShop, Layaway, NotWire, parse_page, parse_row, parse_rows
from sync.model import LayawayLine, StockRow
from sync.pacing import Urgency

_MAX_PAGES = 100  # ten thousand lines of one customer are no mirror of ours
_UNITS = '["InventorySales"]'
_NO_SALE = "0"


@dataclass(frozen=True, slots=True)
class LayawaySettings:
    """Whose layaways they are, where and by whom they are made: Lightspeed's ids.

    Without a customer none can be made or listed; those that are known by their ids can be put back.
    """

    shop_id: str
    employee_id: str = ""
    customer_id: str = ""


class LightspeedLayaways:
    """`Layaways` over Lightspeed's API. Reads are tried again as all reads are; a write is sent once."""

    def __init__(self, *, calls: Calls, clock: Clock, settings: LayawaySettings) -> None:
        self._calls = calls
        self._clock = clock
        self._settings = settings

    async def room(self) -> None:
        """Wait until the quota has room for one layaway made and looked at."""
        await self._calls.room("SaleLine.lay_away", "ItemShop.of_item")

    async def lines(self) -> Sequence[LayawayLine]:
        """Return all layaways of our customer that belong to no sale, oldest first; raises Transient or Permanent."""
        found: list[LayawayLine] = []

        async def keep(rows: Sequence[LayawayLine | None]) -> None:
            found.extend(row for row in rows if row is not None)

        asked = {"customerID": self._settings.customer_id, "isLayaway": "true", "sort": "saleLineID"}
        read = Read(
            operation="SaleLine.layaways",
            resource="SaleLine",
            url=list_url(self._calls.base, self._calls.account_id, "SaleLine", **asked, load_relations=_UNITS),
            urgency=Urgency.BULK,
            by_id=True,
            parse=self._sightings,
        )
        await walk_list(self._calls, self._clock, read, keep, _MAX_PAGES)
        return found

    async def line(self, line_id: str) -> LayawayLine | None:
        """Return a layaway as it stands; None: it is gone, or was sold. Raises Transient or Permanent."""
        url = f"{self._url(line_id)}?load_relations={quote(_UNITS, safe='')}"
        try:
            return await self._calls.get(
                "SaleLine.get", url, Urgency.BULK, lambda body, _: self._ours(_one(body, line_id))
            )
        except NotFound:
            return None

    async def lay_away(self, item_id: str, units: int) -> tuple[LayawayLine, datetime | None]:
        """Put units of an item aside, as many as there are; return the line, and the least time of the move.

        Raises OutcomeUnknown, Transient or Permanent.
        """
        url = f"{self._calls.account}/SaleLine.json?load_relations={quote(_UNITS, safe='')}"
        body = laying_away(item_id, units, self._settings)
        made, moved_at = await self._send("SaleLine.lay_away", "POST", url, body, _one)
        line = self._ours(made)
        if line is None or line.item_id != item_id:
            raise OutcomeUnknown(Code.LS012, f"(sale line {made.line_id} was answered, which is no layaway of ours)")
        return (line if line.reserved is not None else await self._whole(line)), moved_at

    async def take_back(self, line_id: str) -> datetime | None:
        """Put what a layaway keeps aside back; return the least time of the move. One that is gone is no mistake.

        Raises as `lay_away`.
        """
        try:
            _, moved_at = await self._send("SaleLine.take_back", "DELETE", self._url(line_id), None, lambda _: None)
        except AccessDenied:
            raise
        except NotFound:
            return None
        except Permanent:
            if await self.line(line_id) is not None:
                raise
            return None
        return moved_at

    async def stock(self, item_id: str) -> StockRow | None:
        """Return what our shop has of an item now; None: nobody knows. Raises Transient or Permanent."""
        asked = {"itemID": item_id, "shopID": self._settings.shop_id}
        url = list_url(self._calls.base, self._calls.account_id, "ItemShop", **asked)

        def parse(body: Any, _: object) -> StockRow | None:
            rows = parse_rows(ItemShop, parse_page(body, "ItemShop").rows)
            ours = [row for row in rows if (row.item_id, row.shop_id) == (item_id, self._settings.shop_id)]
            return ours[0].as_stock(item_id) if len(ours) == 1 else None

        return await self._calls.get("ItemShop.of_item", url, Urgency.BULK, parse)

    async def _send(
        self, operation: str, method: str, url: str, body: dict[str, Any] | None, parse: Callable[[Any], Any]
    ) -> tuple[Any, datetime | None]:
        """Send a write; return its answer and the server's time, less all the time that it may have taken."""
        began = self._clock.monotonic()
        answer, served_at = await self._calls.send(
            operation, method, url, body, lambda answer, served_at: (parse(answer), served_at)
        )
        taken = timedelta(seconds=self._clock.monotonic() - began)
        return answer, served_at and served_at - taken

    async def _whole(self, line: LayawayLine) -> LayawayLine:
        """Return a line with the units that are kept aside, which its answer did not tell."""
        try:
            row = await self.line(line.line_id)
        except (Transient, Permanent) as error:
            raise unconfirmed(error) from error
        if row is None:
            raise OutcomeUnknown(Code.LS012, f"(sale line {line.line_id} was answered, and is not there)")
        return row

    def _sightings(self, raw: list[Any]) -> list[tuple[Sighting, LayawayLine | None]]:
        """Return a page's lines; None for those that are not ours after all: the walk goes on by them, too."""
        return [
            (Sighting(row.line_id, row.time_stamp, row.time_stamp), self._ours(row)) for row in parse_rows(Layaway, raw)
        ]

    def _ours(self, row: Layaway) -> LayawayLine | None:
        """Return our own view of a line that is a layaway of our customer and of no sale; None for any other."""
        if not row.is_layaway or row.sale_id != _NO_SALE:
            return None
        if self._settings.customer_id not in ("", row.customer_id):
            return None
        reserved = None if row.kept is None else sum(part.quantity for part in row.kept)
        return LayawayLine(row.line_id, row.item_id, row.units, reserved)

    def _url(self, line_id: str) -> str:
        return f"{self._calls.account}/SaleLine/{quote(line_id, safe='')}.json"


def laying_away(item_id: str, units: int, settings: LayawaySettings) -> dict[str, Any]:
    """Return the body that puts units aside; raises ValueError for what must never be sent."""
    if units <= 0 or not settings.customer_id:
        raise ValueError(f"a layaway keeps units aside for somebody, not {units} for nobody")
    return {
        "customerID": int(settings.customer_id),
        "employeeID": int(settings.employee_id),
        "shopID": int(settings.shop_id),
        "itemID": int(item_id),
        "unitQuantity": units,
        "isLayaway": True,
    }


def _one(body: Any, line_id: str = "") -> Layaway:
    """Return the one line of an answer; raises NotWire, also for another one than `line_id`."""
    rows = parse_page(body, "SaleLine").rows
    if len(rows) != 1:
        raise NotWire("SaleLine: not one row")
    line = parse_row(Layaway, rows[0])
    if line_id not in ("", line.line_id):
        raise NotWire("SaleLine: another saleLineID")
    return line
