"""All dashboards, each in its frame: variables, annotations, links between them, and every panel at its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from monitor.alerts_model import AlertsFile
from monitor.grafana.alerting import alerting
from monitor.grafana.orders import orders
from monitor.grafana.overview import overview
from monitor.grafana.panels import DATASOURCE, Json, Panel, Row, Text
from monitor.grafana.services import services
from monitor.grafana.signal_panels import SignalPanels
from monitor.grafana.topics import Topic, chapter
from monitor.metrics import PREFIX
from monitor.slo import alert_names

TAG = "lightspeed-sync"
LEFT_OUT: Mapping[str, str] = {
    "last_completion_timestamp_seconds": "the last success and the counters of runs by outcome tell more",
}
"""Metrics that no panel shows, and why."""

_PAGE = 24  # Grafana's columns
_SCHEMA = 39  # of Grafana 11 on; newer ones bring it up to date when they load it


@dataclass(frozen=True, slots=True)
class Board:
    """A dashboard: its place in addresses, its title, what it answers, its panels, its own variables."""

    uid: str
    title: str
    answers: str
    rows: Callable[[SignalPanels], Sequence[Row]]
    variables: tuple[str, ...] = ()


def _runbook(signals: SignalPanels) -> Sequence[Row]:
    texts = [Text(each.title, chapter(each, signals.content), height=4 + 3 * len(each.signals)) for each in Topic]
    return [Row("What to do", texts)]


BOARDS = (
    Board(
        "overview",
        "Overview",
        "Is everything in step, since when is that proved, and where to look.",
        overview,
        ("job",),
    ),
    Board(
        "services", "API and quota", "Do both services answer, what fails, how much quota is left.", services, ("api",)
    ),
    Board("orders", "Orders", "Which orders wait to be booked, for how long, for whom; what shoppers hold.", orders),
    Board(
        "alerting",
        "Alerting",
        "Which conditions hold, what is on its way to people, is telling alive.",
        alerting,
        ("job",),
    ),
    Board("runbook", "Runbook", "What each number means, when its alert fires, and what to do then.", _runbook),
)

_VARIABLES = {
    "job": ("Job", f"{PREFIX}_runs_total"),
    "api": ("Service", f"{PREFIX}_api_requests_total"),
    "instance": ("Daemon", f"{PREFIX}_build_info"),
}
"""By name: its label for people, and the metric whose label of this name has its values."""


def dashboards(content: AlertsFile) -> dict[str, Json]:
    """Return every dashboard by its name, with the limits of an alerts.yaml."""
    signals = SignalPanels(content)
    return {board.uid: _framed(board, signals) for board in BOARDS}


def _framed(board: Board, signals: SignalPanels) -> Json:
    return {
        "uid": f"{TAG}-{board.uid}",
        "title": f"lightspeed-sync: {board.title}",
        "description": f"{board.answers} Made by `make docs`; changes here are lost.",
        "tags": [TAG],
        "schemaVersion": _SCHEMA,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "timezone": "browser",
        "time": {"from": "now-6h", "to": "now"},
        "refresh": "1m",
        "links": [_others()],
        "templating": {"list": [_datasource(), *(_variable(name) for name in ("instance", *board.variables))]},
        "annotations": {"list": [_own_annotations(), _alerts(signals.content)]},
        "panels": list(_placed(board.rows(signals))),
    }


def _others() -> Json:
    return {
        "title": "Other dashboards", "type": "dashboards", "tags": [TAG], "asDropdown": False, "icon": "dashboard",
        "includeVars": True, "keepTime": True, "targetBlank": False, "tooltip": "",
    }  # fmt: skip


def _datasource() -> Json:
    return {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus", "refresh": 1}


def _variable(name: str) -> Json:
    label, metric = _VARIABLES[name]
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": DATASOURCE,
        "query": {"qryType": 1, "query": f"label_values({metric}, {name})", "refId": name},
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "current": {"text": ["All"], "value": ["$__all"]},
    }


def _own_annotations() -> Json:
    return {
        "builtIn": 1,
        "datasource": {"type": "grafana", "uid": "-- Grafana --"},
        "enable": True,
        "hide": True,
        "iconColor": "rgba(0, 211, 255, 1)",
        "name": "Annotations & Alerts",
        "type": "dashboard",
    }


def _alerts(content: AlertsFile) -> Json:
    """Return marks where an alert of the rules in deploy/prometheus fires."""
    names = "|".join([*(alert.name for alert in content.alerts), *alert_names()])
    return {
        "name": "Alerts that fire",
        "datasource": DATASOURCE,
        "enable": True,
        "iconColor": "red",
        "target": {
            "refId": "Alerts",
            "expr": f'max by (alertname, severity) (ALERTS{{alertstate="firing", alertname=~"{names}"}})',
            "interval": "1m",
        },
        "titleFormat": "{{alertname}}",
        "tagKeys": "severity",
    }


def _placed(rows: Sequence[Row]) -> Iterator[Json]:
    """Yield rows and panels from top to bottom, each row's from left to right as they fit."""
    top, number = 0, 1
    for row in rows:
        place = {"x": 0, "y": top, "w": _PAGE, "h": 1}
        yield {"id": number, "type": "row", "title": row.title, "collapsed": False, "gridPos": place, "panels": []}
        top, number = top + 1, number + 1
        left, tallest = 0, 0
        for panel in row.panels:
            if left + panel.width > _PAGE:
                top, left, tallest = top + tallest, 0, 0
            yield {"id": number, "gridPos": _place(panel, left, top), **panel.json()}
            left, tallest, number = left + panel.width, max(tallest, panel.height), number + 1
        top += tallest


def _place(panel: Panel | Text, left: int, top: int) -> Json:
    return {"x": left, "y": top, "w": panel.width, "h": panel.height}
