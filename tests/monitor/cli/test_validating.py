"""`validate` and what belongs to it, from the database to the terminal and the files."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer import Exit

from monitor.cli import validating
from sync.config import Settings, load_settings
from sync.findings import ORPHANS, Finding, FindingClass
from sync.storage.finding_book import SqlFindingBook
from tests.monitor.reports.made import finding, hostile, summary
from tests.state import with_tables
from tests.sync.storage.build import NOW, open_inline

pytestmark = pytest.mark.anyio


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings({"ENVIRONMENT": "sandbox", "STATE_DIR": str(with_tables(tmp_path / "state"))})


async def kept(settings: Settings, found: list[Finding]) -> int:
    """Put a validation on record; return its number."""
    database = open_inline(settings.state_dir)
    book = SqlFindingBook(database)
    number = await book.begin(NOW)
    await book.keep(number, 0, found)
    await book.finish(replace(summary(found), validation_id=number, finished_at=NOW))
    await database.close()
    return number


async def told(settings: Settings, *, report: Path | None = None, json: bool = False, orphans: bool = False) -> int:
    return await validating._told(settings, ORPHANS if orphans else tuple(FindingClass), None, report, json=json)


async def test_findings_are_told_with_what_to_do_and_exit_1(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    await kept(settings, [finding(difference=5), finding(FindingClass.ONLY_IN_SHOPIFY, "MUG-1", sentence="Alone.")])
    assert await told(settings) == 1
    text = capsys.readouterr().out
    assert "Shopify offers too many: KAVA-1. Shopify offers 12 and should offer 7: 5 units too many." in " ".join(
        text.split()
    )
    assert "Best sellers of the last 30 days" in text
    assert "Different, and right: 3 SKUs (online orders 2, set aside in Shopify 1)." in text
    assert text.splitlines()[-2].startswith("2 differences between Lightspeed and Shopify: 120 linked SKUs compared")
    assert max(map(len, text.splitlines())) <= 80


async def test_without_findings_the_shops_agree_and_exit_0(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    await kept(settings, [])
    assert await told(settings) == 0
    assert "Lightspeed and Shopify agree: 120 linked SKUs compared" in capsys.readouterr().out


async def test_a_part_of_the_classes_shows_only_those(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    await kept(settings, [finding(difference=5)])
    assert await told(settings, orphans=True) == 0
    assert "Nothing found" in capsys.readouterr().out


async def test_json_is_one_object_and_the_files_are_named_beside_it(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await kept(settings, [finding(difference=5)])
    assert await told(settings, report=tmp_path / "reports", json=True) == 1
    captured = capsys.readouterr()
    assert json.loads(captured.out)["findings"][0]["sku"] == "KAVA-1"
    assert captured.err.count("Written to ") == 3


async def test_the_three_files_tell_the_same(settings: Settings, tmp_path: Path) -> None:
    await kept(settings, hostile())
    await told(settings, report=tmp_path / "reports")
    files = {path.suffix: path for path in (tmp_path / "reports").iterdir()}
    data = json.loads(files[".json"].read_text())
    rows = list(csv.DictReader(files[".csv"].read_text(encoding="utf-8-sig").splitlines()))
    assert len(data["findings"]) == len(rows) == files[".html"].read_text().count("<tr data-kind=") == 12


async def test_without_any_comparison_on_record_there_is_nothing_to_show(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Exit) as raised:
        await told(settings)
    assert raised.value.exit_code == 2
    assert capsys.readouterr().err == "Nothing was compared yet: run it without --last.\n"


async def test_a_folder_that_takes_no_file_is_a_mistake_in_the_call(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await kept(settings, [])
    (tmp_path / "file").write_text("")
    with pytest.raises(Exit) as raised:
        await told(settings, report=tmp_path / "file")
    assert raised.value.exit_code == 2
    assert "The report cannot be written to " in capsys.readouterr().err


async def test_a_comparison_that_ended_without_an_end_counts_for_nothing_and_is_forgotten_by_the_next(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = await kept(settings, [finding(sku="WHOLE")])
    database = open_inline(settings.state_dir)
    book = SqlFindingBook(database)
    torn = await book.begin(NOW)
    await book.keep(torn, 0, [finding(sku="TORN")])
    newest = await book.summary()
    assert newest is not None
    assert newest.validation_id == whole
    await book.begin(NOW)
    assert await book.show(torn, tuple(FindingClass), lambda shown: list(shown.each())) == []
    assert len(await book.show(whole, tuple(FindingClass), lambda shown: list(shown.each()))) == 1
    await database.close()
