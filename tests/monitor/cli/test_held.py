"""`why` and `status` tell of active reservations, and never what it takes to change one."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.cli.common import Exit
from monitor.cli.status import status
from monitor.cli.why import why
from sync.clock import SystemClock
from sync.config import Settings, load_settings
from sync.reservations import HoldLimits
from sync.storage.holds import SqlHolds
from tests.sync.storage.build import open_inline, stocked
from tests.sync.storage.test_holds import asked, granted


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return settings of a state directory with one active hold of two units, and one that has expired."""

    async def prepare() -> None:
        database = open_inline(tmp_path)
        await stocked(database, {1: 9, 2: 9})
        holds = SqlHolds(database, limits=HoldLimits(), tell=lambda _: None, new_id=iter(["s3cret", "0ther"]).__next__)
        now = SystemClock().now()
        granted(await holds.reserve(asked(2, now=now, cart="the-cart", client="198.51.100.7")))
        granted(await holds.reserve(asked(3, now=now - timedelta(minutes=20), item=2)))
        await database.close()

    asyncio.run(prepare())
    return load_settings({"ENVIRONMENT": "sandbox", "STATE_DIR": str(tmp_path)})


def test_why_tells_what_is_held_of_a_sku(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert why(settings, "SKU-1", json=False) is Exit.DONE
    assert why(settings, "SKU-2", json=False) is Exit.DONE
    said = capsys.readouterr().out
    held = re.findall(r"held for a shopper's cart: (\d units) since [\d:]{8} until [\d:]{8} UTC", said)
    assert held == ["2 units"]
    assert "s3cret" not in said


def test_why_tells_it_as_json_too(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert why(settings, "SKU-1", json=True) is Exit.DONE
    said = capsys.readouterr().out
    (hold,) = json.loads(said)["holds"]
    assert (set(hold), hold["units"]) == ({"units", "created_at", "expires_at", "renewed"}, 2)
    assert "s3cret" not in said


def test_status_tells_how_many_are_active(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert status(settings, json=False) is Exit.DONE
    told = " ".join(capsys.readouterr().out.split())
    assert "reservations 1 active, 2 units held; 2 made in the last hour, 0 of them ordered" in told
    assert status(settings, json=True) is Exit.DONE
    counts = json.loads(capsys.readouterr().out)["reservations"]
    assert counts == {"active": 1, "units": 2, "made": 2, "ordered": 0}
