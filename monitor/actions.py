"""What a command may ask of the engine, whether it runs inside the daemon or for itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import structlog

from monitor.asked import (
    CloseOrder,
    CreateItemsOrder,
    DecidedMany,
    DecideManyOrder,
    DecideOrder,
    FieldRolledBack,
    LetGoOrder,
    LinkRolledBack,
    MapOrder,
    RestoreOrder,
    RetryOrder,
    RollbackOrder,
    RollbackReply,
    RolledBack,
    SyncOrder,
    SyncReply,
    UndoOrder,
    UnmapOrder,
    ValidateOrder,
    ValidateReply,
)
from monitor.facts import CONNECT_JOB
from sync.catalogue.catalogue import Catalogue
from sync.choosing import terms_in
from sync.clock import Clock
from sync.costs import least_cost
from sync.errors import Code, Permanent, Refused, SyncError
from sync.events import Listener, PauseChanged, RunWanted
from sync.halting import Halt
from sync.item_desk import ItemDesk
from sync.item_making import MadeItem
from sync.mapping import Mapped, Pair, Wanted
from sync.mapping_desk import MappingDesk
from sync.matching import sku_key
from sync.order_desk import Closed, OrderDesk, Retried
from sync.pacing import Bucket
from sync.plan import Plan, PlannedChange, Tripped, from_json, to_json
from sync.ports import Ledger
from sync.priority import Ranking
from sync.products import ProductChange, ProductOutcome, ProductResult
from sync.records import HeldEnding, Pause, PauseKind, RunOutcome
from sync.restoring import Fate, Force
from sync.reviewing import Review
from sync.rollback import Report, Request, Rollback
from sync.rollback_links import LinkRow
from sync.rollback_ports import Asked, Rollbacks, Span
from sync.sellers import Sellers
from sync.stock_sync import Job, PassReport, PassRequest, StockSync
from sync.validation.validating import Validation

log = structlog.get_logger()

_MOVED = "the difference is another one by now"
_PRODUCTS_AT_ONCE = 50  # changes of product fields between two looks whether a person stops them
_WRITTEN = (ProductOutcome.APPLIED, ProductOutcome.FOUND_APPLIED)
_JUDGE = RunWanted("rules")  # a person's word shows in alerts at once, not only at the next beat


class Actions:
    """The engine's levers."""

    def __init__(
        self,
        *,
        stock: StockSync,
        catalogue: Catalogue,
        sellers: Sellers,
        validation: Validation,
        desk: OrderDesk,
        mapping: MappingDesk,
        items: ItemDesk,
        rollback: Rollback,
        rollbacks: Rollbacks,
        ledger: Ledger,
        clock: Clock,
        tell: Listener,
        environment: str,
        buckets: Callable[[], Mapping[str, Bucket]],
        redeem: Callable[[str, str], Awaitable[None]],
    ) -> None:
        self._stock = stock
        self._catalogue = catalogue
        self._sellers = sellers
        self._validation = validation
        self._desk = desk
        self._mapping = mapping
        self._items = items
        self._rollback = rollback
        self._rollbacks = rollbacks
        self._ledger = ledger
        self._clock = clock
        self._tell = tell
        self._environment = environment
        self._buckets = buckets
        self._redeem = redeem

    async def sync(self, order: SyncOrder, halt: Halt | None = None) -> SyncReply:
        """Make a pass now, after the one under way; `halt` is how a person stops it.

        Raises Permanent for SKUs without a link (LS002) and for words that name no goods (CF006), Refused (BR006) for
        a plan that does not fit.
        """
        if not order.full:
            await self._refuse_before_the_first_pass()
        plan = None if order.plan is None else self._reviewed(order, order.plan)
        halt = halt or Halt()
        only = await self._chosen(order) if plan is None else _only(order, plan)
        report = await self._stock.run(
            PassRequest(
                job=Job.FULL if order.full else Job.INCREMENTAL,
                dry_run=order.dry_run,
                review=None if plan is None else Review(plan.changes),
                only=only,
                rank=await self._rank() if order.priority and plan is None else None,
                halt=halt,
                cards=order.full and order.dry_run,
                secured=order.full and not order.dry_run,
                followed=plan is not None and bool(plan.products),
                begun=None if order.dry_run or not order.by else self._asked_by(order, plan),
            )
        )
        reply = SyncReply(
            run_id=report.run_id,
            outcome=report.outcome,
            code=report.code.name if report.code else None,
            detail=report.detail,
            numbers=report.numbers,
            left=report.left,
        )
        if order.dry_run or report.outcome is RunOutcome.BRAKED:
            return reply.model_copy(update={"plan": await self._plan(order, report, only)})
        if plan is None or not plan.products or report.outcome is not RunOutcome.OK:
            return reply
        return await self._products_carried_out(reply, plan.products, halt)

    async def _products_carried_out(self, reply: SyncReply, changes: Sequence[ProductChange], halt: Halt) -> SyncReply:
        """Carry out changes of product fields, after those of stock; what was not is named."""
        results, some = list[ProductResult](), changes[:0]
        outcome, code, detail = reply.outcome, reply.code, reply.detail
        try:
            for start in range(0, len(changes), _PRODUCTS_AT_ONCE):
                if halt.asked:
                    outcome = RunOutcome.INTERRUPTED
                    break
                some = changes[start : start + _PRODUCTS_AT_ONCE]
                results += await self._catalogue.carry_out(some, reply.run_id)
        except SyncError as error:  # what was written until then is on record
            outcome, code, detail = RunOutcome.FAILED, error.code.name, error.detail
            results += await self._catalogue.sent(some, reply.run_id)
        counts = Counter(f"products_{each.outcome.value.replace(' ', '_')}" for each in results)
        counts["products_not_reached"] = len(changes) - len(results)
        return reply.model_copy(
            update={
                "outcome": outcome,
                "code": code,
                "detail": detail,
                "numbers": {**reply.numbers, **+counts},
                "products": tuple(each for each in results if each.outcome not in _WRITTEN),
            }
        )

    def _asked_by(self, order: SyncOrder, plan: Plan | None) -> Callable[[int], Awaitable[None]]:
        """Return what keeps who asked for a pass, and by which plan, once its run has a number."""
        source = "without a plan" if plan is None else f"plan {plan.hash}"

        async def note(run_id: int) -> None:
            await self._rollbacks.note_asked(Asked(run_id, order.by, "sync", source, self._clock.now()))

        return note

    async def _refuse_before_the_first_pass(self) -> None:
        if await self._ledger.last_success(Job.FULL) is None:
            begin = "`lightspeed-sync sync --full --dry-run`, then `--full --confirm`"
            raise Refused(Code.BR005, f"There was no full pass yet: {begin}.")

    async def restore(self, order: RestoreOrder) -> RollbackReply:
        """Set the numbers of a file again, as far as that may be; see `sync.rollback`.

        Raises Permanent (LS002) for a forced SKU without a link, Refused (BR005) where nothing was read yet.
        """
        request = Request(rows=order.rows, links=order.links, fields_since=order.fields_since, source=order.source)
        return await self._set_back(order, request)

    async def undo(self, order: UndoOrder) -> RollbackReply:
        """Take stock writes back, as far as that may be; raises as `restore`, and Permanent (BK005)."""
        span = Span(order.run_id, order.since, order.until)
        return await self._set_back(order, Request(span=span, source=span.words))

    async def _set_back(self, order: RollbackOrder, request: Request) -> RollbackReply:
        await self._refuse_before_the_first_pass()
        force = Force(await self._forced(order.force, request.links), order.raises)
        report = await self._rollback.run(
            replace(request, force=force, skus=order.force, by=order.by, dry_run=order.dry_run)
        )
        if not order.dry_run:
            self._tell(_JUDGE)
        return _reply(report)

    async def _forced(self, skus: Sequence[str], links: Sequence[Pair]) -> frozenset[int]:
        """Return the links that a person names; some SKUs may be named for links of the past that there are no more."""
        lost = {sku_key(each.sku) for each in await self._rollbacks.links_lost(links)}
        return await self._links(tuple(sku for sku in skus if sku_key(sku) not in lost))

    async def let_go(self, order: LetGoOrder) -> int:
        """Let go of links that were set back; passes write to them again. Return how many were held."""
        chosen = list((await self._link_ids(order.skus)).values()) if order.skus else None
        gone = await self._rollbacks.let_go(chosen, HeldEnding.RELEASED, order.by, self._clock.now())
        if gone:
            log.info("rollback.let_go", links=len(gone), by=order.by)
            self._tell(RunWanted(Job.INCREMENTAL))
        return len(gone)

    async def validate(self, order: ValidateOrder) -> ValidateReply:
        """Read both shops whole and compare them; what was found stands on record."""
        done = await self._validation.run(order.classes)
        return ValidateReply(
            run_id=done.run_id,
            outcome=done.outcome,
            code=done.code.name if done.code else None,
            detail=done.detail,
            validation_id=done.summary.validation_id if done.summary else None,
            findings=done.summary.found if done.summary else 0,
        )

    def _reviewed(self, order: SyncOrder, text: str) -> Plan:
        try:
            plan = from_json(text)
        except ValueError as error:
            raise Refused(Code.BR006, str(error)) from error
        if (plan.environment, dict(plan.filters)) != (self._environment, order.filters):
            raise Refused(Code.BR006, "it was made for another environment or with other filters")
        return plan

    async def _chosen(self, order: SyncOrder) -> frozenset[int] | None:
        """Return the links that an order is about; None: all."""
        terms = tuple(term for text in order.products for term in terms_in(text))
        if not order.skus and not order.products:
            return None
        choice = await self._ledger.choose(terms)
        if choice.unknown:
            raise Permanent(Code.CF006, _told(choice.unknown))
        return choice.links | await self._links(order.skus)

    async def _rank(self) -> Callable[[PlannedChange], Any]:
        """Return what puts changes in order: what sells well, and is nearly sold out, comes first."""
        sold = await self._sellers.sold(self._clock.now())
        links = await self._ledger.links_of(tuple(sold))
        return Ranking({link_id: sold[item] for item, link_id in links.items()})

    async def _links(self, skus: tuple[str, ...]) -> frozenset[int]:
        return frozenset((await self._link_ids(skus)).values())

    async def _link_ids(self, skus: tuple[str, ...]) -> Mapping[str, int]:
        found = await self._ledger.link_ids_of(skus)
        missing = [sku for sku in skus if sku not in found]
        if missing:
            raise Permanent(Code.LS002, f"({', '.join(missing)})")
        return found

    async def _plan(self, order: SyncOrder, report: PassReport, only: frozenset[int] | None) -> str | None:
        if report.outcome in (RunOutcome.FAILED, RunOutcome.INTERRUPTED):
            return None
        items = (await self._ledger.known()).items if order.full else None
        skus = None if only is None else {work.sku for work in await self._ledger.work_of(sorted(only))}
        products = await self._catalogue.propose(skus) if order.dry_run else ()
        return to_json(
            Plan(
                environment=self._environment,
                filters=order.filters,
                created_at=self._clock.now(),
                changes=report.changes,
                brake=Tripped(report.code, report.detail) if report.code else None,
                cost=least_cost(items, len(report.changes), products, self._buckets()),
                products=products,
            )
        )

    async def pause(self, kind: PauseKind, reason: str) -> Pause | None:
        """Stop a kind of work until it is resumed; return the pause that was in force already."""
        before = await self._ledger.pause(kind, reason, self._clock.now())
        self._tell(PauseChanged(kind, reason))
        self._tell(_JUDGE)
        return before

    async def resume(self, kind: PauseKind | None) -> int:
        """Lift one pause or all; return how many there were."""
        lifted = await self._ledger.resume(kind)
        for each in PauseKind if kind is None else (kind,):
            self._tell(PauseChanged(each, None))
        self._tell(_JUDGE)
        return lifted

    async def decide(self, order: DecideOrder) -> int:
        """Keep a person's word for the next pass to carry out; return the number of links it is about.

        Raises Permanent: LS002 for a SKU without a link, SK004 or SK005 where one cannot be decided. Then none is.
        """
        links = await self._link_ids(order.skus)
        chosen = list(dict.fromkeys(links.values()))
        refused = await self._ledger.decide(chosen, order.decision, order.by, self._clock.now())
        if refused:
            code = next(iter(refused.values()))
            named = [sku for sku, link_id in links.items() if refused.get(link_id) is code]
            raise Permanent(code, f"({', '.join(named)})")
        log.info("conflict.decided", decision=order.decision.value, skus=order.skus, by=order.by)
        self._tell(RunWanted(Job.INCREMENTAL))  # it carries the decision out, and the rules are judged after it
        return len(chosen)

    async def decide_many(self, order: DecideManyOrder) -> DecidedMany:
        """Keep a person's word on differences that are still as the person saw them; the others are left out."""
        waiting = {each.link_id: each for each in await self._ledger.conflicts() if each.link_id in order.differences}
        same = [key for key, each in waiting.items() if each.available - each.target == order.differences[key]]
        now = self._clock.now()
        refused = await self._ledger.decide(same, order.decision, order.by, now)
        chosen = [link_id for link_id in same if link_id not in refused]
        if refused and chosen:  # then none was taken
            refused = {**refused, **await self._ledger.decide(chosen, order.decision, order.by, now)}
        left_out = {each.sku: _MOVED for key, each in waiting.items() if key not in same}
        left_out |= {waiting[key].sku: f"{code.name} {code.title}" for key, code in refused.items()}
        decided = tuple(waiting[key].sku for key in chosen if key not in refused)
        log.info("conflict.decided", decision=order.decision.value, skus=decided, by=order.by)
        if decided:
            self._tell(RunWanted(Job.INCREMENTAL))
        return DecidedMany(decided=decided, left_out=left_out)

    async def map_skus(self, order: MapOrder) -> Sequence[Mapped]:
        """Link pairs of SKUs; see `MappingDesk.map`."""
        wanted = [Wanted(*pair) for pair in order.pairs]
        return await self._mapping.map(wanted, order.by, replace=order.replace, pin=order.pin)

    async def unmap_skus(self, order: UnmapOrder) -> int:
        """End links; see `MappingDesk.unmap`."""
        return await self._mapping.unmap(order.skus, order.by, order.reason)

    async def create_items(self, order: CreateItemsOrder) -> Sequence[MadeItem]:
        """Make items in Lightspeed; see `ItemDesk.create`."""
        return await self._items.create(order.skus, order.by, confirm=order.confirm)

    async def retry_orders(self, order: RetryOrder) -> Sequence[Retried]:
        """Look again at orders; see `OrderDesk.retry`."""
        retried = await self._desk.retry(order.names, order.by)
        self._tell(_JUDGE)
        return retried

    async def close_order(self, order: CloseOrder) -> Closed:
        """Take an order out of our hands; see `OrderDesk.close`."""
        closed = await self._desk.close(order.name, order.sale_id, order.by, anyway=order.anyway)
        self._tell(_JUDGE)
        return closed

    async def connect(self, code: str, verifier: str) -> None:
        """Sign in to Lightspeed with the code of a consent; raises Permanent (LS005) where it is not accepted."""
        run_id = await self._ledger.begin_run(CONNECT_JOB, self._clock.now())
        try:
            await self._redeem(code, verifier)
        except SyncError as error:
            await self._ledger.finish_run(
                run_id, self._clock.now(), RunOutcome.FAILED, numbers={}, code=error.code, detail=error.detail
            )
            raise
        await self._ledger.finish_run(run_id, self._clock.now(), RunOutcome.OK, numbers={})
        self._tell(RunWanted(Job.INCREMENTAL))


