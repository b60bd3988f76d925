"""Books orders into Lightspeed: each document becomes exactly one completed sale, whatever is lost on the way.

Lightspeed knows no idempotency key, so the reference (`SH-<order number>-<n>`) is ours and stands in the ledger
before anything is sent. The steps of one document, each recorded before it is taken:

    INTENT      search the reference: nothing there                        found: adopt it
    SENT        make an open sale, which moves no stock; sent once         unanswered: search, wait, search twice more
    OPEN        compare its lines and total with the order                 they differ: throw it away, a person looks
    COMPLETING  complete it with one payment of what it comes to           unanswered: look at it
    POSTED      it counts as booked from the next reading of stock on

A request without an answer may still land later. So a sale that cannot be found is made again only after a
quarantine longer than any server keeps a request, and after two searches in vain; later the reference is searched
for a second sale, which is reported and never voided. Orders are taken one at a time, in turn with stock passes.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from sync.booking import BookingItems, Charge, Need, amount, next_step
from sync.booking_ports import Bookings, Till
from sync.clock import Clock
from sync.errors import Code, OutcomeUnknown, Permanent, SyncError, Transient
from sync.events import DocumentPosted, Listener, RunFinished, RunStarted, RunWanted
from sync.mirror_ports import MirrorBook
from sync.model import SaleRow
from sync.order_records import DocumentState, DueOrder, OrderState, Posting
from sync.pacing import backoff
from sync.ports import Ledger
from sync.records import AsOf, PauseKind, RunOutcome

log = structlog.get_logger()

JOB = "orders"
_MOST_A_RUN = 5  # orders: about a minute's quota; the rest is wanted at once, in a run of its own
_MISSES = 2  # searches in vain before a sale counts as never made
_SWEEPS = (timedelta(minutes=10), timedelta(hours=1), timedelta(days=1))  # after the confirmation of a doubtful one
_WHILE_DOUBLED = timedelta(hours=1)
_RECENT = timedelta(hours=1)  # how long a stock row may be older than a sale before that is no longer its fault
_NOT_ITS_FAULT = frozenset(
    {Code.LS005, Code.LS008, Code.LS010, Code.LS013}
)  # no order can be booked until a person acts

_STATE_OF = {
    Need.NOTHING: OrderState.POSTED,
    Need.CANCELLED: OrderState.CANCELLED,
    Need.EXEMPT: OrderState.EXEMPT,
    Need.PERSON: OrderState.PARKED,
    Need.REPAIR: OrderState.DEAD,
}


@dataclass(frozen=True, slots=True)
class PostingPolicy:
    """How orders are booked."""

    items: BookingItems = field(default_factory=BookingItems)
    quarantine: timedelta = timedelta(seconds=120)  # longer than Lightspeed may keep a request before it acts
    look_again: timedelta = timedelta(seconds=5)
    first_wait: timedelta = timedelta(seconds=5)  # before an order is tried again; doubled each time ...
    longest_wait: timedelta = timedelta(minutes=10)  # ... up to this


class InFlight:
    """The as-of rule: which documents and layaways a reading of Lightspeed's stock may already contain.

    Without a `till` nothing is sent, and what was in doubt before counts as not booked.
    """

    def __init__(
        self, *, bookings: Bookings, mirror: MirrorBook, till: Till | None, clock: Clock, tell: Listener
    ) -> None:
        self._bookings = bookings
        self._mirror = mirror
        self._till = till
        self._clock = clock
        self._tell = tell

    async def before_reading(self) -> AsOf:
        """Look at documents in doubt, so that completed ones count; return what counts for a reading begun now."""
        await self.settle()
        recent = self._clock.now() - _RECENT
        return AsOf(await self._bookings.confirmations(), recent, await self._mirror.as_of(recent))

    async def settle(self) -> None:
        """Confirm documents in doubt that Lightspeed has completed. After a reading: the rest was not in it."""
        if self._till is None:
            return
        for posting in await self._bookings.in_doubt():
            sale = await self._till.sale(posting.sale_id or "")
            if sale is not None and sale.completed and sale.alive and posting.document.is_booked_by(sale):
                await _confirm(self._bookings, self._tell, posting, sale, self._clock.now())


class Poster:
    """The one worker that books orders. `turn` is shared with the stock passes.

    `let_go` puts back what Lightspeed keeps aside for an order, before the sale takes it.
    """

    def __init__(
        self,
        *,
        bookings: Bookings,
        till: Till,
        ledger: Ledger,
        clock: Clock,
        tell: Listener,
        turn: asyncio.Lock,
        policy: PostingPolicy,
        let_go: Callable[[str], Awaitable[None]],
    ) -> None:
        self._bookings = bookings
        self._till = till
        self._ledger = ledger
        self._clock = clock
        self._tell = tell
        self._turn = turn
        self._policy = policy
        self._let_go = let_go

    async def work(self) -> None:
        """Book every order that is due, and search for second sales; raises nothing of what it meets."""
        if not await self._bookings.waits(self._clock.now()) or await self._paused():
            return
        if await self._bookings.next_order(self._clock.now()) is not None:
            await self._run()
        await self._sweep()

    async def _paused(self) -> bool:
        return any(pause.kind is PauseKind.ORDERS for pause in await self._ledger.pauses())

    async def _run(self) -> None:
        started, now = self._clock.monotonic(), self._clock.now()
        run_id = await self._ledger.begin_run(JOB, now)
        self._tell(RunStarted(run_id, JOB, now))
        counts, error = await self._book_all()
        outcome = RunOutcome.OK if error is None else RunOutcome.FAILED
        code, detail = (error.code, error.detail) if error is not None else (None, "")
        now, seconds = self._clock.now(), self._clock.monotonic() - started
        await self._ledger.finish_run(run_id, now, outcome, numbers=dict(counts), code=code, detail=detail)
        self._tell(RunFinished(run_id, JOB, now, outcome, seconds, code, detail, dict(counts)))
        level = log.info if error is None else log.warning
        level("orders.run_finished", run=run_id, outcome=outcome.value, code=code and code.name, **counts)

    async def _book_all(self) -> tuple[Counter[str], SyncError | None]:
        """Take order after order; stop at a failure that the others would meet as well.

        What nobody foresaw at one order stops no other, but the run has failed by it.
        """
        counts: Counter[str] = Counter()
        broke: SyncError | None = None
        for _ in range(_MOST_A_RUN):
            await self._till.room()  # before the turn is taken: stock must not wait for quota behind an order
            async with self._turn:
                due = await self._bookings.next_order(self._clock.now())
                if due is None:
                    return counts, broke
                state, error = await self._take(due)
                counts[state.value] += 1
            if error is not None and error.code is not Code.IN001:
                return counts, error
            broke = error or broke
        self._tell(RunWanted(JOB))
        return counts, broke

    async def _take(self, due: DueOrder) -> tuple[OrderState, SyncError | None]:
        """Do what an order needs next and record where it stands; return that, and what the run has failed by."""
        order_id = due.order_id
        try:
            return await self._next(order_id), None
        except OutcomeUnknown as error:
            until = self._clock.now() + self._policy.look_again
            await self._bookings.postpone(order_id, OrderState.UNKNOWN, until, code=Code.OR010, detail=error.detail)
            return OrderState.UNKNOWN, None
        except Transient as error:
            return await self._wait(due, error), error
        except Permanent as error:
            if error.code in _NOT_ITS_FAULT:
                return await self._wait(due, error), error
            return await self._conclude(order_id, OrderState.PARKED, error.code, error.detail), None
        except Exception as error:
            log.exception("orders.order_broke", order=order_id)
            unforeseen = SyncError(Code.IN001, type(error).__name__)
            return await self._conclude(order_id, OrderState.DEAD, unforeseen.code, unforeseen.detail), unforeseen

    async def _wait(self, due: DueOrder, error: SyncError) -> OrderState:
        """Try an order again later, each time later still, and never before Lightspeed lets us."""
        pending = await self._bookings.pending(due.order_id)
        state = OrderState.VALID if pending is None else OrderState.INTENT
        state = OrderState.UNKNOWN if pending is not None and pending.state is DocumentState.SENT else state
        first, longest = self._policy.first_wait.total_seconds(), self._policy.longest_wait.total_seconds()
        wait = backoff(due.tries + 1, 1.0, base=first, cap=longest)
        asked = error.retry_after if isinstance(error, Transient) else None
        until = self._clock.now() + timedelta(seconds=max(wait, asked or 0.0))
        await self._bookings.postpone(due.order_id, state, until, code=error.code, detail=error.detail)
        return state

    async def _conclude(
        self, order_id: str, state: OrderState, code: Code | None = None, detail: str = ""
    ) -> OrderState:
        await self._bookings.conclude(order_id, state, self._clock.now(), code=code, detail=detail)
        if code is not None:
            log.warning("orders.waits_for_a_person", order=order_id, state=state.value, code=code.name, detail=detail)
        return state

    # --- one order ---

    async def _next(self, order_id: str) -> OrderState:
        """Carry on with the document that is being made, or begin the next one, or find that there is none."""
        posting = await self._bookings.pending(order_id)
        if posting is None:
            step = next_step(await self._bookings.story(order_id), self._policy.items)
            if step.document is None:
                return await self._conclude(order_id, _STATE_OF[step.need], step.code, step.detail)
            posting = await self._bookings.intend(order_id, step.document, self._clock.now())
        found = await self._sale_of(posting)
        if found is None:
            return OrderState.UNKNOWN
        await self._complete(*found)
        rest = next_step(await self._bookings.story(order_id), self._policy.items)
        if rest.document is None:
            return await self._conclude(order_id, _STATE_OF[rest.need], rest.code, rest.detail)
        return OrderState.VALID  # something of it is new already: it is due

    async def _sale_of(self, posting: Posting) -> tuple[Posting, SaleRow] | None:
        """Return a document's sale, made now if it was surely never made; None where that cannot be told yet."""
        if posting.state in (DocumentState.OPEN, DocumentState.COMPLETING):
            sale = await self._till.sale(posting.sale_id or "")
            if sale is None:
                await self._abandon(posting)
                raise Permanent(Code.OR008, f"Sale {posting.sale_id} ({posting.document.reference}) is gone.")
            return posting, sale
        sale = await self._find(posting)
        if sale is not None:
            adopted = replace(posting, state=DocumentState.OPEN, sale_id=sale.sale_id, doubtful=True)
            return await self._bookings.move(posting, adopted), sale
        if posting.state is DocumentState.SENT and not await self._surely_lost(posting):
            return None
        return await self._open(posting)

    async def _find(self, posting: Posting) -> SaleRow | None:
        """Return the sale that stands under a document's reference; open ones beside it are thrown away."""
        document = posting.document
        found = await self._till.find_sales(document.reference)
        alive = sorted((sale for sale in found if sale.alive), key=lambda sale: (not sale.completed, int(sale.sale_id)))
        if not alive:
            voided = [sale.sale_id for sale in found if sale.voided]
            if voided:
                await self._abandon(posting)
                raise Permanent(Code.OR008, f"Sale {voided[0]} ({document.reference}) was voided.")
            return None
        if not document.fits(alive[0]):
            await self._abandon(posting)
            raise Permanent(Code.OR008, f"Sale {alive[0].sale_id} ({document.reference}) has other lines.")
        await self._archive([sale for sale in alive[1:] if not sale.completed])
        return alive[0]

    async def _surely_lost(self, posting: Posting) -> bool:
        """Tell whether a request without an answer has had no effect; if that is not sure yet, look again later."""
        now = self._clock.now()
        if posting.sent_at is None or posting.sent_at > now:  # the clock was ahead once: wait from now on
            posting = await self._bookings.move(posting, replace(posting, sent_at=now))
        over = (posting.sent_at or now) + self._policy.quarantine
        if now < over:
            await self._bookings.postpone(posting.order_id, OrderState.UNKNOWN, over, code=Code.OR010)
            return False
        missed = replace(posting, misses=posting.misses + 1)
        await self._bookings.move(posting, missed)
        if missed.misses < _MISSES:
            later = now + self._policy.look_again
            await self._bookings.postpone(posting.order_id, OrderState.UNKNOWN, later, code=Code.OR010)
            return False
        return True

    async def _open(self, posting: Posting) -> tuple[Posting, SaleRow]:
        """Make the open sale."""
        doubtful = posting.doubtful or posting.state is DocumentState.SENT
        now = self._clock.now()
        sent = replace(posting, state=DocumentState.SENT, sent_at=now, misses=0, doubtful=doubtful)
        await self._bookings.move(posting, sent)
        try:
            sale = await self._till.open_sale(posting.document.draft())
        except OutcomeUnknown:
            await self._bookings.move(sent, replace(sent, doubtful=True))
            raise
        except (Transient, Permanent) as error:
            if isinstance(error, Permanent) and error.code not in _NOT_ITS_FAULT:
                await self._abandon(sent)
            elif not doubtful:  # nothing of it was ever on its way
                await self._bookings.move(sent, replace(sent, state=DocumentState.INTENT))
            raise
        if sale.reference != posting.document.reference:
            await self._bookings.move(sent, replace(sent, doubtful=True))
            raise OutcomeUnknown(Code.OR010, f"Lightspeed answered with another sale, {sale.sale_id}.")
        return await self._bookings.move(sent, replace(sent, state=DocumentState.OPEN, sale_id=sale.sale_id)), sale

    async def _complete(self, posting: Posting, sale: SaleRow) -> None:
        """Complete a sale that is as it should be, and confirm it."""
        document = posting.document
        if not sale.alive or sale.reference != document.reference:
            await self._abandon(posting)
            raise Permanent(Code.OR008, f"Sale {sale.sale_id} is not {document.reference} any more, or it was voided.")
        if not sale.completed:
            if sale.total != document.total or not document.fits(sale):
                await self._throw_away(posting, sale)
                raise Permanent(Code.OR004, _difference(posting, sale))
            sale = await self._send_completion(posting, sale)
            posting = replace(posting, state=DocumentState.COMPLETING)
            if not sale.completed:
                raise Transient(Code.LS007, f"Sale {sale.sale_id} is still open.")
        if not document.is_booked_by(sale):  # somebody changed it before it was completed
            await self._abandon(posting)
            raise Permanent(Code.OR008, f"Sale {sale.sale_id} was changed at the till. {_difference(posting, sale)}")
        await _confirm(self._bookings, self._tell, posting, sale, self._clock.now())
        if sale.paid != sale.total:
            log.warning("orders.sale_unbalanced", sale=sale.sale_id, reference=document.reference)

    async def _send_completion(self, posting: Posting, sale: SaleRow) -> SaleRow:
        """Complete an open sale. Payments that are there already are not made again."""
        await self._let_go(posting.order_id)
        completing = replace(posting, state=DocumentState.COMPLETING)
        await self._bookings.move(posting, completing)
        try:
            return await self._till.complete_sale(sale.sale_id, (sale.total - sale.paid) or None)
        except Transient:
            if posting.state is DocumentState.OPEN:  # an earlier request that went unanswered may still land
                await self._bookings.move(completing, posting)
            raise
        except Permanent as error:
            again = await self._till.sale(sale.sale_id)
            if again is not None and again.completed:  # an earlier request has landed meanwhile
                return again
            if error.code not in _NOT_ITS_FAULT:
                await self._throw_away(completing, sale)
            raise

    async def _throw_away(self, posting: Posting, sale: SaleRow) -> None:
        await self._archive([sale])
        await self._abandon(posting)

    async def _abandon(self, posting: Posting) -> None:
        await self._bookings.move(posting, replace(posting, state=DocumentState.ABANDONED))

    async def _archive(self, sales: Sequence[SaleRow]) -> None:
        for sale in sales:
            await self._till.archive_sale(sale.sale_id)

    # --- second sales ---

    async def _sweep(self) -> None:
        """Search again for the references of doubtful documents; tell of second sales, throw away open ones."""
        for posting in await self._bookings.to_sweep(self._clock.now()):
            try:
                async with self._turn:
                    await self._sweep_one(posting)
            except SyncError as error:
                log.warning("orders.sweep_failed", code=error.code.name, detail=error.detail)
                return

    async def _sweep_one(self, posting: Posting) -> None:
        others = [
            sale
            for sale in await self._till.find_sales(posting.document.reference)
            if sale.alive and sale.sale_id != posting.sale_id
        ]
        await self._archive([sale for sale in others if not sale.completed])
        doubled = [sale.sale_id for sale in others if sale.completed]
        now = self._clock.now()
        if doubled:
            log.error(
                "orders.duplicate_sale", code=Code.OR007.name, reference=posting.document.reference, sales=doubled
            )
        next_at = now + _WHILE_DOUBLED if doubled else _next_sweep(posting, now)
        await self._bookings.swept(posting, doubled, next_at, now)


async def _confirm(bookings: Bookings, tell: Listener, posting: Posting, sale: SaleRow, now: datetime) -> None:
    """Record that a document's sale is completed, and tell of it."""
    await bookings.confirm(posting, sale, now, _first_sweep(posting, now))
    order, document = await bookings.order(posting.order_id), posting.document
    began = order.created_at if document.n == 1 else order.waiting_since or now
    units = sum(line.units for line in document.lines if line.charge is Charge.GOODS)
    tell(DocumentPosted(units, document.total, (now - began).total_seconds()))


def _first_sweep(posting: Posting, now: datetime) -> datetime | None:
    return now + _SWEEPS[0] if posting.doubtful else None


def _next_sweep(posting: Posting, now: datetime) -> datetime | None:
    """Return when a doubtful document is searched for again, counted from when it was last sent."""
    sent = posting.sent_at or now
    return next((sent + after for after in _SWEEPS[1:] if sent + after > now), None)


def _difference(posting: Posting, sale: SaleRow) -> str:
    document = posting.document
    return (
        f"{document.reference}: Lightspeed has {amount(sale.total)}, the order is {amount(document.total)}, "
        f"a difference of {amount(sale.total - document.total)}."
    )
