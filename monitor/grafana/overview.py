"""The first dashboard at night: is everything in step, since when is that proved, and if not, where to look."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.grafana.limits import COLOURS, PLAIN, Step
from monitor.grafana.panels import Kind, Panel, Row, Unit, Word
from monitor.grafana.queries import HERE, Query, age, grown, newest, of, of_process, per_second, quantile, total
from monitor.grafana.signal_panels import SignalPanels
from monitor.grafana.topics import Topic
from monitor.notice import Severity
from monitor.slo import BAD_RATIO, OBJECTIVES, PERIOD

_DOWN = {1: Word("up"), 0: Word("DOWN", "red")}
_RUNS = {0: Word("idle", "transparent"), 1: Word("running", "blue")}


def overview(signals: SignalPanels) -> Sequence[Row]:
    """Return its rows."""
    return [
        Row("Right now", _now(signals)),
        Row("Stock", _stock(signals)),
        Row("Runs", _runs()),
        Row("Service level objectives", _objectives()),
        Row("The process and its machine", _machine(signals)),
    ]


def _now(signals: SignalPanels) -> list[Panel]:
    number = signals.number
    return [
        Panel(
            title="Daemon",
            about="Whether Prometheus reaches the daemon. Where it does not, every other number here is old: look at "
            "`systemctl status lightspeed-sync` and its log, then at `/healthz`.",
            topic=Topic.WORK,
            queries=[Query(f"min (up{{{HERE}}})", "Daemon")],
            kind=Kind.NUMBER,
            unit=Unit.NONE,
            steps=(Step(None, "red"), Step(1, "green")),
            words=_DOWN,
            width=4,
        ),
        firing(Severity.CRITICAL),
        firing(Severity.WARNING),
        number("sync_latency", "Stock last synced"),
        number("equality_proof_age", "Equality last proved"),
        number("oldest_unposted_order_age", "Oldest unbooked order"),
        number("oversell_units", "Oversold units"),
        number("discrepant_skus", "SKUs that differ"),
        number("quarantined_skus", "SKUs for a person"),
        number("lightspeed_down", "Lightspeed down"),
        number("shopify_down", "Shopify down"),
        number("pause_age", "Paused"),
    ]


def firing(severity: Severity) -> Panel:
    """Return how many alerts of a severity fire."""
    return Panel(
        title=f"Firing: {severity.value}",
        about="Alerts that fire, as the daemon itself judges them. `lightspeed-sync alerts list` names them; "
        "`lightspeed-sync alerts explain NAME` tells the whole story of one.",
        topic=Topic.MACHINE,
        queries=[Query(total(of("alerts", severity=severity.value, state="firing")), severity.value)],
        kind=Kind.NUMBER,
        steps=(Step(None, "green"), Step(1, COLOURS[severity])),
        width=4,
    )


def _stock(signals: SignalPanels) -> list[Panel]:
    number = signals.number
    return [
        signals.lines("SKUs that differ, over time", [("discrepant_skus", "all"), ("oversell_skus", "oversold")]),
        Panel(
            title="Units that differ",
            about="Units by which discrepant SKUs differ. Oversold units may be sold twice; undersold ones are merely "
            "not offered.",
            topic=Topic.STOCK,
            queries=[Query(total(of("discrepancy_units"), "direction"), "{{direction}}")],
        ),
        Panel(
            title="From a change in Lightspeed to Shopify",
            about="Time from Lightspeed's own timestamp of a change to Shopify's acknowledgement, over 15 minutes. "
            "Nothing is drawn where nothing changed.",
            topic=Topic.WORK,
            queries=[
                Query(quantile(share, "propagation_seconds", over="15m"), legend)
                for share, legend in ((0.5, "half within"), (0.95, "95% within"), (0.99, "99% within"))
            ],
            unit=Unit.SECONDS,
        ),
        Panel(
            title="Stock writes",
            about="Rows of stock writes by what became of them. `stale` is harmless: Shopify had changed meanwhile, "
            "and the next pass decides anew. `refused` and `parked` need a look with `lightspeed-sync status`.",
            topic=Topic.STOCK,
            queries=[Query(per_second(of("stock_writes_total"), "outcome"), "{{outcome}}")],
            unit=Unit.PER_SECOND,
            stacked=True,
        ),
        Panel(
            title="Units written",
            about="Units changed in Shopify by writes of ours.",
            topic=Topic.STOCK,
            queries=[Query(per_second(of("stock_written_units_total")), "units")],
            unit=Unit.PER_SECOND,
        ),
        Panel(
            title="Links between the shops",
            about="SKUs linked between the two shops; those that the last weekly check looked at, and those of them "
            "that agree in SKU, barcode or title. A fall that nobody meant: `lightspeed-sync sku mismatches`.",
            topic=Topic.STOCK,
            queries=[
                Query(newest(of("linked_skus")), "linked"),
                Query(newest(of("links_checked"), "which"), "checked: {{which}}"),
            ],
        ),
        number("money_at_risk", "Money at risk"),
        number("parked_skus", "Parked SKUs"),
        number("unanswered_writes", "Unanswered writes"),
        number("unsettled_skus", "Unsettled SKUs"),
        number("uningested_committed", "SKUs of unseen orders"),
        number("propagation", "95% carried on within"),
        number("held_skus", "SKUs set back by hand", width=8),
        number("second_writer_skus", "SKUs that another writes", width=8),
        number("mapping_accuracy", "Links that agree", width=8),
    ]


def _runs() -> list[Panel]:
    job = "$job"
    return [
        Panel(
            title="Runs that failed or were stopped",
            about="Runs that ended badly: failed or interrupted, or stopped by a brake before they wrote anything. "
            "`lightspeed-sync status` shows the last ones with their codes.",
            topic=Topic.WORK,
            queries=[
                Query(grown(of("run_failures_total", job=job), "job"), "{{job}} failed"),
                Query(grown(of("run_brakes_total", job=job), "job"), "{{job}} braked"),
            ],
            steps=(Step(None, "green"), Step(1, "red")),
        ),
        Panel(
            title="Runs",
            about="Runs that ended, by job and any outcome.",
            topic=Topic.WORK,
            queries=[Query(per_second(of("runs_total", job=job), "job"), "{{job}}")],
            unit=Unit.PER_SECOND,
        ),
        Panel(
            title="How long 95% of the runs take",
            about="A job that takes longer than its interval misses its beat.",
            topic=Topic.WORK,
            queries=[Query(quantile(0.95, "run_duration_seconds", "job", over="15m", job=job), "{{job}}")],
            unit=Unit.SECONDS,
        ),
        Panel(
            title="What runs when",
            about="Whether a run was going on at each scrape; short ones fall between.",
            topic=Topic.WORK,
            queries=[Query(newest(of("running", job=job), "job"), "{{job}}")],
            kind=Kind.STATES,
            unit=Unit.NONE,
            words=_RUNS,
        ),
        Panel(
            title="Time since the last success",
            about="By job. Jobs that begin once a day go up to a day; a job that never succeeded is not drawn.",
            topic=Topic.WORK,
            queries=[Query(age(of("last_success_timestamp_seconds", job=job), "job"), "{{job}}")],
            unit=Unit.SECONDS,
        ),
        Panel(
            title="Jobs that failed when they last ran",
            about="`lightspeed-sync status` shows the last runs with their codes. Most jobs try again by themselves.",
            topic=Topic.WORK,
            queries=[Query(newest(of("job_failing", job=job), "job"), "{{job}}")],
            kind=Kind.STATES,
            unit=Unit.NONE,
            words={0: Word("well"), 1: Word("failed", "orange")},
            width=12,
        ),
        Panel(
            title="Paused by a person",
            about="Kinds of work that somebody has paused; `lightspeed-sync resume` goes on.",
            topic=Topic.WORK,
            queries=[Query(newest(of("paused"), "kind"), "{{kind}}")],
            kind=Kind.STATES,
            unit=Unit.NONE,
            words={0: Word("goes on"), 1: Word("paused", "orange")},
            width=12,
        ),
    ]


def _objectives() -> list[Panel]:
    promises = "; ".join(f"{each.name}: {each.promise}" for each in OBJECTIVES)
    recorded = "Made of the recording rules in deploy/prometheus/rules/slo.yml."
    return [
        Panel(
            title="Error budget left",
            about=f"Of 30 days; below 0 the objective is broken. {promises}. {recorded}",
            topic=Topic.WORK,
            queries=[
                Query(f'1 - max ({BAD_RATIO}{PERIOD}{{{HERE}, slo="{each.name}"}}) / {each.budget:g}', each.name)
                for each in OBJECTIVES
            ],
            kind=Kind.NUMBER,
            unit=Unit.SHARE,
            steps=(Step(None, "red"), Step(0, "orange"), Step(0.25, "green")),
            width=12,
        ),
        Panel(
            title="How fast the budget burns",
            about="Over an hour: 1 spends the budget in exactly 30 days, 14.4 spends 2% of it within this hour and "
            f"calls somebody. {recorded}",
            topic=Topic.WORK,
            queries=[
                Query(f'max ({BAD_RATIO}1h{{{HERE}, slo="{each.name}"}}) / {each.budget:g}', each.name)
                for each in OBJECTIVES
            ],
            steps=(Step(None, "green"), Step(1, "orange"), Step(14.4, "red")),
            width=12,
        ),
    ]


def _machine(signals: SignalPanels) -> list[Panel]:
    return [
        signals.number("disk_free", "Disk free", width=6),
        signals.number("backup_age", "Last backup", width=6),
        Panel(
            title="Running since",
            about="How long this process has been up, with its version. Short again and again: look at its log.",
            topic=Topic.WORK,
            queries=[Query(age(of("start_timestamp_seconds")), "up")],
            kind=Kind.NUMBER,
            unit=Unit.SECONDS,
            steps=PLAIN,
            width=4,
        ),
        Panel(
            title="Version",
            about="What runs: our version, the Python below it, the version of Shopify's API.",
            topic=Topic.WORK,
            queries=[
                Query(of("build_info"), "{{version}} · Python {{python}} · Shopify {{shopify_api_version}}"),
            ],
            kind=Kind.NUMBER,
            unit=Unit.NONE,
            names=True,
            width=8,
        ),
        Panel(
            title="Disk",
            about="Where STATE_DIR lies: what cannot be written down is not done.",
            topic=Topic.MACHINE,
            queries=[
                Query(newest(of("state_disk_free_bytes")), "free"),
                Query(newest(of("state_disk_size_bytes")), "in all"),
                Query(newest(of("database_size_bytes")), "our database"),
            ],
            unit=Unit.BYTES,
        ),
        Panel(
            title="Event loop lag",
            about="How late the daemon's event loop ran its last heartbeat; seconds mean a machine that is too busy.",
            topic=Topic.MACHINE,
            queries=[Query(newest(of("event_loop_lag_seconds")), "lag")],
            unit=Unit.SECONDS,
        ),
        Panel(
            title="CPU and memory",
            about="Cores used by the process, and its memory in GB.",
            topic=Topic.MACHINE,
            queries=[
                Query(per_second(of_process("process_cpu_seconds_total")), "cores"),
                Query(f"{newest(of_process('process_resident_memory_bytes'))} / 1e9", "GB of memory"),
            ],
            unit=Unit.NONE,
        ),
    ]
