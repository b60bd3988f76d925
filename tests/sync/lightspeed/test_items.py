"""Items against the pretend shop: found by their SKU, made once, and what each fault is taken for."""

from __future__ import annotations

import pytest

from sandbox.faults import Fault, FaultKind
from sync.errors import Code, OutcomeUnknown, Permanent, SyncError, Transient
from sync.item_making import ItemDraft
from sync.lightspeed.items import LightspeedItems, making
from tests.sync.lightspeed.support import Stage, goods, stage

pytestmark = pytest.mark.anyio

NEW = ItemDraft("KAVA-NEW-001", "Kava Root, new", 1299, upc="012345678905")


def items_of(scene: Stage) -> LightspeedItems:
    return scene.lightspeed.items()


def made(scene: Stage) -> list[str]:
    """Return the SKUs of the requests that make items."""
    return [
        request.url.path for request in scene.link.requests if request.method == "POST" and "/Item" in str(request.url)
    ]


async def test_an_item_is_made_without_stock_and_found_by_its_sku_alone() -> None:
    scene = stage(goods(3))
    assert await items_of(scene).find(NEW.sku) == []
    row = await items_of(scene).make(NEW)
    assert (row.custom_sku, row.description, row.upc, row.archived) == (NEW.sku, NEW.title, "012345678905", False)
    assert [each.item_id for each in await items_of(scene).find("kava-new-001")] == [row.item_id]
    kept = scene.shop.books.items[int(row.item_id)]
    assert (str(kept.price), scene.shop.qoh(NEW.sku)) == ("12.99", 0)


async def test_archived_items_are_found_too() -> None:
    scene = stage(goods(3))
    scene.shop.archive("SKU-00002")
    assert [each.archived for each in await items_of(scene).find("SKU-00002")] == [True]


FAULTS: dict[str, tuple[Fault, type[SyncError], int]] = {
    "lost before": (Fault(FaultKind.RESET_BEFORE), OutcomeUnknown, 0),
    "applied and cut": (Fault(FaultKind.RESET_AFTER), OutcomeUnknown, 1),
    "applied and 504": (Fault(FaultKind.GATEWAY_TIMEOUT), OutcomeUnknown, 1),
    "502": (Fault(FaultKind.BAD_GATEWAY), OutcomeUnknown, 0),
    "half an answer": (Fault(FaultKind.TRUNCATED), OutcomeUnknown, 1),
    "too many": (Fault(FaultKind.THROTTLED), Transient, 0),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_a_write_that_fails_is_sent_once_and_told_for_what_it_is(name: str) -> None:
    scene = stage(goods(3))
    fault, expected, count = FAULTS[name]
    scene.faults.add("lightspeed", "POST Item", fault)
    with pytest.raises(expected) as caught:
        await items_of(scene).make(NEW)
    assert type(caught.value) is expected
    assert len(made(scene)) == 1
    assert len(await items_of(scene).find(NEW.sku)) == count


async def test_a_barcode_that_another_item_has_is_refused_for_good() -> None:
    scene = stage(goods(3))
    await items_of(scene).make(NEW)
    with pytest.raises(Permanent) as caught:
        await items_of(scene).make(ItemDraft("OTHER", "Other", upc="012345678905"))
    assert (caught.value.code, "already exists" in caught.value.detail) == (Code.LS009, True)


@pytest.mark.parametrize(
    "draft",
    [
        ItemDraft("", "Kava"),
        ItemDraft("A", ""),
        ItemDraft("A,B", "Kava"),
        ItemDraft("A\n", "Kava"),
        ItemDraft("A" * 256, "K"),
    ],
    ids=["no SKU", "no title", "a comma", "a line end", "too long"],
)
def test_what_cannot_be_an_item_is_never_sent(draft: ItemDraft) -> None:
    with pytest.raises(ValueError, match=r"SKU|title"):
        making(draft)


def test_only_what_is_known_is_sent() -> None:
    assert making(ItemDraft("A", "Kava", ean="4006381333931")) == {
        "description": "Kava",
        "customSku": "A",
        "itemType": "default",
        "ean": "4006381333931",
    }
