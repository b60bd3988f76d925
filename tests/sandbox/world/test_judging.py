"""How a measurement compares what was found with what was planted."""

from __future__ import annotations

from typing import Any

from bench.validate import judge
from sandbox.flaws import Flaw, Planted

PRICE = Planted(Flaw.PRICE, "KAVA-1", "")
TITLE = Planted(Flaw.TITLE, "KAVA-2", "")
MISTYPED = Planted(Flaw.SKU_ALMOST_EQUAL, "KAVA-3", "")


def finding(kind: str, sku: str, *also: str) -> dict[str, Any]:
    return {"class": kind, "sku": sku, "also": list(also)}


def test_a_fault_is_found_under_any_of_a_findings_skus() -> None:
    verdict = judge([PRICE, MISTYPED], [finding("price", "KAVA-1"), finding("sku_almost_equal", "KAVA3", "KAVA-3")])
    assert (verdict.right, verdict.missed, verdict.misnamed, verdict.more) == (2, [], [], [])


def test_a_fault_that_nothing_names_is_missed_and_what_nothing_explains_is_too_much() -> None:
    extra = finding("price", "KAVA-9")
    verdict = judge([PRICE], [extra])
    assert (verdict.right, verdict.missed, verdict.misnamed, verdict.more) == (0, [PRICE], [], [extra])


def test_a_fault_under_another_class_is_found_but_misnamed() -> None:
    verdict = judge([TITLE], [finding("description", "KAVA-2")])
    assert (verdict.right, verdict.missed, verdict.misnamed, verdict.more) == (0, [], [(TITLE, "description")], [])


def test_a_second_finding_of_the_same_fault_is_too_much() -> None:
    second = finding("only_in_shopify", "KAVA-3")
    verdict = judge([MISTYPED], [second, finding("sku_almost_equal", "KAVA-3")])
    assert (verdict.right, verdict.more) == (1, [second])
