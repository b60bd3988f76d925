"""Replays recorded history through the rules of an alerts.yaml: what would have fired, for how long, and been told.

Rules, hiding and verdicts are those of the daemon. What people did meanwhile is left out, since it depends on what
they were told: no silence, no acknowledgement; and every message arrives at once.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from statistics import median

from monitor import decide, recorded, rules
from monitor.alerts_model import AlertsFile, SmsSettings
from monitor.audience import Audience, audiences, open_windows
from monitor.conditions import decide as holds
from monitor.conditions import signals_in
from monitor.decide import Case, Damping, Hidden, HiddenTime, Last, Progress, Verdict, Why
from monitor.hiding import hidden_by
from monitor.rules import Past, Phase, Rule, Sample, State, Transition
from monitor.signals import DEFAULT_WINDOW
from monitor.store.story import Judging
from sync.records import ApiMinute

_WEEK = timedelta(days=7)
_MINUTE = timedelta(minutes=1)
_LEAST = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Recorded:
    """The past: judgings and minutes of calls, each oldest first."""

    judgings: Sequence[Judging]
    calls: Sequence[ApiMinute] = ()

    @property
    def length(self) -> timedelta:
        """Return how long it is."""
        return self.judgings[-1].at - self.judgings[0].at if self.judgings else timedelta(0)

    @property
    def by_the_week(self) -> bool:
        """Tell whether it is long enough to say how many messages a week there would be."""
        return self.length >= _LEAST


@dataclass(slots=True)
class Episode:
    """One time that an alert would have fired; `ended_at` None: at the end of the past it still did."""

    opened_at: datetime
    ended_at: datetime | None = None
    told_at: datetime | None = None
    damped: bool = False
    hidden_time: HiddenTime = field(default_factory=HiddenTime)  # since it was told first, or opened
    last: dict[str, Last] = field(default_factory=dict)  # by place
    hidden: dict[str, Hidden] = field(default_factory=dict)  # what kept it from a place


@dataclass(slots=True)
class Outcome:
    """What would have become of one alert: its episodes, its messages by channel, and how often nothing was known."""

    alert: str
    episodes: list[Episode] = field(default_factory=list)
    messages: Counter[str] = field(default_factory=Counter)
    judged: int = 0
    unknown: int = 0

    def lengths(self, until: datetime) -> Sequence[timedelta]:
        """Return how long it fired each time; what had not ended, until the end of the past."""
        return [(each.ended_at or until) - each.opened_at for each in self.episodes]

    def flaps(self, within: timedelta) -> int:
        """Count how often it came back so soon after it had ended."""
        pairs = zip(self.episodes, self.episodes[1:], strict=False)
        return sum(
            before.ended_at is not None and after.opened_at - before.ended_at <= within for before, after in pairs
        )


@dataclass(frozen=True, slots=True)
class Figures:
    """One alert in figures: how often and how long it fired, in seconds, and its messages by channel.

    Messages are those of a week; of a past that is too short to tell, all that there were.
    """

    alert: str
    fired: int
    median: float
    longest: float
    flaps: int
    untold: int  # of how many episodes nobody would have been told
    unknown: float  # share of the judgings without a number to judge by
    messages: Mapping[str, float]


def backtest(content: AlertsFile, past: Recorded) -> Sequence[Figures]:
    """Return the figures of each alert, in the file's order."""
    replay = _Replay(content, past)
    for number in range(len(past.judgings)):
        replay.step(number)
    until = past.judgings[-1].at if past.judgings else None
    weeks = past.length / _WEEK if past.by_the_week else 1.0
    within = content.flapping.window
    return [] if until is None else [_figures(each, until, weeks, within) for each in replay.outcomes.values()]


def _figures(outcome: Outcome, until: datetime, weeks: float, within: timedelta) -> Figures:
    lengths = [length.total_seconds() for length in outcome.lengths(until)]
    return Figures(
        alert=outcome.alert,
        fired=len(lengths),
        median=median(lengths) if lengths else 0.0,
        longest=max(lengths, default=0.0),
        flaps=outcome.flaps(within),
        untold=sum(not each.last for each in outcome.episodes),
        unknown=outcome.unknown / outcome.judged if outcome.judged else 0.0,
        messages={name: round(count / weeks, 1) for name, count in sorted(outcome.messages.items())},
    )


def recipients(content: AlertsFile) -> Mapping[str, Sequence[str]]:
    """Return the channels of a file with whom each writes to, as if all credentials were there."""
    return {
        name: channel.to if isinstance(channel, SmsSettings) else ("",) for name, channel in content.channels.items()
    }


class _Series:
    """The recorded values of every signal, cut to windows without looking at all of them."""

    def __init__(self, past: Recorded, signals: Collection[str]) -> None:
        self._pairs: Mapping[str, list[tuple[datetime, float | None]]] = {
            name: [(each.at, each.values[name]) for each in past.judgings if name in each.values] for name in signals
        }
        self._moments = {name: [at for at, _ in pairs] for name, pairs in self._pairs.items()}
        self._calls = past.calls
        self._minutes = [row.minute for row in past.calls]

    def before(self, signal: str, window: timedelta, at: datetime) -> Sequence[tuple[datetime, float | None]]:
        moments = self._moments[signal]
        return self._pairs[signal][bisect_left(moments, at - window) : bisect_left(moments, at)]

    def calls(self, window: timedelta, at: datetime) -> Sequence[ApiMinute]:
        begin, end = bisect_left(self._minutes, at - window - _MINUTE), bisect_right(self._minutes, at)
        return self._calls[begin:end]


