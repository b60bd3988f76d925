"""Reservations in the database: one answer for one wish, never more than there is, durable and ended exactly once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime
from itertools import count
from pathlib import Path

import pytest
from anyio.lowlevel import checkpoint

from sync.events import Event, HoldMet
from sync.reservations import Asked, Change, Granted, Hold, HoldLimits, Refusal, Refused, Taking, digest
from sync.storage.database import Database
from sync.storage.holds import SqlHolds
from tests.sync.storage.build import (
    NOW,
    later,
    open_inline,
    open_migrated,
    query,
    stocked,
)

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("either_database")]

WIDE = HoldLimits(cart_units=999, cart_holds=999, client_holds=999, client_units=999, client_share=1.0)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = open_inline(tmp_path)
    yield opened
    await opened.close()


def holds_of(
    database: Database, limits: HoldLimits = WIDE, told: list[Event] | None = None, prefix: str = "hold-"
) -> SqlHolds:
    numbers = count(1)
    tell = (told if told is not None else []).append
    return SqlHolds(database, limits=limits, tell=tell, new_id=lambda: f"{prefix}{next(numbers)}")


def asked(
    units: int = 1,
    *,
    item: int | None = 1,
    variant: int | None = None,
    cart: str | None = "cart",
    client: str = "c",
    now: datetime = NOW,
) -> Asked:
    return Asked(
        None if item is None else str(item), None if variant is None else str(variant), units, client, now, cart
    )


def granted(answer: Granted | Refused) -> Hold:
    assert isinstance(answer, Granted)
    return answer.hold


async def test_what_is_held_is_kept_for_the_cart_until_its_time_is_over(database: Database) -> None:
    await stocked(database, {1: 1})
    holds = holds_of(database)
    first = granted(await holds.reserve(asked(cart="mine")))
    assert (first.units, first.expires_at) == (1, later(minutes=15))
    assert await holds.reserve(asked(cart="other", now=later(minutes=14))) == Refused(Refusal.NOT_ENOUGH, 0)
    assert granted(await holds.reserve(asked(cart="other", now=later(minutes=15)))).units == 1


async def test_asking_again_repeats_the_answer(database: Database) -> None:
    await stocked(database, {1: 1})
    holds = holds_of(database)
    first = await holds.reserve(asked())
    again = await holds.reserve(asked(now=later(minutes=3)))
    assert again == Granted(granted(first), repeated=True)
    assert await query(database, "SELECT count(*) FROM holds") == [(1,)]


async def test_a_cart_that_asks_for_another_quantity_changes_its_hold(database: Database) -> None:
    await stocked(database, {1: 5})
    holds = holds_of(database)
    first = granted(await holds.reserve(asked(2)))
    more = granted(await holds.reserve(asked(5, now=later(minutes=3))))
    assert (more.hold_id, more.units, more.expires_at) == (first.hold_id, 5, later(minutes=18))
    assert await holds.reserve(asked(6, now=later(minutes=3))) == Refused(Refusal.NOT_ENOUGH, 5)


async def test_without_a_cart_every_wish_is_a_hold_of_its_own(database: Database) -> None:
    await stocked(database, {1: 2})
    holds = holds_of(database)
    ids = {granted(await holds.reserve(asked(cart=None))).hold_id for _ in range(2)}
    assert len(ids) == 2
    assert await holds.reserve(asked(cart=None)) == Refused(Refusal.NOT_ENOUGH, 0)


@pytest.mark.parametrize(
    ("item", "variant", "found"),
    [
        pytest.param(1, None, True, id="by the item"),
        pytest.param(None, 101, True, id="by the variant"),
        pytest.param(1, 101, True, id="by both"),
        pytest.param(1, 102, False, id="a pair that does not belong together"),
        pytest.param(9, None, False, id="an unknown item"),
        pytest.param(None, 999, False, id="an unknown variant"),
        pytest.param(None, None, False, id="by nothing"),
    ],
)
async def test_an_item_is_named_by_either_id(
    database: Database, item: int | None, variant: int | None, *, found: bool
) -> None:
    await stocked(database, {1: 1, 2: 1})
    answer = await holds_of(database).reserve(asked(item=item, variant=variant))
    assert isinstance(answer, Granted) if found else answer == Refused(Refusal.UNKNOWN_ITEM)


@pytest.mark.parametrize(
    ("change", "sellable"),
    [
        pytest.param("UPDATE links SET target = 3", 3, id="the target is less"),
        pytest.param("UPDATE levels SET available = 2", 2, id="Shopify has less"),
        pytest.param("UPDATE levels SET available = -4", 0, id="oversold"),
        pytest.param("UPDATE levels SET active = false", 0, id="not sold at this location"),
    ],
)
async def test_no_more_is_held_than_both_numbers_say(database: Database, change: str, sellable: int) -> None:
    await stocked(database, {1: 5})
    await database.write(lambda c: c.exec_driver_sql(change))
    assert await holds_of(database).reserve(asked(6)) == Refused(Refusal.NOT_ENOUGH, sellable)


async def test_what_was_never_evaluated_is_not_on_the_shelf(database: Database) -> None:
    await stocked(database, {1: 5})
    await database.write(lambda c: c.exec_driver_sql("UPDATE links SET target = NULL"))
    assert await holds_of(database).reserve(asked()) == Refused(Refusal.UNKNOWN_ITEM)


async def test_a_change_of_a_hold_is_judged_beside_the_others(database: Database) -> None:
    await stocked(database, {1: 5})
    holds = holds_of(database)
    mine = granted(await holds.reserve(asked(2, cart="mine")))
    await holds.reserve(asked(2, cart="other"))
    assert await holds.change(Change(mine.hold_id, 4, NOW)) == Refused(Refusal.NOT_ENOUGH, 3)
    assert granted(await holds.change(Change(mine.hold_id, 3, later(minutes=1)))).expires_at == later(minutes=16)
    assert granted(await holds.change(Change(mine.hold_id, 1, later(minutes=2)))).expires_at == later(minutes=16)
    assert granted(await holds.change(Change(mine.hold_id, 1, later(minutes=3), "1", "101"))).units == 1
    assert await holds.change(Change(mine.hold_id, 1, later(minutes=3), "1", "102")) == Refused(Refusal.UNKNOWN_HOLD)


async def test_a_hold_that_is_over_cannot_be_changed(database: Database) -> None:
    await stocked(database, {1: 5})
    holds = holds_of(database)
    gone, late = [granted(await holds.reserve(asked(cart=name))).hold_id for name in "ab"]
    assert await holds.release(gone, NOW)
    assert await holds.change(Change(gone, 1, NOW)) == Refused(Refusal.ENDED)
    assert await holds.change(Change(late, 1, later(minutes=15))) == Refused(Refusal.ENDED)
    assert await holds.change(Change("never was", 1, NOW)) == Refused(Refusal.UNKNOWN_HOLD)


async def test_releasing_twice_is_no_mistake_and_gives_the_units_back_once(database: Database) -> None:
    await stocked(database, {1: 2})
    holds = holds_of(database)
    mine = granted(await holds.reserve(asked(2)))
    assert [await holds.release(mine.hold_id, NOW) for _ in range(2)] == [True, False]
    assert not await holds.release("never was", NOW)
    assert granted(await holds.reserve(asked(2, cart="other"))).units == 2
    kept = await query(database, "SELECT cart, client, ending FROM holds WHERE hold_id = 'hold-1'")
    assert kept == [("", "", "released")]


@pytest.mark.parametrize(
    ("limits", "why", "left"),
    [
        pytest.param(HoldLimits(client_holds=1, client_share=1.0), Refusal.CLIENT_HOLDS, 0, id="holds of a client"),
        pytest.param(HoldLimits(client_units=3, client_share=1.0), Refusal.CLIENT_UNITS, 2, id="units of a client"),
    ],
)
async def test_a_client_cannot_have_more_by_inventing_carts(
    database: Database, limits: HoldLimits, why: Refusal, left: int
) -> None:
    await stocked(database, {1: 9, 2: 9})
    holds = holds_of(database, limits)
    granted(await holds.reserve(asked(cart="one")))
    assert await holds.reserve(asked(3, item=2, cart="two")) == Refused(why, left)
    assert granted(await holds.reserve(asked(3, item=2, cart="two", client="another"))).units == 3


async def test_a_cart_has_a_limited_number_of_holds(database: Database) -> None:
    await stocked(database, {1: 9, 2: 9, 3: 9})
    holds = holds_of(database, HoldLimits(cart_holds=2))
    for number in (1, 2):
        granted(await holds.reserve(asked(item=number, client=f"c{number}")))
    assert await holds.reserve(asked(item=3)) == Refused(Refusal.CART_HOLDS, 0)


async def test_nothing_of_a_visitor_is_readable_in_the_table(database: Database) -> None:
    await stocked(database, {1: 1})
    await holds_of(database).reserve(asked(cart="cart-token", client="198.51.100.7"))
    ((cart, client),) = await query(database, "SELECT cart, client FROM holds")
    assert (cart, client) == (digest("cart-token"), digest("198.51.100.7"))


async def test_less_than_one_unit_is_a_mistake(database: Database) -> None:
    holds = holds_of(database)
    with pytest.raises(ValueError, match="0 units"):
        await holds.reserve(asked(0))
    with pytest.raises(ValueError, match="-1 units"):
        await holds.change(Change("hold", -1, NOW))


async def test_what_has_expired_is_written_down_once_and_ended_at_its_time(database: Database) -> None:
    await stocked(database, {1: 3})
    holds = holds_of(database)
    for name in "ab":
        await holds.reserve(asked(cart=name))
    assert [await holds.expire(later(minutes=16)) for _ in range(2)] == [2, 0]
    ended = await query(database, "SELECT DISTINCT ending, ended_at = expires_at, counts, cart FROM holds")
    assert ended == [("expired", 1, 0, "")]


async def test_a_cart_takes_again_what_expired_unnoticed(database: Database) -> None:
    await stocked(database, {1: 1})
    holds = holds_of(database)
    first = granted(await holds.reserve(asked()))
    second = granted(await holds.reserve(asked(now=later(minutes=20))))
    assert first.hold_id != second.hold_id
    assert await query(database, "SELECT ending FROM holds ORDER BY created_at") == [("expired",), (None,)]


async def test_each_answer_is_told(database: Database) -> None:
    await stocked(database, {1: 2})
    told: list[Event] = []
    holds = holds_of(database, told=told)
    mine = granted(await holds.reserve(asked()))
    await holds.reserve(asked())
    await holds.change(Change(mine.hold_id, 2, NOW))
    await holds.reserve(asked(cart="other"))
    assert told == [HoldMet(each) for each in (Taking.GRANTED, Taking.REPEATED, Taking.CHANGED, Refusal.NOT_ENOUGH)]


# --- many at once ---


async def test_of_two_hundred_wishes_of_a_hundred_carts_for_one_unit_one_is_granted(tmp_path: Path) -> None:
    database = open_migrated(tmp_path, threads=True)
    await stocked(database, {1: 1})
    holds = holds_of(database)
    wishes = [asked(cart=f"cart-{n % 100}", client=f"client-{n % 100}") for n in range(200)]
    answers = await asyncio.gather(*(holds.reserve(wish) for wish in wishes))
    (first, again) = [(n % 100, each) for n, each in enumerate(answers) if isinstance(each, Granted)]
    assert first[0] == again[0]
    assert (first[1].repeated, again[1].repeated) == (False, True)
    assert first[1].hold == again[1].hold
    assert Counter(type(each) for each in answers) == {Granted: 2, Refused: 198}
    assert await query(database, "SELECT units FROM holds") == [(1,)]
    await database.close()


async def test_of_seven_units_never_more_are_held_when_many_askers_hang_up(tmp_path: Path) -> None:
    database = open_migrated(tmp_path, threads=True)
    await stocked(database, {1: 7})
    holds = holds_of(database)
    waiting = [asyncio.ensure_future(holds.reserve(asked(cart=f"cart-{n}"))) for n in range(200)]
    for n, each in enumerate(waiting):
        if n % 5 < 2:
            each.cancel()
        if n % 20 == 0:
            await checkpoint()
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    assert sum(isinstance(each, Granted) for each in answers) <= 7
    assert await query(database, "SELECT sum(units), count(DISTINCT cart) FROM holds") == [(7, 7)]
    await database.close()


async def test_a_failure_is_told_to_everybody_who_waits_and_the_next_are_served(database: Database) -> None:
    await stocked(database, {1: 1})
    await database.write(lambda c: c.exec_driver_sql("ALTER TABLE holds RENAME TO gone"))
    holds = holds_of(database)
    answers = await asyncio.gather(*(holds.reserve(asked(cart=name)) for name in "ab"), return_exceptions=True)
    assert [isinstance(each, Exception) for each in answers] == [True, True]
    await database.write(lambda c: c.exec_driver_sql("ALTER TABLE gone RENAME TO holds"))
    assert granted(await holds.reserve(asked())).units == 1
