"""Hoarders meet the shop's caps and buckets: honest shoppers hardly notice, and somebody is told.

Twenty clients ask for 50 reservations a second, over all SKUs, each with a new cart, against the limits as shipped;
honest carts come from addresses of their own, as a shop's visitors do. A minute of it, on virtual time.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from monitor import signals
from monitor.alerts_file import load_alerts
from monitor.conditions import signals_in
from monitor.rules import Phase, State, evaluate
from monitor.vitals import VitalsWatch
from sync.events import Events, HoldMet
from sync.reservations import Asked, AskLimits, Granted, HoldLimits, Refusal
from sync.storage.holds import SqlHolds
from sync.storefront.limits import Buckets
from tests.monitor.test_signals import FACTS
from tests.sync.storage.build import open_inline, stocked
from tests.sync.storage.test_shelf import SetClock

pytestmark = pytest.mark.anyio

SKUS, HOARDERS, A_SECOND, SECONDS = 200, 20, 50, 60
RULES = load_alerts(Path(__file__).resolve().parents[2] / "alerts.yaml").rules()
(HOARDED,) = (rule for rule in RULES if rule.name == "ReservationsHoarded")


class Street:
    """Everybody who asks for reservations, one tenth of a second after the other."""

    def __init__(self, holds: SqlHolds, clock: SetClock, tell: Events) -> None:
        limits = AskLimits()
        self._buckets = Buckets(limits.client, limits.everybody)
        self._holds = holds
        self._clock = clock
        self._tell = tell
        self._rng = Random(7)
        self._asked = 0
        self.honest = Counter[str]()

    async def tenth_of_a_second(self, *, hoarded: bool) -> None:
        wishes: list[Coroutine[Any, Any, object]] = [self._honest()]
        if hoarded:
            wishes += [self._ask(f"203.0.113.{n}") for n in range(HOARDERS) for _ in range(A_SECOND // 10)]
        self._rng.shuffle(wishes)
        await asyncio.gather(*wishes)
        self._clock.at += timedelta(seconds=0.1)

    async def _honest(self) -> None:
        self.honest[await self._ask(f"198.51.100.{self._asked}", self._rng.choice((1, 1, 2)))] += 1

    async def _ask(self, client: str, units: int = 5) -> str:
        """Ask as the door does: first the buckets, then for the units."""
        self._asked += 1
        if self._buckets.take(client, self._clock.monotonic()) > 0:
            self._tell(HoldMet(Refusal.THROTTLED))
            return Refusal.THROTTLED.value
        item = str(1 + self._rng.randrange(SKUS))
        answer = await self._holds.reserve(Asked(item, None, units, client, self._clock.at, cart=f"cart-{self._asked}"))
        return "granted" if isinstance(answer, Granted) else answer.reason.value


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


async def lived(tmp_path: Path, clock: SetClock, *, hoarded: bool) -> tuple[Counter[str], State]:
    """Let a minute pass; return what honest carts were answered, and what the shipped alert says then."""
    database = open_inline(tmp_path)
    await stocked(database, dict.fromkeys(range(1, SKUS + 1), 8))
    vitals = VitalsWatch(clock, lambda: None)
    tell = Events(vitals)
    holds = SqlHolds(database, limits=HoldLimits(), tell=tell)
    street = Street(holds, clock, tell)
    for _ in range(10 * SECONDS):
        await street.tenth_of_a_second(hoarded=hoarded)
    facts = replace(FACTS, now=clock.at, vitals=vitals.taken(), holds=await holds.standing(clock.at))
    samples = {name: signals.sample(name, HOARDED.over, facts) for name in signals_in(HOARDED.condition)}
    state = evaluate(HOARDED, samples, State(), clock.at, {}).after
    await database.close()
    return street.honest, state


async def test_of_honest_carts_nearly_all_get_what_they_want_while_hoarders_are_held_off(
    tmp_path: Path, clock: SetClock
) -> None:
    honest, state = await lived(tmp_path, clock, hoarded=True)
    assert honest.total() == 10 * SECONDS
    assert honest["granted"] >= 0.95 * honest.total(), honest
    assert state.phase is Phase.FIRING


async def test_nobody_is_told_of_a_busy_minute_without_hoarders(tmp_path: Path, clock: SetClock) -> None:
    honest, state = await lived(tmp_path, clock, hoarded=False)
    assert honest["granted"] >= 0.95 * honest.total(), honest
    assert state.phase is Phase.OK
