"""Judges the rules: reads the signals, shows them as metrics, and keeps what follows in one transaction.

Nothing is sent here: what is to be told lies in the outbox when `evaluate` returns, and its workers are awake.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import structlog

from monitor import facts as knowledge
from monitor import rules, signals
from monitor.alerts_model import AlertsFile
from monitor.audience import audiences, open_windows
from monitor.conditions import signals_in
from monitor.daily import Daily
from monitor.decide import Damping, Hidden
from monitor.facts import BACKUP_JOB, FULL_JOB, STOCK_JOB, Facts, History, OrderBook, Reservations
from monitor.hiding import Silence, Subject, Window, hidden_by
from monitor.metrics import Metrics
from monitor.notice import Severity
from monitor.outbox import Outbox
from monitor.rules import Past, Phase, Rule, State
from monitor.store import Judged, Store, Telling, Told
from monitor.vitals import VitalsWatch
from sync.clock import Clock

log = structlog.get_logger()


class Judge:
    """Rules over signals. `outbox` tells which channels there are: nothing is written for others.

    `books` tells whether the booking of orders is set up at all.
    """

    def __init__(
        self,
        content: AlertsFile,
        *,
        ledger: History,
        orders: OrderBook,
        store: Store,
        outbox: Outbox,
        metrics: Metrics,
        vitals: VitalsWatch,
        clock: Clock,
        books: bool,
        link: str = "",
        holds: Reservations | None = None,
    ) -> None:
        self._ledger = ledger
        self._orders = orders
        self._books = books
        self._holds = holds
        self._store = store
        self._outbox = outbox
        self._metrics = metrics
        self._vitals = vitals
        self._clock = clock
        self._started_at = clock.now()
        self._link = link
        self._daily = Daily(content.digest, store=store, orders=orders, link=link)
        self.take(content)
        self.facts: Facts | None = None  # of the last evaluation, for the status page

    def take(self, content: AlertsFile) -> None:
        """Judge by what alerts.yaml says now; what the rules of the same names hold stays."""
        self._content = content
        self._rules = content.rules()
        self._window = content.longest_window()
        self._audiences = audiences(content, self._outbox.channels)
        self._daily.wanted = content.digest
        flapping = content.flapping
        self._telling = Telling(self._link, Damping(flapping.count, flapping.window, flapping.hold))

    @property
    def content(self) -> AlertsFile:
        """Return what alerts.yaml says, as it is judged by."""
        return self._content

    @property
    def names(self) -> frozenset[str]:
        """Return the names of the alerts there are."""
        return frozenset(self._audiences)

    @property
    def subjects(self) -> Sequence[Subject]:
        """Return the alerts there are, as silences see them."""
        return [each.subject for each in self._audiences.values()]

    async def refresh(self, now: datetime) -> Facts:
        """Read the signals and show them as metrics."""
        facts = await knowledge.read(
            self._ledger,
            self._orders,
            self._store,
            books=self._books,
            holds=self._holds,
            vitals=self._vitals.taken(),
            window=self._window,
            started_at=self._started_at,
            now=now,
        )
        self.facts = facts
        show(self._metrics, facts)
        return facts

    async def evaluate(self, now: datetime) -> Sequence[Told]:
        """Judge every rule by the signals of `now`; return what was decided to tell, and what not."""
        facts = await self.refresh(now)
        states = await self._store.states()
        past = await self._past(now)
        judged = [self._judge(rule, states.get(rule.name, State()), facts, past) for rule in self._rules]
        judged += [_removed(name, state) for name, state in states.items() if name not in self.names]
        windows = open_windows(self._content, now)
        judged = self._hidden(judged, await self._store.standing_silences(now), windows, now)
        telling = replace(self._telling, there=self._outbox.channels)
        told = await self._store.record(judged, windows, telling, signals.values(facts), now)
        self._report(judged, told, now)
        if facts.backlog.depth:  # what was written just now is not too old
            await self._outbox.expire()
        digest = await self._daily.tell(facts, self._outbox.channels, now)
        if digest or any(each.verdict.kind is not None for each in told):
            self._outbox.wake()
            await self._show_backlog()
        return told

    # --- parts of an evaluation ---
    async def _past(self, now: datetime) -> Past:
        """Return what was recorded of the signals of which rules take a value over a window."""
        windows = [(rule.over, rule.condition) for rule in self._rules if rule.take is not None and rule.over]
        if not windows:
            return {}
        names = {name for _, condition in windows for name in signals_in(condition)}
        return await self._store.history(now - max(over for over, _ in windows), names)

    def _judge(self, rule: Rule, state: State, facts: Facts, past: Past) -> Judged:
        samples = {name: signals.sample(name, rule.over, facts) for name in signals_in(rule.condition)}
        transition = rules.evaluate(rule, samples, state, facts.now, past)
        audience = self._audiences[rule.name]
        return Judged(rule.name, rule, transition, audience.subject, audience.places, audience.repeat)

    def _hidden(
        self, judged: Sequence[Judged], silences: Sequence[Silence], windows: Sequence[Window], now: datetime
    ) -> list[Judged]:
        """Say of each alert what hides it, now that it is known which others fire."""
        burning = {each.name for each in judged if each.transition.after.phase is not Phase.OK}

        def hidden(subject: Subject) -> Hidden | None:
            closed = self._audiences[subject.name].closed(now)
            return hidden_by(subject, silences=silences, windows=windows, closed_hours=closed, burning=burning, now=now)

        return [each if each.subject is None else replace(each, hidden=hidden(each.subject)) for each in judged]

    def _report(self, judged: Sequence[Judged], told: Sequence[Told], now: datetime) -> None:
        metrics = self._metrics
        metrics.rule_evaluations.inc(len(judged))
        metrics.rule_failures.inc(sum(each.transition.lacking is not None for each in judged))
        metrics.last_evaluation.set(now)
        metrics.count_alerts(_standing(judged))
        for each in judged:
            if each.transition.before.phase is not each.transition.after.phase:
                _log_transition(each)
        for one in told:
            if one.verdict.kind is None:
                metrics.suppressed.labels(one.verdict.why.name.lower()).inc()

    async def _show_backlog(self) -> None:
        backlog = await self._store.backlog()
        self._metrics.backlog(backlog.depth, backlog.dead, backlog.oldest)


def _removed(name: str, state: State) -> Judged:
    return Judged(name, None, rules.remove(state))


def _standing(judged: Sequence[Judged]) -> Counter[tuple[Severity, str]]:
    states: Counter[tuple[Severity, str]] = Counter()
    for each in judged:
        if each.rule is not None and each.transition.after.phase is not Phase.OK:
            states[each.rule.severity, each.transition.after.phase.value] += 1
    return states


def _log_transition(judged: Judged) -> None:
    log.info(
        "alert.changed",
        alert=judged.name,
        before=judged.transition.before.phase.value,
        after=judged.transition.after.phase.value,
        reason=judged.transition.reason.name.lower(),
        value=judged.sample.value,
    )


def show(metrics: Metrics, facts: Facts) -> None:
    """Set the gauges that tell how things stand; the ledger knows them over restarts."""
    metrics.stand(facts.standing)
    metrics.count_orders(facts.orders)
    metrics.pause(facts.pauses)
    metrics.vitals.show(facts)
    metrics.holds.show(facts.holds)
    metrics.mapping.show(facts)
    metrics.backlog(facts.backlog.depth, facts.backlog.dead, facts.backlog.oldest)
    for job, run in ((STOCK_JOB, facts.stock), (FULL_JOB, facts.full), (BACKUP_JOB, facts.backup)):
        if run is not None:
            metrics.last_success.set(run.finished_at, job)
    if facts.proof is not None:
        metrics.last_proof.set(facts.proof.finished_at)
