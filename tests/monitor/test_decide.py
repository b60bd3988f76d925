"""What a channel is told, and why it is told nothing, one row each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from monitor.decide import Last, Progress, Why, firing, resolved
from monitor.notice import Kind

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
REPEAT = timedelta(hours=4)
DELIVERED, WAITING = Progress.DELIVERED, Progress.WAITING
UNDER_WAY, GIVEN_UP = Progress.UNDER_WAY, Progress.GIVEN_UP


def last(kind: Kind, progress: Progress, hours: float = 1) -> Last:
    return Last(kind, NOW - timedelta(hours=hours), progress)


@pytest.mark.parametrize(
    ("before", "kind", "why"),
    [
        pytest.param(None, Kind.FIRING, Why.FIRST, id="nothing was told"),
        pytest.param(last(Kind.FIRING, DELIVERED, 3.99), None, Why.NOT_YET, id="told a while ago"),
        pytest.param(last(Kind.FIRING, DELIVERED, 4), Kind.REMINDER, Why.REPEAT, id="told four hours ago"),
        pytest.param(last(Kind.REMINDER, DELIVERED, 4), Kind.REMINDER, Why.REPEAT, id="reminded four hours ago"),
        pytest.param(last(Kind.FIRING, WAITING, 99), None, Why.WAITING, id="the first is not out yet"),
        pytest.param(last(Kind.REMINDER, UNDER_WAY, 99), None, Why.WAITING, id="a reminder is on its way"),
        pytest.param(last(Kind.REMINDER, GIVEN_UP, 5), Kind.REMINDER, Why.REPEAT, id="a reminder was given up"),
    ],
)
def test_a_firing_alert_is_told_and_repeated(before: Last | None, kind: Kind | None, why: Why) -> None:
    verdict = firing(before, REPEAT, NOW)

    assert (verdict.kind, verdict.why, verdict.instead) == (kind, why, False)


def test_a_channel_off_the_route_is_not_told() -> None:
    assert firing(None, REPEAT, NOW, routed=False).why is Why.ROUTED_ELSEWHERE


@pytest.mark.parametrize(
    ("before", "kind", "why", "instead"),
    [
        pytest.param(None, None, Why.NEVER_TOLD, False, id="never told"),
        pytest.param(last(Kind.FIRING, DELIVERED), Kind.RESOLVED, Why.ENDED, False, id="the beginning was told"),
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
