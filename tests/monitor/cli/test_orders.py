"""`orders` by real processes: what is booked, what waits for a person, and the person's word on it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.play import Shop, shop

pytestmark = pytest.mark.anyio

WRONG = "TYPED-WRONG"


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Shop]:
    """Open a shop that is live, where one good is sold online under a SKU that the till does not know."""
    async with shop(tmp_path, goods=12) as opened:
        opened.world.shopify.rename_sku(opened.skus[1], WRONG)
        confirmed = await opened.run("sync", "--full", "--confirm")
        assert confirmed.code == 0, confirmed.said
        yield opened


async def listed(served: Shop, *words: str) -> dict[str, dict[str, Any]]:
    """Return what `orders list` tells to programs, by order."""
    ended = await served.run("orders", "list", *words, "--json")
    assert ended.code == 0, ended.said
    return {each["name"]: each for each in json.loads(ended.out)}


async def states(served: Shop) -> dict[str, str]:
    return {name: each["state"] for name, each in (await listed(served)).items()}


async def come_to(served: Shop, **wanted: str) -> None:
    """Wait until orders, by number, have come to these states."""

    async def there() -> bool:
        return await states(served) == {f"#{number[1:]}": state for number, state in wanted.items()}

    await served.until(there, f"orders to be {wanted}")


async def test_orders_are_listed_told_retried_and_closed_beside_a_running_daemon(served: Shop) -> None:
    sku, world = served.skus[0], served.world
    await served.start()
    await served.until(served.ready, "the daemon to be ready")
    world.shopify.place_order({sku: 2})
    world.shopify.place_order({WRONG: 1})
    await come_to(served, _1001="posted", _1002="parked")

    table = await served.run("orders", "list")
    waiting = await listed(served, "--state", "parked")
    booked = await served.run("orders", "show", "SH-1001-1")
    story = json.loads((await served.run("orders", "show", "1002", "--json")).out)
    dead = await served.run("orders", "dead")
    status = await served.run("status")
    assert (table.code, "#1001 booked" in table.said, "waits for a person" in table.said) == (0, True, True), table.said
    assert list(waiting) == ["#1002"]
    assert (waiting["#1002"]["code"], waiting["#1002"]["since"] is None) == ("OR003", False)
    assert f"{sku} 2 0 2" in booked.said, booked.said
    assert "needs nothing: booked" in booked.said
    assert "posted SH-1001-1 is sale" in booked.said
    assert story["next"]["code"] == "OR003"
    assert "LIGHTSPEED_UNLINKED_ITEM_ID" in story["next"]["remedy"]
    assert [line["sku"] for line in story["lines"]] == [WRONG]
    assert dead.out == "No order is dead (cannot be understood, waits for a person).\n"
    assert "orders 1 booked in the last day; 1 for a person (#1002; lightspeed-sync orders list)" in status.said

    retried = await served.run("orders", "retry", "1002", "1001", "4711")
    assert retried.code == 1
    assert retried.out.splitlines() == [
        "#1002: it is looked at now.",
        "#1001: booked; there is nothing to try again.",
        "4711: There is no such order in our record.",
        "1 order of 3 to be looked at again.",
    ]
    await come_to(served, _1001="posted", _1002="parked")
    for sale, code in (("999999", "OR008"), (sales_of(booked.out), "OR008")):
        refused = await served.run("orders", "close", "1002", "--sale", sale)
        assert (refused.code, refused.out, code in refused.err) == (1, "", True), refused.said
    by_hand = world.lightspeed.sell(served.skus[2], 7)
    differs = await served.run("orders", "close", "1002", "--sale", by_hand)
    assert (differs.code, differs.out, "OR015" in differs.err) == (3, "", True), differs.said
    assert " in all to be booked, " in differs.err
    closed = await served.run("orders", "close", "1002", "--sale", by_hand, "--anyway", SUDO_USER="anna")
    assert (closed.code, closed.out) == (0, f"#1002 is closed: booked by sale {by_hand}.\n"), closed.said
    told = await served.run("orders", "show", "1002")
    assert f"closed booked by {by_hand} (anna; " in told.said
    again = await served.run("orders", "retry", "1002")
    assert (again.code, again.out) == (1, "#1002: closed by a person; there is nothing to try again.\n")
    assert await served.stop() == 0


def sales_of(told: str) -> str:
    """Return the id of the sale that a story tells of."""
    return told.split("is sale ", 1)[1].split(maxsplit=1)[0]


async def test_without_a_daemon_a_word_on_an_order_waits_for_one(served: Shop) -> None:
    served.world.shopify.place_order({WRONG: 1})
    passed = await served.run("sync", "--confirm")
    assert passed.code == 0, passed.said
    assert await states(served) == {"#1001": "seen"}
    shown = await served.run("orders", "show", "#1001")
    paused = await served.run("pause", "--orders", "--reason", "stock-taking")
    status = await served.run("status")
    retried = await served.run("orders", "retry", "1001", "--json")
    none = await served.run("orders", "retry", "--all-parked")
    closed = await served.run("orders", "close", "1001", "--never", "--json")
    assert f"needs a person must look: OR003 Not linked: {WRONG}." in shown.said, shown.said
    assert paused.code == 0, paused.said
    assert "(#1001)" in status.said
    assert "1 waiting to be booked, the longest for" in status.said
    assert "PAUSED orders since" in status.said
    assert (retried.code, json.loads(retried.out)) == (0, [{"name": "#1001", "state": "seen", "retried": True}])
    assert (none.code, none.out) == (0, "No order waits for a person.\n")
    assert (closed.code, json.loads(closed.out)) == (0, {"name": "#1001", "sale_id": None, "looked_up": False})
    assert await states(served) == {"#1001": "closed"}


WRONG_CALLS = [
    (["list", "--state", "parkd"], 2, "There is no state 'parkd'; did you mean parked?"),
    (["retry"], 2, "Name the orders, or say --all-parked."),
    (["close", "1001"], 2, "Say --sale SALEID, or --never."),
    (["close", "1001", "--never", "--sale", "7"], 2, "Say --sale SALEID, or --never."),
    (["close", "1001", "--sale", "SH-1001-1"], 2, "--sale is a sale's id in Lightspeed, a number."),
    (["close", "1001", "--sale", "9" * 5000], 2, "--sale is a sale's id in Lightspeed, a number."),
    (["show", "1001"], 1, "OR011 There is no such order in our record. 1001"),
    (["close", "1001", "--never"], 1, "OR011 There is no such order in our record. 1001"),
    (["list", "--state", "dead"], 0, "No order is dead (cannot be understood, waits for a person)."),
    (["list", "--state", "Booked"], 0, "No order is posted (booked)."),
    (["list"], 0, "No order so far."),
]


async def test_what_cannot_be_done_is_told_in_words(served: Shop) -> None:
    for words, code, sentence in WRONG_CALLS:
        ended = await served.run("orders", *words)
        assert (ended.code, sentence in ended.said) == (code, True), ended.said
