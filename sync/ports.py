"""What the engine needs from the outside, as Protocols named for the need.

Adapters translate every foreign error into the tree of `errors.py`. Every reading either returns a
`Certificate` or raises; rows already delivered by then are true but prove nothing about the rest.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from sync.choosing import Choice, Term
from sync.conflict_causes import Evidence
from sync.errors import Code
from sync.model import (
    Certificate,
    Finding,
    ItemRow,
    LevelRow,
    OrderRow,
    StockChange,
    StockRow,
    VariantRow,
    WriteResult,
)
from sync.pacing import Bucket
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
from sync.webhooks import DueWebhook, Receipt, Subscription, Topic, Webhook, WebhookState

Row = TypeVar("Row")
Deliver = Callable[[Sequence[Row]], Awaitable[None]]
"""Takes one page of rows, parsed whole; called in page order, awaited before the next page is asked for."""


class PointOfSale(Protocol):
    """Lightspeed, as the engine sees it."""

    async def read_stock(self, since: datetime | None, deliver: Deliver[StockRow]) -> Certificate:
        """Deliver the stock rows of our shop changed at or after `since` (None: all), oldest change first."""

    async def read_items(
        self, since: datetime | None, deliver: Deliver[ItemRow], *, cards: bool = False, whole: bool = True
    ) -> Certificate:
        """Deliver catalogue items, archived ones too, changed at or after `since`; None: all, with their stock rows.

        With `cards` each has its card, which costs twice as much. Of all items cards can be had that are not `whole`,
        for a quarter less.
        """

    async def check(self) -> Sequence[Finding]:
        """Try sign-in, account, shop, register and rights; never raises for what it finds."""


class Storefront(Protocol):
    """Shopify, as the engine sees it."""

    async def read_levels(self, since: datetime, deliver: Deliver[LevelRow]) -> Certificate:
        """Deliver the level rows of our location changed at or after `since`, from the search index."""

    async def levels_of(self, inventory_item_ids: Sequence[str]) -> Mapping[str, LevelRow]:
        """Return the present level rows of these items (250 a call); an item not stocked here is missing."""

    async def read_orders(self, since: datetime | None, deliver: Deliver[OrderRow]) -> Certificate:
        """Deliver orders changed at or after `since`; None: all that are still open."""

    async def orders_of(self, order_ids: Sequence[str]) -> Mapping[str, OrderRow]:
        """Return these orders as they are now; a deleted one is missing."""

    async def orders_named(self, names: Sequence[str], since: datetime) -> Sequence[str]:
        """Return the ids of the orders with these names or numbers, of at most 25 names, created at or after `since`.

        What is new may be missing.
        """

    async def read_variants(self, since: datetime, deliver: Deliver[VariantRow], *, cards: bool = False) -> Certificate:
        """Deliver the variants changed at or after `since`, without levels; with their cards where that is asked."""

    async def variants_of(self, variant_ids: Sequence[str], *, cards: bool = False) -> Mapping[str, VariantRow]:
        """Return these variants as they are now, without levels; a deleted one is missing."""

    async def read_everything(self, deliver: Deliver[VariantRow], *, cards: bool = False) -> Certificate:
        """Deliver every variant with its level at our location, by a bulk operation; with cards where that is asked."""

    async def set_available(self, key: str, reference: str, changes: Sequence[StockChange]) -> WriteResult:
        """Set `available` of at most 250 items, all or none, comparing with `before`.

        `key` is the idempotency key, `reference` a URI naming run and operation for Shopify's own history.
        Raises `OutcomeUnknown` when it may have been applied, `Transient` when it surely was not.
        """

    async def check(self) -> Sequence[Finding]:
        """Try sign-in, version, scopes and location; never raises for what it finds."""


class Hooks(Protocol):
    """Our app's webhook subscriptions at Shopify."""

    async def subscriptions(self) -> Sequence[Subscription]:
        """Return all of them, those to other addresses too."""

    async def subscribe(self, topic: Topic, uri: str) -> str:
        """Subscribe to a topic; return why Shopify refused, "" where it did not."""

    async def unsubscribe(self, subscription_id: str) -> None:
        """End a subscription; one that is gone already is no mistake."""


