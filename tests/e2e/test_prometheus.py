"""A real Prometheus beside the daemon at work takes all rules, and answers every query of every panel with numbers."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.faults import Fault, FaultKind
from sandbox.shopify.sender import PRETEND_ADDRESS
from tests.conftest import ROOT
from tests.e2e.play import Shop, shop
from tests.e2e.test_storefront_abuse import signed
from tests.monitor.grafana.boards import BOARDS, Json, filled, queries
from tests.monitor.real_peers import prometheus

pytestmark = [pytest.mark.anyio, pytest.mark.slow, pytest.mark.peer]

DEPLOYED = ROOT / "deploy" / "prometheus"
INTERVALS = {"__rate_interval": "15s", "__interval": "5s", "__range": "1h"}
HOST = PRETEND_ADDRESS.removeprefix("https://")
START = 30  # seconds that a first pass and a start may take, on a busy machine
TROUBLED = 8  # SKUs out of step: more than the limit of InventoryDiscrepancy


def in_a_hurry(folder: Path, ops: str) -> str:
    """Copy the shipped rules beside a Prometheus; return the shipped settings, for our daemon, all once a second."""
    (folder / "rules").mkdir()
    for file in (DEPLOYED / "rules").iterdir():
        (folder / "rules" / file.name).write_text(re.sub(r"interval: \w+", "interval: 1s", file.read_text()))
    text = (DEPLOYED / "prometheus.yml").read_text().replace("lightspeed-sync:9464", ops.removeprefix("http://"))
    return re.sub(r"(scrape|evaluation)_interval: \w+", r"\1_interval: 1s", text)


class Asking:
    """What a Prometheus is asked, as Grafana asks it."""

    def __init__(self, port: int, opened: Shop) -> None:
        self._client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}/api/v1", timeout=30)
        self._opened = opened
        self._begun = opened.clock.now().timestamp()
        self.values: Mapping[str, str] = INTERVALS

    async def get(self, path: str, **words: str) -> Any:
        """Return the data of an answer; fails on an error or a warning."""
        answer = (await self._client.get(path, params=words)).json()
        assert answer["status"] == "success", f"{words}: {answer}"
        assert not answer.get("warnings"), f"{words}: {answer['warnings']}"
        return answer["data"]

    async def fill_in(self) -> None:
        """Ask for the values of the variables; all of each are chosen."""
        found = dict(INTERVALS)
        for each in (each for board in BOARDS.values() for each in board["templating"]["list"]):
            if each["type"] == "query":
                asked = re.fullmatch(r"label_values\((\w+), (\w+)\)", each["query"]["query"])
                assert asked is not None
                values = await self.get(f"/label/{asked[2]}/values", **{"match[]": asked[1]})
                assert values, each["name"]
                found[each["name"]] = "|".join(re.escape(value).replace("\\", "\\\\") for value in values)
        self.values = found

    async def numbers(self, target: Json) -> list[float]:
        """Return every number that a panel would get of a query."""
        expr, now = filled(target["expr"], self.values), self._opened.clock.now().timestamp()
        if target.get("instant"):
            result = (await self.get("/query", query=expr))["result"]
            return [float(each["value"][1]) for each in result]
        times = {"start": f"{self._begun:.3f}", "end": f"{now:.3f}", "step": "1"}
        result = (await self.get("/query_range", query=expr, **times))["result"]
        return [float(value) for each in result for _, value in each["values"]]

    async def close(self) -> None:
        await self._client.aclose()


@asynccontextmanager
async def watched(opened: Shop) -> AsyncIterator[Asking]:
    """Run the daemon, hearing of webhooks, and a Prometheus that has seen it before anything happens."""
    opened.world.webhooks.hosts[PRETEND_ADDRESS] = f"http://127.0.0.1:{opened.public_port}"
    opened.env["PUBLIC_URL"] = PRETEND_ADDRESS
    check_links_soon(opened)
    first = await opened.run("sync", "--full", "--confirm", "--json")
    assert first.code == 0, first.said
    sending = asyncio.create_task(opened.world.webhooks.run(), name="webhooks")
    await opened.start()
    try:
        await opened.until(opened.ready, "the daemon to be ready")
        with prometheus(opened.folder, in_a_hurry(opened.folder, opened.ops)) as port:
            asking = Asking(port, opened)
            try:
                await opened.until(lambda: scraped(asking), "Prometheus to see the daemon")
                yield asking
            finally:
                await asking.close()
    finally:
        sending.cancel()
        with suppress(asyncio.CancelledError):
            await sending


def check_links_soon(opened: Shop) -> None:
    """Let the weekly check of all links fall on the first full minute at which the daemon surely runs."""
    at = opened.clock.now() + timedelta(seconds=60 + START)
    with (opened.folder / "alerts.yaml").open("a") as file:
        file.write(f'mapping_check_at: "{at:%a %H:%M}"\n'.lower())


async def scraped(asking: Asking) -> bool:
    return bool((await asking.get("/query", query="lightspeed_sync_rules_last_evaluation_timestamp_seconds"))["result"])


async def traded(opened: Shop) -> None:
    """Let happen what the demo shows: sales in the store, an order out of a held cart, an outage told to Slack."""
    world, skus = opened.world, sorted(opened.skus, key=opened.world.shopify.available, reverse=True)
    world.lightspeed.sell(skus[0], 3)
    await opened.until(lambda: not opened.out_of_step(), "Shopify to follow")
    await held(opened, "c1")
    world.shopify.place_order({skus[1]: 1}, cart_token="c1")
    await opened.until(lambda: not world.unbooked(), "the order to be booked")
    world.faults.add("shopify", "inventorySetQuantities", Fault(FaultKind.REFUSED, times=0))
    for sku in skus[2 : 2 + TROUBLED]:
        world.lightspeed.sell(sku, 1)
    await opened.until(lambda: world.slack.messages, "the alert in Slack")
    world.faults.clear("shopify")
    await opened.until(lambda: not opened.out_of_step(), "both shops to be in step again")
    checked = "SELECT 1 FROM runs WHERE job = 'mapping' AND outcome = 'ok'"

    async def links_are_checked() -> bool:
        return "1" in (await opened.run("sql", checked, "--json")).out

    await opened.until(links_are_checked, "the weekly check of the links", seconds=120)


async def held(opened: Shop, cart: str) -> None:
    """Hold a unit of the first goods for a cart, as a shop's page does."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{opened.public_port}", headers={"Host": HOST}) as client:
        goods = (await client.get(f"/inventory?{signed(limit='5')}")).json()["items"]
        wish = {"variantId": next(each for each in goods if each["qtyOnHand"] > 2)["variantId"], "quantity": 1}
        answer = await client.post(f"/reserve?{signed()}", json=wish | {"cartToken": cart})
        assert answer.status_code == 200, answer.text


