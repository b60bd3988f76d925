"""The script that tells of the cart for themes that do not: what it hears, and when it keeps silent."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Browser, Page

from tests.theme.chromium import until
from tests.theme.pretend import PretendShop, advance, visit

pytestmark = pytest.mark.anyio

LISTEN = """window.told = []; for (const name of ['cart:added', 'cart:updated']) addEventListener(name,
    ({detail}) => window.told.push([name, detail.item?.variant_id ?? detail.cart.items.length]), true);"""
ADD = "fetch('/cart/add.js', {method: 'POST', body: JSON.stringify({id: 4001, quantity: 2})})"
CHANGE = "fetch('/cart/change.js', {method: 'POST', body: JSON.stringify({id: '4001:k', quantity: 0})})"
XHR = """new Promise((done) => { const asked = new XMLHttpRequest(); asked.open('POST', '/cart/add.js');
    asked.onload = done; asked.send(JSON.stringify({id: 4001, quantity: 1})); }).then(() => null)"""


async def told_after(page: Page, *deeds: str) -> Any:
    """Let the theme ask things of the cart; return what was told of it."""
    for deed in deeds:
        await page.evaluate(f"() => {deed}.then(() => null)")
        await advance(page, 0.3)
    return await page.evaluate("window.told")


def watched() -> PretendShop:
    return PretendShop(scripts=("wtf-lightspeed-cart-events.js",))


async def test_what_the_theme_does_to_the_cart_is_told_whichever_way_it_asks(browser: Browser) -> None:
    async with visit(browser, watched(), before=LISTEN) as page:
        told = await told_after(page, ADD, XHR, "fetch(new Request('/cart.js'))", CHANGE)

    assert told == [["cart:added", 4001], ["cart:added", 4001], ["cart:updated", 0]]


@pytest.mark.slow
async def test_a_theme_that_tells_by_itself_is_left_to_do_so(browser: Browser) -> None:
    by_itself = "document.dispatchEvent(new CustomEvent('cart:added', {detail: {item: {variant_id: 7}}}))"
    async with visit(browser, watched(), before=LISTEN) as page:
        told = await told_after(page, f"{ADD}.then(() => {by_itself})", ADD, CHANGE)

    assert told == [["cart:added", 7], ["cart:updated", 0]]


@pytest.mark.slow
async def test_what_is_asked_and_answered_stays_as_it_was(browser: Browser) -> None:
    async with visit(browser, watched(), before=LISTEN) as page:
        body = await page.evaluate(f"() => {ADD}.then((answer) => answer.json())")
        refused = await page.evaluate("() => fetch('http://[', {}).catch((error) => error.name)")
        await until(page, "window.open_requests === 0")

    assert (body["variant_id"], body["quantity"]) == (4001, 2)
    assert refused == "TypeError"
