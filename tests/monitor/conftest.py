"""What many tests of the monitor use."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.channel import FakeChannel
from tests.monitor.support import THREE, World


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Return a world with one alert, told by Slack and e-mail."""
    made = World(tmp_path)
    yield made
    await made.database.close()


@pytest.fixture
async def three(tmp_path: Path) -> AsyncIterator[World]:
    """Return a world with three alerts, told by Slack and to two telephones, two of them in one text."""
    made = World(tmp_path, THREE, channels={"slack": FakeChannel(), "sms": FakeChannel("+1", "+2", most=2)})
    yield made
    await made.database.close()
