"""What systemd is told of the daemon, and when its watchdog is fed."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from anyio.lowlevel import checkpoint
from structlog.testing import capture_logs

from monitor.supervisor import PATIENCE, Supervisor, Work, supervised
from sync.events import ApiAttempt, QuotaSeen
from tests.e2e.service_manager import Manager
from tests.monitor.support import HandClock

pytestmark = pytest.mark.anyio

BEAT = timedelta(minutes=1)
LONGEST = 2 * BEAT + PATIENCE
FED = "WATCHDOG=1"


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    opened = Manager(tmp_path / "notify")
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("environ", "known"),
    [
        ({}, Supervisor()),
        ({"NOTIFY_SOCKET": "/run/notify"}, Supervisor("/run/notify")),
        ({"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "60000000"}, Supervisor("@x", timedelta(minutes=1))),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "7"}, Supervisor("", timedelta(minutes=1))),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "8"}, Supervisor()),
        ({"WATCHDOG_USEC": "0"}, Supervisor()),
        ({"WATCHDOG_USEC": "often"}, Supervisor()),
    ],
)
def test_the_environment_tells_who_started_us(environ: dict[str, str], known: Supervisor) -> None:
    assert Supervisor.of(environ, pid=7) == known


def test_an_abstract_socket_is_one_whose_name_begins_with_an_at_sign() -> None:
    name = "lightspeed-sync-test"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(f"\0{name}")
        Supervisor(f"@{name}").tell("READY=1", "STATUS=well")
        assert listening.recv(100) == b"READY=1\nSTATUS=well"


def test_a_manager_that_is_gone_is_no_reason_to_fail(tmp_path: Path) -> None:
    with capture_logs() as logs:
        Supervisor(str(tmp_path / "nobody")).tell("READY=1")
    assert [line["event"] for line in logs] == ["supervisor.not_told"]


async def test_readiness_and_the_end_are_told(manager: Manager) -> None:
    clock = HandClock()
    with supervised(Supervisor(manager.address), clock, Work(clock, "stock", BEAT)):
        assert manager.heard() == ["READY=1"]
    assert manager.heard() == ["STOPPING=1"]


async def feeding(manager: Manager, clock: HandClock, work: Work) -> list[str]:
    """Return what the watchdog gets in the first feed from now on."""
    feed = asyncio.create_task(Supervisor(manager.address, BEAT).feed(clock, work))
    clock.asleep = asyncio.Event()
    await checkpoint()
    feed.cancel()
    return manager.heard()


async def test_the_watchdog_is_fed_while_passes_get_their_turn_or_make_calls(manager: Manager) -> None:
    clock = HandClock()
    work = Work(clock, "stock", BEAT)
    signs: list[Callable[[], None]] = [lambda: work.begun("stock"), lambda: work(ApiAttempt("shopify", "levels", 0.1))]
    for moves in signs:
        clock.pass_by(seconds=LONGEST.total_seconds() + 1)
        assert await feeding(manager, clock, work) == []
        moves()
        clock.pass_by(seconds=LONGEST.total_seconds())
        assert await feeding(manager, clock, work) == [FED]


async def test_what_else_happens_does_not_feed_it(manager: Manager) -> None:
    clock = HandClock()
    work = Work(clock, "stock", BEAT)
    clock.pass_by(seconds=LONGEST.total_seconds() + 1)
    work.due("stock", expected=1, missed=1)
    work.begun("holds")
    work(QuotaSeen("shopify", 0.5))
    with capture_logs() as logs:
        assert await feeding(manager, clock, work) == []
    assert [line["event"] for line in logs] == ["supervisor.work_stands_still"]


async def test_without_a_watchdog_nothing_is_fed(manager: Manager) -> None:
    clock = HandClock()
    await Supervisor(manager.address).feed(clock, Work(clock, "stock", BEAT))
    assert manager.heard() == []
