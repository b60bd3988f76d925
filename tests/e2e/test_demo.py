"""The demo shows everything that it promises."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.play import command, surroundings

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


async def test_the_demo_sees_everything_it_promises(tmp_path: Path) -> None:
    ended = await command(surroundings(tmp_path), tmp_path, "demo", "--once", seconds=240.0, fresh=True)
    assert ended.code == 0, ended.said
    assert "Everything promised was seen" in ended.out
    assert "✗" not in ended.out
