"""A fixed budget of seeds keeps every invariant, and what is to be tested in them really happens."""

from __future__ import annotations

import pytest

from tests.simulation.report import summed
from tests.simulation.runner import Order, run_all

_SELDOM = {  # too seldom for a budget of minutes
    "deed new SKU at the till",
    "deed archived at the till",
    "killed before a mail",
    "killed after a mail",
    "told reminder",
}
_WITH_OUTAGE = (173, 207)  # whose scripts take Lightspeed and Shopify away for half an hour


def test_a_few_seeds_keep_every_invariant() -> None:
    results = list(run_all([Order(seed, 0.08) for seed in range(1, 4)]))
    assert [(result.options.seed, *result.violations) for result in results if result.violations] == []
    summary = summed(results)
    assert summary.oversold_ours == summary.double_sales == summary.lost_sales == 0
    assert summary.kills > 0
    assert summary.beacons["rest"] >= 3


@pytest.mark.slow
def test_many_seeds_keep_every_invariant_and_meet_every_trouble() -> None:
    results = list(run_all([Order(seed, 0.12, busy=6) for seed in (*range(100, 124), *_WITH_OUTAGE)]))
    assert [(result.options.seed, *result.violations) for result in results if result.violations] == []
    assert set(summed(results).missing()) <= _SELDOM
