"""When the address that watches us hears from us, and when it must not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import httpx
import pytest

from monitor.facts import Backlog, Facts
from monitor.heartbeat import Heartbeat, WellLimits, ailments
from monitor.vitals import Vitals
from sync.errors import Code, Permanent
from sync.order_records import OrderStanding
from sync.records import RunOutcome, RunRecord, Standing
from tests.monitor.support import START, HandClock

pytestmark = pytest.mark.anyio

URL = "https://watch.example.com/secret-path"


def well(now: datetime = START) -> Facts:
    run = RunRecord(1, "incremental", now - timedelta(minutes=1), now - timedelta(minutes=1), RunOutcome.OK)
    return Facts(
        now=now,
        started_at=now - timedelta(hours=1),
        standing=Standing(0, 0, 0, 0, 0, 0, 0, 0, 0),
        stock=run,
        full=None,
        proof=None,
        calls=(),
        pauses=(),
        backlog=Backlog(),
        orders=OrderStanding({}, None),
        books=True,
    )


@pytest.mark.parametrize(
    ("facts", "wrong"),
    [
        pytest.param(well(), [], id="all is well"),
        pytest.param(None, ["no rule has been judged yet"], id="just started"),
        pytest.param(replace(well(), stock=None), ["stock has never been synced"], id="never synced"),
        pytest.param(
            well(START - timedelta(minutes=11)),
            ["no rule has been judged for 11m", "stock has not been synced for 12m"],
            id="nothing runs any more",
        ),
        pytest.param(
            replace(well(), backlog=Backlog(1, 0, START - timedelta(minutes=11))),
            ["a message has waited for 11m"],
            id="a message is stuck",
        ),
        pytest.param(
            replace(well(), vitals=Vitals(clocks={"shopify": -90.0, "lightspeed": 59.0})),
            ["our clock and that of shopify differ by 1m 30s"],
            id="a clock is off",
        ),
    ],
)
async def test_what_is_not_well_is_said(facts: Facts | None, wrong: list[str]) -> None:
    assert list(ailments(facts, WellLimits(), START)) == wrong


class Address:
    """The address that watches us."""

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.calls = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.calls += 1
        return httpx.Response(self.status)


def heart(address: Address, facts: Callable[[], Facts | None], *, broken: bool = False) -> Heartbeat:
    async def writable() -> None:
        if broken:
            raise Permanent(Code.ST001, "disk full")

    return Heartbeat(
        URL,
        facts=facts,
        writable=writable,
        limits=WellLimits(),
        clock=HandClock(),
        transport=httpx.MockTransport(address),
    )


async def test_the_address_hears_from_us_while_all_is_well() -> None:
    address = Address()

    assert await heart(address, well).beat() is True
    assert address.calls == 1


@pytest.mark.parametrize("broken", [False, True], ids=["not synced", "database"])
async def test_the_address_hears_nothing_while_anything_is_not_well(broken: bool) -> None:
    address = Address()
    ailing = replace(well(), stock=None)

    assert await heart(address, lambda: well() if broken else ailing, broken=broken).beat() is False
    assert address.calls == 0


async def test_an_address_that_fails_is_no_error_of_ours_and_stays_a_secret(capsys: pytest.CaptureFixture[str]) -> None:
    assert await heart(Address(500), well).beat() is False
    assert "secret-path" not in "".join(capsys.readouterr())
