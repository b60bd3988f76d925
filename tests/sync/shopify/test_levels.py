"""Reading levels: pages, quoted dates, single rows, and every way in which a read is not complete."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import httpx
import pytest

from sync.errors import Code, Permanent, SyncError, Transient
from sync.model import Certificate, LevelRow
from tests.sync.shopify.support import (
    HERE,
    START,
    TOKEN,
    Basket,
    Stage,
    answer,
    error,
    item,
    level,
    levels_answer,
    page,
    throttled,
)

pytestmark = pytest.mark.anyio

SINCE = datetime(2026, 11, 22, 6, 0, 0, 900_000, tzinfo=timezone(timedelta(hours=-6)))


async def test_an_idle_read_is_one_call_with_a_quoted_date_in_utc(stage: Stage) -> None:
    stage.says(levels_answer())
    basket = Basket[LevelRow]()
    certificate = await stage.shop.read_levels(SINCE, basket)
    query = "updated_at:>='2026-11-22T12:00:00Z'"
    assert stage.script.variables == [{"locationId": HERE, "query": query, "first": 250, "after": None}]
    assert basket.pages == []
    assert certificate == Certificate("shopify.levels", 0, 1, None, START, START)


async def test_a_reading_was_carried_out_after_the_servers_date_less_the_time_it_took(stage: Stage) -> None:
    dated, later = levels_answer(1, after="c1"), levels_answer(2)
    dated.headers["Date"] = "Sun, 22 Nov 2026 11:55:00 GMT"
    later.headers["Date"] = "Sun, 22 Nov 2026 11:55:30 GMT"

    def wait() -> None:
        stage.clock.elapsed += 2.5

    stage.script.before = wait
    stage.says(dated, later)
    certificate = await stage.shop.read_levels(SINCE, Basket[LevelRow]())
    assert certificate.served_at == datetime(2026, 11, 22, 11, 54, 56, 500_000, tzinfo=UTC)


async def test_pages_are_delivered_in_order_until_the_last(stage: Stage) -> None:
    stage.says(levels_answer(1, 2, after="c1"), levels_answer(3, after="c2"), levels_answer())
    basket = Basket[LevelRow]()
    certificate = await stage.shop.read_levels(SINCE, basket)
    assert [[row.available for row in rows] for rows in basket.pages] == [[1, 2], [3]]
    assert [asked["after"] for asked in stage.script.variables] == [None, "c1", "c2"]
    assert (certificate.rows, certificate.pages) == (3, 3)
    assert certificate.newest == datetime(2026, 11, 22, 11, 30, tzinfo=UTC)


async def test_all_numbers_of_a_level_come_from_one_row(stage: Stage) -> None:
    stocked = level(-1, committed=2, reserved=3, damaged=4, quality_control=5, safety_stock=6)
    node = {"id": item(1), "inventoryLevel": stocked}
    stage.says(answer({"nodes": [node]}))
    assert await stage.shop.levels_of([item(1)]) == {
        item(1): LevelRow(
            inventory_item_id=item(1),
            available=-1,
            committed=2,
            reserved=3,
            safety_stock=6,
            damaged=4,
            quality_control=5,
            updated_at=datetime(2026, 11, 22, 11, 0, tzinfo=UTC),
            level_updated_at=datetime(2026, 11, 22, 11, 30, tzinfo=UTC),
            active=True,
        )
    }


async def test_an_untouched_quantity_takes_the_levels_own_time(stage: Stage) -> None:
    stage.says(answer({"nodes": [{"id": item(1), "inventoryLevel": level(touched=None)}]}))
    row = (await stage.shop.levels_of([item(1)]))[item(1)]
    assert row.updated_at == datetime(2026, 11, 22, 11, 30, tzinfo=UTC)


async def test_point_reads_take_250_ids_a_call_and_each_id_once(stage: Stage) -> None:
    wanted = [item(n) for n in range(251)]
    nodes = [{"id": one, "inventoryLevel": level()} for one in wanted]
    stage.says(answer({"nodes": nodes[:250]}), answer({"nodes": nodes[250:]}))
    found = await stage.shop.levels_of([*wanted, item(7)])
    assert [len(asked["ids"]) for asked in stage.script.variables] == [250, 1]
    assert sorted(found) == sorted(wanted)


async def test_an_item_that_is_gone_or_not_stocked_is_missing(stage: Stage) -> None:
    stage.says(answer({"nodes": [None, {"id": item(2), "inventoryLevel": None}]}))
    assert await stage.shop.levels_of([item(1), item(2)]) == {}


async def test_an_answer_with_fewer_items_than_asked_is_incomplete(stage: Stage) -> None:
    stage.says(*[answer({"nodes": [None]})] * 4)
    with pytest.raises(Transient) as caught:
        await stage.shop.levels_of([item(1), item(2)])
    assert caught.value.code is Code.SH013


async def test_a_missing_state_is_never_taken_for_zero(stage: Stage) -> None:
    broken = level()
    broken["quantities"] = [one for one in broken["quantities"] if one["name"] != "committed"]
    stage.says(*[answer({"nodes": [{"id": item(1), "inventoryLevel": broken}]})] * 4)
    with pytest.raises(Transient) as caught:
        await stage.shop.levels_of([item(1)])
    assert "committed" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [("quantity", "5"), ("quantity", None), ("quantity", 5.5), ("quantity", True), ("updatedAt", 1700000000)],
    ids=["text", "null", "fraction", "boolean", "number for a moment"],
)
async def test_a_value_of_another_type_is_unreadable_and_not_quoted(stage: Stage, name: str, value: object) -> None:
    broken = level()
    broken["quantities"][0][name] = value
    stage.says(*[answer({"nodes": [{"id": item(1), "inventoryLevel": broken}]})] * 4)
    with pytest.raises(Transient) as caught:
        await stage.shop.levels_of([item(1)])
    assert caught.value.code is Code.SH007


async def test_a_moment_without_a_zone_is_unreadable(stage: Stage) -> None:
    broken = level() | {"updatedAt": "2026-11-22T11:30:00"}
    stage.says(*[answer({"nodes": [{"id": item(1), "inventoryLevel": broken}]})] * 4)
    with pytest.raises(Transient):
        await stage.shop.levels_of([item(1)])


async def test_fields_that_nobody_asked_for_break_nothing(stage: Stage) -> None:
    node = {"id": item(1), "inventoryLevel": level() | {"news": {"of": "tomorrow"}}, "news": 1}
    stage.says(answer({"nodes": [node], "news": []}))
    assert list(await stage.shop.levels_of([item(1)])) == [item(1)]


@pytest.mark.parametrize("cursor", ["c1", ""], ids=["the same cursor", "an empty cursor"])
async def test_a_page_that_leads_nowhere_gives_no_certificate(stage: Stage, cursor: str) -> None:
    stage.says(levels_answer(1, after="c1"), levels_answer(2, after=cursor))
    basket = Basket[LevelRow]()
    with pytest.raises(Transient) as caught:
        await stage.shop.read_levels(SINCE, basket)
    assert caught.value.code is Code.SH013
    assert [row.available for row in basket.rows] == [1]


CUT_OFF = {
    "its last row": {"edges": [], "pageInfo": {"hasNextPage": False, "endCursor": "c1"}},
    "its end": {**page([]), "edges": page([{"item": {"id": item(1)}, **level()}])["edges"]},
    "its end, though more follows": page([]) | {"pageInfo": {"hasNextPage": True, "endCursor": "c1"}},
}


@pytest.mark.parametrize("lacking", CUT_OFF.values(), ids=CUT_OFF.keys())
async def test_a_page_that_lacks_something_is_asked_for_again(stage: Stage, lacking: dict[str, Any]) -> None:
    stage.says(answer({"location": {"inventoryLevels": lacking}}), levels_answer(1, 2))
    basket = Basket[LevelRow]()
    certificate = await stage.shop.read_levels(SINCE, basket)
    assert certificate.rows == 2
    assert stage.meter.attempts == [("LevelsChanged", "SH013"), ("LevelsChanged", None)]


async def test_a_walk_that_reaches_the_paging_cap_gives_no_certificate(stage: Stage) -> None:
    full = [levels_answer(*range(250), after=f"c{n}") for n in range(99)]
    stage.says(*full, levels_answer(*range(250)))
    with pytest.raises(Permanent) as caught:
        await stage.shop.read_levels(SINCE, Basket[LevelRow]())
    assert caught.value.code is Code.SH018


async def test_an_unknown_location_is_permanent(stage: Stage) -> None:
    stage.says(answer({"location": None}))
    with pytest.raises(Permanent, match="SHOPIFY_LOCATION_ID"):
        await stage.shop.read_levels(SINCE, Basket[LevelRow]())


async def test_an_ignored_filter_delivers_nothing(stage: Stage) -> None:
    warnings = [{"field": "updated", "message": "Invalid search field for this query.", "code": "invalid_field"}]
    reply = levels_answer(1).json()
    reply["extensions"]["search"] = [{"path": ["location", "inventoryLevels"], "warnings": warnings}]
    stage.says(httpx.Response(200, headers={"X-Shopify-API-Version": "2026-10"}, json=reply))
    basket = Basket[LevelRow]()
    with pytest.raises(Permanent) as caught:
        await stage.shop.read_levels(SINCE, basket)
    assert caught.value.code is Code.SH009
    assert basket.pages == []


@pytest.mark.parametrize(
    "failure",
    [
        httpx.ReadTimeout("slow"),
        httpx.Response(502, text="<html>"),
        answer(None, errors=error("INTERNAL_SERVER_ERROR")),
    ],
    ids=["timeout", "502", "internal"],
)
async def test_a_read_is_tried_again_at_the_same_place(stage: Stage, failure: httpx.Response | Exception) -> None:
    stage.says(levels_answer(1, after="c1"), failure, failure, levels_answer(2))
    basket = Basket[LevelRow]()
    await stage.shop.read_levels(SINCE, basket)
    assert [asked["after"] for asked in stage.script.variables] == [None, "c1", "c1", "c1"]
    assert [row.available for row in basket.rows] == [1, 2]


async def test_a_read_gives_up_after_its_attempts(stage: Stage) -> None:
    stage.says(*[httpx.Response(500)] * 4)
    with pytest.raises(Transient) as caught:
        await stage.shop.read_levels(SINCE, Basket[LevelRow]())
    assert caught.value.code is Code.SH006
    assert stage.meter.attempts == [("LevelsChanged", "SH006")] * 4


async def test_a_throttled_read_waits_for_what_it_asks(stage: Stage) -> None:
    stage.says(throttled(available=0, requested=36), throttled(available=4, requested=336), levels_answer(1))
    await stage.shop.read_levels(SINCE, Basket[LevelRow]())
    assert stage.clock.elapsed == pytest.approx(1.0 + 3.32, abs=0.01)


async def test_pages_wait_for_quota_instead_of_running_into_the_limit(stage: Stage) -> None:
    nodes = [{"item": {"id": item(1)}, **level()}]
    pages = [
        answer({"location": {"inventoryLevels": page(nodes, f"c{n}" if n < 2 else None)}}, available=10, requested=36)
        for n in range(3)
    ]
    stage.says(*pages)
    await stage.shop.read_levels(SINCE, Basket[LevelRow]())
    assert stage.clock.elapsed == pytest.approx(0.52, abs=0.01)  # 26 points a page, 100 a second
    assert stage.meter.ratios[-1] == pytest.approx(0.995)


async def test_a_page_too_dear_is_halved_until_it_is_not(stage: Stage) -> None:
    dear = answer(None, errors=error("MAX_COST_EXCEEDED", cost=1100, maxCost=1000))
    stage.says(dear, dear, levels_answer(1, after="c1"), levels_answer(2))
    certificate = await stage.shop.read_levels(SINCE, Basket[LevelRow]())
    assert [asked["first"] for asked in stage.script.variables] == [250, 125, 62, 62]
    assert certificate.rows == 2


async def test_the_token_travels_in_its_header_and_in_nothing_that_is_shown(stage: Stage) -> None:
    stage.says(httpx.Response(403))
    with pytest.raises(SyncError) as caught:
        await stage.shop.read_levels(SINCE, Basket[LevelRow]())
    request = stage.script.requests[0]
    assert request.headers["X-Shopify-Access-Token"] == TOKEN
    assert TOKEN.encode() not in request.content
    assert TOKEN not in f"{caught.value!r} {stage.shop!r} {vars(stage.shop)!r}"
