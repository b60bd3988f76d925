"""Search: what a query text selects, how it is echoed, and what is only warned about."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from sandbox.clock import ManualClock
from sandbox.shopify.search import Kind, search
from sandbox.shopify.state import ShopifyStore
from tests.sandbox.shopify.conftest import GOODS, HOME, START, Ask

FIELDS = {
    "updated_at": Kind.DATE,
    "id": Kind.NUMBER,
    "sku": Kind.TEXT,
    "title": Kind.TEXT,
    "tag": Kind.TEXT,
    "test": Kind.FLAG,
    "status": Kind.STATUS,
}
NEW_YORK = ZoneInfo("America/New_York")


def doc(hour: int = 6, **changes: Any) -> dict[str, Any]:
    return {
        "updated_at": datetime(2026, 11, 22, hour, 0, 0, tzinfo=UTC),
        "id": 7,
        "sku": "TEE-S",
        "title": "Green Tee",
        "tag": ("cloth", "new"),
        "test": False,
        "closed": False,
        "cancelled": False,
        **changes,
    }


@pytest.mark.parametrize(
    ("query", "row", "found"),
    [
        pytest.param("updated_at:>='2026-11-22T06:00:00Z'", doc(6), True, id="from is inclusive"),
        pytest.param("updated_at:>'2026-11-22T06:00:00Z'", doc(6), True, id="later than is inclusive too"),
        pytest.param("updated_at:>='2026-11-22T06:00:01Z'", doc(6), False, id="later"),
        pytest.param("updated_at:<'2026-11-22T06:00:00Z'", doc(6), True, id="before is inclusive"),
        pytest.param("updated_at:<='2026-11-22T05:59:59Z'", doc(6), False, id="earlier"),
        pytest.param('updated_at:>="2026-11-22T01:00:00-05:00"', doc(6), True, id="double quotes, another zone"),
        pytest.param("updated_at:'2026-11-22T06:00:00Z'", doc(6), True, id="equal"),
        pytest.param("updated_at:>=2026-11-22", doc(4), False, id="a day starts at the shop's midnight"),
        pytest.param("updated_at:>=2026-11-22", doc(5), True, id="which is 05:00 UTC"),
        pytest.param(
            "updated_at:>='2026-11-22T06:00:00Z' updated_at:<='2026-11-22T07:00:00Z'", doc(8), False, id="window"
        ),
        pytest.param("id:7", doc(), True, id="number"),
        pytest.param("id:>7", doc(), False, id="number above"),
        pytest.param("id:>=7 AND id:<=7", doc(), True, id="AND"),
        pytest.param("id:'gid://shopify/Order/7'", doc(), True, id="a gid is read as its number"),
        pytest.param("sku:tee-s", doc(), True, id="text without case"),
        pytest.param("sku:TEE", doc(), False, id="text is whole"),
        pytest.param("sku:TEE*", doc(), True, id="beginning of a text"),
        pytest.param("sku:A,TEE-S", doc(), True, id="one of several"),
        pytest.param("tag:new", doc(), True, id="one of many tags"),
        pytest.param("tag:old", doc(), False, id="none of many tags"),
        pytest.param("test:false", doc(), True, id="flag"),
        pytest.param("test:true", doc(), False, id="flag, other way"),
        pytest.param("sku:A OR id:7", doc(), True, id="OR"),
        pytest.param("(sku:A OR sku:TEE-S) id:8", doc(), False, id="brackets bind"),
        pytest.param("-sku:TEE-S", doc(), False, id="minus"),
        pytest.param("NOT sku:TEE-S", doc(), False, id="NOT"),
        pytest.param("green", doc(), True, id="a word anywhere"),
        pytest.param("purple", doc(), False, id="a word nowhere"),
        pytest.param("'green tee'", doc(), True, id="a phrase"),
        pytest.param("status:open", doc(), True, id="open"),
        pytest.param("status:open", doc(closed=True), False, id="closed is not open"),
        pytest.param("status:cancelled", doc(cancelled=True), True, id="cancelled"),
        pytest.param("status:not_closed", doc(cancelled=True), True, id="cancelled and not closed"),
        pytest.param("flavour:mint", doc(), True, id="an unknown filter finds everything"),
        pytest.param("flavour:mint sku:A", doc(), False, id="and leaves the others alone"),
        pytest.param("flavour:mint OR sku:A", doc(), False, id="also beside OR"),
        pytest.param("updated_at:>=yesterday", doc(), True, id="a senseless date finds everything"),
        pytest.param("status:any", doc(), True, id="a status that does not exist finds everything"),
        pytest.param("", doc(), True, id="nothing asked"),
        pytest.param("))((", doc(), True, id="brackets only"),
    ],
)
def test_what_a_query_finds(query: str, row: dict[str, Any], found: bool) -> None:
    predicate = search(query, FIELDS, NEW_YORK).predicate
    assert (predicate is None or predicate(row)) is found


@pytest.mark.parametrize(
    ("query", "warnings"),
    [
        pytest.param("updated_at:>='2026-11-22T06:00:00Z'", [], id="quoted date"),
        pytest.param("updated_at:>=2026-11-22T06:00:00Z", [("00", "invalid_field")], id="unquoted date"),
        pytest.param("flavour:mint", [("flavour", "invalid_field")], id="unknown filter"),
        pytest.param("updated_at:>=yesterday", [("updated_at", "invalid_value")], id="no date"),
        pytest.param("id:seven", [("id", "invalid_value")], id="no number"),
        pytest.param("test:maybe", [("test", "invalid_value")], id="no flag"),
        pytest.param("status:any", [("status", "invalid_value")], id="no status"),
        pytest.param(":mint", [("", "missing_named_field")], id="a colon without a filter"),
    ],
)
def test_what_a_query_is_warned_about(query: str, warnings: list[tuple[str, str]]) -> None:
    found = search(query, FIELDS, NEW_YORK)
    assert [(warning["field"], warning["code"]) for warning in found.warnings] == warnings


def test_an_unquoted_time_is_read_as_midnight_in_the_shops_zone() -> None:
    found = search("updated_at:>=2026-11-22T06:00:00Z", FIELDS, NEW_YORK)
    assert found.parsed == {
        "and": [
            {"field": "updated_at", "range": {"gte": "2026-11-22T05:00:00+00:00"}},
            {"field": "00", "match_all": "00Z"},
        ]
    }


@pytest.mark.anyio
async def test_the_answer_says_how_the_search_was_understood(ask: Ask) -> None:
    body = await ask('{ found: products(first: 9, query: "flavour:mint") { nodes { title } } }')
    assert len(body["data"]["found"]["nodes"]) == 4
    assert body["extensions"]["search"] == [
        {
            "path": ["found"],
            "query": "flavour:mint",
            "parsed": {"field": "flavour", "match_all": "mint"},
            "warnings": [
                {"field": "flavour", "message": "Invalid search field for this query.", "code": "invalid_field"}
            ],
        }
    ]


@pytest.mark.anyio
async def test_a_search_that_is_understood_has_no_warnings(ask: Ask) -> None:
    query = (
        "query($at: ID!, $q: String) { location(id: $at) { inventoryLevels(first: 9, query: $q) { nodes { id } } } }"
    )
    body = await ask(query, at=HOME, q="updated_at:>='2026-11-22T00:00:00Z'")
    [said] = body["extensions"]["search"]
    assert said["path"] == ["location", "inventoryLevels"]
    assert "warnings" not in said
    assert body["data"]["location"]["inventoryLevels"]["nodes"] == []


CHANGED = """query($at: ID!, $q: String) { location(id: $at) { inventoryLevels(first: 9, query: $q) {
  nodes { item { sku } quantities(names: ["available"]) { quantity } } } } }"""


async def changed(ask: Ask, since: str) -> list[tuple[str, int]]:
    body = await ask(CHANGED, at=HOME, q=f"updated_at:>='{since}'")
    rows = body["data"]["location"]["inventoryLevels"]["nodes"]
    return [(row["item"]["sku"], row["quantities"][0]["quantity"]) for row in rows]


@pytest.mark.anyio
async def test_changed_levels_are_found_at_once_without_an_index_lag(ask: Ask, store: ShopifyStore) -> None:
    store.adjust("DUCK", -3)
    assert await changed(ask, "2026-11-22T12:00:00Z") == [("DUCK", 7)]


@pytest.fixture
def lagging(clock: ManualClock) -> ShopifyStore:
    return ShopifyStore(GOODS, clock=clock, seed=7, index_lag_seconds=20)


class TestIndexLag:
    """A search sees the store of 20 seconds ago; the fields it answers with are those of now."""

    pytestmark = pytest.mark.anyio

    @pytest.fixture
    def store(self, lagging: ShopifyStore) -> ShopifyStore:
        return lagging

    async def test_a_fresh_change_is_not_found_yet(self, ask: Ask, store: ShopifyStore, clock: ManualClock) -> None:
        store.adjust("DUCK", -3)
        clock.advance(19)
        assert await changed(ask, "2026-11-22T12:00:00Z") == []
        clock.advance(1)
        assert await changed(ask, "2026-11-22T12:00:00Z") == [("DUCK", 7)]

    async def test_what_is_found_has_todays_quantities(self, ask: Ask, store: ShopifyStore, clock: ManualClock) -> None:
        store.adjust("DUCK", -3)
        clock.advance(20)
        store.adjust("DUCK", -1)
        assert await changed(ask, "2026-11-22T12:00:00Z") == [("DUCK", 6)]

    async def test_a_new_order_appears_late_but_can_be_read_by_id(
        self, ask: Ask, store: ShopifyStore, clock: ManualClock
    ) -> None:
        gid = store.place_order({"DUCK": 1})
        query = "query($id: ID!) { order(id: $id) { name } orders(first: 5) { nodes { name } } }"
        assert (await ask(query, id=gid))["data"] == {"order": {"name": "#1001"}, "orders": {"nodes": []}}
        clock.advance(20)
        assert (await ask(query, id=gid))["data"]["orders"]["nodes"] == [{"name": "#1001"}]


def test_the_clock_of_these_tests_starts_at_noon(clock: ManualClock) -> None:
    assert clock.now() == START
