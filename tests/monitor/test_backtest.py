"""A replay of recorded history tells what the daemon told, or what it would have told by another file."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.alerts_file import parse
from monitor.backtest import Figures, Recorded, backtest
from monitor.store.story import Judging
from sync.records import ApiMinute
from tests.monitor.support import START, World

MINUTE = timedelta(minutes=1)
WEEK = 7 * 24 * 60  # minutes
ONE = """
repeat_interval: 60m
alerts:
  - name: Differs
    when: discrepant_skus > 5
    severity: critical
routes:
  - severity: critical
    to: [slack, sms]
channels:
  slack: {channel: "#alerts"}
  email: {to: [ops@wtfswag.com]}
  sms: {to: ["+15551234567", "+15557654321"]}
"""


def past(*values: float | None, calls: tuple[ApiMinute, ...] = ()) -> Recorded:
    """Return a judging a minute, of a week at least: after these values of one signal it is 0."""
    padded = [*values, *[0.0] * (WEEK + 1 - len(values))]
    return Recorded([Judging(START + n * MINUTE, {"discrepant_skus": value}) for n, value in enumerate(padded)], calls)


def figures(past: Recorded, alerts: str = ONE) -> Figures:
    (only,) = backtest(parse(alerts.encode()), past)
    return only


def test_each_time_an_alert_fires_is_counted_with_its_length_and_its_messages() -> None:
    came = figures(past(*[6] * 3, *[0] * 100, *[6] * 10, *[0] * 100, *[6] * 90))
    assert (came.fired, came.median, came.longest, came.flaps, came.untold) == (3, 600, 5400, 0, 0)
    assert came.messages == {"slack": 7.0, "sms": 14.0}, "three beginnings, a reminder, three ends; two telephones"


def test_what_still_fires_at_the_end_is_counted_until_then() -> None:
    came = figures(Recorded(past(*[6] * 31).judgings[:31]))
    assert (came.fired, came.longest) == (1, 1800)


@pytest.mark.parametrize(
    ("change", "fired", "slack"),
    [
        pytest.param(("> 5\n", "> 7\n"), 0, 0.0, id="another limit"),
        pytest.param(("> 5\n", "> 5\n    for: 3m\n"), 1, 2.0, id="for"),
        pytest.param(("> 5\n", "> 5\n    keep_firing_for: 10m\n"), 1, 2.0, id="keep_firing_for"),
        pytest.param(("> 5\n", "> 5\n    evaluations: 3 of 5\n"), 1, 2.0, id="evaluations"),
        pytest.param(("> 5\n", "> 5\n    over: 5m\n    take: max\n"), 1, 2.0, id="take"),
    ],
)
def test_every_word_about_a_rule_counts(change: tuple[str, str], fired: int, slack: float) -> None:
    came = figures(past(6, 6, 0, 6, 6, 6, 6), ONE.replace(*change))
    assert (came.fired, came.messages.get("slack", 0.0)) == (fired, slack)


def test_another_limit_for_recovery_counts() -> None:
    assert figures(past(6, 3, 6)).fired == 2
    assert figures(past(6, 3, 6), ONE.replace("> 5\n", "> 5\n    clear: 2\n")).fired == 1


def test_what_hours_hide_is_told_when_they_open_or_not_at_all() -> None:
    hours = ONE.replace("    severity: critical\nroutes", "    severity: critical\n    business_hours: shop\nroutes")
    hours += 'business_hours:\n  shop: {zone: UTC, open: ["mon-sun 11:00-20:00"]}\n'
    short, long = figures(past(*[6] * 10), hours), figures(past(*[6] * 65), hours)
    assert (short.fired, short.untold, short.messages) == (1, 1, {}), "it was over before they opened"
    assert (long.fired, long.untold, long.messages["slack"]) == (1, 0, 2.0)


def test_what_comes_and_goes_is_damped() -> None:
    came = figures(past(*[6, 0] * 20))
    assert (came.fired, came.flaps, came.untold) == (20, 19, 15)
    assert came.messages["slack"] == 10.0


def test_an_escalation_that_nobody_stops_reaches_its_steps() -> None:
    steps = ONE.replace("to: [slack, sms]", "to: [slack]\n    escalate:\n      - {after: 15m, to: [email]}")
    assert figures(past(*[6] * 10), steps).messages == {"slack": 2.0}
    assert figures(past(*[6] * 20), steps).messages == {"email": 2.0, "slack": 2.0}


def test_closed_hours_count_neither_for_a_step_nor_for_flapping() -> None:
    hours = ONE.replace("    severity: critical\nroutes", "    severity: critical\n    business_hours: shop\nroutes")
    hours = hours.replace("to: [slack, sms]", "to: [slack]\n    escalate:\n      - {after: 15m, to: [email]}")
    hours += 'business_hours:\n  shop: {zone: UTC, open: ["mon-sun 10:00-10:05", "mon-sun 11:00-20:00"]}\n'
    early, late = figures(past(*[6] * 70), hours), figures(past(*[6] * 71), hours)
    assert ("email" in early.messages, "email" in late.messages) == (False, True), "5 minutes, an hour closed, 10 more"
    behind = [0] * 40 + [6, 0] * 15  # 15 beginnings, 10 of them before the opening
    assert figures(past(*behind), hours).messages == {"slack": 10.0}


def test_rates_are_made_of_the_minutes_over_the_rules_own_window() -> None:
    rate = ONE.replace("discrepant_skus > 5", "error_rate > 50%\n    over: 30m\n    min_events: 10")
    calls = tuple(ApiMinute(START + n * MINUTE, "shopify", 1, int(n < 20)) for n in range(60))
    came = figures(past(calls=calls), rate)
    assert (came.fired, came.longest) == (1, 25 * 60), "from the tenth call until half of the window is well"
    assert came.unknown > 0.9


def test_a_signal_of_which_nothing_was_recorded_is_told_as_unknown() -> None:
    came = figures(past(6, 6), ONE.replace("discrepant_skus > 5", "oversell_units > 5"))
    assert (came.fired, came.unknown) == (0, 1.0)


def test_without_a_past_there_are_no_figures() -> None:
    assert backtest(parse(ONE.encode()), Recorded([])) == []


@pytest.mark.anyio
@pytest.mark.parametrize("seed", range(2))
async def test_a_replay_tells_what_the_daemon_has_told(tmp_path: Path, seed: int) -> None:
    alerts = """
