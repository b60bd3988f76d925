"""`status`, `why` and `sql`: reading beside a running daemon, without any lock."""

from __future__ import annotations

import csv
import os
import socket
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from monitor.cli.common import Exit, complain, printable, rows, run, say, say_json, show_table, usage
from monitor.control import SOCKET
from monitor.signals import FULL_JOB, STOCK_JOB, proof_among
from monitor.store import Store
from monitor.units import counted, written_duration
from sync.clock import SystemClock
from sync.errors import Code, Permanent
from sync.records import Change, RunOutcome
from sync.settings import Settings
from sync.storage.database import Database
from sync.storage.ledger import SqlLedger
from sync.storage.opening import open_for_reading
from sync.storage.queries import query

_RUNS = 5
_ROWS = 1000  # of a query; more is for a file, not for a terminal
_EVALUATION = (
    "seen_on_hand, seen_available, unseen, target, drift, verdict, evaluated_at, evaluated_run, "
    "quarantine_units, dismissed_offset, approved_at, parked, due"
)


def daemon_runs(state_dir: Path) -> bool:
    """Tell whether a daemon answers; one that was killed leaves its socket's file behind."""
    if not state_dir.is_dir():
        return False
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
async def opened_state(settings: Settings) -> AsyncIterator[Database]:
    """Open the state database for reading, whoever else has it open."""
    database = open_for_reading(settings.state_dir, url=settings.database_url)
    try:
        yield database
    finally:
        await database.close()


def status(settings: Settings, *, json: bool) -> Exit:
    """Show how things stand."""

    async def look() -> dict[str, Any]:
        async with opened_state(settings) as database:
            ledger, store = SqlLedger(database), Store(database)
            successes = [await ledger.last_success(job) for job in (STOCK_JOB, FULL_JOB)]
            proof = proof_among(await ledger.runs(FULL_JOB, 50))
            return {
                "daemon": daemon_runs(settings.state_dir),
                "synced_at": max((each.finished_at for each in successes if each and each.finished_at), default=None),
                "proved_at": proof.finished_at if proof else None,
                "standing": asdict(await ledger.standing()),
                "pauses": [asdict(each) for each in await ledger.pauses()],
                "firing": [asdict(each) for each in await store.open_incidents()],
                "stopped": await _stopped(ledger),
                "runs": [asdict(each) for each in await ledger.runs(limit=_RUNS)],
            }

    found = run(look)
    if json:
        say_json(found)
    else:
        _show_status(found)
    return Exit.DONE


async def _stopped(ledger: SqlLedger) -> Mapping[str, Any] | None:
    """Return the newest pass where a brake held it or it failed; a pause is told by itself."""
    latest = [run for job in (STOCK_JOB, FULL_JOB) for run in await ledger.runs(job, 2) if run.finished_at]
    newest = max(latest, key=lambda run: run.run_id, default=None)
    if newest is None or newest.code is None or newest.code is Code.BR004:
        return None
    return asdict(newest)


def _show_status(found: Mapping[str, Any]) -> None:
    now, standing = SystemClock().now(), found["standing"]
    differing, repeated = _differing(standing)
    rows(
        {
            "daemon": "running" if found["daemon"] else "not running",
            "last synced": _ago(found["synced_at"], now),
            "proved equal": _ago(found["proved_at"], now),
            "linked SKUs": standing["links"],
            "differing now": differing,
            "twice in a row": repeated,
            "for a person": _for_a_person(standing),
            "kept differences": standing["kept_skus"],
            "unanswered writes": standing["unanswered_writes"],
        }
    )
    for line in (*_brakes(found["pauses"], found["stopped"]), *_alerts(found["firing"])):
        say(line)
    say("")
    show_table(("run", "job", "started (UTC)", "outcome", "numbers"), [_run_row(each) for each in found["runs"]])


def _differing(standing: Mapping[str, Any]) -> tuple[str, str]:
    """Return what differs in the last evaluation, and what did so in the one before too, which is what alerts count."""
    return (
        _both_ways(standing, "over_now", "under_now"),
        _both_ways(standing, "oversell", "undersell"),
    )


def _both_ways(standing: Mapping[str, Any], over: str, under: str) -> str:
    ways = ((over, "too many"), (under, "too few"))
    told = [
        f"{counted(standing[f'{way}_units'], 'unit')} {words} in Shopify ({counted(standing[f'{way}_skus'], 'SKU')})"
        for way, words in ways
        if standing[f"{way}_skus"]
    ]
    return ", ".join(told) or "nothing"


