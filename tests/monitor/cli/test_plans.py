"""Plan files: how they are named, written, found again, and what a named one brings with it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from typer import Exit

from monitor import units
from monitor.asked import SyncReply
from monitor.cli import plan_files, sync
from monitor.cli.plan_table import show_left, show_plan
from sync.clock import SystemClock
from sync.config import Settings, load_settings
from sync.errors import Code, Refused
from sync.plan import Plan, PlanCost, PlannedChange, to_json
from sync.records import RunOutcome
from sync.reviewing import Left, RowLeft

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
COST = PlanCost(12, 141.6, 97, 51.6)
TODAY = f"{SystemClock().now():%Y%m%d}"


def made(after: int = 7, *, environment: str = "sandbox", full: bool = True, at: datetime = NOON) -> Plan:
    change = PlannedChange(3, "KAVA-1", 4, after, "raise", first_sight=False, equation={})
    return Plan(environment, {"full": full, "skus": [], "products": []}, at, [change], cost=COST)


def order(plan: str | None = None, *, full: bool = True) -> sync.Order:
    return sync.Order(full=full, skus=(), plan=plan)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(units._Display, "zone", UTC)
    return tmp_path


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings({"ENVIRONMENT": "sandbox", "STATE_DIR": str(tmp_path / "state")})


def test_plans_of_a_day_are_numbered_and_leave_no_drafts(folder: Path) -> None:
    written = [plan_files.write(text) for text in ("one", "two", "three")]
    names = [f"sync-plan-{TODAY}.json", f"sync-plan-{TODAY}-2.json", f"sync-plan-{TODAY}-3.json"]
    assert [path.name for path in written] == names
    assert [path.read_text() for path in written] == ["one\n", "two\n", "three\n"]
    assert sorted(path.name for path in folder.iterdir()) == sorted(names)


def test_the_day_of_a_plan_is_that_of_the_zone_in_which_people_read_times(
    folder: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = set()
    for zone in ("Pacific/Kiritimati", "Pacific/Niue"):  # 25 hours apart: never on the same day
        monkeypatch.setattr(units._Display, "zone", ZoneInfo(zone))
        written = plan_files.write(to_json(made()))
        days.add(written.name)
        _, taken = sync._chosen(settings, order())
        assert taken is not None
        written.unlink()
    assert len(days) == 2


def test_a_folder_that_takes_no_file_is_a_mistake_in_the_call(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan_files, "working_directory", lambda: folder / "gone")
    with pytest.raises(Exit) as raised:
        plan_files.write("text")
    assert raised.value.exit_code == 2
    assert capsys.readouterr().err.endswith("gone: No such file or directory.\n")


def test_without_a_name_the_newest_fitting_plan_of_today_is_taken(folder: Path, settings: Settings) -> None:
    newest = to_json(made(9, at=NOON.replace(hour=13)))
    for text in (
        newest,
        to_json(made(5)),
        to_json(made(6, environment="production", at=NOON.replace(hour=14))),
        to_json(made(7, full=False, at=NOON.replace(hour=15))),
    ):
        plan_files.write(text)
    (folder / "sync-plan-20200101.json").write_text(to_json(made(8, at=NOON.replace(hour=16))))
    _, taken = sync._chosen(settings, order())
    assert taken is not None
    assert to_json(taken) == newest


def test_a_file_that_is_no_plan_is_named_and_left_out(
    folder: Path, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    plan_files.write("{")
    (folder / f"sync-plan-{TODAY}-2.json").write_bytes(b"\xff\xfe")
    assert sync._chosen(settings, order()) == (order(), None)
    named = [line.split(":")[0] for line in capsys.readouterr().err.splitlines()]
    assert named == [f"sync-plan-{TODAY}-2.json", f"sync-plan-{TODAY}.json"]


@pytest.mark.parametrize("full", [False, True], ids=["no flags", "the same flags"])
def test_a_plan_named_by_its_hash_brings_its_filters(folder: Path, settings: Settings, full: bool) -> None:
    (folder / "sync-plan-20200101.json").write_text(to_json(made()))
    hash_start = made().hash[:6]
    chosen, taken = sync._chosen(settings, order(hash_start, full=full))
    assert taken is not None
    assert (chosen, to_json(taken)) == (order(hash_start, full=True), to_json(made()))


@pytest.mark.parametrize("words", ["", "0", "fff", "0123456789abcdef"])
def test_words_that_name_no_plan_are_a_mistake_in_the_call(
    words: str, folder: Path, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    plan_files.write(to_json(made()))
    with pytest.raises(Exit) as raised:
        sync._chosen(settings, order(words))
    assert raised.value.exit_code == 2
    assert capsys.readouterr().err == (
        f"There is no file {words!r}, and no plan in {folder} whose hash begins so. "
        "`lightspeed-sync sync --dry-run` writes one.\n"
    )


def test_a_plan_that_was_changed_by_hand_is_refused(folder: Path, settings: Settings) -> None:
    path = plan_files.write(to_json(made()))
    path.write_text(path.read_text().replace("7", "8"))
    with pytest.raises(Refused) as refused:
        sync._chosen(settings, order(path.name))
    assert refused.value.code is Code.BR006


@pytest.mark.parametrize(
    ("outcome", "code", "numbers", "expected"),
    [
        pytest.param(RunOutcome.OK, None, {"applied": 3}, 0, id="all applied"),
        pytest.param(RunOutcome.OK, None, {"applied": 3, "parked": 1}, 1, id="a row parked"),
        pytest.param(RunOutcome.OK, None, {"refused": 1}, 1, id="a row refused"),
        pytest.param(RunOutcome.OK, None, {"parked": 0}, 0, id="none parked"),
        pytest.param(RunOutcome.BRAKED, "BR001", {}, 3, id="braked"),
        pytest.param(RunOutcome.INTERRUPTED, None, {"applied": 2}, 1, id="stopped"),
        pytest.param(RunOutcome.FAILED, "LS001", {}, 4, id="Lightspeed timeout"),
        pytest.param(RunOutcome.FAILED, "LS005", {}, 4, id="Lightspeed sign-in"),
        pytest.param(RunOutcome.FAILED, "SH006", {}, 4, id="Shopify server error"),
        pytest.param(RunOutcome.FAILED, "SH013", {}, 1, id="incomplete reading"),
        pytest.param(RunOutcome.FAILED, "IN001", {}, 1, id="unforeseen"),
    ],
)
def test_exit_codes_tell_how_a_pass_went(
    outcome: RunOutcome, code: str | None, numbers: dict[str, int], expected: int
) -> None:
    assert sync.exit_of(SyncReply(run_id=1, outcome=outcome, code=code, numbers=numbers)) == expected


def test_a_plan_is_shown_with_totals_and_hash(capsys: pytest.CaptureFixture[str]) -> None:
    show_plan(made(0))
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[:2] == [["SKU", "now", "will", "be", "why"], ["KAVA-1", "4", "0", "raise"]]
    assert " ".join(lines[2]) == f"1 change (-4 units, 1 to zero), plan {made(0).hash} of 2026-11-24 12:00 UTC."
    assert " ".join(lines[3]) == ("Carrying it out takes 12 calls (141.6 units of Lightspeed's quota, 97 points of")


def test_a_plan_file_is_json_for_other_programs_too(folder: Path) -> None:
    path = plan_files.write(to_json(made()))
    assert json.loads(path.read_text())["changes"][0]["sku"] == "KAVA-1"


def test_rows_that_were_not_written_are_named_with_how_they_stand_now(capsys: pytest.CaptureFixture[str]) -> None:
    long = "A-SKU-OF-FORTY-CHARACTERS-THAT-SOMEBODY-CHOSE"
    show_left(
        [
            RowLeft("KAVA-1", 20, 19, Left.SHOPIFY, 18, 17),
            RowLeft("KAVA-2", 20, 19, Left.TARGET, 20, 15),
            RowLeft("KAVA-3", 20, 19, Left.TARGET, 20, 20),
            RowLeft(long, 20, 19, Left.PARKED, 20, detail="SH012"),
            RowLeft("KAVA-5", 20, 19, Left.UNLINKED),
            RowLeft("KAVA-6", 20, 19, Left.STOPPED),
            RowLeft("KAVA-7", 20, 19, Left.STOPPED),
        ]
    )
    told = capsys.readouterr().out
    assert max(map(len, told.splitlines())) <= 80
    assert " ".join(told.split()) == (
        "Not written, 5 of the plan's rows: SKU reviewed now why "
        "KAVA-1 20 to 19 18 Shopify's number has moved "
        "KAVA-2 20 to 19 20 another number would be written now: 15 "
        "KAVA-3 20 to 19 20 it needs no change now "
        "A-SKU-OF-FORTY-CHARACTERS-THAT 20 to 19 20 Shopify takes no number for it "
        "-SOMEBODY-CHOSE (SH012: Shopify cannot change this item's stock) "
        "KAVA-5 20 to 19 it is linked no more "
        "2 rows were not reached; the same command goes on with them."
    )


@pytest.mark.parametrize("text", [",", " - ", "!?"])
def test_a_list_of_goods_without_words_is_a_mistake_in_the_call(text: str) -> None:
    with pytest.raises(Exit) as raised:
        sync.kinds_in(text)
    assert raised.value.exit_code == 2


def test_kinds_of_goods_are_taken_as_typed_in_one_order() -> None:
    assert sync.kinds_in("thc-beverages, Kava ,kava") == ("kava", "thc-beverages")
    assert sync.kinds_in("") == ()
