"""PromQL over metrics that there are: a name or a label that does not exist fails where a panel is written down.

Every selector is narrowed to the daemons that `$instance` names. Nothing is made up where nothing is known: a number
that the alerts take for 0 (`vector(0)`) is 0 on a dashboard only while the daemon is seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from monitor.metrics import PREFIX, Build, Definition, Metrics
from monitor.promql import EXPRESSIONS, prometheus_duration
from monitor.signals import DEFAULT_WINDOW
from monitor.units import did_you_mean

METRICS: dict[str, Definition] = {each.name: each for each in Metrics(Build("", "")).definitions()}
"""By the name each is exposed under."""

HERE = 'instance=~"$instance"'
STEP = "$__rate_interval"  # Grafana's: at least four scrapes, at most what a pixel shows

_OURS = re.compile(rf"\b({PREFIX}(?::[a-z_0-9:]+|_\w+))(\{{)?")
_PROCESS = ("process_cpu_seconds_total", "process_resident_memory_bytes")  # the client library's own


class UnknownMetric(LookupError):
    """A panel names a metric or a label that there is not."""


@dataclass(frozen=True, slots=True)
class Query:
    """An expression, and the legend of its series: `{{label}}` is filled in by Grafana."""

    expr: str
    legend: str


def of(name: str, suffix: str = "", /, **labels: str | Iterable[str]) -> str:
    """Return the series of a metric of ours; several values of a label, and `$variables`, are alternatives.

    Raises UnknownMetric.
    """
    definition = METRICS.get(f"{PREFIX}_{name}")
    if definition is None:
        raise UnknownMetric(f"there is no metric {name}; {did_you_mean(name, _names())}")
    strange = [label for label in labels if label not in definition.labels]
    if strange:
        raise UnknownMetric(f"{name} has no label {strange[0]}")
    parts = [HERE, *(_matcher(label, value) for label, value in labels.items())]
    return f"{definition.name}{suffix}{{{', '.join(parts)}}}"


def _names() -> list[str]:
    return [name.removeprefix(f"{PREFIX}_") for name in METRICS]


def _matcher(label: str, value: str | Iterable[str]) -> str:
    if isinstance(value, str) and not value.startswith("$"):
        return f'{label}="{value}"'
    return f'{label}=~"{value if isinstance(value, str) else "|".join(value)}"'


def of_process(name: str) -> str:
    """Return a series of the process, as the client library names it; raises UnknownMetric."""
    if name not in _PROCESS:
        raise UnknownMetric(name)
    return f"{name}{{{HERE}}}"


# --- what is made of series ---


def _by(*labels: str) -> str:
    return f" by ({', '.join(labels)})" if labels else ""


def total(series: str, *by: str) -> str:
    """Return the sum of some series."""
    return f"sum{_by(*by)} ({series})"


def newest(series: str, *by: str) -> str:
    """Return the largest of some series."""
    return f"max{_by(*by)} ({series})"


def age(series: str, *by: str) -> str:
    """Return how long ago moments were."""
    return f"time() - {newest(series, *by)}"


def per_second(series: str, *by: str) -> str:
    """Return how fast counters grow."""
    return f"sum{_by(*by)} (rate({series}[{STEP}]))"


def grown(series: str, *by: str, over: str = STEP) -> str:
    """Return by how much counters grew."""
    return f"sum{_by(*by)} (increase({series}[{over}]))"


def quantile(share: float, name: str, *by: str, over: str = STEP, **labels: str | Iterable[str]) -> str:
    """Return the time within which a share of what a histogram saw happened."""
    buckets = of(name, "_bucket", **labels)
    return f"histogram_quantile({share}, sum by ({', '.join(('le', *by))}) (rate({buckets}[{over}])))"


def or_zero(expr: str, there: str) -> str:
    """Return an expression that is 0 where it has no series of its own while others, `there`, are there."""
    return f"({expr}) or (0 * {there})"


def here(expr: str) -> str:
    """Return an alert's expression over the daemons that `$instance` names."""
    seen = f"(0 * max({PREFIX}_start_timestamp_seconds))"
    return _OURS.sub(lambda found: found[1] + (f"{{{HERE}, " if found[2] else f"{{{HERE}}}"), _unzeroed(expr, seen))


def _unzeroed(expr: str, seen: str) -> str:
    return expr.replace("vector(0)", seen)


def of_signal(name: str, window: timedelta | None = None) -> str:
    """Return what a signal of the alert rules is, over a rule's window."""
    return here(EXPRESSIONS[name].replace("WINDOW", prometheus_duration(window or DEFAULT_WINDOW)))
