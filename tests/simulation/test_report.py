"""The published table is made from saved sums, and only from them."""

from __future__ import annotations

from pathlib import Path

from tests.simulation.report import SAVED, Summary, load, summed, table
from tests.simulation.script import draw_options
from tests.simulation.simulate import Result

PAGE = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")


def result(seed: int) -> Result:
    made = Result(draw_options(seed, 0.5), seconds=43_200.0, cpu_seconds=9.0, orders=20, kills=2, oversold_race=1)
    made.beacons.update({"deed till sale": 100, "fault late": 3})
    return made


def test_the_table_adds_simulations_up() -> None:
    summary = summed([result(4), result(9)])
    summary.wall_seconds = 30.0
    rows = table(summary)
    assert rows.startswith(
        "| what | how many |\n| --- | ---: |\n| simulated store-days | 1.0 |\n| seeds | 2 (4 to 9) |\n"
    )
    assert "| till sales | 200 |\n" in rows
    assert "| fault: late | 6 |\n" in rows
    assert "| `oversell_race`, units | 2 |\n" in rows
    assert rows.endswith("| simulated store-days a minute | 2.0 |\n| CPU seconds a store-day | 18.0 |\n")


def test_sums_survive_being_saved(tmp_path: Path) -> None:
    summary = summed([result(1)])
    summary.save(tmp_path / "sums.json")
    assert load(tmp_path / "sums.json") == summary


def test_what_never_happened_is_named() -> None:
    assert "fault late" not in summed([result(1)]).missing()
    assert "fault html" in Summary().missing()


def test_the_page_shows_the_saved_sums() -> None:
    assert table(load(SAVED)) in PAGE, "run `make docs`"
