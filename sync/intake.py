"""Looks at the webhooks that were stored: each is a reason to read, and many with the same reason are one reading.

What an event tells is read from Shopify before anything is believed. Nothing depends on it: what no webhook tells,
or what could not be read, is found by polling.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

import structlog

from sync.clock import Clock
from sync.errors import Code, SyncError, Transient
from sync.events import Listener, RunWanted, WebhookMet
from sync.feeds import read_orders_again
from sync.model import LevelRow, VariantRow
from sync.ports import Hooks, Inbox, Ledger, Storefront
from sync.webhooks import HINTED, DueWebhook, Hint, Reason, Receipt, Topic, WebhookState, moment_of, variants_told

log = structlog.get_logger()

_BATCH = 500  # webhooks looked at together


class Kind(Enum):
    """What webhooks of one kind make us read."""

    ORDERS = "orders"
    LEVELS = "levels"
    PRODUCTS = "products"
    APP = "app"
    NAMED_ORDERS = "named orders"
    NAMED_STOCK = "named stock"


_KINDS: Mapping[Reason, Kind] = {
    Topic.INVENTORY_LEVELS_UPDATE: Kind.LEVELS,
    Topic.PRODUCTS_UPDATE: Kind.PRODUCTS,
    Topic.PRODUCTS_DELETE: Kind.PRODUCTS,
    Topic.APP_UNINSTALLED: Kind.APP,
    Hint.ORDER: Kind.NAMED_ORDERS,
    Hint.STOCK: Kind.NAMED_STOCK,
}


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a reading is tried, and the waits between: doubled each time, capped."""

    attempts: int = 10
    backoff: timedelta = timedelta(seconds=5)
    longest: timedelta = timedelta(minutes=15)

    def wait(self, attempt: int, error: SyncError) -> timedelta:
        """Return the wait after a failed attempt (from 1), the server's own if that is longer."""
        told = error.retry_after if isinstance(error, Transient) and error.retry_after is not None else 0.0
        return max(min(self.longest, self.backoff * 2.0 ** min(attempt - 1, 20)), timedelta(seconds=told))


def groups(batch: Sequence[DueWebhook]) -> list[tuple[Kind, Sequence[DueWebhook]]]:
    """Return what is read together; one that failed before is read alone, so that it can hold up no other."""
    together = defaultdict[Kind, list[DueWebhook]](list)
    alone = []
    for each in batch:
        kind = _KINDS.get(each.topic, Kind.ORDERS)
        if each.attempts:
            alone.append((kind, [each]))
        else:
            together[kind].append(each)
    return [*together.items(), *alone]


def differing(told: Sequence[DueWebhook], known: Mapping[str, LevelRow], location_id: str) -> list[DueWebhook]:
    """Return the webhooks about our location that tell another number than the level last read, and no older one.

    Our own write comes back as a webhook with the number that we wrote: no reason to do anything.
    """
    number = location_id.rpartition("/")[2]
    return [each for each in told if str(each.body.get("location_id")) == number and _news(each, known)]


def _news(told: DueWebhook, known: Mapping[str, LevelRow]) -> bool:
    level, at = known.get(told.subject), moment_of(told.body.get("updated_at"))
    if level is None:
        return True
    older = at is not None and at < level.level_updated_at.replace(microsecond=0)
    return told.body.get("available") != level.available and not older


def doubtful(told: Sequence[DueWebhook], known: Collection[VariantRow]) -> tuple[list[DueWebhook], set[str]]:
    """Return the webhooks about products that differ from what is known, and the variants to read because of them.

    A product changes with every sale; its variants do not. One that tells all its variants, each as it is known, is
    no news.
    """
    by_product = defaultdict[str, dict[str, VariantRow]](dict)
    for row in known:
        by_product[row.product_id][row.variant_id] = row
    news: list[DueWebhook] = []
    variants: set[str] = set()
    for each in told:
        ours, theirs = by_product[each.subject], variants_told(each.body)
        if each.topic is Topic.PRODUCTS_UPDATE and theirs is not None and _same(ours, theirs, each.body.get("status")):
            continue
        news.append(each)
        variants.update(ours, theirs or ())
    return news, variants


def _same(ours: Mapping[str, VariantRow], theirs: Mapping[str, object], status: object) -> bool:
    same_status = all(str(status).upper() == row.product_status for row in ours.values())
    return {gid: row.updated_at for gid, row in ours.items()} == theirs and same_status


