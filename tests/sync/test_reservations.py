"""Whether units may be held, what could be instead, and how long: every refusal by a table."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sync.reservations import (
    Ending,
    Hold,
    HoldLimits,
    Refusal,
    Scene,
    cart_digest,
    changed,
    covering,
    digest,
    ended,
    expiry,
    left,
    refusal,
)

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
LIMITS = HoldLimits()


def minutes(number: float) -> datetime:
    return NOW + timedelta(minutes=number)


def hold(units: int = 1, *, name: str = "h", made: float = 0, renewed: bool = False) -> Hold:
    return Hold(name, 1, "i", units, "cart", "client", minutes(made), minutes(made + 15), renewed=renewed)


@pytest.mark.parametrize(
    ("units", "scene", "why", "could_be"),
    [
        pytest.param(1, Scene(1, 0), None, 1, id="the last unit"),
        pytest.param(2, Scene(1, 0), Refusal.NOT_ENOUGH, 1, id="more than there are"),
        pytest.param(1, Scene(1, 1), Refusal.NOT_ENOUGH, 0, id="held by another"),
        pytest.param(1, Scene(1, 3), Refusal.NOT_ENOUGH, 0, id="more held than there are: a till sale since"),
        pytest.param(10, Scene(99, 0), None, 10, id="as much as a cart may have"),
        pytest.param(11, Scene(99, 0), Refusal.CART_UNITS, 10, id="more than a cart may have"),
        pytest.param(1, Scene(99, 0, cart_holds=29), None, 10, id="the cart's last reservation"),
        pytest.param(1, Scene(99, 0, cart_holds=30), Refusal.CART_HOLDS, 0, id="too many of one cart"),
        pytest.param(1, Scene(99, 0, client_holds=9), None, 10, id="the client's last reservation"),
        pytest.param(1, Scene(99, 0, client_holds=10), Refusal.CLIENT_HOLDS, 0, id="too many of one client"),
        pytest.param(8, Scene(99, 0, client_units=12), None, 8, id="the client's last units"),
        pytest.param(9, Scene(99, 0, client_units=12), Refusal.CLIENT_UNITS, 8, id="too many units of one client"),
        pytest.param(4, Scene(7, 0), None, 4, id="half of seven, rounded up"),
        pytest.param(5, Scene(7, 0), Refusal.CLIENT_SHARE, 4, id="more than half of seven"),
        pytest.param(1, Scene(7, 4, client_of_item=4), Refusal.CLIENT_SHARE, 0, id="half of seven in two parts"),
        pytest.param(2, Scene(9, 0, hold(4)), None, 5, id="fewer than before"),
        pytest.param(2, Scene(3, 0, hold(3), client_units=99), None, 3, id="fewer than before, above every cap"),
        pytest.param(2, Scene(3, 2, hold(3)), Refusal.NOT_ENOUGH, 1, id="fewer than before, but sold meanwhile"),
        pytest.param(4, Scene(9, 0, hold(3), client_holds=10, cart_holds=30), None, 5, id="more, and no new one"),
        pytest.param(6, Scene(9, 0, hold(3)), Refusal.CLIENT_SHARE, 5, id="more than half, in place of fewer"),
        pytest.param(11, Scene(99, 0, hold(3)), Refusal.CART_UNITS, 10, id="more than a cart may have, changed"),
    ],
)
def test_what_may_be_held(units: int, scene: Scene, why: Refusal | None, could_be: int) -> None:
    assert refusal(units, scene, LIMITS) is why
    assert left(scene, LIMITS) == could_be


@pytest.mark.parametrize(
    ("until", "ends"),
    [
        pytest.param(None, 15, id="nothing said"),
        pytest.param(5, 5, id="less"),
        pytest.param(60, 15, id="more than there is"),
        pytest.param(-60, 15, id="a wrong clock"),
        pytest.param(0, 15, id="at once"),
    ],
)
def test_how_long_a_new_hold_lasts(until: float | None, ends: float) -> None:
    assert expiry(NOW, None if until is None else minutes(until), LIMITS) == minutes(ends)


def test_the_first_change_lets_a_hold_last_anew_and_no_later_one_does() -> None:
    first = changed(hold(1), 2, minutes(10), LIMITS)
    assert (first.units, first.expires_at, first.renewed) == (2, minutes(25), True)
    second = changed(first, 3, minutes(20), LIMITS)
    assert (second.units, second.expires_at) == (3, minutes(25))


def test_no_hold_lasts_longer_than_twice_its_time() -> None:
    late = Hold("h", 1, "i", 1, "", "c", NOW, minutes(29))
    assert changed(late, 1, minutes(28), LIMITS).expires_at == minutes(30)


def test_an_ended_hold_tells_nothing_of_who_had_it() -> None:
    over = ended(hold(), Ending.CONSUMED, minutes(3), "order")
    assert (over.cart, over.client, over.ended_at, over.ending, over.order_id) == (
        "",
        "",
        minutes(3),
        Ending.CONSUMED,
        "order",
    )


@pytest.mark.parametrize(
    ("units", "chosen"),
    [
        pytest.param(3, [("second", 3)], id="one as large"),
        pytest.param(1, [("first", 1)], id="the older of two as large"),
        pytest.param(2, [("first", 1), ("second", 1)], id="the oldest, as far as they are needed"),
        pytest.param(9, [("first", 1), ("second", 3), ("third", 1)], id="all there are"),
    ],
)
def test_which_holds_without_a_cart_an_order_was_made_of(units: int, chosen: list[tuple[str, int]]) -> None:
    loose = [hold(1, name="third", made=3), hold(3, name="second", made=2), hold(1, name="first", made=1)]
    assert [(each.hold_id, taken) for each, taken in covering(loose, units)] == chosen


def test_a_cart_is_known_again_without_the_key_that_pages_append() -> None:
    assert cart_digest("hWN1token?key=abc") == cart_digest("hWN1token") == digest("hWN1token")
    assert cart_digest(None) == cart_digest("") == cart_digest("?key=abc") == ""


def test_nothing_of_a_key_is_left_in_what_is_kept_of_it() -> None:
    kept = digest("198.51.100.7")
    assert len(kept) == 32
