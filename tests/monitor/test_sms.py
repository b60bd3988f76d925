"""Text messages to the pretend Twilio, in process."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from monitor.channels.base import DeliveryError
from monitor.channels.sms import Sms, text
from monitor.notice import FailureReason, Item, Kind, Notice, Severity
from sandbox.clock import ManualClock
from sandbox.faults import Fault, FaultKind, Faults
from sandbox.messages.sms import ACCOUNT_SID, AUTH_TOKEN, FROM, SmsInbox, segments, sms_app
from sandbox.transport import InProcessTransport
from tests.monitor.parcels import parcel

pytestmark = pytest.mark.anyio

START = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
ONE, TWO = "+15551230001", "+15551230002"
FIRING = Notice(
    identity="7-sms-firing-1",
    incident="7",
    kind=Kind.FIRING,
    alert="OversellRisk",
    severity=Severity.CRITICAL,
    summary="Shopify offers 12 units that Lightspeed does not have",
    signal="units",
    value="12",
    limit="> 10",
    since=START - timedelta(minutes=3),
    at=START,
)


class Twilio:
    def __init__(self) -> None:
        self.clock, self.faults = ManualClock(START), Faults()
        self.inbox = SmsInbox(clock=self.clock)

    def sms(self, *, token: str = AUTH_TOKEN) -> Sms:
        return Sms(
            base_url="http://twilio.test",
            account=ACCOUNT_SID,
            token=token,
            sender=FROM,
            to=(ONE, TWO),
            transport=InProcessTransport(sms_app(self.inbox, self.faults, clock=self.clock), clock=self.clock),
        )

    async def send(self, notice: Notice = FIRING, *, to: str = ONE, token: str = AUTH_TOKEN) -> str:
        sms = self.sms(token=token)
        try:
            return (await sms.send(parcel(notice, to=to))).message
        finally:
            await sms.close()


@pytest.fixture
def twilio() -> Twilio:
    return Twilio()


async def test_a_number_gets_one_text_that_dies_after_ten_minutes(twilio: Twilio) -> None:
    sid = await twilio.send(to=TWO)

    assert twilio.sms().recipients == [ONE, TWO]
    assert [(sms.to, sms.sender, sms.validity_seconds) for sms in twilio.inbox.messages] == [(TWO, FROM, 600)]
    assert sid == twilio.inbox.messages[0].sid
    assert twilio.inbox.messages[0].body == (
        "ALERT OversellRisk: Shopify offers 12 units that Lightspeed does not have (for 3m)"
    )


@pytest.mark.parametrize(
    ("notice", "repeat", "said"),
    [
        (
            replace(FIRING, kind=Kind.RESOLVED, value="0", until=START),
            False,
            (
                "RESOLVED OversellRisk: Over after 3m, now 0. It was: "
                "Shopify offers 12 units that Lightspeed does not have"
            ),
        ),
        (
            replace(FIRING, summary="Kavá \N{EN DASH} “Kratom” \N{BEER MUG}"),
            True,
            "ALERT OversellRisk: Kava - ?Kratom? ? (for 3m) possible repeat",
        ),
    ],
    ids=["end", "odd letters and a repeat"],
)
async def test_a_text_uses_the_cheap_letters(notice: Notice, repeat: bool, said: str) -> None:
    assert text([notice], repeat=repeat) == said


@pytest.mark.parametrize("summary", ["x" * 900, "\N{BEER MUG}" * 300, "\r\n<!channel>\x00" * 60])
async def test_a_text_is_one_segment_whatever_it_says(summary: str) -> None:
    body = text([replace(FIRING, summary=summary, alert="A" * 80)], repeat=True)

    assert segments(body) == 1
    assert body.endswith("(for 3m) possible repeat")


@pytest.mark.parametrize(
    ("fault", "reason", "wait"),
    [
        pytest.param(Fault(FaultKind.THROTTLED, seconds=7), FailureReason.THROTTLED, 7.0, id="429"),
        pytest.param(Fault(FaultKind.SERVER_ERROR), FailureReason.AMBIGUOUS, None, id="500"),
        pytest.param(Fault(FaultKind.RESET_AFTER), FailureReason.AMBIGUOUS, None, id="cut after the effect"),
        pytest.param(Fault(FaultKind.REFUSED, code="21211"), FailureReason.REFUSED, None, id="bad number"),
    ],
)
async def test_each_failure_is_sorted_by_what_is_to_be_done(
    twilio: Twilio, fault: Fault, reason: FailureReason, wait: float | None
) -> None:
    twilio.faults.add("sms", "Messages", fault)
    with pytest.raises(DeliveryError) as caught:
        await twilio.send()

    assert caught.value.reason is reason
    assert caught.value.retry_after == wait


async def test_a_wrong_token_needs_a_person_and_is_not_repeated_anywhere(twilio: Twilio) -> None:
    with pytest.raises(DeliveryError) as caught:
        await twilio.send(token="wrong-secret")

    assert caught.value.reason is FailureReason.REFUSED
    assert "wrong-secret" not in f"{caught.value!r} {caught.value}"


async def test_nobody_is_told_that_something_fires_for_no_time(twilio: Twilio) -> None:
    drill = replace(FIRING, alert="DRILL of OversellRisk", since=START, value="", summary="This is a drill")

    assert text([drill]) == "ALERT DRILL of OversellRisk: This is a drill"
    over = replace(drill, kind=Kind.RESOLVED, until=START)
    assert text([over]) == "RESOLVED DRILL of OversellRisk: Over. It was: This is a drill"


async def test_several_alerts_are_one_text_that_names_them_by_what_is_said_of_them(twilio: Twilio) -> None:
    over = replace(FIRING, alert="EqualityProofOld", kind=Kind.RESOLVED, until=START)

    assert text([over, FIRING, replace(FIRING, alert="SyncLatencyHigh")]) == (
        "ALERT: OversellRisk, SyncLatencyHigh. RESOLVED: EqualityProofOld"
    )


async def test_a_text_takes_as_many_alerts_as_it_can_name(twilio: Twilio) -> None:
    items = [Item(replace(FIRING, alert=f"AnAlertWithALongName{number:02}")) for number in range(20)]
    taken = twilio.sms().together(items)
    said = text([item.notice for item in taken], repeat=True)

    assert len(taken) == 5
    assert said.endswith("AnAlertWithALongName04 possible repeat")
    assert segments(said) == 1


async def test_even_the_longest_name_goes_out(twilio: Twilio) -> None:
    items = [Item(replace(FIRING, alert="A" * 200)) for _ in range(2)]

    assert len(twilio.sms().together(items)) == 2
    assert segments(text([item.notice for item in items], repeat=True)) == 1
