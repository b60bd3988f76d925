"""The daemon: puts everything together, starts it in order and stops it in reverse."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from monitor import control
from monitor.alerts_model import AlertsFile
from monitor.allocator import share_one_arena
from monitor.calls import CallCounter
from monitor.desk import AlertDesk
from monitor.door import SOCKET
from monitor.facts import BACKUP_JOB
from monitor.heartbeat import Heartbeat, WellLimits
from monitor.passing import Passing
from monitor.rehearsal import Rehearsal
from monitor.reload import Reload
from monitor.schedule import Daily, Every, Job, Schedule, Tally
from monitor.serving import bind_tcp, serving
from monitor.shopfront import open_shopfront
from monitor.supervisor import Supervisor, Work, supervised
from monitor.watch import Monitor, open_monitor
from monitor.workshop import Workshop, workshop
from sync import accuracy, mirror
from sync.config_values import Listen
from sync.errors import Code, SyncError
from sync.events import Event, Listener, RunFinished, RunStarted, RunWanted, WebhookMet
from sync.records import RunOutcome
from sync.settings import Settings
from sync.stock_sync import Job as Pass
from sync.stock_sync import PassReport, PassRequest
from sync.storage.failures import FATAL
from sync.storage.neighbours import neighbours
from sync.webhooks import Receipt

log = structlog.get_logger()

_SHOPS = "shops"  # the lane of everything that talks to the shops: one at a time
_ORDERS = "orders"  # takes turns with the passes, one order at a time
_MIRROR = "mirror"  # takes turns with the passes, one layaway at a time
_INTAKE = "intake"  # takes its turn by a lock, reading by reading: a webhook need not wait for a lane
_RULES = "rules"
_HEART = "heart"
_HEARTBEAT = timedelta(minutes=1)
_SWEEP = timedelta(minutes=1)  # of reservations that have expired
_MIRRORED = timedelta(seconds=15)
_UPKEEP = "upkeep"  # of our own records; the shops need not wait for it
_FIRST_FULL_RETRY = timedelta(hours=1)  # a first full pass that a brake holds waits for a person; look again then
_FULL_RETRY = timedelta(minutes=10)  # a full pass in an incremental one's place that failed, lest it be all we do
_CLOSING_SECONDS = 2.0  # of the draining time, kept for listeners and the database


class Passes:
    """What the schedule runs; each also lets the rules be judged anew."""

    def __init__(self, shop: Workshop, evaluate: Callable[[datetime], Awaitable[object]], calls: CallCounter) -> None:
        self._shop = shop
        self._evaluate = evaluate
        self._calls = calls
        self._begun = False  # a full pass has succeeded: from then on that need not be asked any more
        self._judging = asyncio.Lock()  # two evaluations at once would tell of the same change twice

    async def incremental(self) -> None:
        """Make an incremental pass, or the first full one where there never was any."""
        if not await self._has_begun():
            if await self._full_is_due(RunOutcome.BRAKED, _FIRST_FULL_RETRY):
                await self._pass(Pass.FULL, secured=True)
            return
        report = await self._pass(Pass.INCREMENTAL)
        if report.code is Code.SH018:
            await self._full_instead()

    async def full(self) -> None:
        """Make the nightly full pass."""
        await self._pass(Pass.FULL)

    async def catalogue(self) -> None:
        """Find out what became of unanswered product writes; read what changed in both catalogues and link it."""
        if not await self._has_begun():
            return

        async def refresh(run_id: int) -> Mapping[str, int]:
            await self._shop.engine.catalogue.settle()  # a product that was made is linked in step, not by its SKUs
            return {"linked": await self._shop.engine.linking.refresh(run_id)}

        if await self._recorded("catalogue", refresh) is Code.SH018:
            await self._full_instead()

    async def intake(self) -> None:
        """Look at the webhooks that arrived."""
        await self._shop.engine.intake.run()

    async def webhooks(self) -> None:
        """See to it that Shopify sends us webhooks, where we have a public address."""
        subscriptions = self._shop.engine.subscriptions
        if subscriptions is not None:
            await self._recorded("webhooks", lambda _: subscriptions.repair())

    async def prune(self) -> None:
        """Forget old history."""

        async def forget(_run_id: int) -> Mapping[str, int]:
            return await self._shop.ledger.prune(self._shop.clock.now(), self._shop.alerts.limits.history.keep)

        await self._recorded("prune", forget)

    async def backup(self) -> None:
        """Make the daily backup, once there is anything to keep."""
        if await self._has_begun():
            await self._recorded(BACKUP_JOB, lambda _: self._shop.engine.backups.daily())

    async def mapping(self) -> None:
        """Look whether both sides of every link still agree."""
        await self._recorded(accuracy.JOB, self._shop.engine.mapping.check)
        await self.judge()

    async def holds(self) -> None:
        """Write down which reservations have expired; they count for nothing since then."""
        await self._shop.engine.holds.expire(self._shop.clock.now())

    async def orders(self) -> None:
        """Book the orders that are due into Lightspeed."""
        if self._shop.engine.poster is not None:
            await self._shop.engine.poster.work()

    async def sales(self) -> None:
        """Look for sales of ours that people touched in Lightspeed."""
        if self._shop.engine.sale_watch is not None:
            await self._recorded("sales", self._shop.engine.sale_watch.run)

    async def layaways(self) -> None:
        """Mirror reservations into Lightspeed, where there is anything to do about it."""
        if await self._shop.engine.mirror.due():
            await self._recorded(mirror.JOB, self._shop.engine.mirror.run)

    async def judge(self) -> None:
        """Judge the rules."""
        async with self._judging:
            await self._calls.flush()
            await self._evaluate(self._shop.clock.now())

    async def _has_begun(self) -> bool:
        """Tell whether there ever was a full pass that succeeded."""
        self._begun = self._begun or await self._shop.ledger.last_success(Pass.FULL) is not None
        return self._begun

    async def _pass(self, job: Pass, *, secured: bool = False) -> PassReport:
        report = await self._shop.engine.stock.run(PassRequest(job=job, secured=secured))
        await self.judge()
        return report

    async def _recorded(self, job: str, work: Callable[[int], Awaitable[Mapping[str, int]]]) -> Code | None:
        """Do some work as a run of its own, on record and told however it ends; return what it failed with."""
        ledger, clock, tell = self._shop.ledger, self._shop.clock, self._shop.events
        began, now = clock.monotonic(), clock.now()
        run_id = await ledger.begin_run(job, now)
        tell(RunStarted(run_id, job, now))
        numbers: Mapping[str, int] = {}
        outcome, code, detail = RunOutcome.OK, None, ""
        try:
            numbers = await work(run_id)
        except SyncError as error:
            outcome, code, detail = RunOutcome.FAILED, error.code, error.detail
        except Exception as error:
            log.exception("daemon.run_broke", job=job, run=run_id)
            outcome, code, detail = RunOutcome.FAILED, Code.IN001, type(error).__name__
        now, seconds = clock.now(), clock.monotonic() - began
        await ledger.finish_run(run_id, now, outcome, numbers=numbers, code=code, detail=detail)
        tell(RunFinished(run_id, job, now, outcome, seconds, code, detail, numbers))
        level = log.info if code is None else log.warning
        level("daemon.run_finished", run=run_id, job=job, code=code and code.name, detail=detail or None, **numbers)
        return code

    async def _full_instead(self) -> None:
        """Read everything, since the changes alone are more than Shopify lists; not again soon after it failed."""
        if await self._full_is_due(RunOutcome.FAILED, _FULL_RETRY):
            await self._pass(Pass.FULL)

    async def _full_is_due(self, unless: RunOutcome, within: timedelta) -> bool:
        """Tell whether a full pass is worth a try: it is not if the last ended as `unless` a short time ago."""
        runs = await self._shop.ledger.runs(Pass.FULL, limit=1)
        if not runs or runs[0].outcome is not unless or runs[0].finished_at is None:
            return True
        return self._shop.clock.now() - runs[0].finished_at >= within


def jobs(alerts: AlertsFile, passes: Passes) -> list[Job]:
    """Return what runs when, as alerts.yaml says."""
    hooks = alerts.limits.webhooks
    return [
        Job("stock", passes.incremental, Every(alerts.sync_interval), _SHOPS, apart=hooks.pace),
        Job("full", passes.full, Daily(alerts.full_pass_at), _SHOPS),
        Job("orders", passes.orders, Every(alerts.sync_interval), _ORDERS, apart=hooks.pace),
        Job("sales", passes.sales, Every(alerts.sales_interval), _ORDERS),
        Job(mirror.JOB, passes.layaways, Every(_MIRRORED), _MIRROR),
        Job("catalogue", passes.catalogue, Every(alerts.catalogue_interval), _SHOPS, apart=hooks.catalogue_pace),
        Job("intake", passes.intake, Every(alerts.sync_interval), _INTAKE, apart=hooks.pace),
        Job("webhooks", passes.webhooks, Every(hooks.check_interval), _INTAKE),
        Job("holds", passes.holds, Every(_SWEEP), _UPKEEP),
        Job("backup", passes.backup, Daily(alerts.backup_at), _UPKEEP),
        Job(accuracy.JOB, passes.mapping, Daily(alerts.mapping_check_at.at, alerts.mapping_check_at.day), _UPKEEP),
        Job("prune", passes.prune, Daily(alerts.prune_at), _UPKEEP),
        Job("rules", passes.judge, Every(alerts.check_interval), _RULES),
    ]


class WakeUps:
    """Hears what has new work and lets it run before its beat."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule

    def __call__(self, event: Event) -> None:
        """Take note of one event."""
        match event:
            case WebhookMet(receipt=Receipt.STORED):
                self._schedule.soon("intake")
            case RunWanted():
                self._schedule.soon(event.job)
            case RunFinished(job=Pass.INCREMENTAL | Pass.FULL):
                self._schedule.soon("orders")  # what the pass has read is booked at once


