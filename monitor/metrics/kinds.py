"""The kinds of metrics there are, each made on one registry under our prefix."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

PREFIX = "lightspeed_sync"


@dataclass(frozen=True, slots=True)
class Definition:
    """What a metric is: its name as exposed, its type, its meaning, the labels that tell its series apart."""

    name: str
    kind: str
    text: str
    labels: tuple[str, ...] = ()


class Moments(Collector):
    """Gauges of moments, in Unix seconds; a moment that never came has no sample."""

    def __init__(self, name: str, text: str, labels: Sequence[str] = ()) -> None:
        self._name, self._text, self._labels = name, text, tuple(labels)
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
    """Makes metrics on a registry, and keeps what was made."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self.made: list[Definition] = []

    def counter(self, name: str, text: str, *labels: str) -> Counter:
        """Return a counter; it is exposed with `_total` behind its name."""
        own = self._noted(name, "counter", text, labels, "_total")
        return Counter(own, text, labels, registry=self._registry)

    def gauge(self, name: str, text: str, *labels: str) -> Gauge:
        """Return a gauge."""
        return Gauge(self._noted(name, "gauge", text, labels), text, labels, registry=self._registry)

    def histogram(self, name: str, text: str, buckets: Sequence[float], *labels: str) -> Histogram:
        """Return a histogram with these upper bounds."""
        own = self._noted(name, "histogram", text, labels)
        return Histogram(own, text, labels, buckets=buckets, registry=self._registry)

    def moments(self, name: str, text: str, *labels: str) -> Moments:
        """Return a gauge of moments."""
        moments = Moments(self._noted(name, "gauge", text, labels), text, labels)
        self._registry.register(moments)
        return moments

    def info(self, name: str, text: str, words: Mapping[str, str]) -> None:
        """Make a metric that is 1 and says `words` in its labels; it is exposed with `_info` behind its name."""
        Info(self._noted(name, "info", text, tuple(words), "_info"), text, registry=self._registry).info(dict(words))

    def _noted(self, name: str, kind: str, text: str, labels: tuple[str, ...], behind: str = "") -> str:
        """Keep a definition and return the name that the library knows it by."""
        own = f"{PREFIX}_{name}"
        self.made.append(Definition(own + behind, kind, text, labels))
        return own
