"""What an order still needs in Lightspeed: tables of orders, and the sums that every history must end with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.booking import (
    BookingItems,
    Charge,
    Document,
    DocumentLine,
    Need,
    OrderStory,
    Step,
    StoryLine,
    amount,
    next_step,
)
from sync.errors import Code
from sync.model import OrderMoney, SaleLineDraft, SaleLineRow, SaleRow

ITEMS = BookingItems(shipping="91", tax="92", other="93")
COMPUTED = BookingItems(shipping="91", other="93")


def line(
    line_id: str = "a",
    *,
    units: int = 2,
    back: int = 0,
    cents: int = 2000,
    quantity: int | None = None,
    item_id: str = "12",
    taxed: bool = True,
    gift_card: bool = False,
) -> StoryLine:
    return StoryLine(
        line_id=line_id,
        inventory_item_id=f"inventory-{line_id}",
        sku=f"SKU-{line_id}",
        quantity=units if quantity is None else quantity,
        placed=units,
        restocked=back,
        cents=cents,
        item_id=item_id,
        taxed=taxed,
        gift_card=gift_card,
    )


def money(goods: int, *, net: int | None = None, touched: bool = False, **parts: int) -> OrderMoney:
    named = dict.fromkeys(("shipping", "tax", "tip", "fees"), 0) | parts
    return OrderMoney("USD", goods + sum(named.values()) if net is None else net, goods, touched=touched, **named)


def order(
    *lines: StoryLine, worth: OrderMoney | None, booked: Sequence[DocumentLine] = (), made: int = 0
) -> OrderStory:
    return OrderStory("gid://shopify/Order/6200000000001", "#1001", "1001", worth, lines, tuple(booked), made)


def document(step: Step) -> Document:
    assert step.need is Need.DOCUMENT, step
    assert step.document is not None
    return step.document


def drafted(step: Step) -> list[tuple[str, int, int]]:
    """Return the sale lines to be made: item, units, cents a unit."""
    return [(row.item_id, row.units, row.cents) for row in document(step).draft().lines]


PLAIN = order(line(), worth=money(2000, shipping=500, tax=165))


def posted(before: OrderStory, step: Step) -> tuple[DocumentLine, ...]:
    """Return an order's booked lines once a document of its is a sale."""
    return (*before.booked, *(replace(row, sale_line_id="7001") for row in document(step).lines))


def test_a_new_order_becomes_one_sale_of_goods_shipping_and_tax() -> None:
    step = next_step(PLAIN, ITEMS)
    assert drafted(step) == [("12", 2, 1000), ("91", 1, 500), ("92", 1, 165)]
    assert document(step).reference == "SH-1001-1"
    assert document(step).total == 2665
    assert document(step).draft().untaxed
    assert document(step).summary == "2 units of goods, 26.65 in all"


@pytest.mark.parametrize(
    ("cents", "units", "expected"),
    [
        (1000, 3, [("12", 2, 333), ("12", 1, 334)]),
        (1, 2, [("12", 1, 0), ("12", 1, 1)]),
        (0, 2, [("12", 2, 0)]),
        (999, 1, [("12", 1, 999)]),
    ],
    ids=["cents that do not divide", "less than a cent each", "free goods", "one unit"],
)
def test_a_line_comes_to_its_money_in_prices_of_whole_cents(
    cents: int, units: int, expected: list[tuple[str, int, int]]
) -> None:
    step = next_step(order(line(units=units, cents=cents), worth=money(cents)), ITEMS)
    assert drafted(step) == expected
    assert sum(row.units * row.cents for row in document(step).draft().lines) == cents


def test_every_kind_of_money_has_its_item() -> None:
    worth = money(2500, shipping=500, tax=165, tip=300, fees=40)
    story = order(line(), line("g", units=1, cents=500, gift_card=True), worth=worth)
    assert [(row.charge, row.item_id, row.cents) for row in document(next_step(story, ITEMS)).lines] == [
        (Charge.GOODS, "12", 2000),
        (Charge.GIFT_CARD, "93", 500),
        (Charge.SHIPPING, "91", 500),
        (Charge.TAX, "92", 165),
        (Charge.TIP, "93", 300),
        (Charge.FEES, "93", 40),
    ]


def test_without_a_tax_item_lightspeed_computes_the_tax_and_must_come_to_the_same() -> None:
    step = next_step(PLAIN, COMPUTED)
    assert drafted(step) == [("12", 2, 1000), ("91", 1, 500)]
    assert document(step).total == 2665
    assert not document(step).draft().untaxed
    assert [row.taxed for row in document(step).draft().lines] == [True, False]


