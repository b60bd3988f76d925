"""Links as people make and end them: a person's link is moved by a person only, and each word is on the trail."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from sync.accuracy import Accuracy, Doubt, LinkedPair, checked
from sync.errors import Code
from sync.mapping import Pair
from sync.matching import sku_key
from sync.model import LinkState
from sync.records import HeldEnding, SkuKey
from sync.storage import linking
from sync.storage.database import Database
from sync.storage.deeds import record
from sync.storage.held import let_go
from sync.storage.order_facts import unpark_orders
from sync.storage.statements import CONFIRMED, batches, insert_all, upsert
from sync.storage.tables import item_stock, kept_apart, levels, link_doubts, links
from sync.storage.touched import touch

_LINK = ("link_id", "item_id", "variant_id", "inventory_item_id", "sku", "write_after", "mapped_by")


class SqlMapBook:
    """`MapBook` over the database."""

    def __init__(self, database: Database, *, sku_fields: Sequence[str] = ("custom_sku",)) -> None:
        self._database = database
        self._sku_fields = tuple(sku_fields)

    async def things(self) -> tuple[Sequence[SkuKey], Sequence[SkuKey]]:
        """Return live items and variants, linked ones too."""
        return await self._database.read(lambda c: linking.linkable(c, self._sku_fields, priced=True))

    async def numbers(self, pair: Pair) -> tuple[int | None, int | None]:
        """Return what Lightspeed has on hand of a pair and what Shopify offers, as last read; None: not known."""
        on_hand = sa.select(item_stock.c.qoh).where(item_stock.c.item_id == pair.item_id)
        offered = sa.select(levels.c.available).where(levels.c.inventory_item_id == pair.inventory_item_id)
        return await self._database.read(lambda c: (c.scalar(on_hand), c.scalar(offered)))

    async def join(self, pairs: Sequence[Pair], by: str, now: datetime, *, replace: bool) -> Mapping[Pair, Code]:
        """Link pairs by a person's word; return why not, of those that cannot be."""
        refused: dict[Pair, Code] = {}
        for batch in batches(pairs):
            refused.update(await self._database.write(lambda c, b=batch: _join(c, b, by, now, replace=replace)))  # type: ignore[misc]
        return refused

    async def part(self, link_ids: Sequence[int], by: str, reason: str, now: datetime) -> Mapping[int, Code]:
        """End links by a person's word and keep their pairs apart; return why not, of those that cannot end."""
        return await self._database.write(lambda c: _part(c, link_ids, by, reason, now))

    async def accuracy(self) -> Accuracy:
        """Return by what the sides of each link agree."""
        return await self._database.read(lambda c: checked(_linked(c, self._sku_fields)))

    async def keep_doubts(self, found: Accuracy, now: datetime) -> None:
        """Keep the links in doubt in place of those of the last check."""
        await self._database.write(lambda c: _keep_doubts(c, found.doubts, now))

    async def link_ids_of(self, skus: Sequence[str]) -> Mapping[str, int]:
        """Return the confirmed link of each SKU."""
        return await self._database.read(lambda c: linking.link_ids_of(c, skus))


def _join(
    connection: sa.Connection, pairs: Sequence[Pair], by: str, now: datetime, *, replace: bool
) -> dict[Pair, Code]:
    refused: dict[Pair, Code] = {}
    for pair in pairs:
        code = _join_one(connection, pair, by, now, replace=replace)
        if code is not None:
            refused[pair] = code
    joined = [each.inventory_item_id for each in pairs if each not in refused]
    unpark_orders(connection, joined, now)
    return refused


def _join_one(connection: sa.Connection, pair: Pair, by: str, now: datetime, *, replace: bool) -> Code | None:
    """Link one pair, ending what its things are linked to; return why that cannot be."""
    either = sa.or_(links.c.item_id == pair.item_id, links.c.inventory_item_id == pair.inventory_item_id)
    select = sa.select(*(links.c[name] for name in _LINK)).where(CONFIRMED, either)
    present = connection.execute(select).mappings().all()
    if any(_is(link, pair) for link in present):
        _renew(connection, pair, by, now)
        return None
    if present and not replace:
        return Code.SK007
    if any(link["write_after"] is not None for link in present):
        return Code.SK005
    _end(connection, [link["link_id"] for link in present], f"mapped otherwise by {by}", now)
    live = sa.and_(links.c.state == LinkState.SUGGESTED.value, either)
    connection.execute(sa.delete(links).where(live))
    values = {
        "state": LinkState.CONFIRMED.value,
        "item_id": pair.item_id,
        "variant_id": pair.variant_id,
        "inventory_item_id": pair.inventory_item_id,
        "sku": pair.sku,
        "sku_key": sku_key(pair.sku),
        "other_key": sku_key(pair.item_sku),
        "mapped_by": by,
        "reason": f"mapped by {by}",
        "created_at": now,
        "due": True,
    }
    insert_all(connection, links, [values])
    _together(connection, pair)
    ended = [f"item {link['item_id']} and variant {link['variant_id']}" for link in present]
    _tell(connection, "map SKU", pair, by, now, {"ended": ended} if ended else {})
    return None


