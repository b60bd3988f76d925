"""alerts.yaml is taken when it changes, whole and right, or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pytest

from monitor.alerts_file import load_alerts
from monitor.alerts_model import AlertsFile
from monitor.asked import FileStand
from monitor.reload import FileWatch, Reload, needs_restart
from sync.errors import Code, Transient
from tests.monitor.support import HandClock

pytestmark = pytest.mark.anyio

GOOD = """
alerts:
  - {name: A, when: discrepant_skus > 5, severity: warning}
routes:
  - {severity: warning, to: slack}
"""
BETTER = GOOD.replace("> 5", "> 7")
BAD = GOOD.replace("discrepant_skus", "discrepant_sku")


class Readings:
    """What was taken, and how each reading was counted."""

    def __init__(self, path: Path) -> None:
        self.taken: list[AlertsFile] = []
        self.counted: list[bool] = []
        self.troubles = 0  # how often taking fails
        self.judged = 0
        self.reload = Reload(path, load_alerts(path), self.take, self.judge, clock=HandClock(), meter=self)

    async def judge(self) -> None:
        self.judged += 1

    async def take(self, content: AlertsFile) -> None:
        if self.troubles:
            self.troubles -= 1
            raise Transient(Code.ST003, "locked")
        self.taken.append(content)

    def reloaded(self, now: datetime, *, taken: bool, mistakes: Sequence[str] = ()) -> None:
        self.counted.append(taken)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "alerts.yaml"
    file.write_text(GOOD)
    return file


def write(path: Path, text: str) -> None:
    path.write_text(text)


def looks(watch: FileWatch, times: int = 3) -> list[bool]:
    return [watch.changed() for _ in range(times)]


def test_an_untouched_file_has_not_changed(path: Path) -> None:
    assert looks(FileWatch(path)) == [False, False, False]


def test_a_written_file_has_changed_once_it_rests(path: Path) -> None:
    watch = FileWatch(path)
    path.write_text("al")
    first = watch.changed()
    path.write_text(BETTER + "\n")

    assert (first, looks(watch)) == (False, [False, True, False])


def test_a_file_of_the_same_size_and_another_put_in_its_place_have_changed(path: Path) -> None:
    watch = FileWatch(path)
    path.write_text(BETTER)
    written = looks(watch, 2)
    other = path.with_name("other.yaml")
    other.write_text(GOOD)
    other.replace(path)

    assert (written, looks(watch, 2)) == ([False, True], [False, True])


def test_a_swapped_symbolic_link_is_a_change(tmp_path: Path) -> None:
    for name, text in (("v1", GOOD), ("v2", BETTER)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "alerts.yaml").write_text(text)
    current = tmp_path / "current"
    current.symlink_to("v1")
    watch = FileWatch(current / "alerts.yaml")
    swap = tmp_path / "swap"
    swap.symlink_to("v2")
    swap.replace(current)

    assert looks(watch, 2) == [False, True]


def test_a_file_that_is_gone_and_comes_back_as_it_was_has_changed_twice(path: Path) -> None:
    watch = FileWatch(path)
    text = path.read_text()
    path.unlink()
    gone = looks(watch, 2)
    path.write_text(text)

    assert (gone, looks(watch, 2)) == ([False, True], [False, True])


async def test_a_changed_file_is_taken(path: Path) -> None:
    readings = Readings(path)
    write(path, BETTER)

    assert await readings.reload.read()
    assert [str(content.alerts[0].when) for content in readings.taken] == ["discrepant_skus > 7"]
    assert readings.counted == [True, True]


async def test_a_file_with_a_mistake_is_kept_out_and_the_mistake_is_known_until_it_is_mended(path: Path) -> None:
    readings = Readings(path)
    write(path, BAD)
    taken = await readings.reload.read()
    rejected = readings.reload.rejected
    write(path, BETTER)
    mended = await readings.reload.read()

    assert (taken, mended, readings.counted) == (False, True, [True, False, True])
    assert rejected is not None
    assert "discrepant_skus" in str(rejected)
    assert (len(readings.taken), readings.reload.rejected) == (1, None)


async def test_a_refusal_is_told_since_when_with_its_place_until_the_file_is_mended(path: Path) -> None:
    readings = Readings(path)
    clock = readings.reload._clock
    assert isinstance(clock, HandClock)
    before = readings.reload.stand()
    write(path, BAD)
    began = clock.now()
    await readings.reload.read()
    clock.pass_by(seconds=60)
    await readings.reload.read()
    refused = readings.reload.stand()
    write(path, BETTER)
    await readings.reload.read()

    well = FileStand(None, [], [])
    assert (before, readings.reload.stand()) == (well, well)
    assert refused.refused_since == began
    assert [each.split(" ")[0].rpartition("/")[2] for each in refused.mistakes] == ["alerts.yaml:3:21:"]


async def test_what_waits_for_the_next_start_is_known_until_the_file_says_again_what_it_said_then(path: Path) -> None:
    readings = Readings(path)
    write(path, GOOD + "limits: {storefront: {cart_units: 3}}\ncatalogue: {price: never}\n")
    await readings.reload.read()
    changed = readings.reload.stand().at_next_start
    write(path, BETTER + "limits: {storefront: {cart_units: 3}}\n")
    await readings.reload.read()
    still = readings.reload.stand().at_next_start
    write(path, BETTER)
    await readings.reload.read()

    assert (changed, still, readings.reload.stand().at_next_start) == (
        ["catalogue", "limits.storefront"],
        ["limits.storefront"],
        [],
    )


@pytest.mark.parametrize("text", [BAD, BETTER], ids=["refused", "taken"])
async def test_the_rules_are_judged_at_once_after_a_file_was_taken_or_refused(path: Path, text: str) -> None:
    readings = Readings(path)
    write(path, text)
    running = asyncio.ensure_future(readings.reload.run())
    readings.reload.ask()
    for _ in range(100):
        await asyncio.wait({running}, timeout=0)
    running.cancel()

    assert readings.judged == len(readings.counted) - 1 > 0  # the first reading is the daemon's start


async def test_an_empty_file_is_kept_out_as_a_save_that_failed(path: Path) -> None:
    readings = Readings(path)
    write(path, "")

    assert not await readings.reload.read()
    assert "it holds no alerts any more" in str(readings.reload.rejected)
    assert readings.taken == []


async def test_what_could_not_be_taken_is_tried_again_until_it_is(path: Path) -> None:
    readings = Readings(path)
    readings.troubles = 2
    running = asyncio.ensure_future(readings.reload.run())
    readings.reload.ask()
    while not readings.taken:
        await asyncio.wait({running}, timeout=0)
    running.cancel()

    assert readings.counted == [True, False, False, True]


async def test_the_file_is_read_when_somebody_asks_changed_or_not(path: Path) -> None:
    readings = Readings(path)
    clock = readings.reload._clock
    assert isinstance(clock, HandClock)
    clock.asleep = asyncio.Event()  # nothing but the wish ends the rest
    running = asyncio.ensure_future(readings.reload.run())
    readings.reload.ask()
    while not readings.taken:
        await asyncio.wait({running}, timeout=0)
    running.cancel()

    assert readings.counted == [True, True]


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        pytest.param("repeat_interval: 1h", [], id="taken at once"),
        pytest.param("limits: {delivery: {backoff: 9s}}", [], id="delivery, too"),
        pytest.param("sync_interval: 30s", ["sync_interval"], id="schedule"),
        pytest.param('full_pass_at: "10:00"', ["full_pass_at"], id="time of day"),
        pytest.param("limits: {stock: {drift_limit: 3}}", ["limits.stock"], id="limits of the engine"),
    ],
)
def test_what_counts_from_the_next_start_only_is_named(tmp_path: Path, text: str, keys: list[str]) -> None:
    path = tmp_path / "alerts.yaml"
    path.write_text(text)

    assert needs_restart(AlertsFile(), load_alerts(path)) == keys
