"""Lists: pages of at most 250, opaque cursors, sorted, and whole when walked to their end."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from sandbox.clock import ManualClock
from sandbox.goods import Good
from sandbox.shopify.index import Entry
from sandbox.shopify.listing import page
from sandbox.shopify.state import ShopifyStore
from tests.sandbox.shopify.conftest import HOME, WAREHOUSE, Ask

pytestmark = pytest.mark.anyio

VARIANTS = """query($first: Int, $after: String, $last: Int, $before: String, $reverse: Boolean) {
  productVariants(first: $first, after: $after, last: $last, before: $before, reverse: $reverse) {
    nodes { sku } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""


async def variants(ask: Ask, **asked: Any) -> tuple[list[str], dict[str, Any]]:
    found = (await ask(VARIANTS, **asked))["data"]["productVariants"]
    return [row["sku"] for row in found["nodes"]], found["pageInfo"]


@pytest.mark.parametrize(
    ("reverse", "pages"),
    [
        (False, [["DUCK", "TEE-S"], ["TEE-M", "GONE"], ["kava "]]),
        (True, [["kava ", "GONE"], ["TEE-M", "TEE-S"], ["DUCK"]]),
    ],
    ids=["forwards", "reversed"],
)
async def test_a_walk_along_the_cursors_sees_every_row_once(reverse: bool, pages: list[list[str]], ask: Ask) -> None:
    seen, after = [], None
    for _ in pages:
        rows, info = await variants(ask, first=2, after=after, reverse=reverse)
        seen.append(rows)
        after = info["endCursor"]
    assert seen == pages
    assert info["hasNextPage"] is False
    assert info["hasPreviousPage"] is True


async def test_a_list_can_be_walked_from_its_end(ask: Ask) -> None:
    rows, info = await variants(ask, last=2)
    assert (rows, info["hasPreviousPage"]) == (["GONE", "kava "], True)
    rows, info = await variants(ask, last=2, before=info["startCursor"])
    assert (rows, info["hasPreviousPage"]) == (["TEE-S", "TEE-M"], True)


@pytest.mark.parametrize("reverse", [False, True], ids=["forwards", "reversed"])
def test_a_cursor_whose_row_is_gone_still_marks_the_place(reverse: bool) -> None:
    entries = [Entry(number, str(number), {}) for number in (1, 2, 3, 4, 5)]
    cursor = page(entries, {"first": 3, "reverse": reverse}).end_cursor
    left = [entry for entry in entries if entry.number != 3]
    assert page(left, {"first": 9, "after": cursor, "reverse": reverse}).nodes == (
        ["2", "1"] if reverse else ["4", "5"]
    )


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"first": 251},
        {"first": -1},
        {"first": 1, "after": "not a cursor"},
        {"first": 1, "after": base64.b64encode(b"{}").decode()},
    ],
    ids=["no size", "251 rows", "minus one row", "no cursor of ours", "an empty cursor"],
)
async def test_a_page_that_cannot_be_is_an_error(asked: dict[str, Any], ask: Ask) -> None:
    body = await ask(VARIANTS, **asked)
    assert body["data"] is None
    assert body["errors"][0]["path"] == ["productVariants"]


async def test_orders_sorted_by_change_show_the_newest_change_last(
    ask: Ask, store: ShopifyStore, clock: ManualClock
) -> None:
    first = store.place_order({"DUCK": 1})
    clock.advance(1)
    store.place_order({"DUCK": 1})
    clock.advance(1)
    store.fulfil(first)
    body = await ask("{ orders(first: 5, sortKey: UPDATED_AT) { edges { cursor node { name updatedAt } } } }")
    edges = body["data"]["orders"]["edges"]
    assert [edge["node"] for edge in edges] == [
        {"name": "#1002", "updatedAt": "2026-11-22T12:00:01Z"},
        {"name": "#1001", "updatedAt": "2026-11-22T12:00:02Z"},
    ]
    query = "query($after: String) { orders(first: 5, after: $after, sortKey: UPDATED_AT) { nodes { name } } }"
    rest = await ask(query, after=edges[0]["cursor"])
    assert rest["data"]["orders"]["nodes"] == [{"name": "#1001"}]


