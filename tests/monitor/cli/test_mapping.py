"""`sku suggest`, `map`, `unmap`, `export` and `import` as commands, beside no daemon."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from monitor.asked import UnmapOrder
from monitor.cli.commands import app
from tests.sync.shop import few, live_shop

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Open a shop of which two SKUs were mistyped in Shopify, close it, and return what runs commands on its state."""
    state, goods = tmp_path / "state", few()
    goods[1] = replace(goods[1], barcode="")

    async def live() -> dict[str, str]:
        async with live_shop(goods, state) as shop:
            await shop.work.actions.unmap_skus(_order(goods[0].sku, goods[1].sku))
            shop.world.shopify.rename_sku(goods[0].sku, goods[0].sku.replace("-", " "))
            shop.world.shopify.rename_sku(goods[1].sku, "quite-another")
            await shop.work.engine.linking.refresh(1)
            await shop.work.database.write(lambda c: c.exec_driver_sql("DELETE FROM kept_apart"))
            return dict(shop.world.settings())

    settings = asyncio.run(live())
    (tmp_path / "alerts.yaml").write_text("{}\n")
    monkeypatch.chdir(tmp_path)
    env = settings | {"STATE_DIR": str(state), "COLUMNS": "80", "ALERTS_FILE": str(tmp_path / "alerts.yaml")}

    def command(*words: str) -> Result:
        return CliRunner().invoke(app, list(words), env=env)

    return command


def _order(*skus: str) -> UnmapOrder:
    return UnmapOrder(skus=skus, by="ann")


def words(result: Result) -> str:
    return " ".join(result.output.split())


SKUS = [good.sku for good in few()]


def test_what_is_sure_is_suggested_with_its_reasons_and_linked_by_a_second_word(run: Run) -> None:
    shown = run("sku", "suggest")
    assert shown.exit_code == 0, shown.output
    assert f"{SKUS[0]} (" in words(shown)
    assert "the same SKU but for case, blanks, punctuation" in words(shown)
    assert "Sure enough to link: 1 SKU. Link them with: lightspeed-sync sku suggest --confirm" in words(shown)
    assert max(len(line) for line in shown.output.splitlines()) <= 80
    linked = run("sku", "suggest", "--confirm", "--json")
    assert linked.exit_code == 0, linked.output
    told = {each["shopify_sku"]: each for each in json.loads(linked.stdout)}
    assert told[SKUS[0].replace("-", " ")]["mapped"]["outcome"] == "new"
    assert "mapped" not in told["quite-another"]
    assert "Sure enough" not in words(run("sku", "suggest"))


def test_two_skus_are_linked_and_taken_apart_by_hand(run: Run) -> None:
    tried = run("sku", "map", SKUS[1], "quite-another", "--dry-run")
    linked = run("sku", "map", SKUS[1], "quite-another")
    again = run("sku", "map", SKUS[1], "quite-another", "--json")
    ended = run("sku", "unmap", "quite-another", "--reason", "another size")
    left = run("sku", "mismatches")
    assert [each.exit_code for each in (tried, linked, again, ended, left)] == [0, 0, 0, 0, 0], linked.output
    assert words(tried).startswith(f"would be done: {SKUS[1]} and quite-another: is linked.")
    assert words(linked).startswith(f"{SKUS[1]} and quite-another: is linked. Lightspeed has ")
    assert "on hand, Shopify offers" in words(tried)
    assert "At the next sync Shopify takes Lightspeed's number" in words(linked)
    assert json.loads(again.stdout)["outcome"] == "same"
    assert "quite-another: 1 link ended." in words(ended)
    assert "quite-another" in words(left)


@pytest.mark.parametrize(
    ("pair", "told"),
    [
        (("NOSUCH", "quite-another"), "Lightspeed has no such item in use (NOSUCH). Check that the SKU is spelt"),
        ((SKUS[2], "quite-another"), "one of the two is linked to another"),
    ],
    ids=["unknown", "taken"],
)
def test_what_cannot_be_linked_is_told_with_what_to_do(pair: tuple[str, str], told: str, run: Run) -> None:
    ended = run("sku", "map", *pair)
    assert ended.exit_code == 1
    assert told in words(ended)


def test_a_mapping_is_exported_edited_and_imported(run: Run, tmp_path: Path) -> None:
    assert run("sku", "export", "mapping.json").exit_code == 0
    content = json.loads((tmp_path / "mapping.json").read_text())
    assert content["unmapped_shopify"] == [SKUS[0].replace("-", " "), "quite-another"]
    content["sku_mappings"][SKUS[1]] = "quite-another"
    (tmp_path / "mapping.json").write_text(json.dumps(content))
    shown = run("sku", "import", "mapping.json")
    assert shown.exit_code == 0, shown.output
    assert "1 link would be made, 6 there already, 0 not possible." in words(shown)
    assert len(json.loads(run("sku", "suggest", "--json").stdout)) == 2, "a dry run changes nothing"
    done = run("sku", "import", "mapping.json", "--confirm")
    assert "1 link made, 6 there already, 0 not possible." in words(done)
    again = run("sku", "import", "mapping.json", "--confirm", "--json")
    assert json.loads(again.stdout)["counts"] == {"same": 7}


def test_a_file_is_not_overwritten_unless_that_is_said_and_csv_goes_by_its_name(run: Run, tmp_path: Path) -> None:
    first, second = run("sku", "export", "mapping.csv"), run("sku", "export", "mapping.csv")
    third = run("sku", "export", "mapping.csv", "--overwrite")
    assert [each.exit_code for each in (first, second, third)] == [0, 2, 0]
    assert "mapping.csv is there already; say --overwrite to replace it." in words(second)
    assert (tmp_path / "mapping.csv").read_text().startswith("lightspeed_sku,shopify_sku,state,")
    shown = run("sku", "import", "mapping.csv", "--json")
    assert json.loads(shown.stdout)["counts"] == {"same": 6}


def test_a_file_that_is_no_mapping_is_told_with_its_place(run: Run, tmp_path: Path) -> None:
    (tmp_path / "wrong.json").write_text('{"sku_mappings": {"A": "b",}}')
    ended = run("sku", "import", "wrong.json")
    missing = run("sku", "import", "nosuch.json")
    assert (ended.exit_code, missing.exit_code) == (1, 2)
    assert "SK010 The file is no SKU mapping" in words(ended)
    assert "nosuch.json cannot be read" in words(missing)


def test_links_that_agree_in_nothing_any_more_are_named_with_what_to_do(run: Run, tmp_path: Path) -> None:
    well = run("sku", "check")
    assert (well.exit_code, words(well)) == (0, "6 of 6 links agree (100.0%): 6 by SKU.")
    run("sku", "map", SKUS[0], "quite-another", "--replace")
    asked = json.loads(run("sku", "check", "--json").stdout)
    assert (asked["links"], asked["agreeing"], asked["doubts"]) == (7, 7, [])


def test_creating_an_item_for_what_lightspeed_has_tells_so(run: Run) -> None:
    ended = run("sku", "create-in-lightspeed", SKUS[2], "NOSUCH", "--json")
    told = json.loads(ended.stdout)
    assert ended.exit_code == 1
    assert [(each["outcome"], each["code"]) for each in told] == [("LINKED", None), ("NO_VARIANT", None)]
    assert "Shopify has no such variant in use" in words(run("sku", "create-in-lightspeed", "NOSUCH"))
