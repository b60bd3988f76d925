"""Whatever happens between the daemon's steps: no raise above the truth, no needless write, and right at rest."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from sync.model import Demand
from sync.stock import Memory, Policy, Reading, Verdict, decide
from tests.sync.one_sku_world import POLL, Event, OneSku

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
CYCLES = 11
PLACEMENTS = 150

ORDERS: dict[str, tuple[int, list[Event]]] = {
    "one-order-shipped": (3, [("place", 1, 0), ("fulfil", 1, 0)]),
    "shipped-in-parts": (4, [("place", 3, 0), ("fulfil", 1, 0), ("fulfil", 2, 0)]),
    "a-second-order-after-shipping": (3, [("place", 1, 0), ("fulfil", 1, 0), ("place", 1, 1)]),
    "two-orders": (3, [("place", 1, 0), ("place", 1, 1), ("fulfil", 1, 0), ("fulfil", 1, 1)]),
    "cancelled-with-restock": (3, [("place", 2, 0), ("cancel", 2, 0)]),
    "cancelled-and-sold-again": (3, [("place", 2, 0), ("cancel", 2, 0), ("place", 3, 1)]),
    "cancelled-without-restock": (3, [("place", 2, 0), ("discard", 2, 0)]),
    "partly-refunded-before-shipping": (4, [("place", 3, 0), ("cancel", 1, 0), ("fulfil", 2, 0)]),
    "returned": (4, [("place", 2, 0), ("fulfil", 2, 0), ("return", 1, 0)]),
    "twelve-returned": (15, [("place", 12, 0), ("fulfil", 12, 0), ("return", 12, 0)]),
    "twelve-cancelled": (15, [("place", 12, 0), ("cancel", 12, 0)]),
    "edited-up": (4, [("place", 1, 0), ("place", 1, 0), ("fulfil", 2, 0)]),
    "edited-down": (4, [("place", 3, 0), ("cancel", 1, 0), ("fulfil", 2, 0)]),
    "reserved-by-a-draft": (5, [("draft", 2)]),
    "a-draft-given-up": (5, [("draft", 2), ("draft", -2)]),
}
HELD: dict[str, tuple[int, list[Event]]] = {
    "held-and-let-go": (3, [("keep", 2), ("release", 2)]),
    "held-and-ordered": (3, [("keep", 1), ("place", 1, 0), ("release", 1), ("fulfil", 1, 0)]),
    "the-last-unit-held-and-ordered": (1, [("keep", 1), ("place", 1, 0), ("release", 1)]),
    "held-beside-somebody-elses-order": (3, [("keep", 2), ("place", 1, 0), ("fulfil", 1, 0), ("release", 2)]),
    "held-beside-an-order-cancelled": (3, [("place", 2, 0), ("keep", 1), ("cancel", 2, 0), ("release", 1)]),
    "held-beside-a-draft": (5, [("keep", 2), ("draft", 2), ("draft", -2), ("release", 2)]),
}
STORE: dict[str, tuple[int, list[Event]]] = {
    "till-sale-beside-an-order": (3, [("place", 1, 0), ("till", 1), ("fulfil", 1, 0)]),
    "delivery-beside-an-order": (2, [("place", 1, 0), ("deliver", 5), ("fulfil", 1, 0)]),
    "delivery-of-48": (2, [("deliver", 48)]),
    "till-sale-beside-a-cancelled-order": (3, [("place", 1, 0), ("cancel", 1, 0), ("till", 1)]),
    "till-refund-beside-orders": (3, [("place", 1, 0), ("deliver", 1), ("fulfil", 1, 0), ("place", 1, 1)]),
    "sold-out-at-the-till": (2, [("till", 2), ("deliver", 3)]),
    "till-sale-of-what-is-held": (2, [("keep", 2), ("till", 1), ("release", 2)]),
    "delivery-beside-a-held-unit": (1, [("keep", 1), ("deliver", 5), ("place", 1, 0), ("release", 1)]),
    "till-sale-beside-a-held-and-ordered-unit": (3, [("keep", 1), ("till", 1), ("place", 1, 0), ("release", 1)]),
    "till-sale-beside-a-draft": (5, [("draft", 2), ("till", 1)]),
}
BY_HAND: dict[str, tuple[int, list[Event]]] = {
    "two-more-by-hand": (5, [("hand", 2)]),
    "two-fewer-by-hand": (5, [("hand", -2)]),
    "by-hand-beside-an-order": (5, [("place", 1, 0), ("hand", 1), ("fulfil", 1, 0)]),
}


def placements(name: str, script: list[Event]) -> list[list[tuple[float, Event, float]]]:
    """Return samples of when the script's events happen, around the daemon's steps, and when orders are seen."""
    rng = random.Random(name)
    slots = [POLL * cycle + offset for cycle in (1, 2) for offset in (-5, 1, 3, 5, 7, 30)]
    every = list(itertools.combinations_with_replacement(slots, len(script)))
    return [
        [(at + 0.01 * i, event, rng.choice([0, 59])) for i, (at, event) in enumerate(zip(times, script, strict=True))]
        for times in rng.sample(every, min(PLACEMENTS, len(every)))
    ]


def play(stock: int, events: list[tuple[float, Event, float]]) -> OneSku:
    """Let the events happen between the steps of eleven polls."""
    world, rest = OneSku(stock), list(events)

    def until(t: float) -> list[tuple[float, Event, float]]:
        due = [event for event in rest if event[0] < t]
        del rest[: len(due)]
        return due

    for cycle in range(1, CYCLES + 1):
        t = cycle * POLL
        world.poll(cycle, [until(t), until(t + 2), until(t + 4), until(t + 6)])
    return world


@pytest.mark.parametrize("name", ORDERS)
def test_the_life_of_an_order_causes_no_write(name: str) -> None:
    stock, script = ORDERS[name]
    for events in placements(name, script):
        world = play(stock, events)
        assert world.writes == [], events
        assert world.available == world.truth, events
        assert world.corrections == [], events


@pytest.mark.parametrize("name", HELD)
def test_the_life_of_a_mirrored_reservation_causes_no_write(name: str) -> None:
    stock, script = HELD[name]
    for events in placements(name, script):
        world = play(stock, events)
        assert world.writes == [], events
        assert world.available == world.truth, events
        assert world.corrections == [], events


@pytest.mark.parametrize("name", STORE)
def test_what_happens_in_the_store_reaches_shopify_and_never_inflates(name: str) -> None:
    stock, script = STORE[name]
    for events in placements(name, script):
        world = play(stock, events)
        assert world.inflated == 0, events
        assert world.available == max(0, world.truth), events
        assert world.memory.quarantine is None, events


@pytest.mark.parametrize("name", BY_HAND)
def test_a_small_change_by_hand_is_put_right_and_recorded(name: str) -> None:
    stock, script = BY_HAND[name]
    changed = sum(event[1] for event in script if event[0] == "hand")
    for events in placements(name, script):
        world = play(stock, events)
        assert world.inflated == 0, events
        assert world.available == max(0, world.truth), events
        assert sum(world.corrections) == changed, events


def test_units_committed_to_an_order_that_is_never_seen_stay_taken() -> None:
    never = 1e9
    world = play(5, [(61.0, ("place", 1, 0), never), (130.0, ("deliver", 3), 0)])
    assert world.inflated == 0
    assert world.available == 7
    assert world.corrections == []


@pytest.mark.parametrize(("units", "held"), [(10, False), (11, True), (-10, False), (-11, True)])
def test_more_than_ten_unexplained_units_wait_for_a_person(units: int, held: bool) -> None:
    world = play(30, [(61.0, ("hand", units), 0)])
    assert (world.memory.quarantine is not None) is held
    assert world.available == (30 + units if held else 30)


def test_a_quarantined_sku_is_still_lowered_by_the_till() -> None:
    world = play(30, [(61.0, ("hand", 15), 0), (400.0, ("till", 4), 0)])
    assert world.available == 41
    assert world.memory.quarantine is not None


@pytest.mark.parametrize("lightspeed", [0, -40], ids=["none left", "oversold at the till"])
def test_a_number_far_below_zero_with_nothing_to_sell_needs_nobody(lightspeed: int) -> None:
    long_ago = NOW - timedelta(days=1)
    reading = Reading(
        on_hand=lightspeed,
        demand=Demand(),
        available=-15,
        committed=0,
        set_aside=0,
        updated_at=long_ago,
        pulled_at=NOW,
        now=NOW,
        coherent=True,
    )
    decision = decide(reading, Memory(base=0), Policy())
    assert (decision.verdict, decision.after, decision.correction) == (Verdict.IN_STEP, None, 0)
    assert decision.memory.quarantine is None
    delivered = decide(replace(reading, on_hand=48), Memory(base=0), Policy())
    assert delivered.memory.quarantine is not None  # now it matters where the fifteen went


def test_verdicts_are_sentences_for_people() -> None:
    assert all(len(verdict.value.split()) >= 2 for verdict in Verdict)
