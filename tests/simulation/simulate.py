"""One simulation: the pretend world, the product in it, everything a script says, and all checks after every step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from random import Random

from monitor.alerts_file import parse
from monitor.alerts_model import AlertsFile
from sandbox.catalogue import generate
from sandbox.faults import Fault, FaultKind, Faults
from sandbox.lightspeed.state import HOLDS_CUSTOMER
from sandbox.shopify.sender import PRETEND_ADDRESS
from sandbox.world import World
from sync.errors import Code
from sync.events import Event, RunFinished, StockWritten, WebhookMet
from sync.feeds import Overlaps
from sync.records import RunOutcome
from tests.simulation.alert_checks import AlertChecks
from tests.simulation.hooks import Door, Post
from tests.simulation.ledger_checks import LedgerChecks, Record
from tests.simulation.life import Moment
from tests.simulation.loop import VirtualClock, VirtualLoop, run_virtually
from tests.simulation.network import CallLog, Network
from tests.simulation.order_checks import OrderChecks
from tests.simulation.people import People
from tests.simulation.process import Machine
from tests.simulation.script import DAY, Deed, DeedKind, Entry, Kill, Options, Service, Trouble
from tests.simulation.shoppers import Shoppers
from tests.simulation.stock_checks import StockChecks, Violation
from tests.simulation.trace import Trace
from tests.simulation.truth import Thing, Truth

ROOT = Path(__file__).resolve().parents[2]

CONVERGED_WITHIN = (
    780.0  # three polls, five order lags, the longest back-off and Retry-After, and the passes themselves
)
ECHO_FREE_FOR = 240.0  # afterwards nothing may be written for so long
TOLD_WITHIN = 1500.0  # the longest back-off of a message, and what it takes to be sent
RACING = 0.05  # share of the stock writes during which somebody buys just that
_LOOK_EVERY = 1800.0  # between two looks into the product's record
_SETTLING = 60.0  # before anybody acts: the first full pass
_MOST_VIOLATIONS = 5
_MIRRORING = {"LIGHTSPEED_HOLDS_CUSTOMER_ID": str(HOLDS_CUSTOMER)}


@dataclass(slots=True)
class Result:
    """What came of a simulation. `beacons` counts what really happened; `seconds` are simulated ones.

    `cpu_seconds` are the machine's, the one number here that another run does not repeat.
    """

    options: Options
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    violations: list[Violation] = field(default_factory=list)
    beacons: Counter[str] = field(default_factory=Counter)
    oversold_ours: int = 0
    oversold_race: int = 0
    double_sales: int = 0
    lost_sales: int = 0
    orders: int = 0
    kills: int = 0
    passes: int = 0
    requests: int = 0
    digest: str = ""
    steps: int = 0
    last_lines: tuple[str, ...] = ()


class MetFaults(Faults):
    """Faults that count which of them were met."""

    def __init__(self, beacons: Counter[str]) -> None:
        super().__init__()
        self._beacons = beacons
        self.left_out: Callable[[], None] = lambda: None  # told when an answer of Lightspeed's lacks its last rows

    def take(self, service: str, operation: str, *, named: bool = False) -> Fault | None:
        fault = super().take(service, operation, named=named)
        if fault is not None:
            self._beacons[f"fault {fault.kind.value}"] += 1
            self._beacons[f"fault at {service}"] += 1
            if service == Service.LIGHTSPEED and fault.kind is FaultKind.SHORT_PAGE:
                self.left_out()
        return fault


@cache
def alerts_file() -> AlertsFile:
    """Return the repository's own alerts.yaml, with somebody to be texted."""
    text = (ROOT / "alerts.yaml").read_text().replace("to: [] ", 'to: ["+15551234567"] ')
    return parse(text.encode())


class _Over(Exception):
    """Enough violations were found."""