async def unanswered(asking: Asking) -> list[str]:
    """Return which queries of panels have no number."""
    found = []
    for name, target in queries():
        if not any(map(math.isfinite, await asking.numbers(target))):
            found.append(f"{name}: {filled(target['expr'], asking.values)}")
    return found


async def test_every_query_of_every_panel_is_answered_with_numbers(tmp_path: Path) -> None:
    async with shop(tmp_path, goods=40) as opened, watched(opened) as asking:
        await traded(opened)
        await asking.fill_in()
        missing: list[str] = []

        async def all_answered() -> bool:
            missing[:] = await unanswered(asking)
            return not missing

        with suppress(AssertionError):
            await opened.until(all_answered, "all queries to be answered", seconds=6)
        assert missing == []
        await rules_are_well(asking)
        await alerts_are_marked(asking)
        assert await opened.stop() == 0, opened.log()


async def rules_are_well(asking: Asking) -> None:
    groups = (await asking.get("/rules"))["groups"]
    rules = [rule for group in groups for rule in group["rules"]]

    assert len(rules) > 100
    assert [rule for rule in rules if rule["health"] != "ok"] == []
    assert [target["health"] for target in (await asking.get("/targets"))["activeTargets"]] == ["up"]


async def alerts_are_marked(asking: Asking) -> None:
    """InventoryDiscrepancy fired by Prometheus' own judging; a daemon at work fires no alert about its absence."""
    (mark,) = (each for each in BOARDS["overview"]["annotations"]["list"] if not each.get("builtIn"))
    assert await asking.numbers(mark["target"])
    fired = await asking.get("/series", **{"match[]": 'ALERTS{alertstate="firing"}'})
    assert "InventoryDiscrepancy" in {each["alertname"] for each in fired}
    assert not {each["alertname"] for each in fired} & {"LightspeedSyncDown", "SyncLatencyHigh", "OrdersNotBooked"}
