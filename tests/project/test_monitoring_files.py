"""What Prometheus, Alertmanager and Grafana are given: generated files are current, and the real programs take them."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from ruamel.yaml import YAML

from monitor.alerts_file import load_alerts
from monitor.slo import alert_names

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
DASHBOARDS = DEPLOY / "grafana" / "dashboards"
RULES = DEPLOY / "prometheus" / "rules"
PROVISIONING = DEPLOY / "grafana" / "provisioning"
PAGE = ROOT / "docs" / "monitoring.md"


def yaml(path: Path) -> Any:
    return YAML(typ="safe").load(path)


def write_docs() -> ModuleType:
    spec = importlib.util.spec_from_file_location("write_docs", ROOT / "scripts" / "write_docs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_generated_files_are_current_and_there_are_no_others() -> None:
    made: dict[Path, str] = write_docs().deployed()

    assert {place.relative_to(ROOT): place.read_text(encoding="utf-8") == text for place, text in made.items()} == {
        place.relative_to(ROOT): True for place in made
    }, "run `make docs`"
    assert {*DASHBOARDS.iterdir(), *RULES.iterdir()} == {*made, RULES / "watch.yml"}


@pytest.mark.peer
@pytest.mark.parametrize(
    ("program", "command", "file"),
    [
        ("promtool", "check config", DEPLOY / "prometheus" / "prometheus.yml"),
        ("promtool", "check rules", RULES / "watch.yml"),
        ("amtool", "check-config", DEPLOY / "alertmanager" / "alertmanager.yml"),
    ],
    ids=["Prometheus", "its own rules", "Alertmanager"],
)
def test_the_real_programs_take_the_files(program: str, command: str, file: Path) -> None:
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not on PATH (`make peers` fetches it)")

    done = subprocess.run([found, *command.split(), str(file)], capture_output=True, text=True, check=False, timeout=60)

    assert done.returncode == 0, done.stdout + done.stderr
    if command == "check config":
        assert "3 rule files found" in done.stdout


def test_the_metrics_own_label_job_is_kept() -> None:
    """Else Prometheus calls it exported_job, and rules that ask for job="stock" find nothing."""
    (scrape,) = yaml(DEPLOY / "prometheus" / "prometheus.yml")["scrape_configs"]

    assert scrape["job_name"] == "lightspeed-sync"
    assert scrape["honor_labels"] is True


def test_alertmanager_tells_what_the_daemon_does_not_and_nothing_twice() -> None:
    route = yaml(DEPLOY / "alertmanager" / "alertmanager.yml")["route"]
    told = {matcher for each in route["routes"] for matcher in each["matchers"]}
    watched = [rule for group in yaml(RULES / "watch.yml")["groups"] for rule in group["rules"]]

    assert route["receiver"] == "nobody"
    assert told == {'watch="daemon"', 'slo=~".+"'}
    assert all(rule["labels"]["watch"] == "daemon" for rule in watched)
    assert {each["receiver"] for each in route["routes"]} == {"slack"}


def test_what_depends_on_an_alert_is_inhibited_by_it() -> None:
    rules = yaml(DEPLOY / "alertmanager" / "alertmanager.yml")["inhibit_rules"]
    wanted: dict[str, set[str]] = {}
    for alert in load_alerts(ROOT / "alerts.yaml").alerts:
        for other in alert.depends_on:
            wanted.setdefault(other, set()).add(alert.name)
    found = {}
    for rule in rules:
        source, target = (
            re.fullmatch(r'(\w+)(=~?|!=)"(.+)"', rule[f"{end}_matchers"][0]) for end in ("source", "target")
        )
        assert source is not None
        assert target is not None
        if source[2] == "=" and target[2] == "=~":
            found[source[3]] = set(target[3].split("|"))

    assert found == wanted


def test_grafana_finds_the_dashboards_and_their_source() -> None:
    (source,) = yaml(PROVISIONING / "datasources" / "prometheus.yml")["datasources"]
    (provider,) = yaml(PROVISIONING / "dashboards" / "lightspeed-sync.yml")["providers"]
    scrape = yaml(DEPLOY / "prometheus" / "prometheus.yml")["global"]["scrape_interval"]

    assert source["type"] == "prometheus"
    assert source["jsonData"]["timeInterval"] == scrape
    assert provider["type"] == "file"
    assert len({json.loads(file.read_text(encoding="utf-8"))["uid"] for file in DASHBOARDS.iterdir()}) == 5


def test_the_page_tells_of_every_dashboard_and_objective_and_of_what_nobody_saw() -> None:
    text = PAGE.read_text(encoding="utf-8")

    assert write_docs().rewritten(text) == text, "run `make docs`"
    titles = [json.loads(file.read_text(encoding="utf-8"))["title"] for file in DASHBOARDS.iterdir()]
    assert [title for title in titles if f"**{title.partition(': ')[2]}**" not in text] == []
    assert [name for name in alert_names() if name not in text] == []
    for page in (text, (ROOT / "README.md").read_text(encoding="utf-8")):
        assert "No Grafana has rendered" in " ".join(page.split())


@pytest.mark.parametrize("lock", [ROOT / "scripts" / "grafana-types" / "package-lock.json"], ids=["grafana-types"])
def test_packages_of_grafanas_types_are_pinned_by_hash_and_name_no_place(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    packages = {name: each for name, each in json.loads(text)["packages"].items() if name}
    wanted = json.loads((lock.parent / "package.json").read_text(encoding="utf-8"))["devDependencies"]

    assert {name.removeprefix("node_modules/"): each["version"] for name, each in packages.items()} == wanted
    assert all(each["integrity"].startswith("sha512-") for each in packages.values())
    assert "://" not in text
