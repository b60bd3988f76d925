"""The pretend mail server, spoken to by aiosmtplib over a loopback socket."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib
import pytest

from sandbox.clock import ManualClock, RealClock
from sandbox.faults import Fault, FaultKind, Faults
from sandbox.messages.certificate import Certificate, make_certificate
from sandbox.messages.mail import PASSWORD, USER, Mailbox, mail_server

pytestmark = pytest.mark.anyio

START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("certificate"), now=RealClock().now())


class Post:
    """A served mailbox and a way to send to it."""

    def __init__(self, mailbox: Mailbox, faults: Faults, port: int, ca_file: Path) -> None:
        self.mailbox = mailbox
        self.faults = faults
        self.port = port
        self.ca_file = ca_file

    def client(self, *, password: str | None = PASSWORD, start_tls: bool = True) -> aiosmtplib.SMTP:
        return aiosmtplib.SMTP(
            hostname="127.0.0.1",
            port=self.port,
            username=USER if password else None,
            password=password,
            start_tls=start_tls,
            tls_context=ssl.create_default_context(cafile=str(self.ca_file)),
            timeout=5,
        )

    async def send(self, *recipients: str) -> tuple[dict[str, aiosmtplib.SMTPResponse], str]:
        async with self.client() as client:
            return await client.send_message(letter(), recipients=list(recipients) or ["ops@wtfswag.com"])


def letter() -> EmailMessage:
    message = EmailMessage()
    message["From"] = "sync@wtfswag.com"
    message["To"] = "ops@wtfswag.com"
    message["Subject"] = "Stock differs \N{EN DASH} 5 SKUs"
    message.set_content("Five SKUs differ.\n.\nA line with a dot.\n")
    message.add_alternative("<p>Five SKUs differ.</p>", subtype="html")
    return message


@pytest.fixture
async def post(certificate: Certificate) -> AsyncIterator[Post]:
    faults = Faults()
    mailbox = Mailbox(faults, clock=ManualClock(START))
    async with mail_server(mailbox, certificate.server_context()) as port:
        yield Post(mailbox, faults, port, certificate.ca_file)


async def test_a_message_sent_over_verified_tls_is_recorded_parsed(post: Post) -> None:
    refused, _ = await post.send("ops@wtfswag.com", "lead@wtfswag.com")

    assert refused == {}
    (mail,) = post.mailbox.messages
    assert (mail.at, mail.sender, mail.recipients) == (
        START,
        "sync@wtfswag.com",
        ("ops@wtfswag.com", "lead@wtfswag.com"),
    )
    assert mail.message["Subject"] == "Stock differs \N{EN DASH} 5 SKUs"
    assert mail.text().splitlines() == ["Five SKUs differ.", ".", "A line with a dot."]
    assert mail.text("html").strip() == "<p>Five SKUs differ.</p>"


async def test_a_client_that_does_not_know_the_certificate_refuses_to_talk(post: Post) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        await aiosmtplib.send(
            letter(), hostname="127.0.0.1", port=post.port, start_tls=True, username=USER, password=PASSWORD
        )

    assert post.mailbox.messages == []


async def test_nothing_is_accepted_without_tls(post: Post) -> None:
    client = post.client(password=None, start_tls=False)
    await client.connect()
    await client.ehlo()

    response = await client.execute_command(b"MAIL", b"FROM:<sync@wtfswag.com>")

    assert response.code == 530
    await client.quit()


async def test_nothing_is_accepted_without_a_login(post: Post) -> None:
    async with post.client(password=None) as client:
        with pytest.raises(aiosmtplib.SMTPSenderRefused) as refusal:
            await client.send_message(letter())

    assert refusal.value.code == 530


async def test_a_wrong_password_is_refused(post: Post) -> None:
    with pytest.raises(aiosmtplib.SMTPAuthenticationError) as refusal:
        await post.client(password="guess").connect()

    assert refusal.value.code == 535


async def test_a_stripped_starttls_is_seen_by_the_client(post: Post) -> None:
    post.mailbox.offers_tls = False

    with pytest.raises(aiosmtplib.SMTPException, match="STARTTLS"):
        await post.send()


async def test_one_unknown_recipient_does_not_stop_the_others(post: Post) -> None:
    post.mailbox.unknown.add("gone@wtfswag.com")

    refused, _ = await post.send("gone@wtfswag.com", "ops@wtfswag.com")

    assert {address: reply.code for address, reply in refused.items()} == {"gone@wtfswag.com": 550}
    assert post.mailbox.messages[0].recipients == ("ops@wtfswag.com",)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault(FaultKind.REFUSED), 550),
        (Fault(FaultKind.REFUSED, code="451"), 451),
        (Fault(FaultKind.REFUSED, code="552 5.3.4 Too big"), 552),
        (Fault(FaultKind.SERVER_ERROR), 451),
        (Fault(FaultKind.THROTTLED), 421),
    ],
    ids=["550", "451", "whole reply", "server error", "421"],
)
async def test_a_refused_message_is_not_recorded_and_the_next_one_is(post: Post, fault: Fault, code: int) -> None:
    post.faults.add("smtp", "*", fault)

    with pytest.raises(aiosmtplib.SMTPDataError) as refusal:
        await post.send()

    assert refusal.value.code == code
    assert post.mailbox.messages == []
    await post.send()
    assert len(post.mailbox.messages) == 1


@pytest.mark.parametrize(
    ("kind", "recorded"),
    [(FaultKind.RESET_BEFORE, 0), (FaultKind.RESET_AFTER, 1)],
    ids=["before", "after"],
)
async def test_a_cut_after_data_leaves_the_sender_in_doubt(post: Post, kind: FaultKind, recorded: int) -> None:
    post.faults.add("smtp", "DATA", Fault(kind))

    with pytest.raises(aiosmtplib.SMTPServerDisconnected):
        await post.send()

    assert len(post.mailbox.messages) == recorded


@pytest.mark.parametrize(
    ("command", "fault", "error", "code"),
    [
        ("connect", Fault(FaultKind.THROTTLED), aiosmtplib.SMTPConnectResponseError, 421),
        ("AUTH", Fault(FaultKind.UNAUTHORIZED, times=0), aiosmtplib.SMTPAuthenticationError, 535),
        ("MAIL", Fault(FaultKind.REFUSED, code="451"), aiosmtplib.SMTPSenderRefused, 451),
    ],
    ids=["greeting", "login", "sender"],
)
async def test_a_fault_may_meet_one_command(
    post: Post, command: str, fault: Fault, error: type[aiosmtplib.SMTPResponseException], code: int
) -> None:
    post.faults.add("smtp", command, fault)

    with pytest.raises(error) as refusal:
        await post.send()

    assert refusal.value.code == code


async def test_a_slow_server_takes_its_time_and_accepts(certificate: Certificate) -> None:
    clock = ManualClock(START)
    faults = Faults()
    faults.add("smtp", "DATA", Fault(FaultKind.SLOW, seconds=7))
    mailbox = Mailbox(faults, clock=clock)
    async with mail_server(mailbox, certificate.server_context()) as port:
        await Post(mailbox, faults, port, certificate.ca_file).send()

    assert (clock.now() - START).total_seconds() == 7
    assert len(mailbox.messages) == 1


async def test_stopping_the_server_ends_open_conversations(certificate: Certificate) -> None:
    faults = Faults()
    mailbox = Mailbox(faults, clock=ManualClock(START))
    async with mail_server(mailbox, certificate.server_context()) as port:
        client = Post(mailbox, faults, port, certificate.ca_file).client()
        await client.connect()

    with pytest.raises(aiosmtplib.SMTPServerDisconnected):
        await client.noop()
    client.close()


def test_the_key_is_readable_by_its_owner_only(certificate: Certificate) -> None:
    assert oct(certificate.key_file.stat().st_mode)[-3:] == "600"
