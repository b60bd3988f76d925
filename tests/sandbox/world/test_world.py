"""One world from one list of goods, in process and served."""

from __future__ import annotations

import errno
import signal
import ssl
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import urlsplit

import aiosmtplib
import anyio
import httpx
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.catalogue import generate
from sandbox.clock import ManualClock, RealClock
from sandbox.faults import Fault, FaultKind
from sandbox.serve import Ports, run, serve
from sandbox.world import Addresses, World

pytestmark = pytest.mark.anyio

START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def _world(count: int = 20) -> World:
    return World(generate(count, seed=1, odd=False), clock=ManualClock(START))


async def _token(world: World, http: httpx.AsyncClient) -> str:
    settings = world.settings()
    response = await http.post(
        f"{settings['LIGHTSPEED_AUTH_URL']}/auth/oauth/token",
        data={
            "grant_type": "refresh_token",
            "client_id": settings["LIGHTSPEED_CLIENT_ID"],
            "client_secret": settings["LIGHTSPEED_CLIENT_SECRET"],
            "refresh_token": settings["LIGHTSPEED_REFRESH_TOKEN"],
        },
    )
    token: str = response.json()["access_token"]
    return token


async def test_both_shops_open_with_the_same_stock() -> None:
    world = World(generate(100, seed=1), clock=ManualClock(START))

    stock = world.stock()

    assert len(stock) == 100
    apart = {
        sku: (here, there)
        for sku, (here, there) in stock.items()
        if here is not None and there is not None and here != there
    }
    assert apart == {}
    assert sum(here is None for here, _ in stock.values()) == 2  # sold online only, and the duplicate
    assert sum(there is None for _, there in stock.values()) == 1


async def test_a_renamed_sku_is_unknown_not_a_crash() -> None:
    world = _world()
    sku = world.goods[0].sku

    world.lightspeed.rename_sku(sku, "NEW-1")

    assert world.stock()[sku] == (None, world.goods[0].stock)


def test_the_settings_name_services_that_lie_beyond_all_goods() -> None:
    world = _world()
    names = ("SHIPPING", "TAX", "OTHER")
    ids = [int(world.settings()[f"LIGHTSPEED_{name}_ITEM_ID"]) for name in names]
    services = [world.lightspeed.books.items[item_id] for item_id in ids]
    assert [item.description for item in services] == ["Shipping", "Online sales tax", "Online: other"]
    assert {(item.item_type, item.tax, item.custom_sku) for item in services} == {("non_inventory", False, "")}
    assert world.lightspeed.books.items[900_004].description == "Online: goods without a link"
    assert "LIGHTSPEED_UNLINKED_ITEM_ID" not in world.settings()
    assert world.lightspeed.item_id(world.goods[-1].sku) == "20"


async def test_services_answer_in_process_and_requests_are_counted() -> None:
    world = _world()
    async with httpx.AsyncClient(mounts=world.transports()) as http:
        token = await _token(world, http)
        url = f"{world.settings()['LIGHTSPEED_API_URL']}/API/V3/Account/123456/ItemShop.json"
        page = await http.get(url, headers={"authorization": f"Bearer {token}"})

    assert page.status_code == 200
    assert len(page.json()["ItemShop"]) == 48  # of 20 goods and 4 services: the shop's, and the sum of all shops
    assert world.requests["lightspeed"] == {
        "POST /auth/oauth/token": 1,
        "GET /API/V3/Account/{id}/ItemShop.json": 1,
    }


async def test_both_shops_are_reached_with_the_settings_alone_when_served() -> None:
    world = _world()
    query = '{ location(id: "gid://shopify/Location/1001") { id } }'
    async with serve(world), httpx.AsyncClient() as http:
        settings = world.settings()
        token = await _token(world, http)
        items = await http.get(
            f"{settings['LIGHTSPEED_API_URL']}/API/V3/Account/{settings['LIGHTSPEED_ACCOUNT_ID']}/Item.json",
            headers={"authorization": f"Bearer {token}"},
        )
        location = await http.post(
            f"{settings['SHOPIFY_ADMIN_URL']}/admin/api/2026-10/graphql.json",
            json={"query": query},
            headers={"x-shopify-access-token": settings["SHOPIFY_ADMIN_API_ACCESS_TOKEN"]},
        )

    assert len(items.json()["Item"]) == 24
    assert location.json()["data"] == {"location": {"id": settings["SHOPIFY_LOCATION_ID"]}}


def test_settings_name_everything_a_daemon_needs() -> None:
    settings = Addresses(smtp_port=2525, smtp_ca_file=Path("/x/ca.pem")).settings()

    assert settings["ENVIRONMENT"] == "sandbox"
    assert settings["SLACK_API_URL"] == "http://slack.sandbox.test/api/"
    assert settings["SMTP_URL"] == "smtp+starttls://sandbox:sandbox-mail-password@127.0.0.1:2525"
    assert settings["SMTP_CA_FILE"] == "/x/ca.pem"
    assert settings["SHOPIFY_LOCATION_ID"] == "gid://shopify/Location/1001"
    assert "SMTP_URL" not in Addresses().settings()


