"""The theme in a real browser, in a pretend shop, through the pretend app proxy, with the real daemon behind it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Browser, BrowserContext, Page

from sandbox.shopify.model import Variant
from sandbox.shopify.sender import PRETEND_ADDRESS
from tests.e2e.play import ALERTS, Shop, shop
from tests.theme.chromium import until

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

OLDER = Path(__file__).with_name("older_theme.js")
APP = "/apps/wtf/lightspeed"


class Visitors:
    """An open shop with its daemon, and those who visit it: browsers, and others who only ask the app proxy."""

    def __init__(self, opened: Shop, browser: Browser) -> None:
        self.opened = opened
        self.front = opened.world.addresses.front
        self._browser = browser
        self._untaken = list(opened.skus)
        self.refused: list[str] = []  # what a page's policy or an error in it stopped

    def take(self, least: int = 7) -> tuple[str, Variant]:
        """Return a good that both shops sell and of which so many are there, with its variant; each only once."""
        world = self.opened.world
        sku = next(sku for sku in self._untaken if world.sellable(sku) == world.shopify.available(sku) >= least)
        self._untaken.remove(sku)
        return sku, world.shopify.item(sku).variant

    @asynccontextmanager
    async def page(self) -> AsyncIterator[Page]:
        """Open a browser of its own at the shop's door."""
        context: BrowserContext = await self._browser.new_context(viewport={"width": 800, "height": 500})
        page = await context.new_page()
        page.on("pageerror", lambda error: self.refused.append(str(error)))
        page.on("console", lambda said: self.refused.append(said.text) if "Content Security" in said.text else None)
        try:
            await page.goto(self.front)
            yield page
        finally:
            await context.close()

    async def left(self, variant: Variant) -> int:
        """Return how much somebody who has nothing can have."""
        async with httpx.AsyncClient(base_url=self.front) as client:
            answer = await client.get(f"{APP}/availability", params={"variant_id": variant.number})
        assert answer.status_code == 200, answer.text
        return int(answer.json()["quantity"])

    async def until_left(self, variant: Variant, units: int, seconds: float = 30.0) -> None:
        async def seen() -> bool:
            return await self.left(variant) == units

        await self.opened.until(seen, f"{units} to be left of {variant.item.sku}", seconds)


@asynccontextmanager
async def visitors(folder: Path, browser: Browser, alerts: str = ALERTS) -> AsyncIterator[Visitors]:
    """Open a shop that is in step, with its daemon ready and the app proxy leading to it."""
    async with shop(folder) as opened:
        opened.world.webhooks.hosts[PRETEND_ADDRESS] = f"http://127.0.0.1:{opened.public_port}"
        opened.env["PUBLIC_URL"] = PRETEND_ADDRESS
        (folder / "alerts.yaml").write_text(alerts)
        first = await opened.run("sync", "--full", "--confirm", "--json")
        assert first.code == 0, first.said
        await opened.start()
        await opened.until(opened.ready, "the daemon to be ready")
        yield Visitors(opened, browser)


@pytest.fixture(scope="module")
async def shopping(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Visitors]:
    async with visitors(tmp_path_factory.mktemp("shop"), browser) as opened:
        yield opened
        assert opened.refused == []


async def look_at(page: Page, variant: Variant) -> None:
    """Open a product's page, and wait for the script to begin."""
    await page.goto(f"{page.url.split('/products')[0].rstrip('/')}/products/{variant.product.handle}")
    await page.get_by_label("Variant").select_option(str(variant.number))
    await until(page, "WTFLightspeed.isActive()")


async def buy(page: Page, units: int = 1) -> None:
    await page.get_by_label("Quantity", exact=True).fill(str(units))
    await page.get_by_role("button", name="Add to cart").click()


HELD = "() => WTFLightspeed.getSyncStatus().holds.some(({state}) => state === 'held')"
CART = "() => [...document.querySelectorAll('#cart li')].map((line) => [line.dataset.variant, line.dataset.units])"


async def test_what_a_visitor_adds_is_held_until_it_leaves_the_cart(shopping: Visitors) -> None:
    _, variant = shopping.take()
    before = await shopping.left(variant)
    async with shopping.page() as page:
        await look_at(page, variant)
        await buy(page, 2)
        await until(page, HELD)
        while_held = await shopping.left(variant)
        await page.get_by_label(f"Quantity of {variant.product.title}").fill("3")
        await page.get_by_label(f"Quantity of {variant.product.title}").blur()
        await shopping.until_left(variant, before - 3)
        await page.get_by_role("button", name="Remove").click()
        await shopping.until_left(variant, before)

    assert while_held == before - 2


