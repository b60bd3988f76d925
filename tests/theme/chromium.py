"""A real Chromium, driven by playwright: the machine's own, or the one that `make peers` unpacked."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, async_playwright

from tests.monitor.real_peers import PEERS, needed

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
