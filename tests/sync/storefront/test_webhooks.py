"""What comes to the public listener: only what Shopify signed for this shop leaves a trace, and each delivery one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from monitor.metrics import Build, Metrics
from sync.events import Event, WebhookMet
from sync.storage.database import Database
from sync.storage.webhooks import SqlInbox
from sync.storefront.app import storefront_app
from sync.storefront.signature import signed_webhook, webhook_signature
from sync.storefront.webhooks import WebhookDoor
from sync.webhooks import PATH, Receipt, Topic
from tests.sync.storage.build import NOW, open_migrated, query

pytestmark = pytest.mark.anyio

SHOP = "example-shop.myshopify.com"
SECRET, LAST_SECRET = "hush", "the one before"
LARGEST = 4096
VECTORS = Path(__file__).resolve().parents[4] / "shared" / "data" / "shopify" / "proxy_and_webhook_vectors.json"


class StandingClock:
    def now(self) -> Any:
        return NOW

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("the request path waits for nothing but the store")


@dataclass
class Door:
    """The public listener over a database, called in process."""

    database: Database
    client: httpx.AsyncClient
    events: list[Event] = field(default_factory=list)

    async def post(self, body: bytes, headers: Mapping[str, str] | None = None) -> httpx.Response:
        given = {**signed(body), **(headers or {})}
        raw = [(name.encode(), value.encode()) for name, value in given.items() if value]
        return await self.client.post(PATH, content=body, headers=raw)

    async def rows(self) -> list[tuple[object, ...]]:
        return await query(self.database, "SELECT webhook_id, topic, subject, state, code FROM webhooks")

    @property
    def receipts(self) -> list[tuple[Topic | None, Receipt]]:
        return [(each.topic, each.receipt) for each in self.events if isinstance(each, WebhookMet)]


def order(number: int = 1001) -> bytes:
    return json.dumps({"id": number}).encode()


def signed(
    body: bytes, *, topic: str = "orders/create", webhook_id: str = "w-1", secret: str = SECRET
) -> dict[str, str]:
    return {
        "X-Shopify-Topic": topic,
        "X-Shopify-Hmac-Sha256": webhook_signature(body, secret),
        "X-Shopify-Shop-Domain": SHOP,
        "X-Shopify-Webhook-Id": webhook_id,
        "X-Shopify-Event-Id": "e-1",
        "X-Shopify-Triggered-At": "2026-11-22T09:59:59.000000Z",
    }


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    database = open_migrated(tmp_path, threads=True)
    events: list[Event] = []
    taking = WebhookDoor(
        inbox=SqlInbox(database), clock=StandingClock(), tell=events.append, shop=SHOP, secrets=[SECRET, LAST_SECRET]
    )
    app = storefront_app(webhooks=taking, largest_webhook=LARGEST, host="hooks.example")
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="https://hooks.example") as client:
        yield Door(database, client, events)
    await database.close()


async def test_a_signed_webhook_is_stored_and_answered(door: Door) -> None:
    answer = await door.post(order())
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert answer.headers["cache-control"] == "no-store"
    assert await door.rows() == [("w-1", "orders/create", "gid://shopify/Order/1001", "due", None)]
    assert door.receipts == [(Topic.ORDERS_CREATE, Receipt.STORED)]


async def test_fifty_copies_at_once_are_answered_fifty_times_and_stored_once(door: Door) -> None:
    answers = await asyncio.gather(*(door.post(order()) for _ in range(50)))
    assert [answer.status_code for answer in answers] == [200] * 50
    assert len(await door.rows()) == 1
    assert door.receipts.count((Topic.ORDERS_CREATE, Receipt.STORED)) == 1
    assert door.receipts.count((Topic.ORDERS_CREATE, Receipt.REPEATED)) == 49


async def test_the_last_secret_is_accepted_while_it_rotates(door: Door) -> None:
    answer = await door.post(order(), signed(order(), secret=LAST_SECRET))
    assert answer.status_code == 200


GOOD, FORGED = webhook_signature(order(), SECRET), webhook_signature(order(), "other")


@pytest.mark.parametrize(
    ("changed", "status", "error"),
    [
        pytest.param({"X-Shopify-Hmac-Sha256": FORGED}, 401, "unauthorized", id="signature"),
        pytest.param({"X-Shopify-Hmac-Sha256": ""}, 401, "unauthorized", id="no signature"),
        pytest.param({"X-Shopify-Hmac-Sha256": f"{GOOD}="}, 401, "unauthorized", id="signature and more"),
        pytest.param({"X-Shopify-Hmac-Sha256": f"{GOOD[:-2]}é="}, 401, "unauthorized", id="signature beyond ASCII"),
        pytest.param({"X-Shopify-Shop-Domain": "other.myshopify.com"}, 401, "unauthorized", id="another shop"),
        pytest.param({"X-Shopify-Shop-Domain": ""}, 401, "unauthorized", id="no shop"),
        pytest.param({"X-Shopify-Shop-Domain": SHOP.upper()}, 401, "unauthorized", id="almost the shop"),
        pytest.param({"X-Shopify-Webhook-Id": ""}, 400, "bad_request", id="no id"),
        pytest.param({"X-Shopify-Webhook-Id": "x" * 101}, 400, "bad_request", id="endless id"),
        pytest.param({"Host": "elsewhere.example"}, 400, "wrong_host", id="another host"),
    ],
)
async def test_what_does_not_prove_itself_is_refused_without_a_trace(
    door: Door, changed: dict[str, str], status: int, error: str
) -> None:
    answer = await door.post(order(), changed)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.headers["cache-control"] == "no-store"
    assert await door.rows() == []
    assert set(door.receipts) <= {(None, Receipt.REFUSED)}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[1]",
        b"1",
        b'{"id": NaN}',
        b'{"id": ' + b"9" * 3000 + b"}",
        b"\xff\xfe",
        b"[" * 4000,
        b"\xef\xbb\xbf{}",
    ],
    ids=["empty", "cut", "list", "text", "NaN", "endless number", "no UTF-8", "nested", "byte order mark"],
)
async def test_a_signed_body_that_shopify_never_sends_breaks_nothing(door: Door, body: bytes) -> None:
    answer = await door.post(body)
    known = await door.rows()
    assert answer.status_code == 400 or [row[3] for row in known] == ["dead"]


@pytest.mark.parametrize("declared", [True, False], ids=["told", "found"])
async def test_too_large_a_body_is_refused_before_anything_is_checked(door: Door, declared: bool) -> None:
    body = b"x" * (LARGEST + 1)

    async def parts() -> AsyncIterator[bytes]:
        yield body

    answer = await door.client.post(PATH, content=body if declared else parts(), headers=signed(body))
    assert (answer.status_code, answer.json()["error"]) == (413, "too_large")
    assert await door.rows() == []
    assert door.receipts == []


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", PATH, 405), ("POST", f"{PATH}/", 404), ("GET", "/", 404), ("PUT", PATH, 405), ("GET", "/metrics", 404)],
)
async def test_there_is_one_address_and_one_method(door: Door, method: str, path: str, status: int) -> None:
    answer = await door.client.request(method, path)
    assert answer.status_code == status
    assert set(answer.json()) == {"error", "message"}


async def test_a_topic_that_nobody_asked_for_is_answered_counted_and_not_stored(door: Door) -> None:
    answer = await door.post(order(), signed(order(), topic="carts/update"))
    assert answer.status_code == 200
    assert await door.rows() == []
    assert door.receipts == [(None, Receipt.IGNORED)]


@pytest.mark.parametrize("body", [b"{}", b'{"id": "1001"}', b'{"id": true}', b'{"id": -1}', b'{"id": 1.5}'])
async def test_a_body_that_names_no_subject_is_kept_as_dead_with_its_code(door: Door, body: bytes) -> None:
    answer = await door.post(body)
    assert answer.status_code == 200
    assert await door.rows() == [("w-1", "orders/create", "", "dead", "WH001")]


async def test_nothing_of_the_shopper_is_stored(door: Door) -> None:
    canary: dict[str, object] = {
        "email": "canary@example.com",
        "shipping_address": {"name": "Canary"},
        "note": "canary",
    }
    body = json.dumps({"id": 1001, "updated_at": "2026-11-22T09:15:30-05:00", **canary}).encode()
    await door.post(body)
    ((kept,),) = await query(door.database, "SELECT body FROM webhooks")
    assert json.loads(str(kept)) == {"id": 1001, "updated_at": "2026-11-22T09:15:30-05:00"}


async def test_what_cannot_be_stored_is_not_acknowledged(door: Door) -> None:
    await door.database.close()
    answer = await door.post(order())
    assert (answer.status_code, answer.json()["error"]) == (503, "unavailable")
    assert door.receipts == []


@pytest.mark.shared
async def test_recorded_deliveries_are_understood(door: Door) -> None:
    if not VECTORS.exists():
        pytest.skip(f"the research folder is absent: {VECTORS}")
    deliveries = json.loads(VECTORS.read_text(encoding="utf-8"))["webhook_deliveries"]
    for each in deliveries:
        body, headers = each["raw_body"].encode(), each["headers"]
        assert signed_webhook(body, headers["X-Shopify-Hmac-Sha256"], [each["secret"]]), each["topic"]
        assert (await door.client.post(PATH, content=body, headers=headers)).status_code == 200
    stored = {(row[1], row[2], row[3]) for row in await door.rows()}
    assert ("inventory_levels/update", "gid://shopify/InventoryItem/271878346596884015", "due") in stored
    assert ("orders/create", "gid://shopify/Order/820982911946154508", "due") in stored
    assert not [row for row in stored if row[2] == "dead"]


def test_an_outcome_is_counted_under_fixed_labels() -> None:
    metrics = Metrics(Build("1", "2026-10"))
    metrics(WebhookMet(None, Receipt.REFUSED))
    metrics(WebhookMet(Topic.ORDERS_PAID, Receipt.STORED))
    read = metrics.registry.get_sample_value
    assert read("lightspeed_sync_webhooks_total", {"topic": "other", "outcome": "refused"}) == 1
    assert read("lightspeed_sync_webhooks_total", {"topic": "orders/paid", "outcome": "stored"}) == 1
    assert read("lightspeed_sync_webhooks_total", {"topic": "orders/edited", "outcome": "dead"}) == 0
