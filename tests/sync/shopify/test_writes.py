"""The stock write: its exact variables, every refusal, and what happens when nobody answers."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from sync.errors import Code, OutcomeUnknown, Permanent, SyncError, Transient
from sync.model import RowProblem, RowRefusal, StockChange, WriteResult
from tests.sync.shopify.support import HERE, TOKEN, VERSION, Reply, Stage, answer, error, item, throttled

pytestmark = pytest.mark.anyio

KEY = "5f0c9a52-4d6a-5e3b-9d6f-0d1c7d1b2a33"
RUN = "gid://lightspeed-sync/Run/7"
ROWS = (
    StockChange(seq=1, link_id=11, inventory_item_id=item(1), before=5, after=4),
    StockChange(seq=2, link_id=12, inventory_item_id=item(2), before=-1, after=0),
)


def said(*errors: dict[str, Any], group: str | None = None) -> httpx.Response:
    payload = {"inventoryAdjustmentGroup": {"id": group} if group else None, "userErrors": list(errors)}
    return answer({"inventorySetQuantities": payload}, requested=10)


def user_error(code: str | None, field: list[str] | None) -> dict[str, Any]:
    return {"code": code, "field": field, "message": "The text is not to be relied upon."}


APPLIED = said(group="gid://shopify/InventoryAdjustmentGroup/1")
ROW_2 = ["input", "quantities", "1", "inventoryItemId"]


async def test_a_write_sends_exactly_the_compare_and_set_of_its_rows(stage: Stage) -> None:
    stage.says(APPLIED)
    assert await stage.shop.set_available(KEY, RUN, ROWS) == WriteResult(applied=True)
    assert stage.script.variables == [
        {
            "input": {
                "name": "available",
                "reason": "correction",
                "referenceDocumentUri": RUN,
                "quantities": [
                    {"inventoryItemId": item(1), "locationId": HERE, "quantity": 4, "changeFromQuantity": 5},
                    {"inventoryItemId": item(2), "locationId": HERE, "quantity": 0, "changeFromQuantity": -1},
                ],
            },
            "key": KEY,
        }
    ]
    assert "@idempotent(key: $key)" in json.loads(stage.script.requests[0].content)["query"]


async def test_no_group_and_no_errors_means_that_nothing_had_to_change(stage: Stage) -> None:
    stage.says(said())
    assert await stage.shop.set_available(KEY, RUN, ROWS) == WriteResult(applied=True)


REFUSALS: dict[str, tuple[str | None, list[str] | None, RowProblem, str | None]] = {
    "stale": ("CHANGE_FROM_QUANTITY_STALE", ROW_2, RowProblem.STALE, item(2)),
    "stale without a place": ("CHANGE_FROM_QUANTITY_STALE", None, RowProblem.STALE, None),
    "stale, old name": ("COMPARE_QUANTITY_STALE", ROW_2, RowProblem.STALE, item(2)),
    "unknown item": ("INVALID_INVENTORY_ITEM", ROW_2, RowProblem.PARKED, item(2)),
    "unknown location": ("INVALID_LOCATION", ROW_2, RowProblem.PARKED, item(2)),
    "bundle parent": ("NON_MUTABLE_INVENTORY_ITEM", ROW_2, RowProblem.PARKED, item(2)),
    "not stocked": ("ITEM_NOT_STOCKED_AT_LOCATION", ROW_2, RowProblem.PARKED, item(2)),
    "too high": ("INVALID_QUANTITY_TOO_HIGH", ROW_2, RowProblem.PARKED, item(2)),
    "too low": ("INVALID_QUANTITY_TOO_LOW", ROW_2, RowProblem.PARKED, item(2)),
    "negative": ("INVALID_QUANTITY_NEGATIVE", ROW_2, RowProblem.PARKED, item(2)),
    "service trouble": ("SERVICE_UNAVAILABLE", None, RowProblem.RETRY, None),
    "attempt failed": ("IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED", ["input"], RowProblem.RETRY, None),
    "a code of tomorrow": ("ITEM_ON_FIRE", ROW_2, RowProblem.PARKED, item(2)),
    "no code": (None, ROW_2, RowProblem.PARKED, item(2)),
    "an index out of range": ("INVALID_INVENTORY_ITEM", ["input", "quantities", "2"], RowProblem.PARKED, None),
    "an index that is none": ("INVALID_INVENTORY_ITEM", ["input", "quantities", "²"], RowProblem.PARKED, None),
}


@pytest.mark.parametrize(("code", "field", "problem", "where"), REFUSALS.values(), ids=REFUSALS.keys())
async def test_a_refusal_is_known_by_its_code_and_its_row_by_the_index(
    stage: Stage, code: str | None, field: list[str] | None, problem: RowProblem, where: str | None
) -> None:
    stage.says(said(user_error(code, field)))
    result = await stage.shop.set_available(KEY, RUN, ROWS)
    refusal = RowRefusal(where, problem, code or "no code", "The text is not to be relied upon.")
    assert result == WriteResult(applied=False, refusals=(refusal,))


async def test_every_refused_row_is_told(stage: Stage) -> None:
    first = user_error("CHANGE_FROM_QUANTITY_STALE", ["input", "quantities", "0", "changeFromQuantity"])
    stage.says(said(first, user_error("NON_MUTABLE_INVENTORY_ITEM", ROW_2)))
    result = await stage.shop.set_available(KEY, RUN, ROWS)
    assert [(one.inventory_item_id, one.problem) for one in result.refusals] == [
        (item(1), RowProblem.STALE),
        (item(2), RowProblem.PARKED),
    ]


@pytest.mark.parametrize(
    ("code", "field"),
    [
        ("IDEMPOTENCY_KEY_PARAMETER_MISMATCH", ROW_2),
        ("INVALID_NAME", ["input", "name"]),
        ("INVALID_REASON", ["input", "reason"]),
        ("INVALID_REFERENCE_DOCUMENT", ["input", "referenceDocumentUri"]),
        ("NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR", ROW_2),
        ("SOMETHING_NEW", None),
    ],
)
async def test_what_only_we_can_have_caused_is_permanent(stage: Stage, code: str, field: list[str] | None) -> None:
    stage.says(said(user_error(code, field)))
    with pytest.raises(Permanent) as caught:
        await stage.shop.set_available(KEY, RUN, ROWS)
    assert caught.value.code is Code.SH008
    assert code in str(caught.value)


LOST: dict[str, Reply] = {
    "timeout": httpx.ReadTimeout("slow"),
    "reset": httpx.ReadError("reset"),
    "closed": httpx.RemoteProtocolError("closed"),
    "500": httpx.Response(500, text="<html>"),
    "502 without version": httpx.Response(502),
    "HTML with 200": httpx.Response(200, headers=VERSION, text="<html>"),
    "truncated": httpx.Response(200, headers={**VERSION, "content-length": "900"}, content=b'{"data": {"inv'),
    "internal error": answer(None, errors=error("INTERNAL_SERVER_ERROR")),
    "null payload": answer({"inventorySetQuantities": None}),
    "wrong shape": answer({"inventorySetQuantities": {"userErrors": "none"}}),
    "errors beside a payload": answer({"inventorySetQuantities": {"userErrors": []}}, errors=[{"message": "x"}]),
    "still under way": said(user_error("IDEMPOTENCY_CONCURRENT_REQUEST", None)),
}


@pytest.mark.parametrize("reply", LOST.values(), ids=LOST.keys())
async def test_a_lost_answer_is_asked_for_again_with_the_same_bytes(stage: Stage, reply: Reply) -> None:
    stage.says(reply, APPLIED)
    assert await stage.shop.set_available(KEY, RUN, ROWS) == WriteResult(applied=True)
    first, second = stage.script.requests
    assert first.content == second.content
    assert 0.5 <= stage.clock.elapsed <= 1.0


@pytest.mark.parametrize("reply", LOST.values(), ids=LOST.keys())
async def test_a_write_that_nobody_answers_is_unknown(stage: Stage, reply: Reply) -> None:
    stage.says(*[reply] * 5)
    with pytest.raises(OutcomeUnknown):
        await stage.shop.set_available(KEY, RUN, ROWS)
    assert len({request.content for request in stage.script.requests}) == 1


UNTOUCHED: dict[str, Reply] = {
    "never connected": httpx.ConnectError("refused"),
    "throttled": throttled(available=1990, requested=10),
    "429": httpx.Response(429, headers={"retry-after": "2"}),
}


@pytest.mark.parametrize("reply", UNTOUCHED.values(), ids=UNTOUCHED.keys())
async def test_a_write_that_surely_did_not_happen_is_transient(stage: Stage, reply: Reply) -> None:
    stage.says(*[reply] * 5)
    with pytest.raises(Transient) as caught:
        await stage.shop.set_available(KEY, RUN, ROWS)
    assert type(caught.value) is Transient


@pytest.mark.parametrize("reply", UNTOUCHED.values(), ids=UNTOUCHED.keys())
async def test_one_doubtful_attempt_makes_the_whole_write_doubtful(stage: Stage, reply: Reply) -> None:
    stage.says(httpx.ReadTimeout("slow"), *[reply] * 4)
    with pytest.raises(OutcomeUnknown) as caught:
        await stage.shop.set_available(KEY, RUN, ROWS)
    assert caught.value.code is Code.SH004


async def test_a_refusal_for_good_after_a_doubtful_attempt_leaves_the_doubt(stage: Stage) -> None:
    stage.says(httpx.ReadTimeout("slow"), httpx.Response(403))
    with pytest.raises(OutcomeUnknown):
        await stage.shop.set_available(KEY, RUN, ROWS)


async def test_a_refused_row_after_a_lost_answer_is_the_answer(stage: Stage) -> None:
    stage.says(httpx.ReadTimeout("slow"), said(user_error("CHANGE_FROM_QUANTITY_STALE", ROW_2)))
    result = await stage.shop.set_available(KEY, RUN, ROWS)
    assert [one.problem for one in result.refusals] == [RowProblem.STALE]


async def test_a_throttled_write_waits_until_its_points_are_there(stage: Stage) -> None:
    stage.says(throttled(available=0, requested=450), APPLIED)
    assert await stage.shop.set_available(KEY, RUN, ROWS) == WriteResult(applied=True)
    assert stage.clock.elapsed == pytest.approx(4.5, abs=0.01)
    assert stage.script.requests[0].content == stage.script.requests[1].content


async def test_a_wait_beyond_the_deadline_ends_the_write(stage: Stage) -> None:
    stage.says(httpx.Response(429, headers={"retry-after": "100"}))
    with pytest.raises(Transient):
        await stage.shop.set_available(KEY, RUN, ROWS)
    assert stage.clock.elapsed == 0


async def test_the_last_attempt_ends_with_the_writes_own_deadline(stage: Stage) -> None:
    def slow() -> None:
        stage.clock.elapsed += 25

    stage.script.before = slow
    stage.says(*[httpx.Response(500)] * 4)
    with pytest.raises(OutcomeUnknown):
        await stage.shop.set_available(KEY, RUN, ROWS)
    allowed = [request.extensions["timeout"]["read"] for request in stage.script.requests]
    assert allowed[:3] == [30.0, 30.0, 30.0]
    assert 1.0 <= allowed[3] < 15.0
    assert stage.clock.elapsed >= 90


async def test_a_static_token_that_is_rejected_is_permanent(stage: Stage) -> None:
    stage.says(httpx.Response(401, json={"errors": "[API] Invalid API key or access token"}))
    with pytest.raises(Permanent) as caught:
        await stage.shop.set_available(KEY, RUN, ROWS)
    assert caught.value.code is Code.SH005


async def test_a_write_answered_by_another_version_is_unknown_and_stops_the_next_ones(stage: Stage) -> None:
    old = {"X-Shopify-API-Version": "2026-01"}
    stage.says(httpx.Response(200, headers=old, json={"data": {"inventorySetQuantities": {"userErrors": []}}}))
    with pytest.raises(OutcomeUnknown) as unknown:
        await stage.shop.set_available(KEY, RUN, ROWS)
    with pytest.raises(Permanent) as stopped:
        await stage.shop.set_available(KEY, RUN, ROWS)
    assert (unknown.value.code, stopped.value.code) == (Code.SH010, Code.SH010)
    assert len(stage.script.requests) == 1


async def test_writing_goes_on_after_an_answer_from_the_right_version(stage: Stage) -> None:
    wrong = httpx.Response(200, headers={"X-Shopify-API-Version": "2026-01"}, json={"data": {}})
    stage.says(wrong, answer({"nodes": [None]}), APPLIED)
    with pytest.raises(Permanent):
        await stage.shop.levels_of([item(1)])
    assert await stage.shop.levels_of([item(1)]) == {}
    assert await stage.shop.set_available(KEY, RUN, ROWS) == WriteResult(applied=True)


def rows(count: int) -> list[StockChange]:
    return [StockChange(seq=n, link_id=n, inventory_item_id=item(n), before=1, after=0) for n in range(count)]


@pytest.mark.parametrize(
    ("key", "changes"),
    [(KEY, []), (KEY, rows(251)), ("", list(ROWS)), (KEY, [ROWS[0], ROWS[0]])],
    ids=["no rows", "251 rows", "no key", "an item twice"],
)
async def test_what_must_never_be_sent_is_not(stage: Stage, key: str, changes: list[StockChange]) -> None:
    stage.says(answer({"nodes": [None]}))  # respx wants its route called
    with pytest.raises(ValueError, match="a stock write"):
        await stage.shop.set_available(key, RUN, changes)
    await stage.shop.levels_of([item(1)])
    assert stage.script.operations == ["LevelsOfItems"]


@pytest.mark.parametrize("reply", [*LOST.values(), *UNTOUCHED.values(), httpx.Response(401), httpx.Response(403)])
async def test_the_token_is_in_no_error(stage: Stage, reply: Reply) -> None:
    stage.says(*[reply] * (1 if isinstance(reply, httpx.Response) and reply.status_code in (401, 403) else 5))
    with pytest.raises(SyncError) as caught:
        await stage.shop.set_available(KEY, RUN, ROWS)
    one: BaseException | None = caught.value
    while one is not None:
        assert TOKEN not in f"{one!r} {one}"
        one = one.__cause__ or one.__context__