class Simulation:
    """A world with the product in it."""

    def __init__(self, loop: VirtualLoop, options: Options, state: Path) -> None:
        self.options = options
        self.loop = loop
        self.clock = VirtualClock(loop)
        self.trace = Trace(self.clock)
        self.result = Result(options)
        self.alerts = alerts_file()
        goods = generate(options.skus, options.seed, odd=options.odd_goods)
        self.world = World(goods, clock=self.clock, seed=options.seed, index_lag_seconds=options.index_lag)
        faults = self.world.faults = self.world.mail._faults = MetFaults(self.result.beacons)
        if options.webhooks is not None:
            self.world.webhooks.hosts[PRETEND_ADDRESS] = "http://daemon.test"
        self.log = CallLog(self.clock)
        self.log.quarantine = self.alerts.limits.orders.quarantine.total_seconds()
        self.truth = Truth(self.world, self.clock.monotonic)
        self.record = Record(state)
        self.stock = StockChecks(self.world, self.truth, self.log, self.clock.monotonic, self.accuse)
        self.stock.in_quarantine = self._in_quarantine
        faults.left_out = self.stock.left_out
        self.orders = OrderChecks(self.world, self.truth, self.accuse)
        self.ledger = LedgerChecks(self.world, self.record, self._overlap, self.accuse)
        self.told = AlertChecks(self.world, self.record, self.accuse)
        self._looked = 0.0
        self._resting = False
        self.shoppers = Shoppers(
            self.world,
            self.truth,
            self.record,
            loop=loop,
            clock=self.clock,
            resting=lambda: self._resting,
            accuse=self.accuse,
        )
        self.machine = self._machine(state)
        self.shoppers.ask = self.machine.ask
        self.post = self._post()
        self.people = People(self.world, self.truth, self.clock.monotonic, self.machine.ask, self.shoppers.hold)
        self._races = Random(f"races {options.seed}")
        self.log.write_sent = self._race

    def _machine(self, state: Path) -> Machine:
        network = Network(
            self.world,
            clock=self.clock,
            rng=Random(f"network {self.options.seed}"),
            log=self.log,
            trace=self.trace,
            after=self.observe,
        )
        return Machine(
            loop=self.loop,
            clock=self.clock,
            environment=self.world.settings() | (_MIRRORING if self.options.mirrored else {}),
            alerts=self.alerts,
            state=state,
            mailbox=self.world.mail,
            network=network,
            rng=Random(f"product {self.options.seed}"),
            told=self._hear,
            watch=self.shoppers.watch,
            broke=lambda job, error: self.accuse("0 nothing breaks", f"{job}: {type(error).__name__}: {error}"),
            ended=self._ended,
        )

    def _post(self) -> Post | None:
        """Have webhooks sent to the product, in the seeds that have them."""
        if self.options.webhooks is None:
            return None
        door = Door(self.machine, loop=self.loop, clock=self.clock, trace=self.trace)
        return Post(self.world, door, self.options.webhooks, loop=self.loop, record=self.record, accuse=self.accuse)

    def _overlap(self, feed: str) -> timedelta:
        stock = self.alerts.limits.stock
        if feed not in ("stock", "items"):
            return stock.shopify_overlap
        return Overlaps().deep if self.stock.lately_left_out else stock.lightspeed_overlap

    def _in_quarantine(self, thing: Thing) -> bool:
        return self.record.quarantined(thing.online.id)

    # --- what is heard while it runs ---

    def accuse(self, invariant: str, detail: str) -> None:
        """Take note of a violation."""
        self.trace.note("violation", invariant, detail)
        self.result.violations.append(Violation(self.clock.monotonic(), invariant, detail))

    def observe(self) -> None:
        """Look at the world after a step."""
        self.truth.observe()
        for early in self.log.too_early:
            self.accuse("10 vendor limits", early)
        for again in self.log.sent_again:
            self.accuse("3 no sale is sent again blindly", again)
        self.log.too_early.clear()
        self.log.sent_again.clear()

    def _hear(self, event: Event) -> None:
        self.stock.passes.hear(event, self.clock.monotonic())
        if isinstance(event, RunFinished):
            self.result.passes += 1
            self.result.beacons[f"pass {event.job} {event.outcome.value}"] += 1
            self.trace.note("pass", event.job, event.outcome.value, event.code, sorted(event.numbers.items()))
            if event.outcome is RunOutcome.FAILED:
                self.ledger.look_at_watermarks()
            if event.code is Code.IN001:
                self.accuse("0 nothing breaks", f"a pass ended with {event.detail}")
        elif isinstance(event, StockWritten):
            self.result.beacons[f"write {event.outcome.value}"] += event.rows
        elif isinstance(event, WebhookMet):
            self.result.beacons[f"webhook {event.receipt.value}"] += 1

    def _ended(self, moment: Moment) -> None:
        self.result.kills += 1
        self.result.beacons[f"killed {moment.value}"] += 1
        self.trace.note("killed", moment.value)
        self.log.forget_process()

    def _race(self, items: Sequence[str]) -> None:
        """Let somebody buy what a stock write is about, now and then, while that write is on its way."""
        thing = self.truth.of_item(items[self._races.randrange(len(items))])
        if thing is None or self._resting or self._races.random() >= RACING:
            return
        self.loop.call_later(0.01, self._buy, thing)

    def _buy(self, thing: Thing) -> None:
        if self.people.buy_at_once(thing):
            self.result.beacons["order meets write"] += 1
            self.trace.note("order meets write")
            self.observe()

    # --- the course of it ---

    async def run(self, script: Sequence[Entry]) -> Result:
        """Let everything of a script happen, then let the world come to rest."""
        running = self.loop.create_task(self.machine.run())
        try:
            await self.clock.sleep(_SETTLING)
            await self._go_through(script)
            await self._calm()
            await self.clock.sleep(TOLD_WITHIN)
            self._look()
            self.told.settled({alert.name: self.alerts.channels_for(alert) for alert in self.alerts.alerts})
            self.orders.settled()
            self.shoppers.settled()
        except _Over:
            pass
        self._close()
        self.machine.stop()
        await running
        return self.result

    async def _go_through(self, script: Sequence[Entry]) -> None:
        calm_at = self.options.calm_every or self.options.days * DAY
        for entry in script:
            while entry.at >= calm_at and calm_at < self.options.days * DAY:
                await self._until(calm_at)
                await self._calm()
                calm_at += self.options.calm_every
            if _SETTLING + entry.at < self.clock.monotonic():
                continue  # it fell into a rest
            await self._until(entry.at)
            self._let_happen(entry)

    async def _until(self, at: float) -> None:
        """Wait, looking at the record now and then."""
        until = _SETTLING + at
        while self.clock.monotonic() < until:
            await self.clock.sleep(min(until, self._looked + _LOOK_EVERY) - self.clock.monotonic())
            if self.clock.monotonic() >= self._looked + _LOOK_EVERY:
                self._look()
            self._end_if_enough()

    def _end_if_enough(self) -> None:
        if self.result.violations:
            raise _Over

    def _look(self) -> None:
        self._looked = self.clock.monotonic()
        self.ledger.look()
        self.told.look()
        self.orders.look()
        self.shoppers.look()
        if self.post is not None:
            self.post.look()

    def _let_happen(self, entry: Entry) -> None:
        match entry:
            case Deed():
                done = self.people.act(entry)
                if entry.kind is DeedKind.PLAN:
                    self.stock.plan_at = self.clock.monotonic()
                self.trace.note("deed", entry.kind.value, done)
                self.observe()
            case Kill():
                self.machine.kill(entry.moment, entry.left)
            case Trouble():
                fault = Fault(entry.kind, times=entry.times, seconds=entry.seconds)
                self.world.faults.add(entry.service.value, entry.operation, fault)
                if entry.lasts:
                    self.result.beacons["outage"] += 1
                    self.loop.call_later(entry.lasts, self.world.faults.clear, entry.service.value)

    async def _calm(self) -> None:
        """Let faults and people rest: the shops must come into step, and then nothing may be written any more."""
        self._resting = True
        self.world.faults.clear()
        self.machine.spare()
        await self.clock.sleep(CONVERGED_WITHIN)
        apart = self.stock.apart()
        if apart:
            self.accuse("7 convergence", f"still apart {CONVERGED_WITHIN:.0f} s after the last fault: {apart}")
        written = len(self.world.shopify.writes)
        await self.clock.sleep(ECHO_FREE_FOR)
        if len(self.world.shopify.writes) != written and not apart:
            self.accuse("5 echo-free", f"written in a shop at rest: {self.world.shopify.writes[written:]}")
        self._resting = False
        self.result.beacons["rest"] += 1
        self._look()
        self._end_if_enough()

    def _close(self) -> None:
        result, beacons = self.result, self.result.beacons
        result.seconds = self.clock.monotonic()
        result.oversold_ours, result.oversold_race = self.stock.oversold.ours, self.stock.oversold.race
        result.double_sales, result.lost_sales = self.orders.doubled, self.orders.lost
        result.orders = len(self.world.shopify.orders)
        result.requests = sum(self.log.calls.values())
        result.violations = result.violations[:_MOST_VIOLATIONS]
        beacons.update({f"deed {kind.value}": count for kind, count in self.people.done.items()})
        beacons.update(self.stock.seen)
        beacons.update(self.shoppers.seen)
        beacons.update(self._from_the_record())
        beacons["oversell race"] += result.oversold_race
        result.digest, result.steps = self.trace.digest, self.trace.count
        result.last_lines = tuple(self.trace.lines)

    def _from_the_record(self) -> Counter[str]:
        rows = self.record.rows
        found: Counter[str] = Counter()
        found.update(
            {
                f"write {outcome}": count
                for outcome, count in rows("SELECT outcome, count(*) FROM stock_intents GROUP BY outcome")
                if str(outcome).startswith("found")
            }
        )
        found.update({f"told {kind}": count for kind, count in rows("SELECT kind, count(*) FROM outbox GROUP BY kind")})
        found.update(
            {"quarantine": rows("SELECT count(*) FROM quarantine")[0][0]} if rows("SELECT 1 FROM meta") else {}
        )
        return found


def simulate(options: Options, script: Sequence[Entry], folder: Path) -> Result:
    """Run a simulation with its state in a new folder below `folder`."""
    state = folder / f"seed-{options.seed}"
    state.mkdir()

    async def main(loop: VirtualLoop) -> Result:
        return await Simulation(loop, options, state).run(script)

    return run_virtually(main)
