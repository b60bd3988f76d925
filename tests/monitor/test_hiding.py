"""What hides an alert, one row each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from monitor.decide import Hidden, Why
from monitor.hiding import Matcher, Silence, Subject, Window, hidden_by
from monitor.notice import Severity

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
SUBJECT = Subject("OversellRisk", Severity.CRITICAL, {"team": "ops"}, depends_on=("ShopifyDown",))


def silence(matcher: Matcher, starts: datetime = NOW, ends: datetime = NOW + HOUR) -> Silence:
    return Silence(7, matcher, "anna", "stock-take", created_at=starts, starts_at=starts, ends_at=ends)


def hidden(
    *silences: Silence, windows: tuple[Window, ...] = (), closed: str | None = None, burning: tuple[str, ...] = ()
) -> Hidden | None:
    return hidden_by(SUBJECT, silences=silences, windows=windows, closed_hours=closed, burning=burning, now=NOW)


@pytest.mark.parametrize(
    ("matcher", "fits"),
    [
        pytest.param(Matcher(), True, id="everything"),
        pytest.param(Matcher(alerts=("Other", "OversellRisk")), True, id="its name"),
        pytest.param(Matcher(alerts=("Other",)), False, id="another name"),
        pytest.param(Matcher(labels={"team": "ops"}), True, id="its label"),
        pytest.param(Matcher(labels={"team": "it"}), False, id="another value"),
        pytest.param(Matcher(labels={"site": "ops"}), False, id="a label it has not"),
        pytest.param(Matcher(severity=Severity.CRITICAL), True, id="its severity"),
        pytest.param(Matcher(severity=Severity.WARNING), False, id="another severity"),
        pytest.param(Matcher(("OversellRisk",), {"team": "it"}), False, id="all must fit"),
    ],
)
def test_a_silence_hides_what_it_names(matcher: Matcher, fits: bool) -> None:
    expected = Hidden(Why.SILENCED, "silence 7 of anna: stock-take") if fits else None

    assert hidden(silence(matcher)) == expected


@pytest.mark.parametrize(
    ("starts", "ends", "active"),
    [
        pytest.param(NOW, NOW + HOUR, True, id="begins now"),
        pytest.param(NOW + HOUR, NOW + 2 * HOUR, False, id="begins later"),
        pytest.param(NOW - HOUR, NOW, False, id="ends now"),
    ],
)
def test_a_silence_hides_from_its_start_until_its_end(starts: datetime, ends: datetime, active: bool) -> None:
    assert (hidden(silence(Matcher(), starts, ends)) is not None) is active


def test_the_first_of_silence_window_hours_and_dependency_is_the_reason() -> None:
    window = Window("stock-take", Matcher(("OversellRisk",)))
    burning = ("ShopifyDown",)

    assert hidden(burning=burning) == Hidden(Why.DEPENDS_ON, "ShopifyDown")
    assert hidden(closed="shop", burning=burning) == Hidden(Why.OUTSIDE_HOURS, "shop")
    assert hidden(windows=(window,), closed="shop") == Hidden(Why.MAINTENANCE, "stock-take")
    assert hidden(silence(Matcher()), windows=(window,)) == Hidden(Why.SILENCED, "silence 7 of anna: stock-take")
    assert hidden(windows=(Window("other", Matcher(("Other",))),), burning=("Else",)) is None
