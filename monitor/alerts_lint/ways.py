"""Ways from alerts to people in alerts.yaml: routes that are reached, channels that exist, text messages for few."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from monitor.alerts_lint.parts import Parts, leads
from monitor.alerts_model import Route, SmsSettings
from monitor.notice import Severity
from monitor.units import did_you_mean, written_duration
from monitor.yaml_page import Loc, Page


def check_ways(parts: Parts, page: Page) -> None:
    """Report routes and channels that do not lead where they should."""
    known = parts.channel_names()
    for lead in leads(parts):
        _exists(lead.channel, known, lead.loc, page)
        if isinstance(parts.channels.get(lead.channel), SmsSettings) and _others(lead.severities):
            problem = "text messages are for critical alerts only"
            page.at(lead.loc, problem, f"remove {lead.channel} from this {lead.place}")
    _fallbacks(parts, page)
    if parts.all_routes_right():
        _hidden_routes(parts, page)
        _unrouted(parts, page)
    _repeats(parts, page)
    _idle(parts, page)


def _others(severities: Iterable[Severity]) -> bool:
    """Tell whether what is not critical is among them."""
    return any(severity is not Severity.CRITICAL for severity in severities)


def _exists(name: str, known: Iterable[str], loc: Loc, page: Page) -> None:
    if name not in known:
        meant = did_you_mean(name, known)
        remedy = meant if meant.startswith("did") else f"add `{name}:` there, or remove it here"
        page.at(loc, f"{name} has no settings under `channels`", remedy)


# --- fallbacks ---


def _fallbacks(parts: Parts, page: Page) -> None:
    fallbacks = {name: channel.fallback for name, channel in parts.channels.items() if channel.fallback is not None}
    severities = _arriving(parts, fallbacks)
    for name, fallback in fallbacks.items():
        loc: Loc = ("channels", name, "fallback")
        _exists(fallback, parts.channel_names(), loc, page)
        if _returns(name, fallbacks):
            page.at(loc, f"the fallback of {name} leads back to {name}", "name another channel, or none")
        texts = isinstance(parts.channels.get(fallback), SmsSettings)
        if texts and _others(severities.get(name, ())):
            problem = f"text messages are for critical alerts only, and others come to {name}"
            page.at(loc, problem, f"name another fallback than {fallback}")


def _arriving(parts: Parts, fallbacks: Mapping[str, str]) -> Mapping[str, set[Severity]]:
    """Return the severities that come to each channel, by way of other channels' fallbacks too."""
    found: dict[str, set[Severity]] = {}
    for lead in leads(parts):
        name: str | None = lead.channel
        seen: set[str] = set()
        while name is not None and name not in seen:
            seen.add(name)
            found.setdefault(name, set()).update(lead.severities)
            name = fallbacks.get(name)
    return found


def _returns(name: str, fallbacks: Mapping[str, str]) -> bool:
    at, seen = fallbacks.get(name), set[str]()
    while at is not None and at != name and at not in seen:
        seen.add(at)
        at = fallbacks.get(at)
    return at == name


# --- routes ---


def _hidden_routes(parts: Parts, page: Page) -> None:
    for number, route in parts.routes.items():
        for before in range(number):
            if _covers(parts.routes[before], route):
                line = page.line(("routes", before))
                problem = f"no alert comes here: the route in line {line} takes all of them"
                page.at(("routes", number), problem, "join both, or put this one first")
                break


def _covers(wide: Route, narrow: Route) -> bool:
    """Tell whether a route takes every alert that another would."""
    return (
        set(narrow.severities) <= set(wide.severities)
        and (wide.alerts is None or (set(narrow.alerts or ()) <= set(wide.alerts) and narrow.alerts is not None))
        and wide.labels.items() <= narrow.labels.items()
    )


def _unrouted(parts: Parts, page: Page) -> None:
    for number, alert in parts.alerts.items():
        if alert.to is None and not any(route.fits(alert) for route in parts.routes.values()):
            problem = f"nobody would be told: no route fits {alert.name}"
            page.at(("alerts", number, "severity"), problem, "add one under `routes`, or change the severity")


def _repeats(parts: Parts, page: Page) -> None:
    if parts.whole is None:
        return
    least = parts.whole.check_interval
    repeats = {("repeat_interval",): parts.whole.repeat_interval} | {
        ("routes", number, "repeat_interval"): route.repeat_interval
        for number, route in parts.routes.items()
        if route.repeat_interval is not None
    }
    for loc, interval in repeats.items():
        if interval < least:
            often, length = written_duration(least), written_duration(interval)
            problem = f"rules may be judged only every {often}, so nothing is repeated every {length}"
            page.doubt(loc, problem, "write a longer repeat_interval, or a shorter check_interval")


def _idle(parts: Parts, page: Page) -> None:
    """Doubt the channels that stand in the file and to which nothing leads."""
    fallbacks = {name: channel.fallback for name, channel in parts.channels.items() if channel.fallback is not None}
    used = _arriving(parts, fallbacks)
    for name in parts.channels:
        if name not in used and ("channels", name) in page.keys:
            page.doubt(("channels", name), f"nothing leads to {name}", "name it in a route, or remove it", key=True)
