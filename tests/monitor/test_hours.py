"""Weekly times: over midnight, over weeks and years, on holidays, and when clocks are set forward and back."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.hours import Hours, WeekTime, instant, times, week_time
from monitor.units import Unfit

NEW_YORK = ZoneInfo("America/New_York")
START = datetime(2024, 1, 1, tzinfo=UTC)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def hours(*texts: str, zone: str = "America/New_York", holidays: tuple[str, ...] = (), outside: bool = False) -> Hours:
    days = frozenset(date.fromisoformat(day) for day in holidays)
    return Hours(ZoneInfo(zone), tuple(times(text) for text in texts), days, outside=outside)


SHOP = hours("mon-fri 09:00-20:00", "sat 10:00-18:00", holidays=("2026-12-25", "2027-01-01"))


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        pytest.param("2026-11-24T13:59:59", False, id="Tuesday, a second before nine"),
        pytest.param("2026-11-24T14:00:00", True, id="Tuesday at nine"),
        pytest.param("2026-11-25T00:59:59", True, id="Tuesday, a second before eight in the evening"),
        pytest.param("2026-11-25T01:00:00", False, id="Tuesday at eight in the evening"),
        pytest.param("2026-11-28T14:30:00", False, id="Saturday at half past nine"),
        pytest.param("2026-11-28T15:00:00", True, id="Saturday at ten"),
        pytest.param("2026-11-29T17:00:00", False, id="Sunday"),
        pytest.param("2026-07-01T13:00:00", True, id="at nine in summer"),
        pytest.param("2026-12-25T16:00:00", False, id="a holiday"),
        pytest.param("2026-12-31T16:00:00", True, id="the last day of the year"),
        pytest.param("2027-01-01T16:00:00", False, id="the first day of the year"),
    ],
)
def test_a_shop_is_open_as_its_door_says(moment: str, is_open: bool) -> None:
    assert SHOP.open_at(utc(moment)) is is_open


@pytest.mark.parametrize(
    ("moment", "opening"),
    [
        pytest.param("2026-11-24T03:00:00", "2026-11-24T14:00:00", id="in the night"),
        pytest.param("2026-11-24T14:00:00", "2026-11-25T14:00:00", id="the moment it opens"),
        pytest.param("2026-11-27T20:00:00", "2026-11-28T15:00:00", id="on Friday, while it is open"),
        pytest.param("2026-11-28T23:00:00", "2026-11-30T14:00:00", id="over a Sunday"),
        pytest.param("2026-12-25T01:00:00", "2026-12-26T15:00:00", id="over a holiday"),
        pytest.param("2027-01-01T01:00:00", "2027-01-02T15:00:00", id="over the end of the year"),
        pytest.param("2027-03-13T23:30:00", "2027-03-15T13:00:00", id="over the night without an hour"),
        pytest.param("2026-10-31T22:30:00", "2026-11-02T14:00:00", id="over the night with an hour more"),
    ],
)
def test_it_opens_next_when_its_door_says(moment: str, opening: str) -> None:
    assert SHOP.opening_after(utc(moment)) == utc(opening)


def test_outside_of_hours_is_the_rest_of_the_time() -> None:
    outside = hours("mon-fri 09:00-20:00", outside=True)

    assert [outside.open_at(utc(f"2026-11-24T{at}:00")) for at in ("13:59", "14:00")] == [True, False]
    assert outside.opening_after(utc("2026-11-24T12:00:00")) == utc("2026-11-25T01:00:00")
    assert outside.closing_after(utc("2026-11-24T12:00:00")) == utc("2026-11-24T14:00:00")


def test_a_night_belongs_to_the_day_on_which_it_begins() -> None:
    night = hours("sun 22:00-02:00", holidays=("2026-12-06",))

    assert [night.open_at(utc(moment)) for moment in ("2026-11-30T03:00", "2026-11-30T06:59", "2026-11-30T07:00")] == [
        True,
        True,
        False,
    ]
    assert not night.open_at(utc("2026-12-07T05:00:00"))  # Monday, in the night that would have begun on a holiday


def test_times_that_touch_are_one_time() -> None:
    whole = hours("mon-sun 00:00-24:00")

    assert whole.open_at(utc("2026-11-24T05:00:00"))
    assert whole.opening_after(utc("2026-11-24T05:00:00")) is None
    assert whole.closing_after(utc("2026-11-24T05:00:00")) is None


def test_a_shop_whose_every_day_is_a_holiday_never_opens() -> None:
    shut = hours("mon 09:00-10:00", holidays=tuple(f"{date(2026, 11, 16) + timedelta(weeks=n)}" for n in range(70)))

    assert shut.opening_after(utc("2026-11-24T05:00:00")) is None


@pytest.mark.parametrize(
    ("text", "zone", "begin", "end"),
    [
        # 2026-03-08, New York: 02:00 EST is followed by 03:00 EDT
        pytest.param(
            "sun 02:30-04:00", "America/New_York", "2026-03-08T07:00", "2026-03-08T08:00", id="begins in a gap"
        ),
        pytest.param("sun 01:00-02:30", "America/New_York", "2026-03-08T06:00", "2026-03-08T07:00", id="ends in a gap"),
        pytest.param("sat 22:00-04:00", "America/New_York", "2026-03-08T03:00", "2026-03-08T08:00", id="over a gap"),
        # 2026-11-01, New York: 02:00 EDT is followed by 01:00 EST
        pytest.param(
            "sun 01:30-03:00", "America/New_York", "2026-11-01T05:30", "2026-11-01T08:00", id="begins in a fold"
        ),
        pytest.param(
            "sun 00:30-01:30", "America/New_York", "2026-11-01T04:30", "2026-11-01T06:30", id="ends in a fold"
        ),
        # 2026-04-05, Lord Howe Island: clocks go back by half an hour only
        pytest.param(
            "sun 01:00-02:00", "Australia/Lord_Howe", "2026-04-04T14:00", "2026-04-04T15:30", id="half an hour"
        ),
    ],
)
def test_no_time_is_lost_or_doubled_when_clocks_are_set(text: str, zone: str, begin: str, end: str) -> None:
    times_there, day = hours(text, zone=zone), timedelta(days=1)

    opening = times_there.opening_after(utc(begin) - day)

    assert opening == utc(begin)
    assert times_there.closing_after(utc(begin)) == utc(end)
    assert times_there.open_at(utc(end) - timedelta(seconds=1))


def test_a_time_that_never_comes_is_when_clocks_are_set() -> None:
    assert instant(datetime.fromisoformat("2026-03-08T02:30"), NEW_YORK) == utc("2026-03-08T07:00:00")
    assert instant(datetime.fromisoformat("2011-12-30T12:00"), ZoneInfo("Pacific/Apia")) == utc("2011-12-30T10:00:00")


@given(
    moment=st.integers(0, 200_000_000).map(lambda seconds: START + timedelta(seconds=seconds)),
    outside=st.booleans(),
)
def test_between_now_and_the_next_change_nothing_changes(moment: datetime, outside: bool) -> None:
    there = hours("mon-thu 09:00-17:30", "fri-sun 22:00-02:00", outside=outside)
    change = there.closing_after(moment) if there.open_at(moment) else there.opening_after(moment)

    assert change is not None
    assert timedelta(0) < change - moment < timedelta(days=8)
    assert there.open_at(change) is not there.open_at(moment)
    assert there.open_at(change - timedelta(microseconds=1)) is there.open_at(moment)
    assert there.open_at(moment + (change - moment) / 2) is there.open_at(moment)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mon-fry 09:00-20:00", "'fry' is not a day of the week; did you mean fri?"),
        ("mon-fri 9-20", "'mon-fri 9-20' does not name weekly times; write it like"),
        ("mon 09:00-25:00", "'25:00' is not a time of day; use 00:00 to 24:00"),
        ("mon 09:00-09:00", "'mon 09:00-09:00' ends when it begins; for a whole day write 00:00-24:00"),
        ("", "'' does not name weekly times"),
        (900, "'900' does not name weekly times"),
    ],
)
def test_what_are_no_weekly_times_is_refused(text: object, said: str) -> None:
    with pytest.raises(Unfit, match=said):
        times(text)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("mon 09:00-10:00", {0}),
        ("sat,sun 09:00-10:00", {5, 6}),
        ("fri-mon 09:00-10:00", {4, 5, 6, 0}),
        ("Mon-Wed, Friday 09:00-10:00", {0, 1, 2, 4}),
    ],
)
def test_days_are_written_as_people_do(text: str, days: set[int]) -> None:
    assert times(text).days == days


def test_a_time_of_the_week_is_written_as_it_is_read() -> None:
    assert week_time(" Monday 08:30 ") == WeekTime(0, time(8, 30))
    assert str(week_time("sun 23:00")) == "sun 23:00"


@pytest.mark.parametrize("text", ["08:00", "mon", "mon 24:00", "mon 8:00", "moon 08:00", 8])
def test_what_is_no_time_of_the_week_is_refused(text: object) -> None:
    with pytest.raises(Unfit):
        week_time(text)
