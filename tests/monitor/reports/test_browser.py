"""The report in a real Chromium: it sorts and filters by mouse and keyboard, and runs nothing but its own script."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page

from monitor.reports.page import Facts, page_of, pieces
from sync.findings import Finding, FindingClass
from tests.monitor.reports.made import finding, hostile, summary
from tests.theme.chromium import chromium

pytestmark = [pytest.mark.anyio, pytest.mark.peer]

FACTS = Facts(store="wtfswag.myshopify.com", version="0.1.0")
SHOWN = (
    "[...document.querySelectorAll('#findings tbody tr:not([hidden]) th')].map((each) => each.firstChild.textContent)"
)


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """Run everything of this file in one loop, which is the browser's."""
    return "asyncio"


@pytest.fixture(scope="module")
async def browser(anyio_backend: str) -> AsyncIterator[Browser]:
    async with chromium() as opened:
        yield opened


async def opened(browser: Browser, folder: Path, found: Sequence[Finding]) -> tuple[Page, list[str]]:
    """Open a report of these findings from a file; return the page and what its console says."""
    path = folder / "report.html"
    path.write_text("".join(pieces(page_of(summary(found), iter(found), found, (5, 3), FACTS))), encoding="utf-8")
    page, said = await browser.new_page(), list[str]()
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: said.append(request.url) if not request.url.startswith("file:") else None)
    await page.goto(path.as_uri())
    return page, said


def three() -> list[Finding]:
    return [
        finding(sku="B-2", difference=5),
        finding(FindingClass.STOCK_LOWER, "A-10", difference=-3),
        finding(FindingClass.PRICE, "A-9", subject="Tea", difference=1),
    ]


async def test_it_sorts_by_each_column_with_the_keyboard_and_says_so(browser: Browser, tmp_path: Path) -> None:
    page, said = await opened(browser, tmp_path, three())
    assert await page.evaluate(SHOWN) == ["B-2", "A-10", "A-9"]
    await page.get_by_role("button", name="SKU").focus()
    await page.keyboard.press("Enter")
    assert await page.evaluate(SHOWN) == ["A-9", "A-10", "B-2"]
    assert await page.evaluate("document.querySelector('[aria-sort]').textContent") == "SKU"
    assert await page.inner_text("#told") == "Sorted by SKU, smallest first"
    await page.get_by_role("button", name="Difference").click()
    await page.get_by_role("button", name="Difference").click()
    assert await page.evaluate(SHOWN) == ["B-2", "A-9", "A-10"]
    assert said == []
    await page.close()


async def test_it_shows_what_is_searched_and_chosen(browser: Browser, tmp_path: Path) -> None:
    page, said = await opened(browser, tmp_path, three())
    await page.fill("#search", "tea")
    assert await page.evaluate(SHOWN) == ["A-9"]
    assert await page.inner_text("#told") == "1 finding of 3"
    await page.fill("#search", "")
    await page.select_option("#chosen", "stock_lower")
    assert await page.evaluate(SHOWN) == ["A-10"]
    assert said == []
    await page.close()


async def test_texts_from_the_shops_run_nothing_and_load_nothing(browser: Browser, tmp_path: Path) -> None:
    page, said = await opened(browser, tmp_path, hostile())
    assert await page.title() == "12 differences between Lightspeed and Shopify · 2026-11-25 12:00 UTC"
    assert await page.evaluate("document.querySelectorAll('script, img').length") == 1
    injected = "const made = document.createElement('script'); made.textContent = 'document.title = 1'; "
    await page.evaluate(injected + "document.body.append(made)")
    assert await page.title() != "1", "its policy lets no other script run"
    assert len(said) == 1
    assert "Content Security Policy" in said[0]
    await page.close()


async def test_printed_it_has_no_tools_and_all_rows(browser: Browser, tmp_path: Path) -> None:
    page, _ = await opened(browser, tmp_path, three())
    await page.emulate_media(media="print")
    assert not await page.is_visible("#tools")
    assert await page.evaluate(SHOWN) == ["B-2", "A-10", "A-9"]
    assert len(await page.pdf()) > 10_000
    await page.close()
