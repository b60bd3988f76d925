"""Writes alerts.yaml's alerts as a file of Prometheus rules over our own metrics, equal in meaning where that can be.

What Prometheus cannot say stands in the file as a comment: alerts without an equal, and what differs in the others.
Who is told when (routes, silences, business hours, dependencies, escalation) is Alertmanager's matter.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from monitor import phrases
from monitor.alerts_model import Alert, AlertsFile
from monitor.conditions import Comparison, comparisons, signals_in
from monitor.promql import Inexpressible, expression, may_lack, prometheus_duration
from monitor.rules import NoData, Rule
from monitor.units import Unit

_HEAD = """\
# Made by `lightspeed-sync alerts export-prometheus` from alerts.yaml; equal in meaning, except for what is said here.
# Rates are estimates of Prometheus', which sees no growth in the first value of a series.
# Who is told, and when, is not part of it: routes, business hours, dependencies, escalation are Alertmanager's matter.
groups:
  - name: lightspeed-sync
    interval: {interval}
"""
_KEEP = "without a number Prometheus ends this alert; here it keeps its state (no_data: keep)"
_RESTART = "here `for` begins anew where the number goes missing while it waits (no_data: nodata)"
_NOTHING = timedelta(0)
_MARK = "\x00{}\x00"  # where a value will stand: no sentence has it, and no brace of a sentence's own is taken for ours
_SHOWN = {Unit.COUNT: "{{ $value }}", Unit.DURATION: "{{ $value | humanizeDuration }}"}
_SHARE = "{{ $value | humanizePercentage }}"


@dataclass(frozen=True, slots=True)
class Written:
    """A rule as Prometheus reads it; `kind` is `alert` or `record`."""

    kind: str
    name: str
    expr: str
    hold: timedelta = _NOTHING
    keep: timedelta = _NOTHING
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)


def prometheus_rules(content: AlertsFile) -> str:
    """Return the text of the rules file."""
    step = content.sync_interval
    written: list[str] = []
    lacking: list[str] = []
    for alert in content.alerts:
        try:
            written += _rule(alert, alert.rule(), step)
        except Inexpressible as reason:
            lacking.append(f"    # not expressible: {alert.name}: {reason}")
    rules = ["    rules:", *written] if written else ["    rules: []"]
    return _HEAD.format(interval=prometheus_duration(step)) + "\n".join([*rules, *lacking]) + "\n"


def _rule(alert: Alert, rule: Rule, step: timedelta) -> Iterator[str]:
    expr = expression(rule, step)
    yield from (f"      # {rule.name}: {remark}" for remark in _remarks(rule))
    annotations = {"summary": rule.summary, "description": rule.description}
    filled = {name: _sentence(text, rule) for name, text in annotations.items() if text}
    yield from written(
        Written(
            "alert",
            rule.name,
            expr,
            hold=rule.hold,
            keep=rule.keep,
            labels={**rule.labels, "severity": rule.severity.value},
            annotations=filled | ({"runbook_url": rule.runbook} if alert.runbook else {}),
        )
    )


def written(rule: Written) -> Iterator[str]:
    """Yield the lines of a rule, as they stand below a group's `rules:`."""
    yield f"      - {rule.kind}: {rule.name}"
    yield f"        expr: {_quoted(rule.expr)}"
    if rule.hold:
        yield f"        for: {prometheus_duration(rule.hold)}"
    if rule.keep:
        yield f"        keep_firing_for: {prometheus_duration(rule.keep)}"
    yield from _group("labels", rule.labels)
    yield from _group("annotations", rule.annotations)


def _remarks(rule: Rule) -> Iterator[str]:
    if may_lack(rule, signals_in(rule.condition)):
        yield _KEEP
    if rule.no_data is NoData.NODATA and rule.hold:
        yield _RESTART


def _group(name: str, texts: Mapping[str, str]) -> Iterator[str]:
    if texts:
        yield f"        {name}:"
        yield from (f"          {key}: {_quoted(text)}" for key, text in texts.items())


def _sentence(template: str, rule: Rule) -> str:
    """Fill in what is known now, leave the value to Prometheus, and keep every other brace from its templates."""
    told = next(comparisons(rule.condition))
    words = {
        **{name: _MARK.format("value") if name == told.signal else "?" for name in signals_in(rule.condition)},
        "value": _MARK.format("value"),
        "limit": told.bound if isinstance(rule.condition, Comparison) else str(rule.condition),
        "alert": rule.name,
        "severity": rule.severity.value,
        "labels": rule.labels,
        "examples": "",
        "since": "",
    }
    text = phrases.fill(template, words).replace("{{", '{{ "{{" }}')
    return text.replace(_MARK.format("value"), _SHOWN.get(told.unit, _SHARE))


def _quoted(text: str) -> str:
    """Write a text as YAML reads it: JSON's strings are YAML's."""
    return json.dumps(text, ensure_ascii=False)
