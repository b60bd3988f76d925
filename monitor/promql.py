"""What a rule's condition is in PromQL, over our own metrics: pure, and exact wherever the metrics are.

Each signal is an expression of at most one value without labels, so that any two can be compared and joined. Where it
has no value, there was no number: what that means to a rule, `absent()` says, comparison by comparison.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from monitor.conditions import AllOf, AnyOf, Comparison, Condition, comparisons
from monitor.facts import STOCK_JOB
from monitor.metrics import PREFIX
from monitor.rules import NoData, Rule, Take
from monitor.signals import DEFAULT_WINDOW, SIGNALS
from sync.order_records import UNBOOKED, OrderState
from sync.reservations import CAPS

_SIZES = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
_TICK = timedelta(seconds=1)
_TAKES = {
    Take.MAX: "max_over_time",
    Take.MIN: "min_over_time",
    Take.AVG: "avg_over_time",
    Take.LAST: "last_over_time",
}


class Inexpressible(Exception):
    """A rule has no equal in PromQL, for the reason that this says."""


def _one(name: str, labels: str = "") -> str:
    return f"max({PREFIX}_{name}{labels})"


def _sum(name: str, labels: str = "") -> str:
    return f"sum({PREFIX}_{name}{labels})"


def _grown(name: str, labels: str = "") -> str:
    return f"sum(increase({PREFIX}_{name}{labels}[WINDOW]))"


def _since(name: str, labels: str = "") -> str:
    """Return the age of a moment that counts from the beginning of the process where it never came."""
    return f"time() - ({_one(name, labels)} or {_one('start_timestamp_seconds')})"


def _waiting(name: str, labels: str = "") -> str:
    """Return the age of the oldest of what has a moment while it lasts, else 0."""
    return f"(time() - min({PREFIX}_{name}{labels})) or vector(0)"


def _rate(labels: str = "") -> str:
    failed, all_ = _grown("api_failures_total", labels), _grown("api_requests_total", labels)
    return f"({failed} or vector(0)) / ({all_} > 0)"


def _of(api: str) -> str:
    return f'{{api="{api}"}}'


def _recent(which: str) -> str:
    return _one("reservations_recent", f'{{which="{which}"}}')


def _links(which: str) -> str:
    return _one("links_checked", f'{{which="{which}"}}')


_CAPPED = f'{{outcome=~"{"|".join(sorted(refusal.value for refusal in CAPS))}"}}'
_PROPAGATED = f"increase({PREFIX}_propagation_seconds_bucket[WINDOW])"
_OVER, _UNDER = '{direction="oversell"}', '{direction="undersell"}'
_QUEUE = f'{{state=~"{"|".join(state.value for state in UNBOOKED)}"}}'

EXPRESSIONS: Mapping[str, str] = {
    "discrepant_skus": _sum("discrepant_skus"),
    "discrepancy_units": _sum("discrepancy_units"),
    "oversell_skus": _sum("discrepant_skus", _OVER),
    "oversell_units": _sum("discrepancy_units", _OVER),
    "undersell_skus": _sum("discrepant_skus", _UNDER),
    "undersell_units": _sum("discrepancy_units", _UNDER),
    "money_at_risk": f"ceil({_one('money_at_risk')})",
    "quarantined_skus": _one("quarantined_skus"),
    "parked_skus": _one("parked_skus"),
    "held_skus": _one("held_skus"),
    "second_writer_skus": _one("second_writer_skus"),
    "mapping_accuracy": f"{_links('agreeing')} / ({_links('all')} > 0)",
    "unanswered_writes": _one("unanswered_writes"),
    "uningested_committed": _one("uningested_skus"),
    "unsettled_skus": _one("unsettled_skus"),
    "app_uninstalled": _one("app_uninstalled"),
    "unposted_orders": _sum("orders", _QUEUE),
    "oldest_unposted_order_age": _waiting("oldest_unposted_order_timestamp_seconds"),
    "parked_orders": _one("orders", f'{{state="{OrderState.PARKED.value}"}}'),
    "dead_orders": _one("orders", f'{{state="{OrderState.DEAD.value}"}}'),
    "duplicate_sales": _one("duplicate_sales"),
    "active_holds": _one("reservations_active"),
    "held_units": _one("reservations_active_units"),
    "refused_holds": _grown("reservations_total", _CAPPED),
    "ordered_holds_share": f"{_recent('ordered')} / ({_recent('made')} > 0)",
    "sync_latency": _since("last_success_timestamp_seconds", '{job=~"stock|full"}'),
    "equality_proof_age": _since("last_equality_proof_timestamp_seconds"),
    "backup_age": _since("last_success_timestamp_seconds", '{job="backup"}'),
    "propagation": f"histogram_quantile(0.95, sum by (le) ({_PROPAGATED})) >= 0",
    "missed_runs": _grown("scheduler_runs_missed_total"),
    "failing_jobs": _sum("job_failing", f'{{job!="{STOCK_JOB}"}}'),
    "pause_age": _waiting("paused_since_timestamp_seconds"),
    "error_rate": _rate(),
    "lightspeed_error_rate": _rate(_of("lightspeed")),
    "shopify_error_rate": _rate(_of("shopify")),
    "lightspeed_down": _waiting("api_failing_since_timestamp_seconds", _of("lightspeed")),
    "shopify_down": _waiting("api_failing_since_timestamp_seconds", _of("shopify")),
    "quota_used": _one("api_quota_used_ratio"),
    "token_expiry": f"clamp_min(min({PREFIX}_sign_in_expiry_timestamp_seconds) - time(), 0)",
    "outbox_depth": _one("notification_outbox_depth"),
    "outbox_oldest_age": _waiting("notification_outbox_oldest_timestamp_seconds"),
    "disk_free": f"{_one('state_disk_free_bytes')} / ({_one('state_disk_size_bytes')} > 0)",
    "clock_skew": f"min(abs({PREFIX}_server_clock_ahead_seconds))",
    "alerts_file_rejected": f"1 - {_one('alerts_file_last_reload_successful')}",
}
"""By signal; WINDOW stands for how far a rule looks back."""

EVENTS: Mapping[str, str] = {
    "error_rate": _grown("api_requests_total"),
    "lightspeed_error_rate": _grown("api_requests_total", _of("lightspeed")),
    "shopify_error_rate": _grown("api_requests_total", _of("shopify")),
    "propagation": _grown("propagation_seconds_count"),
}
"""How many events a signal is made of, for `min_events`."""


def expression(rule: Rule, step: timedelta) -> str:
    """Return what has a value where the rule's condition holds; rules are judged every `step`. Raises Inexpressible."""
    if rule.evaluations is None:
        return _hysteresis(rule, step)
    if rule.hold or rule.clear is not None:
        raise Inexpressible("`evaluations` together with `for` or `clear` has no equal")
    window = prometheus_duration(rule.evaluations.among * step - _TICK)
    held = f"({_holds(rule.condition, rule, step)}) * 0 + 1"
    enough = f"(sum_over_time(({held})[{window}:{prometheus_duration(step)}]) >= {rule.evaluations.needed})"
    first = signal(
        next(comparisons(rule.condition)).signal, rule, step
    )  # what is told is its value, where there is one
    return f"(({first}) and {enough}) or {enough}"


