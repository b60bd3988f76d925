"""Steering the world from outside."""

from __future__ import annotations

from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.catalogue import generate
from sandbox.clock import ManualClock
from sandbox.control import control_app, control_routes
from sandbox.faults import Fault, FaultKind
from sandbox.transport import InProcessTransport
from sandbox.world import World

pytestmark = pytest.mark.anyio

START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SKU = "KAV-0001-NAT-2OZ"


class Steering:
    """A world and a client of its control API."""

    def __init__(self) -> None:
        self.clock = ManualClock(START)
        self.world = World(generate(10, seed=1, odd=False), clock=self.clock)
        transport = InProcessTransport(control_app(self.world), clock=self.clock)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://control.test")

    async def post(self, path: str, **body: Any) -> dict[str, Any]:
        response = await self.http.post(path, json=body)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    async def stock(self) -> dict[str, int]:
        stock: dict[str, int] = (await self.http.get("/state", params={"sku": SKU})).json()["stock"][SKU]
        return stock


@pytest.fixture
def steering() -> Steering:
    return Steering()


async def test_the_state_shows_stock_counts_and_pace(steering: Steering) -> None:
    state = (await steering.http.get("/state")).json()

    assert state["now"] == "2026-11-23T12:00:00+00:00"
    assert state["stock"][SKU] == {"lightspeed": 64, "shopify": 64}
    assert state["counts"] == {"goods": 10, "in_both": 10, "differing": 0, "orders": 0, "stock_writes": 0}
    assert state["people"] == {
        "cashiers_per_hour": 0,
        "cashiers_done": 0,
        "shoppers_per_hour": 0,
        "shoppers_done": 0,
    }


async def test_the_state_shows_messages_as_they_came(steering: Steering) -> None:
    world = steering.world
    message = world.slack.post("C0SANDBOX01", {"text": "<!channel> 5 differ"})
    world.slack.update("C0SANDBOX01", message.ts, {"text": "resolved"})
    world.mail.deliver("a@x.example", ["b@x.example"], b"Subject: Hello\r\nMessage-ID: <1@x.example>\r\n\r\nHi\r\n")
    world.sms.send("+14155550100", "+15005550006", "critical")

    messages = (await steering.http.get("/state")).json()["messages"]

    assert messages["slack"][0]["texts"] == ["<!channel> 5 differ", "resolved"]
    assert messages["slack"][0]["control_sequences"] == []
    assert messages["mail"] == [
        {
            "at": "2026-11-23T12:00:00+00:00",
            "from": "a@x.example",
            "to": ["b@x.example"],
            "subject": "Hello",
            "message_id": "<1@x.example>",
            "text": "Hi\n",
        }
    ]
    assert {"body": "critical", "status": "queued", "error_code": None}.items() <= messages["sms"][0].items()


async def test_the_state_shows_the_text_of_a_mail_of_several_parts(steering: Steering) -> None:
    mail = EmailMessage()
    mail["Subject"] = "Alert"
    mail.set_content("5 SKUs differ\n")
    mail.add_alternative("<p>5 SKUs differ</p>", subtype="html")
    only_html = EmailMessage()
    only_html.set_content("<p>Hi</p>", subtype="html")
    for message in (mail, only_html):
        steering.world.mail.deliver("a@x.example", ["b@x.example"], message.as_bytes())

    messages = (await steering.http.get("/state")).json()["messages"]

    assert [each["text"] for each in messages["mail"]] == ["5 SKUs differ\n", ""]


async def test_the_fate_of_the_next_text_can_be_set(steering: Steering) -> None:
    await steering.post("/faults", service="sms", operation="fate", kind="undelivered", code="30005")
    steering.world.sms.send("+14155550100", "+15005550006", "critical")
    steering.clock.advance(1)

    (text,) = (await steering.http.get("/state")).json()["messages"]["sms"]

    assert (text["status"], text["error_code"]) == ("undelivered", 30005)


