"""The till by hand-made answers: what exactly is sent, and how each answer is read."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import respx

from sync.errors import Code, OutcomeUnknown, Permanent, SyncError, Transient
from sync.http import RetryPolicy
from sync.lightspeed.client import Lightspeed
from sync.lightspeed.sales import LightspeedTill, SalesSettings, completion, decimal_text, opening
from sync.model import SaleDraft, SaleLineDraft, SaleLineRow
from tests.sync.lightspeed.support import API_URL, SALES, VirtualClock, stage

pytestmark = pytest.mark.anyio

SALE = f"{API_URL}/API/V3/Account/123456/Sale"
TOKEN = {"token_type": "Bearer", "expires_in": 3600, "access_token": "access-1", "refresh_token": "refresh-1"}
DRAFT = SaleDraft("SH-1001-1", (SaleLineDraft("12", units=1, cents=999),))
LINE = {"saleLineID": "9", "itemID": "12", "unitQuantity": "1", "unitPrice": "9.99"}
OPENED: dict[str, Any] = {
    "saleID": "44",
    "completed": "false",
    "voided": "false",
    "archived": "false",
    "referenceNumber": "SH-1001-1",
    "referenceNumberSource": "Shopify",
    "timeStamp": "2026-11-22T12:00:00+00:00",
    "calcSubtotal": "9.99",
    "calcTotal": "9.99",
    "calcPayments": "0",
    "balance": "9.99",
    "SaleLines": {"SaleLine": LINE},
}


def single(sale: object) -> dict[str, object]:
    return {"@attributes": {"count": "1"}, "Sale": sale}


@dataclass
class Scene:
    till: LightspeedTill
    router: respx.MockRouter
    clock: VirtualClock
    lightspeed: Lightspeed


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    """Give a till before a router that knows the sign-in only."""
    staged = stage([], policy=RetryPolicy(attempts=2))
    with respx.mock(assert_all_mocked=True, assert_all_called=False) as router:
        router.post("https://cloud.lightspeed.test/auth/oauth/token").respond(200, json=TOKEN)
        staged.link._inner = httpx.MockTransport(router.async_handler)
        yield Scene(staged.till, router, staged.clock, staged.lightspeed)


async def test_an_open_sale_is_sent_as_one_post_with_what_it_needs(scene: Scene) -> None:
    post = scene.router.post(f"{SALE}.json").respond(200, json=single(OPENED))
    await scene.till.open_sale(DRAFT)
    request = post.calls.last.request
    assert (post.call_count, request.headers["content-type"]) == (1, "application/json")
    assert json.loads(request.content) == {
        "employeeID": 1,
        "registerID": 1,
        "shopID": 1,
        "completed": False,
        "referenceNumber": "SH-1001-1",
        "referenceNumberSource": "Shopify",
        "taxCategoryID": 0,
        "SaleLines": {"SaleLine": [{"itemID": 12, "unitQuantity": 1, "unitPrice": "9.99", "tax": False}]},
    }


def test_a_taxed_draft_leaves_the_tax_category_to_the_shop_and_a_customer_is_named() -> None:
    line = SaleLineDraft("12", units=-2, cents=5, taxed=True, parent_line_id="88")
    body = opening(SaleDraft("r", (line,), untaxed=False), SalesSettings("1", "2", "3", "7", customer_id="8"))
    assert (body["customerID"], "taxCategoryID" in body) == (8, False)
    assert body["SaleLines"]["SaleLine"] == [
        {"itemID": 12, "unitQuantity": -2, "unitPrice": "0.05", "tax": True, "parentSaleLineID": 88}
    ]


@pytest.mark.parametrize(
    ("cents", "text"),
    [(0, "0.00"), (5, "0.05"), (100, "1.00"), (123456, "1234.56"), (-5, "-0.05"), (-1999, "-19.99")],
)
def test_cents_are_sent_as_decimal_text(cents: int, text: str) -> None:
    assert decimal_text(cents) == text


def test_a_sale_is_completed_with_one_payment_or_none() -> None:
    paid = {"completed": True, "SalePayments": {"SalePayment": {"amount": "34.48", "paymentTypeID": 7}}}
    assert completion(3448, SALES) == paid
    assert completion(0, SALES) == completion(None, SALES) == {"completed": True}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, (999, 0, False, None), id="open: no completeTime"),
        pytest.param({"balance": "-0", "calcPayments": "9.99"}, (999, 999, False, None), id="balance of -0"),
        pytest.param({"calcTotal": 9.99, "calcPayments": 0}, (999, 0, False, None), id="numbers"),
        pytest.param({"calcTotal": "-0", "calcPayments": "-0"}, (0, 0, False, None), id="minus nothing"),
        pytest.param({"calcTotal": "20", "calcPayments": "4.5"}, (2000, 450, False, None), id="without padding"),
        pytest.param(
            {"completed": "true", "completeTime": "2026-11-22T11:59:59+00:00"},
            (999, 0, True, datetime(2026, 11, 22, 11, 59, 59, tzinfo=UTC)),
            id="completed",
        ),
        pytest.param(
            {"completed": "true"}, (999, 0, True, datetime(2026, 11, 22, 12, tzinfo=UTC)), id="completed, untold when"
        ),
    ],
)
async def test_a_sale_is_read_as_it_stands(
    scene: Scene, changes: dict[str, object], expected: tuple[int, int, bool, datetime | None]
) -> None:
    scene.router.get(url__startswith=f"{SALE}/44.json").respond(200, json=single(OPENED | changes))
    row = await scene.till.sale("44")
    assert row is not None
    assert (row.total, row.paid, row.completed, row.completed_at) == expected


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param({"SaleLine": LINE}, 1, id="one is an object"),
        pytest.param({"SaleLine": [LINE, {**LINE, "saleLineID": "10"}]}, 2, id="several are a list"),
        pytest.param("", 0, id="empty text"),
        pytest.param({"SaleLine": [{"saleLineID": "9", "unitQuantity": "-3"}]}, 1, id="a line of no item"),
    ],
)
async def test_lines_are_read_however_they_are_spelt(scene: Scene, lines: object, expected: int) -> None:
    scene.router.get(url__startswith=f"{SALE}/44.json").respond(200, json=single(OPENED | {"SaleLines": lines}))
    row = await scene.till.sale("44")
    assert row is not None
    assert len(row.lines) == expected


async def test_a_line_of_no_item_is_item_zero(scene: Scene) -> None:
    lines = {"SaleLine": {"saleLineID": "9", "itemID": "0", "unitQuantity": "-3"}}
    scene.router.get(url__startswith=f"{SALE}/44.json").respond(200, json=single(OPENED | {"SaleLines": lines}))
    row = await scene.till.sale("44")
    assert row is not None
    assert row.lines == (SaleLineRow("9", "0", -3),)


async def test_an_empty_sale_has_no_lines_and_needs_none(scene: Scene) -> None:
    empty = {name: value for name, value in OPENED.items() if name != "SaleLines"}
    nothing = {"calcTotal": "0", "calcSubtotal": "0"}
    scene.router.get(url__startswith=f"{SALE}/44.json").respond(200, json=single(empty | nothing))
    row = await scene.till.sale("44")
    assert row is not None
    assert (row.total, row.lines) == (0, ())


UNREADABLE = [
    pytest.param(single(OPENED | {"calcTotal": "9.999"}), id="fraction of a cent"),
    pytest.param(single(OPENED | {"calcPayments": "0.001"}), id="fraction of a cent paid"),
    pytest.param(single(OPENED | {"calcTotal": None}), id="no total"),
    pytest.param(single(OPENED | {"saleID": "45"}), id="another sale"),
    pytest.param(single([OPENED, OPENED]), id="two sales"),
    pytest.param(single(""), id="no sale"),
    pytest.param({"@attributes": {"count": "1"}, "Shop": {}}, id="another resource"),
    pytest.param([], id="a list"),
]


@pytest.mark.parametrize("body", UNREADABLE)
async def test_what_is_no_sale_is_read_again_and_then_given_up(scene: Scene, body: object) -> None:
    get = scene.router.get(url__startswith=f"{SALE}/44.json").respond(200, json=body)
    with pytest.raises(Transient) as caught:
        await scene.till.sale("44")
    assert (caught.value.code, get.call_count) == (Code.LS007, 2)


@pytest.mark.parametrize("body", UNREADABLE)
async def test_a_write_answered_with_what_is_no_sale_may_have_happened(scene: Scene, body: object) -> None:
    put = scene.router.put(f"{SALE}/44.json").respond(200, json=body)
    with pytest.raises(OutcomeUnknown) as caught:
        await scene.till.complete_sale("44", 999)
    assert (caught.value.code, put.call_count) == (Code.LS012, 1)
    assert "LS007" in caught.value.detail


async def test_created_is_as_good_as_ok(scene: Scene) -> None:
    scene.router.post(f"{SALE}.json").respond(201, json=single(OPENED))
    assert (await scene.till.open_sale(DRAFT)).sale_id == "44"


@pytest.mark.parametrize(
    ("outcome", "error", "code"),
    [
        pytest.param(httpx.ConnectError("no"), Transient, Code.LS001, id="no connection"),
        pytest.param(httpx.ConnectTimeout("no"), Transient, Code.LS001, id="no connection in time"),
        pytest.param(httpx.PoolTimeout("no"), Transient, Code.LS001, id="never left"),
        pytest.param(httpx.ReadTimeout("no"), OutcomeUnknown, Code.LS012, id="no answer in time"),
        pytest.param(httpx.WriteTimeout("no"), OutcomeUnknown, Code.LS012, id="sent in part"),
        pytest.param(httpx.ReadError("no"), OutcomeUnknown, Code.LS012, id="cut"),
        pytest.param(httpx.RemoteProtocolError("no"), OutcomeUnknown, Code.LS012, id="closed"),
        pytest.param(httpx.Response(302, headers={"location": "/"}), Permanent, Code.LS008, id="redirect"),
        pytest.param(httpx.Response(404, text="<html>"), Permanent, Code.LS009, id="a gateway's 404"),
        pytest.param(httpx.Response(204), OutcomeUnknown, Code.LS012, id="204"),
        pytest.param(httpx.Response(200, content=b'{"Sale":'), OutcomeUnknown, Code.LS012, id="half of it"),
    ],
)
async def test_what_became_of_a_write_is_told_by_its_outcome_and_it_is_sent_once(
    scene: Scene, outcome: httpx.Response | Exception, error: type[SyncError], code: Code
) -> None:
    posts = scene.router.post(f"{SALE}.json").mock(
        side_effect=outcome if isinstance(outcome, Exception) else None,
        return_value=None if isinstance(outcome, Exception) else outcome,
    )
    with pytest.raises(error) as caught:
        await scene.till.open_sale(DRAFT)
    assert (caught.value.code, posts.call_count) == (code, 1)


async def test_a_server_in_trouble_is_left_alone_as_long_as_it_asks(scene: Scene) -> None:
    scene.router.post(f"{SALE}.json").respond(503, headers={"Retry-After": "40"})
    scene.router.get(url__startswith=f"{SALE}/44.json").respond(200, json=single(OPENED))
    with pytest.raises(OutcomeUnknown) as caught:
        await scene.till.open_sale(DRAFT)
    assert caught.value.retry_after == 40.0
    before = scene.clock.monotonic()
    await scene.till.sale("44")
    assert scene.clock.monotonic() >= before + 40.0


async def test_a_gateways_404_does_not_make_a_sale_vanish(scene: Scene) -> None:
    scene.router.get(url__startswith=f"{SALE}/44.json").respond(404, html="<h1>Not Found</h1>")
    with pytest.raises(Permanent):
        await scene.till.sale("44")


async def test_a_search_asks_for_the_exact_reference_with_lines_and_archived_ones(scene: Scene) -> None:
    found = {"@attributes": {"next": "", "previous": ""}, "Sale": OPENED}
    search = scene.router.get(url__startswith=f"{SALE}.json").respond(200, json=found)
    assert [row.sale_id for row in await scene.till.find_sales("SH-1001-1")] == ["44"]
    assert dict(search.calls.last.request.url.params) == {
        "referenceNumber": "SH-1001-1",
        "archived": "true",
        "sort": "saleID",
        "load_relations": '["SaleLines"]',
        "limit": "100",
    }
