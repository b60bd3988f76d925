"""The `FindingBook` of `sync/validation/ports.py` over the database: each method one transaction."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import sqlalchemy as sa

from sync.findings import STOCK, Finding, FindingClass, LinkedSku, Loose, Named, Pair, Sold, Summary
from sync.storage import findings
from sync.storage.database import Database
from sync.storage.statements import batches

T = TypeVar("T")

_WORST = 10


@dataclass(frozen=True, slots=True)
class Shown:
    """A validation's findings, while they may be read.

    `each` begins anew at every call, class by class; `worst` are the stock findings with the largest differences,
    `units` how many units too many and too few all stock findings come to.
    """

    units: tuple[int, int]
    worst: Sequence[Finding]
    each: Callable[[], Iterator[Finding]]


class SqlFindingBook:
    """Validations, as our durable record keeps them. `sku_fields` as `SqlLedger` takes them."""

    def __init__(self, database: Database, *, sku_fields: Sequence[str] = ("custom_sku",)) -> None:
        self._database = database
        self._sku_fields = tuple(sku_fields)

    # --- a validation ---
    async def begin(self, now: datetime) -> int:
        """Open a validation and return its number."""
        return await self._database.write(lambda c: findings.begin(c, now))

    async def keep(self, validation_id: int, first: int, found: Sequence[Finding]) -> None:
        """Add findings, numbered from `first` on."""
        for batch in batches(found):
            await self._database.write(
                lambda c, first=first, batch=batch: findings.keep(c, validation_id, first, batch)  # type: ignore[misc]
            )
            first += len(batch)

    async def finish(self, summary: Summary) -> None:
        """Keep what a validation came to."""
        await self._database.write(lambda c: findings.finish(c, summary))

    async def summary(self, validation_id: int | None = None) -> Summary | None:
        """Return what a validation came to, by default the newest; None where there is none that finished."""
        return await self._database.read(lambda c: findings.summary_of(c, validation_id))

    async def show(self, validation_id: int, classes: Collection[FindingClass], use: Callable[[Shown], T]) -> T:
        """Return what `use` makes of a validation's findings of some classes; they are gone through, held by nobody."""
        stock = bool(set(classes) & set(STOCK))

        def read(connection: sa.Connection) -> T:
            return use(
                Shown(
                    units=findings.stock_units(connection, validation_id) if stock else (0, 0),
                    worst=findings.worst_stock(connection, validation_id, _WORST) if stock else (),
                    each=lambda: findings.each_of(connection, validation_id, classes),
                )
            )

        return await self._database.read(read)

    # --- what findings are made of ---
    async def names(self, inventory_item_ids: Sequence[str]) -> Mapping[str, Named]:
        """Return what goods are called, by inventory item."""
        return await self._database.read(lambda c: findings.names(c, inventory_item_ids))

    async def sold_since(self, since: datetime, limit: int) -> Sequence[Sold]:
        """Return the goods of which most units were ordered online since a moment."""
        return await self._database.read(lambda c: findings.sold_since(c, since, limit))

    async def linked_skus(self, after: tuple[str, str], limit: int) -> Sequence[LinkedSku]:
        """Return variants in the order of products, after such a place, with the SKUs of their items."""
        return await self._database.read(lambda c: findings.linked_skus(c, self._sku_fields, after, limit))

    async def pairs_of(self, link_ids: Collection[int]) -> Sequence[Pair]:
        """Return these linked pairs whole."""
        return await self._database.read(lambda c: findings.pairs_of(c, self._sku_fields, sorted(link_ids)))

    async def loose(self) -> tuple[Sequence[Loose], Sequence[Loose]]:
        """Return the items and the variants that no confirmed link joins."""

        def read(connection: sa.Connection) -> tuple[list[Loose], list[Loose]]:
            return findings.loose_items(connection, self._sku_fields), findings.loose_variants(connection)

        return await self._database.read(read)

    async def archived(self, ids: Collection[str], keys: Collection[str]) -> Sequence[Loose]:
        """Return archived items of these ids or SKU keys."""
        wanted, known = frozenset(ids), frozenset(keys)
        return await self._database.read(lambda c: findings.archived_items(c, self._sku_fields, wanted, known))

    async def linked_names(self, keys: Collection[str]) -> Mapping[str, str]:
        """Return what linked goods are called whose SKU has one of these keys."""
        return await self._database.read(lambda c: findings.linked_names(c, keys))

    async def shared_keys(self) -> Mapping[str, Sequence[int]]:
        """Return the SKU keys that several confirmed links have."""
        return await self._database.read(findings.shared_keys)
