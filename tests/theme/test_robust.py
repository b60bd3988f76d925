"""Whatever the script meets, the page works without an error, and the cart stays as the shopper made it."""

from __future__ import annotations

import json

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


COUNT_TIMERS = """window.timers = 0; { const set = window.setTimeout;
    window.setTimeout = (...given) => { window.timers += 1; return set(...given); }; }
"""


@pytest.mark.parametrize("ends", ["2035-01-01T00:00:00Z", "2099-01-01T00:00:00Z", "+275760-09-13T00:00:00Z"])
async def test_a_hold_that_is_said_to_last_for_years_is_believed_for_half_an_hour(ends: str, browser: Browser) -> None:
    shop = PretendShop()
    shop.stock[KAVA] = 5
    shop.fails["/reserve"] = Fails(200, body=json.dumps({"reservationId": "r1", "expiresAt": ends}))
    async with visit(browser, shop, before=COUNT_TIMERS) as page:
        await active(page, shop)
        await add(page, shop, KAVA)
        await held(page, KAVA, 1)
        before = await page.evaluate("window.timers")
        await page.clock.run_for(10_000)
        timers = await page.evaluate("window.timers") - before
        told = await page.evaluate("WTFLightspeed.getSyncStatus().holds[0].expiresAt")

    assert timers < 10
    assert told.startswith("2026-11-24T12:30:")


async def test_a_stored_hold_of_many_years_and_a_clock_that_goes_back_do_not_keep_the_page_busy(
    browser: Browser,
) -> None:
    hold = {"state": "held", "id": "r1", "units": 1, "held": 1, "expiresAt": 4e12, "renewAt": 4e12}
    shop = PretendShop()
    shop.put(KAVA)
    before = f"sessionStorage.setItem('wtf_lightspeed_holds', '{json.dumps({KAVA: hold})}');" + COUNT_TIMERS
    async with visit(browser, shop, before=before) as page:
        await active(page, shop)
        await page.clock.set_system_time("2020-01-01T00:00:00Z")
        first = await page.evaluate("window.timers")
        await page.clock.run_for(60_000)
        timers = await page.evaluate("window.timers") - first

    assert timers < 30


@pytest.mark.parametrize("place", [0, 600, 1_200])
async def test_a_change_on_any_page_of_the_list_is_told_though_the_other_pages_are_as_before(
    place: int, browser: Browser
) -> None:
    shop = PretendShop()
    shop.items = [{"itemID": str(n), "sku": f"S{n}", "qtyOnHand": 9, "qoh": 9, "available": 5} for n in range(1_201)]
    async with visit(browser, shop) as page:
        await active(page, shop)
        await page.evaluate("""() => { window.told = [];
            addEventListener('wtf:inventory:updated', ({ detail }) => window.told.push(detail.updates), true); }""")
        shop.items[place] = shop.items[place] | {"available": 2}
        await advance(page, 20, step=5)
        told = await until(page, "window.told.length && window.told")
        await advance(page, 20, step=5)
        await shop.until(lambda: len(shop.calls("GET /inventory")) == 9)

    assert [[(each["lightspeedId"], each["quantity"]) for each in updates] for updates in told] == [[(str(place), 2)]]
    polls = [each for each in shop.asked if each.route == "/inventory"]
    assert [each.query.get("offset", "0") for each in polls] == ["0", "500", "1000"] * 3
    assert ["if-none-match" in each.headers for each in polls] == [False] * 3 + [True] * 6


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
