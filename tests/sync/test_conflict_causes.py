"""Why Shopify's number may differ: each cause by what speaks for it, and by what is on record of a real shop."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.asked import DecideManyOrder
from monitor.store import Store
from sync.conflict_causes import Cause, Evidence, OrderTrace, WriteTrace, propose, right_count
from sync.records import ConflictDecision
from sync.second_writer import Pattern, SecondWriter
from tests.sync.shop import Shop, few, live_shop

FOUND = datetime(2026, 10, 5, 12, 0, tzinfo=UTC)


def at(hours: float) -> datetime:
    return FOUND + timedelta(hours=hours)


PLAIN = Evidence(link_id=1, title="Kava", since=FOUND, linked_at=at(-99), units=15, drift=15, on_hand=20, unseen=0)
LATE = OrderTrace("#1005", at(-2), at(1), 12, 0, given_back=False)
RETURNED = OrderTrace("#1003", at(-60), at(-59), 12, 0, given_back=True)


@pytest.mark.parametrize(
    ("evidence", "cause", "because"),
    [
        (PLAIN, Cause.MANUAL_EDIT, "Shopify's number rose by 15, and no order, sale or write explains it"),
        (replace(PLAIN, units=-15), Cause.MANUAL_EDIT, "fell by 15"),
        (
            replace(PLAIN, units=-12, drift=0, orders=(LATE,)),
            Cause.LATE_ORDER,
            "read only after the difference was found: #1005 (12)",
        ),
        (replace(PLAIN, units=-12, drift=-12, orders=(LATE,)), Cause.MANUAL_EDIT, "fell by 12"),
        (replace(PLAIN, units=-12, unseen=12), Cause.LATE_ORDER, "Shopify holds 12 for orders that we have not seen"),
        (replace(PLAIN, orders=(RETURNED,)), Cause.UNPOSTED_RETURN, "#1003 was given back without putting 12 back"),
        (replace(PLAIN, orders=(replace(RETURNED, put_back=12),)), Cause.MANUAL_EDIT, "rose by 15"),
        (
            replace(PLAIN, writer=SecondWriter(1, "KAVA", Pattern.RETURNS, 3, FOUND, 35)),
            Cause.SECOND_APP,
            "the same number came back after each correction (35), 3 times",
        ),
        (replace(PLAIN, together=12), Cause.SECOND_APP, "12 other SKUs changed within the same ten minutes"),
        (replace(PLAIN, together=4), Cause.MANUAL_EDIT, "rose by 15"),
        (replace(PLAIN, linked_at=at(-0.1)), Cause.MISCOUNT, "the two numbers differed already when the link began"),
        (replace(PLAIN, linked_at=at(-0.1), together=500), Cause.MISCOUNT, "the two numbers differed already"),
        (replace(PLAIN, on_hand=-3), Cause.MISCOUNT, "Lightspeed counts -3, less than nothing"),
    ],
    ids=[
        "nothing speaks for anything",
        "downwards",
        "an order read late",
        "an order that explains nothing",
        "an order not seen",
        "a return that put nothing back",
        "a return that was put back",
        "a second writer",
        "an import",
        "a few others",
        "at first sight",
        "a whole shop at first sight",
        "below zero",
    ],
)
def test_the_cause_is_what_speaks_for_it(evidence: Evidence, cause: Cause, because: str) -> None:
    proposed = propose(evidence)
    assert proposed.cause is cause
    assert because in proposed.because


def test_what_the_till_moved_is_told_by_what_our_writes_saw() -> None:
    writes = [
        WriteTrace(at(-1), 18, 15, 15, "Lightspeed has less", "applied"),
        WriteTrace(at(-3), 20, 18, 18, "Lightspeed has less", "applied"),
    ]
    evidence = replace(PLAIN, on_hand=14, writes=writes)
    assert evidence.till == [(at(-1), 15, 14), (at(-3), 18, 15)]
    assert not evidence.at_first_sight


def test_if_shopify_is_right_lightspeeds_count_is_off_by_the_difference() -> None:
    assert right_count(on_hand=20, available=35, target=18) == 37


# --- by what is on record ---


async def proposed(shop: Shop) -> list[tuple[str, Cause]]:
    """Return the cause that is proposed for each difference that waits."""
    ledger = shop.work.ledger
    waiting = await ledger.conflicts()
    evidence = await ledger.evidence_of([each.link_id for each in waiting])
    return [(each.sku, propose(evidence[each.link_id]).cause) for each in waiting]


@pytest.mark.anyio
async def test_a_change_by_hand_and_an_import_are_told_apart(tmp_path: Path) -> None:
    async with live_shop(few(), tmp_path) as shop:
        shop.clock.advance(3_600)
        skus = [good.sku for good in shop.world.goods]
        shop.world.shopify.adjust(skus[0], 15)
        await shop.passes(3)
        assert await proposed(shop) == [(skus[0], Cause.MANUAL_EDIT)]
        shop.clock.advance(3_600)
        for sku in skus[1:]:
            shop.world.shopify.adjust(sku, 30)
        await shop.passes(3)
        assert dict(await proposed(shop)) == {skus[0]: Cause.MANUAL_EDIT} | dict.fromkeys(skus[1:], Cause.SECOND_APP)


@pytest.mark.anyio
async def test_goods_of_a_cancelled_order_that_were_put_back_by_hand_are_an_unposted_return(tmp_path: Path) -> None:
    async with live_shop(few(), tmp_path) as shop:
        shop.clock.advance(3_600)
        sku = shop.world.goods[0].sku
        order = shop.world.shopify.place_order({sku: 12})
        await shop.passes(2)
        shop.world.shopify.cancel(order, restock=False)
        await shop.passes(2)
        shop.world.shopify.adjust(sku, 12)
        await shop.passes(3)
        assert await proposed(shop) == [(sku, Cause.UNPOSTED_RETURN)]


@pytest.mark.anyio
async def test_many_are_decided_at_once_and_what_has_moved_meanwhile_is_left_out(tmp_path: Path) -> None:
    async with live_shop(few(), tmp_path) as shop:
        one, other = (good.sku for good in shop.world.goods[:2])
        for sku in (one, other):
            shop.world.shopify.adjust(sku, 15)
        await shop.passes(3)
        seen = {each.link_id: each.available - each.target for each in await shop.work.ledger.conflicts()}
        shop.world.shopify.adjust(other, 7)
        await shop.passes(3)
        order = DecideManyOrder(differences=seen, decision=ConflictDecision.APPROVED, by="ann")
        done = await shop.work.actions.decide_many(order)
        assert done.decided == (one,)
        assert done.left_out == {other: "the difference is another one by now"}
        await shop.passes(3)
        assert list(shop.apart()) == [other]
        (deed,) = await Store(shop.work.database).trail()
        assert (deed.who, deed.what, deed.subject) == ("ann", "approve conflict", one)
        assert deed.detail == {"shopify": 35, "should_be": 20, "kept_before": 0}
