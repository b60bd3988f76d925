"""Names in alerts.yaml: each once, each known, and no alert that in the end depends on itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from monitor.alerts_lint.parts import Parts
from monitor.alerts_model import OUTSIDE
from monitor.units import did_you_mean, shown
from monitor.yaml_page import Loc, Page

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,79}")


def check_names(parts: Parts, page: Page) -> None:
    """Report names that stand twice, that are not known, that cannot be names, and alerts that depend on themselves."""
    _once([(("alerts", number, "name"), alert.name) for number, alert in parts.alerts.items()], "alert", page)
    windows = [(("maintenance", number, "name"), window.name) for number, window in parts.maintenance.items()]
    _once(windows, "window", page)
    for key in ("business_hours", "channels"):
        _groups(key, parts, page)
    _hours(parts, page)
    _alerts(parts, page)
    _circles(parts, page)


def _once(names: Iterable[tuple[Loc, str]], what: str, page: Page) -> None:
    seen: set[str] = set()
    for loc, name in names:
        if name in seen:
            page.at(loc, f"a second {what} is named {name}", "rename one of them")
        seen.add(name)


def _groups(key: str, parts: Parts, page: Page) -> None:
    groups = parts.data.get(key)
    for name in groups if isinstance(groups, dict) else ():
        if not _NAME.fullmatch(name):
            page.at((key, name), f"{shown(name)} is not a name", "use letters, digits, - and _", key=True)


def _hours(parts: Parts, page: Page) -> None:
    known = parts.hours_names()
    for number, alert in parts.alerts.items():
        name = (alert.business_hours or "").removeprefix(OUTSIDE).strip()
        if alert.business_hours is not None and name not in known:
            remedy = did_you_mean(name, known) if known else f"add `{name}:` under `business_hours`"
            page.at(("alerts", number, "business_hours"), f"there are no business hours {shown(name)}", remedy)


def _alerts(parts: Parts, page: Page) -> None:
    known = parts.alert_names()
    for number, alert in parts.alerts.items():
        _known(alert.depends_on, known, ("alerts", number, "depends_on"), page)
    for number, route in parts.routes.items():
        _known(route.alerts or (), known, ("routes", number, "alerts"), page)
    for number, window in parts.maintenance.items():
        _known(window.alerts or (), known, ("maintenance", number, "alerts"), page)


def _known(names: Iterable[str], known: Sequence[str], loc: Loc, page: Page) -> None:
    for position, name in enumerate(names):
        if name not in known:
            page.at((*loc, position), f"there is no alert {shown(name)}", did_you_mean(name, known))


def _circles(parts: Parts, page: Page) -> None:
    """Report each circle of alerts that depend on each other once, at the first of them in the file."""
    depends = {alert.name: alert.depends_on for alert in parts.alerts.values()}
    told: set[str] = set()
    for number, alert in parts.alerts.items():
        circle = _circle(alert.name, depends)
        if circle and not told.intersection(circle):
            told.update(circle)
            path = " -> ".join((*circle, alert.name))
            problem = f"{alert.name} depends on itself ({path}), so none of them would be told"
            page.at(("alerts", number, "depends_on"), problem, "take one of them out")


def _circle(name: str, depends: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Return the shortest way from an alert back to itself, without its end; nothing where there is none."""
    paths: list[tuple[str, ...]] = [(name,)]
    seen: set[str] = set()
    while paths:
        path = paths.pop(0)
        for other in depends.get(path[-1], ()):
            if other == name:
                return path
            if other not in seen:
                seen.add(other)
                paths.append((*path, other))
    return ()
