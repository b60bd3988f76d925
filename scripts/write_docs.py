"""Writes the generated parts of README.md and docs/ anew, and the generated files of deploy/.

A part stands between `<!-- begin: NAME … -->` and `<!-- end: NAME -->`.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from bench import sku_suggestions
from monitor.alerts_file import load_alerts
from monitor.alerts_table import alerts_table, metrics_table, signals_table
from monitor.export import prometheus_rules
from monitor.grafana import dashboards
from monitor.slo import objectives_table, slo_rules
from sync.config_table import sandbox_table, settings_table
from tests.simulation.report import SAVED, load, table

ROOT = Path(__file__).resolve().parent.parent
BEGIN = "<!-- begin: {} (made by `make docs`) -->"
PARTS = {
    "settings": settings_table,
    "sandbox": sandbox_table,
    "signals": signals_table,
    "alerts": alerts_table,
    "metrics": metrics_table,
    "sku-suggestions": sku_suggestions.table,
    "objectives": objectives_table,
    "simulation": lambda: table(load(SAVED)),
}


def rewritten(text: str) -> str:
    """Return `text` with every known part made anew."""
    for name, make in PARTS.items():
        pattern = re.compile(rf"(?<={re.escape(BEGIN.format(name))}\n).*?(?=<!-- end: {name} -->)", re.DOTALL)
        text = pattern.sub(f"\n{make()}\n".replace("\\", r"\\"), text)
    return text


def deployed() -> dict[Path, str]:
    """Return the text of every generated file of deploy/, with the limits of alerts.yaml."""
    content = load_alerts(ROOT / "alerts.yaml")
    rules = ROOT / "deploy" / "prometheus" / "rules"
    boards = ROOT / "deploy" / "grafana" / "dashboards"
    written = {
        boards / f"{name}.json": f"{json.dumps(board, indent=1, ensure_ascii=False)}\n"
        for name, board in dashboards(content).items()
    }
    return {rules / "alerts.yml": prometheus_rules(content), rules / "slo.yml": slo_rules(), **written}


def main() -> None:
    """Rewrite every page that has such parts, and every generated file that is behind its source."""
    for place, text in deployed().items():
        if not place.exists() or place.read_text(encoding="utf-8") != text:
            place.write_text(text, encoding="utf-8")
            print(f"wrote {place.relative_to(ROOT)}")
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        before = page.read_text(encoding="utf-8")
        after = rewritten(before)
        if after != before:
            page.write_text(after, encoding="utf-8")
            print(f"wrote {page.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
