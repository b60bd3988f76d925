"""Stock writes: the order of checks, every refusal, all or nothing, compare-and-swap, once per key."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.clock import ManualClock
from sandbox.shopify.state import ShopifyStore
from tests.sandbox.shopify.conftest import HOME, START, WAREHOUSE, Ask

pytestmark = pytest.mark.anyio

SET = """mutation($input: InventorySetQuantitiesInput!, $key: String!) {
  inventorySetQuantities(input: $input) @idempotent(key: $key) {
    inventoryAdjustmentGroup { id createdAt reason referenceDocumentUri
      changes { name delta quantityAfterChange item { sku } location { id } } }
    userErrors { field code message } } }"""
ADJUST = SET.replace("inventorySetQuantities", "inventoryAdjustQuantities").replace(
    "InventorySetQuantitiesInput", "InventoryAdjustQuantitiesInput"
)
BARE = SET.replace(" @idempotent(key: $key)", "").replace(", $key: String!", "")
DUCK = "gid://shopify/InventoryItem/47300000000001"
TEE = "gid://shopify/InventoryItem/47300000000002"
NOBODY = "gid://shopify/InventoryItem/1"


def row(quantity: int = 4, *, item: str = DUCK, at: str = HOME, expected: int | None = 10) -> dict[str, Any]:
    return {"inventoryItemId": item, "locationId": at, "quantity": quantity, "changeFromQuantity": expected}


def written(*rows: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"name": "available", "reason": "correction", "quantities": list(rows), **changes}


def change(delta: int = 1, *, item: str = DUCK, expected: int | None = None, **more: Any) -> dict[str, Any]:
    return {"inventoryItemId": item, "locationId": HOME, "delta": delta, "changeFromQuantity": expected, **more}


def adjusted(*rows: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"name": "available", "reason": "correction", "changes": list(rows), **changes}


async def write(ask: Ask, input_: dict[str, Any], key: str = "k") -> dict[str, Any]:
    query, name = (SET, "inventorySetQuantities") if "quantities" in input_ else (ADJUST, "inventoryAdjustQuantities")
    payload: dict[str, Any] = (await ask(query, input=input_, key=key))["data"][name]
    return payload


def refusals(payload: dict[str, Any]) -> list[tuple[str, list[str] | None]]:
    return [(error["code"], error["field"]) for error in payload["userErrors"]]


async def test_a_write_changes_available_and_its_on_hand_mirror(ask: Ask, store: ShopifyStore) -> None:
    payload = await write(ask, written(row(4), referenceDocumentUri="gid://lightspeed-sync/Run/1"))
    assert payload["userErrors"] == []
    group = payload["inventoryAdjustmentGroup"]
    assert (group["reason"], group["referenceDocumentUri"]) == ("correction", "gid://lightspeed-sync/Run/1")
    assert group["createdAt"] == "2026-11-22T12:00:00Z"
    mirrored = {"delta": -6, "quantityAfterChange": None, "item": {"sku": "DUCK"}, "location": {"id": HOME}}
    assert group["changes"] == [{"name": "available", **mirrored}, {"name": "on_hand", **mirrored}]
    assert (store.available("DUCK"), store.on_hand("DUCK")) == (4, 4)


async def test_the_store_keeps_every_row_that_was_written(ask: Ask, store: ShopifyStore) -> None:
    await write(ask, written(row(4), row(3, item=TEE, expected=None), referenceDocumentUri="gid://sync/Run/1"), key="a")
    seen = [(w.at, w.mutation, w.sku, w.location, w.name, w.before, w.after, w.reference, w.key) for w in store.writes]
    mutation = "inventorySetQuantities"
    assert seen == [
        (START, mutation, "DUCK", HOME, "available", 10, 4, "gid://sync/Run/1", "a"),
        (START, mutation, "TEE-S", HOME, "available", 3, 3, "gid://sync/Run/1", "a"),
    ]


async def test_a_write_that_changes_nothing_has_no_group_and_moves_no_time(
    ask: Ask, store: ShopifyStore, clock: ManualClock
) -> None:
    clock.advance(60)
    before = store.level("DUCK").updated_at
    assert await write(ask, written(row(10))) == {"inventoryAdjustmentGroup": None, "userErrors": []}
    assert store.level("DUCK").updated_at == before


async def test_on_hand_is_set_by_moving_available(ask: Ask, store: ShopifyStore) -> None:
    store.place_order({"DUCK": 3})
    await write(ask, written(row(12), name="on_hand"))
    assert (store.available("DUCK"), store.committed("DUCK"), store.on_hand("DUCK")) == (9, 3, 12)


async def test_available_may_be_negative(ask: Ask, store: ShopifyStore) -> None:
    assert (await write(ask, written(row(-2))))["userErrors"] == []
    assert store.available("DUCK") == -2


PLACE = ["input", "quantities", "0"]


@pytest.mark.parametrize(
    ("input_", "expected"),
    [
        pytest.param(written(row(), name="committed"), [("INVALID_NAME", ["input", "name"])], id="name"),
        pytest.param(written(row(), reason="because"), [("INVALID_REASON", ["input", "reason"])], id="reason"),
        pytest.param(
            written(row(), referenceDocumentUri="run 1"),
            [("INVALID_REFERENCE_DOCUMENT", ["input", "referenceDocumentUri"])],
            id="reference without a scheme",
        ),
        pytest.param(
            written(row(), referenceDocumentUri="gid://"),
            [("INVALID_REFERENCE_DOCUMENT", ["input", "referenceDocumentUri"])],
            id="reference without content",
        ),
        pytest.param(written(row(item=NOBODY)), [("INVALID_INVENTORY_ITEM", [*PLACE, "inventoryItemId"])], id="item"),
        pytest.param(written(row(at=NOBODY)), [("INVALID_LOCATION", [*PLACE, "locationId"])], id="location"),
        pytest.param(written(row(1_000_000_001)), [("INVALID_QUANTITY_TOO_HIGH", [*PLACE, "quantity"])], id="too high"),
        pytest.param(written(row(-1_000_000_001)), [("INVALID_QUANTITY_TOO_LOW", [*PLACE, "quantity"])], id="too low"),
        pytest.param(
            written(row(-1), name="on_hand"),
            [("INVALID_QUANTITY_NEGATIVE", [*PLACE, "quantity"])],
            id="negative on_hand",
        ),
        pytest.param(
            written(row(), row(5)),
            [
                ("NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR", PLACE),
                ("NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR", ["input", "quantities", "1"]),
            ],
            id="the same row twice",
        ),
        pytest.param(
            written(row(expected=9)), [("CHANGE_FROM_QUANTITY_STALE", [*PLACE, "changeFromQuantity"])], id="stale"
        ),
        pytest.param(
            written(row(expected=9), row(item=NOBODY)),
            [("INVALID_INVENTORY_ITEM", ["input", "quantities", "1", "inventoryItemId"])],
            id="what is wrong in itself is told before what is stale",
        ),
        pytest.param(
            adjusted(change(), name="on_hand"), [("INVALID_QUANTITY_NAME", ["input", "name"])], id="adjusting on_hand"
        ),
        pytest.param(
            adjusted(change(2_000_000_001)),
            [("INVALID_QUANTITY_TOO_HIGH", ["input", "changes", "0", "delta"])],
            id="adjusting too far",
        ),
        pytest.param(
            adjusted(change(expected=9)),
            [("CHANGE_FROM_QUANTITY_STALE", ["input", "changes", "0", "changeFromQuantity"])],
            id="adjusting a stale quantity",
        ),
        pytest.param(
            adjusted(change(ledgerDocumentUri="a://b")),
            [("INVALID_AVAILABLE_DOCUMENT", ["input", "changes", "0", "ledgerDocumentUri"])],
            id="a ledger document for available",
        ),
        pytest.param(
            adjusted(change(), name="damaged"),
            [("INVALID_QUANTITY_DOCUMENT", ["input", "changes", "0", "ledgerDocumentUri"])],
            id="no ledger document for damaged",
        ),
        pytest.param(
            adjusted(change(ledgerDocumentUri="gid://shopify/Order/1"), name="damaged"),
            [("INTERNAL_LEDGER_DOCUMENT", ["input", "changes", "0", "ledgerDocumentUri"])],
            id="a ledger document of Shopify's own",
        ),
        pytest.param(
            adjusted(change(ledgerDocumentUri="nonsense"), name="damaged"),
            [("INVALID_LEDGER_DOCUMENT", ["input", "changes", "0", "ledgerDocumentUri"])],
            id="a ledger document that is no address",
        ),
        pytest.param(
            adjusted(change(ledgerDocumentUri="a://b"), change(item=TEE, ledgerDocumentUri="a://c"), name="damaged"),
            [("MAX_ONE_LEDGER_DOCUMENT", ["input", "changes"])],
            id="two ledger documents",
        ),
    ],
)
async def test_what_is_refused_and_where_it_is_told(
    input_: dict[str, Any], expected: list[tuple[str, list[str]]], ask: Ask, store: ShopifyStore
) -> None:
    payload = await write(ask, input_)
    assert payload["inventoryAdjustmentGroup"] is None
    assert refusals(payload) == expected
    assert (store.available("DUCK"), store.writes) == (10, [])


@pytest.mark.parametrize("bad", ["bundle", "stale", "unknown"])
async def test_one_bad_row_keeps_every_other_from_being_written(bad: str, ask: Ask, store: ShopifyStore) -> None:
    store.bundle("TEE-S")
    rows = {
        "bundle": row(1, item=TEE, expected=3),
        "stale": row(1, item=store.item("GONE").id, expected=99),
        "unknown": row(1, item=NOBODY),
    }
    payload = await write(ask, written(row(4), rows[bad]))
    codes = {
        "bundle": "NON_MUTABLE_INVENTORY_ITEM",
        "stale": "CHANGE_FROM_QUANTITY_STALE",
        "unknown": "INVALID_INVENTORY_ITEM",
    }
    assert [code for code, _ in refusals(payload)] == [codes[bad]]
    assert (store.available("DUCK"), store.writes) == (10, [])


async def test_a_stale_compare_may_be_told_without_a_field(ask: Ask, store: ShopifyStore) -> None:
    store.stale_names_row = False
    assert refusals(await write(ask, written(row(expected=9)))) == [("CHANGE_FROM_QUANTITY_STALE", None)]


async def test_null_compares_with_nothing(ask: Ask, store: ShopifyStore) -> None:
    store.adjust("DUCK", -1)
    assert (await write(ask, written(row(4, expected=None))))["userErrors"] == []
    assert store.available("DUCK") == 4


async def test_an_order_between_read_and_write_makes_the_compare_stale(ask: Ask, store: ShopifyStore) -> None:
    store.place_order({"DUCK": 1})
    assert refusals(await write(ask, written(row(12))))[0][0] == "CHANGE_FROM_QUANTITY_STALE"
    assert store.available("DUCK") == 9


async def test_an_item_that_was_never_stocked_there_is_stocked_by_writing(ask: Ask, store: ShopifyStore) -> None:
    payload = await write(ask, written(row(2, item=TEE, at=WAREHOUSE, expected=0)))
    assert payload["userErrors"] == []
    assert (store.available("TEE-S", WAREHOUSE), store.available("TEE-S")) == (2, 3)


async def test_an_adjustment_adds_to_what_is_there(ask: Ask, store: ShopifyStore) -> None:
    payload = await write(ask, adjusted(change(-3, expected=10)))
    assert [(c["name"], c["delta"]) for c in payload["inventoryAdjustmentGroup"]["changes"]] == [
        ("available", -3),
        ("on_hand", -3),
    ]
    assert store.available("DUCK") == 7


@pytest.mark.parametrize(
    ("name", "names", "on_hand"),
    [("damaged", ["damaged", "on_hand"], 12), ("incoming", ["incoming"], 10)],
    ids=["damaged lies there too", "incoming stands apart"],
)
async def test_an_adjustment_of_another_quantity(
    name: str, names: list[str], on_hand: int, ask: Ask, store: ShopifyStore
) -> None:
    payload = await write(ask, adjusted(change(2, ledgerDocumentUri="app://paper/1"), name=name))
    assert [c["name"] for c in payload["inventoryAdjustmentGroup"]["changes"]] == names
    assert (store.available("DUCK"), store.on_hand("DUCK")) == (10, on_hand)


class TestOrderOfChecks:
    """List size, then changeFromQuantity, then the directive, then the key, then everything else."""

    pytestmark = pytest.mark.anyio

    async def test_251_rows_come_before_a_missing_compare(self, ask: Ask) -> None:
        without = {name: value for name, value in row().items() if name != "changeFromQuantity"}
        body = await ask(BARE, input=written(*[without] * 251))
        assert "data" not in body
        assert body["errors"][0]["extensions"]["code"] == "MAX_INPUT_SIZE_EXCEEDED"

    @pytest.mark.parametrize("query", [SET, BARE], ids=["with the directive", "without it"])
    async def test_a_missing_compare_comes_before_the_directive(self, query: str, ask: Ask) -> None:
        without = {name: value for name, value in row().items() if name != "changeFromQuantity"}
        given = {"key": "k"} if query is SET else {}
        body = await ask(query, input=written(without), **given)
        assert body["data"] == {"inventorySetQuantities": None}
        assert body["errors"][0]["extensions"]["code"] == "INVALID_FIELD_ARGUMENTS"
        told = "InventoryQuantityInput must include the following argument: changeFromQuantity."
        assert body["errors"][0]["message"] == told

    async def test_a_missing_directive_comes_before_user_errors_and_is_charged(self, ask: Ask) -> None:
        body = await ask(BARE, input=written(row(item=NOBODY)))
        assert body["data"] == {"inventorySetQuantities": None}
        [error] = body["errors"]
        assert error["message"] == "The @idempotent directive is required for this mutation but was not provided."
        assert (error["path"], error["extensions"]["code"]) == (["inventorySetQuantities"], "BAD_REQUEST")
        assert body["extensions"]["cost"]["actualQueryCost"] == 10

    async def test_a_key_of_another_write_comes_before_user_errors(self, ask: Ask) -> None:
        await write(ask, written(row(4)))
        payload = await write(ask, written(row(item=NOBODY)))
        assert refusals(payload) == [("IDEMPOTENCY_KEY_PARAMETER_MISMATCH", None)]

    async def test_in_2026_01_both_are_optional(self, ask: Ask, store: ShopifyStore) -> None:
        without = {name: value for name, value in row().items() if name != "changeFromQuantity"}
        body = await ask(BARE, version="2026-01", input=written(without))
        assert body["data"]["inventorySetQuantities"]["userErrors"] == []
        assert store.available("DUCK") == 4


class TestIdempotency:
    """A key names one write for 24 hours."""

    pytestmark = pytest.mark.anyio

    async def test_the_same_write_again_gives_the_first_result_and_changes_nothing(
        self, ask: Ask, store: ShopifyStore
    ) -> None:
        first = await write(ask, written(row(4)))
        store.adjust("DUCK", 5)
        assert await write(ask, written(row(4))) == first
        assert store.available("DUCK") == 9
        assert len(store.writes) == 1

    async def test_a_refused_write_may_not_be_tried_again_under_its_key(self, ask: Ask, store: ShopifyStore) -> None:
        await write(ask, written(row(4, expected=9)))
        store.adjust("DUCK", -1)
        assert refusals(await write(ask, written(row(4, expected=9)))) == [
            ("IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED", None)
        ]
        assert (await write(ask, written(row(4, expected=9)), key="new"))["userErrors"] == []

    async def test_after_24_hours_a_key_is_new(self, ask: Ask, store: ShopifyStore, clock: ManualClock) -> None:
        await write(ask, written(row(4)))
        clock.advance(24 * 3600 - 1)
        assert refusals(await write(ask, written(row(5)))) == [("IDEMPOTENCY_KEY_PARAMETER_MISMATCH", None)]
        clock.advance(1)
        assert (await write(ask, written(row(5, expected=4))))["userErrors"] == []
        assert store.available("DUCK") == 5

    async def test_two_mutations_do_not_share_keys(self, ask: Ask, store: ShopifyStore) -> None:
        await write(ask, written(row(4)))
        assert (await write(ask, adjusted(change(1))))["userErrors"] == []
        assert store.available("DUCK") == 5

    async def test_a_key_written_out_counts_like_one_in_a_variable(self, ask: Ask, store: ShopifyStore) -> None:
        literal = SET.replace("$key)", '"k")').replace(", $key: String!", "")
        await ask(literal, input=written(row(4)))
        await write(ask, written(row(4)))
        assert len(store.writes) == 1


ACTIVATE = """mutation($item: ID!, $at: ID!, $available: Int, $onHand: Int) {
  inventoryActivate(inventoryItemId: $item, locationId: $at, available: $available, onHand: $onHand)
  @idempotent(key: "a") { inventoryLevel { isActive quantities(names: ["available"]) { quantity } }
    userErrors { field message } } }"""


class TestStockingAnItem:
    """Activation, deactivation and tracking, whose userErrors have no code."""

    pytestmark = pytest.mark.anyio

    @pytest.mark.parametrize(
        ("at", "given", "quantity", "field"),
        [
            pytest.param(WAREHOUSE, {}, 0, None, id="new there"),
            pytest.param(WAREHOUSE, {"available": 4}, 4, None, id="new there with stock"),
            pytest.param(WAREHOUSE, {"onHand": 4}, 4, None, id="new there with stock on hand"),
            pytest.param(WAREHOUSE, {"available": 4, "onHand": 4}, None, ["available"], id="both quantities"),
            pytest.param(HOME, {}, 3, None, id="already active"),
            pytest.param(HOME, {"available": 9}, None, ["available"], id="already active, with a quantity"),
            pytest.param("gid://shopify/Location/1", {}, None, ["locationId"], id="no such location"),
        ],
    )
    async def test_activation(
        self, at: str, given: dict[str, int], quantity: int | None, field: list[str] | None, ask: Ask
    ) -> None:
        payload = (await ask(ACTIVATE, item=TEE, at=at, **given))["data"]["inventoryActivate"]
        assert [error["field"] for error in payload["userErrors"]] == ([] if field is None else [field])
        level = payload["inventoryLevel"]
        assert (level and level["quantities"][0]["quantity"]) == quantity

    async def test_a_level_keeps_its_quantities_while_it_is_inactive(self, ask: Ask, store: ShopifyStore) -> None:
        gone = "mutation($id: ID!) { inventoryDeactivate(inventoryLevelId: $id) { userErrors { message } } }"
        level = store.level("DUCK", WAREHOUSE)
        assert (await ask(gone, id=level.id))["data"]["inventoryDeactivate"]["userErrors"] == []
        assert (level.is_active, level.quantities["available"]) == (False, 5)
        again = (await ask(ACTIVATE, item=DUCK, at=WAREHOUSE))["data"]["inventoryActivate"]["inventoryLevel"]
        assert again == {"isActive": True, "quantities": [{"quantity": 5}]}

    @pytest.mark.parametrize("hindrance", ["only location", "committed units"])
    async def test_deactivation_is_refused(self, hindrance: str, ask: Ask, store: ShopifyStore) -> None:
        sku = "TEE-S" if hindrance == "only location" else "DUCK"
        store.place_order({"DUCK": 1})
        gone = "mutation($id: ID!) { inventoryDeactivate(inventoryLevelId: $id) { userErrors { message } } }"
        payload = (await ask(gone, id=store.level(sku).id))["data"]["inventoryDeactivate"]
        assert len(payload["userErrors"]) == 1
        assert store.level(sku).is_active

    async def test_tracking_can_be_switched(self, ask: Ask, store: ShopifyStore) -> None:
        store.untrack("DUCK")
        query = """mutation($id: ID!, $input: InventoryItemInput!) { inventoryItemUpdate(id: $id, input: $input) {
          inventoryItem { sku tracked unitCost { amount } } userErrors { message } } }"""
        body = await ask(query, id=DUCK, input={"tracked": True, "sku": "duck-1", "cost": "4.5"})
        item = body["data"]["inventoryItemUpdate"]["inventoryItem"]
        assert item == {"sku": "duck-1", "tracked": True, "unitCost": {"amount": "4.5"}}
