"""The monitor's records, each method one transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from monitor.digest import Ended
from monitor.facts import Backlog
from monitor.hiding import Matcher, Silence, Window
from monitor.notice import Arrival, FailureReason, Item, Notice, Receipt
from monitor.rules import State
from monitor.store import arrivals, digests, earlier, fallback, handling, incidents, messages, people, verdicts
from monitor.store.arrivals import FIRST_ASKED, Question
from monitor.store.history import history, record_evaluation
from monitor.store.incidents import Incident
from monitor.store.judged import Judged, Place
from monitor.store.messages import Claim, Terms
from monitor.store.people import Deed
from monitor.store.story import Change, Judging, Message, changes_of, judging_at, judgings, messages_about, waiting_for
from monitor.store.tell import Telling, Told
from monitor.store.verdicts import Decided
from sync.storage.database import Database
from sync.storage.tables import meta

_LONGEST_ERROR = 500


class Store:
    """The monitor's records over the shared database; each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def touch(self) -> None:
        """Write to the database without changing anything; raises SyncError where it cannot be written to."""
        same = sa.update(meta).values(value=meta.c.value)
        await self._database.write(lambda connection: connection.execute(same).rowcount)

    # --- rules ---
    async def states(self) -> Mapping[str, State]:
        """Return the kept state of every rule that has one, those no longer in the file too."""
        return await self._database.read(incidents.states)

    async def record(
        self,
        judged: Sequence[Judged],
        windows: Sequence[Window],
        telling: Telling,
        values: Mapping[str, float | None],
        now: datetime,
    ) -> Sequence[Told]:
        """Keep what an evaluation found, with its incidents and messages; return what was decided to tell.

        `windows` are the maintenance windows that are open, `values` what the signals were, for the history.
        """

        def keep(connection: Connection) -> Sequence[Told]:
            record_evaluation(connection, values, now)
            told = incidents.record(connection, judged, telling, now)
            return [*told, *digests.turn_windows(connection, windows, telling, now)]

        return await self._database.write(keep)

    async def history(
        self, since: datetime, signals: Collection[str]
    ) -> Mapping[str, Sequence[tuple[datetime, float | None]]]:
        """Return what these signals were at each judging from `since` on, oldest first; None: there was no number."""
        return await self._database.read(lambda connection: history(connection, since, signals))

    async def open_incidents(self) -> Sequence[Incident]:
        """Return the alerts that are firing, oldest first."""
        return await self._database.read(incidents.firing)

    async def latest_incidents(self, limit: int = 20) -> Sequence[Incident]:
        """Return the latest incidents, newest first."""
        return await self._database.read(lambda connection: incidents.latest(connection, limit))

    async def incident_of(self, alert: str, until: datetime) -> Incident | None:
        """Return the newest incident of an alert that had begun at a moment."""
        return await self._database.read(lambda connection: incidents.of_alert(connection, alert, until))

    async def judging_at(self, at: datetime) -> Judging | None:
        """Return what the signals were at the last judging at or before a moment."""
        return await self._database.read(lambda connection: judging_at(connection, at))

    async def judgings(self, since: datetime, signals: Collection[str]) -> Sequence[Judging]:
        """Return the judgings from a moment on, oldest first, with these signals of each."""
        return await self._database.read(lambda connection: judgings(connection, since, signals))

    async def changes_of(self, alert: str, until: datetime, limit: int = 50) -> Sequence[Change]:
        """Return the last changes of a rule's phase up to a moment, oldest first."""
        return await self._database.read(lambda connection: changes_of(connection, alert, until, limit))

    # --- digests ---
    async def day_due(self, due: datetime) -> bool:
        """Tell whether no digest was told since it was last due; the first time, begin to count instead."""

        def look(connection: Connection) -> bool:
            told = digests.last_told(connection)
            if told is None:
                digests.mark(connection, due)
            return told is not None and told < due

        return await self._database.write(look)

    async def incidents_since(self, since: datetime) -> Sequence[Ended]:
        """Return the incidents that fired at any time since a moment, oldest first."""
        return await self._database.read(lambda connection: digests.of_day(connection, since))

    async def sent_since(self, since: datetime) -> Mapping[str, int]:
        """Return how many messages each channel has taken since a moment."""
        return await self._database.read(lambda connection: digests.sent_since(connection, since))

    async def tell_day(self, channels: Sequence[str], notice: Notice, due: datetime) -> None:
        """Write the digest of a day to channels, once for the moment at which it was due."""

        def tell(connection: Connection) -> None:
            digests.tell(connection, channels, notice, notice.at)
            digests.mark(connection, due)

        await self._database.write(tell)

    # --- people ---
    async def silence(self, wanted: Silence) -> Silence:
        """Keep a new silence; return it with its id."""
        return await self._database.write(lambda connection: people.silence(connection, wanted))

    async def lift(self, silence_id: int, who: str, now: datetime) -> Silence | None:
        """End a silence; None where it does not stand."""
        return await self._database.write(lambda connection: people.lift(connection, silence_id, who, now))

    async def standing_silences(self, now: datetime) -> Sequence[Silence]:
        """Return the silences that hide something now or will, oldest first."""
        return await self._database.read(lambda connection: people.standing_silences(connection, now))

    async def latest_silences(self, limit: int = 20) -> Sequence[Silence]:
        """Return the latest silences, ended ones too, newest first."""
        return await self._database.read(lambda connection: people.latest_silences(connection, limit))

    async def acknowledge(self, alert: str, who: str, now: datetime) -> int | None:
        """Acknowledge an alert that fires; return its incident, None where nothing fires or somebody did before."""
        return await self._database.write(lambda connection: people.acknowledge(connection, alert, who, now))

    async def concerned(self, matcher: Matcher) -> Sequence[int]:
        """Return the incidents that have not ended and that a silence is about."""
        return await self._database.read(lambda connection: handling.concerned(connection, matcher))

    async def handled(self, now: datetime) -> Sequence[int]:
        """Return the incidents that have not ended and that people have done anything about."""
        return await self._database.read(lambda connection: handling.handled(connection, now))

    async def shown(self, channel: str, incident_id: int, now: datetime) -> Item | None:
        """Return what a channel was told last of an incident, with what people have done by now; None: nothing."""
        return await self._database.read(lambda connection: earlier.shown(connection, channel, incident_id, now))

    async def note(self, deed: Deed) -> None:
        """Add to the trail of what people did."""
        await self._database.write(lambda connection: people.record(connection, deed))

    async def trail(self, limit: int = 50) -> Sequence[Deed]:
        """Return what people did about alerts, newest first."""
        return await self._database.read(lambda connection: people.trail(connection, limit))

    async def verdicts(self, incident_id: int) -> Sequence[Decided]:
        """Return what was decided to tell of an incident, and what not, oldest first."""
        return await self._database.read(lambda connection: verdicts.of_incident(connection, incident_id))

    async def messages(self, incident_id: int) -> Sequence[Message]:
        """Return every message about an incident with what became of it, oldest first."""
        return await self._database.read(lambda connection: messages_about(connection, incident_id))

    async def waiting_for(self, channel: str) -> tuple[int, str]:
        """Return how many messages wait for a channel, and what the newest of them that was tried met with."""
        return await self._database.read(lambda connection: waiting_for(connection, channel))

    # --- messages ---
    async def recover(self, channels: Mapping[str, Collection[str]], now: datetime) -> int:
        """After a start: what was being sent is in doubt, what is for nobody we have is given up.

        `channels` names the recipients of each. Returns how many messages are in doubt.
        """
        return await self._database.write(lambda connection: messages.recover(connection, channels, now))

    async def give_up_strangers(self, channels: Mapping[str, Collection[str]]) -> None:
        """Give up what waits for nobody of `channels`, which names the recipients of each."""
        await self._database.write(lambda connection: messages.give_up_strangers(connection, channels))

    async def enqueue(self, notices: Sequence[tuple[Place, Notice]], now: datetime) -> None:
        """Write messages about no incident, such as tests."""

        def add(connection: Connection) -> None:
            for place, notice in notices:
                messages.insert(connection, None, place, notice, now)

        await self._database.write(add)

    async def claim(self, channel: str, terms: Terms, now: datetime) -> Claim | None:
        """Return what is due next on a channel to one recipient, as ours to send as one message until the lease ends.

        Messages of one incident to one recipient keep their order; those of different incidents do not wait for each
        other.
        """
        return await self._database.write(lambda connection: messages.claim(connection, channel, terms, now))

    async def held(self, channel: str, now: datetime) -> datetime | None:
        """Return until when the service of a channel asked to be left alone; None where that has passed."""
        return await self._database.read(lambda connection: messages.held(connection, channel, now))

    async def fall_back(self, channel: str, to: Sequence[Place], after: timedelta, now: datetime) -> int:
        """Write to `to` what a channel has refused, or not taken within `after`; return how many messages."""
        if not await self._database.read(lambda connection: fallback.wanted(connection, channel, after, now)):
            return 0
        return await self._database.write(lambda connection: fallback.fall_back(connection, channel, to, after, now))

    async def standing(self, channel: str) -> Sequence[Notice]:
        """Return what a channel was told last of each alert that fires."""
        return await self._database.read(lambda connection: earlier.standing(connection, channel))

    async def next_fallback(self, channel: str, after: timedelta, now: datetime) -> datetime | None:
        """Return when the next message that waits on a channel will have waited for longer than `after`."""
        return await self._database.read(lambda connection: fallback.next_fallback(connection, channel, after, now))

    async def delivered(self, claim: Claim, receipt: Receipt, now: datetime) -> bool:
        """Keep the proof of a delivery, and let wait no longer what waits for the same way; False: no longer ours."""
        ask_at = now + FIRST_ASKED if receipt.arrival is Arrival.OPEN else None
        values = {"state": "done", "sent_at": now, "external": asdict(receipt), "next_at": ask_at, "lease_until": None}

        def keep(connection: Connection) -> bool:
            ours = messages.close(connection, claim, values)
            if ours:
                messages.release(connection, claim, now)
            return ours

        return await self._database.write(keep)

    async def undelivered(
        self, claim: Claim, reason: FailureReason, detail: str, next_at: datetime, now: datetime
    ) -> bool:
        """Keep why an attempt failed and when the next is due."""
        ambiguous = reason is FailureReason.AMBIGUOUS
        values = {
            **({"sent_at": now} if ambiguous else {}),
            "state": "ambiguous" if ambiguous else "due",
            "next_at": next_at,
            "lease_until": None,
            "last_error": f"{reason.value}: {detail}"[:_LONGEST_ERROR],
        }

        def keep(connection: Connection) -> bool:
            ours = messages.close(connection, claim, values)
            if ours and not ambiguous:
                messages.disband(connection, claim)
            return ours

        return await self._database.write(keep)

    # --- what became of those that were taken ---
    async def questions(self, channel: str, recipients: Sequence[str], since: datetime) -> Sequence[Question]:
        """Return what a channel took for these recipients since then and has yet to tell the fate of, oldest first."""
        return await self._database.read(lambda connection: arrivals.questions(connection, channel, recipients, since))

    async def ask_again(self, question: Question, at: datetime) -> None:
        """Let a message be asked for later."""
        await self._database.write(lambda connection: arrivals.ask_again(connection, question, at))

    async def settle(self, question: Question, arrival: Arrival) -> None:
        """Keep what is known of a message's arrival, and ask for it no more."""
        await self._database.write(lambda connection: arrivals.settle(connection, question, arrival))

    async def lose(self, question: Question, why: str, to: Sequence[Place], now: datetime) -> int:
        """Keep that a message did not arrive, and write to `to` what it said; return how many messages that made."""
        return await self._database.write(lambda connection: arrivals.lose(connection, question, why, to, now))

    # --- too old, or too far ahead ---
    async def expire(self, before: datetime, ends_before: datetime, channels: Mapping[str, Collection[str]]) -> int:
        """Give up messages written before a moment, ends of alerts before another; return how many.

        The first message of an alert that still fires is never given up.

        What waits for nobody of `channels` is given up too, however new: a channel that is gone hears no end.
        """

        def give_up(connection: Connection) -> int:
            messages.give_up_strangers(connection, channels)
            return messages.expire(connection, before, ends_before)

        return await self._database.write(give_up)

    async def hasten(self, furthest: Mapping[str, timedelta], now: datetime) -> int:
        """Make due what waits for longer than its channel ever lets wait: the clock was set back. Return how many."""
        return await self._database.write(lambda connection: messages.hasten(connection, furthest, now))

    async def next_due(self, channel: str) -> datetime | None:
        """Return when the next message of a channel is due, or its lease ends."""
        return await self._database.read(lambda connection: messages.next_due(connection, channel))

    async def backlog(self) -> Backlog:
        """Return what waits to be delivered, and what was given up."""
        return await self._database.read(messages.backlog)
