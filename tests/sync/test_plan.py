"""Brakes hold what is unusual, and a plan is carried out only as it was reviewed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from sync.errors import Code
from sync.plan import Brakes, Census, Plan, PlanCost, PlannedChange, Tripped, bare, from_json, to_json, tripped

CHANGE = PlannedChange(
    link_id=7,
    sku="KAVA-1",
    before=3,
    after=5,
    reason="Lightspeed has more",
    first_sight=False,
    equation={"L": 5, "A": 3},
)
PLAN = Plan(
    environment="sandbox",
    filters={"full": True, "skus": []},
    created_at=datetime(2026, 11, 22, 6, tzinfo=UTC),
    changes=(CHANGE,),
    cost=PlanCost(calls=6, lightspeed_units=1.0, shopify_points=23),
)


@pytest.mark.parametrize(
    ("census", "code"),
    [
        pytest.param(Census(20, 20, 200, 200, 200), None, id="exactly-ten-percent-zeroed"),
        pytest.param(Census(21, 21, 200, 200, 200), Code.BR001, id="more-than-ten-percent-zeroed"),
        pytest.param(Census(19, 19, 30, 30, 30), None, id="below-twenty-links-nothing-trips"),
        pytest.param(Census(20, 20, 30, 30, 30), Code.BR001, id="twenty-links-trip"),
        pytest.param(Census(0, 60, 200, 200, 200), None, id="exactly-thirty-percent-changed"),
        pytest.param(Census(0, 61, 200, 200, 200), Code.BR002, id="more-than-thirty-percent-changed"),
        pytest.param(Census(0, 0, 200, 180, 200), None, id="ninety-percent-matched"),
        pytest.param(Census(0, 0, 200, 179, 200), Code.BR003, id="fewer-than-ninety-percent-matched"),
        pytest.param(Census(0, 0, 30, 11, 30), None, id="nineteen-lost-of-thirty"),
        pytest.param(Census(0, 0, 200, 0, None), None, id="no-reading-to-compare-with"),
    ],
)
def test_a_brake_holds_beyond_its_share(census: Census, code: Code | None) -> None:
    held = tripped(census, Brakes())
    assert (held.code if held else None) is code


def test_a_plan_survives_its_file() -> None:
    braked = replace(PLAN, brake=Tripped(Code.BR002, "61 of 200 SKUs would change"))
    assert from_json(to_json(braked)) == replace(braked, filters={"full": True, "skus": []})


def test_a_plan_made_later_has_the_same_hash() -> None:
    assert replace(PLAN, created_at=datetime(2026, 11, 23, tzinfo=UTC)).hash == PLAN.hash


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(replace(PLAN, environment="production"), id="environment"),
        pytest.param(replace(PLAN, filters={"full": False, "skus": []}), id="filters"),
        pytest.param(replace(PLAN, cost=PlanCost(calls=7)), id="cost"),
        pytest.param(replace(PLAN, changes=(replace(CHANGE, before=4),)), id="from"),
        pytest.param(replace(PLAN, changes=(replace(CHANGE, after=6),)), id="to"),
        pytest.param(replace(PLAN, changes=(replace(CHANGE, reason="another"),)), id="reason"),
        pytest.param(replace(PLAN, changes=(replace(CHANGE, equation={"L": 6, "A": 3}),)), id="equation"),
        pytest.param(replace(PLAN, changes=(CHANGE, replace(CHANGE, link_id=8))), id="one more"),
    ],
)
def test_the_hash_is_over_all_that_is_reviewed(other: Plan) -> None:
    assert other.hash != PLAN.hash


def test_the_order_of_the_rows_is_reviewed_too() -> None:
    second = replace(CHANGE, link_id=8)
    assert replace(PLAN, changes=(CHANGE, second)).hash != replace(PLAN, changes=(second, CHANGE)).hash


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("{", "Expecting", id="half-a-file"),
        pytest.param("[]", "not a sync plan", id="a-list"),
        pytest.param("{}", "not a sync plan", id="an-empty-object"),
        pytest.param("[" * 200_000, "not a sync plan", id="a-well"),
        pytest.param(to_json(PLAN).replace('"after": 5', '"after": 500'), "it was changed", id="edited"),
        pytest.param(to_json(PLAN).replace('"version": 2', '"version": 1'), "version 1", id="from-another-version"),
    ],
)
def test_a_plan_that_is_not_as_it_was_made_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        from_json(text)


def test_a_plan_without_its_equations_is_the_same_plan_to_whoever_carries_it_out() -> None:
    whole = replace(PLAN, changes=[replace(CHANGE, link_id=number) for number in range(3)])
    sent = from_json(to_json(bare(whole)))
    assert sent.hash == whole.hash == bare(bare(whole)).hash
    assert [change.equation for change in sent.changes] == [{}, {}, {}]
    assert len(to_json(bare(whole))) < len(to_json(whole))
