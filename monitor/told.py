"""Tells who was told what of an alert, whom it would reach, and why a place was told nothing, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from monitor.decide import Why
from monitor.known import Known
from monitor.notice import Arrival, FailureReason, Kind
from monitor.reach import reason
from monitor.store.judged import Place
from monitor.store.story import Message
from monitor.store.verdicts import Decided
from monitor.units import counted, written_duration, written_minute, written_second


def told(known: Known) -> Iterator[str]:
    """Yield a sentence for each place of its newest incident; where it does not fire, whom it would reach."""
    incident = known.incident
    if incident is not None:
        if incident.acknowledged_at is not None:
            yield f"{incident.acknowledged_by} acknowledged it at {written_minute(incident.acknowledged_at)}."
        for place in _places(known):
            yield from _told_place(known, place)
    if not known.fires:
        yield from _would_be_told(known)


def _places(known: Known) -> list[str]:
    """Return the places of an incident: those on record, then channels of the route that nothing was decided for."""
    on_record = {each.place for each in known.decided} | {each.place for each in known.messages}
    channels = {Place.named(name).channel for name in on_record}
    missing = [str(place) for place in known.places if known.fires and place.channel not in channels]
    return [*sorted(on_record), *missing]


def _told_place(known: Known, place: str) -> Iterator[str]:
    messages = [each for each in known.messages if each.place == place]
    last = next((each for each in reversed(known.decided) if each.place == place), None)
    delivered = [each for each in messages if each.delivered]
    said = [_delivered(delivered)] if delivered else []
    said += [_undelivered(each) for each in messages if not each.delivered]
    if last is not None and last.kind is None and (why := _why_not_more(known, place, last, delivered)):
        said.append(why)
    if not said:
        cause = (known.unreachable or {}).get(Place.named(place).channel)
        said = [f"it cannot be told: {cause}" if cause else "nothing was decided for it so far"]
    yield f"{place}: {'; '.join(said)}."


def _delivered(messages: Sequence[Message]) -> str:
    words = {
        Kind.FIRING: "told that it fires",
        Kind.REMINDER: "reminded",
        Kind.RESOLVED: "told of its end",
        Kind.SUMMARY: "told of its beginning and end at once",
        Kind.DIGEST: "told of it in a digest",
    }
    parts = []
    for kind in dict.fromkeys(each.kind for each in messages):
        some = [each for each in messages if each.kind is kind]
        times = "" if len(some) == 1 else f" {len(some)} times, last"
        parts.append(f"{words.get(kind, kind.value)}{times} at {written_second(some[-1].sent_at)}{_proof(some[-1])}")
    return ", ".join(parts)


def _proof(message: Message) -> str:
    twice = ", perhaps twice" if message.repeated else ""
    return f" (proof {message.proof}{twice}{_ARRIVED.get(message.arrival, '')})" if message.proof else ""


_ARRIVED = {
    Arrival.OPEN: "; whether it arrived is being asked for",
    Arrival.PROVED: ", arrived",
    Arrival.UNKNOWN: "; whether it arrived was never told",
}


_NOUNS = {
    Kind.FIRING: "the message that it fires",
    Kind.REMINDER: "a reminder",
    Kind.RESOLVED: "the message of its end",
    Kind.SUMMARY: "the message of its beginning and end",
}


def _undelivered(message: Message) -> str:
    noun = _NOUNS.get(message.kind, "a message")
    if message.arrival is Arrival.LOST:
        why = message.error.removeprefix(f"{FailureReason.LOST.value}: ")
        return f"{noun}, taken at {written_second(message.sent_at)}{_proof(message)}, did not arrive: {why}"
    what = f"{noun}, of {written_second(message.created_at)},"
    tried = f"after {counted(message.attempts, 'attempt')}"
    if not message.waits:
        return f"{what} was given up {tried}: {message.error or 'it was too old'}"
    if not message.error:
        return f"{what} is {'being sent' if message.state == 'sending' else 'about to be sent'}"
    again = "" if message.next_at is None else f", tried again at {written_second(message.next_at)}"
    return f"{what} has not arrived {tried} ({message.error}){again}"


def _why_not_more(known: Known, place: str, last: Decided, delivered: Sequence[Message]) -> str:
    """Say why a place is told nothing at present, "" where it is told by what was said already."""
    match last.why:
        case Why.WAITING | Why.ALREADY_ENDED | Why.LOST:
            return ""
        case Why.NOT_YET:
            told_at = max((each.sent_at for each in delivered if each.sent_at is not None), default=None)
            return "" if told_at is None else f"reminded next at {written_minute(told_at + known.repeat)}"
        case Why.STEP_NOT_YET:
            return _step_not_yet(known, place)
        case Why.ACKNOWLEDGED:
            by = f"{known.incident.acknowledged_by} acknowledged it" if known.incident is not None else "acknowledged"
            return f"no reminders, since {by}" if delivered else f"not told, since {by} before its turn came"
        case _:
            more = "nothing more is told" if delivered else "not told"
            return f"{more} since {written_minute(last.at)}: {reason(last.why, last.detail)}"


def _step_not_yet(known: Known, place: str) -> str:
    step = next((each.step for each in known.places if str(each) == place and each.step is not None), None)
    told_at = [each.created_at for each in known.messages]
    begun = min(told_at, default=None if known.incident is None else known.incident.opened_at)
    if step is None or begun is None:
        return "not told: its step of the escalation has not come"
    return f"told at {written_minute(begun + step)}, unless somebody acknowledges it by then"


def _would_be_told(known: Known) -> Iterator[str]:
    """Say who would be told, should it fire, and what would hide it."""
    if known.rule is None:
        return
    at_once = [str(each) for each in known.places if each.step is None]
    later = [f"{each} after {written_duration(each.step)}" for each in known.places if each.step is not None]
    if not known.places:
        yield "Should it fire, nobody is told: no route leads to a channel that is set up."
    else:
        whom = f"{', '.join(at_once) or 'nobody'} at once"
        steps = f", then {', '.join(later)} unless somebody acknowledges it" if later else ""
        yield f"Should it fire: {whom}{steps}."
    for channel, cause in (known.unreachable or {}).items():
        yield f"{channel} cannot be told: {cause}."
    if known.hidden is not None:
        until = f", until {written_minute(known.hidden_until)}" if known.hidden_until is not None else ""
        yield f"At this time it would not be told{until}: {reason(known.hidden.why, known.hidden.by)}."