def _hysteresis(rule: Rule, step: timedelta) -> str:
    """Return the condition, and that with the other limit while the alert fires already."""
    holds = _holds(rule.condition, rule, step)
    if rule.clear is None or not isinstance(rule.condition, Comparison):
        return holds
    eased = Comparison(rule.condition.signal, rule.condition.op, rule.clear, rule.condition.unit)
    firing = f'ALERTS{{alertname="{rule.name}", alertstate="firing"}}'
    return f"({holds}) or (({_holds(eased, rule, step)}) and on() {firing})"


def _holds(condition: Condition, rule: Rule, step: timedelta) -> str:
    """Return an expression that has a value where the condition holds."""
    match condition:
        case Comparison():
            return _compared(condition, rule, step)
        case AllOf():
            return " and ".join(f"({_holds(part, rule, step)})" for part in condition.parts)
        case AnyOf():
            return " or ".join(f"({_holds(part, rule, step)})" for part in condition.parts)


def _compared(comparison: Comparison, rule: Rule, step: timedelta) -> str:
    value = f"({signal(comparison.signal, rule, step)})"
    holds = f"{value} {comparison.op.value} {comparison.limit:.15g}"
    return f"({holds}) or absent{value}" if rule.no_data in (NoData.ALERT, NoData.NODATA) else holds


def signal(name: str, rule: Rule, step: timedelta) -> str:
    """Return a signal's expression over a rule's window; raises Inexpressible where no metric tells it."""
    if name not in EXPRESSIONS:
        raise Inexpressible(f"no metric tells {name}")
    window = prometheus_duration(rule.over or DEFAULT_WINDOW)
    value = EXPRESSIONS[name].replace("WINDOW", window)
    if rule.min_events and name in EVENTS:
        value = f"({value}) and ({EVENTS[name].replace('WINDOW', window)} >= {rule.min_events})"
    if rule.take is None or rule.over is None:
        return value
    reach = prometheus_duration(rule.over + _TICK)  # both ends count; a range leaves its beginning out
    return f"{_TAKES[rule.take]}(({value})[{reach}:{prometheus_duration(step)}])"


def may_lack(rule: Rule, names: tuple[str, ...]) -> bool:
    """Tell whether one of these signals may have no number, which Prometheus cannot wait out as `keep` does."""
    return rule.no_data is NoData.KEEP and any(SIGNALS[name].windowed for name in names)


def prometheus_duration(length: timedelta) -> str:
    """Write a duration as Prometheus reads it, to the millisecond: 1h30m, 90ms."""
    rest, parts = round(length.total_seconds() * 1000), []
    for unit, size in _SIZES.items():
        count, rest = divmod(rest, size)
        parts += [f"{count}{unit}"] if count else []
    return "".join(parts) or "0s"
