"""What a dashboard is made of: panels that show queries, and texts; each as Grafana's JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias

from monitor.grafana.limits import GREEN, PLAIN, Step
from monitor.grafana.queries import Query
from monitor.grafana.topics import Topic

Json: TypeAlias = dict[str, Any]

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
RUNBOOK = "/d/lightspeed-sync-runbook"


class Kind(StrEnum):
    """How a panel shows its queries."""

    NUMBER = "stat"
    LINES = "timeseries"
    STATES = "state-timeline"


class Unit(StrEnum):
    """Grafana's names of units."""

    NONE = "none"
    COUNT = "short"
    SECONDS = "s"
    SHARE = "percentunit"
    BYTES = "bytes"
    PER_SECOND = "ops"


@dataclass(frozen=True, slots=True)
class Word:
    """What stands in place of a number, and in which colour."""

    text: str
    colour: str = GREEN


@dataclass(frozen=True, slots=True)
class Panel:
    """Some queries under a title; `about` says what they are, `link` is an alert's own runbook where it has one.

    `steps` colour a number, and are drawn as lines behind a chart. `width` is in 24ths of the page. `names`: the legend
    is shown, not the number. `below_zero`: a chart may go there.
    """

    title: str
    about: str
    topic: Topic
    queries: Sequence[Query]
    kind: Kind = Kind.LINES
    unit: Unit = Unit.COUNT
    steps: Sequence[Step] = PLAIN
    width: int = 8
    stacked: bool = False
    words: Mapping[int, Word] = field(default_factory=dict)
    link: str = ""
    names: bool = False
    below_zero: bool = False

    @property
    def height(self) -> int:
        """Return its height in Grafana's units of 30 pixels."""
        if self.kind is Kind.STATES:
            return max(6, 1 + (len(self.queries) * 3 + 3) // 4)
        return 4 if self.kind is Kind.NUMBER else 8

    def json(self) -> Json:
        """Return the panel without its place."""
        options, custom = _LOOKS[self.kind](self)
        return {
            "type": self.kind.value,
            "title": self.title,
            "description": f"{self.about}\n\n[What to do: {self.topic.title}]({self.link or RUNBOOK})",
            "datasource": DATASOURCE,
            "links": [_link("Runbook", self.link or RUNBOOK)],
            "targets": [self._target(number, query) for number, query in enumerate(self.queries)],
            "fieldConfig": {"defaults": {**self._defaults(), "custom": custom}, "overrides": []},
            "options": options,
        }

    def _target(self, number: int, query: Query) -> Json:
        """Return a query; a number needs the newest value alone."""
        instant = self.kind is Kind.NUMBER
        return {
            "refId": chr(ord("A") + number) if number < 26 else f"Q{number}",  # noqa: PLR2004 - letters
            "datasource": DATASOURCE,
            "editorMode": "code",
            "expr": query.expr,
            "instant": instant,
            "legendFormat": query.legend,
            "range": not instant,
        }

    def _defaults(self) -> Json:
        mode = "palette-classic" if self.kind is Kind.LINES else "thresholds"
        made: Json = {
            "color": {"mode": mode},
            "mappings": [_mapping(self.words)] if self.words else [],
            "thresholds": {
                "mode": "absolute",
                "steps": [{"color": step.colour, "value": step.value} for step in self.steps],
            },
            "unit": self.unit.value,
        }
        if self.kind is Kind.LINES and not self.below_zero:
            made["min"] = 0
        if self.unit is Unit.SHARE and self.kind is Kind.NUMBER:
            made["decimals"] = 2
        return made


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of Markdown under a title."""

    title: str
    content: str
    width: int = 24
    height: int = 8

    def json(self) -> Json:
        """Return the panel without its place."""
        options = {"mode": "markdown", "content": self.content}
        return {"type": "text", "title": self.title, "options": options}


@dataclass(frozen=True, slots=True)
class Row:
    """A heading and what stands below it."""

    title: str
    panels: Sequence[Panel | Text]


def _link(title: str, url: str) -> Json:
    return {
        "title": title, "type": "link", "url": url, "icon": "external link", "tooltip": "", "tags": [],
        "asDropdown": False, "includeVars": False, "keepTime": False, "targetBlank": True,
    }  # fmt: skip


def _mapping(words: Mapping[int, Word]) -> Json:
    options = {
        str(value): {"text": word.text, "color": word.colour, "index": index}
        for index, (value, word) in enumerate(words.items())
    }
    return {"type": "value", "options": options}


# --- looks, by kind: options and the field's own settings ---


def _number(panel: Panel) -> tuple[Json, Json]:
    options = {
        "colorMode": "background" if panel.steps != PLAIN else "none",
        "graphMode": "none",
        "justifyMode": "auto",
        "orientation": "auto",
        "percentChangeColorMode": "standard",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "showPercentChange": False,
        "textMode": "name" if panel.names else "auto",
        "wideLayout": True,
    }
    return options, {}


def _lines(panel: Panel) -> tuple[Json, Json]:
    options = {
        "legend": {"calcs": ["lastNotNull", "max"], "displayMode": "table", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    limited = len(panel.steps) > 1
    custom = {
        "drawStyle": "line",
        "fillOpacity": 40 if panel.stacked else 10,
        "lineInterpolation": "stepAfter" if panel.unit is Unit.COUNT else "linear",
        "lineWidth": 1,
        "showPoints": "auto",
        "spanNulls": False,
        "stacking": {"group": "A", "mode": "normal" if panel.stacked else "none"},
        "thresholdsStyle": {"mode": "dashed" if limited else "off"},
    }
    return options, custom


def _states(_: Panel) -> tuple[Json, Json]:
    options = {
        "alignValue": "left",
        "legend": {"calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": False},
        "mergeValues": True,
        "rowHeight": 0.8,
        "showValue": "never",
        "tooltip": {"mode": "single", "sort": "none"},
    }
    return options, {"fillOpacity": 80, "lineWidth": 0}


_LOOKS = {Kind.NUMBER: _number, Kind.LINES: _lines, Kind.STATES: _states}
