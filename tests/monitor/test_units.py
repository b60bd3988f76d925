"""Durations, shares and numbers as people write them, and as they are written for people."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from monitor.units import Unfit, Unit, duration, share, written

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("60s", 60), ("5m", 300), ("1h30m", 5_400), ("1h 30m", 5_400), ("26h", 93_600), ("2d", 172_800), ("0.5s", 0.5)],
)
def test_a_duration_is_understood(text: str, seconds: float) -> None:
    assert duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "5", "m", "-5m", "5 minutes", "1h1h", True, None, [5], "9999999d"])
def test_what_is_no_duration_is_refused(text: object) -> None:
    with pytest.raises(Unfit):
        duration(text)


@pytest.mark.parametrize(("text", "value"), [("5%", 0.05), ("0%", 0.0), ("100 %", 1.0), ("2.5%", 0.025)])
def test_a_percentage_is_understood(text: str, value: float) -> None:
    assert share(text) == pytest.approx(value)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (7, Unit.COUNT, "7"),
        (7.5, Unit.COUNT, "7.5"),
        (750, Unit.DURATION, "12m 30s"),
        (600, Unit.DURATION, "10m"),
        (93_600, Unit.DURATION, "1d 2h"),
        (0, Unit.DURATION, "0s"),
        (0.052, Unit.RATIO, "5.2%"),
        (0.05, Unit.RATIO, "5%"),
    ],
)
def test_values_are_written_for_people(value: float, unit: Unit, text: str) -> None:
    assert written(value, unit) == text
