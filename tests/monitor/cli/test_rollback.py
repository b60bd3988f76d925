"""`backup`, `restore`, `verify-rollback`, `undo` and `why --at` by real processes, beside a daemon and without one."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.play import Shop, shop

pytestmark = pytest.mark.anyio


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Shop]:
    async with shop(tmp_path, goods=12) as opened:
        confirmed = await opened.run("sync", "--full", "--confirm")
        assert confirmed.code == 0, confirmed.said
        yield opened


async def data(served: Shop, *words: str, code: int = 0) -> Any:
    ended = await served.run(*words, "--json")
    assert ended.code == code, ended.said
    return json.loads(ended.out)


def export(served: Shop, numbers: dict[str, int]) -> Path:
    """Write an export of our location's stock as Shopify's REST API makes it."""
    location = int(served.world.shopify.home.id.rsplit("/", 1)[1])
    levels = [
        {
            "inventory_item_id": int(served.world.shopify.item(sku).id.rsplit("/", 1)[1]),
            "location_id": location,
            "available": units,
            "updated_at": served.clock.now().isoformat(),
        }
        for sku, units in numbers.items()
    ]
    path = served.folder / "shopify_inventory_backup.json"
    path.write_text(json.dumps({"inventory_levels": levels}))
    return path


async def test_an_export_is_restored_beside_a_daemon_and_held_until_it_is_let_go_of(served: Shop) -> None:
    sku, other = served.skus[:2]
    has, over = served.world.shopify.available(sku), served.world.shopify.available(other) + 5
    path = export(served, {sku: has - 1, other: over})
    await served.start()
    await served.until(served.ready, "the daemon to be ready")
    neither = await served.run("restore", "--backup-file", str(path))
    planned = await served.run("restore", "--backup-file", str(path), "--dry-run")
    assert served.world.shopify.available(sku) == has
    done = await served.run("restore", "--backup-file", str(path), "--confirm")
    assert served.world.shopify.available(sku) == has - 1
    checked = await served.run("verify-rollback")
    status = await served.run("status")
    listed = await served.run("conflicts", "list")
    why = await served.run("why", sku)
    then = await data(served, "why", sku, "--at", "0s")
    forced = await data(served, "restore", "--backup-file", str(path), "--confirm", "--force-row", other)
    shows = served.world.shopify.available(other)
    verified = await data(served, "verify-rollback")
    resumed = await served.run("resume")
    await served.until(lambda: served.world.shopify.available(sku) == has, "Lightspeed's number to be taken again")
    assert await served.stop() == 0
    assert (neither.code, "--dry-run" in neither.err) == (2, True)
    assert (planned.code, "2 rows: 1 to set back" in planned.said) == (0, True), planned.said
    assert (done.code, "1 of 2 rows set back" in done.said, "more than Lightspeed has" in done.said) == (1, True, True)
    assert (checked.code, "1 of 2 rows show what they should, 1 do not." in checked.said) == (1, True), checked.said
    assert f"1 SKU set back by hand ({sku}; lightspeed-sync resume --held)" in status.said
    assert "held since" in listed.said
    assert "a person restored it from a backup (applied; restore run" in why.said
    assert f"restore {path}" in why.said
    assert (then["should_show"], then["changes"][0]["asked"]["what"]) == (has - 1, "restore")
    assert (forced["numbers"], shows) == ({"as_wanted": 1, "applied": 1}, over)
    assert verified["numbers"] == {"as_wanted": 2}
    assert "Held no more: 2 SKUs." in resumed.said


async def test_a_backup_is_made_listed_restored_and_undone_without_a_daemon(served: Shop) -> None:
    sku = served.skus[0]
    before = served.world.shopify.available(sku)
    made = await data(served, "backup")
    served.world.lightspeed.receive(sku, 3)
    synced = await data(served, "sync", "--full", "--confirm")
    assert served.world.shopify.available(sku) == before + 3
    listed = await served.run("backup", "--list")
    restored = await data(served, "restore", "--backup-file", made["file"], "--confirm")
    assert served.world.shopify.available(sku) == before
    undone = await data(served, "undo", str(restored["run_id"]), "--confirm")
    assert served.world.shopify.available(sku) == before + 3
    verified = await served.run("verify-rollback")
    nothing = await served.run("undo", "4711", "--dry-run")
    assert (made["whole"], made["rows"]["stock"] >= len(served.skus)) == (True, True)
    assert (listed.code, listed.out.count("whole"), "DAMAGED" in listed.out) == (0, 2, False), listed.said
    assert (synced["outcome"], restored["numbers"]["applied"], undone["numbers"]) == ("ok", 1, {"applied": 1})
    assert (verified.code, "1 of 1 row show what they should." in verified.said) == (0, True), verified.said
    assert (nothing.code, "BK005" in nothing.err) == (1, True), nothing.said


async def test_a_file_that_must_not_be_used_is_refused(served: Shop) -> None:
    path = served.folder / "odd.json"
    for text in (b'{"errors": "Not Found"}', b"SKU,available\nKAVA-1,4\n", b"\x1f\x8b", b"\xff\xfe"):
        path.write_bytes(text)
        refused = await served.run("restore", "--backup-file", str(path), "--dry-run")
        assert (refused.code, "BK002" in refused.err) == (3, True), refused.said
    gone = await served.run("restore", "--backup-file", str(path) + "x", "--dry-run")
    assert (gone.code, "No such file" in gone.err) == (2, True), gone.said
