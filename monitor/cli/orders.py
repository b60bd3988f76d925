"""`orders`: how online orders are booked into Lightspeed, the story of each, and a person's word on those that wait."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from monitor.asked import CloseOrder, RetryOrder
from monitor.asking import ask
from monitor.cli.common import Exit, complain, here, person, rows, run, say, say_json, show_table, usage
from monitor.cli.reading import opened_state
from monitor.door import daemon_runs
from monitor.units import counted, did_you_mean, shown, written_second
from sync.booking import Charge, Need, OrderStory, Step, StoryLine, amount, next_step
from sync.errors import Code, Permanent
from sync.order_desk import Retried
from sync.order_records import FOR_A_PERSON, DocumentState, OrderEntry, OrderEvent, OrderState, Posting
from sync.settings import Settings
from sync.storage.order_book import SqlBookings

if TYPE_CHECKING:
    from monitor.alerts_model import AlertsFile

DEAD = (OrderState.DEAD,)

WORDS: Mapping[OrderState, str] = {
    OrderState.SEEN: "waits to be booked",
    OrderState.VALID: "waits for another try",
    OrderState.INTENT: "is being booked",
    OrderState.UNKNOWN: "sent, without an answer so far",
    OrderState.POSTED: "booked",
    OrderState.PARKED: "waits for a person",
    OrderState.CANCELLED: "cancelled before it was booked",
    OrderState.DEAD: "cannot be understood, waits for a person",
    OrderState.EXEMPT: "never booked by us",
    OrderState.CLOSED: "closed by a person",
}
_DOCUMENTS: Mapping[DocumentState, str] = {
    DocumentState.INTENT: "about to be sent",
    DocumentState.SENT: "sent, without an answer so far",
    DocumentState.OPEN: "open, not completed yet",
    DocumentState.COMPLETING: "being completed",
    DocumentState.POSTED: "completed",
    DocumentState.ABANDONED: "given up",
    DocumentState.VOIDED: "voided in Lightspeed",
}
_UNFINISHED = (DocumentState.INTENT, DocumentState.SENT, DocumentState.OPEN, DocumentState.COMPLETING)


def states_of(words: Sequence[str]) -> Sequence[OrderState]:
    """Return the states that a person names, as we do or as the list shows them; ends the program where one is none."""
    known = {name: state for state in OrderState for name in (WORDS[state], state.value)}
    for word in words:
        if word.strip().lower() not in known:
            raise usage(f"There is no state {shown(word)}; {did_you_mean(word, list(OrderState))}.")
    return [known[word.strip().lower()] for word in words]


def standing_of(entry: OrderEntry) -> str:
    """Return in words where an order stands."""
    if entry.state is OrderState.POSTED and entry.cancelled:
        return f"{WORDS[entry.state]}; cancelled in Shopify"
    return WORDS[entry.state]


# --- the list ---


def show_list(settings: Settings, states: Sequence[OrderState], limit: int, *, json: bool) -> Exit:
    """List orders in some states, or all."""

    async def look() -> Sequence[OrderEntry]:
        async with opened_state(settings) as database:
            return await SqlBookings(database).orders(states, limit + 1)

    found = run(look)
    if json:
        say_json([_plain(each) for each in found[:limit]])
        return Exit.DONE
    if not found:
        named = " or ".join(f"{state.value} ({WORDS[state]})" for state in states)
        say(f"No order is {named}." if states else "No order so far.")
        return Exit.DONE
    names = ("order", "state", "waits since", "amount", "references", "reason")
    show_table(names, [_row(each) for each in found[:limit]])
    if len(found) > limit:
        newest = "the newest order is" if limit == 1 else f"the newest {limit} orders are"
        complain(f"Only {newest} shown; --limit shows more.")
    if any(each.state in FOR_A_PERSON for each in found[:limit]):
        say("", "What each needs:   lightspeed-sync orders show NAME")
    return Exit.DONE


def _row(each: OrderEntry) -> tuple[object, ...]:
    references = ", ".join(each.references)
    return each.name, standing_of(each), _moment(each.since), _worth(each), references, reason(each)


def _worth(entry: OrderEntry) -> str:
    return "unknown" if entry.net is None else f"{amount(entry.net)} {entry.currency}".strip()


def reason(each: OrderEntry) -> str:
    """Return why an order stands where it does, with its code."""
    return " ".join(f"{each.code.name if each.code else ''} {each.detail}".split())


def _plain(each: OrderEntry) -> dict[str, Any]:
    return asdict(each) | {"since": each.since}


def _moment(moment: datetime | None) -> str:
    return written_second(moment)


# --- one order ---


@dataclass(frozen=True, slots=True)
class Told:
    """Everything that the ledger knows of one order."""

    entry: OrderEntry
    story: OrderStory
    documents: Sequence[Posting]
    events: Sequence[OrderEvent]


@dataclass(frozen=True, slots=True)
class Next:
    """What an order needs next, in words; with a code where a person has to do something."""

    words: str
    code: Code | None = None

    @property
    def remedy(self) -> str:
        """Return what a person can do, "" where nothing has to be done."""
        return self.code.remedy if self.code else ""


def show(settings: Settings, name: str, *, json: bool) -> Exit:
    """Tell the story of one order."""
    from sync.app_settings import booking_items

    async def look() -> Told:
        async with opened_state(settings) as database:
            bookings = SqlBookings(database)
            order_id = await bookings.find_order(name)
            if order_id is None:
                raise Permanent(Code.OR011, name)
            return Told(
                entry=await bookings.order(order_id),
                story=await bookings.story(order_id),
                documents=await bookings.documents(order_id),
                events=await bookings.order_events(order_id),
            )

    told = run(look)
    needs = needed(told, next_step(told.story, booking_items(settings)), off=not settings.books_orders)
    if json:
        say_json(_story_data(told, needs))
    else:
        _tell(told, needs)
    return Exit.DONE


def needed(told: Told, step: Step, *, off: bool) -> Next:
    """Return what an order needs next; `off`: booking is not set up at all."""
    entry = told.entry
    then = _step_words(step)
    if entry.state is OrderState.CLOSED:
        return Next("nothing: a person has closed it")
    if entry.state in FOR_A_PERSON:
        return Next(f"a person: {reason(entry)}" + (f" Then: {then}" if step.document else ""), entry.code)
    if off and step.need not in (Need.NOTHING, Need.CANCELLED, Need.EXEMPT):
        return Next(f"{then}; but booking is not set up", Code.OR009)
    for posting in told.documents:
        if posting.state in _UNFINISHED:
            return Next(f"{posting.document.reference} to be finished: {_DOCUMENTS[posting.state]}")
    return Next(then, step.code)


def _step_words(step: Step) -> str:
    if step.document is not None:
        return f"{step.document.reference}: {step.document.summary}"
    if step.code is not None:
        return f"{step.need.value}: {step.code.name} {step.detail}"
    return f"nothing: {step.need.value}"


def _booked(story: OrderStory, line_id: str) -> int:
    """Return the units of a line in completed sales, reversals taken off."""
    return sum(each.units for each in story.booked if each.charge is Charge.GOODS and each.line_id == line_id)


def _tell(told: Told, needs: Next) -> None:
    entry, story = told.entry, told.story
    rows(
        {
            "order": f"{entry.name} ({entry.order_id})",
            "state": standing_of(entry) + (f" since {_moment(entry.since)}" if entry.since else ""),
            "placed": _moment(entry.created_at),
            "worth now": _worth(entry),
            "needs": needs.words,
        }
    )
    if needs.remedy:
        say(f"       {needs.remedy}")
    say("")
    show_table(("SKU", "ordered", "put back", "booked", "money", ""), [_line_row(story, each) for each in story.lines])
    if told.documents:
        say("")
        show_table(("reference", "state", "sale", "total", "lines"), [_document_row(each) for each in told.documents])
    if told.events:
        say("")
        show_table(("when", "event", ""), [(_moment(each.at), each.event, each.detail) for each in told.events])


def _line_row(story: OrderStory, line: StoryLine) -> tuple[object, ...]:
    what = "gift card" if line.gift_card else "" if line.item_id else "not linked"
    booked = _booked(story, line.line_id)
    return line.sku or "(no SKU)", line.placed, line.restocked, booked, amount(line.cents), what


def _document_row(posting: Posting) -> tuple[object, ...]:
    document = posting.document
    lines = ", ".join(f"{line.units:+d} {line.charge.value} {amount(line.cents)}" for line in document.lines)
    return document.reference, _DOCUMENTS[posting.state], posting.sale_id or "", amount(document.total), lines


def _story_data(told: Told, needs: Next) -> dict[str, Any]:
    """Return an order's story for programs; money in cents."""
    lines = [asdict(line) | {"booked": _booked(told.story, line.line_id)} for line in told.story.lines]
    documents = [
        {
            "reference": each.document.reference,
            "state": each.state,
            "sale_id": each.sale_id,
            "total": each.document.total,
            "lines": [asdict(line) for line in each.document.lines],
        }
        for each in told.documents
    ]
    return {
        "order": _plain(told.entry),
        "money": asdict(told.story.money) if told.story.money else None,
        "lines": lines,
        "documents": documents,
        "events": [asdict(each) for each in told.events],
        "next": {"needs": needs.words, "code": needs.code, "remedy": needs.remedy},
    }


