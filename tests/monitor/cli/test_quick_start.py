"""A command loads what it needs and no more: what it loads is what people wait for."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.conftest import ROOT

SHOPS = {"cryptography", "sync.app", "monitor.workshop"}
DAEMON = {"apscheduler", "prometheus_client", "slack_sdk", "starlette", "uvicorn", "monitor.daemon"}
DATABASE = {"alembic", "sqlalchemy"}
CALLS = {"httpx"}


@pytest.mark.parametrize(
    ("modules", "spared"),
    [
        pytest.param(["commands"], SHOPS | DAEMON | DATABASE | CALLS | {"jinja2"}, id="help"),
        pytest.param(["levers"], SHOPS | DAEMON | DATABASE, id="a word to the daemon"),
        pytest.param(["reading", "status", "skus"], SHOPS | DAEMON | CALLS | {"alembic"}, id="reading"),
        pytest.param(["conflicts", "alerts", "orders"], SHOPS | DAEMON | {"alembic"}, id="deciding"),
    ],
)
def test_a_command_does_not_load_what_it_has_no_use_for(modules: list[str], spared: set[str]) -> None:
    loads = "; ".join(f"import monitor.cli.{name}" for name in modules)
    program = f"import json, sys; {loads}; print(json.dumps(sorted(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True)
    assert spared & set(json.loads(ran.stdout)) == set()
