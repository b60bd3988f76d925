"""`why`: how one SKU stands, and every change of it with its equation, orders and people, now or at a moment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from monitor.cli.common import Exit, complain, run, say, say_json
from monitor.cli.explaining import moment
from monitor.cli.product_lines import product_lines
from monitor.cli.reading import opened_state
from monitor.units import counted, local, written_minute, written_second
from sync.clock import SystemClock
from sync.errors import Code
from sync.matching import sku_key
from sync.products import ProductWrite
from sync.records import Change, HeldEnding, SkuProblem, WriteOutcome
from sync.reservations import Hold
from sync.rollback_ports import Asked
from sync.settings import Settings
from sync.storage.database import Database
from sync.storage.hold_rows import active_of
from sync.storage.ledger import SqlLedger
from sync.storage.queries import query
from sync.storage.sku_story import SkuStory, story_of

_ACKNOWLEDGED = (WriteOutcome.APPLIED, WriteOutcome.FOUND_APPLIED)
_EVALUATION = (
    "sku, seen_on_hand, seen_available, unseen, target, drift, verdict, evaluated_at, evaluated_run, "
    "quarantine_units, dismissed_offset, approved_at, parked, due"
)


_HOLD = ("units", "created_at", "expires_at", "renewed")  # of a hold: neither its id nor whose it is


def why(settings: Settings, sku: str, at: str | None = None, *, json: bool) -> Exit:
    """Tell how one SKU stands, and every change of it; of a link that has ended only the changes are left.

    `at`: how it stood at that moment, and the last change before it.
    """
    if at is not None:
        return _past(settings, sku, moment(at, SystemClock().now()), json=json)

    async def look() -> tuple[dict[str, Any] | None, SkuStory, Sequence[SkuProblem], Sequence[Hold]]:
        async with opened_state(settings) as database:
            ledger = SqlLedger(database)
            link = next(iter((await ledger.link_ids_of([sku])).values()), None)
            now = None if link is None else await _evaluation(database, link)
            problems = [each for each in await ledger.sku_problems() if sku_key(each.sku) == sku_key(sku)]
            held = await database.read(lambda c: active_of(c, sku, SystemClock().now()))
            return now, await database.read(lambda c: story_of(c, sku)), problems, held

    now, story, problems, held = run(look)
    sku = now.pop("sku") if now else next((each.sku for each in problems), sku)  # as it is known, not as it was typed
    if json:
        told = {"sku": sku, "now": now, **_data(story)}
        told["holds"] = [{name: getattr(each, name) for name in _HOLD} for each in held]
        say_json(told | {"problems": [asdict(each) for each in problems]})
    else:
        _tell(sku, now, story, problems, held)
    return Exit.DONE if now is not None or story.changes or story.products else Exit.WRONG


def _data(story: SkuStory) -> dict[str, Any]:
    """Return a story for programs; who asked for a change stands beside it."""

    def with_asked(change: Change | ProductWrite) -> dict[str, Any]:
        asked = story.asked.get(change.run_id)
        return asdict(change) | {"asked": asked and {"by": asked.by, "what": asked.what, "source": asked.source}}

    return {
        "changes": [with_asked(each) for each in story.changes],
        "products": [with_asked(each) for each in story.products],
        "orders": [asdict(each) for each in story.orders],
        "words": [asdict(each) for each in story.words],
        "set_back": [asdict(each) for each in story.held],
    }


def _tell(
    sku: str,
    now: Mapping[str, Any] | None,
    story: SkuStory,
    problems: Sequence[SkuProblem],
    held: Sequence[Hold],
) -> None:
    changes = story.changes
    say(*(standing_of(now) if now else ["now: no longer linked" if changes else "now: not linked, so not synced"]))
    say(*(held_line(each) for each in held), *_set_back(story), *_orders(story))
    say(*(line for each in problems for line in reason_of(each)))
    if not changes and now is None:
        say(*_products(story))
        if not problems and not story.products:
            complain(
                f"{sku!r} is not sold online, or was not read yet: `lightspeed-sync sku mismatches` lists the rest."
            )
        return
    if not changes:
        say(f"{sku}: no stock write so far.")
    for change in changes:
        say(*sentence(change, story.asked.get(change.run_id)).splitlines())
    say(*_words(story), *_products(story))
    if changes:
        say("", _LETTERS)


# --- at a moment of the past ---


def _past(settings: Settings, sku: str, then: datetime, *, json: bool) -> Exit:
    """Tell how one SKU stood at a moment, and its last change before it."""

    async def look() -> SkuStory:
        async with opened_state(settings) as database:
            return await database.read(lambda c: story_of(c, sku, then))

    story = run(look)
    last = next((each for each in story.changes if each.outcome in _ACKNOWLEDGED), None)
    shown = None if last is None else last.after - (story.taken - last.equation["Tk"])
    if json:
        say_json({"sku": sku, "at": then, "should_show": shown, **_data(story)})
    else:
        say(f"{sku} at {written_second(then)}:", *_stood(story, last, shown))
    return Exit.DONE if story.changes or story.orders else Exit.WRONG


def _stood(story: SkuStory, last: Change | None, shown: int | None) -> Iterator[str]:
    if last is None:
        yield "    no stock write by then."
    else:
        since = story.taken - last.equation["Tk"]
        moved = f", orders took {counted(since, 'unit')} since" if since > 0 else ""
        moved = f", {counted(-since, 'unit')} came back from orders since" if since < 0 else moved
        yield f"    Shopify should have shown {shown}: write {last.seq} had left {last.after}{moved}."
    yield from _set_back(story)
    yield from _orders(story)
    yield from _words(story)
    yield from _products(story)
    if story.changes:
        yield "the last change by then:"
        yield from sentence(story.changes[0], story.asked.get(story.changes[0].run_id)).splitlines()


# --- lines of both ---


def _set_back(story: SkuStory) -> Iterator[str]:
    for each in story.held:
        if each.ending is None:
            yield f"    set back by run {each.run_id}, and held since {written_minute(each.since)}"
        elif each.ending is not HeldEnding.NOT_WRITTEN:
            ended = f"until {written_minute(each.ended_at)} ({each.ending.value} by {each.ended_by or 'somebody'})"
            yield f"    set back by run {each.run_id}, held from {written_minute(each.since)} {ended}"


def _orders(story: SkuStory) -> Iterator[str]:
    if story.orders:
        told = (f"{each.name} {each.units}{' (cancelled)' if each.cancelled else ''}" for each in story.orders)
        yield f"    units taken by orders, Tk {story.taken}: {', '.join(told)}"


def _words(story: SkuStory) -> Iterator[str]:
    for each in story.words:
        said = f"{each.decision} by {each.decided_by}, {written_minute(each.decided_at)}"
        word = said if each.decision else "no word"
        end = f"; {each.resolution}" if each.resolution and each.resolution != each.decision else ""
        yield f"{written_second(each.opened_at)}  {each.units:+d} units that nothing explained: {word}{end}"


def _products(story: SkuStory) -> Iterator[str]:
    for each in story.products:
        yield from product_lines(each)
        if (asked := story.asked.get(each.run_id)) is not None:
            yield f"    {_asked(asked).removeprefix(', ')}"


def _asked(asked: Asked | None) -> str:
    return "" if asked is None else f", asked for by {asked.by}: {asked.what} {asked.source}"


def held_line(hold: Hold) -> str:
    """Return one reservation as a line: how much, since when and until when; its id is the shopper's secret."""
    until, since = f"{local(hold.expires_at):%H:%M:%S %Z}", f"{local(hold.created_at):%H:%M:%S}"
    return f"    held for a shopper's cart: {counted(hold.units, 'unit')} since {since} until {until}"


def reason_of(problem: SkuProblem) -> Iterator[str]:
    """Yield why a SKU could not be linked, and what to do about it."""
    yield f"    {problem.code.name} {problem.code.sentence} {problem.detail}"
    yield f"    {problem.code.remedy}"


async def _evaluation(database: Database, link_id: int) -> dict[str, Any]:
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


def sentence(change: Change, asked: Asked | None = None) -> str:
    """Return one change as two lines: what and why, then the equation."""
    numbers = change.equation
    terms = "L {L} + M {M} + Bk {Bk} - B {B} - Tk {Tk} - u {u} - U {U}".format_map(numbers)
    left = numbers["L"] + numbers["M"] + numbers["Bk"] - numbers["B"] - numbers["Tk"] - numbers["u"] - numbers["U"]
    result = f"{left}, so {numbers['target']}" if left != numbers["target"] else f"{left}"
    outcome = change.outcome.value if change.outcome else "on its way"
    return (
        f"{written_second(change.at)}  {change.before} -> {change.after}  {change.verdict} ({outcome}; "
        f"{change.job} run {change.run_id}{_asked(asked)}, write {change.seq})\n"
        f"    {terms} = {result}; drift {numbers['drift']}; {change.reference}"
    )
