"""What will happen in one simulation, drawn from its seed beforehand: options, people's deeds, faults, kills.

A script is a list of numbered entries by time, so that a failure can be replayed with some of them left out. What a
deed meets when its time comes is up to the world: an order of a thing that is sold out is not placed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from sandbox.faults import FaultKind
from sandbox.shopify.sender import Habits
from tests.simulation.life import Moment

DAY = 86_400.0
HUNDREDFOLD = 100.0


class DeedKind(StrEnum):
    """What people do, in both shops."""

    SELL = "till sale"
    TILL_REFUND = "till refund"
    RECEIVE = "delivery"
    COUNT = "recount at the till"
    ORDER = "order"
    TEST_ORDER = "test order"
    SHIP = "fulfilment"
    CANCEL = "cancel, restocked"
    CANCEL_LOST = "cancel, not restocked"
    RETURN = "return"
    MONEY_BACK = "refund without goods"
    EDIT_UP = "order edited up"
    EDIT_DOWN = "order edited down"
    FOREIGN = "foreign edit"
    FOREIGN_LARGE = "large foreign edit"
    DRAFT = "draft order"
    REPRICE = "new price"
    RENAME = "new SKU at the till"
    ARCHIVE = "archived at the till"
    PLAN = "confirmed plan"
    HOLD = "reservation"


# A day of a shop with 200 SKUs.
PER_DAY: Mapping[DeedKind, float] = {
    DeedKind.SELL: 200,
    DeedKind.TILL_REFUND: 6,
    DeedKind.RECEIVE: 14,
    DeedKind.COUNT: 4,
    DeedKind.ORDER: 40,
    DeedKind.TEST_ORDER: 1,
    DeedKind.SHIP: 34,
    DeedKind.CANCEL: 4,
    DeedKind.CANCEL_LOST: 1,
    DeedKind.RETURN: 3,
    DeedKind.MONEY_BACK: 1,
    DeedKind.EDIT_UP: 2,
    DeedKind.EDIT_DOWN: 2,
    DeedKind.FOREIGN: 4,
    DeedKind.FOREIGN_LARGE: 2,
    DeedKind.DRAFT: 1,
    DeedKind.REPRICE: 2,
    DeedKind.RENAME: 0.2,
    DeedKind.ARCHIVE: 0.2,
    DeedKind.PLAN: 1,
}


class Service(StrEnum):
    """Whose calls a fault meets."""

    LIGHTSPEED = "lightspeed"
    SHOPIFY = "shopify"
    SLACK = "slack"
    SMTP = "smtp"
    SMS = "sms"


_SHOPS = (Service.LIGHTSPEED, Service.SHOPIFY)
_MESSENGERS = (Service.SLACK, Service.SMTP, Service.SMS)

# How often each kind comes by itself in a day, by and large; a simulation makes it a hundredfold.
NATURAL_PER_DAY: Mapping[FaultKind, float] = {
    FaultKind.THROTTLED: 0.3,
    FaultKind.SERVER_ERROR: 0.3,
    FaultKind.HTML: 0.05,
    FaultKind.BAD_GATEWAY: 0.2,
    FaultKind.GATEWAY_TIMEOUT: 0.2,
    FaultKind.RESET_BEFORE: 0.2,
    FaultKind.RESET_AFTER: 0.2,
    FaultKind.TRUNCATED: 0.05,
    FaultKind.SHORT_PAGE: 0.02,
    FaultKind.EMPTY: 0.05,
    FaultKind.SLOW: 0.3,
    FaultKind.LATE: 0.1,
    FaultKind.UNAUTHORIZED: 0.05,
    FaultKind.DROPPED_RELATIONS: 0.02,
}
NATURAL_OUTAGES = 0.02  # a service is away for minutes, once in fifty days
NATURAL_KILLS = 0.1
_WRITE = "inventorySetQuantities"
_VERY_LATE = 0.3
_WITH_WEBHOOKS = 0.35  # share of the seeds
_WITH_HOLDS = 0.35  # the same; of a stream of its own, so that the others stay as they are
_MIRRORED = 0.5  # so many of the seeds mirror what is held, where anything is
_HOLDS_A_DAY = 80.0
_SELDOM = (Moment.BEFORE_MAIL, Moment.AFTER_MAIL)  # moments of which a kill takes the first: it would miss a later one
_AIMED = 0.3  # share of the faults that wait for the next stock write, or sale, instead of the next call


@dataclass(frozen=True, slots=True)
class Deed:
    """Somebody does something; `pick`, `sku` (both 0 to 1) and `units` say with what."""

    at: float
    kind: DeedKind
    sku: float
    pick: float
    units: int


@dataclass(frozen=True, slots=True)
class Trouble:
    """A fault for the next `times` calls of an operation; `lasts` seconds at most, 0: until it is met."""

    at: float
    service: Service
    operation: str
    kind: FaultKind
    times: int
    seconds: float
    lasts: float = 0.0


@dataclass(frozen=True, slots=True)
class Kill:
    """The process ends at the `left`-th moment of a kind; None: of any kind."""

    at: float
    moment: Moment | None
    left: int


Entry = Deed | Trouble | Kill


@dataclass(frozen=True, slots=True)
class Options:
    """What a seed drew: which kinds of fault it has (swarm), how often, how far the search index lags."""

    seed: int
    days: float
    skus: int
    faults: tuple[FaultKind, ...]
    rate: float  # of faults, times the natural one
    busy: float  # people's deeds and faults, times the usual
    kills: bool
    outages: bool
    messengers_fail: bool
    index_lag: float
    odd_goods: bool
    calm_every: float  # seconds after which faults and people rest and the world must converge; 0: only at the end
    webhooks: Habits | None  # how unreliable Shopify's webhooks are; None: there are none, polling alone must do
    holds: bool = False  # whether shoppers hold what they are about to order
    mirrored: bool = False  # whether the till sees what they hold

    def told(self) -> str:
        """Return them in one line."""
        kinds = ",".join(kind.value for kind in self.faults) or "none"
        return (
            f"seed {self.seed}, {self.days:g} days, {self.skus} SKUs, busy {self.busy:g} times, faults {kinds} "
            f"at {self.rate:g} times, kills {self.kills}, outages {self.outages}, "
            f"messengers fail {self.messengers_fail}, index lag {self.index_lag:.0f} s, odd goods {self.odd_goods}, "
            f"calm every {self.calm_every / 3600:g} h, webhooks {_told_habits(self.webhooks)}, holds {self.holds}, "
            f"mirrored {self.mirrored}"
        )


def draw_options(seed: int, days: float, *, busy: float = 1.0, skus: int = 200) -> Options:
    """Return a seed's options. Every eighth seed is calm: no faults at all, only people."""
    rng = Random(f"options {seed}")
    calm = seed % 8 == 0
    kinds = () if calm else tuple(kind for kind in NATURAL_PER_DAY if rng.random() < 0.6)
    return Options(
        seed=seed,
        days=days,
        skus=skus,
        faults=kinds,
        rate=HUNDREDFOLD * busy,
        busy=busy,
        kills=not calm and rng.random() < 0.7,
        outages=not calm and rng.random() < 0.6,
        messengers_fail=not calm and rng.random() < 0.6,
        index_lag=rng.choice((0.0, 2.0, 10.0, 30.0)),
        odd_goods=rng.random() < 0.7,
        calm_every=rng.choice((0.0, 3 * 3600.0)),
        webhooks=_draw_habits(seed),
        holds=Random(f"holds {seed}").random() < _WITH_HOLDS,
        mirrored=Random(f"mirrored {seed}").random() < _MIRRORED,
    )