def test_goods_of_another_location_are_money_only() -> None:
    split = line(units=1, cents=3000, quantity=3)
    step = next_step(order(split, worth=money(3000)), ITEMS)
    assert drafted(step) == [("12", 1, 1000), ("93", 1, 2000)]


@pytest.mark.parametrize(
    ("story", "items", "code", "words"),
    [
        (order(line(item_id=""), worth=money(2000)), ITEMS, Code.OR003, "SKU-a"),
        (order(line(), worth=money(2000, net=1999)), ITEMS, Code.OR004, "-0.01"),
        (PLAIN, BookingItems(tax="92"), Code.OR005, "LIGHTSPEED_SHIPPING_ITEM_ID"),
        (order(line(), worth=money(2000, tip=1)), BookingItems(), Code.OR005, "LIGHTSPEED_OTHER_ITEM_ID"),
        (replace(PLAIN, lost=True), ITEMS, Code.OR001, "#1001"),
    ],
    ids=["goods without a link", "does not add up", "no shipping item", "no item for tips", "deleted in Shopify"],
)
def test_what_cannot_be_booked_waits_for_a_person(
    story: OrderStory, items: BookingItems, code: Code, words: str
) -> None:
    step = next_step(story, items)
    assert (step.need, step.code, step.document) == (Need.PERSON, code, None)
    assert words in step.detail


def test_goods_without_a_link_are_money_only_once_an_item_is_set_for_them() -> None:
    step = next_step(
        order(line(), line("b", item_id="", cents=700, units=1), worth=money(2700)), replace(ITEMS, unlinked="94")
    )
    assert drafted(step) == [("12", 2, 1000), ("94", 1, 700)]


def test_a_line_without_a_link_that_was_put_back_holds_nothing_up() -> None:
    story = order(line(), line("b", item_id="", back=2, cents=700), worth=money(2000, touched=True))
    assert drafted(next_step(story, ITEMS)) == [("12", 2, 1000)]


@pytest.mark.parametrize(
    ("story", "need"),
    [
        (replace(PLAIN, test=True), Need.EXEMPT),
        (replace(PLAIN, booked_outside=True), Need.EXEMPT),
        (replace(PLAIN, unreadable="LineItem.quantity"), Need.REPAIR),
        (replace(PLAIN, money=None), Need.REPAIR),
        (replace(order(line(back=2), worth=money(0, touched=True)), cancelled=True), Need.CANCELLED),
        (order(worth=money(0)), Need.NOTHING),
    ],
    ids=["test order", "before the cut-over", "unreadable", "no money read", "cancelled and put back", "nothing in it"],
)
def test_some_orders_need_no_document(story: OrderStory, need: Need) -> None:
    assert next_step(story, ITEMS).need is need


def test_a_booked_order_needs_nothing_more() -> None:
    booked = posted(PLAIN, next_step(PLAIN, ITEMS))
    assert next_step(replace(PLAIN, booked=booked, made=1), ITEMS).need is Need.NOTHING


BOOKED = replace(PLAIN, booked=posted(PLAIN, next_step(PLAIN, ITEMS)), made=1)


def after(*lines: StoryLine, worth: OrderMoney) -> Step:
    """Return what the booked plain order needs once Shopify says this of it."""
    return next_step(replace(BOOKED, lines=lines, money=worth), ITEMS)


def test_a_return_takes_the_goods_back_by_a_sale_line_that_names_the_one_sold() -> None:
    step = after(line(back=1), worth=money(1000, shipping=500, tax=83, touched=True))
    assert document(step).draft().lines == (
        SaleLineDraft("12", -1, 1000, taxed=True, parent_line_id="7001"),
        SaleLineDraft("92", -1, 82),
    )
    assert document(step).reference == "SH-1001-2"


def test_money_given_back_for_goods_that_did_not_come_back_moves_no_stock() -> None:
    step = after(line(), worth=money(1000, shipping=500, tax=83, touched=True))
    assert drafted(step) == [("92", -1, 82), ("93", -1, 1000)]


def test_a_goodwill_refund_is_money_only() -> None:
    step = after(line(), worth=money(2000, shipping=500, tax=165, net=2165, touched=True))
    assert drafted(step) == [("93", -1, 500)]


def test_an_edit_up_becomes_a_sale_of_the_difference() -> None:
    step = after(line(units=3, cents=3000), worth=money(3000, shipping=500, tax=248, touched=True))
    assert drafted(step) == [("12", 1, 1000), ("92", 1, 83)]


