"""`status`: on one screen how things stand, what holds numbers back, and the way on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from monitor.asked import FileStand
from monitor.cli import skus
from monitor.cli.common import Exit, rows, run, say, say_json, show_table
from monitor.cli.reading import file_lines, file_stand, opened_state
from monitor.door import daemon_runs
from monitor.facts import CONNECT_JOB, DAY, FULL_JOB, STOCK_JOB, proof_among, stopped_among
from monitor.hiding import Silence
from monitor.reach import Firing, firing
from monitor.store import Store
from monitor.units import counted, local, written_duration, written_minute
from sync.clock import SystemClock
from sync.errors import Code
from sync.order_records import FOR_A_PERSON, OrderStanding, OrderState
from sync.records import Differing, Pause, RunOutcome, RunRecord, Standing
from sync.reservations import HoldStanding
from sync.settings import Settings
from sync.storage.hold_rows import standing
from sync.storage.ledger import SqlLedger
from sync.storage.order_book import SqlBookings

_RUNS = 5
_PROOFS = 50  # full runs among which the last proof of equality is looked for


@dataclass(frozen=True, slots=True)
class Stand:
    """How things stand."""

    daemon: bool
    synced_at: datetime | None
    proved_at: datetime | None
    standing: Standing
    differing: Differing
    orders: OrderStanding
    booked_today: int  # orders booked within the last day
    books: bool  # whether booking is set up at all
    reservations: HoldStanding
    pauses: Sequence[Pause]
    stopped: RunRecord | None
    firing: Sequence[Firing]
    silences: Sequence[Silence]
    runs: Sequence[RunRecord]
    alerts_file: FileStand  # as the running daemon tells; without one nothing is known


def status(settings: Settings, *, json: bool) -> Exit:
    """Show how things stand."""
    found = run(lambda: _look(settings))
    if json:
        say_json({**asdict(found), "firing": [each.data for each in found.firing]})
    else:
        _show(found)
    return Exit.DONE


async def _look(settings: Settings) -> Stand:
    async with opened_state(settings) as database:
        ledger, bookings, store = SqlLedger(database), SqlBookings(database), Store(database)
        successes = [await ledger.last_success(job) for job in (STOCK_JOB, FULL_JOB)]
        proof = proof_among(await ledger.runs(FULL_JOB, _PROOFS))
        return Stand(
            daemon=daemon_runs(settings.state_dir),
            synced_at=max((each.finished_at for each in successes if each and each.finished_at), default=None),
            proved_at=proof.finished_at if proof else None,
            standing=await ledger.standing(),
            differing=await ledger.differing(),
            orders=await bookings.order_standing(),
            booked_today=await bookings.booked_since(SystemClock().now() - DAY),
            books=settings.books_orders,
            reservations=await database.read(lambda c: standing(c, SystemClock().now())),
            pauses=await ledger.pauses(),
            stopped=stopped_among(
                [*await ledger.runs(STOCK_JOB, 2), *await ledger.runs(FULL_JOB, 2)], await ledger.runs(CONNECT_JOB, 1)
            ),
            firing=await firing(store),
            silences=await store.standing_silences(SystemClock().now()),
            runs=await ledger.runs(limit=_RUNS),
            alerts_file=await file_stand(settings),
        )


def _show(found: Stand) -> None:
    now, standing, apart = SystemClock().now(), found.standing, found.differing
    rows(
        {
            "daemon": "running" if found.daemon else "not running",
            "last synced": _ago(found.synced_at, now),
            "proved equal": _ago(found.proved_at, now),
            "linked SKUs": standing.links,
            "not linked": skus.told(standing.unlinked_skus) or "none",
            "differing now": _over_and_under(
                (apart.over_units, apart.over_skus), (apart.under_units, apart.under_skus)
            ),
            "  twice running": _over_and_under(
                (standing.oversell_units, standing.oversell_skus), (standing.undersell_units, standing.undersell_skus)
            ),
            "for a person": _for_a_person(standing),
            "kept differences": standing.kept_skus,
            "held": _held(standing),
            "unanswered writes": standing.unanswered_writes,
            "orders": _orders(found, now),
            "reservations": _reservations(found.reservations),
        }
    )
    say("", *_brakes(found.pauses, found.stopped), *file_lines(found.alerts_file))
    say(*_alerts(found.firing), *_silences(found.silences, now))
    show_table(("run", "job", "started", "outcome", "numbers"), [_run_row(each) for each in found.runs])


def _over_and_under(over: tuple[int, int], under: tuple[int, int]) -> str:
    """Return differences in words, from (units, SKUs) each; those seen twice running are what alerts count."""
    told = [
        f"{counted(units, 'unit')} too {word} in Shopify ({counted(skus, 'SKU')})"
        for (units, skus), word in ((over, "many"), (under, "few"))
        if skus
    ]
    return ", ".join(told) or "nothing"


def _for_a_person(standing: Standing) -> str:
    told = []
    if standing.quarantined_skus:
        told.append(f"{counted(standing.quarantined_skus, 'SKU')} to decide on (lightspeed-sync conflicts list)")
    if standing.parked_skus:
        named = ", ".join(standing.parked)
        told.append(f"{counted(standing.parked_skus, 'SKU')} that Shopify refuses to change ({named})")
    return "; ".join(told) or "nothing"


def _held(standing: Standing) -> str:
    """Return what was set back by hand and is held since, with the way on."""
    if not standing.held_skus:
        return "none"
    named = ", ".join(standing.held)
    return f"{counted(standing.held_skus, 'SKU')} set back by hand ({named}; lightspeed-sync resume --held)"


def _orders(found: Stand, now: datetime) -> str:
    """Return how the booking of orders stands, with the way on."""
    orders = found.orders
    told = [f"{found.booked_today} booked in the last day"] if found.booked_today else []
    if orders.unbooked:
        oldest = "" if orders.oldest is None else f", the longest for {written_duration(now - orders.oldest)}"
        told.append(f"{orders.unbooked} waiting to be booked{oldest} ({', '.join(orders.waiting)})")
    person = sum(orders.counts.get(state, 0) for state in FOR_A_PERSON)
    if person:
        dead = orders.counts.get(OrderState.DEAD, 0)
        named = ", ".join((*orders.parked, *orders.dead))
        not_understood = f", {dead} of them not understood" if dead else ""
        told.append(f"{person} for a person{not_understood} ({named}; lightspeed-sync orders list)")
    if orders.duplicates:
        told.append(f"{counted(orders.duplicates, 'reference')} with a second sale ({', '.join(orders.doubled)})")
    if not found.books:
        told.append(f"booking is not set up: {Code.OR009.remedy}")
    return "; ".join(told) or "none waiting"


def _reservations(holds: HoldStanding) -> str:
    made = f"; {holds.made} made in the last hour, {holds.ordered} of them ordered" if holds.made else ""
    return f"{holds.active} active, {counted(holds.units, 'unit')} held{made}" if holds.active or made else "none"


def _brakes(pauses: Sequence[Pause], stopped: RunRecord | None) -> Iterator[str]:
    """Yield what keeps numbers from being written, in its own words, with the way on."""
    for pause in pauses:
        yield f"PAUSED {pause.kind.value} since {written_minute(pause.since)}: {pause.reason}"
        yield f"       {Code.BR004.remedy}"
    if stopped is not None and stopped.code is not None:
        word = "BRAKED" if stopped.outcome is RunOutcome.BRAKED else "FAILED"
        yield f"{word} run {stopped.run_id}: {stopped.code.name} {stopped.code.sentence} {stopped.detail}".rstrip()
        yield f"       {stopped.code.remedy}"


def _alerts(firing: Sequence[Firing]) -> Iterator[str]:
    """Yield what fires, who knows of it or why nobody does, and who has it in hand."""
    for each in firing:
        one = each.incident
        named = f" (now {': '.join(filter(None, (one.value, ', '.join(one.examples))))})"
        yield f"FIRING {one.alert} ({one.severity.value}, since {written_minute(one.since)}): {one.summary}{named}"
        by = f"; acknowledged by {one.acknowledged_by}, {written_minute(one.acknowledged_at)}"
        yield f"       known to {each.words}{by if one.acknowledged_at else ''}"
    if not firing:
        yield "alerts: none fire"
    else:
        yield "       The whole story of one: lightspeed-sync alerts explain NAME"


def _silences(silences: Sequence[Silence], now: datetime) -> Iterator[str]:
    for each in silences:
        left = written_duration(each.ends_at - now)
        yield f"SILENT {each.matcher}, for another {left}, by silence {each.id} of {each.author}: {each.reason}"


def _run_row(run: RunRecord) -> tuple[object, ...]:
    outcome = run.outcome.value if run.outcome else "under way"
    code = f" {run.code.name}" if run.code else ""
    numbers = ", ".join(f"{name} {count}" for name, count in run.numbers.items())
    return run.run_id, run.job, f"{local(run.started_at):%m-%d %H:%M:%S %Z}", outcome + code, numbers


def _ago(moment: datetime | None, now: datetime) -> str:
    return "never" if moment is None else f"{written_duration(now - moment)} ago"
