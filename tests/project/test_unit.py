"""The systemd unit on a machine that is really booted: installed from a clone, started, reloaded, hung, stopped."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from sync.clock import SystemClock
from tests.conftest import ROOT
from tests.e2e.play import ALERTS
from tests.monitor.real_peers import free_port
from tests.project.machine import Machine, booted, needed, until

SECRETS = (
    "LIGHTSPEED_CLIENT_SECRET",
    "LIGHTSPEED_REFRESH_TOKEN",
    "SHOPIFY_ADMIN_API_ACCESS_TOKEN",
    "SHOPIFY_PROXY_SHARED_SECRET",
    "SLACK_BOT_TOKEN",
)
ELSEWHERE = ("SMTP_URL", "SMTP_CA_FILE", "MAIL_FROM", "SLACK_WEBHOOK_URL", "PUBLIC_URL", "STOREFRONT_LISTEN")
ADDED = """
  - name: NeverProved
    when: equality_proof_age > 0s
    severity: warning
"""
UNIT = "lightspeed-sync"
NEWCOMER_SECONDS = 600  # what the README promises
DRAIN_SECONDS = 20  # TimeoutStopSec
IMPATIENT = "[Service]\nWatchdogSec=6\nTimeoutAbortSec=2\n"  # the unit waits a minute, then twenty seconds


@contextmanager
def sandbox(folder: Path) -> Iterator[dict[str, str]]:
    """Run the pretend shops beside the machine; yield what they print: settings, and CONTROL."""
    printed = folder / "sandbox.env"
    command = [str(Path(sys.executable).with_name("lightspeed-sync")), "sandbox", "--goods=30"]
    command += ["--cashiers-per-hour=0", "--shoppers-per-hour=0"]
    with printed.open("w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, cwd=folder)
    try:
        until(lambda: "STOREFRONT_LISTEN" in printed.read_text(), "the sandbox", 60)
        text = printed.read_text()
        control = re.findall(r"Control: (http://\S+)/state", text)
        yield dict(re.findall(r"^export (\w+)='(.*)'$", text, re.MULTILINE)) | {"CONTROL": control[0]}
    finally:
        process.terminate()
        process.wait(20)


def configure(machine: Machine, settings: Mapping[str, str], port: int) -> None:
    """Fill in what deploy/install tells a newcomer to fill in."""
    plain = {name: value for name, value in settings.items() if name not in {*SECRETS, *ELSEWHERE, "CONTROL"}}
    plain |= {"OPS_LISTEN": f"127.0.0.1:{port}", "STOREFRONT_LISTEN": f"127.0.0.1:{free_port()}"}
    machine.write("/etc/lightspeed-sync/environment", "".join(f"{name}={value}\n" for name, value in plain.items()))
    for name in SECRETS:
        machine.write(f"/etc/lightspeed-sync/credentials/{name}", f"{settings[name]}\n")
    machine.write("/etc/lightspeed-sync/alerts.yaml", ALERTS)


def follows_the_till(control: str) -> None:
    """Sell a unit at the till and wait until the web store offers one less."""
    sku = httpx.get(f"{control}/state").json()["stock"] or {}
    name = next(name for name, row in sku.items() if row["lightspeed"] == row["shopify"] and row["lightspeed"] > 1)
    httpx.post(f"{control}/lightspeed/sell", content=json.dumps({"sku": name, "quantity": 1})).raise_for_status()
    before = sku[name]["shopify"]

    def fallen() -> bool:
        row = httpx.get(f"{control}/state", params={"sku": name}).json()["stock"][name]
        return bool(row["lightspeed"] == row["shopify"] < before)

    until(fallen, f"{name} to fall in the web store", 60)


@pytest.mark.slow
@pytest.mark.peer
def test_a_newcomer_installs_a_service_that_works_reloads_is_restarted_when_it_hangs_and_stops(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    needed("systemd-nspawn", "nsenter")
    clock, port = SystemClock(), free_port()
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout

    with sandbox(tmp_path) as settings, booted(tmp_path / "boot.log") as machine:
        began = clock.monotonic()
        machine.copy_in([name for name in tracked.splitlines() if (ROOT / name).exists()], "/root/lightspeed-sync")
        machine.run("cd /root/lightspeed-sync && deploy/install")
        configure(machine, settings, port)
        machine.run("lightspeed-sync check connections")
        machine.run(f"systemctl enable --now {UNIT}")  # returns when the daemon has said READY=1
        took = clock.monotonic() - began
        with capfd.disabled():  # the figure belongs into the run's log
            sys.stdout.write(f"\nfrom a clone to a running service: {took:.0f} s\n")

        assert took < NEWCOMER_SECONDS
        state = machine.show(UNIT, "ActiveState", "SubState", "Type", "NRestarts", "MainPID")
        assert (state["ActiveState"], state["SubState"], state["Type"], state["NRestarts"]) == (
            "active",
            "running",
            "notify",
            "0",
        )
        until(lambda: httpx.get(f"http://127.0.0.1:{port}/readyz").is_success, "the daemon to be ready", 60)
        follows_the_till(settings["CONTROL"])
        for name in SECRETS:  # they are credentials only: neither in the environment nor in the journal
            assert settings[name] not in machine.run(f"tr '\\0' '\\n' < /proc/{state['MainPID']}/environ")
            assert settings[name] not in machine.run(f"journalctl -u {UNIT} --no-pager")

        machine.write("/etc/lightspeed-sync/alerts.yaml", ALERTS.replace("alerts:\n", f"alerts:{ADDED}", 1))
        machine.run(f"systemctl reload {UNIT}")
        until(lambda: "NeverProved" in machine.run("lightspeed-sync status", check=False), "the added alert", 60)
        assert machine.show(UNIT, "MainPID")["MainPID"] == state["MainPID"]

        machine.run(f"mkdir -p /run/systemd/system/{UNIT}.service.d")
        machine.write(f"/run/systemd/system/{UNIT}.service.d/impatient.conf", IMPATIENT)
        machine.run(f"systemctl daemon-reload && systemctl restart {UNIT}")
        hung = machine.show(UNIT, "MainPID")["MainPID"]
        machine.run(f"kill -STOP {hung}")
        until(lambda: machine.show(UNIT, "NRestarts")["NRestarts"] == "1", "the watchdog", 60)
        until(lambda: machine.show(UNIT, "ActiveState")["ActiveState"] == "active", "the restarted daemon", 60)
        assert "Watchdog timeout" in machine.run(f"journalctl -u {UNIT} --no-pager")
        assert machine.show(UNIT, "MainPID")["MainPID"] not in ("0", hung)
        until(lambda: httpx.get(f"http://127.0.0.1:{port}/readyz").is_success, "the daemon to be ready again", 60)
        follows_the_till(settings["CONTROL"])

        began = clock.monotonic()
        machine.run(f"systemctl stop {UNIT}")
        assert clock.monotonic() - began < DRAIN_SECONDS
        ended = machine.show(UNIT, "Result", "ExecMainStatus", "ExecMainCode")
        assert ended == {"Result": "success", "ExecMainStatus": "0", "ExecMainCode": "1"}
