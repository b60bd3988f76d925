"""Tells how far the word of an alert got: which places know of it, and why the others do not, in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from monitor.decide import Hidden, Why
from monitor.notice import Arrival, FailureReason
from monitor.store import Incident, Store
from monitor.store.story import Message
from monitor.store.verdicts import Decided, hid
from monitor.units import counted


@dataclass(frozen=True, slots=True)
class Reach:
    """How far the word of an incident got at one place: what was decided there last, and its newest message."""

    place: str
    decided: Decided | None
    message: Message | None
    told_at: datetime | None  # when the place last took a message about it

    @property
    def known(self) -> bool:
        """Tell whether the place knows how it stands: it took a message, and none is on its way."""
        return self.told_at is not None and not (self.message is not None and self.message.waits)

    @property
    def words(self) -> str:
        """Say it in words."""
        if self.message is not None and self.message.waits:
            return _waiting(self.message)
        if self.message is not None and self.message.arrival is Arrival.LOST:
            return f"not reached: {self.message.error.removeprefix(f'{FailureReason.LOST.value}: ')}"
        if self.told_at is not None:
            return "told"
        if self.message is not None:
            return f"given up: {self.message.error or 'too old'}"
        return "not told" if self.decided is None else f"not told: {reason(self.decided.why, self.decided.detail)}"


@dataclass(frozen=True, slots=True)
class Firing:
    """An alert that fires, with how far its word got."""

    incident: Incident
    reaches: Sequence[Reach]

    @property
    def hidden(self) -> Hidden | None:
        """Return what hides it at present, if anything does."""
        return next((found for each in self.reaches if (found := hid(each.decided)) is not None), None)

    @property
    def data(self) -> dict[str, Any]:
        """Return it for programs: the incident, what hides it, and how far its word got at each place."""
        hidden = self.hidden
        return {
            **asdict(self.incident),
            "hidden": None if hidden is None else {"why": hidden.why.name.lower(), "by": hidden.by},
            "told": [{"place": each.place, "told_at": each.told_at, "words": each.words} for each in self.reaches],
        }

    @property
    def words(self) -> str:
        """Say in one line who knows of it, and why others do not."""
        if not self.reaches:
            return "nobody: no channel of its route is set up"
        known = ", ".join(each.place for each in self.reaches if each.known)
        said: dict[str, list[str]] = {}
        for each in self.reaches:
            if not each.known:
                said.setdefault(each.words, []).append(each.place)
        return "; ".join([known or "nobody", *(f"{', '.join(places)} {words}" for words, places in said.items())])


def reached(incident: Incident, decided: Sequence[Decided], messages: Sequence[Message]) -> Firing:
    """Return how far the word of an incident got, from all that was decided and written about it, oldest first."""
    last = {each.place: each for each in decided}
    newest = {each.place: each for each in messages}
    told = {each.place: each.sent_at for each in messages if each.delivered}
    places = sorted({*last, *newest})
    return Firing(incident, [Reach(name, last.get(name), newest.get(name), told.get(name)) for name in places])


async def firing(store: Store) -> Sequence[Firing]:
    """Return what fires, oldest first, each with how far its word got."""
    return [
        reached(each, await store.verdicts(each.id), await store.messages(each.id))
        for each in await store.open_incidents()
    ]


def reason(why: Why, by: str) -> str:
    """Say why something was decided; what hides an alert, `by`, names itself."""
    if not by:
        return why.value
    match why:
        case Why.SILENCED:
            return f"hidden by {by}"
        case Why.MAINTENANCE:
            return f"hidden by the maintenance window {by!r}; the digest at its end tells of it"
        case Why.OUTSIDE_HOURS:
            return f"it is told within the business hours {by!r} only"
        case Why.DEPENDS_ON:
            return f"it may follow from {by}, which fires or is about to"
        case _:
            return f"{why.value} ({by})"


def _waiting(message: Message) -> str:
    if not message.error:
        return "being told" if message.state == "sending" else "about to be told"
    return f"not reached yet, after {counted(message.attempts, 'attempt')}: {message.error}"
