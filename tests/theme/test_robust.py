"""Whatever the script meets, the page works without an error, and the cart stays as the shopper made it."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser

from tests.theme.chromium import until
from tests.theme.pretend import Fails, PretendShop, active, add, advance, held, visit

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

KAVA = "4001"


@pytest.mark.parametrize("route", ["/availability", "/reserve"])
@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Fails(200, body="<html>Enter the password</html>", kind="text/html"), id="a web page"),
        pytest.param(Fails(200, body="null"), id="null"),
        pytest.param(Fails(200, body="[]"), id="a list"),
        pytest.param(Fails(200, body='{"quantity": 0'), id="cut off"),
        pytest.param(Fails(200, body='{"quantity": "0", "available": false, "expiresAt": 7}'), id="other types"),
        pytest.param(Fails(200, body='{"quantity": -1, "reservationId": {}}'), id="less than none"),
        pytest.param(Fails(401), id="not signed"),
        pytest.param(Fails(409, body='{"error": "not_enough"}'), id="no quantity"),
        pytest.param(Fails(409, body='{"error": 7, "quantity": {}}'), id="another refusal"),
    ],
)
async def test_an_answer_that_makes_no_sense_takes_nothing_out_of_the_cart(
    answer: Fails, route: str, browser: Browser
) -> None:
    shop = PretendShop()
    shop.stock[KAVA] = 5
    async with visit(browser, shop) as page:
        await active(page, shop)
        shop.fails[route] = answer
        await add(page, shop, KAVA)
        await shop.until(lambda: any(route in call for call in shop.calls()))
        await advance(page, 20, step=5)
        shop.fails.clear()
        await add(page, shop, KAVA)
        await advance(page, 60, step=5)
        await held(page, KAVA, 2)
        messages = await page.get_by_role("alert").locator("p").count()

    assert shop.cart == {f"{KAVA}:k": 2}
    assert messages == 0


async def test_where_the_cart_refuses_to_be_changed_it_stays_and_nothing_is_said(browser: Browser) -> None:
    shop = PretendShop()
    shop.stock[KAVA] = 0
    async with visit(browser, shop) as page:
        await active(page, shop)
        shop.cart_fails = 500
        await add(page, shop, KAVA)
        await shop.until(lambda: any(each.route == "cart:/cart/change.js" for each in shop.asked))
        messages = await page.get_by_role("alert").locator("p").count()
        in_cart = dict(shop.cart)
        shop.cart_fails = None
        await advance(page, 20, step=5)
        await page.get_by_role("alert").locator("p").wait_for()

    assert in_cart == {f"{KAVA}:k": 1}
    assert messages == 0
    assert shop.cart == {}


async def test_in_a_browser_that_keeps_nothing_holds_last_as_long_as_the_page(browser: Browser) -> None:
    blocked = (
        "Object.defineProperty(window, 'sessionStorage', { get() { throw new DOMException('', 'SecurityError'); } });"
    )
    shop = PretendShop()
    shop.stock[KAVA] = 5
    async with visit(browser, shop, before=blocked) as page:
        await active(page, shop)
        await add(page, shop, KAVA)
        await held(page, KAVA, 1)
        await add(page, shop, KAVA)
        await held(page, KAVA, 2)

    assert [each.get("reservationId") for each in shop.bodies("/reserve")] == [None, "hold1"]


@pytest.mark.parametrize("stored", ["{", "null", "[]", '"x"', '{"4001": null}', '{"4001": {"state": "held"}}'])
async def test_what_lies_in_the_store_and_makes_no_sense_is_passed_over(stored: str, browser: Browser) -> None:
    shop = PretendShop()
    shop.stock[KAVA] = 5
    before = f"sessionStorage.setItem('wtf_lightspeed_holds', '{stored}');"
    async with visit(browser, shop, before=before) as page:
        await active(page, shop)
        await add(page, shop, KAVA)
        await held(page, KAVA, 1)

    assert shop.cart == {f"{KAVA}:k": 1}


async def test_a_reservation_that_another_script_left_in_the_store_is_gone_on_with(browser: Browser) -> None:
    shop = PretendShop()
    shop.stock[KAVA] = 5
    shop.put(KAVA, 2)
    async with visit(browser, shop, before=f"sessionStorage.setItem('wtf_reservation_{KAVA}', 'theirs');") as page:
        await active(page, shop)
        await held(page, KAVA, 2)

    assert [each["reservationId"] for each in shop.bodies("/reserve")] == ["theirs"]


async def test_a_shop_in_another_language_is_asked_under_that_languages_path(browser: Browser) -> None:
    shop = PretendShop()
    shop.root = "/fr"
    shop.stock[KAVA] = 0
    async with visit(browser, shop, before="window.Shopify = {routes: {root: '/fr/'}};") as page:
        await active(page, shop)
        await add(page, shop, KAVA)
        await page.get_by_role("alert").locator("p").wait_for()

    assert shop.cart == {}


@pytest.mark.parametrize(
    "detail", ["undefined", "null", "{}", "{item: null}", "{item: {}}", "{cart: 7}", "{cart: {items: 7}}"]
)
async def test_events_without_what_they_should_tell_are_harmless(detail: str, browser: Browser) -> None:
    shop = PretendShop()
    shop.stock[KAVA] = 5
    async with visit(browser, shop) as page:
        await active(page, shop)
        for name in ("cart:added", "cart:updated"):
            await page.evaluate(f"() => {{ document.dispatchEvent(new CustomEvent('{name}', {{detail: {detail}}})); }}")
        await add(page, shop, KAVA)
        await held(page, KAVA, 1)
        running = await until(page, "WTFLightspeed.isActive()")

    assert running
