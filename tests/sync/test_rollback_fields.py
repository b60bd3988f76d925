"""Undoing changes of product fields: back as they were, except what others changed meanwhile and what is for people."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from monitor.asked import RestoreOrder, RollbackReply, UndoOrder
from sync.products import ChangeKind, Field, ProductOutcome
from tests.sync.shop import Shop
from tests.sync.test_catalogue import carry_out, catalogue, read, reading

pytestmark = pytest.mark.anyio

SKU = "KAVA-1"
_STATUSES = "SELECT product_status, status FROM variants JOIN product_cards USING (product_id)"
APPLIED, MOVED, REFUSED = ProductOutcome.APPLIED, ProductOutcome.MOVED, ProductOutcome.REFUSED


async def written(shop: Shop) -> int:
    """Let price, description and pictures be carried over; return the run."""
    shop.world.shopify.reprice(SKU, Decimal("17.00"))
    shop.world.shopify.edit_product(SKU, description_html="")
    shop.world.shopify.picture(SKU, ())
    await read(shop)
    assert set((await carry_out(shop, await catalogue(shop).propose())).values()) == {APPLIED}
    (latest,) = await shop.work.ledger.runs("products", limit=1)
    return latest.run_id


async def undo(shop: Shop, run_id: int, *force: str, dry_run: bool = False) -> RollbackReply:
    return await shop.work.actions.undo(UndoOrder(run_id=run_id, by="ann", force=force, dry_run=dry_run))


def outcomes(reply: RollbackReply) -> dict[Field, ProductOutcome | None]:
    return {each.field: each.outcome for each in reply.fields}


def present(shop: Shop) -> tuple[int, str]:
    variant = shop.world.shopify.item(SKU).variant
    return variant.price_cents, variant.product.description_html


async def test_fields_are_as_they_were_and_what_is_for_people_is_named(tmp_path: Path) -> None:
    async with reading(tmp_path) as shop:
        run_id = await written(shop)
        planned = await undo(shop, run_id, dry_run=True)
        assert present(shop) == (1_990, "<p>Rooted in the islands.</p>")
        done = await undo(shop, run_id)
        again = await undo(shop, run_id, dry_run=True)
        assert present(shop) == (1_700, "")
        assert outcomes(planned) == {Field.PRICE: None, Field.DESCRIPTION: None, Field.IMAGES: REFUSED}
        assert outcomes(done) == {Field.PRICE: APPLIED, Field.DESCRIPTION: APPLIED, Field.IMAGES: REFUSED}
        assert outcomes(again) == {Field.IMAGES: REFUSED}
        (images,) = again.fields
        assert images.detail == "Pictures that were added are taken away in Shopify by hand."


async def test_what_others_changed_meanwhile_is_left_unless_a_person_names_it(tmp_path: Path) -> None:
    async with reading(tmp_path) as shop:
        run_id = await written(shop)
        shop.world.shopify.edit_product(SKU, description_html="<p>By hand</p>")
        left = await undo(shop, run_id)
        assert present(shop) == (1_700, "<p>By hand</p>")
        assert (outcomes(left)[Field.PRICE], outcomes(left)[Field.DESCRIPTION]) == (APPLIED, MOVED)
        forced = await undo(shop, run_id, SKU)
        assert present(shop) == (1_700, "")
        assert outcomes(forced)[Field.DESCRIPTION] is APPLIED


async def test_a_product_is_known_to_be_on_sale_again_once_that_is_undone(tmp_path: Path) -> None:
    async with reading(tmp_path) as shop:
        shop.world.lightspeed.archive(SKU)
        shop.clock.advance(600)
        await read(shop)
        assert await carry_out(shop, await catalogue(shop).propose()) == {Field.STATUS: APPLIED}
        (latest,) = await shop.work.ledger.runs("products", limit=1)
        assert outcomes(await undo(shop, latest.run_id)) == {Field.STATUS: APPLIED}
        told = await shop.work.database.read(lambda c: c.exec_driver_sql(_STATUSES).one())
        assert tuple(told) == ("ACTIVE", "ACTIVE")
        assert [each.kind for each in await catalogue(shop).propose()] == [ChangeKind.RETIRE]


async def test_an_undo_is_undone_in_its_turn(tmp_path: Path) -> None:
    async with reading(tmp_path) as shop:
        run_id = await written(shop)
        first = await undo(shop, run_id)
        await undo(shop, first.run_id)
        assert present(shop) == (1_990, "<p>Rooted in the islands.</p>")


async def test_a_backup_takes_back_the_fields_that_were_written_since(tmp_path: Path) -> None:
    async with reading(tmp_path) as shop:
        made_at = shop.work.clock.now()
        shop.clock.advance(60)
        await written(shop)
        order = RestoreOrder(rows=(), source="backup", by="ann", fields_since=made_at)
        assert outcomes(await shop.work.actions.restore(order))[Field.PRICE] is APPLIED
        assert present(shop) == (1_700, "")
        later = order.model_copy(update={"fields_since": shop.work.clock.now() + timedelta(seconds=1), "dry_run": True})
        assert (await shop.work.actions.restore(later)).fields == ()
