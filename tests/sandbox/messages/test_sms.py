"""The pretend Twilio: accepting, refusing, and what becomes of a message."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest

from sandbox.clock import ManualClock
from sandbox.faults import Fault, FaultKind, Faults
from sandbox.messages.sms import ACCOUNT_SID, AUTH_TOKEN, FROM, SmsInbox, segments, sms_app
from sandbox.transport import InProcessTransport

pytestmark = pytest.mark.anyio

START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
MESSAGES = "/2010-04-01/Accounts/AC00000000000000000000000000000000/Messages.json"
TO = "+14155550100"


class Twilio:
    """An inbox and a client that calls it in process."""

    def __init__(self, auth: tuple[str, str] | None = (ACCOUNT_SID, AUTH_TOKEN)) -> None:
        self.clock = ManualClock(START)
        self.faults = Faults()
        self.inbox = SmsInbox(clock=self.clock)
        transport = InProcessTransport(sms_app(self.inbox, self.faults, clock=self.clock), clock=self.clock)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://sms.test", auth=auth)

    async def send(self, **form: str) -> httpx.Response:
        return await self.http.post(MESSAGES, data={"To": TO, "From": FROM, "Body": "critical"} | form)


@pytest.fixture
def twilio() -> Twilio:
    return Twilio()


async def test_a_message_is_queued_and_then_delivered(twilio: Twilio) -> None:
    response = await twilio.send(ValidityPeriod="600")

    assert response.status_code == 201
    message = response.json()
    assert (message["status"], message["to"], message["num_segments"]) == ("queued", TO, "1")
    assert (message["date_created"], message["date_sent"]) == ("Mon, 23 Nov 2026 12:00:00 +0000", None)
    assert message["sid"] == "SM00000000000000000000000000000001"
    assert twilio.inbox.messages[0].validity_seconds == 600

    twilio.clock.advance(1)
    later = (await twilio.http.get(message["uri"])).json()
    assert (later["status"], later["error_code"]) == ("delivered", None)


async def test_an_unreachable_number_is_known_only_later(twilio: Twilio) -> None:
    twilio.inbox.unreachable.add(TO)
    sent = (await twilio.send()).json()
    twilio.clock.advance(1)

    later = (await twilio.http.get(sent["uri"])).json()

    assert (sent["status"], later["status"], later["error_code"]) == ("queued", "undelivered", 30003)


@pytest.mark.parametrize(
    ("form", "status", "code"),
    [
        ({"To": "555-0100"}, 400, 21211),
        ({"To": ""}, 400, 21604),
        ({"From": ""}, 400, 21603),
        ({"From": "WTF!"}, 400, 21212),
        ({"Body": ""}, 400, 21602),
        ({"Body": "x" * 1_601}, 400, 21617),
        ({"To": "+14155550199"}, 400, 21610),
        ({"ValidityPeriod": "0"}, 400, 20001),
    ],
    ids=["bad number", "no number", "no sender", "bad sender", "no text", "too long", "opted out", "validity"],
)
async def test_a_refusal_names_twilios_code(twilio: Twilio, form: dict[str, str], status: int, code: int) -> None:
    twilio.inbox.opted_out.add("+14155550199")

    response = await twilio.send(**form)

    assert response.status_code == status
    assert (response.json()["code"], response.json()["status"]) == (code, status)
    assert response.json()["more_info"] == f"https://www.twilio.com/docs/errors/{code}"
    assert twilio.inbox.messages == []


@pytest.mark.parametrize(
    "auth",
    [None, (ACCOUNT_SID, "wrong"), ("AC1", "sandbox")],
    ids=["none", "wrong token", "wrong account"],
)
async def test_only_the_account_itself_may_send(auth: tuple[str, str] | None) -> None:
    response = await Twilio(auth).send()

    assert (response.status_code, response.json()["code"]) == (401, 20003)


async def test_recent_messages_can_be_looked_up_by_number(twilio: Twilio) -> None:
    await twilio.send(Body="one")
    await twilio.send(To="+14155550101", Body="two")
    await twilio.send(Body="three")

    found = (await twilio.http.get(MESSAGES, params={"To": TO})).json()["messages"]

    assert [message["body"] for message in found] == ["three", "one"]


async def test_an_unknown_sid_is_not_found(twilio: Twilio) -> None:
    response = await twilio.http.get(MESSAGES.replace(".json", "/SM9.json"))

    assert (response.status_code, response.json()["code"]) == (404, 20404)


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ("x" * 160, 1),
        ("x" * 161, 2),
        ("x" * 306, 2),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("–" * 70, 1),
        ("–" * 71, 2),
        ("\U0001f965" * 35, 1),
        ("\U0001f965" * 36, 2),
    ],
    ids=["160", "161", "2 x 153", "80 of two places", "81 of two", "70 dashes", "71 dashes", "35 emoji", "36 emoji"],
)
def test_segments_are_counted_by_alphabet(body: str, count: int) -> None:
    assert segments(body) == count


@pytest.mark.parametrize(
    ("fault", "status", "code", "sent"),
    [
        (Fault(FaultKind.THROTTLED, seconds=3), 429, 20429, 0),
        (Fault(FaultKind.SERVER_ERROR), 500, 20500, 0),
        (Fault(FaultKind.UNAUTHORIZED), 401, 20003, 0),
        (Fault(FaultKind.REFUSED), 400, 21211, 0),
        (Fault(FaultKind.REFUSED, code="21408"), 400, 21408, 0),
    ],
    ids=["429", "500", "401", "refused", "refused with a code"],
)
async def test_faults_look_like_twilios_own(twilio: Twilio, fault: Fault, status: int, code: int, sent: int) -> None:
    twilio.faults.add("sms", "Messages", fault)

    response = await twilio.send()

    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response.headers.get("retry-after") == ("3" if fault.seconds else None)
    assert len(twilio.inbox.messages) == sent


async def test_a_gateway_timeout_may_hide_a_message_that_was_sent(twilio: Twilio) -> None:
    twilio.faults.add("sms", "*", Fault(FaultKind.GATEWAY_TIMEOUT))

    response = await twilio.send()

    assert (response.status_code, len(twilio.inbox.messages)) == (504, 1)
