"""The state directory of a watched shop, in which things happened lately, and the commands that look into it."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from monitor.cli.commands import app
from monitor.desk import AlertDesk
from sync.clock import SystemClock
from tests.monitor.support import DIFFERS, World

_CLOSED = "http://127.0.0.1:1"  # nobody listens on port 1
_ENV = {
    "ENVIRONMENT": "sandbox",
    "LIGHTSPEED_ACCOUNT_ID": "1",
    "SHOPIFY_LOCATION_ID": "gid://shopify/Location/1",
    "LIGHTSPEED_API_URL": _CLOSED,
    "LIGHTSPEED_AUTH_URL": _CLOSED,
    "SHOPIFY_ADMIN_URL": _CLOSED,
    "SLACK_API_URL": f"{_CLOSED}/api/",
    "TWILIO_API_URL": _CLOSED,
    "LOG_FORMAT": "json",
    "COLUMNS": "200",
}


class Lately:
    """What happened in the last hours; a command finds it as it would find a shop whose daemon has stopped."""

    def __init__(self, folder: Path, alerts: str = DIFFERS) -> None:
        self.folder = folder
        self.alerts = alerts
        self.now = SystemClock().now()
        self.writes(alerts)

    def writes(self, alerts: str) -> None:
        """Let the file say something else from now on."""
        self.alerts = alerts
        (self.folder / "alerts.yaml").write_text(alerts)

    def happened(self, ago: timedelta, act: Callable[[World], Awaitable[object]], **options: Any) -> None:
        """Let a process do something so long ago, and end."""

        async def live() -> None:
            world = World(self.folder, self.alerts, start=self.now - ago, **options)
            try:
                await act(world)
            finally:
                await world.database.close()

        asyncio.run(live())

    def run(self, *words: str) -> Result:
        """Run a command about alerts to its end, in this process."""
        return self.command("alerts", *words)

    def command(self, *words: str) -> Result:
        """Run any command to its end, in this process."""
        return CliRunner().invoke(app, list(words))

    def data(self, *words: str) -> Any:
        """Return what a command tells to programs."""
        ended = self.run(*words, "--json")
        assert ended.exit_code == 0, ended.output
        return json.loads(ended.stdout)


def desk(world: World) -> AlertDesk:
    """Return the desk that takes people's words."""
    return AlertDesk(world.store, lambda: world.judge.subjects, world.clock)


def prepared(folder: Path, patch: pytest.MonkeyPatch, alerts: str = DIFFERS) -> Lately:
    """Return a state directory that the commands of this process look into."""
    for name, value in _ENV.items():
        patch.setenv(name, value)
    patch.setenv("STATE_DIR", str(folder))
    patch.setenv("ALERTS_FILE", str(folder / "alerts.yaml"))
    patch.setenv("SUDO_USER", "anna")
    for name in [name for name in os.environ if name.startswith(("SLACK_BOT", "SMTP"))]:
        patch.delenv(name)
    return Lately(folder, alerts)


def moment(text: str) -> datetime:
    """Return a moment that a command told to programs."""
    return datetime.fromisoformat(text)