def _draw_habits(seed: int) -> Habits | None:
    """Return how a seed's webhooks come, from a stream of its own; most seeds have none."""
    rng = Random(f"webhooks {seed}")
    if rng.random() >= _WITH_WEBHOOKS:
        return None
    return Habits(
        loss=rng.choice((0.0, 0.1, 0.5)),
        duplicate=rng.choice((0.0, 0.2)),
        reorder=rng.choice((0.0, 0.3)),
        delay=rng.choice((1.0, 30.0, 600.0)),
    )


def _told_habits(habits: Habits | None) -> str:
    if habits is None:
        return "none"
    return (
        f"lost {habits.loss:.0%}, doubled {habits.duplicate:.0%}, out of order {habits.reorder:.0%}, "
        f"up to {habits.delay:.0f} s late"
    )


def draw_script(options: Options) -> list[Entry]:
    """Return everything that will happen, by time."""
    rng = Random(f"script {options.seed}")
    entries: list[Entry] = []
    for kind, often in PER_DAY.items():
        entries += [_deed(rng, at, kind) for at in _moments(rng, often * options.busy, options.days)]
    for fault in options.faults:
        moments = _moments(rng, NATURAL_PER_DAY[fault] * options.rate, options.days)
        entries += [_trouble(rng, at, fault, options) for at in moments]
    if options.holds:
        own = Random(f"holds of {options.seed}")
        moments = _moments(own, _HOLDS_A_DAY * options.busy, options.days)
        entries += [_deed(own, at, DeedKind.HOLD) for at in moments]
    if options.outages:
        entries += [_outage(rng, at, options) for at in _moments(rng, NATURAL_OUTAGES * HUNDREDFOLD, options.days)]
    if options.kills:
        entries += [_kill(rng, at) for at in _moments(rng, NATURAL_KILLS * options.rate, options.days)]
    return sorted(entries, key=lambda entry: entry.at)