def test_a_cancelled_order_is_taken_back_whole() -> None:
    step = after(line(back=2), worth=money(0, touched=True))
    assert drafted(step) == [("12", -2, 1000), ("91", -1, 500), ("92", -1, 165)]
    assert document(step).total == -2665


def test_cancelled_without_restock_leaves_the_same_sums_whoever_was_first() -> None:
    first = order(line(), worth=money(0, touched=True))
    both = document(next_step(first, ITEMS))
    assert [(row.charge, row.units, row.cents) for row in both.lines] == [
        (Charge.GOODS, 2, 2000),
        (Charge.ADJUSTMENT, -1, -2000),
    ]
    late = document(after(line(), worth=money(0, touched=True)))
    assert both.total == 0
    assert 2665 + late.total == 0
    assert not [row for row in late.lines if row.charge is Charge.GOODS]


def test_goods_booked_under_an_item_are_taken_back_from_that_item_even_when_the_link_is_gone() -> None:
    step = after(line(back=2, item_id=""), worth=money(0, touched=True))
    assert ("12", -2, 1000) in drafted(step)


def test_units_moved_to_another_location_come_back_and_stay_paid() -> None:
    step = after(line(units=1, quantity=2), worth=money(2000, shipping=500, tax=165))
    assert drafted(step) == [("12", -1, 1000), ("93", 1, 1000)]
    assert document(step).total == 0


def sale(*rows: SaleLineRow) -> SaleRow:
    return SaleRow(
        "1", "SH-1001-1", completed=False, voided=False, archived=False, total=0, paid=0, completed_at=None, lines=rows
    )


def test_a_found_sale_fits_if_it_has_the_same_units_of_the_same_items() -> None:
    made = document(next_step(order(line(units=3, cents=1000), worth=money(1000)), ITEMS))
    assert made.fits(sale(SaleLineRow("1", "12", 2), SaleLineRow("2", "12", 1)))
    assert made.fits(sale(SaleLineRow("1", "12", 3)))
    assert not made.fits(sale(SaleLineRow("1", "12", 2)))
    assert not made.fits(sale(SaleLineRow("1", "12", 3), SaleLineRow("2", "13", 1)))


@pytest.mark.parametrize(("cents", "text"), [(1230, "12.30"), (-5, "-0.05"), (0, "0.00"), (-2665, "-26.65")])
def test_cents_are_written_as_people_write_them(cents: int, text: str) -> None:
    assert amount(cents) == text


# --- whatever happens to an order, and whenever it is looked at, it ends with the same sums ---


@st.composite
def histories(draw: st.DrawFn) -> list[OrderStory]:
    """Draw an order as Shopify tells it at several moments; its lines only ever grow or are put back."""
    units = [draw(st.integers(1, 4)) for _ in range(draw(st.integers(1, 3)))]
    price = [draw(st.integers(0, 2000)) for _ in units]
    back = [0] * len(units)
    stories = []
    for step in range(draw(st.integers(1, 5))):
        for at in range(len(units)):
            units[at] += draw(st.integers(0, 1)) if step else 0
            back[at] = draw(st.integers(back[at], units[at])) if step else 0
        worth = [price[at] * units[at] for at in range(len(units))]
        rows = tuple(
            line(str(at), units=units[at], back=back[at], cents=worth[at], item_id=str(10 + at))
            for at in range(len(units))
        )
        net = draw(st.integers(0, sum(worth))) if step else sum(worth)
        stories.append(order(*rows, worth=money(sum(worth), net=net, touched=step > 0)))
    return stories


@given(histories(), st.data())
def test_the_sums_of_all_documents_are_those_of_the_order(stories: list[OrderStory], data: st.DataObject) -> None:
    booked: tuple[DocumentLine, ...] = ()
    made = 0
    for story in stories[:-1]:
        if data.draw(st.booleans(), label="looked at"):
            step = next_step(replace(story, booked=booked, made=made), ITEMS)
            booked, made = (posted(replace(story, booked=booked), step), made + 1) if step.document else (booked, made)
    last = replace(stories[-1], booked=booked, made=made)
    step = next_step(last, ITEMS)
    booked = posted(last, step) if step.document else booked
    assert last.money is not None
    assert sum(row.cents for row in booked) == last.money.net
    for each in last.lines:
        goods = [row.units for row in booked if row.charge is Charge.GOODS and row.line_id == each.line_id]
        assert sum(goods) == each.taken
    assert next_step(replace(last, booked=booked, made=made + 1), ITEMS).document is None
