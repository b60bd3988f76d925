"""What alerts in alerts.yaml mean: conditions that can hold, limits that can be cleared, keys that go together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from math import inf

from monitor import phrases
from monitor.alerts_lint.parts import Parts
from monitor.alerts_model import Alert, Maintenance
from monitor.conditions import AllOf, Comparison, Condition, Op, comparisons, signals_in
from monitor.signals import SIGNALS
from monitor.units import Unfit, Unit, shown
from monitor.yaml_page import Page

_NOTHING = timedelta(0)
_SIDES: Mapping[Op, tuple[str, int]] = {
    Op.ABOVE: ("less", -1),
    Op.AT_LEAST: ("less", -1),
    Op.BELOW: ("more", 1),
    Op.AT_MOST: ("more", 1),
}


def check_meanings(parts: Parts, page: Page) -> None:
    """Report what an alert or a window says that cannot be meant."""
    for number, alert in parts.alerts.items():
        for check in (_possible, _windows, _events, _cleared, _counted, _sentences):
            for key, problem, remedy in check(alert):
                page.at(("alerts", number, key), problem, remedy, key=key not in ("when", "summary", "description"))
    for number, window in parts.maintenance.items():
        for key, problem, remedy in _when(window):
            page.at(("maintenance", number, key), problem, remedy)


# --- conditions that can hold ---


@dataclass(frozen=True, slots=True)
class _Range:
    """The numbers from `low` to `high`, each of both included unless it is open."""

    low: float = 0.0
    high: float = inf
    low_open: bool = False
    high_open: bool = False

    @property
    def empty(self) -> bool:
        return self.low > self.high or (self.low == self.high and (self.low_open or self.high_open))

    def within(self, comparison: Comparison) -> _Range:
        """Return what of it fulfils a comparison; `!=` takes nothing away but an only number."""
        limit = comparison.limit
        match comparison.op:
            case Op.ABOVE | Op.AT_LEAST:
                return self._from(limit, opened=comparison.op is Op.ABOVE)
            case Op.BELOW | Op.AT_MOST:
                return self._to(limit, opened=comparison.op is Op.BELOW)
            case Op.EQUAL:
                above = self._from(limit, opened=False)
                return replace(above, high=limit, high_open=False) if limit <= above.high else _NOWHERE
            case Op.UNEQUAL:
                return replace(self, low_open=True) if self.low == self.high == limit else self

    def _from(self, low: float, *, opened: bool) -> _Range:
        if low < self.low:
            return self
        return replace(self, low=low, low_open=opened or (low == self.low and self.low_open))

    def _to(self, high: float, *, opened: bool) -> _Range:
        if high > self.high:
            return self
        return replace(self, high=high, high_open=opened or (high == self.high and self.high_open))


_NOWHERE = _Range(low=1, high=0)
_ALL: Mapping[Unit, _Range] = {Unit.COUNT: _Range(), Unit.DURATION: _Range(), Unit.RATIO: _Range(high=1.0)}
_OPPOSITE: Mapping[Op, Op] = {
    Op.ABOVE: Op.AT_MOST,
    Op.AT_LEAST: Op.BELOW,
    Op.BELOW: Op.AT_LEAST,
    Op.AT_MOST: Op.ABOVE,
    Op.EQUAL: Op.UNEQUAL,
    Op.UNEQUAL: Op.EQUAL,
}
_DOMAINS = {Unit.COUNT: "0 or more", Unit.DURATION: "0s or more", Unit.RATIO: "from 0% to 100%"}


def _possible(alert: Alert) -> Iterator[tuple[str, str, str]]:
    for part in _impossible(alert.when, {}):
        yield "when", f"{shown(str(part))} can never hold", _why_not(part)
    for comparison in comparisons(alert.when):
        if _ALL[comparison.unit].within(replace(comparison, op=_OPPOSITE[comparison.op])).empty:
            domain = f"{comparison.signal} is always {_DOMAINS[comparison.unit]}"
            yield "when", f"{shown(str(comparison))} always holds", f"{domain}; write another limit"


def _impossible(condition: Condition, ranges: Mapping[str, _Range]) -> Iterator[Condition]:
    """Yield the parts that no numbers fulfil, given what holds beside them."""
    if isinstance(condition, Comparison):
        if _narrowed([condition], ranges)[condition.signal].empty:
            yield condition
        return
    if not isinstance(condition, AllOf):
        for part in condition.parts:
            yield from _impossible(part, ranges)
        return
    direct = [part for part in condition.parts if isinstance(part, Comparison)]
    alone = [part for part in direct if _ALL[part.unit].within(part).empty]
    together = _narrowed(direct, ranges)
    if alone or any(each.empty for each in together.values()):
        yield from alone
        if not alone:
            yield condition
        return
    for part in condition.parts:
        if not isinstance(part, Comparison):
            yield from _impossible(part, together)


def _narrowed(comparisons: Iterable[Comparison], ranges: Mapping[str, _Range]) -> Mapping[str, _Range]:
    found = dict(ranges)
    for each in comparisons:
        found[each.signal] = found.get(each.signal, _ALL[each.unit]).within(each)
    return found


def _why_not(part: Condition) -> str:
    if isinstance(part, Comparison) and _ALL[part.unit].within(part).empty:
        return f"{part.signal} is always {_DOMAINS[part.unit]}"
    return "no number is both"


# --- keys that go together ---


def _windows(alert: Alert) -> Iterator[tuple[str, str, str]]:
    named = signals_in(alert.when)
    windowed = [name for name in named if SIGNALS[name].windowed]
    if alert.take is None:
        if alert.over is not None and not windowed:
            problem = f"{named[0]} is a number of this moment and has no window"
            yield "over", problem, "add `take: max`, use `for`, or remove `over`"
        return
    if alert.over is None:
        yield "take", "it is not said over how long", "add `over:` with a duration, like 15m"
    for name in windowed:
        yield "take", f"{name} is counted over a window already", "remove `take`"


def _events(alert: Alert) -> Iterator[tuple[str, str, str]]:
    named = signals_in(alert.when)
    if alert.min_events is not None and not any(SIGNALS[name].unit is Unit.RATIO for name in named):
        yield "min_events", f"{named[0]} is no rate, so it counts no events", "remove `min_events`"


def _cleared(alert: Alert) -> Iterator[tuple[str, str, str]]:
    if alert.clear is None:
        return
    if not isinstance(alert.when, Comparison):
        yield "clear", "only a single comparison can have another limit for its end", "remove `clear`"
        return
    side = _SIDES.get(alert.when.op)
    if side is None:
        yield "clear", f"{alert.when} ends where it began", "remove `clear`, or compare with > or <"
        return
    try:
        at = alert.cleared_at()
    except Unfit as unfit:
        yield "clear", unfit.problem, unfit.remedy
        return
    words, sign = side
    if at is not None and (at - alert.when.limit) * sign <= 0:
        limit = alert.when.bound.partition(" ")[2]
        yield (
            "clear",
            f"{shown(alert.clear)} is no recovery from {shown(str(alert.when))}",
            f"write {words} than {limit}",
        )


def _counted(alert: Alert) -> Iterator[tuple[str, str, str]]:
    if alert.evaluations is None:
        return
    for key, length in (("for", alert.hold), ("keep_firing_for", alert.keep)):
        if length > _NOTHING:
            yield key, f"`{key}` and `evaluations` say different things about how long", "keep one of them"


def _sentences(alert: Alert) -> Iterator[tuple[str, str, str]]:
    names = (*phrases.WORDS, *signals_in(alert.when))
    for key, text in (("summary", alert.summary), ("description", alert.description)):
        try:
            phrases.check(text, names)
        except Unfit as unfit:
            yield key, unfit.problem, unfit.remedy


def _when(window: Maintenance) -> Iterator[tuple[str, str, str]]:
    once = window.begin is not None or window.end is not None
    if once and window.times:
        yield "times", "a window either recurs or is once", "keep `times`, or `from` and `until`"
    elif not once and not window.times:
        yield "name", f"it is not said when {window.name} is", "add `times`, or `from` and `until`"
    elif once and (window.begin is None or window.end is None):
        missing = "from" if window.begin is None else "until"
        yield "name", f"`{missing}` is missing", f'add `{missing}:` with date and time, like "2026-12-24 22:00"'
    elif window.begin is not None and window.end is not None and window.begin >= window.end:
        yield "until", "it ends before it begins", "write a later moment"