async def test_of_two_who_want_the_last_unit_one_keeps_it_and_the_other_is_told(shopping: Visitors) -> None:
    sku, variant = shopping.take()
    shopping.opened.world.lightspeed.count(sku, 1)
    await shopping.until_left(variant, 1)
    async with shopping.page() as one, shopping.page() as other:
        for page in (one, other):
            await look_at(page, variant)
        for page in (one, other):
            await page.get_by_role("button", name="Add to cart").click(no_wait_after=True)
        settled = f"({HELD})() || document.querySelector('.wtf-lightspeed-message')"
        for page in (one, other):
            await until(page, settled)
        await until(one if await other.evaluate(HELD) else other, f"({CART})().length === 0")
        carts = [await page.evaluate(CART) for page in (one, other)]
        holding = [await page.evaluate(HELD) for page in (one, other)]
        said = [await page.get_by_role("alert").locator("p").all_text_contents() for page in (one, other)]

    assert sorted(holding) == [False, True]
    assert carts == [[[str(variant.number), "1"]] if held else [] for held in holding]
    title = variant.product.title
    assert [bool(texts) for texts in said] == [not held for held in holding]
    assert all("has just been sold out" in text and title in text for texts in said for text in texts)


async def test_a_completed_checkout_is_reported_ends_the_hold_and_becomes_one_sale(shopping: Visitors) -> None:
    sku, variant = shopping.take()
    before = await shopping.left(variant)
    world = shopping.opened.world
    async with shopping.page() as page:
        reported = []
        page.on("response", lambda got: reported.append(got.status) if got.url.endswith(f"{APP}/orders") else None)
        bodies: list[str] = []
        page.on(
            "request", lambda ask: bodies.append(ask.post_data or "") if ask.url.endswith(f"{APP}/orders") else None
        )
        await look_at(page, variant)
        await buy(page, 2)
        await until(page, HELD)
        await page.get_by_role("button", name="Check out").click()
        await page.get_by_role("heading", name="Thank you").wait_for()
        await until(page, "sessionStorage.getItem('wtf_lightspeed_reported')")
        stored = await page.evaluate("Object.keys(sessionStorage).filter((key) => key.startsWith('wtf_reservation_'))")
    await shopping.opened.until(lambda: world.shopify.orders and not world.unbooked(), "the order to be booked")
    await shopping.until_left(variant, before - 2)
    order = world.shopify.orders[-1]
    ended = await shopping.opened.run("sql", f"SELECT ending FROM holds WHERE order_id = '{order.id}'", "--json")  # noqa: S608

    assert reported in ([200], [202])
    assert json.loads(bodies[0])["lineItems"] == [{"variantId": str(variant.number), "quantity": 2}]
    assert "shopper@example.com" not in bodies[0]
    assert stored == []
    assert world.sellable(sku) == before - 2
    assert [row["ending"] for row in json.loads(ended.out)] == ["consumed"]


async def test_where_it_is_switched_off_the_middleware_is_asked_nothing(shopping: Visitors) -> None:
    _, variant = shopping.take()
    settings = shopping.opened.world.front.settings
    settings["wtf_lightspeed_enabled"] = False
    asked: list[str] = []
    try:
        async with shopping.page() as page:
            page.on("request", lambda ask: asked.append(ask.url))
            await page.goto(f"{shopping.front}/products/{variant.product.handle}")
            await buy(page)
            await until(page, f"({CART})().length === 1")
    finally:
        settings["wtf_lightspeed_enabled"] = True

    assert any("/cart/add.js" in url for url in asked)
    assert not [url for url in asked if APP in url or "wtf-lightspeed" in url]


