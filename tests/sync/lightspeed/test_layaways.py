"""Layaways against the pretend shop: what is kept aside, what it costs, and what each fault is taken for, sent once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from sandbox.faults import Fault, FaultKind
from sync.errors import Code, OutcomeUnknown, Permanent, SyncError, Transient
from sync.lightspeed.layaways import LayawaySettings, LightspeedLayaways
from sync.model import LayawayLine
from tests.sync.lightspeed.support import LAYAWAYS, Stage, goods, stage

pytestmark = pytest.mark.anyio

SKU, ITEM = "SKU-00005", "5"
MAKE, BACK = "POST SaleLine", "DELETE SaleLine"


def writes(scene: Stage) -> list[tuple[str, str]]:
    sent = [request for request in scene.link.requests if "/SaleLine" in request.url.path and request.method != "GET"]
    return [(request.method, request.url.path.partition("/123456/")[2]) for request in sent]


async def test_units_are_laid_away_listed_looked_at_and_taken_back() -> None:
    scene = stage(goods(6))
    assert await scene.layaways.lines() == []
    line, moved_at = await scene.layaways.lay_away(ITEM, 2)
    assert line == LayawayLine("1", ITEM, 2, 2)
    assert scene.shop.qoh(SKU) == 3
    row = scene.shop.books.stock_rows(5)[1]
    assert moved_at is not None
    assert 0 <= (row.time_stamp - moved_at).total_seconds() <= 2
    assert await scene.layaways.lines() == [line]
    assert await scene.layaways.line("1") == line
    stock = await scene.layaways.stock(ITEM)
    assert stock is not None
    assert (stock.qoh, stock.on_layaway) == (3, 2)
    assert await scene.layaways.take_back("1") is not None
    assert scene.shop.qoh(SKU) == 5
    assert await scene.layaways.lines() == []
    assert await scene.layaways.line("1") is None
    assert await scene.layaways.take_back("1") is None
    assert writes(scene) == [("POST", "SaleLine.json"), ("DELETE", "SaleLine/1.json"), ("DELETE", "SaleLine/1.json")]


async def test_what_layaways_cost_is_what_the_facts_say() -> None:
    scene = stage(goods(6))
    await scene.layaways.lay_away(ITEM, 1)
    assert scene.shop.limiter.spent == pytest.approx(2.2)
    await scene.layaways.lines()
    assert scene.shop.limiter.spent == pytest.approx(2.2 + 1.4)
    await scene.layaways.stock(ITEM)
    await scene.layaways.take_back("1")
    assert scene.shop.limiter.spent == pytest.approx(2.2 + 1.4 + 1 + 2)


async def test_where_too_little_is_left_only_what_is_kept_aside_counts() -> None:
    scene = stage(goods(6))
    assert (await scene.layaways.lay_away(ITEM, 7))[0] == LayawayLine("1", ITEM, 7, 5)
    line, _ = await scene.layaways.lay_away(ITEM, 1)
    assert (line.units, line.reserved or 0) == (1, 0)
    assert [row.reserved for row in await scene.layaways.lines()] == [5, 0]


async def test_units_that_an_answer_leaves_out_are_read_again() -> None:
    scene = stage(goods(6))
    scene.faults.add("lightspeed", MAKE, Fault(FaultKind.DROPPED_RELATIONS))
    line, _ = await scene.layaways.lay_away(ITEM, 2)
    assert line.reserved == 2
    assert len(scene.paths("/SaleLine/1.json?load_relations")) == 1


async def test_other_peoples_lines_are_not_ours() -> None:
    scene = stage(goods(6))
    scene.shop.sell(SKU, 1)
    theirs = scene.shop.lay_away(SKU, 1)
    ours, _ = await scene.layaways.lay_away(ITEM, 1)
    assert await scene.layaways.lines() == [ours]
    assert await scene.layaways.line(theirs) is None
    scene.shop.sell_layaway(ours.line_id)
    assert await scene.layaways.lines() == []
    assert await scene.layaways.take_back(ours.line_id) is None  # sold: there is nothing to take back
    assert scene.shop.qoh(SKU) == 2


async def test_more_lines_than_a_page_holds_are_followed_to_their_end() -> None:
    scene = stage(goods(300), rate_limits=False)
    for _ in range(150):
        scene.shop.lay_away("SKU-00300", 1, customer_id=2)
    assert len(await scene.layaways.lines()) == 150


@pytest.mark.parametrize("units", [0, -1])
async def test_what_keeps_nothing_aside_is_never_sent(units: int) -> None:
    scene = stage(goods(1))
    with pytest.raises(ValueError, match="aside"):
        await scene.layaways.lay_away("1", units)
    nobody: LightspeedLayaways = scene.lightspeed.layaways(LayawaySettings("1"))
    with pytest.raises(ValueError, match="nobody"):
        await nobody.lay_away("1", 1)
    assert scene.link.requests == []


async def test_without_a_customer_what_is_known_can_still_be_taken_back() -> None:
    scene = stage(goods(6))
    line, _ = await scene.layaways.lay_away(ITEM, 1)
    await scene.lightspeed.layaways(LayawaySettings("1")).take_back(line.line_id)
    assert scene.shop.layaways() == []


FAULTS: dict[str, tuple[Fault, type[SyncError], bool]] = {
    "lost before": (Fault(FaultKind.RESET_BEFORE), OutcomeUnknown, False),
    "applied and cut": (Fault(FaultKind.RESET_AFTER), OutcomeUnknown, True),
    "applied and 504": (Fault(FaultKind.GATEWAY_TIMEOUT), OutcomeUnknown, True),
    "502": (Fault(FaultKind.BAD_GATEWAY), OutcomeUnknown, False),
    "half an answer": (Fault(FaultKind.TRUNCATED), OutcomeUnknown, True),
    "too many": (Fault(FaultKind.THROTTLED), Transient, False),
}
CALLS: dict[str, Callable[[Stage], Awaitable[Any]]] = {
    MAKE: lambda scene: scene.layaways.lay_away(ITEM, 2),
    BACK: lambda scene: scene.layaways.take_back("1"),
}


@pytest.mark.parametrize("operation", CALLS)
@pytest.mark.parametrize("name", FAULTS)
async def test_a_write_that_fails_is_sent_once_and_told_for_what_it_is(operation: str, name: str) -> None:
    scene = stage(goods(6))
    scene.shop.lay_away(SKU, 1, customer_id=2)
    fault, expected, applied = FAULTS[name]
    scene.faults.add("lightspeed", operation, fault)
    with pytest.raises(expected) as caught:
        await CALLS[operation](scene)
    assert type(caught.value) is expected
    assert len(writes(scene)) == 1
    after = {MAKE: 2, BACK: 5}[operation] if applied else 4
    assert scene.shop.qoh(SKU) == after


async def test_a_customer_who_is_not_there_is_told_of_as_a_wrong_setting() -> None:
    scene = stage(goods(6))
    wrong = scene.lightspeed.layaways(LayawaySettings("1", "1", "99"))
    with pytest.raises(Permanent) as caught:
        await wrong.lay_away(ITEM, 1)
    assert caught.value.code is Code.LS013


# --- what `check connections` finds ---


async def test_all_that_layaways_need_is_found_good() -> None:
    findings = [one for one in await stage(goods(3), mirror=LAYAWAYS).lightspeed.check() if "layaways" in one.name]
    assert [(one.name.removeprefix("Lightspeed layaways: "), one.ok, one.detail) for one in findings] == [
        ("Lightspeed layaways", True, "readable"),
        ("rights", True, "employee 1 has what is needed"),
        ("employee", True, "Sandbox Owner (1)"),
        ("customer", True, "Online Holds (2)"),
    ]


async def test_a_customer_of_holds_who_is_not_there_is_named_with_the_setting() -> None:
    wrong = replace(LAYAWAYS, customer_id="99")
    (finding,) = [one for one in await stage(goods(3), mirror=wrong).lightspeed.check() if not one.ok]
    assert (finding.name, "99" in finding.detail) == ("Lightspeed layaways: customer", True)
    assert "LIGHTSPEED_HOLDS_CUSTOMER_ID" in finding.remedy
