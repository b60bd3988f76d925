"""`why` and `sql`: reading beside a running daemon, without any lock."""

from __future__ import annotations

import csv
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict
from datetime import datetime
from typing import Any

from monitor.asked import FileOrder, FileStand
from monitor.asking import FILE_STAND, ask
from monitor.cli.common import Exit, complain, printable, run, say, say_json, show_table, usage
from monitor.cli.product_lines import product_lines
from monitor.units import counted, local, written_minute, written_second
from sync.clock import SystemClock
from sync.errors import Code, Permanent, SyncError
from sync.matching import sku_key
from sync.products import ProductWrite
from sync.records import Change, SkuProblem
from sync.reservations import Hold
from sync.settings import Settings
from sync.storage.catalogue import SqlCatalogue
from sync.storage.database import Database
from sync.storage.hold_rows import active_of
from sync.storage.ledger import SqlLedger
from sync.storage.opening import open_for_reading
from sync.storage.queries import query

_PATIENCE = 2.0  # seconds that a daemon may take to tell how its file stands
_ROWS = 1000  # of a query; more is for a file, not for a terminal
_EVALUATION = (
    "seen_on_hand, seen_available, unseen, target, drift, verdict, evaluated_at, evaluated_run, "
    "quarantine_units, dismissed_offset, approved_at, parked, due"
)


_HELD = ("units", "created_at", "expires_at", "renewed")  # of a hold: neither its id nor whose it is


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


def why(settings: Settings, sku: str, *, json: bool) -> Exit:
    """Tell how one SKU stands, and every change of it; of a link that has ended only the changes are left."""

    async def look() -> tuple[
        Mapping[str, Any] | None, Sequence[Change], Sequence[SkuProblem], Sequence[Hold], Sequence[ProductWrite]
    ]:
        async with opened_state(settings) as database:
            ledger = SqlLedger(database)
            link = next(iter((await ledger.link_ids_of([sku])).values()), None)
            now = None if link is None else await _evaluation(database, link)
            problems = [each for each in await ledger.sku_problems() if sku_key(each.sku) == sku_key(sku)]
            held = await database.read(lambda c: active_of(c, sku, SystemClock().now()))
            written = await SqlCatalogue(database).writes_of(sku)
            return now, await ledger.changes_of(sku), problems, held, written

    now, changes, problems, held, written = run(look)
    if json:
        told = {"sku": sku, "now": now, "changes": [asdict(each) for each in changes]}
        told["holds"] = [{name: getattr(each, name) for name in _HELD} for each in held]
        told["products"] = [asdict(each) for each in written]
        say_json(told | {"problems": [asdict(each) for each in problems]})
    else:
        _tell(sku, now, changes, problems, held)
        say(*(line for each in written for line in product_lines(each)))
    return Exit.DONE if now is not None or changes or written else Exit.WRONG


def _tell(
    sku: str,
    now: Mapping[str, Any] | None,
    changes: Sequence[Change],
    problems: Sequence[SkuProblem],
    held: Sequence[Hold],
) -> None:
    say(*(standing_of(now) if now else ["now: no longer linked" if changes else "now: not linked, so not synced"]))
    say(*(held_line(each) for each in held))
    say(*(line for each in problems for line in reason_of(each)))
    if not changes and now is None:
        if not problems:
            complain(
                f"{sku!r} is not sold online, or was not read yet: `lightspeed-sync sku mismatches` lists the rest."
            )
        return
    if not changes:
        say(f"{sku}: no stock write so far.")
    for change in changes:
        say(*sentence(change).splitlines())
    if changes:
        say("", _LETTERS)


def held_line(hold: Hold) -> str:
    """Return one reservation as a line: how much, since when and until when; its id is the shopper's secret."""
    until, since = f"{local(hold.expires_at):%H:%M:%S %Z}", f"{local(hold.created_at):%H:%M:%S}"
    return f"    held for a shopper's cart: {counted(hold.units, 'unit')} since {since} until {until}"


def reason_of(problem: SkuProblem) -> Iterator[str]:
    """Yield why a SKU could not be linked, and what to do about it."""
    yield f"    {problem.code.name} {problem.code.sentence} {problem.detail}"
    yield f"    {problem.code.remedy}"


async def _evaluation(database: Database, link_id: int) -> Mapping[str, Any]:
    """Return what the last evaluation of a link came to, and what holds it."""
    names, found = await query(database, f"SELECT {_EVALUATION} FROM links WHERE link_id = {link_id:d}", 1)  # noqa: S608
    return dict(zip(names, found[0], strict=True))


def standing_of(now: Mapping[str, Any]) -> Iterator[str]:
    """Yield how a link stands since its last evaluation, a line for each thing there is to say."""
    if now["evaluated_at"] is None:
        yield "now: not evaluated yet"
        return
    yield f"now: Shopify shows {now['seen_available']}, should show {now['target']}: {now['verdict']}"
    known = f"L {now['seen_on_hand']}, u {now['unseen']}, drift {now['drift']}"
    again = "; due for another look" if now["due"] else ""
    yield f"    evaluated {_moment(now['evaluated_at'])} by run {now['evaluated_run']} ({known}){again}"
    if now["quarantine_units"] is not None:
        decided = "decided, the next sync carries it out" if now["approved_at"] else "waits for a person"
        yield f"    quarantined: {now['quarantine_units']:+d} units that nothing explains; {decided}"
    if now["dismissed_offset"]:
        yield f"    a kept difference of {counted(abs(now['dismissed_offset']), 'unit')} is part of what it should show"
    if now["parked"] is not None:
        yield f"    Shopify refuses writes: {now['parked']} {Code[now['parked']].title}"


def _moment(text: str) -> str:
    """Return a stored moment, which is in UTC, as people read it."""
    return written_second(datetime.fromisoformat(text))


_LETTERS = (
    "L on hand in Lightspeed, M held, Bk booked at the till, B buffer, Tk taken by orders, "
    "u committed to orders not seen yet, U set aside by Shopify."
)


def sentence(change: Change) -> str:
    """Return one change as two lines: what and why, then the equation."""
    numbers = change.equation
    terms = "L {L} + M {M} + Bk {Bk} - B {B} - Tk {Tk} - u {u} - U {U}".format_map(numbers)
    left = numbers["L"] + numbers["M"] + numbers["Bk"] - numbers["B"] - numbers["Tk"] - numbers["u"] - numbers["U"]
    result = f"{left}, so {numbers['target']}" if left != numbers["target"] else f"{left}"
    outcome = change.outcome.value if change.outcome else "on its way"
    return (
        f"{written_second(change.at)}  {change.before} -> {change.after}  {change.verdict} ({outcome}; "
        f"{change.job} run {change.run_id}, write {change.seq})\n"
        f"    {terms} = {result}; drift {numbers['drift']}; {change.reference}"
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
