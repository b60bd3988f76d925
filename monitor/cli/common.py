"""What the commands share: settings, exit codes, errors in words, output for people and for programs."""

from __future__ import annotations

import asyncio
import gc
import getpass
import json
import os
import re
import secrets
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, date, tzinfo
from enum import Enum, IntEnum
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from monitor.units import show_moments_in
from sync.config import ConfigurationError, doubtful_names, load_settings
from sync.errors import Code, Refused, SyncError, Transient
from sync.settings import Settings

if TYPE_CHECKING:  # most commands need neither
    from monitor.alerts_model import AlertsFile
    from monitor.workshop import Workshop

T = TypeVar("T")
log = structlog.get_logger()

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

_UNREACHABLE = {Code.LS001, Code.LS004, Code.LS005, Code.LS006, Code.SH001, Code.SH004, Code.SH005, Code.SH006}


_WIDEST = 10_000  # columns of a table that goes into a file or a pipe
READABLE = 80  # columns of what is folded, where there is no terminal


class Exit(IntEnum):
    """The exit codes."""

    DONE = 0
    WRONG = 1
    USAGE = 2
    REFUSED = 3
    UNREACHABLE = 4


def exit_code(code: Code | None) -> Exit:
    """Return the exit code of something that failed with a catalogue code."""
    return Exit.UNREACHABLE if code in _UNREACHABLE else Exit.WRONG


@contextmanager
def telling() -> Iterator[None]:
    """Turn our errors into a sentence with its remedy, and into an exit code."""
    try:
        yield
    except ConfigurationError as error:
        complain(*str(error).splitlines())
        raise typer.Exit(Exit.USAGE) from None
    except SyncError as error:
        if error.code.name.startswith("CF"):  # mistakes of ours to correct, each told with its remedy
            complain(*str(error).splitlines())
            raise typer.Exit(Exit.USAGE) from None
        complain(str(error), error.remedy)
        if isinstance(error, Refused):
            raise typer.Exit(Exit.REFUSED) from None
        unreachable = isinstance(error, Transient) or error.code in _UNREACHABLE
        raise typer.Exit(Exit.UNREACHABLE if unreachable else Exit.WRONG) from None


@contextmanager
def nothing_unforeseen() -> Iterator[None]:
    """Turn what nobody foresaw into a sentence with a reference; the traceback goes to the log, under the same one."""
    try:
        yield
    except (typer.Exit, typer.Abort, KeyboardInterrupt, SystemExit):
        raise
    except Exception as error:
        reference = secrets.token_hex(4)
        log.exception("command.broke", code=Code.IN001.name, reference=reference)
        complain(f"{Code.IN001.name} {Code.IN001.sentence} ({type(error).__name__}, {reference})", Code.IN001.remedy)
        raise SystemExit(Exit.WRONG) from None


def settings(*, have: tuple[str, ...] = (), shops: bool = False, daemon: bool = False) -> Settings:
    """Return the checked settings; ends the program with every mistake told.

    `shops`: the command talks to them, so a sandbox must have said where it is. `daemon`: its log is its voice.
    """
    from monitor.cli.logs import configure

    with telling():
        found = load_settings(os.environ, have=have)
    complain(*(str(mistake) for mistake in doubtful_names(os.environ)))
    configure(found, quiet=not daemon)
    show_moments_in(zone_in(found.alerts_file))
    if shops and found.own_sandbox:
        raise usage(
            "ENVIRONMENT is sandbox, but no sandbox is set: run `lightspeed-sync sandbox`, and set what it prints."
        )
    return found


def settings_as_they_are(*, have: tuple[str, ...] = ()) -> Settings | None:
    """Return the settings for a command that can do without; None, without a word, where they have mistakes."""
    from monitor.cli.logs import configure

    try:
        found = load_settings(os.environ, have=have)
    except ConfigurationError:
        return None
    configure(found, quiet=True)
    return found


_ZONE = re.compile(r"""^timezone: *["']?([A-Za-z0-9_+/-]+)["']? *(?:#.*)?$""", re.MULTILINE)


def zone_in(file: Path) -> tzinfo:
    """Return the zone in which people read times, as a glance at the alerts file tells, mistakes elsewhere or not."""
    try:
        found = _ZONE.search(file.read_text(encoding="utf-8", errors="replace"))
        return UTC if found is None else ZoneInfo(found[1])
    except (OSError, ValueError, ZoneInfoNotFoundError):
        return UTC


def alerts_path() -> Path:
    """Return the alerts file that the environment names."""
    return Path(os.environ.get("ALERTS_FILE", "").strip() or "alerts.yaml")


def alerts(chosen: Settings) -> AlertsFile:
    """Return the checked alerts file; ends the program with every mistake told."""
    from monitor.alerts_file import load_alerts

    with telling():
        return load_alerts(chosen.alerts_file)


