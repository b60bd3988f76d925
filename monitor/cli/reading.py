"""`status`, `why` and `sql`: reading beside a running daemon, without any lock."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.table import Table

from monitor.cli.common import Exit, err, out, rows, run, say_json, usage
from monitor.control import SOCKET
from monitor.signals import FULL_JOB, STOCK_JOB, proof_among
from monitor.store import Store
from monitor.units import written_duration
from sync.clock import SystemClock
from sync.errors import Code, Permanent
from sync.records import Change
from sync.settings import Settings
from sync.storage.database import Database
from sync.storage.ledger import SqlLedger
from sync.storage.opening import open_for_reading
from sync.storage.queries import query

_RUNS = 5
_ROWS = 1000  # of a query; more is for a file, not for a terminal


def _listens(state_dir: Path) -> bool:
    """Tell whether a daemon answers; one that was killed leaves its socket's file behind."""
    handle = os.open(state_dir, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as end:
            end.connect(f"/proc/self/fd/{handle}/{SOCKET}")  # a socket's path may have 107 characters at most
    except (FileNotFoundError, ConnectionRefusedError):
        return False
    except OSError:
        return True  # it is there, but busy, or not for this user
    finally:
        os.close(handle)
    return True


@asynccontextmanager
async def _reading(settings: Settings) -> AsyncIterator[Database]:
    database = open_for_reading(settings.state_dir, url=settings.database_url)
    try:
        yield database
    finally:
        await database.close()


def status(settings: Settings, *, json: bool) -> Exit:
    """Show how things stand."""

    async def look() -> dict[str, Any]:
        async with _reading(settings) as database:
            ledger, store = SqlLedger(database), Store(database)
            successes = [await ledger.last_success(job) for job in (STOCK_JOB, FULL_JOB)]
            proof = proof_among(await ledger.runs(FULL_JOB, 50))
            return {
                "daemon": _listens(settings.state_dir),
                "synced_at": max((each.finished_at for each in successes if each and each.finished_at), default=None),
                "proved_at": proof.finished_at if proof else None,
                "standing": asdict(await ledger.standing()),
                "pauses": [asdict(each) for each in await ledger.pauses()],
                "firing": [asdict(each) for each in await store.open_incidents()],
                "runs": [asdict(each) for each in await ledger.runs(limit=_RUNS)],
            }

    found = run(look)
    if json:
        say_json(found)
    else:
        _show_status(found)
    return Exit.DONE


def _show_status(found: Mapping[str, Any]) -> None:
    now, standing = SystemClock().now(), found["standing"]
    rows(
        {
            "daemon": "running" if found["daemon"] else "not running",
            "last synced": _ago(found["synced_at"], now),
            "proved equal": _ago(found["proved_at"], now),
            "linked SKUs": standing["links"],
            "differing": f"{standing['oversell_skus']} too high, {standing['undersell_skus']} too low",
            "for a person": f"{standing['quarantined_skus']} quarantined, {standing['parked_skus']} refused by Shopify",
            "unanswered writes": standing["unanswered_writes"],
        }
    )
    for pause in found["pauses"]:
        out.print(
            f"PAUSED {pause['kind'].value} since {pause['since']:%Y-%m-%d %H:%M} UTC: {pause['reason']}", markup=False
        )
    for incident in found["firing"]:
        out.print(f"FIRING {incident['rule']}: {incident['summary']}", markup=False)
    table = Table(box=None, pad_edge=False)
    for name in ("run", "job", "started (UTC)", "outcome", "numbers"):
        table.add_column(name, overflow="fold")
    for each in found["runs"]:
        outcome = each["outcome"].value if each["outcome"] else "under way"
        numbers = ", ".join(f"{name} {count}" for name, count in each["numbers"].items())
        code = f" {each['code'].name}" if each["code"] else ""
        table.add_row(str(each["run_id"]), each["job"], f"{each['started_at']:%m-%d %H:%M:%S}", outcome + code, numbers)
    out.print(table)


def _ago(moment: datetime | None, now: datetime) -> str:
    return "never" if moment is None else f"{written_duration(now - moment)} ago"


def why(settings: Settings, sku: str, *, json: bool) -> Exit:
    """Tell every change of one SKU."""

    async def look() -> tuple[bool, Sequence[Change]]:
        async with _reading(settings) as database:
            ledger = SqlLedger(database)
            return bool(await ledger.link_ids_of([sku])), await ledger.changes_of(sku)

    known, changes = run(look)
    if not known:
        err.print(f"{sku!r} is not linked; see `lightspeed-sync status`.", markup=False)
        return Exit.WRONG
    if json:
        say_json([asdict(change) for change in changes])
        return Exit.DONE
    if not changes:
        out.print(f"{sku}: no stock write so far.", markup=False)
    for change in changes:
        out.print(sentence(change), markup=False)
    return Exit.DONE


def sentence(change: Change) -> str:
    """Return one change as two lines: what and why, then the equation."""
    numbers = change.equation
    terms = "L {L} + M {M} + Bk {Bk} - B {B} - Tk {Tk} - u {u} - U {U}".format_map(numbers)
    outcome = change.outcome.value if change.outcome else "on its way"
    return (
        f"{change.at:%Y-%m-%d %H:%M:%S} UTC  {change.before} -> {change.after}  {change.verdict} ({outcome}; "
        f"{change.job} run {change.run_id}, write {change.seq})\n"
        f"    {terms} = {numbers['target']}; drift {numbers['drift']}; {change.reference}"
    )


def sql(settings: Settings, text: str, *, json: bool) -> Exit:
    """Ask the database and show the answer; nothing can be written on this connection."""

    async def look() -> tuple[Sequence[str], Sequence[Sequence[Any]]]:
        async with _reading(settings) as database:
            try:
                return await query(database, text, _ROWS + 1)
            except Permanent as error:
                if error.code is not Code.CF002:  # with it the query is wrong, no setting is
                    raise
                raise usage(error.detail) from None

    names, found = run(look)
    if json:
        say_json([dict(zip(names, row, strict=True)) for row in found[:_ROWS]])
        return Exit.DONE
    if not found:
        err.print("No rows.", markup=False)
        return Exit.DONE
    table = Table(box=None, pad_edge=False)
    for name in names:
        table.add_column(name, overflow="fold")
    for row in found[:_ROWS]:
        table.add_row(*("" if value is None else str(value) for value in row))
    out.print(table)
    if len(found) > _ROWS:
        err.print(f"Only the first {_ROWS} rows are shown; use LIMIT and OFFSET.", markup=False)
    return Exit.DONE
