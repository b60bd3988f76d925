"""Text messages to the pretend Twilio, in process."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from monitor.channels.base import DeliveryError
from monitor.channels.sms import Sms, short
from monitor.notice import FailureReason, Kind, Notice, Previous, Severity
from sandbox.clock import ManualClock
from sandbox.faults import Fault, FaultKind, Faults
from sandbox.messages.sms import ACCOUNT_SID, AUTH_TOKEN, FROM, SmsInbox, segments, sms_app
from sandbox.transport import InProcessTransport

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

    async def send(self, notice: Notice = FIRING, *, to: tuple[str, ...] = (ONE, TWO), token: str = AUTH_TOKEN) -> str:
        app = sms_app(self.inbox, self.faults, clock=self.clock)
        sms = Sms(
            base_url="http://twilio.test",
            account=ACCOUNT_SID,
            token=token,
            sender=FROM,
            to=to,
            transport=InProcessTransport(app, clock=self.clock),
        )
        try:
            return (await sms.send(notice, Previous())).message
        finally:
            await sms.close()


@pytest.fixture
def twilio() -> Twilio:
    return Twilio()


async def test_each_number_gets_one_text_that_dies_after_ten_minutes(twilio: Twilio) -> None:
    sids = await twilio.send()

    assert [(sms.to, sms.sender, sms.validity_seconds) for sms in twilio.inbox.messages] == [
        (ONE, FROM, 600),
        (TWO, FROM, 600),
    ]
    assert sids == ",".join(sms.sid for sms in twilio.inbox.messages)
    assert twilio.inbox.messages[0].body == (
        "ALERT OversellRisk: Shopify offers 12 units that Lightspeed does not have (for 3m)"
    )


@pytest.mark.parametrize(
    ("notice", "text"),
    [
        (
            replace(FIRING, kind=Kind.RESOLVED, value="0", until=START),
            (
                "RESOLVED OversellRisk: Over after 3m, now 0. It was: "
                "Shopify offers 12 units that Lightspeed does not have"
            ),
        ),
        (
            replace(FIRING, summary="Kavá \N{EN DASH} “Kratom” \N{BEER MUG}", repeat=True),
            "ALERT OversellRisk: Kava - ?Kratom? ? (for 3m) possible repeat",
        ),
    ],
    ids=["end", "odd letters and a repeat"],
)
async def test_a_text_uses_the_cheap_letters(notice: Notice, text: str) -> None:
    assert short(notice) == text


@pytest.mark.parametrize("summary", ["x" * 900, "\N{BEER MUG}" * 300, "\r\n<!channel>\x00" * 60])
async def test_a_text_is_one_segment_whatever_it_says(summary: str) -> None:
    body = short(replace(FIRING, summary=summary, alert="A" * 80, repeat=True))

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
        await twilio.send(to=(ONE,))

    assert caught.value.reason is reason
    assert caught.value.retry_after == wait


async def test_a_wrong_token_needs_a_person_and_is_not_repeated_anywhere(twilio: Twilio) -> None:
    with pytest.raises(DeliveryError) as caught:
        await twilio.send(token="wrong-secret")

    assert caught.value.reason is FailureReason.REFUSED
    assert "wrong-secret" not in f"{caught.value!r} {caught.value}"


async def test_a_number_that_opted_out_keeps_it_from_nobody_else(twilio: Twilio) -> None:
    twilio.inbox.opted_out.add(ONE)
    await twilio.send()

    assert [sms.to for sms in twilio.inbox.messages] == [TWO]


async def test_where_one_of_two_numbers_failed_for_now_all_is_in_doubt(twilio: Twilio) -> None:
    twilio.faults.add("sms", "Messages", Fault(FaultKind.THROTTLED))
    with pytest.raises(DeliveryError) as caught:
        await twilio.send()

    assert caught.value.reason is FailureReason.AMBIGUOUS
    assert [sms.to for sms in twilio.inbox.messages] == [TWO]
