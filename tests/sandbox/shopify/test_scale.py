"""Ten thousand variants: the store opens at once, pages quickly and is exported in about a second."""

from __future__ import annotations

import pytest

from sandbox.clock import ManualClock, RealClock
from sandbox.faults import Faults
from sandbox.faults_http import ASGIApp
from sandbox.goods import Good
from sandbox.shopify.app import shopify_app
from sandbox.shopify.state import ShopifyStore
from tests.sandbox.shopify.conftest import HOME, Ask

pytestmark = pytest.mark.anyio

LEVELS = """query($at: ID!, $after: String) { location(id: $at) { inventoryLevels(first: 250, after: $after) {
  nodes { id item { sku } quantities(names: ["available", "committed"]) { name quantity updatedAt } }
  pageInfo { hasNextPage endCursor } } } }"""
RUN = "mutation($query: String!) { bulkOperationRunQuery(query: $query) { userErrors { message } } }"
EXPORT = """{ locations { edges { node { id inventoryLevels { edges { node {
  id updatedAt item { id sku } quantities(names: ["available"]) { name quantity } } } } } } } }"""
REAL = RealClock()


class Stopwatch:
    """Seconds of real time since it was started."""

    def __init__(self) -> None:
        self._start = REAL.now()

    def seconds(self) -> float:
        return (REAL.now() - self._start).total_seconds()


@pytest.fixture
def store(clock: ManualClock) -> ShopifyStore:
    goods = [Good(sku=f"SKU-{n}", title=f"Good {n}", handle=f"good-{n // 3}", stock=n % 50) for n in range(10_000)]
    watch = Stopwatch()
    store = ShopifyStore(goods, clock=clock, seed=1, rate_limits=False)
    assert watch.seconds() < 2
    return store


@pytest.fixture
def app(store: ShopifyStore, faults: Faults) -> ASGIApp:
    return shopify_app(store, faults)


async def test_a_walk_over_all_levels_takes_seconds_and_sees_each_once(ask: Ask) -> None:
    watch = Stopwatch()
    seen: list[str] = []
    after, more = None, True
    while more:
        found = (await ask(LEVELS, at=HOME, after=after))["data"]["location"]["inventoryLevels"]
        seen += [row["item"]["sku"] for row in found["nodes"]]
        after, more = found["pageInfo"]["endCursor"], found["pageInfo"]["hasNextPage"]
    assert seen == [f"SKU-{n}" for n in range(10_000)]
    assert watch.seconds() < 15


async def test_an_export_of_all_levels_takes_about_a_second(ask: Ask, store: ShopifyStore) -> None:
    watch = Stopwatch()
    await ask(RUN, query=EXPORT)
    [operation] = store.bulk.operations.values()
    assert len(operation.lines) == 2 + 11_000
    assert watch.seconds() < 5