def _for_a_person(standing: Mapping[str, Any]) -> str:
    held, parked = standing["quarantined_skus"], standing["parked_skus"]
    told = [f"{counted(held, 'SKU')} to decide on (lightspeed-sync conflicts list)"] if held else []
    told += [f"{counted(parked, 'SKU')} that Shopify refuses to change"] if parked else []
    return ", ".join(told) or "nothing"


def _brakes(pauses: Sequence[Mapping[str, Any]], stopped: Mapping[str, Any] | None) -> Iterator[str]:
    """Yield what keeps numbers from being written, in its own words, with the way on."""
    for pause in pauses:
        yield f"PAUSED {pause['kind'].value} since {pause['since']:%Y-%m-%d %H:%M} UTC: {pause['reason']}"
        yield f"       {Code.BR004.remedy}"
    if stopped is not None:
        code: Code = stopped["code"]
        word = "BRAKED" if stopped["outcome"] is RunOutcome.BRAKED else "FAILED"
        yield " ".join(f"{word} run {stopped['run_id']}: {code.name} {code.sentence} {stopped['detail']}".split())
        yield f"       {code.remedy}"


def _alerts(firing: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for incident in firing:
        yield f"FIRING {incident['rule']}: {incident['summary']}"


def _run_row(run: Mapping[str, Any]) -> tuple[object, ...]:
    outcome = run["outcome"].value if run["outcome"] else "under way"
    code = f" {run['code'].name}" if run["code"] else ""
    numbers = ", ".join(f"{name} {count}" for name, count in run["numbers"].items())
    return run["run_id"], run["job"], f"{run['started_at']:%m-%d %H:%M:%S}", outcome + code, numbers


def _ago(moment: datetime | None, now: datetime) -> str:
    return "never" if moment is None else f"{written_duration(now - moment)} ago"


def why(settings: Settings, sku: str, *, json: bool) -> Exit:
    """Tell how one SKU stands, and every change of it; of a link that has ended only the changes are left."""

    async def look() -> tuple[Mapping[str, Any] | None, Sequence[Change]]:
        async with opened_state(settings) as database:
            ledger = SqlLedger(database)
            link = next(iter((await ledger.link_ids_of([sku])).values()), None)
            now = None if link is None else await _evaluation(database, link)
            return now, await ledger.changes_of(sku)

    now, changes = run(look)
    if now is None and not changes:
        complain(f"{sku!r} is not linked; see `lightspeed-sync status`.")
        return Exit.WRONG
    if json:
        say_json({"sku": sku, "now": now, "changes": [asdict(change) for change in changes]})
        return Exit.DONE
    say(standing_of(now) if now else "now: no longer linked")
    if not changes:
        say(f"{sku}: no stock write so far.")
    for change in changes:
        say(*sentence(change).splitlines())
    return Exit.DONE


async def _evaluation(database: Database, link_id: int) -> Mapping[str, Any]:
    """Return what the last evaluation of a link came to, and what holds it."""
    names, found = await query(database, f"SELECT {_EVALUATION} FROM links WHERE link_id = {link_id:d}", 1)  # noqa: S608
    return dict(zip(names, found[0], strict=True))


def standing_of(now: Mapping[str, Any]) -> str:
    """Return a link's last evaluation as one line."""
    if now["evaluated_at"] is None:
        return "now: not evaluated yet"
    line = (
        f"now: Shopify {now['seen_available']}, target {now['target']} (L {now['seen_on_hand']}, U {now['unseen']}, "
        f"drift {now['drift']}): {now['verdict']}, at {now['evaluated_at']} by run {now['evaluated_run']}"
    )
    if now["quarantine_units"] is not None:
        decided = "decided, the next sync carries it out" if now["approved_at"] else "waits for a person"
        line += f"; quarantined: {now['quarantine_units']:+d} units that nothing explains, {decided}"
    if now["dismissed_offset"]:
        line += f"; a kept difference of {-now['dismissed_offset']:+d} units is part of the target"
    if now["parked"] is not None:
        line += f"; Shopify refuses writes: {now['parked']} {Code[now['parked']].title}"
    return line + ("; due for another look" if now["due"] else "")


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