repeat_interval: 20m
alerts:
  - {name: Plain, when: discrepant_skus > 5, severity: warning}
  - {name: Waits, when: discrepant_skus > 3, for: 4m, severity: warning}
  - {name: Clears, when: discrepant_skus > 6, clear: 2, severity: critical, depends_on: [Waits]}
  - {name: Keeps, when: discrepant_skus > 7, keep_firing_for: 6m, severity: warning}
  - {name: Counts, when: discrepant_skus > 5, evaluations: 2 of 4, severity: critical}
routes:
  - {severity: warning, to: [slack, email]}
  - severity: critical
    to: [slack]
    escalate:
      - {after: 5m, to: [email]}
channels:
  slack: {channel: "#alerts"}
  email: {to: [ops@wtfswag.com]}
flapping: {count: 3, window: 30m, hold: 3m}
"""
    world, rng = World(tmp_path, alerts), random.Random(seed)
    for _ in range(120):
        world.history.differ(rng.choice([0, 0, 4, 6, 8, 9]))
        for _ in range(rng.randrange(1, 5)):
            await world.check(minutes=rng.choice([1, 2]))
            await world.deliver()
    incidents = await world.store.latest_incidents(1000)
    sent = Counter[tuple[str, str]]()
    for incident in incidents:
        sent.update((incident.alert, message.place) for message in await world.store.messages(incident.id))
    judgings = await world.store.judgings(START, {"discrepant_skus"})
    came = backtest(parse(alerts.encode()), Recorded(judgings))
    fired = Counter(incident.alert for incident in incidents)
    assert min(fired[each.alert] for each in came) > 1, "each rule had something to do"
    assert {each.alert: each.fired for each in came} == dict(fired)
    told = {(each.alert, name): count for each in came for name, count in each.messages.items()}
    assert told == dict(sent), "some hours are too short for figures of a week"