class _Replay:
    """The daemon's evaluation, over and over: what it would have kept stays in memory."""

    def __init__(self, content: AlertsFile, past: Recorded) -> None:
        self._content = content
        self._past = past
        self._rules = content.rules()
        self._series = _Series(past, {name for rule in self._rules for name in signals_in(rule.condition)})
        self._audiences = audiences(content, recipients(content))
        self._states = {rule.name: State() for rule in self._rules}
        flapping = content.flapping
        self._damping = Damping(flapping.count, flapping.window, flapping.hold)
        self.outcomes = {rule.name: Outcome(rule.name) for rule in self._rules}

    def step(self, number: int) -> None:
        judging = self._past.judgings[number]
        changed = [(rule, self._judge(rule, judging)) for rule in self._rules]
        burning = {name for name, state in self._states.items() if state.phase is not Phase.OK}
        if not burning and not any(each is not None and each.resolved for _, each in changed):
            return
        windows = open_windows(self._content, judging.at)
        for rule, transition in changed:
            if transition is None:
                continue
            audience = self._audiences[rule.name]
            hidden = hidden_by(
                audience.subject,
                silences=(),
                windows=windows,
                closed_hours=audience.closed(judging.at),
                burning=burning,
                now=judging.at,
            )
            self._follow(self.outcomes[rule.name], transition, audience, hidden, judging.at)

    def _judge(self, rule: Rule, judging: Judging) -> Transition | None:
        """Judge a rule; None where it is quiet and stays so."""
        outcome, state = self.outcomes[rule.name], self._states[rule.name]
        outcome.judged += 1
        if _surely_quiet(rule, state, judging):
            return None
        at, back = judging.at, rule.over or DEFAULT_WINDOW
        seen = self._seen(rule, judging, back)
        before: Past = {} if rule.take is None else {name: self._series.before(name, back, at) for name in seen}
        transition = rules.evaluate(rule, seen, state, at, before)
        outcome.unknown += transition.lacking is not None
        self._states[rule.name] = transition.after
        return transition

    def _seen(self, rule: Rule, judging: Judging, back: timedelta) -> Mapping[str, Sample]:
        of_minutes = any(recorded.of_minutes(name) for name in signals_in(rule.condition))
        calls = self._series.calls(back, judging.at) if of_minutes else ()
        return recorded.samples(rule, judging.values, calls, judging.at)

    def _follow(
        self, outcome: Outcome, transition: Transition, audience: Audience, hidden: Hidden | None, now: datetime
    ) -> None:
        if transition.fired:
            outcome.episodes.append(Episode(now))
        if transition.after.phase is Phase.FIRING:
            self._tell(outcome, audience, hidden, now)
        elif transition.resolved:
            episode = outcome.episodes[-1]
            episode.ended_at = now
            for name in {*episode.last, *episode.hidden}:
                _keep(outcome, name, decide.resolved(episode.last.get(name), episode.hidden.get(name)), now)

    def _tell(self, outcome: Outcome, audience: Audience, hidden: Hidden | None, now: datetime) -> None:
        episode = outcome.episodes[-1]
        openings = 1 + sum(each.opened_at > now - self._damping.window for each in _latest(outcome, self._damping))
        episode.hidden_time = episode.hidden_time.at(now, hidden)
        for place in audience.places:
            hidden_for = episode.hidden_time.until(now)
            case = Case(episode.opened_at, episode.told_at, None, hidden, hidden_for, openings)
            last = episode.last.get(str(place))
            verdict = decide.firing(last, case, audience.repeat, now, step=place.step, damping=self._damping)
            episode.damped |= verdict.why is Why.DAMPED
            if hidden is not None and verdict.why is hidden.why and last is None:
                episode.hidden[str(place)] = hidden
            _keep(outcome, str(place), verdict, now)


def _latest(outcome: Outcome, damping: Damping) -> Iterator[Episode]:
    """Yield the newest episodes before this one that were told or damped, as many as could make a difference."""
    known = (each for each in islice(reversed(outcome.episodes), 1, None) if each.told_at is not None or each.damped)
    yield from islice(known, damping.count + 1)


def _keep(outcome: Outcome, place: str, verdict: Verdict, now: datetime) -> None:
    if verdict.kind is None:
        return
    episode = outcome.episodes[-1]
    episode.last[place] = Last(verdict.kind, now, Progress.DELIVERED)
    if episode.told_at is None:
        episode.told_at, episode.hidden_time = now, HiddenTime()
    outcome.messages[place.partition(" ")[0]] += 1


def _surely_quiet(rule: Rule, state: State, judging: Judging) -> bool:
    """Tell, without judging it in full, that a quiet rule stays quiet: most rules are, most of the time."""
    if state.phase is not Phase.OK or state.results or rule.take is not None or rule.evaluations is not None:
        return False
    names = signals_in(rule.condition)
    if any(recorded.of_minutes(name) for name in names):
        return False
    return holds(rule.condition, judging.values) is False
