"""The kinds of metrics there are, each made on one registry under our prefix."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

PREFIX = "lightspeed_sync"


class Moments(Collector):
    """Gauges of moments, in Unix seconds; a moment that never came has no sample."""

    def __init__(self, name: str, text: str, labels: Sequence[str] = ()) -> None:
        self._name, self._text, self._labels = f"{PREFIX}_{name}", text, tuple(labels)
        self._values: dict[tuple[str, ...], float] = {}

    def set(self, moment: datetime | None, *labels: str) -> None:
        """Set or, with None, forget the moment of these labels."""
        if moment is None:
            self._values.pop(labels, None)
        else:
            self._values[labels] = moment.timestamp()

    def collect(self) -> Iterable[Metric]:
        """Yield the metric with the moments known so far."""
        family = GaugeMetricFamily(self._name, self._text, labels=self._labels)
        for labels, value in list(self._values.items()):
            family.add_metric(labels, value)
        yield family


class Kinds:
    """Makes metrics on a registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def counter(self, name: str, text: str, *labels: str) -> Counter:
        """Return a counter; it is exposed with `_total` behind its name."""
        return Counter(f"{PREFIX}_{name}", text, labels, registry=self._registry)

    def gauge(self, name: str, text: str, *labels: str) -> Gauge:
        """Return a gauge."""
        return Gauge(f"{PREFIX}_{name}", text, labels, registry=self._registry)

    def histogram(self, name: str, text: str, buckets: Sequence[float], *labels: str) -> Histogram:
        """Return a histogram with these upper bounds."""
        return Histogram(f"{PREFIX}_{name}", text, labels, buckets=buckets, registry=self._registry)

    def moments(self, name: str, text: str, *labels: str) -> Moments:
        """Return a gauge of moments."""
        moments = Moments(name, text, labels)
        self._registry.register(moments)
        return moments