def _reply(report: Report) -> RollbackReply:
    told = (row for row in report.rows if row.judged.fate is not Fate.AS_WANTED or row.outcome is not None)
    rows = tuple(
        RolledBack(
            sku=row.judged.sku,
            past=row.judged.past,
            ordered=row.judged.ordered,
            wanted=row.judged.wanted,
            available=row.judged.available,
            target=row.judged.target,
            fate=row.judged.fate,
            listed=row.judged.listed,
            outcome=row.outcome,
        )
        for row in told
    )
    fields = tuple(
        FieldRolledBack(
            sku=row.change.sku,
            subject=row.change.subject,
            field=row.change.field,
            now=row.change.before,
            wanted=row.change.after,
            outcome=row.outcome,
            detail=row.detail,
        )
        for row in report.fields
        if row.outcome is not ProductOutcome.FOUND_APPLIED
    )
    return RollbackReply(
        run_id=report.run_id,
        outcome=report.outcome,
        code=report.code.name if report.code else None,
        detail=report.detail,
        numbers=report.numbers,
        rows=rows,
        fields=fields,
        links=tuple(_link_rolled_back(row) for row in report.links),
        unlinked=tuple(each.sku or each.inventory_item_id for each in report.unlinked),
    )


def _link_rolled_back(row: LinkRow) -> LinkRolledBack:
    return LinkRolledBack(
        sku=row.pair.sku,
        item_id=row.pair.item_id,
        variant_id=row.pair.variant_id,
        fate=row.fate,
        joined=row.joined,
        code=row.code.name if row.code else "",
    )


def _only(order: SyncOrder, plan: Plan) -> frozenset[int] | None:
    """Return the links that carrying a plan out looks at; None: all, since both shops are read whole."""
    whole = order.full and not order.skus and not order.products
    return None if whole else frozenset(change.link_id for change in plan.changes)


def _told(unknown: Mapping[str, Sequence[str]]) -> str:
    """Return which words name no goods, and what else may be meant."""
    parts = (f"{term!r}" + (f" (perhaps {' or '.join(near)})" if near else "") for term, near in unknown.items())
    return f"Not found: {', '.join(parts)}."
