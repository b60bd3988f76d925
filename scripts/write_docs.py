"""Writes the generated parts of README.md and docs/ anew, between `<!-- begin: NAME … -->` and `<!-- end: NAME -->`."""

from __future__ import annotations

import re
from pathlib import Path

from bench import sku_suggestions
from monitor.alerts_table import alerts_table, metrics_table, signals_table
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
    "simulation": lambda: table(load(SAVED)),
}


def rewritten(text: str) -> str:
    """Return `text` with every known part made anew."""
    for name, make in PARTS.items():
        pattern = re.compile(rf"(?<={re.escape(BEGIN.format(name))}\n).*?(?=<!-- end: {name} -->)", re.DOTALL)
        text = pattern.sub(f"\n{make()}\n".replace("\\", r"\\"), text)
    return text


def main() -> None:
    """Rewrite every page that has such parts."""
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        before = page.read_text(encoding="utf-8")
        after = rewritten(before)
        if after != before:
            page.write_text(after, encoding="utf-8")
            print(f"wrote {page.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
