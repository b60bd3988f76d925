"""What people do about alerts: acknowledge, silence, lift; each by somebody, kept before anything follows from it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from datetime import timedelta

import structlog

from monitor.asked import Acknowledged, AcknowledgeOrder, LiftOrder, SilenceOrder
from monitor.hiding import Matcher, Silence, Subject
from monitor.rules import Phase
from monitor.store import Incident, Store
from monitor.units import did_you_mean, written_duration, written_minute
from sync.clock import Clock
from sync.errors import Code, Permanent

log = structlog.get_logger()

LONGEST_SILENCE = timedelta(days=30)


class AlertDesk:
    """Takes people's words about alerts.

    `subjects` are the alerts there are; `judge` lets the rules be judged anew, `show` has messages about incidents
    edited.
    """

    def __init__(
        self,
        store: Store,
        subjects: Callable[[], Collection[Subject]],
        clock: Clock,
        judge: Callable[[], Awaitable[object]] | None = None,
        show: Callable[[Collection[int]], None] | None = None,
    ) -> None:
        self._store = store
        self._subjects = subjects
        self._clock = clock
        self._judge = judge
        self._show = show

    async def acknowledge(self, order: AcknowledgeOrder) -> Mapping[str, Acknowledged]:
        """Acknowledge alerts; return those that somebody had acknowledged before, with who and when.

        Raises Permanent, and acknowledges none, where one of them is unknown (NT003) or does not fire (NT006).
        """
        await self._refuse_ended(order.incident)
        firing = await self._store.open_incidents()
        quiet = [name for name in order.alerts if name not in {each.alert for each in firing}]
        self._refuse_unknown(quiet)
        if quiet:
            raise Permanent(Code.NT006, f"({await self._why_quiet(quiet[0], firing)})")
        now = self._clock.now()
        before = [name for name in order.alerts if await self._store.acknowledge(name, order.by, now) is None]
        log.info("alert.acknowledged", alerts=order.alerts, by=order.by)
        await self._follow([each.id for each in firing if each.alert in order.alerts])
        return dict(_acknowledged(await self._store.open_incidents(), before))

    async def _why_quiet(self, name: str, firing: Collection[Incident]) -> str:
        """Say how an alert stands that does not fire, and which do."""
        state = (await self._store.states()).get(name)
        about_to = ""
        if state is not None and state.phase is Phase.PENDING and state.since is not None:
            about_to = f" is about to: its condition has held since {written_minute(state.since)}"
        fires = f"firing are {', '.join(each.alert for each in firing)}" if firing else "nothing fires"
        return f"{name}{about_to}; {fires}"

    async def silence(self, order: SilenceOrder) -> Silence:
        """Silence alerts from now on.

        Raises Permanent: NT003 for an unknown name, NT004 without a reason or an end, NT006 for an incident that is
        over, NT008 where no alert could ever be hidden by it.
        """
        await self._refuse_ended(order.incident)
        self._refuse_unknown(order.alerts)
        _refuse_incomplete(order)
        matcher = Matcher(order.alerts, order.labels, order.severity)
        self._refuse_empty(matcher)
        now = self._clock.now()
        kept = await self._store.silence(
            Silence(
                id=0,
                matcher=matcher,
                author=order.by,
                reason=order.reason.strip(),
                created_at=now,
                starts_at=now,
                ends_at=now + order.length,
                until_resolved=order.until_resolved,
            )
        )
        log.info("alert.silenced", silence=kept.id, alerts=order.alerts, until=kept.ends_at.isoformat(), by=order.by)
        await self._follow(await self._store.concerned(kept.matcher))
        return kept

    async def lift(self, order: LiftOrder) -> Silence:
        """End a silence; raises Permanent (NT007) where it does not stand. What fires still is told."""
        now = self._clock.now()
        lifted = await self._store.lift(order.silence, order.by, now)
        if lifted is None:
            raise Permanent(Code.NT007, f"({_why_not_lifted(order.silence, await self._store.latest_silences(1_000))})")
        log.info("alert.silence_lifted", silence=lifted.id, by=order.by)
        await self._follow(await self._store.concerned(lifted.matcher))
        return lifted

    # --- what cannot be ---
    def _refuse_unknown(self, names: Collection[str]) -> None:
        known = [each.name for each in self._subjects()]
        if unknown := [name for name in names if name not in known]:
            raise Permanent(Code.NT003, f"({', '.join(unknown)}; {did_you_mean(unknown[0], known)})")

    def _refuse_empty(self, matcher: Matcher) -> None:
        """Refuse a silence that fits none of the alerts there are; say which label there is instead."""
        subjects = self._subjects()
        if any(matcher.fits(each) for each in subjects):
            return
        known = sorted({f"{name}={value}" for each in subjects for name, value in each.labels.items()})
        for name, value in matcher.labels.items():
            if (label := f"{name}={value}") not in known:
                nearest = did_you_mean(label, known) if known else "no alert has any label"
                raise Permanent(Code.NT008, f"({label}; {nearest})")
        raise Permanent(Code.NT008, f"({matcher})")

    async def _refuse_ended(self, incident: int | None) -> None:
        if incident is not None and incident not in {each.id for each in await self._store.open_incidents()}:
            raise Permanent(Code.NT006, f"(incident {incident} is over)")

    async def _follow(self, incidents: Collection[int]) -> None:
        if self._show is not None:
            self._show(incidents)
        if self._judge is not None:
            await self._judge()


def _acknowledged(firing: Collection[Incident], names: Collection[str]) -> Iterator[tuple[str, Acknowledged]]:
    for each in firing:
        if each.alert in names and each.acknowledged_at is not None:
            yield each.alert, Acknowledged(each.acknowledged_by or "", each.acknowledged_at)


def _refuse_incomplete(order: SilenceOrder) -> None:
    if not order.reason.strip():
        raise Permanent(Code.NT004, "(the reason is empty)")
    if order.length > LONGEST_SILENCE:
        raise Permanent(Code.NT004, f"({written_duration(order.length)} is too long)")
    if order.length <= timedelta(0):
        raise Permanent(Code.NT004, "(it would end at once)")


def _why_not_lifted(number: int, silences: Collection[Silence]) -> str:
    """Say what became of a silence that cannot be lifted."""
    one = next((each for each in silences if each.id == number), None)
    if one is None:
        return f"there has been none of number {number}"
    if one.lifted_at is not None:
        return f"silence {number} was lifted by {one.lifted_by} at {written_minute(one.lifted_at)}"
    return f"silence {number} ended at {written_minute(one.ends_at)}"
