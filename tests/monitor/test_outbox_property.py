"""Under any interleaving of outages, crashes and changed files the outbox loses nothing and invents nothing."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from monitor.channels.base import Ambiguous, ChannelRefused, Malformed, Throttled, Unreachable
from monitor.notice import Kind
from sync.storage.database import Database
from tests.fakes.channel import FakeChannel, Killed, Lost
from tests.monitor.support import World

T = TypeVar("T")

FILE = """
repeat_interval: 1h
alerts:
  - name: A1
    when: discrepant_skus > 1
    severity: critical
    summary: "SUMMARY"
  - name: A2
    when: discrepant_skus > 2
    severity: critical
  - name: A3
    when: discrepant_skus > 3
    severity: critical
flapping: {count: 1000}
routes:
  - severity: critical
    to: [slack, email, sms]
"""
VARIANTS = (FILE, FILE.replace("SUMMARY", "other words"), FILE.replace("repeat_interval: 1h", "repeat_interval: 2h"))
BEGINNINGS, ENDS = (Kind.FIRING, Kind.SUMMARY), (Kind.RESOLVED, Kind.SUMMARY)


class FragileDatabase:
    """The product's database; the process ends before or after the commit that `countdown` counts down to."""

    def __init__(self, inner: Database) -> None:
        self._inner = inner
        self.countdown: int | None = None
        self.committed = False

    async def write(self, fn: Callable[[Any], T]) -> T:
        last = self.countdown == 0
        if self.countdown is not None:
            self.countdown -= 1
        if last and not self.committed:
            raise Killed(arrived=False)
        value = await self._inner.write(fn)
        if last:
            raise Killed(arrived=True)
        return value

    async def read(self, fn: Callable[[Any], T]) -> T:
        return await self._inner.read(fn)


@dataclass(frozen=True)
class Step:
    """What happens next; `number` refines it."""

    what: str
    number: int = 0
    channel: str = "slack"


TROUBLES = (
    lambda: Ambiguous("reset"),
    lambda: Lost("reset"),
    lambda: Unreachable("refused"),
    lambda: Throttled("429", retry_after=30.0),
    lambda: ChannelRefused("not_in_channel"),
    lambda: Malformed("invalid_blocks"),
    lambda: Killed(arrived=False),
    lambda: Killed(arrived=True),
)
steps = st.lists(
    st.one_of(
        st.builds(Step, st.just("level"), st.integers(0, 4)),
        st.builds(Step, st.just("deliver"), st.integers(0, 900)),
        st.builds(
            Step,
            st.just("trouble"),
            st.integers(0, len(TROUBLES) - 1),
            st.sampled_from(("slack", "email", "sms")),
        ),
        st.builds(Step, st.just("crash"), st.integers(0, 9)),
        st.builds(Step, st.just("restart")),
        st.builds(Step, st.just("reload"), st.integers(0, len(VARIANTS) - 1)),
    ),
    max_size=25,
)


class Play:
    """Plays steps; whatever kills the process, another is started where it stood."""

    def __init__(self, folder: Path) -> None:
        self.channels = {"slack": FakeChannel(), "email": FakeChannel(most=2), "sms": FakeChannel("+1", "+2", most=1)}
        self.world = World(folder, FILE, channels=self.channels)
        self.kills = 0
        self.doubts = 0
        self._arm(None)

    def _arm(self, countdown: int | None, *, committed: bool = False) -> None:
        fragile = FragileDatabase(self.world.database)
        fragile.countdown, fragile.committed = countdown, committed
        self.world.store._database = cast("Database", fragile)

    async def play(self, steps: list[Step]) -> None:
        for step in steps:
            await self._surviving(self._step(step))
        for channel in self.channels.values():
            channel.troubles.clear()
        self._arm(None)
        self.world.history.differ(0)
        for _ in range(4):
            await self._surviving(self.world.check(minutes=20))
            await self._surviving(self.world.deliver())

    async def _surviving(self, work: Any) -> None:
        try:
            await work
        except Killed:
            self.kills += 1
            await self.world.restart()
            self._arm(None)

    async def _step(self, step: Step) -> None:
        world = self.world
        match step.what:
            case "level":
                world.history.differ(step.number)
                await world.check(seconds=1)
            case "deliver":
                await world.deliver(seconds=step.number)
            case "trouble":
                trouble = TROUBLES[step.number]()
                self.doubts += isinstance(trouble, Ambiguous)
                self.channels[step.channel].troubles.append(trouble)
            case "crash":
                self._arm(step.number // 2, committed=bool(step.number % 2))
            case "restart":
                await world.restart()
                self._arm(None)
            case "reload":
                await world.restart(VARIANTS[step.number])
                self._arm(None)


def told(channel: FakeChannel, recipient: str, incident: str) -> list[tuple[Kind, bool]]:
    """Return what a recipient was told of an incident, and whether marked as a possible repeat."""
    return [
        (notice.kind, sent.parcel.repeat)
        for sent in channel.sent
        if sent.parcel.recipient == recipient
        for notice in sent.parcel.notices
        if notice.incident == incident
    ]


async def played(folder: Path, steps: list[Step]) -> None:
    play = Play(folder)
    await play.play(steps)
    world = play.world
    incidents = {str(incident.id) for incident in await world.store.latest_incidents(1_000)}
    backlog = await world.store.backlog()
    await world.database.close()

    assert (backlog.depth, backlog.dead) == (0, 0)
    repeats = 0
    for channel in play.channels.values():
        invented = {notice.incident for sent in channel.sent for notice in sent.parcel.notices} - incidents
        assert invented == set()
        for recipient in channel.recipients:
            for incident in incidents:
                heard = told(channel, recipient, incident)
                kinds = [kind for kind, _ in heard]
                assert set(kinds) & set(BEGINNINGS), (channel, incident, heard)
                assert kinds[-1] in ENDS, (channel, incident, heard)
                assert kinds[0] in BEGINNINGS, (channel, incident, heard)
                assert sum(kind in BEGINNINGS and not marked for kind, marked in heard) <= 1, heard
                assert sum(kind in ENDS and not marked for kind, marked in heard) <= 1, heard
        identities = Counter((sent.parcel.recipient, sent.parcel.identity) for sent in channel.sent)
        repeats += sum(count - 1 for count in identities.values())
    assert repeats <= play.doubts + play.kills


@settings(max_examples=20, deadline=None)
@given(steps)
@example([Step("trouble", 1), Step("level", 2), Step("deliver"), Step("level", 0), Step("deliver")])  # lost, then over
def test_whatever_happens_nothing_is_lost_and_nothing_invented(steps: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(played(Path(folder), steps))


@pytest.mark.slow
@settings(max_examples=400, deadline=None)
@given(steps)
def test_whatever_happens_at_length_nothing_is_lost_and_nothing_invented(steps: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(played(Path(folder), steps))
