"""Rows, shops and databases for tests of the storage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from sync.model import ItemRow, LevelRow, LinkState, OrderLine, OrderRow, Restock, StockRow, VariantRow
from sync.records import Proposal, Work
from sync.stock import Policy, Reading
from sync.storage.database import Database
from sync.storage.ledger import SqlLedger
from sync.storage.opening import Shop, open_database
from sync.storage.snapshots import keep_levels
from sync.storage.statements import insert_all
from sync.storage.tables import links
from sync.storage.types import to_text
from tests.state import elsewhere, with_tables

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
SHOP = Shop("1000", "1", "example.myshopify.com", "gid://shopify/Location/7")
ROOT = Path(__file__).resolve().parents[3]


def later(**units: float) -> datetime:
    """Return a moment after `NOW`."""
    return NOW + timedelta(**units)


def open_inline(directory: Path) -> Database:
    return open_migrated(directory, threads=False)


def open_migrated(directory: Path, *, threads: bool, url: str = "") -> Database:
    """Open a database whose tables are there already, which is quicker than making them."""
    url = url or elsewhere.url_of(directory)
    return open_database(directory if url else with_tables(directory), SHOP, NOW, url=url, threads=threads)


def stock(item: int, qoh: int, at: datetime = NOW) -> StockRow:
    return StockRow(str(item), f"{item}0", qoh, at)


def item(number: int, sku: str = "", *, qoh: int | None = 5, at: datetime = NOW) -> ItemRow:
    return ItemRow(
        item_id=str(number),
        custom_sku=sku or f"SKU-{number}",
        system_sku=f"21{number:010d}",
        upc="",
        ean="",
        manufacturer_sku="",
        description=f"Item {number}",
        item_type="default",
        archived=False,
        time_stamp=at,
        stock=None if qoh is None else stock(number, qoh, at),
    )


def level(number: int, available: int = 5, committed: int = 0, *, at: datetime = NOW) -> LevelRow:
    return LevelRow(f"inventory-{number}", available, committed, 0, 0, 0, 0, at, at)


def variant(number: int, sku: str = "", *, row: LevelRow | None = None, at: datetime = NOW) -> VariantRow:
    return VariantRow(
        variant_id=f"variant-{number}",
        product_id=f"product-{number}",
        inventory_item_id=f"inventory-{number}",
        sku=sku or f"SKU-{number}",
        barcode="",
        title="Default Title",
        product_title=f"Item {number}",
        product_status="ACTIVE",
        tracked=True,
        updated_at=at,
        level=row,
    )


def order(
    number: int,
    placed: int,
    open_units: int,
    *,
    of: int = 1,
    at: datetime = NOW,
    created: datetime = NOW,
    restocks: Sequence[tuple[str, int]] = (),
) -> OrderRow:
    """Return an order of one line, for the inventory item `of`."""
    line = OrderLine(
        line_id=f"line-{number}",
        inventory_item_id=f"inventory-{of}",
        sku=f"SKU-{of}",
        placed=placed,
        open=open_units,
        restocks=tuple(Restock(refund_line, units) for refund_line, units in restocks),
    )
    return OrderRow(f"order-{number}", f"#{number}", created, at, None, False, (line,))


def proposal(number: int, state: LinkState = LinkState.CONFIRMED, *, to: int | None = None) -> Proposal:
    other = number if to is None else to
    return Proposal(str(number), f"variant-{other}", f"inventory-{other}", f"SKU-{number}", state, "same SKU")


async def linked(ledger: SqlLedger, count: int = 1, *, qoh: int = 5, available: int = 5) -> list[int]:
    """Fill both snapshots and link items to variants of the same number; return the links' ids in that order."""
    numbers = range(1, count + 1)
    await ledger.keep_items([item(number, qoh=qoh) for number in numbers], NOW)
    await ledger.keep_variants([variant(number, row=level(number, available)) for number in numbers], NOW)
    await ledger.keep_links([proposal(number) for number in numbers], [], NOW)
    found = await ledger.link_ids_of([f"SKU-{number}" for number in numbers])
    return [found[f"SKU-{number}"] for number in numbers]


def reading(work: Work, *, policy: Policy | None = None, now: datetime = NOW, coherent: bool = True) -> Reading:
    """Return a reading of the link as its work tells, with a row that has been quiet for long."""
    assert work.level is not None
    assert work.on_hand is not None
    lag = (policy or Policy()).order_lag
    return Reading(
        on_hand=work.on_hand,
        demand=work.demand,
        available=work.level.available,
        committed=work.level.committed,
        set_aside=0,
        updated_at=now - 2 * lag,
        pulled_at=now,
        now=now,
        coherent=coherent,
        mirrored=work.mirrored,
        buffer=work.buffer,
        approved=work.approved,
    )


def variant_gid(number: int) -> str:
    return f"gid://shopify/ProductVariant/{number}"


def inventory_gid(number: int) -> str:
    return f"gid://shopify/InventoryItem/{number}"


async def stocked(database: Database, units: Mapping[int, int]) -> None:
    """Put items on the shelf, each evaluated, with so many units to sell; variant and inventory item 100 and 200 on."""
    rows = [
        {
            "state": "confirmed",
            "item_id": str(number),
            "variant_id": variant_gid(100 + number),
            "inventory_item_id": inventory_gid(200 + number),
            "sku": f"SKU-{number}",
            "sku_key": f"sku-{number}",
            "created_at": NOW,
            "due": False,
            "target": amount,
            "evaluated_at": NOW,
        }
        for number, amount in units.items()
    ]
    read = [replace(level(0, amount), inventory_item_id=inventory_gid(200 + n)) for n, amount in units.items()]

    def keep(connection: sa.Connection) -> None:
        insert_all(connection, links, rows)
        keep_levels(connection, read, NOW)
        connection.execute(sa.update(links).values(due=False, marks=0))

    await database.write(keep)
    ledger = SqlLedger(database)
    await ledger.keep_items([item(number) for number in units], NOW)


async def query(database: Database, text: str) -> list[tuple[object, ...]]:
    """Return the rows of a query in plain SQL, with moments as SQLite keeps them."""
    rows = await database.read(lambda c: c.execute(sa.text(text)).all())
    return [tuple(to_text(each) if isinstance(each, datetime) else each for each in row) for row in rows]


def moved(row: LevelRow, available: int, *, at: datetime) -> LevelRow:
    """Return the row after Shopify's number changed."""
    return replace(row, available=available, updated_at=at, level_updated_at=at)


def plan_of(connection: sa.Connection, query: sa.Select[Any]) -> list[str]:
    """Return the steps by which a query would be answered, as SQLite or PostgreSQL tells them."""
    explain = "EXPLAIN QUERY PLAN"
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("SET LOCAL enable_seqscan = off"))  # of a table without rows it is the cheapest
        explain = "EXPLAIN"
    words = query.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True})
    return [str(row[-1]) for row in connection.execute(sa.text(f"{explain} {words}"))]
