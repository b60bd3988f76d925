"""Every transition reaches every channel, whatever the services and the process do meanwhile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from tests.monitor.storm import PHONES, Arrivals, Storm
from tests.simulation.alert_checks import Arrived
from tests.simulation.loop import VirtualLoop

BEGINNINGS, ENDS = ("firing", "summary"), ("resolved", "summary")
PLACES = ("slack", "email", *(f"sms {phone}" for phone in PHONES))


def raged(folder: Path, count: int, seed: int, seconds: float) -> Storm:
    loop = VirtualLoop()
    try:
        storm = Storm(loop, folder, count, seed, seconds)
        loop.run_until_complete(storm.run())
        loop.run_until_complete(storm.read(storm.clock.now()))
    finally:
        loop.close()
    return storm


def accusations(storm: Arrivals) -> list[str]:
    """Return what went wrong, in sentences."""
    told, found = storm.told(), []
    for alert in storm.incidents.values():
        for place in PLACES:
            kinds = [one.kind for one in told.get((place, alert), [])]
            if "BUDGET" in storm.suppressed[place, alert] and place.startswith("sms"):
                continue
            if not set(kinds) & set(BEGINNINGS):
                found.append(f"{place} never heard of the beginning of {alert}: {kinds}")
            elif not set(kinds) & set(ENDS):
                found.append(f"{place} never heard of the end of {alert}: {kinds}")
            elif min(map(kinds.index, set(kinds) & set(ENDS))) < min(map(kinds.index, set(kinds) & set(BEGINNINGS))):
                found.append(f"{place} heard of the end of {alert} first: {kinds}")
    return found + [
        f"{place} got {identity} of {alert} {unmarked} times without a mark"
        for (place, identity, alert), unmarked in _unmarked(told.values()).items()
        if unmarked > 1
    ]


def _unmarked(told: Iterable[Sequence[Arrived]]) -> Counter[tuple[str, str, str]]:
    ones = [one for arrivals in told for one in arrivals]
    return Counter((one.channel, one.identity, one.incident) for one in ones if not one.marked)


def repeats(storm: Arrivals, channel: str) -> int:
    """Return how many messages came again to a channel."""
    ones: list[Arrived] = [one for arrivals in storm.told().values() for one in arrivals]
    copies = Counter((one.channel, one.identity, one.incident) for one in ones if one.channel.startswith(channel))
    messages: dict[tuple[str, str], int] = {}
    for (place, identity, _), count in copies.items():
        messages[place, identity] = max(messages.get((place, identity), 0), count)
    return sum(count - 1 for count in messages.values())


def check(storm: Arrivals, count: int, *, in_doubt: Counter[str], lives: int) -> None:
    assert len(storm.incidents) >= count
    assert storm.over == set(storm.incidents.values())
    assert accusations(storm) == []
    for channel in ("slack", "email", "sms"):
        assert repeats(storm, channel) <= in_doubt[channel] + lives


@pytest.mark.parametrize("seed", [1, 2])
def test_a_short_storm_loses_nothing_and_doubles_nothing_without_a_mark(tmp_path: Path, seed: int) -> None:
    storm = raged(tmp_path, count=12, seed=seed, seconds=40)

    check(storm, 12, in_doubt=storm.in_doubt, lives=storm.lives)
    assert storm.lives > 12


@pytest.mark.slow
def test_a_hundred_alerts_in_two_minutes_while_everything_fails(tmp_path: Path) -> None:
    storm = raged(tmp_path, count=100, seed=0, seconds=120)

    check(storm, 100, in_doubt=storm.in_doubt, lives=storm.lives)
    assert storm.lives > 40
