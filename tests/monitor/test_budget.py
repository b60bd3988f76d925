"""When the next message may go."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from monitor.budget import Budget, Share

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
BUDGET = Budget((Share(1, timedelta(minutes=1)), Share(3, timedelta(minutes=15))), timedelta(minutes=10))


@pytest.mark.parametrize(
    ("minutes_ago", "wait"),
    [
        pytest.param([], 0, id="nothing was sent"),
        pytest.param([1], 0, id="a minute has passed"),
        pytest.param([0.5], 0.5, id="half a minute has passed"),
        pytest.param([2, 5], 0, id="two in the quarter"),
        pytest.param([2, 5, 9], 6, id="three in the quarter: until the first is 15 minutes old"),
        pytest.param([2, 5, 9, 14], 6, id="one more than allowed: the same"),
        pytest.param([0.5, 14.75, 14.9], 0.5, id="the share that frees last counts"),
    ],
)
def test_the_next_message_waits_until_every_share_has_room(minutes_ago: list[float], wait: float) -> None:
    sent = [NOW - timedelta(minutes=minutes) for minutes in minutes_ago]

    assert BUDGET.free_at(sent, NOW) == NOW + timedelta(minutes=wait)