async def test_a_script_that_themes_have_had_for_years_works_unchanged(shopping: Visitors) -> None:
    (_, kept), (sold, gone) = shopping.take(), shopping.take()
    shopping.opened.world.lightspeed.count(sold, 0)
    await shopping.until_left(gone, 0)
    before = await shopping.left(kept)
    mapping = {await item_of(shopping, each): each.number for each in (kept, gone)}
    async with older_theme(shopping, mapping) as page:
        await page.goto(f"{shopping.front}/products/{kept.product.handle}")
        (synced, *_) = await until(page, "olderState.synced.length && olderState.synced")
        await deed(page, "add", kept, 2)
        held = await until(page, f"sessionStorage.getItem('wtf_reservation_{kept.number}')")
        await shopping.until_left(kept, before - 2)
        shopping.opened.world.shopify.adjust(sold, 1)  # Shopify would sell it, Lightspeed has none
        await deed(page, "add", gone, 1)
        (alert,) = await until(page, "olderState.alerts.length && olderState.alerts")
        await until(page, "fetch('/cart.js').then((answer) => answer.json()).then(({items}) => items.length === 1)")
        await deed(page, "change", kept, 3)
        await shopping.until_left(kept, before - 3)
        await page.reload()
        await page.get_by_role("button", name="Check out").click()
        reported = await until(page, "window.olderState?.order")
        state = await page.evaluate("olderState")

    assert synced["status"] in {"synced", "queued"}
    assert {row["variantId"] for row in synced["results"]} == {str(kept.number), str(gone.number)}
    assert held
    assert alert.startswith(gone.product.title)
    assert reported["status"] in {"accepted", "processed"}
    assert (state["off"], state["failed"]) == (False, [])


@asynccontextmanager
async def older_theme(shopping: Visitors, mapping: dict[str, int]) -> AsyncIterator[Page]:
    """Open a browser in a shop whose theme brings a script of its own instead of ours."""
    front = shopping.opened.world.front
    front.settings["wtf_lightspeed_enabled"] = False
    known = {"accountId": "123456", "mapping": mapping, "every": 15_000}
    front.scripts |= {"known.js": f"window.olderTheme = {json.dumps(known)};", "older_theme.js": OLDER.read_text()}
    try:
        async with shopping.page() as page:
            yield page
    finally:
        front.scripts.clear()
        front.settings["wtf_lightspeed_enabled"] = True


async def item_of(shopping: Visitors, variant: Variant) -> str:
    async with httpx.AsyncClient(base_url=shopping.front) as client:
        answer = await client.get(f"{APP}/availability", params={"variant_id": variant.number})
    return str(answer.json()["itemID"])


async def deed(page: Page, name: str, variant: Variant, units: int) -> None:
    """Put a variant into the cart, or change its quantity, as a theme does that tells of it by itself."""
    await page.evaluate(
        """async ([name, id, quantity]) => {
            const headers = { 'Content-Type': 'application/json' };
            const sent = { method: 'POST', headers, body: JSON.stringify({ id, quantity }) };
            const told = await (await fetch(`/cart/${name}.js`, sent)).json();
            const [event, detail] = name === 'add' ? ['cart:added', { item: told }] : ['cart:updated', { cart: told }];
            document.dispatchEvent(new CustomEvent(event, { detail }));
        }""",
        [name, variant.number, units],
    )


async def test_with_the_daemon_killed_the_shop_goes_on_and_what_was_added_is_held_when_it_is_back(
    shopping: Visitors,
) -> None:
    _, variant = shopping.take()
    before = await shopping.left(variant)
    async with shopping.page() as page:
        await look_at(page, variant)
        await shopping.opened.kill()
        await buy(page)
        await until(page, f"({CART})().length === 1")
        await until(page, "WTFLightspeed.getSyncStatus().failures > 0")
        messages = await page.get_by_role("alert").locator("p").count()
        await shopping.opened.start()
        await shopping.opened.until(shopping.opened.ready, "the daemon to be ready")
        await until(page, HELD, seconds=60)

        assert await shopping.left(variant) == before - 1
        assert await page.evaluate(CART) == [[str(variant.number), "1"]]
        assert messages == 0


SHORT = ALERTS.replace("limits:\n", "limits:\n  storefront:\n    hold_for: 6s\n", 1)


async def test_a_hold_is_renewed_once_and_then_another_visitor_can_have_the_unit(
    browser: Browser, tmp_path: Path
) -> None:
    async with visitors(tmp_path, browser, SHORT) as shopping:
        sku, variant = shopping.take()
        shopping.opened.world.lightspeed.count(sku, 1)
        await shopping.until_left(variant, 1)
        async with shopping.page() as page:
            await look_at(page, variant)
            await buy(page)
            first = await until(page, "WTFLightspeed.getSyncStatus().holds[0]?.expiresAt")
            later = await until(
                page,
                "(first) => { const at = WTFLightspeed.getSyncStatus().holds[0].expiresAt; return at > first && at; }",
                first,
            )
            while_held = await shopping.left(variant)
            await until(page, "WTFLightspeed.getSyncStatus().holds[0].state === 'ended'", seconds=20)
            await shopping.until_left(variant, 1)
            cart = await page.evaluate(CART)
        assert shopping.refused == []

    assert first < later
    assert while_held == 0
    assert cart == [[str(variant.number), "1"]]
