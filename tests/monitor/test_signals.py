"""What each signal makes of the ledger."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from monitor.facts import Backlog, Facts, proof_among, stopped_among
from monitor.signals import SIGNALS, sample
from monitor.units import Unit
from monitor.vitals import Disk, Vitals
from sync.errors import Code
from sync.order_records import OrderStanding, OrderState
from sync.records import ApiMinute, Pause, PauseKind, RunOutcome, RunRecord
from sync.reservations import HoldStanding
from sync.second_writer import Pattern, SecondWriter
from tests.fakes.history import CALM

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
STANDING = replace(
    CALM,
    oversell_skus=3,
    oversell_units=7,
    undersell_skus=2,
    undersell_units=4,
    quarantined_skus=1,
    parked_skus=6,
    unanswered_writes=8,
    uningested_skus=9,
    unsettled_skus=7,
    uninstalled_at=NOW,
    oversell_cents=12_345,
    examples=("KAVA-1",),
    oversold=("KAVA-1",),
    undersold=("KRA-2",),
)


@pytest.mark.parametrize(
    ("outcomes", "stopped"),
    [
        pytest.param([(1, RunOutcome.BRAKED, Code.BR001)], 1, id="a brake"),
        pytest.param([(1, RunOutcome.FAILED, Code.LS005)], 1, id="a failure"),
        pytest.param([(1, RunOutcome.BRAKED, Code.BR004)], None, id="a pause is told by itself"),
        pytest.param([(2, RunOutcome.OK, None), (1, RunOutcome.BRAKED, Code.BR001)], None, id="over by now"),
        pytest.param([(3, None, None), (2, RunOutcome.FAILED, Code.LS005)], 2, id="the next one is under way"),
        pytest.param([], None, id="never any"),
    ],
)
def test_the_newest_finished_pass_tells_what_stops_writing(
    outcomes: list[tuple[int, RunOutcome | None, Code | None]], stopped: int | None
) -> None:
    passes = [RunRecord(n, "stock", NOW, NOW if outcome else None, outcome, code) for n, outcome, code in outcomes]
    found = stopped_among(passes)
    assert (found and found.run_id) == stopped


@pytest.mark.parametrize(
    ("code", "consent", "stopped"),
    [
        pytest.param(Code.LS005, RunOutcome.OK, None, id="consent was given since"),
        pytest.param(Code.LS005, RunOutcome.FAILED, 1, id="consent was refused"),
        pytest.param(Code.BR001, RunOutcome.OK, 1, id="a brake has nothing to do with it"),
    ],
)
def test_a_refused_sign_in_stops_nothing_once_consent_was_given(
    code: Code, consent: RunOutcome, stopped: int | None
) -> None:
    failed = RunRecord(1, "stock", NOW, NOW, RunOutcome.FAILED, code)
    found = stopped_among([failed], [RunRecord(2, "connect", NOW, NOW, consent)])
    assert (found and found.run_id) == stopped


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def run(job: str, minutes: float, outcome: RunOutcome = RunOutcome.OK, **numbers: int) -> RunRecord:
    return RunRecord(1, job, ago(minutes + 1), ago(minutes), outcome, numbers=numbers)


FACTS = Facts(
    now=NOW,
    started_at=ago(300),
    standing=STANDING,
    stock=run("stock", 12),
    full=run("full", 90),
    proof=run("full", 90),
    calls=[
        ApiMinute(ago(2), "shopify", 50, 3),
        ApiMinute(ago(14), "lightspeed", 50, 4),
        ApiMinute(ago(15), "lightspeed", 900, 900),
    ],
    pauses=[Pause(PauseKind.WRITES, "stock-taking", ago(30)), Pause(PauseKind.ORDERS, "later", ago(5))],
    backlog=Backlog(2, 1, ago(11)),
    orders=OrderStanding(
        counts={
            OrderState.SEEN: 2,
            OrderState.UNKNOWN: 1,
            OrderState.PARKED: 4,
            OrderState.DEAD: 5,
            OrderState.POSTED: 900,
        },
        oldest=ago(20),
        duplicates=6,
        waiting=("#1007", "#1009"),
        parked=("#1004",),
        dead=("#1005",),
        doubled=("SH-1006-1",),
    ),
    books=True,
    vitals=Vitals(
        quota={"lightspeed": 0.4, "shopify": 0.25},
        clocks={"lightspeed": -31.0, "shopify": 2.5},
        signed_in_until={"lightspeed": NOW + timedelta(days=2)},
        failing_since={"lightspeed": ago(4)},
        failed_jobs={"stock": Code.LS001, "sales": Code.LS001, "layaways": Code.LS014},
        succeeded_at={"lightspeed": ago(5), "shopify": ago(1)},
        propagated=[(ago(20), 900.0), *((ago(3), float(seconds)) for seconds in range(1, 101))],
        missed=[(ago(16), 50), (ago(14), 2), (ago(1), 1)],
        refused=[(ago(16), 500), (ago(14), 40), (ago(1), 3)],
        disk=Disk(free=30, size=120),
        alerts_file_rejected=True,
    ),
    holds=HoldStanding(active=12, units=17, made=40, ordered=10),
)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("discrepant_skus", 5),
        ("discrepancy_units", 11),
        ("oversell_skus", 3),
        ("oversell_units", 7),
        ("undersell_skus", 2),
        ("undersell_units", 4),
        ("money_at_risk", 124),
        ("quarantined_skus", 1),
        ("parked_skus", 6),
        ("unanswered_writes", 8),
        ("uningested_committed", 9),
        ("unsettled_skus", 7),
        ("app_uninstalled", 1),
        ("unposted_orders", 3),
        ("oldest_unposted_order_age", 1_200.0),
        ("parked_orders", 4),
        ("dead_orders", 5),
        ("duplicate_sales", 6),
        ("active_holds", 12),
        ("held_units", 17),
        ("refused_holds", 43),
        ("ordered_holds_share", 0.25),
        ("sync_latency", 720.0),
        ("equality_proof_age", 5_400.0),
        ("error_rate", 0.07),
        ("lightspeed_error_rate", 0.08),
        ("shopify_error_rate", 0.06),
        ("lightspeed_down", 240.0),
        ("shopify_down", 0.0),
        ("propagation", 95.0),
        ("missed_runs", 3),
        ("failing_jobs", 2),
        ("quota_used", 0.4),
        ("token_expiry", 172_800.0),
        ("disk_free", 0.25),
        ("clock_skew", 2.5),
        ("alerts_file_rejected", 1),
        ("outbox_depth", 2),
        ("pause_age", 1_800.0),
        ("outbox_oldest_age", 660.0),
    ],
)
def test_a_signal_reads_its_number(name: str, value: float) -> None:
    assert sample(name, timedelta(minutes=15), FACTS).value == pytest.approx(value)


def test_every_signal_has_a_unit_a_title_a_source_and_a_remedy() -> None:
    assert len(SIGNALS) == 44
    assert [name for name, signal in SIGNALS.items() if not (signal.title and signal.source and signal.remedy)] == []
    assert [name for name, signal in SIGNALS.items() if signal.windowed] == [
        "refused_holds",
        "propagation",
        "missed_runs",
        "error_rate",
        "lightspeed_error_rate",
        "shopify_error_rate",
    ]
    assert SIGNALS["error_rate"].unit is Unit.RATIO


@pytest.mark.parametrize(
    ("check", "value", "note"),
    [
        (None, None, "not checked yet"),
        (RunRecord(1, "mapping", NOW, NOW, RunOutcome.OK), None, "nothing is linked"),
        (RunRecord(1, "mapping", NOW, NOW, RunOutcome.OK, numbers={"links": 200, "agreeing": 197}), 0.985, ""),
    ],
    ids=["never", "no links", "some in doubt"],
)
def test_accuracy_is_that_of_the_last_check(check: RunRecord | None, value: float | None, note: str) -> None:
    found = sample("mapping_accuracy", None, replace(FACTS, mapping=check, doubted=("KAVA-1",)))
    assert (found.value, found.note) == (value, note)
    assert found.examples == (("KAVA-1",) if value else ())


def test_a_second_writer_is_named_with_what_it_does() -> None:
    writer = SecondWriter(1, "KAVA-1", Pattern.RETURNS, 3, NOW, 25)
    found = sample("second_writer_skus", None, replace(FACTS, writers=(writer,)))
    assert found.value == 1
    assert found.examples == ("KAVA-1: the same number came back after each correction (25), 3 times",)


@pytest.mark.parametrize("name", ["sync_latency", "equality_proof_age"])
def test_what_never_happened_is_as_old_as_the_daemon(name: str) -> None:
    never = sample(name, None, replace(FACTS, stock=None, full=None, proof=None))

    assert (never.value, never.note) == (18_000.0, "never yet; counted from the daemon's start")


def test_a_full_pass_is_a_complete_success_of_stock_too() -> None:
    assert sample("sync_latency", None, replace(FACTS, full=run("full", 3))).value == 180.0


def test_a_restart_forgives_no_latency() -> None:
    assert sample("sync_latency", None, replace(FACTS, started_at=NOW)).value == 720.0


def test_a_rate_over_no_calls_is_no_number() -> None:
    empty = sample("error_rate", timedelta(minutes=1), FACTS)

    assert (empty.value, empty.events, empty.note) == (None, 0, "no calls in the window")


def test_a_rate_knows_how_many_events_it_was_made_of() -> None:
    assert sample("error_rate", timedelta(minutes=5), FACTS).events == 50


def test_the_skus_that_differ_most_come_with_the_number() -> None:
    assert sample("discrepant_skus", None, FACTS).examples == ("KAVA-1",)
    assert sample("oversell_units", None, FACTS).examples == ("KAVA-1",)
    assert sample("money_at_risk", None, FACTS).examples == ("KAVA-1",)
    assert sample("undersell_skus", None, FACTS).examples == ("KRA-2",)


@pytest.mark.parametrize("name", ["pause_age", "outbox_oldest_age"])
def test_nothing_waiting_is_no_age(name: str) -> None:
    calm = replace(FACTS, pauses=[], backlog=Backlog())
    value = sample(name, None, calm).value

    assert value is not None
    assert math.isclose(value, 0.0)


@pytest.mark.parametrize(
    ("runs", "age"),
    [
        ([], None),
        ([run("full", 5, unequal=2)], None),
        ([run("full", 5)], None),
        ([run("full", 5, RunOutcome.FAILED, unequal=0)], None),
        ([run("full", 5, unequal=1), run("full", 60, unequal=0), run("full", 90, unequal=0)], 60),
    ],
    ids=["none", "unequal", "uncounted", "failed", "the newest that proves"],
)
def test_only_a_full_pass_that_found_nothing_unequal_is_a_proof(runs: list[RunRecord], age: float | None) -> None:
    proof = proof_among(runs)

    assert (proof.finished_at if proof else None) == (ago(age) if age is not None else None)


# --- orders ---
@pytest.mark.parametrize(
    ("name", "examples", "named"),
    [
        ("unposted_orders", ("#1007", "#1009"), "Orders"),
        ("oldest_unposted_order_age", ("#1007", "#1009"), "Orders"),
        ("parked_orders", ("#1004",), "Orders"),
        ("dead_orders", ("#1005",), "Orders"),
        ("duplicate_sales", ("SH-1006-1",), "References"),
    ],
)
def test_orders_are_named_with_the_number(name: str, examples: tuple[str, ...], named: str) -> None:
    assert (sample(name, None, FACTS).examples, SIGNALS[name].named) == (examples, named)


def test_no_order_waiting_is_no_age() -> None:
    waiting = sample("oldest_unposted_order_age", None, replace(FACTS, orders=OrderStanding({}, None)))
    assert waiting.value is not None
    assert math.isclose(waiting.value, 0.0)


@pytest.mark.parametrize("name", ["unposted_orders", "oldest_unposted_order_age"])
def test_what_keeps_all_orders_waiting_is_told_with_its_remedy(name: str) -> None:
    off = sample(name, None, replace(FACTS, books=False, pauses=[]))
    paused = sample(name, None, FACTS)
    running = sample(name, None, replace(FACTS, pauses=[Pause(PauseKind.WRITES, "stock-taking", ago(30))]))
    assert (off.note, off.remedy.endswith(Code.OR009.remedy)) == ("Booking is not set up", True)
    assert (paused.note, paused.remedy) == ("booking is paused", f"Booking is paused (later). {Code.BR004.remedy}")
    assert (running.note, running.remedy) == ("", "")


# --- what only the running process knows ---
@pytest.mark.parametrize(
    ("name", "note"),
    [
        ("propagation", "no change in the window"),
        ("quota_used", "no vendor has told it yet"),
        ("token_expiry", "not signed in yet"),
        ("clock_skew", "no server has told its time yet"),
        ("disk_free", "the file system cannot be asked"),
    ],
)
def test_what_a_new_process_has_not_heard_is_no_number(name: str, note: str) -> None:
    unknown = sample(name, None, replace(FACTS, vitals=Vitals()))
    assert (unknown.value, unknown.note) == (None, note)


@pytest.mark.parametrize(
    ("calls", "minutes"),
    [
        pytest.param([], 4, id="nothing on record"),
        pytest.param([(9, 3, 3), (8, 2, 2), (3, 5, 5)], 9, id="no success on record"),
        pytest.param([(9, 3, 3), (8, 2, 1), (7, 2, 2), (5, 1, 1)], 7, id="since the last success on record"),
        pytest.param([(9, 3, 3), (5, 2, 1)], 4, id="a success since"),
    ],
)
def test_an_outage_that_began_before_the_process_did_is_as_old_as_the_record_says(
    calls: list[tuple[int, int, int]], minutes: int
) -> None:
    restarted = replace(
        FACTS,
        vitals=Vitals(failing_since={"shopify": ago(4)}),
        calls=[
            *(ApiMinute(ago(age), "shopify", attempts, failures) for age, attempts, failures in calls),
            ApiMinute(ago(2), "lightspeed", 9, 0),
        ],
    )
    assert sample("shopify_down", None, restarted).value == minutes * 60


def test_oversold_skus_of_unknown_price_are_said_to_be_missing_in_the_money() -> None:
    short = sample("money_at_risk", None, replace(FACTS, standing=replace(STANDING, unpriced_skus=2)))
    assert (short.value, short.note) == (124, "without 2 SKUs of unknown price")


def test_an_expired_sign_in_is_no_time_below_zero() -> None:
    expired = replace(FACTS, vitals=Vitals(signed_in_until={"lightspeed": ago(5)}))
    assert sample("token_expiry", None, expired).value == pytest.approx(0.0)


def test_one_server_with_a_wrong_clock_does_not_make_ours_wrong() -> None:
    clocks = {"lightspeed": -7_200.0, "shopify": 0.0}
    assert sample("clock_skew", None, replace(FACTS, vitals=Vitals(clocks=clocks))).value == pytest.approx(0.0)
