"""A scripted Shopify behind respx: every request must be expected, every answer must be asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import respx

from tests.sync.shopify.support import URL, Script, Stage, build


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    script = Script()
    with respx.mock(assert_all_called=True, assert_all_mocked=True) as router:
        router.post(URL).mock(side_effect=script)
        built = build(script)
        async with built.edge:
            yield built
    assert not script.replies, "Shopify had more to say than it was asked"
