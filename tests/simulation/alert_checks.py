"""Whether people were told: every alert's beginning and end, on every channel, once, and repeats marked as such.

What was told is read from the pretend inboxes; what should have been, from the record of incidents.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from sandbox.messages.mail import Mailbox
from sandbox.messages.slack import SlackWorkspace
from sandbox.world import World
from tests.simulation.ledger_checks import Record
from tests.simulation.stock_checks import Accuse

_MARK = "possible repeat"
_NO_INCIDENT = ("digest", "test")
_HIDDEN = """SELECT DISTINCT incident_id, channel FROM verdicts
             WHERE why IN ('silenced', 'maintenance', 'outside_hours', 'depends_on', 'damped')"""
_TOLD_FIRST = ("firing", "summary")
_TOLD_LAST = ("resolved", "summary")


@dataclass(frozen=True, slots=True)
class Arrived:
    """A message as it arrived."""

    channel: str
    identity: str
    incident: str
    kind: str
    marked: bool


class Inboxes(Protocol):
    """Where messages arrive."""

    @property
    def slack(self) -> SlackWorkspace: ...
    @property
    def mail(self) -> Mailbox: ...


def arrived(world: Inboxes) -> list[Arrived]:
    """Return all messages with an identity; text messages have none."""
    found = []
    for message in world.slack.messages:
        for place, content in enumerate(message.versions):
            about = (content.metadata or {}).get("event_payload", {})
            if place == 0:  # an edit repeats what its answer in the thread says
                marked = _MARK in str(content.text) + str(content.blocks)
                told = zip(about["incident"].split(","), about["kind"].split(","), strict=True)
                found += [Arrived("slack", about["identity"], incident, kind, marked) for incident, kind in told]
    for mail in world.mail.messages:
        incidents = str(mail.message["X-Lightspeed-Sync-Incident"]).split(",")
        kinds = str(mail.message["X-Lightspeed-Sync-Kind"]).split(",")
        identity = str(mail.message["Message-ID"]).strip("<>").partition("@")[0]
        marked = _MARK in str(mail.message["Subject"])
        told = zip(incidents, kinds, strict=True)
        found += [Arrived("email", identity, incident.strip(), kind.strip(), marked) for incident, kind in told]
    return found


class AlertChecks:
    """Looks at the inboxes; `settled` when everything that was to be told must have arrived."""

    def __init__(self, world: World, record: Record, accuse: Accuse) -> None:
        self._world = world
        self._record = record
        self._accuse = accuse

    def look(self) -> None:
        """Check what must hold at any moment: repeats are marked."""
        times: dict[tuple[str, str], list[Arrived]] = defaultdict(list)
        for one in arrived(self._world):
            times[one.channel, f"{one.identity} of {one.incident}"].append(one)
        for (channel, identity), copies in times.items():
            unmarked = sum(not copy.marked for copy in copies)
            if unmarked > 1:  # the first one sent may arrive last
                self._accuse("12 repeats are marked", f"{channel} got {identity} {unmarked} times without a mark")

    def settled(self, routes: Mapping[str, Sequence[str]]) -> None:
        """Check what must hold once all services work again and some time has passed: nothing was lost."""
        self.look()
        told: dict[tuple[str, str], list[str]] = defaultdict(list)
        for one in arrived(self._world):
            told[one.channel, one.incident].append(one.kind)
        names = {str(key): name for key, name in self._record.rows("SELECT id, rule FROM incidents")}
        unknown = {incident for _, incident in told} - set(self._incidents()) - set(_NO_INCIDENT)
        if unknown:
            self._accuse("12 no alert from nothing", f"told of incidents {sorted(unknown)}, which no record has")
        hidden = {(channel, str(incident)) for incident, channel in self._record.rows(_HIDDEN)}
        for incident, (_, over) in self._incidents().items():
            name = names.get(incident.rpartition("-")[2], incident)
            for channel in routes.get(name, ()):
                unseen = over and not told[channel, incident] and (channel, incident) in hidden
                if channel != "sms" and not unseen:
                    self._told(channel, incident, name, told[channel, incident], over=over)

    def _told(self, channel: str, incident: str, name: str, kinds: Sequence[str], *, over: bool) -> None:
        first = [place for place, kind in enumerate(kinds) if kind in _TOLD_FIRST]
        last = [place for place, kind in enumerate(kinds) if kind in _TOLD_LAST]
        if not over and not first:
            self._accuse("12 no alert is lost", f"{channel} never heard that {name} ({incident}) is firing")
        if over and not last and (first or kinds):
            self._accuse("12 no alert is lost", f"{channel} never heard that {name} ({incident}) is over")
        if over and not kinds:
            self._accuse("12 no alert is lost", f"{channel} heard nothing of {name} ({incident})")
        if first and last and min(last) < min(first):
            self._accuse("12 firing before resolved", f"{channel} heard of the end of {name} ({incident}) first")

    def _incidents(self) -> dict[str, tuple[str, bool]]:
        query = "SELECT id, severity, resolved_at IS NOT NULL FROM incidents"
        return {str(key): (severity, bool(over)) for key, severity, over in self._record.rows(query)}
