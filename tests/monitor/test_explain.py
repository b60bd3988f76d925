"""What is told of one alert: how it stands, its numbers, who was told what, and why a place was told nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from monitor.alerts_file import parse
from monitor.decide import Hidden, Why
from monitor.explain import Explanation, changes, explain, verdicts
from monitor.known import Known, as_of, message_as_of, state_at
from monitor.notice import Arrival, Kind, Severity
from monitor.rules import Phase, Reason, Result, Sample, State
from monitor.store import Incident, Place
from monitor.store.story import Change, Judging, Message
from monitor.store.verdicts import Decided

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
FILE = parse(
    b"""
alerts:
  - name: Differs
    when: discrepant_skus > 5
    for: 30m
    clear: 3
    keep_firing_for: 20m
    severity: critical
  - name: Fails
    when: error_rate > 5% and discrepant_skus > 2
    min_events: 5
    evaluations: 3 of 5
    no_data: keep
    severity: warning
routes:
  - severity: critical
    to: slack
    escalate:
      - {after: 15m, to: email}
  - severity: warning
    to: slack
"""
)
DIFFERS, FAILS = FILE.rules()
SINCE = "2026-11-24 10:30 UTC"
PLACES = (Place("slack"), Place("email", step=15 * MINUTE))
OPEN = Incident(7, "Differs", Severity.CRITICAL, "7 SKUs differ", "7", "> 5", NOON - 2 * HOUR, NOON - 90 * MINUTE)
TOLD = Message(
    id=1,
    place="slack",
    kind=Kind.FIRING,
    why="",
    state="done",
    attempts=1,
    repeated=False,
    created_at=OPEN.opened_at,
    sent_at=OPEN.opened_at + timedelta(seconds=2),
    next_at=None,
    error="",
    proof="C1 17.1",
)
STUCK = replace(
    TOLD,
    id=2,
    place="email",
    state="due",
    attempts=3,
    sent_at=None,
    next_at=NOON + MINUTE,
    error="refused: 550 no such user",
    proof="",
)


def known(phase: Phase, value: float | None, **more: object) -> Known:
    state = State(phase, None if phase is Phase.OK else NOON - 2 * HOUR, value)
    judging = Judging(NOON, {"discrepant_skus": value})
    one = Known("Differs", NOON, state, DIFFERS, PLACES, judging=judging)
    return replace(one, samples={"discrepant_skus": Sample(value)}, **more)  # type: ignore[arg-type]


def firing(**more: object) -> Known:
    return known(Phase.FIRING, 7, incident=OPEN, messages=(TOLD,), **more)


def decided(place: str, why: Why, detail: str = "", kind: Kind | None = None) -> Decided:
    return Decided(OPEN.opened_at, 7, place, kind, why, detail)


def told_of(place: str, explained: Explanation) -> str:
    (line,) = [line for line in explained.told if line.startswith(f"{place}: ")]
    return line.removeprefix(f"{place}: ")


# --- how it stands ---
def test_a_firing_alert_says_since_when() -> None:
    assert list(explain(firing()).standing) == [
        "It fires since 2026-11-24 10:30 UTC, for 1h 30m.",
        "Its condition has held since 2026-11-24 10:00 UTC.",
    ]


def test_one_that_goes_on_firing_after_its_condition_says_until_when() -> None:
    one = firing()
    kept = replace(one, state=replace(one.state, quiet_since=NOON - 5 * MINUTE))
    assert explain(kept).standing[-1] == (
        "Its condition ended at 2026-11-24 11:55 UTC; it goes on firing until 2026-11-24 12:15 UTC "
        "(`keep_firing_for: 20m`)."
    )


def test_one_that_fires_for_want_of_a_number_says_so() -> None:
    one = firing()
    assert explain(replace(one, state=replace(one.state, nodata=True))).standing[-1] == (
        "What holds is that there is no number, as `no_data: nodata` says."
    )


def test_a_pending_alert_says_when_it_fires() -> None:
    one = known(Phase.PENDING, 7)
    waiting = replace(one, state=replace(one.state, since=NOON - 10 * MINUTE))
    assert list(explain(waiting).standing) == [
        "It does not fire yet. Its condition has held since 2026-11-24 11:50 UTC, for 10m.",
        "It fires at 2026-11-24 12:20 UTC if it holds until then (`for: 30m`).",
    ]


def test_a_pending_alert_that_counts_judgings_says_how_many_it_lacks() -> None:
    results = tuple(Result(NOON - n * MINUTE, held) for n, held in ((2, True), (1, False), (0, True)))
    one = replace(known(Phase.PENDING, 7), rule=FAILS, state=State(Phase.PENDING, NOON - 2 * MINUTE, results=results))
    assert explain(one).standing[1] == "It fires once 3 of the last 5 judgings found it true; so far 2 did."


def test_a_quiet_alert_says_why_and_when_it_fired_last() -> None:
    ended = replace(OPEN, resolved_at=NOON - HOUR)
    assert list(explain(known(Phase.OK, 2, incident=ended)).standing) == [
        "It does not fire: its condition does not hold.",
        "It fired last from 2026-11-24 10:30 UTC to 2026-11-24 11:00 UTC, for 30m.",
    ]


def test_one_that_never_fired_says_so() -> None:
    assert explain(known(Phase.OK, 2)).standing[-1] == "Nothing is on record of it having fired before."


def test_without_a_number_it_says_that_its_state_is_kept() -> None:
    assert explain(known(Phase.OK, None)).standing[0] == (
        "It does not fire: the numbers that there are do not tell whether its condition holds, and its state is kept."
    )


def test_before_the_first_judging_it_says_so() -> None:
    unjudged = replace(known(Phase.OK, None), judging=None, samples=None)
    assert explain(unjudged).standing[0] == "It does not fire: the rules were not judged yet."


def test_one_that_was_removed_from_the_file_is_told_all_the_same() -> None:
    gone = replace(known(Phase.OK, 2, incident=replace(OPEN, resolved_at=NOON)), rule=None)
    assert explain(gone).standing[-1] == "It does not stand in alerts.yaml."


def test_a_condition_that_was_another_then_is_named() -> None:
    change = Change(NOON - HOUR, Phase.OK, Phase.FIRING, Reason.FIRED, 12, "", "discrepant_skus > 10")
    assert explain(firing(changes=(change,))).standing[-1] == (
        "When it last changed, its condition was: discrepant_skus > 10"
    )


# --- its numbers ---
def test_a_comparison_tells_its_number_its_limit_and_the_limit_of_recovery() -> None:
    (quiet,) = explain(known(Phase.OK, 4)).compared
    (burning,) = explain(replace(firing(), samples={"discrepant_skus": Sample(4)})).compared
    assert (quiet.value, quiet.bound, quiet.holds) == ("4", "> 5, until not > 3", False)
    assert burning.holds is True, "while it fires, its limit is that of recovery"


def test_a_rate_of_too_few_events_cannot_be_told() -> None:
    one = replace(known(Phase.OK, 3), rule=FAILS)
    rate, skus = explain(replace(one, samples={"error_rate": Sample(0.5, 2), "discrepant_skus": Sample(3)})).compared
    assert (rate.value, rate.holds, rate.note) == ("50%", None, "of 2 events, too few to tell (min_events: 5)")
    assert (skus.value, skus.holds) == ("3", True)


# --- who was told ---
@pytest.mark.parametrize(
    ("why", "detail", "words"),
    [
        (Why.NOT_YET, "", "reminded next at 2026-11-24 14:30 UTC"),
        (Why.ACKNOWLEDGED, "", "no reminders, since bert acknowledged it"),
        (
            Why.SILENCED,
            "silence 3 of anna: stock-take",
            "nothing more is told since 2026-11-24 10:30 UTC: hidden by silence 3 of anna: stock-take",
        ),
    ],
)
def test_a_place_that_was_told_says_why_it_is_told_no_more(why: Why, detail: str, words: str) -> None:
    one = firing(decided=(decided("slack", why, detail),))
    one = replace(one, incident=replace(OPEN, acknowledged_by="bert", acknowledged_at=NOON))
    told = "told that it fires at 2026-11-24 10:30:02 UTC (proof C1 17.1)"
    assert told_of("slack", explain(one)) == f"{told}; {words}."


@pytest.mark.parametrize(
    ("why", "detail", "words"),
    [
        (Why.STEP_NOT_YET, "", "told at 2026-11-24 10:45 UTC, unless somebody acknowledges it by then."),
        (Why.ACKNOWLEDGED, "", "not told, since bert acknowledged it before its turn came."),
        (
            Why.OUTSIDE_HOURS,
            "shop",
            "not told since 2026-11-24 10:30 UTC: it is told within the business hours 'shop' only.",
        ),
        (
            Why.DEPENDS_ON,
            "Down",
            "not told since 2026-11-24 10:30 UTC: it may follow from Down, which fires or is about to.",
        ),
        (
            Why.MAINTENANCE,
            "move",
            f"not told since {SINCE}: hidden by the maintenance window 'move'; the digest at its end tells of it.",
        ),
        (
            Why.DAMPED,
            "6 times",
            "not told since 2026-11-24 10:30 UTC: it flaps, and has not lasted yet (6 times).",
        ),
    ],
)
def test_a_place_that_was_not_told_says_why(why: Why, detail: str, words: str) -> None:
    one = firing(decided=(decided("email", why, detail),))
    one = replace(one, incident=replace(OPEN, acknowledged_by="bert", acknowledged_at=NOON))
    assert told_of("email", explain(one)) == words


def test_a_message_that_has_not_arrived_says_why_and_when_it_is_tried_again() -> None:
    assert told_of("email", explain(replace(firing(), messages=(TOLD, STUCK)))) == (
        "the message that it fires, of 2026-11-24 10:30:00 UTC, has not arrived after 3 attempts "
        "(refused: 550 no such user), tried again at 2026-11-24 12:01:00 UTC."
    )


def test_a_message_that_was_given_up_says_so() -> None:
    dead = replace(STUCK, state="dead")
    assert told_of("email", explain(replace(firing(), messages=(TOLD, dead)))) == (
        "the message that it fires, of 2026-11-24 10:30:00 UTC, was given up after 3 attempts: "
        "refused: 550 no such user."
    )


def test_reminders_are_counted_and_a_repeat_is_marked() -> None:
    reminder = replace(TOLD, kind=Kind.REMINDER, sent_at=NOON)
    again = replace(reminder, repeated=True)
    assert told_of("slack", explain(replace(firing(), messages=(TOLD, reminder, again)))) == (
        "told that it fires at 2026-11-24 10:30:02 UTC (proof C1 17.1), reminded 2 times, last at "
        "2026-11-24 12:00:00 UTC (proof C1 17.1, perhaps twice)."
    )


@pytest.mark.parametrize(
    ("arrival", "said"),
    [
        (Arrival.OPEN, "proof SM1; whether it arrived is being asked for"),
        (Arrival.PROVED, "proof SM1, arrived"),
        (Arrival.UNKNOWN, "proof SM1; whether it arrived was never told"),
    ],
)
def test_a_text_says_whether_it_arrived(arrival: Arrival, said: str) -> None:
    text = replace(TOLD, place="sms +1", proof="SM1", arrival=arrival)
    explained = explain(replace(firing(), messages=(text,)))
    assert told_of("sms +1", explained) == f"told that it fires at 2026-11-24 10:30:02 UTC ({said})."


def test_a_text_that_was_lost_says_why() -> None:
    lost = replace(TOLD, place="sms +1", state="dead", proof="SM1", arrival=Arrival.LOST)
    lost = replace(lost, error="lost: undelivered, code 30003: Unreachable destination handset")
    decision = decided("sms +1", Why.LOST, "undelivered, code 30003: Unreachable destination handset")
    explained = explain(replace(firing(), messages=(lost,), decided=(decision,)))
    assert told_of("sms +1", explained) == (
        "the message that it fires, taken at 2026-11-24 10:30:02 UTC (proof SM1), did not arrive: "
        "undelivered, code 30003: Unreachable destination handset."
    )


def test_a_channel_without_credentials_says_that_it_cannot_be_told() -> None:
    one = firing(unreachable={"email": "its credentials are not set"})
    assert told_of("email", explain(one)) == "it cannot be told: its credentials are not set."


def test_a_quiet_alert_says_whom_it_would_reach_and_what_would_hide_it() -> None:
    hidden = Hidden(Why.SILENCED, "silence 3 of anna: stock-take")
    assert list(explain(known(Phase.OK, 2, hidden=hidden, hidden_until=NOON + HOUR)).told) == [
        "Should it fire: slack at once, then email after 15m unless somebody acknowledges it.",
        "At this time it would not be told, until 2026-11-24 13:00 UTC: hidden by silence 3 of anna: stock-take.",
    ]


def test_one_that_nobody_would_be_told_of_says_so() -> None:
    assert list(explain(replace(known(Phase.OK, 2), places=())).told) == [
        "Should it fire, nobody is told: no route leads to a channel that is set up."
    ]


# --- the past ---
def test_where_a_rule_stood_is_told_by_its_changes() -> None:
    begun = Change(NOON, Phase.OK, Phase.PENDING, Reason.BEGAN, 6, "", "")
    fired = Change(NOON + HOUR, Phase.PENDING, Phase.FIRING, Reason.FIRED, 7, "", "")
    ended = Change(NOON + 2 * HOUR, Phase.FIRING, Phase.OK, Reason.RESOLVED, 2, "", "")
    stands = [state_at((begun, fired, ended), NOON + n * HOUR) for n in (-1, 0, 1, 2)]
    assert [(each.phase, each.since, each.value) for each in stands] == [
        (Phase.OK, None, None),
        (Phase.PENDING, NOON, 6),
        (Phase.FIRING, NOON, 7),
        (Phase.OK, None, 2),
    ]


def test_of_an_incident_nothing_is_known_that_came_later() -> None:
    whole = replace(OPEN, resolved_at=NOON, acknowledged_at=NOON - MINUTE, acknowledged_by="bert")
    assert as_of(whole, NOON - HOUR) == OPEN
    assert as_of(whole, NOON) == whole
    assert as_of(None, NOON) is None


def test_a_message_that_was_delivered_later_was_waiting() -> None:
    late = replace(TOLD, kind=Kind.SUMMARY, sent_at=NOON)
    then = message_as_of(late, NOON - HOUR, ended=False)
    assert (then.kind, then.state, then.sent_at, then.proof) == (Kind.FIRING, "due", None, "")
    assert message_as_of(late, NOON, ended=True) is late


# --- tables ---
@pytest.mark.parametrize(
    ("signal", "value", "number"),
    [("error_rate", 0.282569, "28.3%"), ("discrepant_skus", 4, "4"), ("", 0.282569, "0.282569")],
    ids=["a share", "a count", "an old record of two units"],
)
def test_a_change_has_its_number_in_its_signals_unit(signal: str, value: float, number: str) -> None:
    change = Change(NOON, Phase.OK, Phase.PENDING, Reason.BEGAN, value, "", "", signal)
    ((_, _, shown, _),) = changes(Known("Fails", NOON, State(), FAILS, changes=(change,)))
    assert shown == number


def test_changes_and_decisions_are_rows_in_words() -> None:
    change = Change(NOON, Phase.OK, Phase.FIRING, Reason.FIRED, 7, "", "discrepant_skus > 5")
    one = firing(changes=(change,), decided=(decided("slack", Why.FIRST, kind=Kind.FIRING),))
    assert changes(one) == [
        ("2026-11-24 12:00:00 UTC", "ok -> firing", "7", "the condition held for long enough"),
    ]
    assert verdicts(one) == [("2026-11-24 10:30:00 UTC", "slack", "firing", "the channel has not been told yet")]
