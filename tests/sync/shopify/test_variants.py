"""Reading variants that changed: a closed window, by id, without levels."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sync.model import VariantRow
from tests.sync.shopify.support import Basket, Stage, answer, item, page

pytestmark = pytest.mark.anyio


async def test_the_window_is_closed_at_our_present_moment(stage: Stage) -> None:
    node = {
        "id": "gid://shopify/ProductVariant/1",
        "title": "Large\n<!channel>",
        "sku": None,
        "barcode": None,
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
            level=None,
        )
    ]
    assert certificate.newest == datetime(2026, 11, 22, 11, tzinfo=UTC)