class Inbox(Protocol):
    """Webhooks, kept before they are answered. Each call is one transaction, as the ledger's."""

    async def keep(self, webhook: Webhook) -> Receipt:
        """Store a delivery: STORED, REPEATED where its id was stored before, DEAD where it names no subject."""

    async def due(self, now: datetime, limit: int = 500) -> Sequence[DueWebhook]:
        """Return the webhooks to look at now, in the order in which they arrived."""

    async def settle(
        self, numbers: Sequence[int], state: WebhookState, now: datetime, *, code: Code | None = None, detail: str = ""
    ) -> None:
        """Close webhooks; those closed already stay as they are."""

    async def postpone(self, numbers: Sequence[int], until: datetime, code: Code, detail: str) -> None:
        """Leave webhooks for later, one attempt older."""

    async def note_uninstalled(self, at: datetime | None) -> None:
        """Remember since when our app is gone from the shop; None: it is there."""

    async def uninstalled_at(self) -> datetime | None:
        """Return since when our app is gone from the shop, None while it is there."""


class Ledger(Protocol):
    """Our own durable record. Each call is one transaction: after it returned, its effect survives a power cut."""

    # --- runs ---
    async def begin_run(self, job: str, now: datetime) -> int:
        """Open a run of `job` and return its id; a number never used again."""

    async def finish_run(  # noqa: D102 - told by its arguments
        self,
        run_id: int,
        now: datetime,
        outcome: RunOutcome,
        *,
        numbers: Mapping[str, int | float],
        code: Code | None = None,
        detail: str = "",
    ) -> None: ...

    async def interrupt_runs(self, now: datetime) -> int:
        """Close what the last process left open: runs as interrupted, calls without an answer as unanswered."""

    async def runs(self, job: str | None = None, limit: int = 20) -> Sequence[RunRecord]:
        """Return the latest runs, newest first."""

    async def last_success(self, job: str) -> RunRecord | None:
        """Return the latest run of `job` that ended OK."""

    # --- readings: rows are kept as snapshots, and every link they concern becomes due ---
    async def watermark(self, feed: Feed) -> datetime | None:
        """Return the server moment up to which a feed was read."""

    async def advance(self, feed: Feed, newest: datetime, run_id: int) -> None:
        """Move a watermark forward; never backward."""

    async def keep_stock(self, rows: Sequence[StockRow], read_at: datetime) -> int:
        """Keep Lightspeed's stock; return how many rows differed (timestamp or quantity) from what was known."""

    async def keep_items(self, rows: Sequence[ItemRow], read_at: datetime) -> int:
        """Keep catalogue items and the stock rows they carry; an archived item's confirmed link is tombstoned."""

    async def keep_levels(self, rows: Sequence[LevelRow], read_at: datetime) -> int:
        """Keep Shopify's levels; return how many differed."""

    async def keep_variants(self, rows: Sequence[VariantRow], read_at: datetime) -> int:
        """Keep variants and the levels they carry; return how many differed."""

    async def keep_orders(self, orders: Sequence[OrderRow], read_at: datetime) -> int:
        """Turn orders into facts, once each; return how many facts are new. An older version of an order is ignored."""

    async def open_orders(self, inventory_item_ids: Sequence[str]) -> Sequence[str]:
        """Return the ids of orders with open units of these items."""

    async def lose_orders(self, order_ids: Sequence[str], now: datetime) -> None:
        """Mark open orders as gone from Shopify; they still count, and a person decides (OR001)."""

    async def still_open(self, order_ids: Sequence[str]) -> Sequence[str]:
        """Return those of these orders that we know with open units, those known to be lost left out."""

    async def levels_kept(self, inventory_item_ids: Sequence[str]) -> Mapping[str, LevelRow]:
        """Return these items' levels as last read; those never read are missing."""

    async def variants_kept(self, product_ids: Sequence[str]) -> Sequence[VariantRow]:
        """Return these products' variants as last read, without levels."""

    async def look_again(self, inventory_item_ids: Sequence[str]) -> int:
        """Make the links of these items due; return how many confirmed links that are."""

    async def retire_variants(self, variant_ids: Sequence[str], now: datetime) -> int:
        """Forget variants that Shopify has deleted and tombstone their links; return how many links ended."""

    async def set_cut_over(self, moment: datetime, *, firm: bool = True) -> datetime:
        """Fix the cut-over (orders before it count as booked); return the one in force.

        One that is not `firm`, as a plan supposes, lasts until another is set; a firm one stays for good.
        """

    # --- links ---
    async def unlinked(self) -> tuple[Sequence[SkuKey], Sequence[SkuKey]]:
        """Return the linkable Lightspeed items and Shopify variants, those with a live link included."""

    async def keep_links(self, proposals: Sequence[Proposal], problems: Sequence[SkuProblem], now: datetime) -> int:
        """Keep new links and replace the list of SKU problems; return how many links are new. New links are due."""

    async def count_links(self) -> int:
        """Return the number of confirmed links."""

    async def known(self) -> Known:
        """Return how many items and variants were ever read and not forgotten."""

    async def choose(self, terms: Sequence[Term]) -> Choice:
        """Return the confirmed links whose goods are named by any of these terms, and the terms that name none."""

    async def sales_since(self, moment: datetime) -> Mapping[str, int] | None:
        """Return the units ordered since a moment, by inventory item; None where our record begins later."""

    async def links_of(self, inventory_item_ids: Sequence[str]) -> Mapping[str, int]:
        """Return the confirmed link of each of these inventory items; others are missing."""

    async def link_ids_of(self, skus: Sequence[str]) -> Mapping[str, int]:
        """Return the confirmed link of each SKU, compared as `matching.sku_key` does; unknown ones are missing."""

    # --- work ---
    async def due(
        self, *, after: int = 0, limit: int = 1000, everything: bool = False, as_of: AsOf | None = None
    ) -> Sequence[Work]:
        """Return due links (or all confirmed ones) with ids above `after`, in id order.

        `as_of` tells which documents of ours count as booked; None: all, whenever Lightspeed's stock was read.
        """

    async def work_of(self, link_ids: Sequence[int], as_of: AsOf | None = None) -> Sequence[Work]:
        """Return these links as they stand now; `as_of` as in `due`."""

    async def settle(self, evaluations: Sequence[Evaluation], run_id: int, now: datetime) -> None:
        """Keep decisions that write nothing now: memories, quarantines, corrections, what became of open writes."""

    async def open_call(self, intents: Sequence[Intent], run_id: int, now: datetime) -> StockCall:
        """Record intents and their call before it is sent, with the links' memories; number each row anew."""

    async def close_call(self, key: str, outcomes: Sequence[RowOutcome], now: datetime) -> None:
        """Record what became of a call's rows, and the links' memories."""

    async def standing(self) -> Standing:
        """Return how the shops stand to each other."""

    async def differing(self) -> Differing:
        """Return by how much the shops differ as they were last read, evaluated or not."""

    async def changes_of(self, sku: str, limit: int = 50) -> Sequence[Change]:
        """Return the stock writes of one SKU, newest first."""

    async def doubted_links(self, limit: int = 5) -> Sequence[str]:
        """Return the SKUs of links whose sides agreed in nothing at the last check, those longest in doubt first."""

    async def tamperings(self, since: datetime) -> Sequence[Tampering]:
        """Return the changes of Shopify's numbers that nothing explained, since a moment, oldest first."""

    async def sku_problems(self) -> Sequence[SkuProblem]:
        """Return the SKUs that could not be linked."""

    # --- differences that a person decides on ---
    async def conflicts(self) -> Sequence[Conflict]:
        """Return the differences that wait for a person, longest first, then those that one has kept."""

    async def evidence_of(self, link_ids: Sequence[int]) -> Mapping[int, Evidence]:
        """Return what is on record about the differences of these links, those that wait for a person alone."""

    async def decide(
        self, link_ids: Sequence[int], decision: ConflictDecision, by: str, now: datetime
    ) -> Mapping[int, Code]:
        """Keep a person's word on these links, for their next evaluation to carry out.

        Returns why it cannot be taken, by link (SK004, SK005); then it is taken for none. Approving takes Lightspeed's
        number, and removes a difference that was kept. Dismissing keeps the difference as last evaluated.
        """

    # --- brakes by hand, call counts ---
    async def pause(self, kind: PauseKind, reason: str, now: datetime) -> Pause | None:
        """Pause a kind of work; return the pause that was in force. It keeps its moment and gets the new reason."""

    async def resume(self, kind: PauseKind | None = None) -> int:
        """Lift one pause or all; return how many there were."""

    async def pauses(self) -> Sequence[Pause]: ...  # noqa: D102

    async def count_calls(self, minutes: Sequence[ApiMinute]) -> None:
        """Add to the per-minute counts of attempts and failures."""

    async def calls_since(self, moment: datetime) -> Sequence[ApiMinute]:
        """Return the per-minute counts from `moment` on."""

    async def prune(self, now: datetime, history: timedelta) -> Mapping[str, int]:
        """Forget finished history older than `history` in small steps; return how many rows of each table went."""


class ApiMeter(Protocol):
    """Told of every attempt at a call, retries included, by both clients."""

    def attempt(self, api: str, operation: str, seconds: float, code: str | None) -> None:
        """Count one attempt; `code` is the catalogue code it failed with, None for success."""

    def quota(self, api: str, used_ratio: float, bucket: Bucket) -> None:
        """Take note of how full the vendor's bucket is, 0 to 1, and what it is like."""

    def clock(self, api: str, ahead: float, within: float) -> None:
        """Take note that the server's clock is `ahead` seconds of ours, give or take `within`."""

    def sign_in(self, api: str, until: datetime) -> None:
        """Take note that our sign-in ends at this moment unless it is renewed; by now: it was refused."""
