"""What rules remember outlasts the process, and what an edit of the file makes of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from monitor.notice import Kind, Severity
from sync.records import ApiMinute
from tests.monitor.support import DIFFERS, START, World

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("either_database")]
SUMMARY = '    summary: "{{ value }} SKUs differ"\n'


def saying(more: str, *, summary: str = SUMMARY, when: str = "discrepant_skus > 5") -> str:
    """Return an alerts file whose one rule says more."""
    return DIFFERS.replace(SUMMARY, f"    {more}\n{summary}").replace("discrepant_skus > 5", when)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path)
    yield made
    await made.database.close()


async def test_counted_evaluations_are_remembered_over_a_restart(world: World) -> None:
    await world.restart(saying("evaluations: 3 of 5"))
    for differ in (6, 0, 6):
        await world.turn(differ, minutes=1)
        await world.restart()
    before = list(world.slack.told)
    await world.turn(6, minutes=1)

    assert (before, world.slack.told) == ([], ["firing"])


async def test_how_long_an_ended_alert_is_kept_is_remembered_over_a_restart(world: World) -> None:
    await world.restart(saying("keep_firing_for: 10m"))
    await world.turn(6)
    await world.turn(0, minutes=1)
    await world.restart()
    await world.turn(0, minutes=9)
    before = list(world.slack.told)
    await world.turn(0, minutes=1)

    assert (before, world.slack.told) == (["firing"], ["firing", "resolved"])


async def test_other_words_are_no_reason_to_tell_again(world: World) -> None:
    await world.turn(6)
    await world.restart(saying("labels: {team: ops}", summary='    summary: "other words"\n'))
    await world.turn(6, minutes=5)

    assert world.slack.told == ["firing"]


async def test_a_firing_alert_that_an_edit_ends_is_told_to_have_ended(world: World) -> None:
    await world.turn(6)
    await world.restart(saying("for: 5m", when="discrepant_skus > 50"))
    await world.turn(6, minutes=5)

    assert world.slack.told == ["firing", "resolved"]
    assert world.slack.sent[-1].notice.remarks == (
        "The rule was edited, and as it is now its condition does not hold.",
    )


async def test_an_alert_that_is_taken_out_of_the_file_is_told_to_have_ended(world: World) -> None:
    await world.turn(6)
    await world.restart(DIFFERS.replace("Differs", "Other"))
    await world.turn(0, minutes=5)

    assert world.slack.told == ["firing", "resolved"]
    assert world.slack.sent[-1].notice.remarks == ("The rule was removed from the file.",)


async def test_an_alert_that_ends_for_want_of_a_number_says_so(world: World) -> None:
    await world.restart(saying("no_data: ok", when="error_rate > 5%"))
    world.history.minutes = [ApiMinute(START, "shopify", attempts=10, failures=5)]
    await world.turn(0)
    world.history.minutes = []
    await world.turn(0, minutes=1)

    assert world.slack.told == ["firing", "resolved"]
    assert world.slack.sent[-1].notice.remarks == ("There is no number any more, which this rule takes for quiet.",)


async def test_an_alert_over_a_window_judges_by_what_was_recorded(world: World) -> None:
    await world.restart(saying("over: 10m\n    take: max"))
    await world.turn(9)
    await world.turn(0, minutes=10)
    before = list(world.slack.told)
    await world.turn(0, minutes=1)

    assert (before, world.slack.told) == (["firing"], ["firing", "resolved"])


async def test_a_condition_of_several_signals_tells_of_the_one_that_holds(world: World) -> None:
    await world.restart(
        saying(
            "labels: {team: ops}",
            when="discrepant_skus > 5 or uningested_committed > 0",
            summary='    summary: "{{ discrepant_skus }} of {{ labels.team }}, {{ severity }}, {{ limit }}"\n',
        )
    )
    await world.turn(7)
    (sent,) = world.slack.sent

    assert sent.notice.summary == "7 of ops, warning, > 5"
    assert sent.notice.signal == "SKUs that differ between Lightspeed and Shopify"


async def test_a_sentence_that_cannot_be_filled_in_is_sent_with_its_error(world: World) -> None:
    await world.restart(saying("for: 0s", summary='    summary: "{{ labels.team }} SKUs"\n'))
    await world.turn(7)
    (sent,) = world.slack.sent

    assert sent.notice.summary == (
        "{{ labels.team }} SKUs (this text could not be filled in: 'dict object' has no attribute 'team')"
    )


async def test_an_alert_for_want_of_a_number_says_what_is_missing(world: World) -> None:
    await world.restart(saying("no_data: nodata", when="error_rate > 5%"))
    await world.turn(0)
    (sent,) = world.slack.sent

    assert (sent.notice.kind, sent.notice.value) == (Kind.FIRING, "unknown")
    assert sent.notice.summary == (
        "There is no number: share of calls to Lightspeed and Shopify that failed (no calls in the window)"
    )


async def test_an_alert_that_fires_says_what_its_rule_says_by_now(world: World) -> None:
    await world.turn(6)
    await world.restart(DIFFERS.replace("{{ value }} SKUs differ", "{{ severity }}: {{ value }}").replace("4h", "1h"))
    await world.turn(7, minutes=59)
    before = list(world.slack.told)
    await world.restart(world.alerts.replace("severity: warning\n    summary", "severity: critical\n    summary"))
    await world.turn(7, minutes=1)
    await world.turn(0, minutes=1)

    assert (before, world.slack.told) == (["firing"], ["firing", "reminder", "resolved"])
    said = [(sent.notice.severity.value, sent.notice.summary) for sent in world.slack.sent]
    assert said == [("warning", "6 SKUs differ"), ("critical", "critical: 7"), ("critical", "critical: 7")]
    assert [sent.notice.opened_as for sent in world.slack.sent] == [None, Severity.WARNING, Severity.WARNING]


@pytest.mark.parametrize("before", ["for: 0s", "evaluations: 3 of 5"])
async def test_an_alert_goes_on_where_an_edit_counts_other_evaluations(world: World, before: str) -> None:
    await world.restart(saying(before))
    for _ in range(4):
        await world.turn(7, minutes=1)
    await world.restart(saying("evaluations: 3 of 6"))
    for _ in range(4):
        await world.turn(7, minutes=1)
    held = list(world.slack.told)
    for _ in range(4):
        await world.turn(0, minutes=1)

    assert (held, world.slack.told) == (["firing"], ["firing", "resolved"])


async def test_half_a_character_in_a_sentence_keeps_no_alert_from_being_judged(world: World) -> None:
    await world.restart(saying("for: 0s", summary="""    summary: '{{ "\\ud800" }}{{ value }} x'\n"""))
    await world.turn(7)

    assert [sent.notice.summary for sent in world.slack.sent] == ["7 x"]