def _moments(rng: Random, per_day: float, days: float) -> list[float]:
    moments, at = [], 0.0
    while (at := at + rng.expovariate(per_day) * DAY) < days * DAY:
        moments.append(at)
    return moments


def _deed(rng: Random, at: float, kind: DeedKind) -> Deed:
    return Deed(at, kind, rng.random(), rng.random(), rng.choice((1, 1, 1, 2, 2, 3)))


def _trouble(rng: Random, at: float, kind: FaultKind, options: Options) -> Trouble:
    services: Sequence[Service] = (*_SHOPS, *_SHOPS, *_MESSENGERS) if options.messengers_fail else _SHOPS
    service = rng.choice(services)
    operation = "*"
    if service is Service.SHOPIFY and rng.random() < _AIMED:
        operation = _WRITE
    elif service is Service.LIGHTSPEED and rng.random() < _AIMED:
        operation = rng.choice(("POST Sale", "PUT Sale", "Sale"))
    seconds = rng.uniform(1, 60) if kind is FaultKind.SLOW else rng.uniform(1, 20)
    if kind is FaultKind.LATE:  # now and then later than anybody waits for
        seconds = rng.uniform(130, 300) if rng.random() < _VERY_LATE else rng.uniform(5, 50)
    if kind is FaultKind.THROTTLED:
        seconds = float(round(seconds))
    return Trouble(at, service, operation, kind, rng.choice((1, 1, 1, 2, 5)), seconds)


def _outage(rng: Random, at: float, options: Options) -> Trouble:
    services: Sequence[Service] = (*_SHOPS, *_MESSENGERS) if options.messengers_fail else _SHOPS
    kind = rng.choice(
        (FaultKind.RESET_BEFORE, FaultKind.BAD_GATEWAY, FaultKind.SERVER_ERROR, FaultKind.GATEWAY_TIMEOUT)
    )
    return Trouble(at, rng.choice(services), "*", kind, 0, 0.0, lasts=rng.uniform(60, 2400))


def _kill(rng: Random, at: float) -> Kill:
    kind = rng.choice((None, *Moment))
    left = 0 if rng.random() < 0.1 else 1 + int(rng.expovariate(1 / 12))
    return Kill(at, kind, min(left, 1) if kind in _SELDOM else left)
