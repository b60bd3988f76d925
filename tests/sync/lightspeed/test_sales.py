"""The till against the pretend shop: the sequence of one order, and what each fault is taken for, sent once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from sandbox.faults import Fault, FaultKind
from sandbox.lightspeed.sales import create
from sync.errors import Code, OutcomeUnknown, Permanent, SyncError, Transient
from sync.lightspeed.sales import LightspeedTill
from sync.model import ChangedSale, SaleDraft, SaleLineDraft, SaleLineRow
from tests.sync.lightspeed.support import Stage, goods, stage

pytestmark = pytest.mark.anyio

REFERENCE = "SH-1001-1"
DRAFT = SaleDraft(REFERENCE, (SaleLineDraft("5", units=2, cents=1250),))
OPEN, COMPLETE, ARCHIVE = "POST", "PUT", "DELETE"


def writes(scene: Stage) -> list[tuple[str, str]]:
    """Return method and path of every sale that was sent."""
    sent = [request for request in scene.link.requests if "/Sale" in request.url.path and request.method != "GET"]
    return [(request.method, request.url.path.partition("/123456/")[2]) for request in sent]


def moved(scene: Stage) -> list[tuple[int, int]]:
    return [(log.sale_id, log.qoh_change) for log in scene.shop.books.logs]


async def test_an_order_is_looked_for_opened_completed_and_found() -> None:
    scene = stage(goods(6))
    till = scene.till
    assert await till.find_sales(REFERENCE) == []
    opened = await till.open_sale(DRAFT)
    assert (opened.reference, opened.completed, opened.total, opened.paid) == (REFERENCE, False, 2500, 0)
    assert (opened.completed_at, opened.alive) == (None, True)
    assert opened.lines == (SaleLineRow("1", "5", 2),)
    assert scene.shop.qoh("SKU-00005") == 5
    done = await till.complete_sale(opened.sale_id, opened.total)
    assert (done.completed, done.total, done.paid, done.completed_at) == (
        True,
        2500,
        2500,
        scene.clock.now().replace(microsecond=0),
    )
    assert scene.shop.qoh("SKU-00005") == 3
    assert await till.find_sales(REFERENCE) == [done]
    assert await till.sale(done.sale_id) == done
    assert writes(scene) == [("POST", "Sale.json"), ("PUT", "Sale/1.json")]


async def test_what_the_sequence_costs_is_what_the_facts_say_and_is_learnt() -> None:
    scene = stage(goods(6))
    for number in (1, 2):
        draft = SaleDraft(f"SH-{number}-1", DRAFT.lines)
        await scene.till.find_sales(draft.reference)
        sale = await scene.till.open_sale(draft)
        await scene.till.complete_sale(sale.sale_id, sale.total)
        await scene.till.sale(sale.sale_id)
    assert scene.shop.limiter.spent == pytest.approx(2 * (1.4 + 2.5 + 5.5 + 1.2))
    names = [name for name, code in scene.meter.attempts if name.startswith("Sale.") and code is None]
    assert names == ["Sale.find", "Sale.open", "Sale.complete", "Sale.get"] * 2


async def test_sales_of_another_reference_or_source_are_not_ours() -> None:
    scene = stage(goods(6))
    for reference, source in ((REFERENCE.lower(), ""), (REFERENCE, "eCom"), (REFERENCE, ""), (REFERENCE, "Shopify")):
        sale_of(scene, reference, source)
    assert [sale.sale_id for sale in await scene.till.find_sales(REFERENCE)] == ["3", "4"]


async def test_voided_and_archived_sales_are_found_and_say_so() -> None:
    scene = stage(goods(6))
    for _ in range(3):
        await scene.till.open_sale(DRAFT)
    await scene.till.complete_sale("1", 2500)
    scene.shop.void("1")
    await scene.till.archive_sale("2")
    found = await scene.till.find_sales(REFERENCE)
    assert [(sale.sale_id, sale.voided, sale.archived, sale.alive) for sale in found] == [
        ("1", True, False, False),
        ("2", False, True, False),
        ("3", False, False, True),
    ]


async def test_the_sales_that_changed_are_read_whoever_made_them_and_whatever_their_money() -> None:
    scene = stage(goods(6))
    for number in (1, 2, 3):
        await scene.till.open_sale(replace(DRAFT, reference=f"SH-{number}-1"))
        await scene.till.complete_sale(str(number), 2500)
    odd = scene.shop.books.sales[int(scene.shop.sell("SKU-00006", 1))]
    odd.calc_total = Decimal("1.005")
    scene.clock.manual.advance(60)
    since = scene.clock.now()
    scene.clock.manual.advance(60)
    scene.shop.void("2")
    odd.time_stamp = scene.clock.now()
    scene.shop.books.sales.changed(odd.sale_id)
    certificate = await scene.till.changed_sales(since, scene.deliver)
    assert scene.delivered == [
        ChangedSale("2", completed=True, voided=True, archived=False, total=2500),
        ChangedSale("4", completed=True, voided=False, archived=False, total=None),
    ]
    assert certificate.newest is not None
    assert certificate.newest >= odd.time_stamp.replace(microsecond=0)
    assert len(scene.paths("/Sale.json?shopID=1&archived=true&sort=timeStamp")) == 1


async def test_a_reference_with_more_sales_than_a_page_holds_is_followed_to_its_end() -> None:
    scene = stage(goods(6))
    for _ in range(150):
        sale_of(scene, REFERENCE, "Shopify")
    found = await scene.till.find_sales(REFERENCE)
    assert [sale.sale_id for sale in found] == [str(number) for number in range(1, 151)]
    assert len(scene.paths("/Sale.json")) == 2


@pytest.mark.parametrize("reference", ["", "SH-1001-1\n", "SH-é", "x" * 41])
async def test_what_cannot_be_looked_for_exactly_is_never_sent(reference: str) -> None:
    scene = stage(goods(1))
    with pytest.raises(ValueError, match="reference"):
        await scene.till.find_sales(reference)
    with pytest.raises(ValueError, match="reference"):
        await scene.till.open_sale(SaleDraft(reference, DRAFT.lines))
    assert scene.link.requests == []


@pytest.mark.parametrize("lines", [(), (SaleLineDraft("5", units=0, cents=1),)], ids=["no lines", "no units"])
async def test_a_draft_that_moves_nothing_is_never_sent(lines: tuple[SaleLineDraft, ...]) -> None:
    scene = stage(goods(1))
    with pytest.raises(ValueError, match="lines"):
        await scene.till.open_sale(SaleDraft(REFERENCE, lines))
    assert scene.link.requests == []


async def test_goods_are_taken_back_by_a_sale_of_negative_units() -> None:
    scene = stage(goods(6))
    sold = await scene.till.open_sale(DRAFT)
    await scene.till.complete_sale(sold.sale_id, 2500)
    line = SaleLineDraft("5", units=-1, cents=1250, parent_line_id=sold.lines[0].sale_line_id)
    back = await scene.till.open_sale(SaleDraft("SH-1001-2", (line,)))
    assert (back.total, back.lines[0].units) == (-1250, -1)
    done = await scene.till.complete_sale(back.sale_id, -1250)
    assert (done.completed, done.total, done.paid) == (True, -1250, -1250)
    assert scene.shop.qoh("SKU-00005") == 4
    assert scene.shop.books.sale_lines[2].parent_sale_line_id == 1
    assert moved(scene) == [(1, -2), (2, 1)]


@pytest.mark.parametrize("payment", [None, 0])
async def test_a_free_order_is_completed_without_a_payment(payment: int | None) -> None:
    scene = stage(goods(6))
    free = await scene.till.open_sale(SaleDraft(REFERENCE, (SaleLineDraft("5", units=1, cents=0),)))
    done = await scene.till.complete_sale(free.sale_id, payment)
    assert (done.completed, done.total, done.paid) == (True, 0, 0)
    assert len(scene.shop.books.sale_payments) == 0


async def test_tax_is_lightspeeds_where_the_draft_says_so_and_of_taxed_lines_only() -> None:
    scene = stage(goods(6))
    lines = (SaleLineDraft("5", 1, 1000, taxed=True), SaleLineDraft("6", 1, 1000))
    taxed = await scene.till.open_sale(SaleDraft("SH-1-1", lines, untaxed=False))
    untaxed = await scene.till.open_sale(SaleDraft("SH-2-1", lines))
    assert (taxed.total, untaxed.total) == (2083, 2000)


async def test_a_payment_that_does_not_balance_is_refused_in_lightspeeds_words() -> None:
    scene = stage(goods(6))
    sale = await scene.till.open_sale(DRAFT)
    with pytest.raises(Permanent) as caught:
        await scene.till.complete_sale(sale.sale_id, 2499)
    assert caught.value.code is Code.LS009
    assert "out of balance" in str(caught.value)
    assert (await scene.till.sale(sale.sale_id) or sale).completed is False


async def test_a_sale_that_is_not_there_is_none() -> None:
    assert await stage(goods(1)).till.sale("77") is None


async def test_an_archived_sale_is_archived_again_without_complaint_and_a_completed_one_never() -> None:
    scene = stage(goods(6))
    for _ in range(2):
        await scene.till.open_sale(DRAFT)
    await scene.till.archive_sale("1")
    await scene.till.archive_sale("1")
    scene.faults.add("lightspeed", "DELETE Sale", Fault(FaultKind.REFUSED, code="404"))
    with pytest.raises(Transient):  # "try again later"
        await scene.till.archive_sale("1")
    await scene.till.complete_sale("2", 2500)
    with pytest.raises(Permanent, match="completed sale cannot be archived"):
        await scene.till.archive_sale("2")


async def test_lines_that_were_left_out_of_a_search_make_it_no_search() -> None:
    scene = stage(goods(6))
    await scene.till.open_sale(DRAFT)
    scene.faults.add("lightspeed", "GET Sale", Fault(FaultKind.DROPPED_RELATIONS, times=0))
    with pytest.raises(Transient) as caught:
        await scene.till.find_sales(REFERENCE)
    assert caught.value.code is Code.LS011
    with pytest.raises(Transient):
        await scene.till.sale("1")


async def test_lines_left_out_of_a_writes_answer_are_read() -> None:
    scene = stage(goods(6))
    scene.faults.add("lightspeed", "POST Sale", Fault(FaultKind.DROPPED_RELATIONS))
    opened = await scene.till.open_sale(DRAFT)
    assert opened.lines == (SaleLineRow("1", "5", 2),)
    assert writes(scene) == [("POST", "Sale.json")]
    scene.faults.add("lightspeed", "PUT Sale", Fault(FaultKind.DROPPED_RELATIONS))
    scene.faults.add("lightspeed", "GET Sale", Fault(FaultKind.DROPPED_RELATIONS, times=0))
    with pytest.raises(OutcomeUnknown):
        await scene.till.complete_sale(opened.sale_id, 2500)


DEEDS: dict[str, Callable[[LightspeedTill], Awaitable[Any]]] = {
    OPEN: lambda till: till.open_sale(DRAFT),
    COMPLETE: lambda till: till.complete_sale("1", 2500),
    ARCHIVE: lambda till: till.archive_sale("1"),
}


def took_effect(scene: Stage, method: str) -> bool:
    sales = list(scene.shop.books.sales)
    if method == OPEN:
        return len(sales) == 2
    return sales[0].completed if method == COMPLETE else sales[0].archived


@pytest.mark.parametrize("method", [OPEN, COMPLETE, ARCHIVE])
@pytest.mark.parametrize(
    ("kind", "about", "error", "applied"),
    [
        pytest.param(FaultKind.RESET_BEFORE, {}, OutcomeUnknown, False, id="reset before"),
        pytest.param(FaultKind.RESET_AFTER, {}, OutcomeUnknown, True, id="applied and reset"),
        pytest.param(FaultKind.GATEWAY_TIMEOUT, {}, OutcomeUnknown, True, id="applied and 504"),
        pytest.param(FaultKind.BAD_GATEWAY, {}, OutcomeUnknown, False, id="502"),
        pytest.param(FaultKind.SERVER_ERROR, {}, OutcomeUnknown, False, id="500"),
        pytest.param(FaultKind.SERVER_ERROR, {"code": "408"}, OutcomeUnknown, False, id="408"),
        pytest.param(FaultKind.SLOW, {"seconds": 50.0}, OutcomeUnknown, True, id="applied and too slow"),
        pytest.param(FaultKind.TRUNCATED, {}, OutcomeUnknown, True, id="applied and cut short"),
        pytest.param(FaultKind.EMPTY, {}, OutcomeUnknown, True, id="applied and empty"),
        pytest.param(FaultKind.HTML, {}, OutcomeUnknown, False, id="200 web page"),
        pytest.param(FaultKind.THROTTLED, {"seconds": 3.0}, Transient, False, id="429"),
        pytest.param(FaultKind.SERVER_ERROR, {"code": "409"}, Transient, False, id="409"),
        pytest.param(FaultKind.REFUSED, {}, Transient, False, id="400 try again later"),
        pytest.param(FaultKind.SERVER_ERROR, {"code": "400"}, Permanent, False, id="400"),
        pytest.param(FaultKind.SERVER_ERROR, {"code": "403"}, Permanent, False, id="403"),
        pytest.param(FaultKind.SERVER_ERROR, {"code": "422"}, Permanent, False, id="422"),
    ],
)
async def test_a_fault_is_taken_for_what_it_is_and_nothing_is_sent_twice(
    method: str, kind: FaultKind, about: dict[str, Any], error: type[SyncError], applied: bool
) -> None:
    scene = stage(goods(6))
    await scene.till.open_sale(DRAFT)
    scene.faults.add("lightspeed", f"{method} Sale", Fault(kind, **about))
    before = len(writes(scene))
    with pytest.raises(error) as caught:
        await DEEDS[method](scene.till)
    assert type(caught.value) in (OutcomeUnknown, Transient, Permanent)
    assert len(writes(scene)) == before + 1
    assert took_effect(scene, method) is applied


@pytest.mark.parametrize("method", [OPEN, COMPLETE, ARCHIVE])
@pytest.mark.parametrize("code", ["", "old"])
async def test_a_refused_token_is_renewed_and_the_write_sent_once_more(method: str, code: str) -> None:
    scene = stage(goods(6))
    await scene.till.open_sale(DRAFT)
    scene.faults.add("lightspeed", f"{method} Sale", Fault(FaultKind.UNAUTHORIZED, code=code))
    before = len(writes(scene))
    await DEEDS[method](scene.till)
    assert len(writes(scene)) == before + 2
    assert took_effect(scene, method)
    assert len(scene.shop.books.sales) == (2 if method == OPEN else 1)


async def test_a_token_that_is_refused_for_good_ends_the_write_after_two_tries() -> None:
    scene = stage(goods(6))
    scene.faults.add("lightspeed", "POST Sale", Fault(FaultKind.UNAUTHORIZED, times=0))
    with pytest.raises(Permanent) as caught:
        await scene.till.open_sale(DRAFT)
    assert caught.value.code is Code.LS005
    assert len(writes(scene)) == 2


async def test_what_lands_late_is_unknown_at_first_and_found_later() -> None:
    scene = stage(goods(6))
    scene.faults.add("lightspeed", "POST Sale", Fault(FaultKind.LATE, seconds=60))
    with pytest.raises(OutcomeUnknown) as caught:
        await scene.till.open_sale(DRAFT)
    assert caught.value.code is Code.LS012
    assert "LS006" in caught.value.detail
    await scene.clock.sleep(58)
    assert await scene.till.find_sales(REFERENCE) == []
    await scene.clock.sleep(5)
    assert [sale.sale_id for sale in await scene.till.find_sales(REFERENCE)] == ["1"]
    assert writes(scene) == [("POST", "Sale.json")]


async def test_what_lands_late_may_complete_a_sale_that_was_read_as_open() -> None:
    scene = stage(goods(6))
    opened = await scene.till.open_sale(DRAFT)
    scene.faults.add("lightspeed", "PUT Sale", Fault(FaultKind.LATE, seconds=90))
    with pytest.raises(OutcomeUnknown):
        await scene.till.complete_sale(opened.sale_id, 2500)
    assert await scene.till.sale(opened.sale_id) == opened
    await scene.clock.sleep(90)
    done = await scene.till.sale(opened.sale_id)
    assert done is not None
    assert (done.completed, done.paid) == (True, 2500)
    assert moved(scene) == [(1, -2)]


async def test_a_sale_that_is_not_searched_yet_is_there_by_its_id() -> None:
    scene = stage(goods(6))
    scene.shop.find_sales_after(2.0)
    opened = await scene.till.open_sale(DRAFT)
    assert await scene.till.find_sales(REFERENCE) == []
    assert await scene.till.sale(opened.sale_id) == opened
    await scene.clock.sleep(2)
    assert await scene.till.find_sales(REFERENCE) == [opened]


async def test_a_closed_register_is_told_in_lightspeeds_words() -> None:
    scene = stage(goods(6))
    opened = await scene.till.open_sale(DRAFT)
    scene.shop.require_open_registers()
    scene.shop.close_register()
    for deed in (scene.till.open_sale(DRAFT), scene.till.complete_sale(opened.sale_id, 2500)):
        with pytest.raises(Permanent, match="register is not open"):
            await deed


def sale_of(scene: Stage, reference: str, source: str) -> None:
    """Ring up an open sale that somebody else made."""
    body = {"employeeID": 1, "registerID": 1, "shopID": 1, "SaleLines": {"SaleLine": {"itemID": 5}}}
    create(scene.shop.books, {**body, "referenceNumber": reference, "referenceNumberSource": source})
