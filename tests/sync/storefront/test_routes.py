"""What the seven routes answer, above all to the theme scripts that speak to them already."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from itertools import product

import pytest

from sync.errors import Code, Permanent
from sync.events import HoldMet
from sync.hints import Checked, OrderHint
from sync.reservations import Pace, Refusal
from sync.storefront.limits import Clients
from sync.storefront.routes import PREFIX
from tests.fakes.storefront import NOW, shelf_item
from tests.sync.storefront.listener import Listener, hinted, signed

pytestmark = pytest.mark.anyio

NOTHING: dict[str, object] = {"items": [], "pagination": {"count": 0, "limit": 200, "offset": 0}, "asOf": None}


# --- /inventory ---
@pytest.mark.parametrize("prefix", ["", "/lightspeed", PREFIX])
async def test_inventory_lists_what_may_be_promised(prefix: str) -> None:
    listener = Listener()
    listener.shelf.put(shelf_item(1, held=2))
    answer = await listener.get(f"{prefix}/inventory")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    page = answer.json()
    assert page["items"][0] == {
        "itemID": "1",
        "variantId": "44001",
        "sku": "SKU-1",
        "description": "Item 1",
        "qtyOnHand": 7,
        "qoh": 7,
        "available": 3,
        "timeStamp": "2026-11-22T10:00:00Z",
    }
    assert [(item["itemID"], item["qoh"], item["available"]) for item in page["items"][1:]] == [
        ("2", 7, 0),
        ("3", 7, 1),
    ]
    assert page["pagination"] == {"count": 3, "limit": 200, "offset": 0}
    assert page["asOf"] == "2026-11-22T10:00:00Z"


async def test_inventory_comes_in_pages_and_by_the_time_of_change() -> None:
    listener = Listener()
    listener.shelf.put(shelf_item(2, changed_at=NOW + timedelta(minutes=1)))
    page = (await listener.get("/inventory", limit="1", offset="1")).json()
    assert [item["itemID"] for item in page["items"]] == ["2"]
    assert page["pagination"] == {"count": 1, "limit": 1, "offset": 1}
    for name in ("updatedSince", "updated_since"):
        for moment in ("2026-11-22T10:00:30Z", "2026-11-22T11:00:30+01:00", "2026-11-22T10:00:30.5"):
            page = (await listener.get("/inventory", **{name: moment})).json()
            assert [item["itemID"] for item in page["items"]] == ["2"]
    assert (await listener.get("/inventory", offset="3")).json() == {
        **NOTHING,
        "pagination": {"count": 0, "limit": 200, "offset": 3},
    }


@pytest.mark.parametrize(
    "own",
    [
        {"limit": "0"},
        {"limit": "501"},
        {"limit": "-1"},
        {"limit": ""},
        {"limit": "1e2"},
        {"limit": "9" * 64},
        {"offset": "-1"},
        {"offset": "1000001"},
        {"updatedSince": "yesterday"},
        {"updatedSince": "0001-01-01T00:00:00+23:59"},
        {"updatedSince": "2026-11-22T10:00:00Z", "updated_since": "2026-11-22T10:00:00Z"},
    ],
    ids=str,
)
async def test_a_page_that_cannot_be_is_a_bad_request(own: dict[str, str]) -> None:
    answer = await Listener().get("/inventory", **own)
    assert (answer.status_code, answer.json()["error"]) == (400, "bad_request")


async def test_a_page_is_read_once_until_something_changes() -> None:
    listener = Listener()
    first = await listener.get("/inventory")
    for _ in range(50):
        assert (await listener.get("/inventory")).content == first.content
    assert listener.shelf.pages_read == 1
    listener.shelf.put(shelf_item(1, sellable=4))
    second = await listener.get("/inventory")
    assert (listener.shelf.pages_read, second.json()["items"][0]["available"]) == (2, 4)
    assert first.headers["etag"] != second.headers["etag"]


async def test_who_has_the_page_is_told_only_that() -> None:
    listener = Listener()
    etag = (await listener.get("/inventory")).headers["etag"]
    for known in (etag, f'"other", {etag}'):
        answer = await listener.inventory(known)
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag)
        assert "content-length" not in answer.headers
    assert (await listener.inventory('"other"')).status_code == 200
    listener.shelf.put(shelf_item(1, sellable=4))
    assert (await listener.inventory(etag)).status_code == 200
    listener.shelf.put(shelf_item(1))
    assert (await listener.inventory(etag)).status_code == 304


async def test_a_later_pass_makes_a_page_fresher_and_no_other() -> None:
    listener = Listener()
    first = await listener.get("/inventory")
    listener.shelf.passed_at = NOW + timedelta(minutes=1)
    second = await listener.get("/inventory")
    assert second.json()["asOf"] == "2026-11-22T10:01:00Z"
    assert first.headers["etag"] == second.headers["etag"]


async def test_only_so_many_pages_are_remembered() -> None:
    listener = Listener()
    for offset in range(100):
        await listener.get("/inventory", offset=str(offset))
    await listener.get("/inventory", offset="99")
    assert listener.shelf.pages_read == 100
    await listener.get("/inventory", offset="0")
    assert listener.shelf.pages_read == 101


# --- /availability ---
@pytest.mark.parametrize(
    "own",
    [
        {"variant_id": "44001", "lightspeed_id": "1"},
        {"variantId": "44001", "lightspeedId": "1"},
        {"variant_id": "44001"},
        {"lightspeed_id": "1"},
        {"variant_id": "44001", "lightspeed_id": ""},
        {"variant_id": "gid://shopify/ProductVariant/44001"},
    ],
    ids=str,
)
async def test_availability_tells_of_an_item_however_it_is_named(own: dict[str, str]) -> None:
    answer = await Listener().get("/availability", **own)
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "itemID": "1",
            "variantId": "44001",
            "quantity": 5,
            "available": True,
            "asOf": "2026-11-22T10:00:00Z",
            "known": True,
        },
    )


async def test_what_is_sold_out_says_so() -> None:
    told = (await Listener().get("/availability", lightspeed_id="2")).json()
    assert (told["quantity"], told["available"], told["message"]) == (0, False, "This item is sold out.")


@pytest.mark.parametrize(
    "own", [{"variant_id": "99999"}, {"lightspeed_id": "99999"}, {"variant_id": "44001", "lightspeed_id": "2"}], ids=str
)
async def test_what_is_not_on_the_shelf_is_available_in_no_quantity_and_never_a_404(own: dict[str, str]) -> None:
    answer = await Listener().get("/availability", **own)
    told = answer.json()
    assert (answer.status_code, told["quantity"], told["available"], told["known"]) == (200, 0, False, False)


async def test_what_a_client_holds_is_available_to_itself_only() -> None:
    listener = Listener()
    listener.shelf.put(shelf_item(3, sellable=1, held=1))
    listener.shelf.owned["customer 17", "55003"] = 1
    query = signed({"lightspeed_id": "3"}, logged_in_customer_id="17")
    assert (await listener.client.get(f"/availability?{query}")).json()["quantity"] == 1
    assert (await listener.get("/availability", lightspeed_id="3")).json()["quantity"] == 0


async def test_news_that_wait_to_be_looked_at_make_the_number_older() -> None:
    listener = Listener()
    listener.shelf.passed_at = NOW + timedelta(minutes=5)
    assert (await listener.get("/availability", lightspeed_id="1")).json()["asOf"] == "2026-11-22T10:05:00Z"
    listener.shelf.put(replace(shelf_item(1), due=True))
    assert (await listener.get("/availability", lightspeed_id="1")).json()["asOf"] == "2026-11-22T10:00:00Z"


@pytest.mark.parametrize(
    "own",
    [
        {},
        {"variant_id": ""},
        {"variant_id": "0"},
        {"variant_id": "-1"},
        {"variant_id": "1.5"},
        {"variant_id": "9" * 21},
        {"variant_id": "44001", "variantId": "44001"},
        {"lightspeed_id": "gid://shopify//1"},
    ],
    ids=str,
)
async def test_an_id_that_is_none_is_a_bad_request(own: dict[str, str]) -> None:
    assert (await Listener().get("/availability", **own)).status_code == 400


# --- reservations ---
async def test_a_theme_script_reserves_changes_and_releases() -> None:
    listener = Listener()
    wanted = {
        "variantId": 44001,
        "lightspeedId": "1",
        "quantity": 2,
        "accountId": "wtf",
        "expiresAt": "2026-11-22T10:15:00.000Z",
    }
    answer = await listener.send("/reserve", wanted)
    reserved = answer.json()
    assert (answer.status_code, reserved) == (
        200,
        {"reservationId": "hold-1", "status": "reserved", "quantity": 2, "expiresAt": "2026-11-22T10:15:00Z"},
    )
    raised = {**wanted, "quantity": 4, "reservationId": reserved["reservationId"]}
    for method, units in (("PUT", 4), ("POST", 3)):
        answer = await listener.send("/reserve", {**raised, "quantity": units}, method)
        assert (answer.status_code, answer.json()["status"], answer.json()["quantity"]) == (200, "updated", units)
    assert len(listener.holds.held) == 1
    for _ in range(2):
        answer = await listener.send("/release", {**wanted, "reservationId": "hold-1"})
        assert (answer.status_code, answer.json()) == (200, {"reservationId": "hold-1", "status": "released"})
    assert listener.shelf.items["1"].promised == 5


async def test_who_cannot_reserve_is_told_how_much_is_left() -> None:
    listener = Listener()
    answer = await listener.send("/reserve", {"lightspeedId": 3, "quantity": 2})
    assert (answer.status_code, answer.json()) == (
        409,
        {"error": "not_enough", "message": "There is not as much left.", "quantity": 1},
    )
    assert (await listener.send("/reserve", {"lightspeedId": 99, "quantity": 1})).json()["error"] == "unknown_item"
    gone = await listener.send("/reserve", {"reservationId": "hold-9", "quantity": 1}, "PUT")
    assert (gone.status_code, gone.json()["error"]) == (409, "unknown_reservation")
    await listener.send("/reserve", {"lightspeedId": 3, "quantity": 1})
    for method in ("PUT", "POST"):
        other = await listener.send("/reserve", {"reservationId": "hold-1", "lightspeedId": 1, "quantity": 1}, method)
        assert (other.status_code, other.json()["error"]) == (409, "unknown_reservation"), method
    await listener.send("/release", {"reservationId": "hold-1"})
    ended = await listener.send("/reserve", {"reservationId": "hold-1", "quantity": 1}, "PUT")
    assert (ended.status_code, ended.json()["error"]) == (409, "reservation_ended")


async def test_the_cart_the_client_and_the_wish_to_hold_for_less_are_handed_on() -> None:
    listener = Listener(clients=Clients(proxies=1))
    body = {"variantId": "44001", "quantity": "2", "cartToken": "c1?key=abc", "expiresAt": "2026-11-22T10:05:00+00:00"}
    headers = {"X-Forwarded-For": "203.0.113.7, 198.51.100.1"}
    assert (await listener.send("/reserve", body, headers=headers)).status_code == 200
    asked = listener.holds.asked[0]
    assert (asked.item_id, asked.variant_id, asked.units, asked.cart) == (None, "44001", 2, "c1?key=abc")
    assert (asked.client, asked.until) == ("203.0.113.7", NOW + timedelta(minutes=5))


async def test_a_hold_begins_when_its_body_has_arrived() -> None:
    listener = Listener()

    async def late() -> AsyncIterator[bytes]:
        listener.clock.moment += timedelta(seconds=8)
        yield b'{"lightspeedId": 1, "quantity": 1}'

    answer = await listener.client.post(f"/reserve?{signed()}", content=late())
    assert answer.json()["expiresAt"] == "2026-11-22T10:15:08Z"


UNITS: Sequence[object] = (0, -1, 1.5, 1.0, True, None, "", "1.0", "x", [], 100_001, 10**30, "１")
IDS: Sequence[object] = (None, "", 0, -1, 1.0, True, [], {}, "1;", "1\n", "１", 10**20)
OTHERS: Sequence[tuple[str, object]] = (
    ("/reserve", {"lightspeedId": 1}),
    ("/reserve", {"lightspeedId": 1, "quantity": 1, "cartToken": "\x00"}),
    ("/reserve", {"lightspeedId": 1, "quantity": 1, "cartToken": "é"}),
    ("/reserve", {"lightspeedId": 1, "quantity": 1, "cartToken": "c" * 256}),
    ("/reserve", {"lightspeedId": 1, "quantity": 1, "cartToken": "a\n"}),
    ("/reserve", {"lightspeedId": 1, "quantity": 1, "expiresAt": "soon"}),
    ("/reserve", {"lightspeedId": 1, "quantity": 1, "expiresAt": 1795341600}),
    ("/reserve", {"quantity": 1, "reservationId": "../x"}),
    ("/release", {}),
    ("/release", {"reservationId": None}),
    ("/release", {"reservationId": ""}),
    ("/release", {"reservationId": 7}),
    ("/release", {"reservationId": "a\n"}),
    ("/sync", {}),
    ("/sync", {"updates": {}}),
    ("/sync", {"updates": [1]}),
    ("/sync", {"updates": [{"variantId": [1]}]}),
    ("/sync", {"updates": [{}] * 1001}),
    ("/orders", {"orderNumber": "#1 OR status:any"}),
    ("/orders", {"orderNumber": ["1"]}),
    ("/orders", {"orderNumber": 1.5}),
    ("/orders", {"orderNumber": -1}),
    ("/orders", {"orderNumber": False}),
    ("/orders", {"orderNumber": 1, "lineItems": [{"variantId": "x"}]}),
)
BYTES = (b"", b"{", b"[]", b"null", b'{"a":1,"a":1}', b'{"a":NaN}', b"\xff", b'{"a":' * 20 + b"1" + b"}" * 20)
NOT_UNDERSTOOD: Sequence[tuple[str, object]] = (
    *[("/reserve", {"lightspeedId": 1, "quantity": units}) for units in UNITS],
    *[("/reserve", {"lightspeedId": given, "quantity": 1}) for given in IDS],
    *OTHERS,
    *product(("/reserve", "/release", "/sync", "/orders"), BYTES),
)


@pytest.mark.parametrize(("path", "body"), NOT_UNDERSTOOD, ids=str)
async def test_a_body_that_cannot_be_understood_is_a_bad_request_and_changes_nothing(path: str, body: object) -> None:
    listener = Listener()
    before = listener.state()
    answer = await listener.send(path, body)
    assert (answer.status_code, answer.json()) == (
        400,
        {"error": "bad_request", "message": "The request cannot be understood."},
    )
    assert listener.state() == before


# --- hints ---
async def test_sync_has_what_is_named_checked_and_tells_what_is_known() -> None:
    listener = Listener()
    updates = [
        {"variantId": 44001, "lightspeedId": 1, "quantity": 999},
        {"variantId": "44001", "lightspeedId": None, "quantity": 0},
        {"variantId": 44002, "lightspeedId": "", "quantity": "many"},
        {"variantId": 99999, "lightspeedId": 3},
        {"sku": "unknown"},
    ]
    answer = await listener.send("/sync", {"updates": updates})
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "status": "queued",
            "results": [
                {"variantId": "44001", "inventoryItemId": "55001", "quantity": 5},
                {"variantId": "44002", "inventoryItemId": "55002", "quantity": 0},
            ],
        },
    )
    assert listener.hints.checked == 1
    assert listener.shelf.generation == 1


async def test_sync_tells_the_present_numbers_however_often_the_same_is_asked() -> None:
    listener = Listener()
    listener.hints.state = Checked.SYNCED
    for units in (5, 4, 4, 0):
        if listener.shelf.items["1"].sellable != units:
            listener.shelf.put(shelf_item(1, sellable=units))
        told = (await listener.send("/sync", {"updates": [{"variantId": 44001}]})).json()
        assert (told["status"], told["results"][0]["quantity"]) == ("synced", units)


@pytest.mark.parametrize("updates", [[], [{}], [{"variantId": 99999}]], ids=str)
async def test_sync_of_nothing_known_asks_nobody(updates: list[object]) -> None:
    listener = Listener()
    assert (await listener.send("/sync", {"updates": updates})).json() == {"status": "noop", "results": []}
    assert listener.hints.checked == 0


ORDER = {
    "orderNumber": "#1001",
    "accountId": "wtf",
    "customer": {"email": "x@example.com", "addresses": [{"a": None}]},
    "cartToken": None,
    "lineItems": [{"lightspeedId": 1, "variantId": "44001", "quantity": 1, "price": 12.5, "note": "é"}],
}


async def test_an_order_is_a_hint_that_is_answered_with_its_sale_once_it_is_there() -> None:
    listener = Listener()
    answer = await listener.send("/orders", ORDER)
    assert (answer.status_code, answer.json()) == (202, {"status": "accepted"})
    listener.hints.sales["#1001"] = "777"
    answer = await listener.send("/orders", ORDER)
    assert (answer.status_code, answer.json()) == (
        200,
        {"status": "processed", "saleId": "777", "sale": {"saleID": "777"}},
    )
    assert listener.hints.orders == [OrderHint("#1001", frozenset({"gid://shopify/InventoryItem/55001"}))] * 2


async def test_an_order_may_be_named_by_its_carts_token() -> None:
    listener = Listener()
    await listener.send("/orders", {**ORDER, "orderNumber": None, "cartToken": "Z2NwLXVz?key=abc"})
    assert [hint.name for hint in listener.hints.orders] == ["Z2NwLXVz"]


@pytest.mark.parametrize(
    "changed", [{"orderNumber": None}, {"lineItems": []}, {"lineItems": [{"variantId": 9}]}], ids=str
)
async def test_an_order_without_a_number_or_known_goods_is_accepted_and_left_to_the_next_poll(
    changed: dict[str, object],
) -> None:
    listener = Listener()
    answer = await listener.send("/orders", {**ORDER, **changed})
    assert (answer.status_code, answer.json(), listener.hints.orders) == (202, {"status": "accepted"}, [])


async def test_a_server_may_send_hints_signed_as_webhooks_are() -> None:
    listener = Listener()
    body = json.dumps(ORDER).encode()
    answer = await listener.client.post(f"{PREFIX}/orders", content=body, headers=hinted(body))
    assert answer.status_code == 202


# --- pace and networks ---
async def test_who_writes_too_often_waits_and_whoever_reads_does_not() -> None:
    listener = Listener(each=Pace(0.5, 2))
    statuses = [(await listener.send("/release", {"reservationId": "a"})).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    refused = await listener.send("/reserve", {"lightspeedId": 1, "quantity": 1})
    assert (refused.status_code, refused.json()["error"]) == (429, "too_many_requests")
    assert refused.headers["retry-after"] == "2"
    assert listener.events == [HoldMet(Refusal.THROTTLED)]
    assert (await listener.get("/inventory")).status_code == 200
    assert (await listener.send("/sync", {"updates": []})).status_code == 200
    other = {"X-Forwarded-For": "203.0.113.9"}
    assert (await listener.send("/release", {"reservationId": "a"}, headers=other)).status_code == 200
    listener.clock.seconds += 2
    assert (await listener.send("/release", {"reservationId": "a"})).status_code == 200


async def test_what_is_not_signed_takes_nobodys_tokens() -> None:
    listener = Listener(each=Pace(0.5, 1))
    for _ in range(10):
        assert (await listener.send("/release", {"reservationId": "a"}, query="shop=x")).status_code == 401
    assert (await listener.send("/release", {"reservationId": "a"})).status_code == 200


async def test_other_networks_are_refused_as_if_nothing_were_signed() -> None:
    inside = Listener(clients=Clients(networks=(ip_network("198.51.100.0/24"),)))
    outside = Listener(clients=Clients(networks=(ip_network("192.0.2.0/24"),)))
    assert (await inside.get("/inventory")).status_code == 200
    refused, unsigned = await outside.get("/inventory"), await outside.client.get("/inventory")
    assert (refused.status_code, refused.content) == (401, unsigned.content)


async def test_every_answer_is_counted_under_its_route() -> None:
    listener = Listener()
    await listener.get("/inventory")
    await listener.client.get("/availability")
    await listener.client.delete("/reserve")
    await listener.client.get("/nowhere")
    assert listener.counts.met == [("inventory", 200), ("availability", 401), ("reserve", 405)]


# --- failures ---
async def test_what_fails_is_unavailable_and_logged_once_a_minute(capsys: pytest.CaptureFixture[str]) -> None:
    listener = Listener()

    async def away(_: object, __: object) -> bool:
        raise Permanent(Code.ST001, "the disk is full")

    listener.holds.release = away  # type: ignore[method-assign, assignment]
    for seconds in (0, 59, 2):
        listener.clock.seconds += seconds
        for _ in range(5):
            answer = await listener.send("/release", {"reservationId": "a"})
            assert (answer.status_code, answer.json()["error"], answer.headers["retry-after"]) == (
                503,
                "unavailable",
                "5",
            )
    assert capsys.readouterr().out.count("storefront.failed") == 2


async def test_a_mistake_of_ours_is_unavailable_and_tells_nobody_what_it_was(
    capsys: pytest.CaptureFixture[str],
) -> None:
    listener = Listener()

    async def broken(*_: object) -> None:
        raise RuntimeError("canary")

    listener.shelf.find = broken  # type: ignore[method-assign, assignment]
    answer = await listener.get("/availability", lightspeed_id="1")
    assert (answer.status_code, answer.json()["error"]) == (503, "unavailable")
    assert "canary" not in answer.text + capsys.readouterr().out
