"""Service level objectives over our own metrics, as Prometheus rules: what is recorded, and who is told how soon.

An objective is a share of events that must be good over 30 days. What may be bad is its budget; the burn rate is how
many times faster than that it is spent. An alert needs a long window (it matters) and a short one (it goes on).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from monitor.export import Written, written
from monitor.metrics import PREFIX
from monitor.notice import Severity

BAD_RATIO = f"{PREFIX}:slo_bad_events:ratio_increase"
EVENTS = f"{PREFIX}:slo_events:increase"
PERIOD = "30d"

_HEAD = """\
# Made by `make docs` from monitor/slo.py: what docs/monitoring.md tells of service level objectives.
groups:
"""
_PASSES = '{job=~"stock|full"}'


@dataclass(frozen=True, slots=True)
class Objective:
    """What share of events must be good. Series of counters say how many there were, and which were bad or which good.

    Over fewer than `least` events of its long window an alert says nothing: one slow order of three is no trend.
    """

    name: str
    share: float
    promise: str
    events: str
    least: int
    remedy: str
    bad: Sequence[str] = ()
    good: str = ""

    @property
    def budget(self) -> float:
        """Return the share of events that may be bad."""
        return round(1 - self.share, 6)


@dataclass(frozen=True, slots=True)
class Burn:
    """Whom a burn rate of `times` over both windows tells."""

    times: float
    long: str
    short: str
    severity: Severity
    spent: str


OBJECTIVES = (
    Objective(
        name="passes",
        share=0.99,
        promise="99% of the stock passes end well: neither failed nor stopped by a brake",
        bad=(f"run_failures_total{_PASSES}", f"run_brakes_total{_PASSES}"),
        events=f"runs_total{_PASSES}",
        least=10,
        remedy="Run `lightspeed-sync status`: the last runs and their codes stand there.",
    ),
    Objective(
        name="bookings",
        share=0.99,
        promise="99% of the sales for online orders are in Lightspeed within 15 minutes of the order",
        good='order_booking_seconds_bucket{le="900.0"}',
        events="order_booking_seconds_count",
        least=10,
        remedy="Run `lightspeed-sync orders list`: it says what each order waits for.",
    ),
    Objective(
        name="propagation",
        share=0.99,
        promise="99% of the changes in Lightspeed are acknowledged by Shopify within 5 minutes",
        good='propagation_seconds_bucket{le="300.0"}',
        events="propagation_seconds_count",
        least=10,
        remedy="Run `lightspeed-sync status`: a pause, a brake or a slow service holds changes back.",
    ),
    Objective(
        name="storefront",
        share=0.999,
        promise="99.9% of the storefront's answers to shoppers are no 5xx",
        bad=('storefront_requests_total{status=~"5.."}',),
        events="storefront_requests_total",
        least=100,
        remedy="Look at `/healthz` and at the daemon's log: 503 tells shoppers that the state cannot be written.",
    ),
)

BURNS = (
    Burn(14.4, "1h", "5m", Severity.CRITICAL, "2% of the month's budget within an hour"),
    Burn(6, "6h", "30m", Severity.CRITICAL, "5% of the month's budget within six hours"),
    Burn(3, "1d", "2h", Severity.WARNING, "10% of the month's budget within a day"),
    Burn(1, "3d", "6h", Severity.WARNING, "10% of the month's budget within three days"),
)
WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d", PERIOD)


def slo_rules() -> str:
    """Return the text of the rules file."""
    return "".join([_HEAD, *(f"{line}\n" for line in (*_recorded(), *_alerts()))])


def _recorded() -> Iterator[str]:
    for window in WINDOWS:
        slow = window.endswith("d")
        yield f"  - name: lightspeed-sync-slo-{window}"
        yield f"    interval: {'5m' if slow else '1m'}"
        yield "    rules:"
        for objective in OBJECTIVES:
            labels = {"slo": objective.name}
            yield from written(Written("record", f"{EVENTS}{window}", _grown(objective.events, window), labels=labels))
            yield from written(Written("record", f"{BAD_RATIO}{window}", bad_ratio(objective, window), labels=labels))


def _grown(series: str, window: str) -> str:
    return f"sum by (instance) (increase({PREFIX}_{series}[{window}]))"


def bad_ratio(objective: Objective, window: str) -> str:
    """Return the share of bad events; 0 where there were no events."""
    events = _grown(objective.events, window)
    if objective.good:
        bad = f"({events} - {_grown(objective.good, window)})"
    else:
        bad = f"({' + '.join(_grown(each, window) for each in objective.bad)})"
    return f"({bad} / ({events} > 0)) or (0 * {events})"


def _alerts() -> Iterator[str]:
    yield "  - name: lightspeed-sync-slo"
    yield "    interval: 1m"
    yield "    rules:"
    for objective in OBJECTIVES:
        for burn in BURNS:
            yield from written(_alert(objective, burn))


def alert_names() -> list[str]:
    """Return the name of each objective's alert."""
    return [_alert_name(objective) for objective in OBJECTIVES]


def _alert_name(objective: Objective) -> str:
    return f"{objective.name.capitalize()}BudgetBurns"


def _alert(objective: Objective, burn: Burn) -> Written:
    which = f'{{slo="{objective.name}"}}'
    limit = f"{burn.times * objective.budget:.6g}"
    parts = (
        f"({BAD_RATIO}{burn.long}{which} > {limit})",
        f"({BAD_RATIO}{burn.short}{which} > {limit})",
        f"({EVENTS}{burn.long}{which} >= {objective.least})",
    )
    summary = f"{{{{ $value | humanizePercentage }}}} are bad over {burn.long}, which spends {burn.spent}"
    return Written(
        "alert",
        _alert_name(objective),
        " and ".join(parts),
        labels={"severity": burn.severity.value, "slo": objective.name, "window": burn.long},
        annotations={"summary": summary, "description": f"The objective: {objective.promise}. {objective.remedy}"},
    )


def objectives_table() -> str:
    """Return a Markdown table with one row for each objective, ending in a line break."""
    rows = [f"| {each.name} | {each.promise} | {_alert_name(each)} | {each.least} |" for each in OBJECTIVES]
    head = ["| objective | promise | alert | fewest events of the long window |", "|---|---|---|---|"]
    return "\n".join([*head, *rows]) + "\n"
