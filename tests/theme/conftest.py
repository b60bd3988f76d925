"""One browser for all tests of a file; each test has a page of its own that knows nothing of the others."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser

from tests.theme.chromium import chromium


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """Run everything of a file in one loop, which is the browser's."""
    return "asyncio"


@pytest.fixture(scope="module")
async def browser(anyio_backend: str) -> AsyncIterator[Browser]:
    async with chromium() as opened:
        yield opened