async def test_a_served_slack_speaks_with_slacks_own_client() -> None:
    world = _world()
    async with serve(world):
        settings = world.settings()
        client = AsyncWebClient(token=settings["SLACK_BOT_TOKEN"], base_url=settings["SLACK_API_URL"], timeout=5)
        who = await client.auth_test()
        blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "*5* SKUs differ"}}]
        posted = await client.chat_postMessage(channel="#wtf-inventory-alerts", text="5 differ", blocks=blocks)
        channel, ts = str(posted["channel"]), str(posted["ts"])
        await client.chat_update(channel=channel, ts=ts, text="resolved")
        await client.chat_postMessage(channel=channel, text="over", thread_ts=ts)
        channels = await client.conversations_list(exclude_archived=True)
        with pytest.raises(SlackApiError) as refusal:
            await client.chat_update(channel=channel, ts="1.000001", text="x")

    assert who["user"] == "lightspeed_sync"
    assert [version.text for version in world.slack.messages[0].versions] == ["5 differ", "resolved"]
    assert [reply.shown.text for reply in world.slack.thread(ts)] == ["over"]
    assert {each["name"] for each in channels["channels"]} == {"wtf-inventory-alerts", "wtf-operations", "general"}
    assert refusal.value.response["error"] == "message_not_found"


async def test_a_served_slack_that_is_busy_says_when_to_come_back() -> None:
    world = _world()
    world.faults.add("slack", "chat.postMessage", Fault(FaultKind.THROTTLED, seconds=7))
    async with serve(world):
        settings = world.settings()
        client = AsyncWebClient(token=settings["SLACK_BOT_TOKEN"], base_url=settings["SLACK_API_URL"], timeout=5)
        with pytest.raises(SlackApiError) as refusal:
            await client.chat_postMessage(channel="#wtf-inventory-alerts", text="5 differ")

    assert refusal.value.response.status_code == 429
    assert refusal.value.response.headers["Retry-After"] == "7"


async def test_a_cut_connection_is_really_cut() -> None:
    world = _world()
    world.faults.add("sms", "*", Fault(FaultKind.RESET_AFTER))
    async with (
        serve(world) as addresses,
        httpx.AsyncClient(auth=(world.settings()["TWILIO_ACCOUNT_SID"], world.settings()["TWILIO_AUTH_TOKEN"])) as http,
    ):
        url = f"{addresses.sms}/2010-04-01/Accounts/{world.settings()['TWILIO_ACCOUNT_SID']}/Messages.json"
        with pytest.raises(httpx.TransportError):
            await http.post(url, data={"To": "+14155550100", "From": "+15005550006", "Body": "critical"})

    assert [message.body for message in world.sms.messages] == ["critical"]


async def test_mail_arrives_with_the_settings_alone() -> None:
    world = _world()
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@wtfswag.com", "ops@wtfswag.com", "Stock differs"
    async with serve(world):
        settings = world.settings()
        server = urlsplit(settings["SMTP_URL"])
        context = ssl.create_default_context(cafile=settings["SMTP_CA_FILE"])
        await aiosmtplib.send(
            message,
            hostname=server.hostname,
            port=server.port,
            start_tls=True,
            tls_context=context,
            username=server.username,
            password=server.password,
        )

    assert [mail.message["Subject"] for mail in world.mail.messages] == ["Stock differs"]
    assert not await anyio.Path(settings["SMTP_CA_FILE"]).exists()


async def test_each_http_service_has_its_own_port_and_all_are_free_again_afterwards() -> None:
    world = _world()
    async with serve(world) as addresses:
        urls = {addresses.lightspeed, addresses.shopify, addresses.slack, addresses.sms, addresses.control}
        assert len(urls) == 5
        port = int(addresses.shopify.rpartition(":")[2])
    assert world.addresses == Addresses()

    async with serve(world, ports=Ports(lightspeed=port)) as addresses:
        assert addresses.lightspeed == f"http://127.0.0.1:{port}"


async def test_a_taken_port_is_an_error_with_its_number() -> None:
    async with serve(_world()) as addresses:
        port = int(addresses.slack.rpartition(":")[2])
        with pytest.raises(OSError, match=f"port {port} of 127.0.0.1 is taken") as refusal:
            async with serve(_world(), ports=Ports(sms=port)):
                pytest.fail("two servers cannot have one port")

    assert refusal.value.errno == errno.EADDRINUSE


async def test_signals_stay_with_the_program_that_serves() -> None:
    before = (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM))
    async with serve(_world()):
        assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


async def test_run_serves_and_lets_people_trade_until_it_is_cancelled(capsys: pytest.CaptureFixture[str]) -> None:
    seen: list[World] = []
    opened = anyio.Event()

    def ready(world: World, addresses: Addresses) -> None:
        assert world.addresses is addresses
        seen.append(world)
        opened.set()

    async def sandbox() -> None:
        await run(
            generate(20, seed=1, odd=False),
            ready=ready,
            clock=ManualClock(START),
            cashiers_per_hour=3_600,
            shoppers_per_hour=3_600,
        )

    with anyio.fail_after(10):
        async with anyio.create_task_group() as group:
            group.start_soon(sandbox)
            await opened.wait()
            world = seen[0]
            async with httpx.AsyncClient() as http:
                while not (world.cashiers.done and world.shoppers.done):
                    answer = await http.get(f"{world.addresses.control}/state")
            group.cancel_scope.cancel()

    assert answer.json()["people"]["cashiers_per_hour"] == 3_600
    assert capsys.readouterr() == ("", "")


async def test_the_machines_own_clock_is_the_default() -> None:
    worlds: list[World] = []

    async def sandbox() -> None:
        await run([], ready=lambda world, _: worlds.append(world))

    async with anyio.create_task_group() as group:
        group.start_soon(sandbox)
        while not worlds:
            await anyio.lowlevel.checkpoint()
        group.cancel_scope.cancel()

    assert isinstance(worlds[0].clock, RealClock)
