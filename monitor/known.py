"""What is on record about one alert at one moment, of now or of the past."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitor.decide import Hidden
from monitor.notice import Kind
from monitor.rules import Phase, Rule, Sample, State
from monitor.store.incidents import Incident
from monitor.store.judged import Place
from monitor.store.story import Change, Judging, Message
from monitor.store.verdicts import Decided


@dataclass(frozen=True, slots=True)
class Known:
    """All that is on record about one alert at the moment `at`.

    `rule` is None where alerts.yaml does not have it, `incident` the newest that had begun by then. `hidden` is what
    would keep it from being told, should it fire; `unreachable` says of channels why they cannot be used.
    """

    name: str
    at: datetime
    state: State
    rule: Rule | None = None
    places: Sequence[Place] = ()
    repeat: timedelta = timedelta(hours=4)
    judging: Judging | None = None
    samples: Mapping[str, Sample] | None = None
    changes: Sequence[Change] = ()
    incident: Incident | None = None
    decided: Sequence[Decided] = ()
    messages: Sequence[Message] = ()
    hidden: Hidden | None = None
    hidden_until: datetime | None = None
    unreachable: Mapping[str, str] | None = None
    file_read: bool = True  # alerts.yaml has no mistake at present

    @property
    def fires(self) -> bool:
        """Tell whether its newest incident has not ended."""
        return self.incident is not None and self.incident.resolved_at is None


def state_at(changes: Sequence[Change], at: datetime) -> State:
    """Return where a rule stood at a moment, by its changes on record, oldest first."""
    state = State()
    for change in changes:
        if change.at > at:
            break
        since = change.at if state.since is None else state.since
        state = State(change.after, None if change.after is Phase.OK else since, change.value)
    return state


def as_of(incident: Incident | None, at: datetime) -> Incident | None:
    """Return an incident as it was at a moment: what came later is not known of it."""
    if incident is None:
        return None
    if incident.resolved_at is not None and incident.resolved_at > at:
        incident = replace(incident, resolved_at=None)
    if incident.acknowledged_at is not None and incident.acknowledged_at > at:
        incident = replace(incident, acknowledged_at=None, acknowledged_by=None)
    return incident


def message_as_of(message: Message, at: datetime, *, ended: bool) -> Message:
    """Return a message as it was at a moment, as far as the record tells; `ended` tells whether its incident had ended.

    What was delivered later was waiting then; an end that stands in place of a beginning was that beginning.
    """
    if message.sent_at is None or message.sent_at <= at:
        return message
    before = {Kind.SUMMARY: Kind.FIRING, Kind.RESOLVED: Kind.REMINDER}
    kind = message.kind if ended else before.get(message.kind, message.kind)
    return replace(message, kind=kind, state="due", sent_at=None, next_at=None, proof="", error="", attempts=0)
