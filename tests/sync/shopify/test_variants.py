"""Reading variants that changed: a closed window, by id, without levels."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sync.model import VariantRow
from sync.shopify.wire import price_of
from tests.sync.shopify.support import Basket, Stage, answer, item, page

pytestmark = pytest.mark.anyio


async def test_the_window_is_closed_at_our_present_moment(stage: Stage) -> None:
    node = {
        "id": "gid://shopify/ProductVariant/1",
        "title": "Large\n<!channel>",
        "sku": None,
        "barcode": None,
        "price": "19.90",
        "updatedAt": "2026-11-22T11:00:00Z",
        "product": {"id": "gid://shopify/Product/1", "title": "Kava", "status": "ACTIVE"},
        "inventoryItem": {"id": item(1), "tracked": True},
    }
    stage.says(answer({"productVariants": page([node])}))
    basket = Basket[VariantRow]()
    certificate = await stage.shop.read_variants(datetime(2026, 11, 22, 6, tzinfo=UTC), basket)
    query = "updated_at:>='2026-11-22T06:00:00Z' updated_at:<'2026-11-22T12:00:00Z'"
    assert stage.script.variables == [{"query": query, "first": 250, "after": None}]
    assert basket.rows == [
        VariantRow(
            variant_id="gid://shopify/ProductVariant/1",
            product_id="gid://shopify/Product/1",
            inventory_item_id=item(1),
            sku="",
            barcode="",
            title="Large\n<!channel>",
            product_title="Kava",
            product_status="ACTIVE",
            tracked=True,
            updated_at=datetime(2026, 11, 22, 11, tzinfo=UTC),
            price=1_990,
            level=None,
        )
    ]
    assert certificate.newest == datetime(2026, 11, 22, 11, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "cents"),
    [("0.00", 0), ("12.345", 1_234), ("7", 700), ("free", None), (None, None), (12.5, None)],
    ids=["nothing", "three decimals", "none", "a word", "null", "a number"],
)
def test_no_reading_fails_for_a_price(text: object, cents: int | None) -> None:
    assert price_of(text) == cents
