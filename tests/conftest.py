"""What every test may use, and the rule that a skipped test is seen."""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from tests.postgres_server import PostgresServer

ROOT = Path(__file__).resolve().parent.parent
PEERS = ROOT / ".peers" / "usr" / "bin"
MEMORY = Path("/dev/shm")
IN_CI = os.environ.get("CI", "").lower() in ("1", "true", "yes")

_ROOM = 1 << 30  # bytes; what failed tests leave behind is kept for a while

settings.register_profile("dev", max_examples=50, deadline=None)
settings.register_profile(
    "ci", max_examples=200, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if IN_CI else "dev"))


@pytest.fixture
def anyio_backend() -> str:
    """Run asynchronous tests on asyncio, the only loop the product knows."""
    return "asyncio"


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """Run a PostgreSQL of our own while tests need it."""
    from tests.postgres_server import postgres_server  # noqa: PLC0415 - few tests need it

    with postgres_server() as server:
        yield server


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> str:
    """Return the address of a database with our tables and nothing in them."""
    return postgres.emptied()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=[pytest.mark.peer, pytest.mark.slow])])
def either_database(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let tests whose helpers ask `elsewhere` run over a SQLite file, then over PostgreSQL."""
    from tests.state import elsewhere  # noqa: PLC0415 - few tests need it

    elsewhere.move(request.getfixturevalue("postgres") if request.param == "postgresql" else None)
    yield
    elsewhere.move(None)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-skips", action="store_true", default=IN_CI, help="a skipped test fails the run (CI)")


def pytest_configure() -> None:
    """Let tests find the peers that `make peers` unpacked, and keep their files in memory where it has room.

    Databases commit there in no time; on a disk each commit waits for it, which no test but a power cut's would notice.
    """
    os.environ["PATH"] = f"{os.environ.get('PATH', os.defpath)}{os.pathsep}{PEERS}"
    if "TMPDIR" not in os.environ and _has_room(MEMORY):
        os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)


def _has_room(folder: Path) -> bool:
    """Tell whether a folder can take what tests keep, programs among it."""
    usable = os.access(folder, os.W_OK) and not os.statvfs(folder).f_flag & os.ST_NOEXEC
    return usable and shutil.disk_usage(folder).free > _ROOM


def _skipped(config: pytest.Config) -> list[pytest.TestReport]:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    return list(reporter.stats.get("skipped", [])) if reporter else []


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if session.config.getoption("--no-skips") and _skipped(session.config) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _reason(report: pytest.TestReport) -> str:
    where = report.longrepr
    return where[2].removeprefix("Skipped: ") if isinstance(where, tuple) else str(where)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Count what was not tested, by reason, where nobody can overlook it."""
    reasons = Counter(_reason(report) for report in _skipped(config))
    if not reasons:
        return
    terminalreporter.section("NOT TESTED HERE", yellow=True)
    for reason, times in reasons.most_common():
        terminalreporter.line(f"{times:4} skipped: {reason}")
    if config.getoption("--no-skips"):
        terminalreporter.line("The run fails: here (CI, or --no-skips) every test must run.", red=True)


def pytest_collection_finish() -> None:
    """Leave what is loaded by now alone: looking through it for garbage took a quarter of the tests' CPU."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