async def test_an_order_that_changes_during_a_walk_is_seen_again_and_none_is_missed(
    ask: Ask, store: ShopifyStore, clock: ManualClock
) -> None:
    for _ in range(4):
        store.place_order({"DUCK": 1})
        clock.advance(1)
    query = """query($after: String) { orders(first: 2, after: $after, sortKey: UPDATED_AT) {
      nodes { name } pageInfo { endCursor } } }"""
    seen: list[str] = []
    after = None
    for turn in range(3):
        found = (await ask(query, after=after))["data"]["orders"]
        seen += [row["name"] for row in found["nodes"]]
        after = found["pageInfo"]["endCursor"]
        if turn == 0:
            store.fulfil(store.orders[0].id)
    assert seen == ["#1001", "#1002", "#1003", "#1004", "#1001"]


async def test_inactive_levels_are_listed_only_when_asked_for(ask: Ask, store: ShopifyStore) -> None:
    store.stock.deactivate(store.level("DUCK"))
    query = """query($at: ID!, $all: Boolean) { location(id: $at) { inventoryLevels(first: 9, includeInactive: $all) {
      nodes { isActive item { sku } } } } }"""
    without = (await ask(query, at=HOME, all=False))["data"]["location"]["inventoryLevels"]["nodes"]
    assert [row["item"]["sku"] for row in without] == ["TEE-S", "TEE-M", "GONE", "kava "]
    everything = (await ask(query, at=HOME, all=True))["data"]["location"]["inventoryLevels"]["nodes"]
    assert everything[0] == {"isActive": False, "item": {"sku": "DUCK"}}


async def test_a_walk_just_ends_where_paging_does(ask: Ask, store: ShopifyStore) -> None:
    assert store.paging_reach == 25_000
    store.paging_reach = 3
    rows, info = await variants(ask, first=2)
    assert (rows, info["hasNextPage"]) == (["DUCK", "TEE-S"], True)
    rows, info = await variants(ask, first=2, after=info["endCursor"])
    assert (rows, info["hasNextPage"]) == (["TEE-M"], False)


async def test_every_tenth_good_also_lies_at_the_second_location(ask: Ask, clock: ManualClock) -> None:
    goods = [Good(sku=f"S{place}", title="T", handle=f"h{place}", stock=1) for place in range(21)]
    store = ShopifyStore(goods, clock=clock, seed=1)
    assert [sku.sku for sku in store.shelves.items.values() if WAREHOUSE in sku.levels] == ["S0", "S10", "S20"]
    assert (store.available("S10"), store.available("S10", WAREHOUSE)) == (1, 5)


async def test_quantities_are_answered_in_the_order_asked_and_say_when_they_were_touched(
    ask: Ask, store: ShopifyStore, clock: ManualClock
) -> None:
    clock.advance(5)
    store.place_order({"TEE-S": 1})
    query = """query($id: ID!, $at: ID!) { inventoryItem(id: $id) { inventoryLevel(locationId: $at) {
      updatedAt quantities(names: ["committed", "on_hand", "available", "incoming", "nonsense"]) {
        name quantity updatedAt } } } }"""
    level = (await ask(query, id=store.item("TEE-S").id, at=HOME))["data"]["inventoryItem"]["inventoryLevel"]
    assert level == {
        "updatedAt": "2026-11-22T12:00:05Z",
        "quantities": [
            {"name": "committed", "quantity": 1, "updatedAt": "2026-11-22T12:00:05Z"},
            {"name": "on_hand", "quantity": 3, "updatedAt": None},
            {"name": "available", "quantity": 2, "updatedAt": "2026-11-22T12:00:05Z"},
            {"name": "incoming", "quantity": 0, "updatedAt": None},
        ],
    }


async def test_the_store_opens_old_and_what_was_never_touched_says_so(store: ShopifyStore) -> None:
    assert store.level("DUCK").updated_at.isoformat() == "2026-10-23T12:00:00+00:00"
    assert store.truth("DUCK").available_at == store.level("DUCK").updated_at
    assert store.truth("TEE-M").available_at is None
    with pytest.raises(ValueError, match="no variant with the SKU 'TILL'"):
        store.available("TILL")
