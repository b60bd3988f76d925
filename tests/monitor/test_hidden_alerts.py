"""Silences, acknowledgements and flapping, from the number that is too high to what the channels hear."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.asked import Acknowledged, AcknowledgeOrder, LiftOrder, SilenceOrder
from monitor.hiding import Matcher
from monitor.notice import Kind
from sync.errors import Permanent
from tests.monitor.support import DIFFERS, START, World

TEAMS = """
alerts:
  - {name: Differs, when: discrepant_skus > 5, severity: warning, labels: {team: shop}}
  - {name: Fails, when: error_rate > 5%, severity: warning, labels: {team: it}}
routes:
  - {severity: warning, to: [slack]}
"""

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path, DIFFERS.replace("4h", "1h"))
    yield made
    await made.database.close()


# --- silences ---


async def test_a_silence_hides_the_beginning_and_its_end_tells_of_both(world: World) -> None:
    await world.silence("Differs")
    await world.turn(6)
    await world.turn(6, minutes=5)
    hidden = list(world.slack.told)
    await world.turn(0, minutes=5)
    (sent,) = world.slack.sent

    assert hidden == []
    assert (sent.notice.kind, sent.notice.until) == (Kind.SUMMARY, START + timedelta(minutes=10))
    assert sent.notice.remarks == ("Hidden meanwhile by silence 1 of anna: stock-take",)
    assert await world.decided() == ["silenced", "ended_hidden"]


async def test_an_alert_that_outlasts_its_silence_is_told_then(world: World) -> None:
    await world.silence("Differs", minutes=30)
    await world.turn(6)
    await world.turn(6, minutes=30)
    await world.turn(0, minutes=5)

    assert world.slack.told == ["firing", "resolved"]
    assert await world.decided() == ["silenced", "first", "ended"]


async def test_a_silence_hides_reminders_but_not_the_end_of_what_was_told(world: World) -> None:
    await world.turn(6)
    await world.silence(minutes=300)
    await world.turn(6, minutes=61)
    await world.turn(0, minutes=5)

    assert world.slack.told == ["firing", "resolved"]


async def test_a_silence_of_another_alert_hides_nothing(tmp_path: Path) -> None:
    world = World(tmp_path, TEAMS)
    order = SilenceOrder(labels={"team": "it"}, length=timedelta(hours=1), reason="move", by="anna")
    await world.desk.silence(order)
    await world.turn(6)

    await world.database.close()

    assert world.slack.told == ["firing"]


async def test_a_lifted_silence_hides_nothing_and_who_lifted_it_is_known(world: World) -> None:
    number = await world.silence("Differs")
    await world.turn(6)
    lifted = await world.desk.lift(LiftOrder(silence=number, by="ben"))
    await world.deliver()
    with pytest.raises(Permanent, match=r"NT007.*\(silence 1 was lifted by ben at 2026-11-24 10:00 UTC\)"):
        await world.desk.lift(LiftOrder(silence=number, by="ben"))

    assert (lifted.matcher, lifted.lifted_by) == (Matcher(("Differs",)), "ben")
    assert world.slack.told == ["firing"]
    assert [(deed.who, deed.what) for deed in await world.store.trail()] == [
        ("ben", "lift silence"),
        ("anna", "silence"),
    ]


async def test_a_silence_until_it_is_over_ends_with_the_alert(world: World) -> None:
    await world.turn(6)
    await world.silence("Differs", until_resolved=True, minutes=600)
    await world.turn(0, minutes=5)
    standing = await world.store.standing_silences(world.clock.now())
    await world.turn(6, minutes=5)

    assert standing == []
    assert world.slack.told == ["firing", "resolved", "firing"]


async def test_a_silence_survives_a_restart(world: World) -> None:
    await world.silence("Differs")
    await world.restart()
    await world.turn(6)

    assert world.slack.told == []


@pytest.mark.parametrize(
    ("order", "code"),
    [
        pytest.param({"alerts": ("Difers",)}, r"NT003.*\(Difers; did you mean Differs\?\)", id="an unknown name"),
        pytest.param({"reason": "  "}, r"NT004.*\(the reason is empty\)", id="no reason"),
        pytest.param({"reason": "\udcff"}, r"NT004.*\(the reason is empty\)", id="broken bytes alone"),
        pytest.param({"length": timedelta(0)}, r"NT004.*\(it would end at once\)", id="no length"),
        pytest.param({"length": timedelta(days=31)}, r"NT004.*\(31d is too long\)", id="too long"),
        pytest.param({"labels": {"team": "it"}}, r"NT008.*\(team=it; no alert has any label\)", id="no labels"),
        pytest.param({"severity": "info"}, r"NT008.*\(every alert of severity info\)", id="severity"),
    ],
)
async def test_a_silence_needs_names_a_reason_and_an_end(world: World, order: dict[str, object], code: str) -> None:
    good: dict[str, object] = {"length": timedelta(hours=1), "reason": "move", "by": "anna"}
    with pytest.raises(Permanent, match=code):
        await world.desk.silence(SilenceOrder.model_validate(good | order))

    assert await world.store.latest_silences() == []


async def test_a_label_that_no_alert_has_is_refused_with_the_nearest_right_one(tmp_path: Path) -> None:
    world = World(tmp_path, TEAMS)
    order = SilenceOrder(labels={"team": "shp"}, length=timedelta(hours=1), reason="move", by="anna")
    with pytest.raises(Permanent, match=r"NT008.*\(team=shp; did you mean team=shop\?\)"):
        await world.desk.silence(order)
    apart = order.model_copy(update={"labels": {"team": "shop"}, "alerts": ("Fails",)})
    with pytest.raises(Permanent, match=r"NT008.*\(Fails team=shop\)"):
        await world.desk.silence(apart)
    await world.database.close()


async def test_a_reason_with_broken_bytes_is_kept_without_them(world: World) -> None:
    order = SilenceOrder(length=timedelta(hours=1), reason="stock\udcff-take", by="an\udcffna")
    kept = await world.desk.silence(SilenceOrder.model_validate_json(order.model_dump_json()))

    assert (kept.reason, kept.author) == ("stock-take", "anna")


async def test_why_a_silence_cannot_be_lifted_is_told(world: World) -> None:
    number = await world.silence("Differs", minutes=5)
    world.clock.pass_by(minutes=6)
    with pytest.raises(Permanent, match=r"NT007.*\(silence 1 ended at 2026-11-24 10:05 UTC\)"):
        await world.desk.lift(LiftOrder(silence=number, by="ben"))
    with pytest.raises(Permanent, match=r"NT007.*\(there has been none of number 7\)"):
        await world.desk.lift(LiftOrder(silence=7, by="ben"))


# --- acknowledgements ---


async def test_an_acknowledged_alert_is_not_repeated_and_its_end_is_told(world: World) -> None:
    await world.turn(6)
    first = await world.desk.acknowledge(AcknowledgeOrder(alerts=("Differs",), by="anna"))
    second = await world.desk.acknowledge(AcknowledgeOrder(alerts=("Differs",), by="ben"))
    await world.turn(6, minutes=61)
    await world.turn(0, minutes=5)
    (incident,) = await world.store.latest_incidents()

    assert (first, second) == ({}, {"Differs": Acknowledged("anna", START)})
    assert world.slack.told == ["firing", "resolved"]
    assert (incident.acknowledged_at, incident.acknowledged_by) == (START, "anna")


async def test_what_does_not_fire_cannot_be_acknowledged(world: World) -> None:
    with pytest.raises(Permanent, match=r"NT006.*\(Differs; nothing fires\)"):
        await world.desk.acknowledge(AcknowledgeOrder(alerts=("Differs",), by="anna"))
    with pytest.raises(Permanent, match=r"NT003.*\(Difers; did you mean Differs\?\)"):
        await world.desk.acknowledge(AcknowledgeOrder(alerts=("Difers",), by="anna"))


async def test_an_acknowledgement_ends_with_its_incident(world: World) -> None:
    await world.turn(6)
    await world.desk.acknowledge(AcknowledgeOrder(alerts=("Differs",), by="anna"))
    await world.turn(0, minutes=1)
    await world.turn(6, minutes=1)
    await world.turn(6, minutes=61)

    assert world.slack.told == ["firing", "resolved", "firing", "reminder"]


# --- flapping ---


async def test_an_alert_that_flaps_is_damped_with_a_note_and_told_again_once_it_lasts(world: World) -> None:
    for _ in range(8):
        await world.turn(6, minutes=1)
        await world.turn(0, minutes=1)
    told = list(world.slack.told)
    note = world.slack.sent[8].notice.remarks
    await world.turn(6, minutes=1)
    await world.turn(6, minutes=9)
    still_damped = list(world.slack.told)
    await world.turn(6, minutes=1)
    await world.turn(0, minutes=1)

    assert told == ["firing", "resolved"] * 5
    assert note == ("It began 5 times within 1h. From now on only what lasts 10m is told.",)
    assert still_damped == told
    assert world.slack.told == [*told, "firing", "resolved"]
    assert world.slack.sent[-2].notice.remarks == ("It began 9 times within 1h; this time it has lasted 10m.",)
    assert (await world.decided()).count("damped") == 4


async def test_beginnings_that_nobody_was_told_of_are_no_flapping(world: World) -> None:
    await world.silence("Differs", minutes=12)
    for _ in range(6):
        await world.turn(6, minutes=1)
        await world.turn(0, minutes=1)
    behind = list(world.slack.told)
    for _ in range(6):
        await world.turn(6, minutes=1)
        await world.turn(0, minutes=1)

    assert set(behind) == {"summary"}
    assert world.slack.told[len(behind) :] == ["firing", "resolved"] * 5
    assert world.slack.sent[-2].notice.remarks[0].startswith("It began 5 times within 1h.")
