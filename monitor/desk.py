"""What people do about alerts: acknowledge, silence, lift; each by somebody, kept before anything follows from it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import timedelta

import structlog
from pydantic import BaseModel, ConfigDict

from monitor.hiding import Matcher, Silence
from monitor.notice import Severity
from monitor.store import Store
from monitor.units import did_you_mean
from sync.clock import Clock
from sync.errors import Code, Permanent

log = structlog.get_logger()

LONGEST_SILENCE = timedelta(days=30)


class AcknowledgeOrder(BaseModel):
    """Take alerts that fire into one's hands: no more reminders, no escalation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    alerts: tuple[str, ...]
    by: str
    incident: int | None = None  # refused where this one is over, though its alert may fire anew


class SilenceOrder(BaseModel):
    """Hear nothing of alerts for a while; without names, labels and severity: of any."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    alerts: tuple[str, ...] = ()
    labels: Mapping[str, str] = {}
    severity: Severity | None = None
    length: timedelta
    until_resolved: bool = False
    reason: str
    by: str
    incident: int | None = None  # refused where this one is over, though its alert may fire anew


class LiftOrder(BaseModel):
    """End a silence before its time."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    silence: int
    by: str


class AlertDesk:
    """Takes people's words about alerts.

    `names` are the alerts there are; `judge` lets the rules be judged anew, `show` has messages about incidents edited.
    """

    def __init__(
        self,
        store: Store,
        names: Callable[[], Collection[str]],
        clock: Clock,
        judge: Callable[[], Awaitable[object]] | None = None,
        show: Callable[[Collection[int]], None] | None = None,
    ) -> None:
        self._store = store
        self._names = names
        self._clock = clock
        self._judge = judge
        self._show = show

    async def acknowledge(self, order: AcknowledgeOrder) -> Mapping[str, str]:
        """Acknowledge alerts; return those that somebody had acknowledged before, with who.

        Raises Permanent (NT003), and acknowledges none, where one of them does not fire.
        """
        await self._refuse_ended(order.incident)
        firing = {incident.alert for incident in await self._store.open_incidents()}
        if quiet := [name for name in order.alerts if name not in firing]:
            fires = f"firing are {', '.join(firing)}" if firing else "nothing fires"
            raise Permanent(Code.NT003, f"({', '.join(quiet)}; {fires})")
        now = self._clock.now()
        before = [name for name in order.alerts if await self._store.acknowledge(name, order.by, now) is None]
        log.info("alert.acknowledged", alerts=order.alerts, by=order.by)
        still = await self._store.open_incidents()
        await self._follow([each.id for each in still if each.alert in order.alerts])
        known = {each.alert: each.acknowledged_by or "" for each in still}
        return {name: who for name, who in known.items() if name in before}

    async def silence(self, order: SilenceOrder) -> Silence:
        """Silence alerts from now on.

        Raises Permanent: NT003 for an unknown name or an incident that is over, NT004 without a reason or an end.
        """
        await self._refuse_ended(order.incident)
        if unknown := [name for name in order.alerts if name not in self._names()]:
            raise Permanent(Code.NT003, f"({', '.join(unknown)}; {did_you_mean(unknown[0], self._names())})")
        if not order.reason.strip() or not timedelta(0) < order.length <= LONGEST_SILENCE:
            raise Permanent(Code.NT004)
        now = self._clock.now()
        kept = await self._store.silence(
            Silence(
                id=0,
                matcher=Matcher(order.alerts, order.labels, order.severity),
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
        """End a silence; raises Permanent (NT004) where it does not stand. What fires still is told."""
        lifted = await self._store.lift(order.silence, order.by, self._clock.now())
        if lifted is None:
            raise Permanent(Code.NT004, f"(silence {order.silence})")
        log.info("alert.silence_lifted", silence=lifted.id, by=order.by)
        await self._follow(await self._store.concerned(lifted.matcher))
        return lifted

    async def _refuse_ended(self, incident: int | None) -> None:
        if incident is not None and incident not in {each.id for each in await self._store.open_incidents()}:
            raise Permanent(Code.NT003, f"(incident {incident} is over)")

    async def _follow(self, incidents: Collection[int]) -> None:
        if self._show is not None:
            self._show(incidents)
        if self._judge is not None:
            await self._judge()