def test_the_handbook_names_every_route_and_every_fault() -> None:
    handbook = Path("docs/sandbox.md").read_text()

    for name in (*(f"`/{path.lstrip('/')}`" for path in control_routes()), *(f"`{kind}`" for kind in FaultKind)):
        assert name in handbook, name


@pytest.mark.parametrize(
    ("deed", "quantity", "stock"),
    [("sell", 4, 60), ("refund", 1, 65), ("receive", 48, 112), ("count", 7, 7)],
)
async def test_the_till_can_be_worked(steering: Steering, deed: str, quantity: int, stock: int) -> None:
    answer = await steering.post(f"/lightspeed/{deed}", sku=SKU, quantity=quantity)

    assert answer == {"sku": SKU, "lightspeed": stock}
    assert await steering.stock() == {"lightspeed": stock, "shopify": 64}


async def test_an_order_can_be_taken_through_its_life(steering: Steering) -> None:
    order = (await steering.post("/shopify/order", units={SKU: 5}))["order"]
    assert (await steering.stock())["shopify"] == 59

    await steering.post("/shopify/edit", order=order, sku=SKU, delta=-1)
    assert (await steering.stock())["shopify"] == 60

    await steering.post("/shopify/fulfil", order=order, units={SKU: 2})
    await steering.post("/shopify/refund", order=order, units={SKU: 1}, restock_type="RETURN")
    assert (await steering.stock())["shopify"] == 61

    await steering.post("/shopify/cancel", order=order, restock=True)
    assert (await steering.stock())["shopify"] == 63

    other = (await steering.post("/shopify/order", units={SKU: 1}, test=True))["order"]
    await steering.post("/shopify/fulfil", order=other)
    assert steering.world.shopify.committed(SKU) == 0


async def test_an_order_can_have_a_discount_shipping_and_a_tip_and_money_can_go_back(steering: Steering) -> None:
    extras = {"discount_cents": 100, "shipping_cents": 500, "tip_cents": 200}
    gid = (await steering.post("/shopify/order", units={SKU: 1}, **extras))["order"]
    order = steering.world.shopify.order(gid)
    assert (order.lines[0].discounts, order.shipping_cents, order.tip_cents) == ((100,), 500, 200)

    await steering.post("/shopify/refund-money", order=gid, cents=150)
    await steering.post("/shopify/refund-money", order=gid, cents=500, shipping=True)
    assert (order.refunded_cents, order.current_shipping_cents, order.outstanding_cents) == (650, 0, 0)


async def test_stock_can_be_edited_by_hand(steering: Steering) -> None:
    assert await steering.post("/shopify/adjust", sku=SKU, delta=-3) == {"sku": SKU, "shopify": 61}

    counts = (await steering.http.get("/state")).json()["counts"]
    assert counts["differing"] == 1


async def test_faults_can_be_set_and_cleared(steering: Steering) -> None:
    answer = await steering.post("/faults", service="slack", operation="chat.update", kind="throttled", seconds=3)
    assert answer["times"] == 1
    assert steering.world.faults.take("slack", "chat.update") == Fault(FaultKind.THROTTLED, 1, 3.0)

    await steering.post("/faults", service="smtp", kind="refused", code="451", times=0)
    assert (await steering.http.delete("/faults", params={"service": "smtp"})).json() == {"cleared": "smtp"}
    assert steering.world.faults.take("smtp", "DATA") is None


async def test_faults_can_be_planted_in_goods(steering: Steering) -> None:
    answer = await steering.post("/plant", count=1, seed=3, flaws=["stock_higher"])
    [planted] = answer["planted"]
    assert planted["flaw"] == "stock_higher"
    stock = (await steering.http.get("/state", params={"sku": planted["sku"]})).json()["stock"][planted["sku"]]
    assert stock["shopify"] > stock["lightspeed"]


async def test_the_pace_of_people_can_be_changed(steering: Steering) -> None:
    await steering.post("/people", cashiers_per_hour=600)
    await steering.post("/people", shoppers_per_hour=30.5)

    assert (steering.world.cashiers.per_hour, steering.world.shoppers.per_hour) == (600, 30.5)


