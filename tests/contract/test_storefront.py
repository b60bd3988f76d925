"""What the storefront asks of a shelf and of holds, asked of the fakes of its tests and of the real ones alike."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from sync.reservations import Asked, Change, Granted, HoldLimits, Refusal, Refused
from sync.shelf import LiveShelf
from sync.storage.holds import SqlHolds
from sync.storefront.ports import Holds, Shelf
from tests.fakes.storefront import NOW, FakeHolds, FakeShelf, shelf_item
from tests.sync.storage.build import open_inline, stocked
from tests.sync.storefront.listener import SetClock

pytestmark = pytest.mark.anyio

UNITS = {1: 5, 2: 0, 10: 1}
LATER = NOW + timedelta(minutes=1)


def fake_shelf() -> FakeShelf:
    return FakeShelf(*(shelf_item(number, sellable=units) for number, units in UNITS.items()))


@pytest.fixture(params=["fake", "live"])
def shelf(request: pytest.FixtureRequest) -> Shelf:
    if request.param == "fake":
        return fake_shelf()
    live = LiveShelf(SetClock())
    live.put([shelf_item(number, sellable=units) for number, units in UNITS.items()])
    return live


@asynccontextmanager
async def real_holds(directory: Path) -> AsyncIterator[SqlHolds]:
    database = open_inline(directory)
    await stocked(database, UNITS)
    yield SqlHolds(database, limits=HoldLimits(client_share=1.0), tell=lambda _: None)
    await database.close()


@pytest.fixture(params=["fake", "SQL"])
async def holds(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Holds]:
    if request.param == "fake":
        yield FakeHolds(fake_shelf())
        return
    async with real_holds(tmp_path) as real:
        yield real


def wish(item: int, units: int) -> Asked:
    return Asked(str(item), None, units, "client", NOW)


@pytest.mark.parametrize(
    ("item_id", "variant_id", "found"),
    [
        ("1", None, "1"),
        (None, "44001", "1"),
        ("1", "44001", "1"),
        ("1", "44002", None),
        ("9", None, None),
        (None, "9", None),
        (None, None, None),
    ],
)
async def test_a_shelf_finds_an_item_by_either_id_or_both(
    shelf: Shelf, item_id: str | None, variant_id: str | None, found: str | None
) -> None:
    item = await shelf.find(item_id, variant_id)
    assert (item and item.item_id) == found


async def test_a_shelf_has_pages_in_the_order_of_numbers(shelf: Shelf) -> None:
    assert [item.item_id for item in await shelf.page(10, 0)] == ["1", "2", "10"]
    assert [item.item_id for item in await shelf.page(1, 1)] == ["2"]
    assert await shelf.page(10, 3) == []
    assert await shelf.page(10, 0, LATER) == []
    assert await shelf.own("client", "55001") == 0


async def test_holds_are_granted_changed_and_released(holds: Holds) -> None:
    granted = await holds.reserve(wish(1, 3))
    assert isinstance(granted, Granted)
    assert (granted.hold.units, granted.hold.expires_at) == (3, NOW + timedelta(minutes=15))
    assert await holds.reserve(wish(1, 3)) == Refused(Refusal.NOT_ENOUGH, 2)
    changed = await holds.change(Change(granted.hold.hold_id, 5, LATER))
    assert isinstance(changed, Granted)
    assert (changed.hold.hold_id, changed.hold.units) == (granted.hold.hold_id, 5)
    assert await holds.change(Change(granted.hold.hold_id, 6, LATER)) == Refused(Refusal.NOT_ENOUGH, 5)
    assert await holds.release(granted.hold.hold_id, LATER)
    assert not await holds.release(granted.hold.hold_id, LATER)
    assert await holds.change(Change(granted.hold.hold_id, 1, LATER)) == Refused(Refusal.ENDED)
    assert isinstance(await holds.reserve(wish(1, 5)), Granted)


async def test_what_is_not_there_is_not_held(holds: Holds) -> None:
    assert await holds.reserve(wish(9, 1)) == Refused(Refusal.UNKNOWN_ITEM)
    assert await holds.reserve(wish(2, 1)) == Refused(Refusal.NOT_ENOUGH)
    assert await holds.change(Change("nothing", 1, NOW)) == Refused(Refusal.UNKNOWN_HOLD)


async def test_a_hold_is_not_changed_in_the_name_of_another_item(holds: Holds) -> None:
    granted = await holds.reserve(wish(1, 1))
    assert isinstance(granted, Granted)
    hold_id = granted.hold.hold_id
    for item_id, variant_id in (("10", None), (None, "44010"), ("1", "44010"), ("99", None)):
        assert await holds.change(Change(hold_id, 2, LATER, item_id, variant_id)) == Refused(Refusal.UNKNOWN_HOLD)
    assert isinstance(await holds.change(Change(hold_id, 2, LATER, "1")), Granted)
    assert not await holds.release("nothing", NOW)
