"""The theme's script in a real browser, on a clock that only the test moves, against a pretend cart and middleware."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser

from tests.theme.chromium import until
from tests.theme.pretend import Fails, PretendShop, active, add, advance, change, held, tell, visit

pytestmark = pytest.mark.anyio

KAVA, KRATOM, CAN = "4001", "4002", "4003"


async def test_what_is_added_is_looked_up_and_held_for_the_cart_and_nothing_is_told_about_the_shopper(
    browser: Browser,
) -> None:
    shop = PretendShop()
    shop.stock[KAVA] = 3
    async with visit(browser, shop) as page:
        await active(page, shop)
        await add(page, shop, KAVA, 2)
        await held(page, KAVA, 2)
        stored = await page.evaluate(f"sessionStorage.getItem('wtf_reservation_{KAVA}')")

    assert shop.calls() == ["GET /inventory", "GET /availability", "POST /reserve"]
    (wish,) = shop.bodies("/reserve")
    assert wish.pop("expiresAt").startswith("2026-11-24T12:1")
    assert wish == {"variantId": KAVA, "quantity": 2, "accountId": "123456", "cartToken": "c1-token"}
    assert stored == "hold1"
    assert shop.cart == {f"{KAVA}:k": 2}


async def test_what_is_sold_out_is_taken_out_of_the_cart_with_a_message_of_plain_text(browser: Browser) -> None:
    shop = PretendShop()
    shop.stock |= {KAVA: 0, KRATOM: 1}
    async with visit(browser, shop) as page:
        await active(page, shop)
        await add(page, shop, KRATOM)
        await held(page, KRATOM, 1)
        await add(page, shop, KAVA)
        message = page.get_by_role("alert")
        await message.locator("p").wait_for()
        said = await message.locator("p").text_content()
        marked_up = await message.locator("b").count()
        await page.get_by_role("button", name="Dismiss").click()
        left = await message.locator("p").count()

    assert said == f"Kava <b>{KAVA}</b> has just been sold out, so it was taken out of your cart."
    assert (marked_up, left) == (0, 0)
    assert shop.cart == {f"{KRATOM}:k": 1}
    assert [hold["variant"] for hold in shop.holds.values()] == [KRATOM]


async def test_the_message_can_be_read_by_everybody_and_dismissed_by_keyboard(browser: Browser) -> None:
    shop = PretendShop()
    shop.stock[KAVA] = 0
    async with visit(browser, shop) as page:
        await active(page, shop)
        before = await page.evaluate(
            "[document.querySelectorAll('[role=alert]').length, document.activeElement.tagName]"
        )
        await add(page, shop, KAVA)
        button = page.get_by_role("alert").get_by_role("button", name="Dismiss")
        await button.wait_for()
        focus = await page.evaluate("document.activeElement.tagName")
        box = await button.bounding_box()
        message = page.locator(".wtf-lightspeed-message")
        colours = await message.evaluate("""(message) => { const { color, backgroundColor } = getComputedStyle(message);
            return [color, backgroundColor].map((text) => text.match(/[0-9]+/g).map(Number)); }""")
        markup = await page.locator(".wtf-lightspeed-messages").aria_snapshot()
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        left = await message.count()

    assert before == [1, "BODY"]  # the region is there before it speaks
    assert focus == "BODY"
    assert box is not None
    assert min(box["width"], box["height"]) >= 44
    assert contrast(*colours) >= 7
    assert markup == (
        "- alert:\n"
        "  - paragraph: Kava <b>4001</b> has just been sold out, so it was taken out of your cart.\n"
        '  - button "Dismiss"'
    )
    assert left == 0


def contrast(one: list[float], other: list[float]) -> float:
    """Return the contrast of two colours as WCAG 2 counts it; 7 is its highest demand."""

    def luminance(colour: list[float]) -> float:
        parts = [value / 255 for value in colour]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


async def test_where_fewer_are_left_the_cart_keeps_those_and_they_are_held(browser: Browser) -> None:
    shop = PretendShop()
    shop.stock[KAVA] = 2
    async with visit(browser, shop) as page:
        await active(page, shop)
        await add(page, shop, KAVA, 5)
        await held(page, KAVA, 2)
        said = await page.get_by_role("alert").locator("p").text_content()

    assert said == f"Only 2 of Kava <b>{KAVA}</b> left, so your cart now holds that many."
    assert shop.cart == {f"{KAVA}:k": 2}


@pytest.mark.slow
async def test_the_last_unit_that_somebody_took_between_look_and_hold_is_taken_out_too(browser: Browser) -> None:
    shop = PretendShop()
    shop.stock[KAVA] = 1
    shop.taken_first.add(KAVA)
    async with visit(browser, shop) as page:
        await active(page, shop)
        await add(page, shop, KAVA)
        await page.get_by_role("alert").locator("p").wait_for()

    assert shop.cart == {}


async def test_a_shopper_who_moved_to_another_address_keeps_what_is_held_and_is_told_of_the_rest(
    browser: Browser,
) -> None:
    shop = PretendShop()
    shop.stock[KAVA] = 1
    async with visit(browser, shop) as page:
        await active(page, shop)
        await add(page, shop, KAVA)
        await held(page, KAVA, 1)
        shop.moved = True
        await add(page, shop, KAVA)
        said = page.get_by_role("alert").locator("p")
        await said.wait_for()
        await advance(page, 20, step=5)
        texts = await said.all_text_contents()
        await held(page, KAVA, 1)

    assert texts == [f"Only 1 of Kava <b>{KAVA}</b> left, so your cart now holds that many."]
    assert shop.cart == {f"{KAVA}:k": 1}
    assert shop.holds == {"hold1": {"variant": KAVA, "units": 1}}
    assert [each["quantity"] for each in shop.bodies("/reserve")] == [1, 2]


@pytest.mark.slow
async def test_what_the_cart_holds_by_another_tab_counts_for_a_shopper_who_moved(browser: Browser) -> None:
    shop = PretendShop()
    shop.stock |= {KAVA: 1, KRATOM: 2}
    async with visit(browser, shop) as page:
        await active(page, shop)
        await add(page, shop, KAVA)
        await add(page, shop, KRATOM)
        await held(page, KRATOM, 1)
        await page.evaluate("WTFLightspeed.destroy(); sessionStorage.clear()")  # as a tab that never held anything
        await page.reload()
        shop.moved = True
        await until(page, "WTFLightspeed.isActive()")
        await add(page, shop, KAVA)
        await add(page, shop, KRATOM)
        await held(page, KRATOM, 2)
        await held(page, KAVA, 1)
        texts = await page.get_by_role("alert").locator("p").all_text_contents()

    assert shop.cart == {f"{KAVA}:k": 1, f"{KRATOM}:k": 2}
    assert texts == [f"Only 1 of Kava <b>{KAVA}</b> left, so your cart now holds that many."]


@pytest.mark.slow
async def test_a_hold_is_kept_where_more_of_it_is_refused_and_the_look_sees_enough(browser: Browser) -> None:
    shop = PretendShop()
    shop.stock[KAVA] = 5
    async with visit(browser, shop) as page:
        await active(page, shop)
        await add(page, shop, KAVA)
        await held(page, KAVA, 1)
        shop.fails["/reserve"] = Fails(409, body='{"error": "not_enough", "quantity": 1}')
        await add(page, shop, KAVA)
        await held(page, KAVA, 2)
        del shop.fails["/reserve"]
        await change(page, shop, KAVA, 0)
        await shop.until(lambda: "POST /release" in shop.calls())

    assert shop.holds == {}


@pytest.mark.slow
async def test_a_limit_of_holds_takes_nothing_out_of_the_cart_and_as_much_is_held_as_it_allows(
    browser: Browser,
) -> None:
    shop = PretendShop()
    shop.stock |= {KAVA: 40, KRATOM: 2}
    shop.caps |= {KAVA: 10, KRATOM: 1}
    async with visit(browser, shop) as page:
        await active(page, shop)
        await add(page, shop, KAVA, 12)
        await held(page, KAVA, 12)
        await add(page, shop, KRATOM, 3)
        await held(page, KRATOM, 2)
        said = await page.get_by_role("alert").locator("p").all_text_contents()

    assert shop.cart == {f"{KAVA}:k": 12, f"{KRATOM}:k": 2}
    assert said == [f"Only 2 of Kava <b>{KRATOM}</b> left, so your cart now holds that many."]
    assert shop.holds == {"hold1": {"variant": KAVA, "units": 10}, "hold2": {"variant": KRATOM, "units": 1}}


async def test_what_the_middleware_does_not_know_stays_in_the_cart(browser: Browser) -> None:
    shop = PretendShop()
    shop.stock[KAVA] = 1
    async with visit(browser, shop) as page:
        await active(page, shop)
        await add(page, shop, CAN, 2)
        await add(page, shop, KAVA)
        await held(page, KAVA, 1)

    assert shop.cart == {f"{CAN}:k": 2, f"{KAVA}:k": 1}


@pytest.mark.slow
async def test_an_event_that_is_old_by_now_never_puts_anything_back_into_the_cart(browser: Browser) -> None:
    shop = PretendShop()
    shop.stock |= {KAVA: 9, KRATOM: 1}
    async with visit(browser, shop) as page:
        await active(page, shop)
        await add(page, shop, KAVA, 3)
        await held(page, KAVA, 3)
        shop.stock[KAVA] = 2
        old = {"token": "c1-token", "items": [{**shop.lines[0], "quantity": 5}]}
        shop.lines[0]["quantity"] = 1
        await tell(page, old)
        await add(page, shop, KRATOM)
        await held(page, KRATOM, 1)

    assert shop.cart == {f"{KAVA}:k": 1, f"{KRATOM}:k": 1}


@pytest.mark.slow
async def test_an_event_without_the_carts_token_makes_no_second_hold(browser: Browser) -> None:
    shop = PretendShop()
    shop.stock[KAVA] = 9
    async with visit(browser, shop) as page:
        await active(page, shop)
        await add(page, shop, KAVA)
        await held(page, KAVA, 1)
        shop.lines[0]["quantity"] = 2
        await tell(page, {"items": shop.lines})
        await held(page, KAVA, 2)

    assert [each["cartToken"] for each in shop.bodies("/reserve")] == ["c1-token", "c1-token"]


async def test_a_change_of_quantity_changes_the_hold_and_a_removal_releases_it(browser: Browser) -> None:
    shop = PretendShop()
    shop.stock |= {KAVA: 9, KRATOM: 9}
    async with visit(browser, shop) as page:
        await active(page, shop)
        await add(page, shop, KAVA)
        await add(page, shop, KRATOM)
        await held(page, KRATOM, 1)
        await change(page, shop, KAVA, 4)
        await held(page, KAVA, 4)
        await change(page, shop, KAVA, 0)
        await shop.until(lambda: "POST /release" in shop.calls())
        await until(page, f"sessionStorage.getItem('wtf_reservation_{KAVA}') === null")

    changed = shop.bodies("/reserve")[2]
    assert (changed["reservationId"], changed["quantity"]) == ("hold1", 4)
    assert shop.bodies("/release") == [{"reservationId": "hold1", "accountId": "123456"}]
    assert shop.holds == {"hold2": {"variant": KRATOM, "units": 1}}


async def test_a_hold_is_renewed_once_before_its_end_and_then_ends(browser: Browser) -> None:
    shop = PretendShop()
    shop.stock[KAVA] = 3
    async with visit(browser, shop) as page:
        await active(page, shop)
        await add(page, shop, KAVA)
        await held(page, KAVA, 1)
        await advance(page, 12 * 60, step=60)
        assert len(shop.bodies("/reserve")) == 1
        shop.now = shop.now.replace(minute=15)  # what is granted now ends at 12:30
        await advance(page, 120, step=30)
        await shop.until(lambda: len(shop.bodies("/reserve")) == 2)
        await until(page, "WTFLightspeed.getSyncStatus().holds[0].expiresAt.includes('12:30')")
        await advance(page, 17 * 60, step=60)
        await until(page, "WTFLightspeed.getSyncStatus().holds[0].state === 'ended'")
        stored = await page.evaluate(f"sessionStorage.getItem('wtf_reservation_{KAVA}')")

    renewed = shop.bodies("/reserve")[1]
    assert (renewed["reservationId"], renewed["quantity"]) == ("hold1", 1)
    assert len(shop.bodies("/reserve")) == 2
    assert stored is None
    assert shop.cart == {f"{KAVA}:k": 1}


@pytest.mark.slow
async def test_another_page_of_the_same_tab_goes_on_with_the_holds_it_finds(browser: Browser) -> None:
    shop = PretendShop()
    shop.stock |= {KAVA: 3, KRATOM: 3}
    async with visit(browser, shop) as page:
        await active(page, shop)
        await add(page, shop, KAVA)
        await add(page, shop, KRATOM)
        await held(page, KRATOM, 1)
        shop.lines = [line for line in shop.lines if str(line["variant_id"]) == KAVA]  # taken out by a page load
        await page.reload()
        await shop.until(lambda: "POST /release" in shop.calls())
        await held(page, KAVA, 1)

    assert len(shop.bodies("/reserve")) == 2
    assert shop.bodies("/release")[0]["reservationId"] == "hold2"


@pytest.mark.slow
async def test_what_another_tab_took_out_of_the_cart_is_released_when_this_one_is_seen_again(browser: Browser) -> None:
    shop = PretendShop()
    shop.stock[KAVA] = 3
    async with visit(browser, shop) as page:
        await active(page, shop)
        await add(page, shop, KAVA)
        await held(page, KAVA, 1)
        shop.lines = []
        await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        await advance(page, 20, step=5)
        await shop.until(lambda: "POST /release" in shop.calls())

    assert shop.holds == {}


async def test_changes_of_stock_are_told_to_the_page_at_most_every_15_seconds_and_only_while_it_is_seen(
    browser: Browser,
) -> None:
    shop = PretendShop({"variants": {KAVA: "77"}})
    item = {"itemID": "77", "sku": "KAV-1", "description": "Kava", "qtyOnHand": 9, "qoh": 9, "available": 5}
    async with visit(browser, shop) as page:
        await active(page, shop)
        await page.evaluate(
            "addEventListener('wtf:inventory:updated', (event) => { window.told = event.detail; }, true)"
        )
        shop.items = [item]
        await advance(page, 13)
        assert shop.calls("GET /inventory") == ["GET /inventory"]
        await advance(page, 6)
        detail = await until(page, "window.told")
        await advance(page, 19)
        await shop.until(lambda: len(shop.calls("GET /inventory")) == 3)
        await page.evaluate("""() => { Object.defineProperty(document, 'hidden', {value: true, configurable: true});
            document.dispatchEvent(new Event('visibilitychange')); }""")
        await advance(page, 120, step=20)
        hidden = len(shop.calls("GET /inventory"))
        await page.evaluate("""() => { Object.defineProperty(document, 'hidden', {value: false});
            document.dispatchEvent(new Event('visibilitychange')); }""")
        await advance(page, 1)
        await shop.until(lambda: len(shop.calls("GET /inventory")) == 4)

    update = {"variantId": KAVA, "lightspeedId": "77", "sku": "KAV-1", "quantity": 5, "available": True}
    assert detail["updates"] == [update]
    assert detail["timestamp"].startswith("2026-11-24T12:00:1")
    polls = [each for each in shop.asked if each.route == "/inventory"]
    assert [each.headers.get("if-none-match") is not None for each in polls] == [False, True, True, True]
    assert {each.query["updatedSince"] for each in polls} == {"2026-11-24T12:00:00.000Z"}
    assert hidden == 3


@pytest.mark.parametrize(
    ("fails", "seconds"),
    [
        pytest.param(Fails(0), 3, id="no answer", marks=pytest.mark.slow),
        pytest.param(Fails(503), 3, id="unavailable"),
        pytest.param(Fails(503, {"Retry-After": "120"}), 118, id="it says when", marks=pytest.mark.slow),
        pytest.param(
            Fails(429, {"Retry-After": "Tue, 24 Nov 2026 12:04:00 GMT"}),
            220,
            id="it says until when",
            marks=pytest.mark.slow,
        ),
    ],
)
async def test_while_the_middleware_is_down_the_cart_is_left_alone_and_held_when_it_is_back(
    fails: Fails, seconds: int, browser: Browser
) -> None:
    shop = PretendShop()
    shop.stock[KAVA] = 3
    async with visit(browser, shop) as page:
        await active(page, shop)
        shop.fails["*"] = fails
        await add(page, shop, KAVA)
        await shop.until(lambda: "GET /availability" in shop.calls())
        await until(page, "WTFLightspeed.getSyncStatus().failures > 0")
        rests = await page.evaluate("Date.parse(WTFLightspeed.getSyncStatus().nextTry) - Date.now()")
        await add(page, shop, KAVA)
        shop.fails.clear()
        await advance(page, 0.9)
        asked = shop.calls()
        await advance(page, rests / 1_000 + 20, step=5)
        await held(page, KAVA, 2)
        messages = await page.get_by_role("alert").locator("p").count()

    assert asked == ["GET /inventory", "GET /availability"]
    assert rests > 1_000 if seconds == 3 else rests > seconds * 1_000
    assert shop.cart == {f"{KAVA}:k": 2}
    assert messages == 0


@pytest.mark.slow
async def test_rests_grow_to_minutes_and_no_further(browser: Browser) -> None:
    shop = PretendShop()
    shop.fails["*"] = Fails(502)
    rests = []
    async with visit(browser, shop) as page:
        await until(page, "WTFLightspeed.getSyncStatus().failures === 1")
        await page.clock.pause_at("2026-11-24T12:00:10Z")
        for failures in range(2, 13):
            await page.clock.fast_forward(320_000)
            await until(page, f"WTFLightspeed.getSyncStatus().failures === {failures}")
            rests.append(await page.evaluate("Date.parse(WTFLightspeed.getSyncStatus().nextTry) - Date.now()"))
        running = await page.evaluate("WTFLightspeed.isActive()")

    assert running is False
    assert all(2_000 * 2**n * 0.5 <= rest <= 2_000 * 2**n for n, rest in enumerate(rests[:6], 1))
    assert all(150_000 <= rest <= 300_000 for rest in rests[7:])


@pytest.mark.parametrize(
    ("config", "asked"),
    [
        pytest.param({"enabled": False}, [], id="disabled"),
        pytest.param({"enabled": "true"}, [], id="only true enables", marks=pytest.mark.slow),
        pytest.param({"baseUrl": "https://elsewhere.example/apps"}, [], id="another site", marks=pytest.mark.slow),
    ],
)
async def test_where_it_may_not_run_it_asks_nobody_for_anything(
    config: dict[str, object], asked: list[str], browser: Browser
) -> None:
    shop = PretendShop(config, scripts=("wtf-lightspeed-integration.js",))
    shop.stock[KAVA] = 0
    async with visit(browser, shop) as page:
        await add(page, shop, KAVA)
        await advance(page, 60, step=20)
        running = await page.evaluate("WTFLightspeed.isActive()")

    assert [str(each) for each in shop.asked] == asked
    assert running is False
    assert shop.cart == {f"{KAVA}:k": 1}


@pytest.mark.slow
async def test_where_nothing_is_behind_the_address_it_stops_for_good(browser: Browser) -> None:
    shop = PretendShop()
    shop.fails["*"] = Fails(404)
    async with visit(browser, shop) as page:
        await shop.until(lambda: shop.calls() == ["GET /inventory"])
        await add(page, shop, KAVA)
        await advance(page, 600, step=60)

    assert shop.calls() == ["GET /inventory"]


@pytest.mark.slow
async def test_after_destroy_it_asks_nothing_and_leaves_nothing_in_the_page(browser: Browser) -> None:
    shop = PretendShop()
    shop.stock[KAVA] = 0
    async with visit(browser, shop) as page:
        await active(page, shop)
        await page.evaluate("WTFLightspeed.destroy()")
        await add(page, shop, KAVA)
        await advance(page, 600, step=60)
        regions = await page.get_by_role("alert").count()
        running = await page.evaluate("WTFLightspeed.isActive()")

    assert shop.calls() == ["GET /inventory"]
    assert (regions, running) == (0, False)


@pytest.mark.parametrize(
    "known", [pytest.param({"order": "#1001"}, id="by name", marks=pytest.mark.slow), pytest.param({}, id="by id")]
)
async def test_a_completed_checkout_is_reported_once_and_without_the_customer(
    known: dict[str, str], browser: Browser
) -> None:
    shop = PretendShop(known)
    checkout = (
        "window.Shopify = {checkout: {order_id: 62001, email: 'ann@example.com', "
        "line_items: [{variant_id: 4001, quantity: 2, title: 'Kava'}], shipping_address: {name: 'Ann'}}};"
        "sessionStorage.setItem('wtf_lightspeed_cart', 'c1-token');"
    )
    async with visit(browser, shop, before=checkout) as page:
        await until(page, "sessionStorage.getItem('wtf_lightspeed_reported')")
        await page.reload()
        await until(page, "WTFLightspeed.isActive()")
        await advance(page, 30)

    assert shop.bodies("/orders") == [
        {
            "orderNumber": known.get("order", "62001"),
            "lineItems": [{"variantId": KAVA, "quantity": 2}],
            "accountId": "123456",
            "cartToken": "c1-token",
        }
    ]