@pytest.mark.parametrize(
    ("path", "body", "sentence"),
    [
        ("/lightspeed/sell", {"quantity": 1}, "the field 'sku' is missing"),
        ("/lightspeed/sell", {"sku": SKU, "quantity": "1"}, "the field 'quantity' must be of type integer, not '1'"),
        ("/lightspeed/sell", {"sku": SKU, "quantity": True}, "the field 'quantity' must be of type integer, not True"),
        ("/lightspeed/sell", {"sku": "NOPE", "quantity": 1}, "no item has the SKU 'NOPE'"),
        ("/lightspeed/sell", {"sku": SKU, "quantity": 0}, "cannot sell 0"),
        ("/shopify/order", {}, "the field 'units' is missing"),
        ("/shopify/order", {"units": {}}, "the field 'units' names no SKU"),
        ("/shopify/order", {"units": {SKU: 1.5}}, f"the field '{SKU}' must be of type integer, not 1.5"),
        ("/shopify/order", {"units": {SKU: 1}, "tip_cents": -1}, "no amount is below 0"),
        ("/shopify/fulfil", {"order": "gid://shopify/Order/1"}, "no order gid://shopify/Order/1"),
        ("/shopify/refund-money", {"order": "gid://shopify/Order/1", "cents": 1}, "no order gid://shopify/Order/1"),
        ("/faults", {"service": "fax", "kind": "slow"}, "no service 'fax'"),
        ("/faults", {"service": "slack", "kind": "tired"}, "no fault 'tired'"),
        ("/faults", {"service": "slack", "kind": "slow", "times": -1}, "'times' is 0"),
        ("/people", {"cashiers_per_hour": -1}, "a pace is between 0 and 1,000,000"),
        ("/people", {"cashiers_per_hour": 5, "shoppers_per_hour": -1}, "a pace is between 0 and 1,000,000"),
        ("/plant", {"count": 99}, "too few sound goods for 99 faults"),
        ("/plant", {"count": -1}, "cannot plant -1 faults"),
        ("/plant", {"count": 1, "flaws": [["price"]]}, "no flaw ['price']"),
        ("/plant", {"count": 1, "flaws": []}, "of 0 kinds"),
    ],
)
async def test_nonsense_is_answered_400_with_a_sentence(
    steering: Steering, path: str, body: dict[str, Any], sentence: str
) -> None:
    response = await steering.http.post(path, json=body)

    assert response.status_code == 400
    assert sentence in response.json()["error"]
    assert await steering.stock() == {"lightspeed": 64, "shopify": 64}
    assert (steering.world.cashiers.per_hour, steering.world.shoppers.per_hour) == (0, 0)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"{", "the body is not JSON"), (b"[]", "the body must be of type object, not []")],
    ids=["half an object", "a list"],
)
async def test_a_body_that_is_no_object_is_refused(steering: Steering, content: bytes, sentence: str) -> None:
    response = await steering.http.post("/people", content=content)

    assert response.status_code == 400
    assert sentence in response.json()["error"]


async def test_asking_for_an_unknown_sku_or_service_is_refused(steering: Steering) -> None:
    state = await steering.http.get("/state", params={"sku": "NOPE"})
    faults = await steering.http.delete("/faults", params={"service": "fax"})

    assert (state.status_code, state.json()) == (400, {"error": "no good has the SKU 'NOPE'"})
    assert faults.status_code == 400


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nothing", 404), ("GET", "/people", 405)])
async def test_what_is_not_there_is_answered_in_json(steering: Steering, method: str, path: str, status: int) -> None:
    response = await steering.http.request(method, path)

    assert response.status_code == status
    assert response.json()["error"]


async def test_web_pages_cannot_steer_the_world(steering: Steering) -> None:
    response = await steering.http.post("/people", json={}, headers={"origin": "https://evil.example"})

    assert response.status_code == 403
