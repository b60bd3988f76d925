"""The full read: started, polled, downloaded without our token, counted, and only then delivered."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import respx

from sync.errors import Code, Permanent, SyncError, Transient
from sync.model import VariantRow
from sync.shopify.api import Limits
from tests.sync.shopify.support import HERE, URL, Basket, Script, Stage, answer, build, item, level

pytestmark = pytest.mark.anyio

FILE = "https://storage.googleapis.com/exports/1.jsonl?signature=canary"
OPERATION = "gid://shopify/BulkOperation/1"


class Files:
    """The storage service: answers in order, and what it was asked."""

    def __init__(self) -> None:
        self.replies: list[httpx.Response | Exception] = []
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply


@pytest.fixture
def files() -> Files:
    return Files()


@pytest.fixture
async def stage(files: Files) -> AsyncIterator[Stage]:
    script = Script()
    with respx.mock(assert_all_called=False, assert_all_mocked=True) as router:
        router.post(URL).mock(side_effect=script)
        router.get(FILE).mock(side_effect=files)
        built = build(script, limits=Limits(export_seconds=100, export_bytes=4_000_000))
        async with built.edge:
            yield built
    assert not script.replies
    assert not files.replies


def variant(number: int, **more: Any) -> dict[str, Any]:
    stocked = {"id": item(number), "tracked": True, "inventoryLevel": level(number)}
    return {
        "id": f"gid://shopify/ProductVariant/{number}",
        "title": "Default Title",
        "sku": f"SKU-{number}",
        "barcode": "0012345",
        "price": "12.50",
        "updatedAt": "2026-11-22T10:00:00Z",
        "product": {"id": "gid://shopify/Product/1", "title": "Kräuter\u2028", "status": "ACTIVE"},
        "inventoryItem": stocked,
    } | more


def jsonl(*rows: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)


STARTED = answer({"bulkOperationRunQuery": {"bulkOperation": {"id": OPERATION}, "userErrors": []}}, requested=10)
COUNTED = answer({"locations": {"nodes": [{"id": HERE}]}}, requested=3)


def polled(status: str, **more: Any) -> httpx.Response:
    base = {"status": status, "errorCode": None, "createdAt": "2026-11-22T12:00:00Z", "objectCount": "0"}
    return answer({"bulkOperation": base | {"fileSize": None, "url": None} | more}, requested=1)


def done(body: bytes, count: int) -> httpx.Response:
    return polled("COMPLETED", objectCount=str(count), fileSize=str(len(body)), url=FILE)


async def test_every_row_is_delivered_in_pages_with_its_level(stage: Stage, files: Files) -> None:
    body = jsonl(*[variant(n) for n in range(1201)])
    stage.says(COUNTED, STARTED, polled("CREATED"), polled("RUNNING"), done(body, 1201))
    files.replies = [httpx.Response(200, content=body)]
    basket = Basket[VariantRow]()
    certificate = await stage.shop.read_everything(basket)
    assert [len(rows) for rows in basket.pages] == [500, 500, 201]
    row = basket.rows[7]
    assert row.level is not None
    assert (row.sku, row.price, row.product_title, row.level.available, row.level.inventory_item_id) == (
        "SKU-7",
        1_250,
        "Kräuter\u2028",
        7,
        item(7),
    )
    assert (certificate.source, certificate.rows, certificate.pages) == ("shopify.export", 1201, 3)
    assert str(certificate.newest) == "2026-11-22 12:00:00+00:00", "when it was begun: what changed before is in it"


async def test_the_query_names_the_location_inline(stage: Stage) -> None:
    stage.says(COUNTED, STARTED, polled("COMPLETED"))
    certificate = await stage.shop.read_everything(Basket[VariantRow]())
    query = stage.script.variables[1]["query"]
    assert f'inventoryLevel(locationId: "{HERE}", includeInactive: true)' in query
    assert "$" not in query
    assert (certificate.rows, str(certificate.newest)) == (0, "2026-11-22 12:00:00+00:00")


async def test_the_download_carries_no_token(stage: Stage, files: Files) -> None:
    body = jsonl(variant(1))
    stage.says(COUNTED, STARTED, done(body, 1))
    files.replies = [httpx.Response(200, content=body)]
    await stage.shop.read_everything(Basket[VariantRow]())
    assert "x-shopify-access-token" not in files.requests[0].headers
    assert "shpat" not in str(files.requests[0].headers)


async def test_the_watermark_never_passes_the_start_of_the_export(stage: Stage, files: Files) -> None:
    body = jsonl(variant(1, updatedAt="2026-11-22T12:03:00Z"))
    stage.says(COUNTED, STARTED, done(body, 1))
    files.replies = [httpx.Response(200, content=body)]
    certificate = await stage.shop.read_everything(Basket[VariantRow]())
    assert str(certificate.newest) == "2026-11-22 12:00:00+00:00"


async def test_a_variant_without_a_level_is_not_stocked_here(stage: Stage, files: Files) -> None:
    body = jsonl(variant(1, sku=None, inventoryItem={"id": item(1), "tracked": False, "inventoryLevel": None}))
    stage.says(COUNTED, STARTED, done(body, 1))
    files.replies = [httpx.Response(200, content=body)]
    basket = Basket[VariantRow]()
    await stage.shop.read_everything(basket)
    assert (basket.rows[0].level, basket.rows[0].sku, basket.rows[0].tracked) == (None, "", False)


async def test_polling_backs_off(stage: Stage) -> None:
    stage.says(COUNTED, STARTED, *[polled("RUNNING")] * 5, polled("COMPLETED"))
    await stage.shop.read_everything(Basket[VariantRow]())
    assert stage.clock.slept == [1.0, 1.5, 2.25, 3.375, 5.0625, 7.59375]


async def test_a_cut_download_starts_anew(stage: Stage, files: Files) -> None:
    body = jsonl(variant(1), variant(2))
    stage.says(COUNTED, STARTED, done(body, 2))
    cut = httpx.Response(200, content=body[:-20], headers={"content-length": str(len(body))})
    files.replies = [cut, httpx.ReadError("reset"), httpx.Response(200, content=body)]
    basket = Basket[VariantRow]()
    await stage.shop.read_everything(basket)
    assert [row.sku for row in basket.rows] == ["SKU-1", "SKU-2"]


INCOMPLETE: dict[str, tuple[bytes, dict[str, Any], Code]] = {
    "a row is missing": (jsonl(variant(1)), {"objectCount": "2"}, Code.SH013),
    "a row too many": (jsonl(variant(1), variant(2)), {"objectCount": "1"}, Code.SH013),
    "another size": (jsonl(variant(1)), {"objectCount": "1", "fileSize": "7"}, Code.SH013),
    "half a row": (jsonl(variant(1))[:-30], {"objectCount": "1"}, Code.SH007),
    "HTML": (b"<html>\n", {"objectCount": "1"}, Code.SH007),
    "no zone": (jsonl(variant(1, updatedAt="2026-11-22T10:00:00")), {"objectCount": "1"}, Code.SH007),
    "a number as text": (
        jsonl(variant(1, inventoryItem={"id": "x", "tracked": "yes", "inventoryLevel": None})),
        {"objectCount": "1"},
        Code.SH007,
    ),
    "bad UTF-8": (jsonl(variant(1)).replace(b"Default", b"Defau\xff"), {"objectCount": "1"}, Code.SH007),
}


@pytest.mark.parametrize(("body", "told", "code"), INCOMPLETE.values(), ids=INCOMPLETE.keys())
async def test_a_file_that_is_not_whole_is_not_delivered(
    stage: Stage, files: Files, body: bytes, told: dict[str, Any], code: Code
) -> None:
    stage.says(COUNTED, STARTED, polled("COMPLETED", url=FILE, **told))
    files.replies = [httpx.Response(200, content=body)] * (4 if "fileSize" in told else 1)
    basket = Basket[VariantRow]()
    with pytest.raises(Transient) as caught:
        await stage.shop.read_everything(basket)
    assert caught.value.code is code
    assert basket.pages == []
    assert "canary" not in str(caught.value)


async def test_rows_without_a_file_are_incomplete(stage: Stage) -> None:
    stage.says(COUNTED, STARTED, polled("COMPLETED", objectCount="3"))
    with pytest.raises(Transient) as caught:
        await stage.shop.read_everything(Basket[VariantRow]())
    assert caught.value.code is Code.SH013


@pytest.mark.parametrize(
    ("status", "error_code", "kind", "code"),
    [
        ("FAILED", "INTERNAL_SERVER_ERROR", Transient, Code.SH015),
        ("FAILED", "TIMEOUT", Transient, Code.SH015),
        ("FAILED", "ACCESS_DENIED", Permanent, Code.SH014),
        ("CANCELED", None, Transient, Code.SH015),
        ("EXPIRED", None, Transient, Code.SH015),
    ],
)
async def test_an_export_that_failed_delivers_nothing(
    stage: Stage, status: str, error_code: str | None, kind: type[SyncError], code: Code
) -> None:
    stage.says(COUNTED, STARTED, polled(status, errorCode=error_code, url=FILE))
    basket = Basket[VariantRow]()
    with pytest.raises(kind) as caught:
        await stage.shop.read_everything(basket)
    assert caught.value.code is code
    assert basket.pages == []


@pytest.mark.parametrize(
    ("refusal", "kind", "code"),
    [
        ("OPERATION_IN_PROGRESS", Transient, Code.SH015),
        ("LIMIT_REACHED", Transient, Code.SH015),
        ("INVALID", Permanent, Code.SH008),
    ],
)
async def test_an_export_that_cannot_start_says_why(
    stage: Stage, refusal: str, kind: type[SyncError], code: Code
) -> None:
    errors = [{"code": refusal, "field": None, "message": "No."}]
    stage.says(COUNTED, answer({"bulkOperationRunQuery": {"bulkOperation": None, "userErrors": errors}}))
    with pytest.raises(kind) as caught:
        await stage.shop.read_everything(Basket[VariantRow]())
    assert caught.value.code is code


async def test_an_export_without_end_is_cancelled(stage: Stage) -> None:
    cancelled = answer({"bulkOperationCancel": {"bulkOperation": {"status": "CANCELING"}, "userErrors": []}})
    stage.says(COUNTED, STARTED, *[polled("RUNNING")] * 10, cancelled)
    with pytest.raises(Transient) as caught:
        await stage.shop.read_everything(Basket[VariantRow]())
    assert caught.value.code is Code.SH015
    assert stage.script.operations[-1] == "BulkCancel"
    assert 100 <= stage.clock.elapsed <= 130


@pytest.mark.parametrize(
    "url",
    ["http://storage.googleapis.com/1", "http://169.254.169.254/latest", "file:///etc/passwd", "//evil", "gopher://x"],
)
async def test_a_file_is_fetched_only_where_it_can_lie(stage: Stage, files: Files, url: str) -> None:
    stage.says(COUNTED, STARTED, polled("COMPLETED", objectCount="1", url=url))
    with pytest.raises(Permanent) as caught:
        await stage.shop.read_everything(Basket[VariantRow]())
    assert caught.value.code is Code.SH015
    assert files.requests == []


async def test_a_file_that_has_expired_is_no_success(stage: Stage, files: Files) -> None:
    stage.says(COUNTED, STARTED, polled("COMPLETED", objectCount="1", url=FILE))
    files.replies = [httpx.Response(404)] * 4
    with pytest.raises(Transient) as caught:
        await stage.shop.read_everything(Basket[VariantRow]())
    assert caught.value.code is Code.SH015


async def test_a_file_beyond_the_limit_is_not_read_to_its_end(stage: Stage, files: Files) -> None:
    stage.says(COUNTED, STARTED, polled("COMPLETED", objectCount="1", url=FILE))
    files.replies = [httpx.Response(200, content=b"x" * 4_000_001)] * 4
    with pytest.raises(Transient) as caught:
        await stage.shop.read_everything(Basket[VariantRow]())
    assert caught.value.code is Code.SH007
