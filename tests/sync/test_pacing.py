"""Quota arithmetic: what headers say, when a call may go, and that the bucket is neither spilled nor wasted."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.pacing import Pace, Quota, Reading, Ticket, Urgency, backoff, lightspeed_reading, shopify_reading

URGENT, BULK = Urgency.URGENT, Urgency.BULK


def go(quota: Quota, operation: str, now: float, urgency: Urgency = URGENT) -> Ticket:
    verdict = quota.ask(operation, urgency, now)
    assert verdict.pace is Pace.GO
    assert verdict.ticket is not None
    return verdict.ticket


def told(quota: Quota, reading: Reading, now: float = 0.0, operation: str = "read") -> None:
    quota.answered(go(quota, operation, now), reading, now)


@pytest.mark.parametrize(
    ("attempt", "draw", "seconds"),
    [
        pytest.param(1, 0.0, 0.0, id="full jitter may mean no wait"),
        pytest.param(1, 1.0, 0.5, id="first"),
        pytest.param(2, 1.0, 1.0, id="second doubles"),
        pytest.param(4, 0.5, 2.0, id="half of the fourth"),
        pytest.param(7, 1.0, 30.0, id="capped"),
        pytest.param(10_000, 1.0, 30.0, id="no overflow"),
    ],
)
def test_back_off_is_exponential_with_full_jitter_and_a_cap(attempt: int, draw: float, seconds: float) -> None:
    assert backoff(attempt, draw) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param(
            {
                "X-LS-Api-Bucket-Level": "91.67/90",
                "X-LS-API-Burst-Level": "3/20",
                "X-LS-Api-Drip-Rate": "1",
                "X-LS-Api-Request-Cost": "1.4",
            },
            Reading(size=90, level=91.68, drip=1, cost=1.4, burst_used=3, burst_limit=20),
            id="all of them",
        ),
        pytest.param({"x-ls-api-bucket-level": "1/90"}, Reading(size=90, level=2), id="whole level may be cut off"),
        pytest.param({"X-LS-API-BUCKET-LEVEL": " 0.5 / 100 "}, Reading(size=100, level=0.6), id="case and blanks"),
        pytest.param(
            {"x-ls-api-bucket-level": "1.00/90", "x-ls-api-drip-rate": "fast", "x-ls-api-request-cost": "-1"},
            Reading(size=90, level=1.01),
            id="garbage beside the level is not told",
        ),
        pytest.param(
            {"x-ls-api-bucket-level": "1.00/90", "x-ls-api-burst-level": "7/0"},
            Reading(size=90, level=1.01),
            id="a burst limit of nothing is not told",
        ),
        pytest.param({}, None, id="nothing"),
        pytest.param({"x-ls-api-bucket-level": ""}, None, id="empty"),
        pytest.param({"x-ls-api-bucket-level": "90"}, None, id="no size"),
        pytest.param({"x-ls-api-bucket-level": "1/0"}, None, id="size zero"),
        pytest.param({"x-ls-api-bucket-level": "nan/90"}, None, id="not a number"),
        pytest.param({"x-ls-api-bucket-level": "1e3/90"}, None, id="exponent"),
        pytest.param({"x-ls-api-bucket-level": "١/٩"}, None, id="digits that are not ASCII"),
        pytest.param({"x-ls-api-bucket-level": "1/" + "9" * 400}, None, id="endless digits"),
    ],
)
def test_lightspeed_headers_are_read_whatever_they_look_like(headers: dict[str, str], expected: Reading | None) -> None:
    found = lightspeed_reading(headers)
    if expected is None:
        assert found is None
    else:
        assert found is not None
        assert found.level == pytest.approx(expected.level)
        assert (found.size, found.drip, found.cost) == (expected.size, expected.drip, expected.cost)
        assert (found.burst_used, found.burst_limit) == (expected.burst_used, expected.burst_limit)


def _extensions(**status: object) -> dict[str, object]:
    return {"cost": {"requestedQueryCost": 52, "actualQueryCost": 12, "throttleStatus": status}}


@pytest.mark.parametrize(
    ("extensions", "expected"),
    [
        pytest.param(
            _extensions(maximumAvailable=2000.0, currentlyAvailable=1940, restoreRate=100.0),
            Reading(size=2000, level=60, drip=100, cost=52),
            id="as Shopify says it",
        ),
        pytest.param(
            _extensions(maximumAvailable=1000, currentlyAvailable=1200, restoreRate=50),
            Reading(size=1000, level=0, drip=50, cost=52),
            id="more than the maximum available",
        ),
        pytest.param(_extensions(maximumAvailable=1000), None, id="available missing"),
        pytest.param(_extensions(maximumAvailable=math.inf, currentlyAvailable=1), None, id="endless"),
        pytest.param(_extensions(maximumAvailable=True, currentlyAvailable=1), None, id="boolean"),
        pytest.param({"cost": None}, None, id="null cost"),
        pytest.param([], None, id="a list"),
        pytest.param(None, None, id="null"),
    ],
)
def test_shopify_extensions_are_read_whatever_they_look_like(extensions: object, expected: Reading | None) -> None:
    assert shopify_reading(extensions) == expected


def test_before_the_first_answer_one_call_goes_and_the_others_wait_for_what_it_finds_out() -> None:
    quota = Quota()
    probe = go(quota, "read", 0.0)
    assert quota.ask("read", URGENT, 0.0).pace is Pace.PROBING
    quota.answered(probe, Reading(size=90, level=1, drip=1, cost=1), 0.5)
    assert quota.ask("read", URGENT, 0.5).pace is Pace.GO


def test_a_probe_that_never_ends_does_not_block_for_ever() -> None:
    quota = Quota()
    go(quota, "read", 0.0)
    assert quota.ask("read", URGENT, 59.0).pace is Pace.PROBING
    assert quota.ask("read", URGENT, 61.0).pace is Pace.GO


def test_answers_without_any_figures_keep_to_one_call_at_a_time() -> None:
    quota = Quota()
    quota.answered(go(quota, "read", 0.0), None, 1.0)
    go(quota, "read", 1.0)
    assert quota.ask("read", URGENT, 1.0).pace is Pace.PROBING


def test_a_call_waits_until_its_own_cost_fits() -> None:
    quota = Quota(reserve=0.0)
    told(quota, Reading(size=90, level=88.0, drip=2.0, cost=5.0))
    verdict = quota.ask("read", URGENT, 0.0)
    assert verdict.pace is Pace.QUOTA
    assert verdict.seconds == pytest.approx(1.5)  # 3 units at 2 a second
    assert quota.ask("read", URGENT, 1.5).pace is Pace.GO


def test_bulk_leaves_the_reserve_to_urgent_calls() -> None:
    quota = Quota(reserve=0.1)
    told(quota, Reading(size=100, level=89.0, drip=1.0, cost=2.0))
    assert quota.ask("read", BULK, 0.0).pace is Pace.QUOTA
    assert quota.ask("read", URGENT, 0.0).pace is Pace.GO


def test_calls_under_way_count_before_they_are_answered() -> None:
    quota = Quota(reserve=0.0)
    told(quota, Reading(size=10, level=8.0, drip=1.0, cost=1.0))
    go(quota, "read", 0.0)
    go(quota, "read", 0.0)
    assert quota.ask("read", URGENT, 0.0).pace is Pace.QUOTA


def test_an_answer_that_was_overtaken_does_not_make_the_bucket_look_emptier() -> None:
    quota = Quota(reserve=0.0)
    told(quota, Reading(size=10, level=1.0, drip=0.001, cost=4.0))
    first, second = go(quota, "read", 0.0), go(quota, "read", 0.0)
    quota.answered(second, Reading(size=10, level=9.0, drip=0.001, cost=4.0), 0.2)
    quota.answered(first, Reading(size=10, level=5.0, drip=0.001, cost=4.0), 0.3)
    assert quota.ask("read", URGENT, 0.3).pace is Pace.QUOTA


def test_a_call_without_an_answer_counts_as_charged() -> None:
    quota = Quota(reserve=0.0)
    told(quota, Reading(size=10, level=5.0, drip=0.001, cost=3.0))
    quota.answered(go(quota, "read", 0.0), None, 1.0)
    assert quota.ask("read", URGENT, 1.0).pace is Pace.QUOTA


def test_a_call_dearer_than_the_bucket_waits_for_an_empty_one_and_then_goes() -> None:
    quota = Quota()
    told(quota, Reading(size=10, level=5.0, drip=1.0, cost=40.0))
    assert quota.ask("read", BULK, 0.0).seconds == pytest.approx(5.0)
    assert quota.ask("read", BULK, 5.0).pace is Pace.GO


def test_a_full_bucket_of_unknown_drip_is_tried_now_and_then() -> None:
    quota = Quota()
    told(quota, Reading(size=90, level=90.0))
    assert quota.ask("read", URGENT, 1.0).pace is Pace.QUOTA
    assert quota.ask("read", URGENT, 5.1).pace is Pace.GO


def test_no_more_calls_go_within_a_second_than_the_burst_limit_allows() -> None:
    quota = Quota()
    roomy = Reading(size=1000, level=1, drip=100, cost=1, burst_used=1, burst_limit=4)
    told(quota, roomy, 0.0)
    for at in (0.1, 0.2, 0.3):
        quota.answered(go(quota, "read", at), roomy, at)
    verdict = quota.ask("read", URGENT, 0.4)
    assert verdict.pace is Pace.BURST
    assert verdict.seconds == pytest.approx(0.65)
    assert quota.ask("read", URGENT, 1.06).pace is Pace.GO


def test_a_burst_window_that_others_have_filled_is_waited_out() -> None:
    quota = Quota()
    told(quota, Reading(size=90, level=1, drip=1, cost=1, burst_used=20, burst_limit=20), 0.0)
    assert quota.ask("read", URGENT, 0.5).pace is Pace.BURST
    assert quota.ask("read", URGENT, 1.1).pace is Pace.GO


@dataclass
class Bucket:
    """A model of the server: the call that crosses the size passes, the next ones do not."""

    size: float
    drip: float
    digits: int
    level: float
    at: float = 0.0
    history: list[bool] = field(default_factory=list)  # per call: did it find or leave the bucket over its size?

    def receive(self, cost: float, now: float) -> Reading:
        self.level = max(0.0, self.level - (now - self.at) * self.drip)
        self.at = now
        if self.level < self.size:
            self.level += cost
        self.history.append(self.level > self.size + 1e-9)
        cut = math.floor(self.level * 10**self.digits) / 10**self.digits
        printed = f"{cut:.{self.digits}f}/{self.size:g}"
        headers = {"x-ls-api-bucket-level": printed, "x-ls-api-drip-rate": f"{self.drip:g}"}
        reading = lightspeed_reading({**headers, "x-ls-api-request-cost": f"{cost:g}"})
        assert reading is not None
        return reading


calls = st.lists(
    st.tuples(
        st.sampled_from(["stock", "items", "walk", "count"]),
        st.sampled_from([URGENT, BULK]),
        st.floats(0.0, 2.0),  # way there
        st.floats(0.0, 2.0),  # way back
        st.floats(0.0, 5.0),  # idle time before
    ),
    min_size=1,
    max_size=120,
)


@settings(max_examples=150, deadline=None)
@given(
    size=st.integers(5, 200),
    drip=st.sampled_from([0.2, 0.5, 1.0, 1.5, 4.0]),
    digits=st.integers(0, 3),
    full=st.floats(0.0, 1.0),
    prices=st.lists(st.floats(0.1, 1.0), min_size=4, max_size=4),
    calls=calls,
)
def test_our_calls_never_push_the_bucket_over_its_size_twice_in_a_row(
    *,
    size: int,
    drip: float,
    digits: int,
    full: float,
    prices: list[float],
    calls: list[tuple[str, Urgency, float, float, float]],
) -> None:
    bucket = Bucket(size=float(size), drip=drip, digits=digits, level=full * size)
    costs = {
        name: round(max(1.0, part * min(size, 10)), 1)
        for name, part in zip(("stock", "items", "walk", "count"), prices, strict=True)
    }
    quota, now, known, spilled = Quota(), 0.0, set[str](), 0
    for operation, urgency, there, back, idle in calls:
        now += idle
        verdict = quota.ask(operation, urgency, now)
        while verdict.ticket is None:
            now += max(verdict.seconds, 0.001)
            verdict = quota.ask(operation, urgency, now)
        reading = bucket.receive(costs[operation], now + there)
        now += there + back
        quota.answered(verdict.ticket, reading, now)
        spilled = spilled + 1 if bucket.history[-1] else 0
        assert spilled <= 1
        assert not bucket.history[-1] or operation not in known  # a known price never spills
        known.add(operation)


@settings(max_examples=60, deadline=None)
@given(size=st.integers(60, 200), drip=st.sampled_from([1.0, 1.5, 2.0]), latency=st.floats(0.0, 0.4))
def test_a_long_walk_uses_nearly_all_of_the_quota(size: int, drip: float, latency: float) -> None:
    """At most a tenth longer than the quota itself imposes, or than the link's latency does."""
    bucket, quota, now = Bucket(size=float(size), drip=drip, digits=2, level=0.0), Quota(), 0.0
    for _ in range(300):
        verdict = quota.ask("walk", BULK, now)
        while verdict.ticket is None:
            now += max(verdict.seconds, 0.001)
            verdict = quota.ask("walk", BULK, now)
        reading = bucket.receive(1.4, now + latency / 2)
        now += latency
        quota.answered(verdict.ticket, reading, now)
    assert not any(bucket.history)
    imposed = max((300 * 1.4 - size) / drip, 300 * latency)
    assert now <= 1.1 * imposed + latency
