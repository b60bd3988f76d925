"""The `Ledger` of `sync/ports.py` over the database: each method one transaction, what it does in the modules beside.

Readings and decisions that exceed a batch are kept batch by batch, each of them whole and repeatable.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

import sqlalchemy as sa

from sync.choosing import Choice, Term
from sync.conflict_causes import Evidence
from sync.errors import Code
from sync.model import ItemRow, LevelRow, OrderRow, StockRow, VariantRow
from sync.records import (
    ApiMinute,
    AsOf,
    Change,
    Conflict,
    ConflictDecision,
    Differing,
    Evaluation,
    Feed,
    Intent,
    Known,
    Pause,
    PauseKind,
    Proposal,
    RowOutcome,
    RunOutcome,
    RunRecord,
    SkuKey,
    SkuProblem,
    Standing,
    StockCall,
    Work,
)
from sync.second_writer import Tampering
from sync.storage import (
    choosing,
    conflict_evidence,
    conflicts,
    journal,
    linking,
    mapping,
    order_facts,
    product_writes,
    snapshots,
    tampering,
    work,
    writes,
)
from sync.storage.database import Database
from sync.storage.pruning import FORGOTTEN, HISTORY
from sync.storage.statements import batches, upsert
from sync.storage.tables import meta

Row = TypeVar("Row")


class SqlLedger:
    """Our durable record.

    `sku_fields` are the columns of an item that hold its SKU, the first one first. With `book_before_cut_over`
    orders from before the cut-over count as booked in Lightspeed. A link that Shopify refuses to write gets another
    try when Shopify's side of it changes, or at a run that begins `retry_parked` later.
    """

    def __init__(
        self,
        database: Database,
        *,
        sku_fields: Sequence[str] = ("custom_sku",),
        book_before_cut_over: bool = True,
        retry_parked: timedelta = timedelta(hours=1),
    ) -> None:
        self._database = database
        self._sku_fields = tuple(sku_fields)
        self._book_before_cut_over = book_before_cut_over
        self._retry_parked = retry_parked
        # How often each link had become due when it was handed out: what becomes due meanwhile stays due.
        self._marks: dict[int, int] = {}
        # Where each feed stands, once that was read: nobody else moves a watermark.
        self._watermarks: dict[Feed, datetime] = {}

    # --- runs ---
    async def begin_run(self, job: str, now: datetime) -> int:
        """Open a run of `job` and return its id."""

        def begin(connection: sa.Connection) -> int:
            work.unpark(connection, now - self._retry_parked)
            return journal.begin_run(connection, job, now)

        return await self._database.write(begin)

    async def finish_run(
        self,
        run_id: int,
        now: datetime,
        outcome: RunOutcome,
        *,
        numbers: Mapping[str, int | float],
        code: Code | None = None,
        detail: str = "",
    ) -> None:
        """Keep how a run ended."""
        run = RunRecord(run_id, "", now, now, outcome, code, detail, numbers)
        await self._database.write(lambda c: journal.finish_run(c, run))

    async def interrupt_runs(self, now: datetime) -> int:
        """Close what the last process left open."""

        def interrupt(connection: sa.Connection) -> int:
            writes.interrupt(connection, now)
            product_writes.interrupt(connection, now)
            return journal.interrupt_runs(connection, now)

        return await self._database.write(interrupt)

    async def runs(self, job: str | None = None, limit: int = 20) -> Sequence[RunRecord]:
        """Return the latest runs, newest first."""
        return await self._database.read(lambda c: journal.latest_runs(c, job, limit))

    async def last_success(self, job: str) -> RunRecord | None:
        """Return the latest run of `job` that ended OK."""
        return await self._database.read(lambda c: journal.last_success(c, job))

    # --- readings ---
    async def watermark(self, feed: Feed) -> datetime | None:
        """Return the server moment up to which a feed was read."""
        if (known := self._watermarks.get(feed)) is not None:
            return known
        read = await self._database.read(lambda c: journal.watermark(c, feed))
        if read is not None:
            self._watermarks.setdefault(feed, read)
        return read

    async def advance(self, feed: Feed, newest: datetime, run_id: int) -> None:
        """Move a watermark forward."""
        self._watermarks.pop(feed, None)  # whatever becomes of the writing, it is read anew
        await self._database.write(lambda c: journal.advance(c, feed, newest, run_id))

    async def keep_stock(self, rows: Sequence[StockRow], read_at: datetime) -> int:
        """Keep Lightspeed's stock; return how many rows differed."""
        return await self._keep(rows, lambda c, batch: len(snapshots.keep_stock(c, batch, read_at)))

    async def keep_items(self, rows: Sequence[ItemRow], read_at: datetime) -> int:
        """Keep items and the stock they carry; return how many differed."""
        fields = self._sku_fields
        return await self._keep(rows, lambda c, batch: len(snapshots.keep_items(c, batch, read_at, fields)))

    async def keep_levels(self, rows: Sequence[LevelRow], read_at: datetime) -> int:
        """Keep Shopify's levels; return how many differed."""
        return await self._keep(rows, lambda c, batch: len(snapshots.keep_levels(c, batch, read_at)))

    async def keep_variants(self, rows: Sequence[VariantRow], read_at: datetime) -> int:
        """Keep variants and the levels they carry; return how many differed."""
        return await self._keep(rows, lambda c, batch: len(snapshots.keep_variants(c, batch, read_at)))

    async def keep_orders(self, orders: Sequence[OrderRow], read_at: datetime) -> int:
        """Turn orders into facts; return how many are new."""
        return await self._keep(orders, lambda c, batch: order_facts.keep_orders(c, batch, read_at))

    async def open_orders(self, inventory_item_ids: Sequence[str]) -> Sequence[str]:
        """Return the ids of orders with open units of these items."""
        return await self._database.read(lambda c: order_facts.open_orders(c, inventory_item_ids))

    async def lose_orders(self, order_ids: Sequence[str], now: datetime) -> None:
        """Mark open orders as gone from Shopify."""
        await self._database.write(lambda c: order_facts.lose_orders(c, order_ids, now))

    async def still_open(self, order_ids: Sequence[str]) -> Sequence[str]:
        """Return those of these orders that have open units."""
        return await self._database.read(lambda c: order_facts.still_open(c, order_ids))

    async def levels_kept(self, inventory_item_ids: Sequence[str]) -> Mapping[str, LevelRow]:
        """Return these items' levels as last read."""
        return await self._database.read(lambda c: snapshots.levels_kept(c, inventory_item_ids))

    async def variants_kept(self, product_ids: Sequence[str]) -> Sequence[VariantRow]:
        """Return these products' variants as last read."""
        return await self._database.read(lambda c: snapshots.variants_kept(c, product_ids))

    async def look_again(self, inventory_item_ids: Sequence[str]) -> int:
        """Make the links of these items due; return how many they are."""
        return await self._database.write(lambda c: snapshots.look_again(c, inventory_item_ids))

    async def retire_variants(self, variant_ids: Sequence[str], now: datetime) -> int:
        """Forget deleted variants and end their links; return how many ended."""
        return await self._database.write(lambda c: snapshots.retire_variants(c, variant_ids, now))

    async def set_cut_over(self, moment: datetime, *, firm: bool = True) -> datetime:
        """Fix the cut-over, once and for all where it is `firm`; return the one in force."""
        booked = self._book_before_cut_over
        return await self._database.write(lambda c: order_facts.set_cut_over(c, moment, booked=booked, firm=firm))

    # --- links ---
    async def unlinked(self) -> tuple[Sequence[SkuKey], Sequence[SkuKey]]:
        """Return the linkable items and variants, linked ones included."""
        return await self._database.read(lambda c: linking.linkable(c, self._sku_fields))

    async def keep_links(self, proposals: Sequence[Proposal], problems: Sequence[SkuProblem], now: datetime) -> int:
        """Keep new links and replace the SKU problems; return how many links are new."""
        return await self._database.write(lambda c: linking.keep_links(c, proposals, problems, now))

    async def count_links(self) -> int:
        """Return the number of confirmed links."""
        return await self._database.read(linking.count)

    async def known(self) -> Known:
        """Return how many items and variants were ever read."""
        return await self._database.read(choosing.known)

    async def choose(self, terms: Sequence[Term]) -> Choice:
        """Return the confirmed links whose goods are named by any of these terms."""
        return await self._database.read(lambda c: choosing.choose(c, terms))

    async def sales_since(self, moment: datetime) -> Mapping[str, int] | None:
        """Return the units ordered since a moment; None where not all orders since then are known."""
        return await self._database.read(lambda c: choosing.sales_since(c, moment))

    async def links_of(self, inventory_item_ids: Sequence[str]) -> Mapping[str, int]:
        """Return the confirmed link of each of these inventory items."""
        return await self._database.read(lambda c: choosing.links_of(c, inventory_item_ids))

    async def link_ids_of(self, skus: Sequence[str]) -> Mapping[str, int]:
        """Return the confirmed link of each SKU."""
        return await self._database.read(lambda c: linking.link_ids_of(c, skus))

    async def doubted_links(self, limit: int = 5) -> Sequence[str]:
        """Return the SKUs of links whose sides agreed in nothing at the last check."""
        return await self._database.read(lambda c: mapping.doubted(c, limit))

    async def tamperings(self, since: datetime) -> Sequence[Tampering]:
        """Return the changes of Shopify's numbers that nothing explained, since a moment."""
        return await self._database.read(lambda c: tampering.tamperings(c, since))

    async def sku_problems(self) -> Sequence[SkuProblem]:
        """Return the SKUs that could not be linked."""
        return await self._database.read(linking.problems)

    # --- work ---
    async def due(
        self, *, after: int = 0, limit: int = 1000, everything: bool = False, as_of: AsOf | None = None
    ) -> Sequence[Work]:
        """Return due links (or all confirmed ones) with ids above `after`, in id order."""
        return self._hand_out(
            await self._database.read(lambda c: work.due(c, after, limit, everything=everything, as_of=as_of))
        )

    async def work_of(self, link_ids: Sequence[int], as_of: AsOf | None = None) -> Sequence[Work]:
        """Return these links as they stand now."""
        return self._hand_out(await self._database.read(lambda c: work.work_of(c, link_ids, as_of)))

    async def settle(self, evaluations: Sequence[Evaluation], run_id: int, now: datetime) -> None:
        """Keep decisions that write nothing now."""

        def keep(connection: sa.Connection, batch: Sequence[Evaluation]) -> int:
            writes.settle(connection, batch, run_id, now, self._marks)
            return len(batch)

        await self._keep(evaluations, keep)
        for each in evaluations:
            self._marks.pop(each.link_id, None)

    async def open_call(self, intents: Sequence[Intent], run_id: int, now: datetime) -> StockCall:
        """Record intents and their call before it is sent."""
        return await self._database.write(lambda c: writes.open_call(c, intents, run_id, now, self._marks))

    async def close_call(self, key: str, outcomes: Sequence[RowOutcome], now: datetime) -> None:
        """Record what became of a call's rows."""
        await self._database.write(lambda c: writes.close_call(c, key, outcomes, now, self._marks))

    async def standing(self) -> Standing:
        """Return how the shops stand to each other."""
        return await self._database.read(work.standing)

    async def differing(self) -> Differing:
        """Return by how much the shops differ as they were last read."""
        return await self._database.read(work.differing)

    async def changes_of(self, sku: str, limit: int = 50) -> Sequence[Change]:
        """Return the stock writes of one SKU, newest first."""
        return await self._database.read(lambda c: writes.changes_of(c, sku, limit))

    # --- differences that a person decides on ---
    async def conflicts(self) -> Sequence[Conflict]:
        """Return the differences that wait for a person, and those that one has kept."""
        return await self._database.read(conflicts.conflicts)

    async def evidence_of(self, link_ids: Sequence[int]) -> Mapping[int, Evidence]:
        """Return what is on record about the differences of these links, those that wait for a person alone."""
        return await self._database.read(lambda c: conflict_evidence.evidence_of(c, link_ids))

    async def decide(
        self, link_ids: Sequence[int], decision: ConflictDecision, by: str, now: datetime
    ) -> Mapping[int, Code]:
        """Keep a person's word on these links; return why it cannot be taken, by link. Then it is taken for none."""
        return await self._database.write(lambda c: conflicts.decide(c, link_ids, decision, by, now))

    # --- brakes by hand, call counts ---
    async def pause(self, kind: PauseKind, reason: str, now: datetime) -> Pause | None:
        """Pause writing or orders; return the pause that was in force."""
        return await self._database.write(lambda c: journal.pause(c, kind, reason, now))

    async def resume(self, kind: PauseKind | None = None) -> int:
        """Lift one pause or all; return how many there were."""
        return await self._database.write(lambda c: journal.resume(c, kind))

    async def pauses(self) -> Sequence[Pause]:
        """Return the pauses in force."""
        return await self._database.read(journal.current_pauses)

    async def count_calls(self, minutes: Sequence[ApiMinute]) -> None:
        """Add to the per-minute counts."""
        await self._database.write(lambda c: journal.count_calls(c, minutes))

    async def calls_since(self, moment: datetime) -> Sequence[ApiMinute]:
        """Return the per-minute counts from `moment` on."""
        return await self._database.read(lambda c: journal.calls_since(c, moment))

    # --- beyond the port ---
    async def show_set_aside(self, states: Sequence[str]) -> None:
        """Let `sync_validation` take off the states that `Policy.set_aside` names."""
        row = {"key": "set_aside", "value": ",".join(states)}
        await self._database.write(lambda c: upsert(c, meta, [row]))

    async def prune(self, now: datetime, history: timedelta = HISTORY) -> Mapping[str, int]:
        """Forget finished history older than `history`, webhooks after a week; return how many rows of each table went.

        A batch is a transaction of its own, so that nobody waits for long; what was begun may be gone on with later.
        """
        gone = Counter[str]()
        for each in FORGOTTEN:
            batch = partial(each.forget, now=now, history=history)
            while rows := await self._database.write(batch):
                gone[each.table.name] += rows
        return gone

    # --- small things ---
    async def _keep(self, rows: Sequence[Row], keep: Callable[[sa.Connection, Sequence[Row]], int]) -> int:
        """Keep rows batch by batch, so that nobody waits for long."""
        changed = 0
        for batch in batches(rows):
            changed += await self._database.write(lambda c, batch=batch: keep(c, batch))  # type: ignore[misc]
        return changed

    def _hand_out(self, marked: Sequence[work.Marked]) -> Sequence[Work]:
        self._marks.update((each.link_id, marks) for each, marks in marked)
        return [each for each, _ in marked]