class Intake:
    """Looks at what waits in the inbox. `turn` is shared with whoever reads stock or books orders."""

    def __init__(
        self,
        *,
        inbox: Inbox,
        ledger: Ledger,
        storefront: Storefront,
        hooks: Hooks,
        clock: Clock,
        tell: Listener,
        turn: asyncio.Lock,
        location_id: str,
        patience: Patience,
    ) -> None:
        self._inbox = inbox
        self._ledger = ledger
        self._storefront = storefront
        self._hooks = hooks
        self._clock = clock
        self._tell = tell
        self._turn = turn
        self._location_id = location_id
        self._patience = patience
        self._readers: Mapping[Kind, Callable[[Sequence[DueWebhook]], Awaitable[set[int]]]] = {
            Kind.ORDERS: self._orders,
            Kind.LEVELS: self._levels,
            Kind.PRODUCTS: self._products,
            Kind.APP: self._app,
            Kind.NAMED_ORDERS: self._named_orders,
            Kind.NAMED_STOCK: self._named_stock,
        }

    async def run(self) -> int:
        """Look at everything that waits by now and return how many webhooks that were; a failed reading waits."""
        looked = 0
        while batch := await self._inbox.due(self._clock.now(), _BATCH):
            for kind, group in groups(batch):
                await self._look(kind, group)
            looked += len(batch)
        return looked

    async def _look(self, kind: Kind, group: Sequence[DueWebhook]) -> None:
        try:
            async with self._turn:
                news = await self._readers[kind](group)
        except SyncError as error:
            await self._later(group, error)
        except Exception as error:
            log.exception("intake.broke", kind=kind.value)
            await self._later(group, SyncError(Code.IN001, type(error).__name__))
        else:
            await self._close([each for each in group if each.number in news], WebhookState.DONE)
            await self._close([each for each in group if each.number not in news], WebhookState.UNNEEDED)

    async def _close(self, group: Sequence[DueWebhook], state: WebhookState, error: SyncError | None = None) -> None:
        if not group:
            return
        code, detail = (error.code, error.detail) if error else (None, "")
        numbers = [each.number for each in group]
        await self._inbox.settle(numbers, state, self._clock.now(), code=code, detail=detail)
        self._count(group, Receipt(state.value))

    async def _later(self, group: Sequence[DueWebhook], error: SyncError) -> None:
        """Put webhooks off whose reading failed; one that was tried often enough is left to polling."""
        log.warning("intake.failed", webhooks=len(group), code=error.code.name, detail=error.detail)
        again = [each for each in group if each.attempts + 1 < self._patience.attempts]
        await self._close([each for each in group if each not in again], WebhookState.DEAD, error)
        if again:
            until = self._clock.now() + self._patience.wait(again[0].attempts + 1, error)
            await self._inbox.postpone([each.number for each in again], until, error.code, error.detail)
            self._count(again, Receipt.POSTPONED)

    def _count(self, group: Sequence[DueWebhook], receipt: Receipt) -> None:
        for each in group:
            if isinstance(each.topic, Topic):
                self._tell(WebhookMet(each.topic, receipt))

    # --- one reading for each kind; it returns the numbers of the webhooks that told something new ---

    async def _orders(self, group: Sequence[DueWebhook]) -> set[int]:
        order_ids = list(dict.fromkeys(each.subject for each in group))
        if await read_orders_again(self._storefront, self._ledger, order_ids, self._clock.now()):
            self._tell(RunWanted("orders"))
        return _numbers(group)

    async def _named_orders(self, group: Sequence[DueWebhook]) -> set[int]:
        """Find orders by their names; what Shopify does not find yet is left to polling, and so are old ones.

        A visitor could have orders from before the cut-over counted, which nobody else ever reads.
        """
        since = self._clock.now() - HINTED
        order_ids = await self._storefront.orders_named([each.subject for each in group], since)
        if order_ids and await read_orders_again(self._storefront, self._ledger, order_ids, self._clock.now()):
            self._tell(RunWanted("orders"))
        return _numbers(group) if order_ids else set()

    async def _named_stock(self, group: Sequence[DueWebhook]) -> set[int]:
        self._tell(RunWanted("stock"))
        return _numbers(group)

    async def _levels(self, group: Sequence[DueWebhook]) -> set[int]:
        known = await self._ledger.levels_kept([each.subject for each in group])
        news = differing(group, known, self._location_id)
        if await self._ledger.look_again([each.subject for each in news]):
            self._tell(RunWanted("stock"))
        return _numbers(news)

    async def _products(self, group: Sequence[DueWebhook]) -> set[int]:
        known = await self._ledger.variants_kept([each.subject for each in group])
        news, doubted = doubtful(group, known)
        asked_at = self._clock.now()
        found = await self._storefront.variants_of(sorted(doubted)) if doubted else {}
        changed = await self._ledger.keep_variants(list(found.values()), asked_at)
        gone = [row.variant_id for row in known if row.variant_id in doubted and row.variant_id not in found]
        if gone:
            ended = await self._ledger.retire_variants(gone, asked_at)
            log.info("intake.variants_deleted", variants=len(gone), links=ended)
        if changed or any(variants_told(each.body) is None for each in news if each.topic is Topic.PRODUCTS_UPDATE):
            self._tell(RunWanted("catalogue"))
        return _numbers(news)

    async def _app(self, group: Sequence[DueWebhook]) -> set[int]:
        """Find out whether our app is gone: a call that Shopify answers proves that it is not."""
        try:
            await self._hooks.subscriptions()
        except SyncError as error:
            if error.code is not Code.SH005:
                raise
            await self._inbox.note_uninstalled(self._clock.now())
            log.error("intake.app_uninstalled", code=Code.WH003.name, detail=Code.WH003.sentence)  # noqa: TRY400 - known
            return _numbers(group)
        await self._inbox.note_uninstalled(None)
        return set()


def _numbers(group: Sequence[DueWebhook]) -> set[int]:
    return {each.number for each in group}
