"""What the product's own record must say: the reason of every write, and no watermark beyond a row that it lacks.

The record is read by a connection of its own, as anybody could, and compared with the pretend shops' figures.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sandbox.world import World
from sync.storage.library import load_driver
from sync.storage.opening import DATABASE_FILE
from sync.storage.types import to_text
from tests.simulation.stock_checks import Accuse

_FOUND = ("applied", "unanswered", "found applied", "superseded", None)
_SURE = ("applied", "stale", "parked", "refused")
_SHOP = 1


class Record:
    """The product's database, read from beside it."""

    def __init__(self, state: Path) -> None:
        self._path = state / DATABASE_FILE

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Return the answer to a query; nothing while there is no database yet."""
        if not self._path.exists():
            return []
        address = f"{self._path.as_uri()}?mode=ro"
        with closing(load_driver().connect(address, uri=True, isolation_level=None)) as connection:
            if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone():
                return []
            return list(connection.execute(query, values).fetchall())

    def quarantined(self, inventory_item: str) -> bool:
        """Tell whether a thing waits for a person."""
        query = (
            "SELECT 1 FROM links WHERE inventory_item_id = ? AND quarantine_units IS NOT NULL AND state = 'confirmed'"
        )
        return bool(self.rows(query, inventory_item))


class LedgerChecks:
    """Looks at the record now and then."""

    def __init__(self, world: World, record: Record, overlaps: Callable[[str], timedelta], accuse: Accuse) -> None:
        self._world = world
        self._record = record
        self._overlaps = overlaps
        self._accuse = accuse
        self._explained = 0

    def look(self) -> None:
        """Check everything that can be checked while the product runs."""
        self._every_write_is_explained()
        self.look_at_watermarks()

    def _every_write_is_explained(self) -> None:
        """Invariant 9: each row written has an intent with the same numbers, made before it."""
        writes = self._world.shopify.writes
        for write in writes[self._explained :]:
            found = self._record.rows(
                "SELECT before, after, outcome, verdict, equation FROM stock_intents "
                "WHERE call_key = ? AND inventory_item_id = ?",
                write.key,
                write.item,
            )
            if len(found) != 1:
                self._accuse("9 every change explained", f"{write.sku}: {len(found)} intents for a write")
                continue
            before, after, outcome, verdict, equation = found[0]
            if (before, after) != (write.before, write.after) or outcome not in _FOUND or not (verdict and equation):
                self._accuse(
                    "9 every change explained",
                    f"{write.sku} went from {write.before} to {write.after}; the record says {before} to {after}, "
                    f"{outcome}, {verdict!r}",
                )
        self._explained = len(writes)
        self._every_outcome_is_true()

    def _every_outcome_is_true(self) -> None:
        """Demand that what was recorded as applied was written, and what was surely not applied was not."""
        written = {(write.key, write.item) for write in self._world.shopify.writes}
        query = "SELECT call_key, inventory_item_id, outcome FROM stock_intents"
        for key, item, outcome in self._record.rows(query):
            if outcome in _SURE and ((key, item) in written) is not (outcome == "applied"):
                self._accuse(
                    "9 every change explained", f"a write of {item} is recorded as {outcome}, which is not true"
                )

    def look_at_watermarks(self) -> None:
        """Invariant 6: what changed before a watermark less its overlap is known, in that version or a later one."""
        marks = {
            feed: datetime.fromisoformat(newest)
            for feed, newest in self._record.rows("SELECT feed, newest FROM watermarks")
        }
        for feed, newest in marks.items():
            before = newest - self._overlaps(feed)
            match feed:
                case "stock":
                    self._known("item_stock", "item_id", "time_stamp", feed, self._till_stock(before))
                case "orders":
                    self._known("orders", "order_id", "updated_at", feed, self._orders(before))
                case "levels":
                    self._known("levels", "inventory_item_id", "level_updated_at", feed, self._levels(before))
                case "items":
                    self._known("items", "item_id", "time_stamp", feed, self._items(before))
                case _:
                    pass

    def _known(self, table: str, key: str, stamp: str, feed: str, true: dict[str, datetime]) -> None:
        known = dict(self._record.rows(f"SELECT {key}, {stamp} FROM {table}"))
        for row, moved in true.items():
            if row not in known or known[row] < to_text(moved):
                self._accuse(
                    "6 no watermark ahead",
                    f"{feed}: {row} moved at {moved:%H:%M:%S}, the record has it as of {known.get(row, 'never')}",
                )

    def _till_stock(self, before: datetime) -> dict[str, datetime]:
        rows = self._world.lightspeed.books.item_shops
        return {str(row.item_id): row.time_stamp for row in rows if row.shop_id == _SHOP and row.time_stamp < before}

    def _items(self, before: datetime) -> dict[str, datetime]:
        rows = self._world.lightspeed.books.items
        return {str(row.item_id): row.time_stamp for row in rows if row.time_stamp < before}

    def _orders(self, before: datetime) -> dict[str, datetime]:
        return {order.id: order.updated_at for order in self._world.shopify.orders if order.updated_at < before}

    def _levels(self, before: datetime) -> dict[str, datetime]:
        home = self._world.shopify.home.id
        levels = self._world.shopify.stock.levels.values()
        return {row.item.id: row.updated_at for row in levels if row.location.id == home and row.updated_at < before}
