"""Whether telling works: which conditions hold, what fires, what is on its way, and whether the rules are judged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from monitor.grafana.limits import Step
from monitor.grafana.overview import firing
from monitor.grafana.panels import Kind, Panel, Row, Unit, Word
from monitor.grafana.queries import Query, age, grown, here, newest, of, per_second, quantile, total
from monitor.grafana.signal_panels import SignalPanels
from monitor.grafana.topics import Topic
from monitor.notice import Severity
from monitor.promql import Inexpressible, expression
from monitor.units import written_duration

_HOLDS = {0: Word("does not hold"), 1: Word("holds", "orange"), 2: Word("holds", "red")}


def alerting(signals: SignalPanels) -> Sequence[Row]:
    """Return its rows."""
    number = signals.number
    return [
        Row(
            "Right now",
            [
                firing(Severity.CRITICAL),
                firing(Severity.WARNING),
                number("outbox_oldest_age", "Oldest unsent message"),
                number("outbox_depth", "Messages that wait"),
                number("alerts_file_rejected", "alerts.yaml refused"),
                number("failing_jobs", "Jobs that fail"),
            ],
        ),
        Row("Alerts", [_conditions(signals), *_alerts()]),
        Row("Messages", _messages()),
        Row("The judging itself", [*_judging(), number("missed_runs", "Runs left out", width=6)]),
    ]


def _conditions(signals: SignalPanels) -> Panel:
    return Panel(
        title="Conditions of the alerts",
        about="Where the condition of an alert of alerts.yaml holds: red for critical ones. An alert fires once its "
        "condition has held for as long as its `for` says, and is told by its route. `lightspeed-sync alerts explain "
        "NAME` tells who was told what, and why not more.",
        topic=Topic.MACHINE,
        queries=list(_held(signals)),
        kind=Kind.STATES,
        unit=Unit.NONE,
        steps=(Step(None, "green"), Step(1, "orange"), Step(2, "red")),
        words=_HOLDS,
        width=24,
    )


def _held(signals: SignalPanels) -> Iterator[Query]:
    """Yield for each alert 0 where its condition does not hold, else 1, or 2 where it is critical."""
    content = signals.content
    for alert in content.alerts:
        try:
            condition = here(expression(alert.rule(), content.sync_interval))
        except Inexpressible:
            continue
        level = 2 if alert.severity is Severity.CRITICAL else 1
        seen = newest(of("start_timestamp_seconds"))
        held = f" ({written_duration(alert.hold)})" if alert.hold else ""
        yield Query(f"({level} * count ({condition})) or (0 * {seen})", f"{alert.name}{held}")


def _alerts() -> list[Panel]:
    return [
        Panel(
            title="Alerts that fire or are about to",
            about="As the daemon itself judges them. A pending alert's condition holds, not yet for long enough.",
            topic=Topic.MACHINE,
            queries=[Query(total(of("alerts"), "severity", "state"), "{{severity}} {{state}}")],
            width=12,
        ),
        Panel(
            title="Transitions not told, by reason",
            about="Why nobody was told of something at a judging: acknowledged, silenced, within a maintenance window, "
            "following from another alert … `lightspeed-sync alerts explain NAME` says it of one alert.",
            topic=Topic.MACHINE,
            queries=[Query(grown(of("notifications_suppressed_total"), "reason"), "{{reason}}")],
            width=12,
        ),
    ]


def _messages() -> list[Panel]:
    channel = "{{channel}}"
    return [
        Panel(
            title="Messages handed over",
            about="By channel, retries too.",
            topic=Topic.MACHINE,
            queries=[Query(grown(of("notifications_total"), "channel"), channel)],
            width=6,
        ),
        Panel(
            title="Messages not taken",
            about="By channel and reason. `refused`: a setting, a permission or an address is wrong. `lightspeed-sync "
            "alerts test CHANNEL` sends a marked message.",
            topic=Topic.MACHINE,
            queries=[Query(grown(of("notification_failures_total"), "channel", "reason"), f"{channel} {{{{reason}}}}")],
            width=6,
        ),
        Panel(
            title="How long 95% of the messages take",
            about="From a message's writing to its delivery, over an hour; nothing is drawn where nothing was sent.",
            topic=Topic.MACHINE,
            queries=[Query(quantile(0.95, "notification_latency_seconds", "channel", over="1h"), channel)],
            unit=Unit.SECONDS,
            width=6,
        ),
        Panel(
            title="Messages that wait, or were given up on",
            about="What waits is tried again with growing pauses. What was given up on was older than "
            "limits.delivery.expire.",
            topic=Topic.MACHINE,
            queries=[
                Query(newest(of("notification_outbox_depth")), "waiting"),
                Query(newest(of("notification_outbox_dead")), "given up on"),
            ],
            width=6,
        ),
    ]


def _judging() -> list[Panel]:
    return [
        Panel(
            title="Rules judged",
            about="Judgings of rules a second, and those of them that had to go without a number.",
            topic=Topic.MACHINE,
            queries=[
                Query(per_second(of("rule_evaluations_total")), "judged"),
                Query(per_second(of("rule_evaluation_failures_total")), "without a number"),
            ],
            unit=Unit.PER_SECOND,
            width=6,
        ),
        Panel(
            title="Since the last judging and reading",
            about="Rules are judged after every sync, and at least every check_interval. alerts.yaml is read again "
            "where it changed; an old reading is nothing bad.",
            topic=Topic.MACHINE,
            queries=[
                Query(age(of("rules_last_evaluation_timestamp_seconds")), "rules judged"),
                Query(age(of("alerts_file_last_reload_success_timestamp_seconds")), "alerts.yaml taken"),
            ],
            unit=Unit.SECONDS,
            width=6,
        ),
        Panel(
            title="alerts.yaml",
            about="Whether the file was taken when it was last read; where not, the rules from before are in force, "
            "and `lightspeed-sync check alerts` names the mistakes.",
            topic=Topic.MACHINE,
            queries=[Query(newest(of("alerts_file_last_reload_successful")), "alerts.yaml")],
            kind=Kind.STATES,
            unit=Unit.NONE,
            words={0: Word("refused", "red"), 1: Word("taken")},
            width=6,
        ),
        Panel(
            title="The schedule",
            about="Times that jobs were to begin, were begun, and were left out since the one before had not ended.",
            topic=Topic.WORK,
            queries=[
                Query(grown(of("scheduler_runs_expected_total", job="$job")), "due"),
                Query(grown(of("scheduler_runs_actual_total", job="$job")), "begun"),
                Query(grown(of("scheduler_runs_missed_total", job="$job"), "job"), "{{job}} left out"),
            ],
            width=6,
        ),
    ]