def runs_that_end_all(tell: Callable[[str, Exception], None]) -> Listener:
    """Return what hears of a run that failed since the state cannot be trusted, though only its reading showed that."""

    def hear(event: Event) -> None:
        if isinstance(event, RunFinished) and event.code in FATAL:
            tell(event.job, SyncError(event.code, event.detail))

    return hear


def watched_passes(shop: Workshop, monitor: Monitor) -> Passes:
    """Return the passes of an open workshop; the calls that they make are counted."""
    calls = CallCounter(ledger=shop.ledger, clock=shop.clock)
    shop.events.join(calls)
    return Passes(shop, monitor.evaluate, calls)


def heartbeat(shop: Workshop, monitor: Monitor) -> Heartbeat | None:
    """Return what tells HEARTBEAT_URL that all is well; None where nobody wants to hear it."""
    url, limits = shop.settings.heartbeat_url, shop.alerts.limits
    if url is None:
        return None
    return Heartbeat(
        url.get_secret_value(),
        facts=lambda: monitor.judge.facts,
        writable=monitor.store.touch,
        limits=WellLimits(limits.health.ready_within, 2 * shop.alerts.check_interval),
        clock=shop.clock,
    )


def scheduled(
    shop: Workshop,
    monitor: Monitor,
    passes: Passes,
    broke: Callable[[str, Exception], None] | None = None,
    *tallies: Tally,
) -> Schedule:
    """Return the schedule of an open workshop, not started yet, with all that hears its events joined to them."""
    heart = heartbeat(shop, monitor)
    beats = [] if heart is None else [Job("heartbeat", heart.beat, Every(_HEARTBEAT), _HEART)]
    schedule = Schedule(
        jobs=[*jobs(shop.alerts, passes), *beats],
        clock=shop.clock,
        tallies=(monitor.metrics, monitor.vitals, *tallies),
        broke=broke,
    )
    shop.events.join(WakeUps(schedule))
    return schedule


