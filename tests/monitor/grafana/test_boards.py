"""What the dashboards say: metrics that there are, and all of them; limits of alerts.yaml; something to do."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

import pytest

from monitor.alerts_file import parse
from monitor.alerts_model import Alert
from monitor.conditions import Comparison
from monitor.grafana import dashboards
from monitor.grafana.boards import LEFT_OUT
from monitor.grafana.limits import COLOURS, GREEN, steps_of
from monitor.grafana.panels import RUNBOOK
from monitor.grafana.queries import METRICS, UnknownMetric, here, of, of_process, of_signal
from monitor.grafana.topics import TOPICS
from monitor.metrics import Build, Metrics
from monitor.promql import EXPRESSIONS
from monitor.signals import SIGNALS
from monitor.slo import slo_rules
from monitor.units import Unit
from tests.conftest import ROOT
from tests.monitor.grafana.boards import BOARDS, CONTENT, Json, filled, panels, queries

SELECTOR = re.compile(r"\b(lightspeed_sync_\w+)\b(?:\{([^}]*)\})?")
WATCH = ROOT / "deploy" / "prometheus" / "rules" / "watch.yml"
SHOWN = [(board, panel) for board in BOARDS for panel in panels(board) if panel["type"] != "text"]
ROUTES = "routes: [{to: [slack]}]\n"


def exposed() -> dict[str, set[str]]:
    """Return the labels of every series by the names that Prometheus sees."""
    names = {}
    for each in Metrics(Build("", "")).definitions():
        suffixes = ("_bucket", "_count", "_sum") if each.kind == "histogram" else ("",)
        for suffix in suffixes:
            names[each.name + suffix] = {*each.labels, "instance", *(["le"] if suffix == "_bucket" else [])}
    return names


def selected(text: str) -> Iterator[tuple[str, set[str]]]:
    for name, labels in SELECTOR.findall(text):
        yield name, set(re.findall(r"(\w+)(?:=|!=)", labels))


def test_every_query_names_series_and_labels_that_there_are() -> None:
    there = exposed()
    texts = [*(target["expr"] for _, target in queries()), slo_rules(), WATCH.read_text(encoding="utf-8")]
    asked = [each for text in texts for each in selected(text)]

    assert [(name, labels) for name, labels in asked if not labels <= there.get(name, set()) or name not in there] == []
    assert len(asked) > 300


def test_every_recorded_series_that_a_query_names_is_recorded() -> None:
    recorded = set(re.findall(r"record: (\S+)", slo_rules()))
    used = {name for _, target in queries() for name in re.findall(r"lightspeed_sync:[\w:]+", target["expr"])}

    assert used
    assert used <= recorded


def test_each_metric_of_ours_is_shown_somewhere_or_left_out_for_a_reason() -> None:
    shown = {name for _, target in queries() for name, _ in selected(target["expr"])}
    shown = {re.sub(r"_(bucket|count|sum)$", "", name) if name not in METRICS else name for name in shown}
    left_out = {f"lightspeed_sync_{name}" for name in LEFT_OUT}

    assert shown | left_out == set(METRICS)
    assert shown & left_out == set()


def test_definitions_are_what_is_exposed() -> None:
    metrics = Metrics(Build("", ""))
    suffixes = {"counter": "_total", "info": "_info"}
    families = [each for each in metrics.registry.collect() if each.name.startswith("lightspeed_sync")]

    assert {(each.name + suffixes.get(each.type, ""), each.type, each.documentation) for each in families} == {
        (each.name, each.kind, each.text) for each in metrics.definitions()
    }


@pytest.mark.parametrize(
    "wrong",
    [lambda: of("runs"), lambda: of("runs_total", api="x"), lambda: of_process("up")],
    ids=["metric", "label", "process"],
)
def test_a_name_that_there_is_not_fails_where_it_is_written(wrong: Callable[[], str]) -> None:
    with pytest.raises(UnknownMetric):
        wrong()


def test_an_alerts_expression_is_narrowed_to_the_daemons_asked_for_and_makes_nothing_up_where_none_is_seen() -> None:
    assert here('max(lightspeed_sync_paused) or max(lightspeed_sync_orders{state="dead"}) or vector(0)') == (
        'max(lightspeed_sync_paused{instance=~"$instance"}) or '
        'max(lightspeed_sync_orders{instance=~"$instance", state="dead"}) or '
        '(0 * max(lightspeed_sync_start_timestamp_seconds{instance=~"$instance"}))'
    )
    assert all("vector(0)" not in target["expr"] for _, target in queries())
    assert any("vector(0)" in expression for expression in EXPRESSIONS.values())


def test_every_signal_belongs_to_a_chapter_of_the_runbook() -> None:
    assert set(TOPICS) == set(SIGNALS)
    text = json.dumps(BOARDS["runbook"])
    assert [name for name in SIGNALS if f"**{name}**" not in text] == []
    assert [alert.name for alert in CONTENT.alerts if f"*{alert.name}*" not in text] == []


# --- limits ---


def colour(steps: list[Json], value: float) -> str:
    return str([step["color"] for step in steps if step["value"] is None or step["value"] <= value][-1])


def around(limit: float, unit: Unit) -> list[float]:
    hair = 1 if unit is Unit.COUNT else 1e-6
    return [0, limit - hair, limit + hair, limit * 100 + 100] + ([limit] if unit is Unit.COUNT else [])


@pytest.mark.parametrize("found", CONTENT.alerts, ids=[alert.name for alert in CONTENT.alerts])
def test_a_number_is_coloured_exactly_where_its_alert_holds(found: Alert) -> None:
    if not isinstance(found.when, Comparison):
        assert found.name == "ReservationsHoarded"  # two comparisons together: neither alone means anything
        return
    comparison = found.when
    alone = [each for each in CONTENT.alerts if each.signals() == {comparison.signal}]
    wanted = of_signal(comparison.signal, found.rule().over)
    shown = [
        panel
        for _, panel in SHOWN
        if panel["type"] == "stat" and [each["expr"] for each in panel["targets"]] == [wanted]
    ]

    assert shown
    assert alone == [found]
    for panel in shown:
        steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
        for value in around(comparison.limit, comparison.unit):
            assert colour(steps, value) == (COLOURS[found.severity] if comparison.holds(value) else GREEN), value


@pytest.mark.parametrize(
    ("alerts", "steps"),
    [
        (["x: 1"], [(None, "green")]),
        (["parked_skus > 5: warning", "parked_skus >= 10: critical"], [(None, "green"), (6, "orange"), (10, "red")]),
        (["parked_skus < 3: info"], [(None, "blue"), (3, "green")]),
        (["parked_skus == 4: critical"], [(None, "green"), (4, "red"), (5, "green")]),
        (["parked_skus > 5: critical", "parked_skus > 1: warning"], [(None, "green"), (2, "orange"), (6, "red")]),
    ],
)
def test_several_alerts_about_one_number_colour_it_by_the_worst(
    alerts: list[str], steps: list[tuple[float | None, str]]
) -> None:
    rows = [text.split(": ") for text in alerts if not text.startswith("x")]
    named = [f"{{name: R{n}, when: {when}, severity: {severity}}}" for n, (when, severity) in enumerate(rows)]
    content = parse(f"alerts: [{', '.join(named)}]\n{ROUTES}".encode())

    assert [(step.value, step.colour) for step in steps_of("parked_skus", content)] == steps


def test_another_alerts_yaml_gives_other_limits_and_its_own_runbook() -> None:
    alert = "{name: Mine, when: oversell_units > 99, severity: info, runbook: 'https://wiki.example.com/mine'}"
    made = dashboards(parse(f"alerts: [{alert}]\n{ROUTES}".encode()))
    (panel,) = (each for each in made["overview"]["panels"] if each["title"] == "Oversold units")

    assert panel["fieldConfig"]["defaults"]["thresholds"]["steps"][1] == {"color": "blue", "value": 100}
    assert panel["links"][0]["url"] == "https://wiki.example.com/mine"
    assert "(https://wiki.example.com/mine)" in panel["description"]


# --- how they are laid out ---


def test_every_panel_says_what_it_is_and_what_to_do() -> None:
    for board, panel in SHOWN:
        name = f"{board}: {panel['title']}"
        assert len(panel["description"].split()) >= 8, name
        assert f"({RUNBOOK})" in panel["description"], name
        assert [link["url"] for link in panel["links"]] == [RUNBOOK], name
        assert panel["fieldConfig"]["defaults"]["unit"], name
        assert all(target["legendFormat"] for target in panel["targets"]), name
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"]), name


@pytest.mark.parametrize("board", BOARDS)
def test_no_two_panels_of_a_dashboard_have_one_title(board: str) -> None:
    titles = [panel["title"] for panel in panels(board)]

    assert len(set(titles)) == len(titles)


def test_the_links_lead_to_dashboards_that_there_are() -> None:
    assert f"/d/{BOARDS['runbook']['uid']}" == RUNBOOK


@pytest.mark.parametrize("board", BOARDS)
def test_panels_stand_beside_and_below_each_other_not_on_top(board: str) -> None:
    taken: dict[tuple[int, int], str] = {}
    for panel in BOARDS[board]["panels"]:
        place = panel["gridPos"]
        assert place["x"] >= 0
        assert place["x"] + place["w"] <= 24
        for column in range(place["x"], place["x"] + place["w"]):
            for line in range(place["y"], place["y"] + place["h"]):
                assert (column, line) not in taken, (panel["title"], taken.get((column, line)))
                taken[column, line] = panel["title"]

    ids = [panel["id"] for panel in BOARDS[board]["panels"]]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("board", BOARDS)
def test_every_variable_that_is_used_is_there(board: str) -> None:
    there = {each["name"] for each in BOARDS[board]["templating"]["list"]}
    used = set(re.findall(r"\$\{?(\w+)", json.dumps(BOARDS[board])))

    assert used - there == {name for name in used if name.startswith("__")}
    for name in there - {"datasource"}:
        asked = next(each for each in BOARDS[board]["templating"]["list"] if each["name"] == name)["query"]["query"]
        found = re.fullmatch(r"label_values\((\w+), (\w+)\)", asked)
        assert found is not None
        assert found[2] in {*METRICS[found[1]].labels, "instance"}


def test_no_goods_and_no_orders_are_named() -> None:
    labels = {label for each in METRICS.values() for label in each.labels}

    assert labels & {"sku", "order", "order_id", "customer", "item", "name"} == set()
    assert all(set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= labels for _, target in queries())


def test_what_an_operator_needs_first_stands_first() -> None:
    first = [panel["title"] for panel in panels("overview")[:6]]

    assert first == [
        "Daemon",
        "Firing: critical",
        "Firing: warning",
        "Stock last synced",
        "Equality last proved",
        "Oldest unbooked order",
    ]
    stats = [panel["gridPos"] for panel in panels("overview")[:12]]
    assert max(place["y"] + place["h"] for place in stats) <= 9  # one glance, without scrolling


def test_alerts_are_marked_in_every_chart() -> None:
    for board in BOARDS.values():
        (mark,) = (each for each in board["annotations"]["list"] if not each.get("builtIn"))
        names = set(re.findall(r'alertname=~"([^"]+)"', mark["target"]["expr"])[0].split("|"))
        assert {alert.name for alert in CONTENT.alerts} < names
        assert "PassesBudgetBurns" in names


def test_variables_are_filled_in_as_grafana_does() -> None:
    assert filled('x{job=~"$job"}[$__rate_interval]', {"job": "a|b", "__rate_interval": "1m"}) == 'x{job=~"a|b"}[1m]'
