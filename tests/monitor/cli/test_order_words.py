"""What `orders show` says an order needs next."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from monitor.cli.checks import booking
from monitor.cli.orders import WORDS, Next, Told, _row, needed, states_of
from sync.booking import BookingItems, Charge, Document, DocumentLine, OrderStory, StoryLine, next_step
from sync.config import SANDBOX, load_settings
from sync.errors import Code
from sync.model import OrderMoney
from sync.order_records import DocumentState, OrderEntry, OrderState, Posting
from sync.settings import Settings

BOOKING = {
    "LIGHTSPEED_EMPLOYEE_ID",
    "LIGHTSPEED_PAYMENT_TYPE_ID",
    "LIGHTSPEED_SHIPPING_ITEM_ID",
    "LIGHTSPEED_TAX_ITEM_ID",
    "LIGHTSPEED_OTHER_ITEM_ID",
}
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
MONEY = OrderMoney("USD", net=1000, goods=1000, shipping=0, tax=0, tip=0, fees=0, touched=False)
GOODS = DocumentLine(Charge.GOODS, "1", "10", units=2, cents=1000, inventory_item_id="i")
LINE = StoryLine("1", "i", "KAVA-1", quantity=2, placed=2, restocked=0, cents=1000, item_id="10")
STORY = OrderStory("gid://shopify/Order/1", "#1001", "1001", MONEY, (LINE,))
BOOKED = replace(STORY, booked=(GOODS,), made=1)
DOCUMENT = Document(1, "SH-1001-1", (GOODS,), untaxed=True)
WANTED = "SH-1001-1: 2 units of goods, 10.00 in all"


def needs(
    state: OrderState,
    story: OrderStory = STORY,
    *,
    document: DocumentState | None = None,
    code: Code | None = None,
    off: bool = False,
) -> Next:
    entry = OrderEntry("gid://shopify/Order/1", "#1001", state, NOON, NOON, 1000, code, "Look." if code else "", ())
    documents = [] if document is None else [Posting(1, "gid://shopify/Order/1", DOCUMENT, document)]
    return needed(Told(entry, story, documents, []), next_step(story, BookingItems()), off=off)


def settings(**env: str) -> Settings:
    production = {name: value for name, value in SANDBOX.items() if name not in BOOKING}
    paths = {"STATE_DIR": "state", "SHOPIFY_ADMIN_API_ACCESS_TOKEN": "shpat_x"}
    return load_settings(production | paths | {"ENVIRONMENT": "production"} | env)


def test_check_config_says_that_booking_is_off_and_what_to_set() -> None:
    (said,) = booking(settings())
    assert said == (
        "Booking of online orders is off: OR009 Orders cannot be booked, because Lightspeed needs to know who sells "
        "and how it is paid. Set LIGHTSPEED_EMPLOYEE_ID and LIGHTSPEED_PAYMENT_TYPE_ID."
    )


def test_check_config_names_the_items_that_some_orders_need() -> None:
    set_up = {"LIGHTSPEED_EMPLOYEE_ID": "1", "LIGHTSPEED_PAYMENT_TYPE_ID": "7"}
    first, *missing = booking(settings(**set_up))
    assert first == "Booking of online orders is on."
    assert [line.split()[0] for line in missing] == [
        "LIGHTSPEED_SHIPPING_ITEM_ID",
        "LIGHTSPEED_OTHER_ITEM_ID",
        "LIGHTSPEED_UNLINKED_ITEM_ID",
        "LIGHTSPEED_TAX_ITEM_ID",
    ]
    items = {"LIGHTSPEED_OTHER_ITEM_ID": "5", "LIGHTSPEED_UNLINKED_ITEM_ID": "6", "LIGHTSPEED_TAX_ITEM_ID": "7"}
    assert list(booking(settings(**set_up, **items))) == ["Booking of online orders is on."]


def test_every_state_has_words() -> None:
    assert list(WORDS) == list(OrderState)


def test_a_state_is_named_as_we_do_or_as_the_list_shows_it() -> None:
    assert states_of(["posted", "booked", " Waits for a person "]) == [
        OrderState.POSTED,
        OrderState.POSTED,
        OrderState.PARKED,
    ]


def test_the_list_tells_the_currency_and_that_a_booked_order_was_cancelled() -> None:
    entry = OrderEntry("gid://shopify/Order/1", "#1001", OrderState.POSTED, NOON, None, 1000, None, "", ("SH-1001-1",))
    sold = replace(entry, currency="USD")
    undone = replace(sold, net=0, cancelled=True)
    assert _row(sold) == ("#1001", "booked", "", "10.00 USD", "SH-1001-1", "")
    assert _row(undone)[1:4] == ("booked; cancelled in Shopify", "", "0.00 USD")


@pytest.mark.parametrize(
    ("found", "words", "code"),
    [
        pytest.param(needs(OrderState.SEEN), WANTED, None, id="new"),
        pytest.param(needs(OrderState.POSTED, BOOKED), "nothing: booked", None, id="booked"),
        pytest.param(needs(OrderState.CLOSED), "nothing: a person has closed it", None, id="closed"),
        pytest.param(
            needs(OrderState.EXEMPT, replace(STORY, test=True)),
            "nothing: never booked: a test order, or from before the cut-over",
            None,
            id="test order",
        ),
        pytest.param(
            needs(OrderState.UNKNOWN, replace(STORY, made=1), document=DocumentState.SENT),
            "SH-1001-1 to be finished: sent, without an answer so far",
            None,
            id="on its way",
        ),
        pytest.param(
            needs(OrderState.PARKED, code=Code.OR004),
            f"a person: OR004 Look. Then: {WANTED}",
            Code.OR004,
            id="parked for what the till computed",
        ),
        pytest.param(
            needs(OrderState.DEAD, replace(STORY, money=None), code=Code.OR006),
            "a person: OR006 Look.",
            Code.OR006,
            id="dead",
        ),
        pytest.param(
            needs(OrderState.SEEN, off=True), f"{WANTED}; but booking is not set up", Code.OR009, id="booking is off"
        ),
        pytest.param(needs(OrderState.SEEN, BOOKED, off=True), "nothing: booked", None, id="off, and nothing to do"),
    ],
)
def test_what_an_order_needs_is_told(found: Next, words: str, code: Code | None) -> None:
    assert (found.words, found.code, found.remedy) == (words, code, code.remedy if code else "")
