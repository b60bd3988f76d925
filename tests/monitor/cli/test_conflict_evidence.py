"""`conflicts list` with its evidence, and decisions on many differences at once, beside no daemon."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from monitor.cli.commands import app
from monitor.cli.conflicts import Case, hash_of
from sync.records import Conflict, ConflictDecision
from tests.sync.shop import few, live_shop

Run = Callable[..., Result]

SKUS = [good.sku for good in few()]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Open a shop, change one SKU by 15 units and later all others by 30, and return what runs commands on it."""
    state = tmp_path / "state"

    async def live() -> dict[str, str]:
        async with live_shop(few(), state) as shop:
            shop.clock.advance(3_600)
            shop.world.shopify.adjust(SKUS[0], 15)
            await shop.passes(3)
            shop.clock.advance(3_600)
            for sku in SKUS[1:]:
                shop.world.shopify.adjust(sku, 30)
            await shop.passes(3)
            return dict(shop.world.settings())

    settings = asyncio.run(live())
    (tmp_path / "alerts.yaml").write_text("{}\n")
    monkeypatch.chdir(tmp_path)
    env = settings | {"STATE_DIR": str(state), "COLUMNS": "80", "ALERTS_FILE": str(tmp_path / "alerts.yaml")}
    return lambda *words: CliRunner().invoke(app, list(words), env=env)


def words(result: Result) -> str:
    return " ".join(result.output.split())


def shown_as(run: Run, *options: str) -> str:
    """Return the hash of what a command shows."""
    return str(json.loads(run("conflicts", *options, "--json").stdout)["confirm"])


def test_the_list_tells_what_is_on_record_and_what_to_count_if_shopify_is_right(run: Run) -> None:
    shown = run("conflicts", "list", "--class", "manual edit")
    assert shown.exit_code == 0, shown.output
    told = words(shown)
    assert "perhaps a manual edit; Shopify's number rose by 15, and no order, sale or write explains it." in told
    assert "+15 units found at 2026-10-05" in told
    assert "If Shopify is right: count 35 in Lightspeed, then approve; or dismiss" in told
    assert SKUS[1] not in told
    (case,) = json.loads(run("conflicts", "list", "--class", "manual-edit", "--json").stdout)
    assert (case["sku"], case["difference"], case["count_if_shopify_is_right"]) == (SKUS[0], 15, 35)
    assert case["proposed"]["class"] == "manual-edit"
    assert run("conflicts", "list", "--brief").output.count("perhaps") == 0


def test_filters_show_first_and_decide_when_that_is_confirmed(run: Run) -> None:
    shown = run("conflicts", "approve", "--class", "second-app", "--at-most", "30")
    assert shown.exit_code == 3, shown.output
    assert "7 SKUs, 210 units in all: would be approved." in words(shown)
    none = run("conflicts", "approve", "--at-most", "14")
    assert (none.exit_code, "Nothing of that kind" in words(none)) == (0, True), none.output
    done = run(
        "conflicts", "dismiss", "--class", "second-app", "--confirm", shown_as(run, "dismiss", "--class", "second-app")
    )
    assert done.exit_code == 0, done.output
    assert "7 SKUs: Shopify's number stays, and the difference is kept" in words(done)
    assert "correct Lightspeed's count" in words(done)
    rest = run("conflicts", "approve", "--all", "--confirm", shown_as(run, "approve", "--all"), "--json")
    assert json.loads(rest.stdout) == {"decided": [SKUS[0]], "left_out": {}, "decision": "approved"}
    again = run("conflicts", "approve", "--all")
    assert (again.exit_code, "Nothing of that kind waits for a person." in words(again)) == (0, True)


def test_nobody_decides_on_what_was_not_shown(run: Run) -> None:
    narrow, other = shown_as(run, "approve", "--class", "second-app"), shown_as(run, "dismiss", "--all")
    assert run("conflicts", "approve", "--all").output.count(shown_as(run, "approve", "--all")) == 1
    for wrong in (narrow, other, "1"):
        refused = run("conflicts", "approve", "--all", "--confirm", wrong)
        assert refused.exit_code == 3, refused.output
        assert "nothing was decided" in words(refused)
        assert f"--confirm {shown_as(run, 'approve', '--all')}" in words(refused)


def test_a_hash_is_of_each_difference_and_of_the_word_on_it() -> None:
    def case(link_id: int, available: int) -> Case:
        return Case(Conflict(link_id, f"KAVA-{link_id}", available, 20, None, 0, None, None, None))

    first, second = case(1, 35), case(2, 50)
    approved = hash_of([first, second], ConflictDecision.APPROVED)
    assert approved == hash_of([second, first], ConflictDecision.APPROVED)
    others = [[first], [first, case(2, 51)], [first, second, case(3, 40)]]
    assert len({approved, *(hash_of(each, ConflictDecision.APPROVED) for each in others)}) == 4
    assert approved != hash_of([first, second], ConflictDecision.DISMISSED)


def test_words_choose_by_title_and_sku(run: Run) -> None:
    titled = json.loads(run("conflicts", "list", "--words", "nosuch, kava", "--json").stdout)
    every = json.loads(run("conflicts", "list", "--json").stdout)
    expected = [each["sku"] for each in every if "kava" in each["evidence"]["title"].lower()]
    assert [each["sku"] for each in titled] == expected
    assert 0 < len(expected) < len(every)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ((), "Name the SKUs, or say which are meant"),
        (("KAVA", "--all"), "Name the SKUs, or say which are meant"),
        (("--class", "manual-edict"), "There is no class 'manual-edict'; did you mean manual-edit?"),
    ],
)
def test_what_is_not_said_clearly_is_a_mistake_in_the_call(options: tuple[str, ...], told: str, run: Run) -> None:
    ended = run("conflicts", "approve", *options)
    assert ended.exit_code == 2
    assert told in words(ended)
