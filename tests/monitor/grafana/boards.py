"""The dashboards as tests look at them: every panel, every query, with Grafana's variables filled in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from monitor.alerts_file import load_alerts
from monitor.grafana import dashboards
from tests.conftest import ROOT

Json: TypeAlias = dict[str, Any]

CONTENT = load_alerts(ROOT / "alerts.yaml")
BOARDS = dashboards(CONTENT)


def panels(board: str) -> list[Json]:
    """Return everything on a dashboard but its headings."""
    return [panel for panel in BOARDS[board]["panels"] if panel["type"] != "row"]


def queries() -> Iterator[tuple[str, Json]]:
    """Yield every query of every panel, with the panel's address for people."""
    for board in BOARDS:
        for panel in panels(board):
            for target in panel.get("targets", ()):
                yield f"{board}: {panel['title']}: {target['legendFormat']}", target


def filled(expr: str, values: Mapping[str, str]) -> str:
    """Fill in Grafana's variables; fails on one that has no value."""
    return re.sub(r"\$(\w+)", lambda found: values[found[1]], expr)