def alerts_as_they_are(chosen: Settings) -> AlertsFile | None:
    """Return the alerts file for a command that can do without; None, with every mistake told, where it has some."""
    try:
        return alerts(chosen)
    except typer.Exit:
        return None


def settings_and_alerts(
    *, have: tuple[str, ...] = (), shops: bool = False, daemon: bool = False
) -> tuple[Settings, AlertsFile]:
    """Return both, checked; ends the program with the mistakes of both told at once."""
    try:
        chosen = settings(have=have, shops=shops, daemon=daemon)
    except typer.Exit:
        _mistakes_in(alerts_path())
        raise
    return chosen, alerts(chosen)


@asynccontextmanager
async def here(chosen: Settings, content: AlertsFile | None = None) -> AsyncIterator[Workshop]:
    """Take the state directory and open the engine for this command, where no daemon has them."""
    from monitor.allocator import share_one_arena
    from monitor.workshop import workshop

    share_one_arena()
    gc.freeze()  # as the daemon does: what is loaded by now stays
    async with workshop(chosen, content or alerts(chosen)) as shop:
        yield shop


def _mistakes_in(file: Path) -> None:
    """Tell the mistakes of an alerts file beside those of the settings that name it."""
    from monitor.alerts_file import load_alerts

    with suppress(typer.Exit), telling():
        load_alerts(file)


def stored() -> tuple[str, ...]:
    """Return the settings that the state makes superfluous: a stored token pair stands for its first.

    Whether PostgreSQL holds one shows only when it is needed.
    """
    if os.environ.get("DATABASE_URL", "").startswith("postgres"):
        return ("LIGHTSPEED_REFRESH_TOKEN",)
    path = Path(os.environ.get("STATE_DIR", "state")) / "lightspeed-sync.db"
    return ("LIGHTSPEED_REFRESH_TOKEN",) if path.is_file() else ()


def person() -> str:
    """Return who is at the keyboard, as the machine knows them: not the service's user that sudo made of them."""
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as in a container
        return f"user {os.getuid()}"


def run(work: Callable[[], Awaitable[T]]) -> T:
    """Run a command's asynchronous part."""

    async def whole() -> T:
        return await work()

    with telling(), _alone():
        return asyncio.run(whole())


@contextmanager
def _alone() -> Iterator[None]:
    """Take an error out of the group that the daemon's tasks wrap it in, where it is the only one."""
    try:
        yield
    except ExceptionGroup as group:
        error: Exception = group
        while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
            error = error.exceptions[0]
        raise error from group.__cause__


def say_json(value: Any) -> None:
    """Print data for a program: moments in ISO 8601, catalogue codes by name."""
    json.dump(value, sys.stdout, indent=1, default=_for_json, ensure_ascii=True)  # a plan's text is not held twice
    sys.stdout.write("\n")


def _for_json(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    return value.name if isinstance(value, Enum) else printable(value)


def usage(sentence: str) -> typer.Exit:
    """Say what is wrong with how a command was called."""
    complain(sentence)
    return typer.Exit(Exit.USAGE)


def printable(value: object) -> str:
    """Return a value as one line that cannot steer a terminal; bytes only by their size: they may be sealed tokens."""
    if value is None:
        return ""
    if isinstance(value, bytes):
        return f"({len(value)} bytes)"
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in str(value))


def say(*lines: str) -> None:
    """Print lines of data."""
    for line in lines:
        out.print(printable(line), markup=False)


def say_folded(*lines: str) -> None:
    """Print lines for people, those that are too long for the terminal folded under their own indentation."""
    width = out.width if out.is_terminal else READABLE
    for line in map(printable, lines):
        indent = " " * (len(line) - len(line.lstrip()) + 2)
        for part in wrap(line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False) or [""]:
            out.print(part, markup=False)


def complain(*lines: str) -> None:
    """Print lines for people, apart from data."""
    for line in lines:
        err.print(printable(line), markup=False)


def show_table(names: Iterable[str], found: Iterable[Sequence[object]]) -> None:
    """Print rows under their names; on a terminal long values are folded, elsewhere each row is one line."""
    table = Table(box=None, pad_edge=False)
    for place, name in enumerate(names):  # the first names the row: it stays in one piece
        table.add_column(Text(printable(name)), overflow="fold", no_wrap=place == 0 or not out.is_terminal)
    for row in found:
        table.add_row(*(Text(printable(value)) for value in row))
    printer = out if out.is_terminal else Console(highlight=False, soft_wrap=True, width=_WIDEST)
    printer.print(table)


def working_directory() -> Path:
    """Return where plans are written and looked for."""
    return Path.cwd()


def rows(mapping: Mapping[str, object]) -> None:
    """Print names and values, aligned."""
    width = max((len(name) for name in mapping), default=0)
    for name, value in mapping.items():
        say(f"{name:<{width}}  {value}")
