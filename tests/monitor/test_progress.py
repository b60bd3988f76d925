"""What people are shown while a pass goes on: how far it has come, what it has used, how long it will take."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from monitor.cli.progress_bar import shown, spent
from monitor.progress import Moved, Progress, Watch
from sync.events import ApiAttempt, Event, PassMoved, QuotaSeen, RunStarted, Step
from sync.pacing import Bucket
from tests.sync.shop import START

STARTED = RunStarted(7, "full", START)


class Watched:
    """A watch on a clock that is set by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.heard: list[Progress] = []
        self.watch = Watch(lambda: self.seconds, self.heard.append)

    def happens(self, *events: Event, after: float = 0.0) -> Progress:
        self.seconds += after
        for event in events:
            self.watch(event)
        return self.heard[-1]


def test_steps_calls_and_quota_are_followed() -> None:
    watched = Watched()
    now = watched.happens(
        STARTED,
        PassMoved(7, Step.ITEMS, 100, 300),
        PassMoved(7, Step.EXPORT, 0, 300),
        ApiAttempt("lightspeed", "Item.all", 0.1),
        ApiAttempt("lightspeed", "Item.all", 0.1, "LS001"),
        QuotaSeen("lightspeed", 0.25, Bucket(90, 1.0)),
    )
    assert now.steps == (Moved(Step.ITEMS, 100, 300), Moved(Step.EXPORT, 0, 300))
    assert (now.calls, now.quota) == ({"lightspeed": 2}, {"lightspeed": 0.25})


@pytest.mark.parametrize(
    ("used", "done", "seconds", "left"),
    [
        pytest.param(0.0, 1_000, 10.0, 90.0, id="by its pace, while the quota is free"),
        pytest.param(1.0, 1_000, 10.0, 126.0, id="by the quota, once it is used up"),
        pytest.param(0.0, 1_000, 1.0, 36.0, id="by the quota, at the beginning"),
    ],
)
def test_the_time_left_follows_from_the_pace_and_the_quota(used: float, done: int, seconds: float, left: float) -> None:
    watched = Watched()
    watched.happens(STARTED, QuotaSeen("lightspeed", used, Bucket(90, 1.0)), PassMoved(7, Step.ITEMS, 0, 10_000))
    now = watched.happens(PassMoved(7, Step.ITEMS, done, 10_000), after=seconds)
    assert now.seconds_left == pytest.approx(left)


def test_nothing_is_said_of_the_time_that_nobody_knows() -> None:
    watched = Watched()
    assert watched.happens(STARTED, PassMoved(7, Step.ITEMS, 100)).seconds_left is None
    assert watched.happens(PassMoved(7, Step.ITEMS, 300, 300), after=5.0).seconds_left is None


def test_another_pass_begins_with_its_own_steps() -> None:
    watched = Watched()
    watched.happens(STARTED, PassMoved(7, Step.WRITE, 250, 500))
    assert watched.happens(PassMoved(8, Step.ORDERS)).steps == (Moved(Step.ORDERS),)


def test_the_run_of_another_job_beside_a_pass_leaves_its_steps() -> None:
    watched = Watched()
    watched.happens(STARTED, PassMoved(7, Step.ITEMS, 100, 300))
    watched.happens(RunStarted(8, "rules", START), RunStarted(9, "backup", START))
    assert watched.watch.progress().steps == (Moved(Step.ITEMS, 100, 300),)


FAR = Progress((Moved(Step.ITEMS, 500, 1_000), Moved(Step.ORDERS)), {"lightspeed": 5}, {"lightspeed": 0.41}, 95.0)


def test_a_terminal_shows_bars_with_calls_quota_and_time_left() -> None:
    terminal = Console(file=io.StringIO(), force_terminal=True, width=80, color_system=None)
    with shown("Reading both shops whole", terminal) as told:
        told(FAR)
    assert isinstance(terminal.file, io.StringIO)
    drawn = terminal.file.getvalue()
    assert "Reading both shops whole …" in drawn
    assert "reading Lightspeed's items" in drawn
    assert "500 of 1000" in drawn
    assert "Lightspeed: 5 calls, 41% of its quota; about 1m 35s left" in drawn


def test_elsewhere_nothing_is_shown() -> None:
    pipe = Console(file=io.StringIO(), force_terminal=False)
    with shown("Reading both shops whole", pipe) as told:
        told(FAR)
    assert isinstance(pipe.file, io.StringIO)
    assert pipe.file.getvalue() == ""


def test_what_is_not_known_is_left_out() -> None:
    assert spent(Progress(calls={"shopify": 1})) == "Shopify: 1 call"