def _is(link: Mapping[Any, Any], pair: Pair) -> bool:
    return bool(link["item_id"] == pair.item_id and link["inventory_item_id"] == pair.inventory_item_id)


def _renew(connection: sa.Connection, pair: Pair, by: str, now: datetime) -> None:
    """Take a link that there is for the person's own, with the SKUs as they are now."""
    keys = {"sku": pair.sku, "sku_key": sku_key(pair.sku), "other_key": sku_key(pair.item_sku)}
    same = sa.and_(CONFIRMED, links.c.item_id == pair.item_id, links.c.inventory_item_id == pair.inventory_item_id)
    connection.execute(sa.update(links).where(same).values(mapped_by=by, reason=f"mapped by {by}", **keys))
    _together(connection, pair)
    _tell(connection, "confirm link", pair, by, now, {})


def _together(connection: sa.Connection, pair: Pair) -> None:
    """Forget that a person kept the two apart."""
    apart = sa.and_(kept_apart.c.item_id == pair.item_id, kept_apart.c.variant_id == pair.variant_id)
    connection.execute(sa.delete(kept_apart).where(apart))


def _tell(  # noqa: PLR0917 - the columns of a deed
    connection: sa.Connection, what: str, pair: Pair, by: str, now: datetime, more: Mapping[str, Any]
) -> None:
    detail = {"lightspeed_sku": pair.item_sku, "item": pair.item_id, "variant": pair.variant_id, **more}
    record(connection, now, by, what, pair.sku or pair.item_id, detail)


def _part(connection: sa.Connection, link_ids: Sequence[int], by: str, reason: str, now: datetime) -> dict[int, Code]:
    select = sa.select(*(links.c[name] for name in _LINK)).where(CONFIRMED, links.c.link_id.in_(link_ids))
    found = connection.execute(select).mappings().all()
    refused = {link["link_id"]: Code.SK005 for link in found if link["write_after"] is not None}
    if refused:
        return refused
    _end(connection, [link["link_id"] for link in found], f"taken apart by {by}", now)
    for link in found:
        keep_apart(connection, link["item_id"], link["variant_id"], by, reason, now)
        detail = {"item": link["item_id"], "variant": link["variant_id"], "reason": reason}
        record(connection, now, by, "unmap SKU", link["sku"], detail)
    return {}


def keep_apart(  # noqa: PLR0917 - the columns of the table
    connection: sa.Connection, item_id: str, variant_id: str, by: str, reason: str, now: datetime
) -> None:
    """Remember that a person keeps two things apart."""
    row = {"item_id": item_id, "variant_id": variant_id, "by": by, "reason": reason, "at": now}
    upsert(connection, kept_apart, [row])


def _end(connection: sa.Connection, link_ids: Sequence[int], reason: str, now: datetime) -> None:
    """End links; the rows stay, for the record. Of one that was set back and held nothing is held any more."""
    if not link_ids:
        return
    let_go(connection, link_ids, HeldEnding.RELEASED, reason, now)
    touch(connection, link_ids=link_ids)
    ended = {"state": LinkState.TOMBSTONED.value, "due": sa.false(), "ended_at": now, "reason": reason}
    connection.execute(sa.update(links).where(links.c.link_id.in_(link_ids)).values(**ended))


# --- the check of all links ---


def _linked(connection: sa.Connection, sku_fields: Sequence[str]) -> Iterator[LinkedPair]:
    """Yield the confirmed links of which both sides are in use."""
    items, variants = (
        {thing.id: thing for thing in side if thing.linked_to} for side in linking.linkable(connection, sku_fields)
    )
    names = ("link_id", "sku", "sku_key", "other_key", "item_id", "variant_id", "mapped_by")
    for link in connection.execute(sa.select(*(links.c[name] for name in names)).where(CONFIRMED)).mappings():
        item, variant = items.get(link["item_id"]), variants.get(link["variant_id"])
        if item is not None and variant is not None:
            then = None if link["mapped_by"] is None else (link["sku_key"], link["other_key"])
            yield LinkedPair(link["link_id"], link["sku"], item, variant, then)


def _keep_doubts(connection: sa.Connection, doubts: Sequence[Doubt], now: datetime) -> None:
    since = dict(connection.execute(sa.select(link_doubts.c.link_id, link_doubts.c.since)).all())
    connection.execute(sa.delete(link_doubts))
    rows = [{**asdict(each), "since": since.get(each.link_id, now)} for each in doubts]
    insert_all(connection, link_doubts, rows)


def doubted(connection: sa.Connection, limit: int) -> Sequence[str]:
    """Return the SKUs of links that were in doubt at the last check and still stand, those longest in doubt first."""
    select = sa.select(links.c.sku).join_from(link_doubts, links).where(CONFIRMED)
    return list(connection.scalars(select.order_by(link_doubts.c.since, link_doubts.c.link_id).limit(limit)))