def _bound(setting: str, place: Listen) -> socket.socket:
    """Return a listening socket; raises OSError that names the setting where the place cannot be had."""
    try:
        return bind_tcp(place.host, place.port)
    except OSError as error:
        raise OSError(error.errno, error.strerror, f"{setting} {place}") from error


@asynccontextmanager
async def running(
    settings: Settings,
    alerts: AlertsFile,
    supervisor: Supervisor,
    broke: Callable[[str, Exception], None] | None = None,
) -> AsyncIterator[Reload]:
    """Run the daemon while the block runs: state, engine, monitor, listeners, then the schedule.

    Yields what takes a changed alerts.yaml; `broke` is told of a job that ended with an error it should have handled,
    `supervisor` how the daemon is.
    """
    async with AsyncExitStack() as stack:
        shop = await stack.enter_async_context(workshop(settings, alerts))
        monitor = await stack.enter_async_context(open_monitor(shop))
        passes = watched_passes(shop, monitor)
        if broke is not None:
            shop.events.join(runs_that_end_all(broke))
        work = Work(shop.clock, "stock", alerts.sync_interval)
        shop.events.join(work)
        schedule = scheduled(shop, monitor, passes, broke, work)
        rehearsal = Rehearsal(
            lambda: monitor.judge.content, monitor.outbox.ways, monitor.store, shop.clock, settings.ops_url or ""
        )
        desk = AlertDesk(monitor.store, lambda: monitor.judge.subjects, shop.clock, passes.judge, monitor.outbox.show)
        ops = _bound("OPS_LISTEN", settings.ops_listen)
        await stack.enter_async_context(serving(monitor.ops_app(), ops))
        public = _bound("STOREFRONT_LISTEN", settings.storefront_listen)
        bound = control.bind(settings.state_dir)
        stack.callback(Path(settings.state_dir, SOCKET).unlink, missing_ok=True)
        reload = Reload(settings.alerts_file, alerts, monitor.take, passes.judge, clock=shop.clock, meter=monitor)
        passing = Passing(shop.actions, shop.events, shop.clock)
        stack.push_async_callback(passing.aclose)
        steered = control.control_app(shop.actions, passing, desk, rehearsal, reload.stand)
        await stack.enter_async_context(serving(steered, bound))
        others = neighbours(shop.database, settings.database_url.url, clock=shop.clock, tell=shop.events)
        front = await stack.enter_async_context(open_shopfront(shop, desk, monitor.metrics.storefront))
        await stack.enter_async_context(others)
        await stack.enter_async_context(serving(front, public, public=True))
        watching = asyncio.create_task(reload.run(), name="reload")
        stack.callback(watching.cancel)
        schedule.start()
        log.info(
            "daemon.started",
            ops=str(settings.ops_listen),
            storefront=str(settings.storefront_listen),
            environment=settings.environment.value,
        )
        try:
            with supervised(supervisor, shop.clock, work):
                yield reload
        finally:
            patience = max(0.0, alerts.limits.health.drain.total_seconds() - _CLOSING_SECONDS)
            drained = await schedule.drain(patience)
            log.info("daemon.stopping", drained=drained)


async def run(settings: Settings, alerts: AlertsFile, supervisor: Supervisor) -> int:
    """Run until SIGTERM or SIGINT, or until the state cannot be trusted any more; return the exit code."""
    share_one_arena()
    gc.freeze()  # what is loaded by now stays: looking through it for garbage took an eighth of a pass's CPU
    stop, fatal = asyncio.Event(), list[SyncError]()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    def broke(job: str, error: Exception) -> None:
        if isinstance(error, SyncError) and error.code in FATAL:
            log.error("daemon.fatal", job=job, code=error.code.name, detail=error.detail, remedy=error.remedy)
            fatal.append(error)
            stop.set()

    async with running(settings, alerts, supervisor, broke) as reload:
        loop.add_signal_handler(signal.SIGHUP, reload.ask)
        await stop.wait()
    log.info("daemon.stopped")
    return 1 if fatal else 0