# --- a person's word ---


def retry(settings: Settings, content: AlertsFile, names: Sequence[str], *, json: bool) -> Exit:
    """Let orders be looked at again, through the running daemon or here; no name: all that wait for a person."""
    order = RetryOrder(names=tuple(names), by=person())

    async def act() -> Sequence[Retried]:
        answer = await ask(settings.state_dir, "retry_orders", order)
        if answer is not None:
            return [
                Retried(**each | {"state": each["state"] and OrderState(each["state"])}) for each in answer["orders"]
            ]
        async with here(settings, content) as shop:
            return await shop.actions.retry_orders(order)

    found = run(act)
    if json:
        say_json([{"name": each.name, "state": each.state, "retried": each.taken} for each in found])
    else:
        when = "it is looked at now" if daemon_runs(settings.state_dir) else "the daemon looks at it when it runs"
        for line in _answers(found, when):
            say(line)
    return Exit.DONE if all(each.taken for each in found) else Exit.WRONG


def _answers(found: Sequence[Retried], when: str) -> Iterator[str]:
    if not found:
        yield "No order waits for a person."
    for each in found:
        if each.state is None:
            yield f"{each.name}: {Code.OR011.sentence}"
        elif each.undone:
            yield f"{each.name}: its sale was voided in Lightspeed, so it is booked again only where you name it."
        elif each.taken:
            yield f"{each.name}: {when}."
        else:
            yield f"{each.name}: {WORDS[each.state]}; there is nothing to try again."
    if len(found) > 1:
        yield f"{counted(sum(each.taken for each in found), 'order')} of {len(found)} to be looked at again."


def close(settings: Settings, content: AlertsFile, name: str, sale_id: str | None, *, anyway: bool, json: bool) -> Exit:
    """Take an order out of our hands, through the running daemon or here."""
    order = CloseOrder(name=name, sale_id=sale_id, by=person(), anyway=anyway)

    async def act() -> Mapping[str, Any]:
        answer = await ask(settings.state_dir, "close_order", order)
        if answer is not None:
            return dict(answer)
        async with here(settings, content) as shop:
            return asdict(await shop.actions.close_order(order))

    closed = run(act)
    if json:
        say_json(closed)
        return Exit.DONE
    if sale_id is None:
        say(f"{closed['name']} is closed: never booked. What it took stays taken until Shopify puts it back.")
        return Exit.DONE
    say(f"{closed['name']} is closed: booked by sale {sale_id}.")
    if not closed["looked_up"]:
        complain(f"Lightspeed could not be asked whether there is a sale {sale_id}; look yourself.")
    return Exit.DONE
