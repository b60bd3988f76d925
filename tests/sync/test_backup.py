"""Backups: what they hold, that they are whole or said to be damaged, and how many are kept."""

from __future__ import annotations

import gzip
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.asked import SyncOrder
from sandbox.clock import ManualClock
from sandbox.world import World
from sync import backup_file
from sync.backup import Kind, backups_in, look_at
from sync.backup_file import Damaged, Head
from sync.errors import Code, Permanent
from sync.records import RunOutcome
from sync.storage.sku_story import story_of
from tests.sync.shop import START, few, go_live, live_shop, open_shop

pytestmark = pytest.mark.anyio

HEAD = Head(datetime(2026, 11, 25, tzinfo=UTC), "by hand", {"store_domain": "shop"})
ROWS = [("stock", {"sku": f"S-{number}", "available": number}) for number in range(50)] + [("links", {"sku": "a"})]


def packed() -> bytes:
    stream = io.BytesIO()
    backup_file.write(stream, HEAD, ROWS)
    return stream.getvalue()


def test_a_backup_comes_back_as_it_was() -> None:
    found = backup_file.check(io.BytesIO(packed()))
    assert (found.head, found.rows) == (HEAD, {"stock": 50, "links": 1})
    assert list(backup_file.rows(io.BytesIO(packed()), "stock")) == ROWS[:50]
    assert backup_file.is_backup(io.BytesIO(packed()))


def test_a_backup_that_was_cut_anywhere_or_changed_is_damaged_or_none() -> None:
    whole = packed()
    for length in range(len(whole)):
        with pytest.raises(ValueError, match=r"cannot be read|not a backup|is missing"):
            backup_file.check(io.BytesIO(whole[:length]))
    text = gzip.decompress(whole).decode()
    for changed in (text.replace('"S-7"', '"S-8"', 1), text.replace('["links",{"sku":"a"}]\n', ""), text + "{}\n"):
        with pytest.raises(Damaged):
            backup_file.check(io.BytesIO(gzip.compress(changed.encode())))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("", "not a backup of ours", id="empty"),
        pytest.param('{"a": 1}\n', "not a backup of ours", id="other JSON"),
        pytest.param("not JSON\n", "not a backup of ours", id="text"),
        pytest.param(gzip.decompress(packed()).decode().replace('"version":1', '"version":9'), "version 9", id="newer"),
    ],
)
def test_what_is_no_backup_of_ours_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        backup_file.check(io.BytesIO(gzip.compress(text.encode())))


async def test_a_backup_holds_both_shops_the_links_and_the_alerts_file_and_no_secret(tmp_path: Path) -> None:
    async with live_shop(few(6), tmp_path) as shop:
        shop.work.settings.alerts_file.parent.mkdir(parents=True, exist_ok=True)
        made = await shop.work.engine.backups.make(Kind.BY_HAND, "by hand", tmp_path / "elsewhere")
        assert made.path.parent == tmp_path / "elsewhere"
        assert (made.path.stat().st_mode & 0o777, made.path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
        rows = {name: made.contents.rows[name] for name in ("stock", "links", "levels", "variants")}
        assert rows == dict.fromkeys(rows, 6)
        with made.path.open("rb") as stream:
            stock = [row for _, row in backup_file.rows(stream, "stock")]
        assert {row["sku"]: row["available"] for row in stock} == {good.sku: 20 for good in shop.world.goods}
        text = gzip.decompress(made.path.read_bytes()).decode()
        secrets = [value for name, value in shop.world.settings().items() if "SECRET" in name or "TOKEN" in name]
        assert secrets
        assert [secret for secret in secrets if secret in text] == []


async def test_before_a_confirmed_full_sync_writes_anything_a_backup_is_made(tmp_path: Path) -> None:
    clock = ManualClock(START)
    world = World(few(4), clock=clock)
    async with open_shop(world, clock, tmp_path) as shop:
        for good in world.goods:
            world.shopify.adjust(good.sku, -2)
        await go_live(shop)
        (found,) = backups_in(tmp_path / "backups")
        assert found.contents is not None
        assert found.contents.head.reason.startswith("before run ")
        with found.path.open("rb") as stream:
            assert {row["available"] for _, row in backup_file.rows(stream, "stock")} == {18}
        clock.advance(600)
        await shop.sync(SyncOrder(full=True, plan=(await shop.sync(SyncOrder(full=True, dry_run=True))).plan))
        assert len(backups_in(tmp_path / "backups")) == 1, "where nothing is to be written, none is made"


async def test_without_room_for_the_backup_nothing_is_written(tmp_path: Path) -> None:
    clock = ManualClock(START)
    world = World(few(4), clock=clock)
    async with open_shop(world, clock, tmp_path) as shop:
        world.shopify.adjust(world.goods[0].sku, -2)
        (tmp_path / "backups").write_text("in the way")
        plan, confirmed = await go_live(shop)
        assert plan.outcome is RunOutcome.OK
        assert (confirmed.outcome, confirmed.code) == (RunOutcome.FAILED, "BK004")
        assert world.shopify.writes == []


async def test_the_newest_of_each_kind_are_kept(tmp_path: Path) -> None:
    async with live_shop(few(2), tmp_path) as shop:
        backups = shop.work.engine.backups
        backups._kept = 3
        for _ in range(5):
            await backups.daily()
            shop.clock.advance(timedelta(days=1).total_seconds())
        kept = [found.path.name for found in backups_in(tmp_path / "backups") if "daily" in found.path.name]
        assert len(kept) == 3
        assert kept == sorted(kept, reverse=True)
        assert kept[0].startswith("backup-20261009")


async def test_a_damaged_backup_is_told_as_such(tmp_path: Path) -> None:
    async with live_shop(few(2), tmp_path) as shop:
        made = await shop.work.engine.backups.make(Kind.BY_HAND, "by hand")
    made.path.chmod(0o600)
    made.path.write_bytes(made.path.read_bytes()[:-20])
    found = look_at(made.path)
    assert found.contents is None
    assert "cannot be read to its end" in found.mistake


async def test_a_folder_that_takes_no_file_is_a_failure_with_its_code(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    async with live_shop(few(2), tmp_path / "state") as shop:
        with pytest.raises(Permanent) as caught:
            await shop.work.engine.backups.make(Kind.BY_HAND, "by hand", tmp_path / "file" / "x")
        assert caught.value.code is Code.BK004


async def test_who_asked_for_a_sync_is_on_record(tmp_path: Path) -> None:
    async with live_shop(few(2), tmp_path) as shop:
        shop.world.lightspeed.sell(shop.world.goods[0].sku, 3)
        shop.clock.advance(90)
        plan = await shop.sync(SyncOrder(full=True, dry_run=True, by="ann"))
        done = await shop.sync(SyncOrder(full=True, plan=plan.plan, by="bert"))
        story = await shop.work.database.read(lambda c: story_of(c, shop.world.goods[0].sku))
        assert {run_id: (each.by, each.what) for run_id, each in story.asked.items()} == {done.run_id: ("bert", "sync")}
        assert story.asked[done.run_id].source.startswith("plan ")
        before = await shop.work.database.read(lambda c: story_of(c, shop.world.goods[0].sku, START))
        assert (before.changes, before.asked) == ([], {})
