"""What the running process hears of itself and of the shops' servers."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from monitor.vitals import Disk, VitalsWatch, disk_of
from sync.errors import Code
from sync.events import ApiAttempt, HoldMet, Propagated, QuotaSeen, RunFinished, ServerClock, SignInLasts
from sync.records import RunOutcome
from sync.reservations import Ending, Refusal, Taking
from tests.monitor.support import START, HandClock


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def watch(clock: HandClock) -> VitalsWatch:
    return VitalsWatch(clock, lambda: Disk(1, 2))


def test_nothing_is_known_before_it_was_told(watch: VitalsWatch) -> None:
    vitals = watch.taken()
    assert (vitals.quota, vitals.clocks, vitals.signed_in_until, vitals.failing_since) == ({}, {}, {}, {})
    assert (vitals.propagated, vitals.missed, vitals.disk, vitals.alerts_file_rejected) == ((), (), Disk(1, 2), False)


def test_calls_fail_since_the_first_failure_after_a_success(watch: VitalsWatch, clock: HandClock) -> None:
    watch(ApiAttempt("shopify", "levels", 0.1))
    for _ in range(3):
        clock.pass_by(minutes=1)
        watch(ApiAttempt("shopify", "levels", 30.0, "SH004"))
    watch(ApiAttempt("lightspeed", "ItemShop", 0.1))
    vitals = watch.taken()
    assert vitals.succeeded_at == {"shopify": START, "lightspeed": START + timedelta(minutes=3)}
    assert vitals.failing_since == {"shopify": START + timedelta(minutes=1)}

    watch(ApiAttempt("shopify", "levels", 0.1))
    assert watch.taken().failing_since == {}


def test_a_job_fails_until_a_run_of_it_does_not(watch: VitalsWatch) -> None:
    def ended(job: str, outcome: RunOutcome, code: Code | None = None) -> None:
        watch(RunFinished(1, job, START, outcome, 1.0, code))

    ended("sales", RunOutcome.FAILED, Code.LS001)
    ended("layaways", RunOutcome.FAILED, Code.LS014)
    ended("full", RunOutcome.BRAKED, Code.BR001)  # a brake that holds is no failure
    assert watch.taken().failed_jobs == {"sales": Code.LS001, "layaways": Code.LS014}
    ended("sales", RunOutcome.OK)
    assert watch.taken().failed_jobs == {"layaways": Code.LS014}


@pytest.mark.parametrize("job", ["plan", "part", "validate", "restore", "undo"])
def test_a_run_that_a_person_asked_for_is_no_failing_job(watch: VitalsWatch, job: str) -> None:
    watch(RunFinished(1, job, START, RunOutcome.FAILED, 1.0, Code.SH004))
    assert watch.taken().failed_jobs == {}


def test_the_newest_of_what_servers_say_counts(watch: VitalsWatch) -> None:
    for ratio in (0.9, 0.2):
        watch(QuotaSeen("shopify", ratio))
        watch(SignInLasts("lightspeed", START + timedelta(days=ratio)))
    vitals = watch.taken()
    assert (vitals.quota, vitals.signed_in_until) == ({"shopify": 0.2}, {"lightspeed": START + timedelta(days=0.2)})


@pytest.mark.parametrize(
    ("ahead", "within", "off"),
    [(0.4, 0.5, 0.0), (-0.4, 0.5, 0.0), (61.0, 1.0, 60.0), (-61.0, 1.0, -60.0)],
    ids=["no better known", "the same, below", "ahead", "behind"],
)
def test_a_clock_is_off_by_what_is_sure(watch: VitalsWatch, ahead: float, within: float, off: float) -> None:
    watch(ServerClock("shopify", ahead, within))
    assert watch.taken().clocks == {"shopify": pytest.approx(off)}


def test_changes_carried_on_and_runs_left_out_are_remembered_with_their_moment(
    watch: VitalsWatch, clock: HandClock
) -> None:
    watch(Propagated(42.0))
    clock.pass_by(minutes=1)
    watch.due("stock", expected=3, missed=2)
    watch.due("stock")
    watch.begun("stock")
    vitals = watch.taken()
    assert (vitals.propagated, vitals.missed) == (((START, 42.0),), ((START + timedelta(minutes=1), 2),))


def test_reservations_refused_for_what_one_visitor_may_have_are_counted_minute_by_minute(
    watch: VitalsWatch, clock: HandClock
) -> None:
    for outcome in (*Refusal, Taking.GRANTED, Ending.CONSUMED):
        watch(HoldMet(outcome))
    clock.pass_by(minutes=1)
    watch(HoldMet(Refusal.THROTTLED, 5))
    minutes = [(at - START.replace(second=0, microsecond=0), count) for at, count in watch.taken().refused]
    assert minutes == [(timedelta(0), 6), (timedelta(minutes=1), 5)]


def test_what_is_remembered_has_an_end(watch: VitalsWatch) -> None:
    for seconds in range(6_000):
        watch(Propagated(seconds))
    vitals = watch.taken()
    assert (len(vitals.propagated), vitals.propagated[-1][1]) == (5_000, 5_999)


def test_a_file_that_was_kept_out_is_told_until_one_is_taken(watch: VitalsWatch) -> None:
    watch.reloaded(taken=False, mistakes=["alerts.yaml:1:1: no"])
    assert watch.taken().alerts_file_rejected
    watch.reloaded(taken=True)
    assert not watch.taken().alerts_file_rejected


def test_the_disk_is_that_of_the_folder(tmp_path: Path) -> None:
    disk = disk_of(tmp_path)
    assert disk is not None
    assert 0 <= disk.free <= disk.size
    assert disk_of(tmp_path / "not there") is None
