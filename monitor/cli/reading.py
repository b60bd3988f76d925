"""`sql`, and what commands share that read beside a running daemon, without any lock."""

from __future__ import annotations

import csv
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from monitor.asked import FileOrder, FileStand
from monitor.asking import FILE_STAND, ask
from monitor.cli.common import Exit, complain, printable, run, say_json, show_table, usage
from monitor.units import counted, written_minute
from sync.errors import Code, Permanent, SyncError
from sync.settings import Settings
from sync.storage.database import Database
from sync.storage.opening import open_for_reading
from sync.storage.queries import query

_PATIENCE = 2.0  # seconds that a daemon may take to tell how its file stands
_ROWS = 1000  # of a query; more is for a file, not for a terminal


@asynccontextmanager
async def opened_state(settings: Settings) -> AsyncIterator[Database]:
    """Open the state database for reading, whoever else has it open."""
    database = open_for_reading(settings.state_dir, url=settings.database_url.url)
    try:
        yield database
    finally:
        await database.close()


async def file_stand(settings: Settings) -> FileStand:
    """Return how alerts.yaml stands, as the running daemon tells; nothing where none does, or not soon."""
    try:
        answer = await ask(settings.state_dir, "alerts_file", FileOrder(), within=_PATIENCE)
    except (SyncError, OSError):
        return FileStand()
    return FileStand() if answer is None else FILE_STAND.validate_python(answer)


def file_lines(stand: FileStand) -> Iterator[str]:
    """Yield that the alerts file was refused, and why, and which of its changes wait for the next start."""
    if stand.refused_since is not None:
        first, *more = stand.mistakes
        others = f" (and {counted(len(more), 'mistake')} more)" if more else ""
        yield f"alerts.yaml REFUSED since {written_minute(stand.refused_since)}: {first}{others}"
        yield "       The one before it stays in force. All mistakes: lightspeed-sync check alerts"
    if stand.at_next_start:
        yield f"alerts.yaml: counts from the next start: {', '.join(stand.at_next_start)}"


@contextmanager
def _excusing() -> Iterator[None]:
    """Say what is wrong with a query: nothing is wrong with a setting or with the state directory then."""
    try:
        yield
    except Permanent as error:
        match error.code:
            case Code.CF002:
                raise usage(error.detail) from None
            case Code.ST003:
                raise usage("`sql` opens the database for reading only, and this statement would write.") from None
            case _:
                raise


def sql(settings: Settings, text: str, *, json: bool, as_csv: bool) -> Exit:
    """Ask the database and show the answer; nothing can be written on this connection."""

    async def look() -> tuple[Sequence[str], Sequence[Sequence[Any]]]:
        async with opened_state(settings) as database:
            with _excusing():
                return await query(database, text, _ROWS + 1)

    names, found = run(look)
    if not names:
        raise usage("The query returns no rows; `sql` is for reading, with SELECT.")
    if json:
        say_json([dict(zip(_distinct(names), map(_plain, row), strict=True)) for row in found[:_ROWS]])
    elif as_csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerows([names, *(map(_plain, row) for row in found[:_ROWS])])
    elif found:
        show_table(names, found[:_ROWS])
    else:
        complain("No rows.")
    if len(found) > _ROWS:
        complain(f"Only the first {_ROWS} rows are shown; use LIMIT and OFFSET.")
    return Exit.DONE


def _plain(value: object) -> object:
    """Return a value as programs take it; bytes may be sealed tokens and are told by their size alone."""
    return printable(value) if isinstance(value, bytes) else value


def _distinct(names: Sequence[str]) -> Sequence[str]:
    """Return column names of which none hides another."""
    return [f"{name}_{names[:at].count(name) + 1}" if name in names[:at] else name for at, name in enumerate(names)]
