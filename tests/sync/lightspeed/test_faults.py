"""Faults met while reading: what is tried again, what is given up, and that half a reading never looks whole."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import respx

from sandbox.faults import Fault, FaultKind
from sync.errors import Code, Permanent, SyncError, Transient
from sync.http import Answer, RetryPolicy
from sync.lightspeed.answers import refusal, said_by
from tests.sync.lightspeed.support import API_URL, START, Stage, goods, stage

pytestmark = pytest.mark.anyio

ITEMS = f"{API_URL}/API/V3/Account/123456/Item.json"
TOKEN = {"token_type": "Bearer", "expires_in": 3600, "access_token": "access-1", "refresh_token": "refresh-1"}


def faulty(kind: FaultKind, *, operation: str = "Item", size: int = 250, **about: Any) -> Stage:
    scene = stage(goods(size))
    scene.faults.add("lightspeed", operation, Fault(kind, **about))
    return scene


@pytest.mark.parametrize(
    ("kind", "about", "code"),
    [
        pytest.param(FaultKind.SERVER_ERROR, {}, "LS006", id="500"),
        pytest.param(FaultKind.SERVER_ERROR, {"code": "503"}, "LS006", id="503"),
        pytest.param(FaultKind.SERVER_ERROR, {"code": "409"}, "LS003", id="409 concurrent edit"),
        pytest.param(FaultKind.REFUSED, {}, "LS006", id="400 that says try again later"),
        pytest.param(FaultKind.BAD_GATEWAY, {}, "LS006", id="502 web page"),
        pytest.param(FaultKind.GATEWAY_TIMEOUT, {}, "LS006", id="504 web page"),
        pytest.param(FaultKind.HTML, {}, "LS007", id="200 web page"),
        pytest.param(FaultKind.EMPTY, {}, "LS007", id="200 empty"),
        pytest.param(FaultKind.TRUNCATED, {}, "LS007", id="JSON that ends too early"),
        pytest.param(FaultKind.RESET_BEFORE, {}, "LS007", id="reset before"),
        pytest.param(FaultKind.RESET_AFTER, {}, "LS007", id="reset after"),
        pytest.param(FaultKind.SLOW, {"seconds": 50.0}, "LS001", id="too slow"),
        pytest.param(FaultKind.DROPPED_RELATIONS, {}, "LS011", id="relations dropped"),
        pytest.param(FaultKind.THROTTLED, {"seconds": 3.0}, "LS004", id="429 bucket"),
        pytest.param(FaultKind.THROTTLED, {"seconds": 1.0, "code": "burst"}, "LS004", id="429 burst"),
        pytest.param(FaultKind.THROTTLED, {"seconds": 3.0, "code": "text"}, "LS004", id="429 that is no JSON"),
        pytest.param(FaultKind.UNAUTHORIZED, {}, "LS005", id="401 of the OAuth server"),
        pytest.param(FaultKind.UNAUTHORIZED, {"code": "old"}, "LS005", id="401 of old"),
    ],
)
async def test_a_passing_fault_costs_a_repeated_page_and_nothing_else(
    kind: FaultKind, about: dict[str, Any], code: str
) -> None:
    scene = faulty(kind, **about)
    certificate = await scene.lightspeed.read_items(None, scene.deliver)
    assert (certificate.rows, len(scene.delivered)) == (250, 250)
    assert scene.meter.codes("Item.all") == [code, None, None, None, None]


async def test_a_fault_in_the_middle_repeats_only_its_page() -> None:
    scene = stage(goods(250))

    async def deliver(rows: object) -> None:
        if not scene.delivered:
            scene.faults.add("lightspeed", "Item", Fault(FaultKind.UNAUTHORIZED))
            scene.faults.add("lightspeed", "Item", Fault(FaultKind.BAD_GATEWAY))
        await scene.deliver(rows)  # type: ignore[arg-type]

    await scene.lightspeed.read_items(None, deliver)
    assert len(scene.delivered) == 250
    assert scene.meter.codes("Item.all") == [None, "LS005", "LS006", None, None, None]
    assert scene.meter.codes("oauth.refresh") == [None, None]
    second = scene.paths("after=")[0]
    assert scene.paths("after=").count(second) == 3


@pytest.mark.parametrize(
    ("kind", "about", "error", "code"),
    [
        pytest.param(FaultKind.BAD_GATEWAY, {"times": 0}, Transient, Code.LS006, id="502 for ever"),
        pytest.param(FaultKind.HTML, {"times": 0}, Transient, Code.LS007, id="web page for ever"),
        pytest.param(FaultKind.SLOW, {"times": 0, "seconds": 50.0}, Transient, Code.LS001, id="slow for ever"),
        pytest.param(FaultKind.DROPPED_RELATIONS, {"times": 0}, Transient, Code.LS011, id="relations never come"),
        pytest.param(FaultKind.SERVER_ERROR, {"code": "403"}, Permanent, Code.LS010, id="403"),
        pytest.param(FaultKind.SERVER_ERROR, {"code": "404"}, Permanent, Code.LS009, id="404"),
        pytest.param(FaultKind.SERVER_ERROR, {"code": "422"}, Permanent, Code.LS009, id="422"),
        pytest.param(FaultKind.FOREIGN_NEXT, {}, Permanent, Code.LS008, id="next link to another host"),
        pytest.param(FaultKind.SHORT_PAGE, {}, Transient, Code.LS011, id="page without its last rows"),
        pytest.param(FaultKind.UNAUTHORIZED, {"times": 0}, Permanent, Code.LS005, id="401 with a fresh token too"),
    ],
)
async def test_a_lasting_fault_ends_the_reading_with_its_code(
    kind: FaultKind, about: dict[str, Any], error: type[SyncError], code: Code
) -> None:
    scene = faulty(kind, **about)
    with pytest.raises(error) as caught:
        await scene.lightspeed.read_items(None, scene.deliver)
    assert caught.value.code is code
    assert scene.delivered == []


async def test_an_unauthorised_page_is_tried_with_one_fresh_token_and_no_more() -> None:
    scene = faulty(FaultKind.UNAUTHORIZED, times=0)
    with pytest.raises(Permanent):
        await scene.lightspeed.read_items(None, scene.deliver)
    assert scene.meter.codes("Item.all") == ["LS005", "LS005"]
    assert scene.meter.codes("oauth.refresh") == [None, None]


async def test_a_last_page_without_its_last_rows_is_made_up_for_by_looking_behind_it() -> None:
    scene = faulty(FaultKind.SHORT_PAGE, size=60)
    certificate = await scene.lightspeed.read_items(None, scene.deliver)
    assert (certificate.rows, certificate.pages) == (60, 3)


async def test_all_stock_too_is_looked_for_behind_a_short_last_page() -> None:
    scene = faulty(FaultKind.SHORT_PAGE, operation="ItemShop", size=60)
    certificate = await scene.lightspeed.read_stock(None, scene.deliver)
    assert (certificate.rows, len(scene.delivered)) == (60, 60)


async def test_after_a_429_nothing_is_sent_before_retry_after_has_passed() -> None:
    scene = faulty(FaultKind.THROTTLED, seconds=17.0, size=5)
    await scene.lightspeed.read_items(None, scene.deliver)
    refused = scene.link.statuses.index(429)
    told_at = scene.link.sent_at[refused].timestamp() + scene.link.latency
    assert scene.link.sent_at[refused + 1].timestamp() >= told_at + 17.0


async def test_a_bucket_that_others_have_filled_is_waited_for_without_a_second_429() -> None:
    scene = stage(goods(300))

    async def deliver(rows: object) -> None:
        if not scene.delivered:
            for _ in range(2):
                scene.shop.limiter.admit(60.0, scene.clock.now())
        await scene.deliver(rows)  # type: ignore[arg-type]

    await scene.lightspeed.read_items(None, deliver)
    assert len(scene.delivered) == 300
    assert scene.link.statuses.count(429) == 1


async def test_no_access_token_goes_to_a_foreign_host() -> None:
    scene = faulty(FaultKind.FOREIGN_NEXT)
    with pytest.raises(Permanent):
        await scene.lightspeed.read_items(None, scene.deliver)
    assert {request.url.host for request in scene.link.requests} == {"api.lightspeed.test", "cloud.lightspeed.test"}


def item(number: int, **changes: object) -> dict[str, object]:
    row = {"itemShopID": str(number), "itemID": str(number), "shopID": "1", "qoh": "1", "timeStamp": START.isoformat()}
    return {"itemID": str(number), "timeStamp": START.isoformat(), "ItemShops": {"ItemShop": row}, **changes}


def page(following: str | None, *rows: dict[str, object]) -> dict[str, object]:
    attributes = {} if following is None else {"next": following, "previous": ""}
    return {"@attributes": attributes, "Item": rows[0] if len(rows) == 1 else list(rows)}


async def scripted(*pages: object, tail: object = None) -> Stage:
    """Walk a scripted server: page n is asked for with cursor n; `tail` answers the look behind the last row."""
    scene = stage([], policy=RetryPolicy(attempts=2), max_pages=50)
    end = {"@attributes": {"next": "", "previous": ""}}

    def answer(request: httpx.Request) -> httpx.Response:
        if "itemID" in request.url.params:
            return httpx.Response(200, json=tail or end)
        body = pages[int(request.url.params.get("after", "0"))]
        return httpx.Response(200, content=body) if isinstance(body, bytes) else httpx.Response(200, json=body)

    with respx.mock(assert_all_mocked=True) as router:
        router.post("https://cloud.lightspeed.test/auth/oauth/token").respond(200, json=TOKEN)
        router.get(url__startswith=ITEMS).mock(side_effect=answer)
        scene.link._inner = httpx.MockTransport(router.async_handler)
        await scene.lightspeed.read_items(None, scene.deliver)
    return scene


async def test_one_item_as_an_object_and_pages_of_any_size_are_walked() -> None:
    scene = await scripted(page(f"{ITEMS}?after=1", item(1)), page(f"{ITEMS}?after=2"), page("", item(5), item(9)))
    assert len(scene.delivered) == 3


async def test_a_repeated_row_is_delivered_once() -> None:
    scene = await scripted(page(f"{ITEMS}?after=1", item(1), item(2)), page("", item(2), item(3)))
    assert len(scene.delivered) == 3


async def test_a_relative_next_link_is_completed() -> None:
    scene = await scripted(page("/API/V3/Account/123456/Item.json?after=1", item(1)), page("", item(2)))
    assert len(scene.delivered) == 2


async def test_a_next_link_is_followed_as_it_is() -> None:
    strange = f"{ITEMS}?sort=itemID&x=%5B%22a%22%5D&y=a+b%2Bc&load_relations=%255B&after=1"
    scene = await scripted(page(strange, item(1)), page("", item(2)))
    assert str(scene.link.requests[2].url) == strange


@pytest.mark.parametrize(
    "pages",
    [
        pytest.param([page(f"{ITEMS}?after=1", item(1)), page(f"{ITEMS}?after=1", item(2))], id="a circle"),
        pytest.param([page(f"{ITEMS}?after=1", item(1)), page(f"{ITEMS}?after=0", item(2))], id="back to the start"),
        pytest.param([page(f"{ITEMS}?after=1", item(8)), page("", item(5))], id="out of order"),
        pytest.param([page(f"{ITEMS}?after={n + 1}", item(1)) for n in range(40)], id="pages that do not advance"),
        pytest.param([page(f"{ITEMS}?after={n + 1}", item(n)) for n in range(60)], id="pages without end"),
        pytest.param([page(None, item(1))], id="no word whether it is the last"),
        pytest.param([page("", item(1, ItemShops=None), item(2, ItemShops=None))], id="stock rows left out"),
    ],
)
async def test_a_walk_that_cannot_be_proven_complete_is_not_certified(pages: list[object]) -> None:
    with pytest.raises(Transient) as caught:
        await scripted(*pages)
    assert caught.value.code is Code.LS011


async def test_a_circle_is_seen_the_first_time_it_closes() -> None:
    with pytest.raises(Transient, match="in a circle"):
        await scripted(page(f"{ITEMS}?after=1", item(1)), page(f"{ITEMS}?after=1", item(2)))


@pytest.mark.parametrize(
    "following",
    [
        pytest.param("https://evil.test/API/V3/Account/123456/Item.json?after=1", id="other host"),
        pytest.param("http://api.lightspeed.test/API/V3/Account/123456/Item.json?after=1", id="other scheme"),
        pytest.param("https://api.lightspeed.test:444/API/V3/Account/123456/Item.json?after=1", id="other port"),
        pytest.param("//evil.test/Item.json?after=1", id="relative to the scheme"),
        pytest.param("https://api.lightspeed.test@evil.test/Item.json?after=1", id="our host as a user name"),
        pytest.param("https://user:word@api.lightspeed.test/Item.json?after=1", id="credentials in it"),
        pytest.param("https://api.lightspeed.test.evil.test/Item.json?after=1", id="our host as a prefix"),
        pytest.param("https://api.lightspeed.test:port/Item.json?after=1", id="no URL"),
    ],
)
async def test_a_next_link_that_leads_elsewhere_is_refused(following: str) -> None:
    with pytest.raises(Permanent) as caught:
        await scripted(page(following, item(1)), page("", item(2)))
    assert caught.value.code is Code.LS008


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({}, id="empty object"),
        pytest.param([], id="list"),
        pytest.param(b"null", id="null"),
        pytest.param(page("", item(1, itemID="x")), id="id that is none"),
        pytest.param(page("", item(1, timeStamp="")), id="item without a time"),
        pytest.param(page("", item(1), {"itemID": "2", "timeStamp": "never"}), id="one bad row of two"),
        pytest.param({"@attributes": {"next": ""}, "Shop": []}, id="another resource"),
        pytest.param(b'{"@attributes": {"next": ""}, "Item": [NaN]}', id="NaN"),
        pytest.param(
            b'{"@attributes": {"next": ""}, "Item": {"itemID": "1", "description": "\\ud800"}}', id="surrogate"
        ),
    ],
)
async def test_a_page_that_is_not_whole_and_valid_delivers_nothing(body: object) -> None:
    with pytest.raises(Transient) as caught:
        await scripted(body)
    assert caught.value.code is Code.LS007


async def test_an_item_of_a_page_without_its_stock_rows_is_unknown_not_empty() -> None:
    scene = await scripted(page("", item(1), item(2, ItemShops=None)))
    assert [row.stock is None for row in scene.delivered] == [False, True]  # type: ignore[attr-defined]


async def test_two_stock_rows_for_one_shop_leave_the_stock_unknown() -> None:
    row = item(1)["ItemShops"]["ItemShop"]  # type: ignore[index]
    scene = await scripted(page("", item(1, ItemShops={"ItemShop": [row, {**row, "itemShopID": "9"}]})))
    assert [found.stock for found in scene.delivered] == [None]  # type: ignore[attr-defined]


@respx.mock(assert_all_called=True, assert_all_mocked=True)
async def test_rows_of_other_shops_and_of_all_shops_are_dropped_though_the_filter_was_ignored(
    respx_mock: respx.MockRouter,
) -> None:
    row = {"itemID": "5", "qoh": "1", "timeStamp": START.isoformat()}
    rows = [{**row, "itemShopID": str(n), "shopID": shop} for n, shop in enumerate(("0", "1", "2"), start=1)]
    scene = stage([])
    respx_mock.post("https://cloud.lightspeed.test/auth/oauth/token").respond(200, json=TOKEN)
    stock = respx_mock.get(url__startswith=f"{API_URL}/API/V3/Account/123456/ItemShop.json")
    stock.respond(200, json={"@attributes": {"next": "", "previous": ""}, "ItemShop": rows})
    scene.link._inner = httpx.MockTransport(respx_mock.async_handler)
    certificate = await scene.lightspeed.read_stock(START, scene.deliver)
    assert [found.item_shop_id for found in scene.delivered] == ["2"]  # type: ignore[attr-defined]
    assert certificate.rows == 1


async def test_goods_without_inventory_need_no_stock_rows() -> None:
    scene = await scripted(page("", item(1, itemType="non_inventory", ItemShops=None)))
    assert len(scene.delivered) == 1


async def test_rows_found_behind_the_last_page_are_delivered() -> None:
    scene = await scripted(page("", item(1)), tail=page("", item(2)))
    assert len(scene.delivered) == 2


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        pytest.param({}, None, id="nothing told: back-off and the bucket's level decide"),
        pytest.param({"X-LS-API-RateLimit-Type": "api-burst-limiter"}, 1.0, id="burst: at least its second"),
        pytest.param({"X-LS-API-RateLimit-Type": "api-burst-limiter", "Retry-After": "2"}, 2.0, id="burst, told"),
        pytest.param({"x-ls-api-ratelimit-type": "api-leaky-bucket", "retry-after": "3"}, 3.0, id="bucket, told"),
        pytest.param({"Retry-After": "soon"}, None, id="garbage"),
    ],
)
def test_a_429_says_how_long_to_wait_by_its_headers_alone(headers: dict[str, str], wait: float | None) -> None:
    error = refusal(Answer(429, httpx.Headers(headers), b"Too many requests"), START)
    assert isinstance(error, Transient)
    assert (error.code, error.retry_after) == (Code.LS004, wait)


@pytest.mark.parametrize(
    "status",
    [pytest.param(status, id=str(status)) for status in (301, 302, 307, 308)],
)
def test_a_redirect_is_never_followed_with_our_token(status: int) -> None:
    error = refusal(Answer(status, httpx.Headers({"location": "https://evil.test/"}), b""), START)
    assert isinstance(error, Permanent)
    assert error.code is Code.LS008
    assert "evil" not in str(error)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        pytest.param(b'{"httpCode":"400","message":"name cannot be blank."}', "name cannot be blank.", id="usual"),
        pytest.param(
            b'{"error":"access_denied","hint":"Token has been revoked"}', "Token has been revoked", id="OAuth"
        ),
        pytest.param(b"<html>", "", id="web page"),
        pytest.param(b'["no"]', "", id="list"),
        pytest.param(b'{"message": 7}', "", id="number"),
        pytest.param(b'{"message": "a\\u001b[31mb\\u202ec\\n"}', "a [31mb c", id="signs that move a terminal"),
        pytest.param(
            b'{"message": "bad token def502001234567890abcdef1234567890"}', "bad token …", id="an echoed token"
        ),
    ],
)
def test_what_lightspeed_says_is_repeated_without_tricks_and_secrets(body: bytes, said: str) -> None:
    assert said_by(body) == said
