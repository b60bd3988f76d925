"""What a channel is told, and why it is told nothing, one row each."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.decide import Case, Damping, Hidden, HiddenTime, Last, Progress, Verdict, Why, firing, resolved
from monitor.notice import Kind

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
REPEAT = timedelta(hours=4)
STEP = timedelta(minutes=15)
DAMPING = Damping(count=4, window=timedelta(hours=1), hold=timedelta(minutes=10))
DELIVERED, WAITING = Progress.DELIVERED, Progress.WAITING
UNDER_WAY, GIVEN_UP = Progress.UNDER_WAY, Progress.GIVEN_UP
SILENCED = Hidden(Why.SILENCED, "silence 7 of anna: stock-take")
CASE = Case(since=NOW - timedelta(hours=1), told_at=NOW - timedelta(hours=1))


def ago(**spans: float) -> datetime:
    return NOW - timedelta(**spans)


def last(kind: Kind, progress: Progress, hours: float = 1) -> Last:
    return Last(kind, NOW - timedelta(hours=hours), progress)


def told(before: Last | None, case: Case = CASE, step: timedelta | None = None) -> Verdict:
    return firing(before, case, REPEAT, NOW, step=step, damping=DAMPING)


@pytest.mark.parametrize(
    ("before", "kind", "why"),
    [
        pytest.param(None, Kind.FIRING, Why.FIRST, id="nothing was told"),
        pytest.param(last(Kind.FIRING, DELIVERED, 3.99), None, Why.NOT_YET, id="told a while ago"),
        pytest.param(last(Kind.FIRING, DELIVERED, 4), Kind.REMINDER, Why.REPEAT, id="told four hours ago"),
        pytest.param(last(Kind.REMINDER, DELIVERED, 4), Kind.REMINDER, Why.REPEAT, id="reminded four hours ago"),
        pytest.param(last(Kind.FIRING, WAITING, 99), None, Why.WAITING, id="the first is not out yet"),
        pytest.param(last(Kind.REMINDER, UNDER_WAY, 99), None, Why.WAITING, id="a reminder is on its way"),
        pytest.param(last(Kind.FIRING, GIVEN_UP, 1), Kind.FIRING, Why.FIRST, id="the first message was given up"),
        pytest.param(last(Kind.REMINDER, GIVEN_UP, 5), Kind.REMINDER, Why.REPEAT, id="a reminder was given up"),
    ],
)
def test_a_firing_alert_is_told_and_repeated(before: Last | None, kind: Kind | None, why: Why) -> None:
    verdict = told(before)

    assert (verdict.kind, verdict.why, verdict.instead) == (kind, why, False)


@pytest.mark.parametrize("why", [Why.SILENCED, Why.MAINTENANCE, Why.OUTSIDE_HOURS, Why.DEPENDS_ON])
@pytest.mark.parametrize("step", [None, STEP], ids=["first", "escalation"])
@pytest.mark.parametrize("before", [None, last(Kind.FIRING, DELIVERED, 9), last(Kind.REMINDER, GIVEN_UP, 9)])
def test_what_hides_an_alert_is_the_reason_for_silence(why: Why, step: timedelta | None, before: Last | None) -> None:
    verdict = told(before, replace(CASE, hidden=Hidden(why, "it")), step)

    assert (verdict.kind, verdict.why, verdict.detail) == (None, why, "it")


@pytest.mark.parametrize(
    ("case", "before", "kind", "why"),
    [
        pytest.param(replace(CASE, told_at=ago(minutes=14)), None, None, Why.STEP_NOT_YET, id="too early"),
        pytest.param(replace(CASE, told_at=ago(minutes=15)), None, Kind.FIRING, Why.ESCALATED, id="just in time"),
        pytest.param(
            replace(CASE, told_at=ago(minutes=90), acknowledged_at=ago(minutes=80)),
            None,
            None,
            Why.ACKNOWLEDGED,
            id="somebody looks at it",
        ),
        pytest.param(replace(CASE, told_at=None), None, Kind.FIRING, Why.ESCALATED, id="nobody could be told first"),
        pytest.param(CASE, last(Kind.FIRING, DELIVERED, 4), Kind.REMINDER, Why.REPEAT, id="told, and repeated"),
    ],
)
def test_a_step_of_the_escalation_comes_when_nobody_acknowledges(
    case: Case, before: Last | None, kind: Kind | None, why: Why
) -> None:
    verdict = told(before, case, STEP)

    assert (verdict.kind, verdict.why) == (kind, why)


@pytest.mark.parametrize(
    ("minutes", "hidden_for", "hidden", "why"),
    [
        pytest.param(14, 0, True, Why.STEP_NOT_YET, id="hidden before the step came"),
        pytest.param(60, 46, True, Why.STEP_NOT_YET, id="hidden for most of the time"),
        pytest.param(60, 45, True, Why.SILENCED, id="hidden just when the step came"),
        pytest.param(60, 46, False, Why.STEP_NOT_YET, id="seen again, not for long enough"),
        pytest.param(60, 45, False, Why.ESCALATED, id="seen again, and long enough in all"),
    ],
)
def test_time_that_hides_an_alert_brings_no_step_nearer(
    minutes: int, hidden_for: int, *, hidden: bool, why: Why
) -> None:
    spent = timedelta(minutes=hidden_for)
    case = replace(CASE, told_at=ago(minutes=minutes), hidden=SILENCED if hidden else None, hidden_for=spent)

    assert told(None, case, STEP).why is why


def test_hidden_time_adds_up_and_a_clock_set_back_takes_nothing_from_it() -> None:
    begun = HiddenTime(timedelta(minutes=5)).at(ago(minutes=10), SILENCED)

    assert begun.at(ago(minutes=5), SILENCED) == begun
    assert begun.at(NOW, None) == HiddenTime(timedelta(minutes=15))
    assert begun.until(ago(minutes=20)) == timedelta(minutes=5)


def test_an_acknowledgement_ends_reminders_but_keeps_nobody_from_the_first_message() -> None:
    known = replace(CASE, acknowledged_at=ago(minutes=1))

    assert told(None, known).why is Why.FIRST
    assert told(last(Kind.FIRING, DELIVERED, 9), known) == Verdict(None, Why.ACKNOWLEDGED)
    assert resolved(last(Kind.FIRING, DELIVERED, 9)).kind is Kind.RESOLVED


@pytest.mark.parametrize(
    ("openings", "minutes", "kind", "why"),
    [
        pytest.param(4, 0, Kind.FIRING, Why.FIRST, id="often, not too often"),
        pytest.param(5, 0, Kind.FIRING, Why.FLAPS, id="too often: told once more, with a note"),
        pytest.param(6, 9.9, None, Why.DAMPED, id="again: damped"),
        pytest.param(6, 10, Kind.FIRING, Why.LASTS, id="again, and it lasts"),
        pytest.param(99, 9, None, Why.DAMPED, id="always"),
    ],
)
def test_an_alert_that_flaps_is_told_once_more_and_then_only_where_it_lasts(
    openings: int, minutes: float, kind: Kind | None, why: Why
) -> None:
    verdict = told(None, Case(since=ago(minutes=minutes), openings=openings))

    assert (verdict.kind, verdict.why) == (kind, why)
    assert ("times" in verdict.detail) is (why is not Why.FIRST)


@pytest.mark.parametrize(
    ("before", "kind", "why", "instead"),
    [
        pytest.param(None, None, Why.NEVER_TOLD, False, id="never told"),
        pytest.param(last(Kind.FIRING, DELIVERED), Kind.RESOLVED, Why.ENDED, False, id="the beginning was told"),
        pytest.param(last(Kind.FIRING, GIVEN_UP), Kind.SUMMARY, Why.COALESCED, False, id="the beginning was given up"),
        pytest.param(last(Kind.FIRING, WAITING), Kind.SUMMARY, Why.COALESCED, True, id="the beginning still waits"),
        pytest.param(last(Kind.FIRING, UNDER_WAY), Kind.RESOLVED, Why.ENDED, False, id="the beginning may be out"),
        pytest.param(last(Kind.REMINDER, WAITING), Kind.RESOLVED, Why.ENDED, True, id="a reminder still waits"),
        pytest.param(last(Kind.REMINDER, DELIVERED), Kind.RESOLVED, Why.ENDED, False, id="a reminder was told"),
        pytest.param(last(Kind.RESOLVED, DELIVERED), None, Why.ALREADY_ENDED, False, id="the end was told"),
        pytest.param(last(Kind.SUMMARY, WAITING), None, Why.ALREADY_ENDED, False, id="the end is to be told"),
    ],
)
def test_an_end_is_told_where_the_beginning_was(
    before: Last | None, kind: Kind | None, why: Why, instead: bool
) -> None:
    verdict = resolved(before)

    assert (verdict.kind, verdict.why, verdict.instead) == (kind, why, instead)


@pytest.mark.parametrize(
    ("why", "kind", "then"),
    [
        pytest.param(Why.SILENCED, Kind.SUMMARY, Why.ENDED_HIDDEN, id="a silence: told as one message"),
        pytest.param(Why.MAINTENANCE, None, Why.MAINTENANCE, id="maintenance: the digest tells"),
        pytest.param(Why.OUTSIDE_HOURS, None, Why.OUTSIDE_HOURS, id="hours: recorded"),
        pytest.param(Why.DEPENDS_ON, None, Why.DEPENDS_ON, id="another alert: recorded"),
        pytest.param(Why.DAMPED, None, Why.DAMPED, id="flapping: recorded"),
    ],
)
def test_an_end_behind_a_silence_is_told_and_behind_anything_else_is_on_record(
    why: Why, kind: Kind | None, then: Why
) -> None:
    verdict = resolved(None, Hidden(why, "it"))

    assert (verdict.kind, verdict.why, verdict.detail) == (kind, then, "it")


def test_what_was_told_ends_aloud_whatever_hides_it_by_now() -> None:
    assert resolved(last(Kind.FIRING, DELIVERED), SILENCED) == Verdict(Kind.RESOLVED, Why.ENDED)


KINDS = st.sampled_from([Kind.FIRING, Kind.REMINDER])
LASTS = st.none() | st.builds(
    Last, KINDS, st.integers(0, 600).map(lambda minutes: ago(minutes=minutes)), st.sampled_from(Progress)
)
MOMENTS = st.integers(0, 600).map(lambda minutes: ago(minutes=minutes))
CASES = st.builds(
    Case,
    since=MOMENTS,
    told_at=st.none() | MOMENTS,
    acknowledged_at=st.none() | MOMENTS,
    hidden=st.none() | st.just(SILENCED),
    openings=st.integers(1, 9),
)


@given(LASTS, CASES, st.none() | st.just(STEP))
def test_a_message_is_a_beginning_exactly_where_none_was_told(
    before: Last | None, case: Case, step: timedelta | None
) -> None:
    kind = told(before, case, step).kind

    untold = before is None or (before.kind, before.progress) == (Kind.FIRING, GIVEN_UP)
    assert kind in ((None, Kind.FIRING) if untold else (None, Kind.REMINDER))
    if case.hidden is not None:
        assert kind is None


@given(LASTS, st.none() | st.just(SILENCED))
def test_no_end_without_a_beginning(before: Last | None, hidden: Hidden | None) -> None:
    verdict = resolved(before, hidden)

    assert (verdict.kind is Kind.RESOLVED) is (before is not None and verdict.kind is not Kind.SUMMARY)
