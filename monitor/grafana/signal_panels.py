"""Panels of what alerts judge: the alert's own expression, its unit, its limits as colours, its remedy."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.alerts_model import AlertsFile
from monitor.grafana.limits import limits_of, steps_of, window_of
from monitor.grafana.panels import Kind, Panel, Unit
from monitor.grafana.queries import Query, of_signal
from monitor.grafana.topics import TOPICS
from monitor.signals import SIGNALS
from monitor.units import Unit as Measure
from monitor.units import written_duration

_UNITS = {Measure.COUNT: Unit.COUNT, Measure.DURATION: Unit.SECONDS, Measure.RATIO: Unit.SHARE}


class SignalPanels:
    """Makes them with the limits of one alerts.yaml."""

    def __init__(self, content: AlertsFile) -> None:
        self.content = content

    def number(self, signal: str, title: str, *, width: int = 4) -> Panel:
        """Return the newest value of a signal, coloured as its alerts see it."""
        return Panel(
            title=title,
            about=self.about(signal),
            topic=TOPICS[signal],
            queries=[Query(of_signal(signal, window_of(signal, self.content)), title)],
            kind=Kind.NUMBER,
            unit=_UNITS[SIGNALS[signal].unit],
            steps=steps_of(signal, self.content),
            width=width,
            link=self._link(signal),
        )

    def lines(self, title: str, signals: Sequence[tuple[str, str]], *, width: int = 8) -> Panel:
        """Return signals of one kind over time, with the limits of the first; each with its legend."""
        first = signals[0][0]
        queries = [Query(of_signal(name, window_of(name, self.content)), legend) for name, legend in signals]
        return Panel(
            title=title,
            about="\n\n".join(self.about(name) for name, _ in signals),
            topic=TOPICS[first],
            queries=queries,
            unit=_UNITS[SIGNALS[first].unit],
            steps=steps_of(first, self.content),
            width=width,
            link=self._link(first),
        )

    def about(self, signal: str) -> str:
        """Return what a signal is, which alerts are about it, and what to do then."""
        known = SIGNALS[signal]
        window = window_of(signal, self.content)
        over = f", over {written_duration(window)}" if known.windowed and window is not None else ""
        alerts = {each.alert.name: each.alert for each in limits_of(signal, self.content)}.values()
        told = [f"{alert.name} ({alert.severity.value}): `{alert.when}`." for alert in alerts]
        return " ".join([f"{known.title[:1].upper()}{known.title[1:]}{over}.", *told, known.remedy])

    def _link(self, signal: str) -> str:
        """Return the runbook that the first of its alerts names, "" where none does."""
        links = (each.alert.runbook for each in limits_of(signal, self.content))
        return next((link for link in links if link), "")
