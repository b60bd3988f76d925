"""A real Chromium, driven by playwright: the machine's own, or the one that `make peers` unpacked."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
from playwright.async_api import Browser, Page, async_playwright

from sync.clock import SystemClock
from tests.monitor.real_peers import PEERS, needed

_PATIENCE = 20.0  # seconds of real time
_LOOK = 0.01
_ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--renderer-process-limit=1")
_LIBRARIES = ("usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu")


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Start a browser without a window and end it with the block; skips the test where there is none."""
    program = needed("usr/lib/chromium/chromium")
    env: dict[str, str | float | bool] = dict(os.environ)
    if program.is_relative_to(PEERS):
        env["LD_LIBRARY_PATH"] = os.pathsep.join(str(PEERS / folder) for folder in _LIBRARIES)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=[*_ARGUMENTS], env=env)
        try:
            yield browser
        finally:
            await browser.close()


async def until(page: Page, expression: str, arg: object = None, seconds: float = _PATIENCE) -> Any:
    """Wait until an expression in the page is true and return it; playwright's own waiting needs `eval` in the page."""
    with anyio.fail_after(seconds):
        while not (found := await page.evaluate(expression, arg)):
            await SystemClock().sleep(_LOOK)
    return found
