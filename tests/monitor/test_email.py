"""Mail by aiosmtplib to the pretend mail server, over verified TLS on a loopback socket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.channels.base import DeliveryError
from monitor.channels.email import Email, tls_context
from monitor.notice import FailureReason, Item, Kind, Notice, Parcel, Previous, Receipt, Severity
from monitor.rehearsal import trial_notice
from monitor.serving import bind_tcp
from sandbox.clock import ManualClock, RealClock
from sandbox.faults import Fault, FaultKind, Faults
from sandbox.messages.certificate import Certificate, make_certificate
from sandbox.messages.mail import PASSWORD, USER, Mail, Mailbox, mail_server
from sync.config_values import MailSecurity, MailServer
from tests.monitor.parcels import group, parcel

pytestmark = pytest.mark.anyio

START = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
FIRING = Notice(
    identity="7-email-firing-1795514400",
    incident="7",
    kind=Kind.FIRING,
    alert="InventoryDiscrepancy",
    severity=Severity.WARNING,
    summary="6 SKUs differ between Lightspeed and Shopify",
    signal="SKUs that differ",
    value="6",
    limit="> 5",
    since=START - timedelta(minutes=3),
    at=START,
    remedy="Run `lightspeed-sync status`.",
    examples=("KAVA-1",),
    link="https://ops.example.com/",
)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("certificate"), now=RealClock().now())


class Post:
    """A served mailbox and ways to send to it."""

    def __init__(self, mailbox: Mailbox, faults: Faults, port: int, ca_file: Path) -> None:
        self.mailbox, self.faults, self.port, self.ca_file = mailbox, faults, port, ca_file

    def email(
        self,
        *,
        password: str = PASSWORD,
        ca_file: Path | None = None,
        security: MailSecurity = MailSecurity.STARTTLS,
        seconds: float = 5,
        verify_against_system: bool = False,
    ) -> Email:
        server = MailServer("127.0.0.1", self.port, security, USER, password)
        tls = tls_context(None if verify_against_system else ca_file or self.ca_file)
        return Email(
            server=server,
            sender="sync@wtfswag.com",
            to=["ops@wtfswag.com", "lead@wtfswag.com"],
            tls=tls,
            now=lambda: START,
            seconds=seconds,
        )

    def received(self) -> list[Mail]:
        return self.mailbox.messages


@pytest.fixture
async def post(certificate: Certificate) -> AsyncIterator[Post]:
    faults = Faults()
    mailbox = Mailbox(faults, clock=ManualClock(START))
    async with mail_server(mailbox, certificate.server_context()) as port:
        yield Post(mailbox, faults, port, certificate.ca_file)


async def test_an_alert_arrives_as_text_and_html_with_its_headers(post: Post) -> None:
    receipt = await post.email().send(parcel(FIRING))

    (mail,) = post.received()
    headers = mail.message
    assert receipt == Receipt("", "<7-email-firing-1795514400@wtfswag.com>")
    assert type(receipt.message) is str, "a header of a mail is more than a text, and no JSON"
    assert headers["Message-ID"] == "<7-email-firing-1795514400@wtfswag.com>"
    assert headers["Subject"] == "[lightspeed-sync] warning InventoryDiscrepancy"
    assert headers["Date"] == "Tue, 24 Nov 2026 10:00:00 +0000"
    assert headers["Auto-Submitted"] == "auto-generated"
    assert headers["References"] is None
    assert mail.recipients == ("ops@wtfswag.com", "lead@wtfswag.com")
    assert "6 SKUs differ between Lightspeed and Shopify" in mail.text()
    assert "Since: 2026-11-24 09:57 UTC (3m)" in mail.text()
    assert "What to do: Run `lightspeed-sync status`." in mail.text()
    assert '<a href="https://ops.example.com/">Status page</a>' in mail.text("html")


async def test_the_end_belongs_to_the_firsts_thread(post: Post) -> None:
    email = post.email()
    first = await email.send(parcel(FIRING))
    await email.send(parcel(replace(FIRING, identity="7-email-resolved-9", kind=Kind.RESOLVED, until=START), first))

    end = post.received()[-1].message
    assert end["Subject"] == "Resolved: [lightspeed-sync] warning InventoryDiscrepancy"
    assert (end["In-Reply-To"], end["References"]) == (first.message, first.message)


async def test_a_repeat_has_the_same_message_id_and_says_what_it_is(post: Post) -> None:
    email = post.email()
    await email.send(parcel(FIRING))
    await email.send(parcel(FIRING, repeat=True))

    first, second = (mail.message for mail in post.received())
    assert first["Message-ID"] == second["Message-ID"]
    assert second["Subject"] == "[lightspeed-sync] warning InventoryDiscrepancy (possible repeat)"


@pytest.mark.parametrize(
    "hostile",
    [
        "x\r\nBcc: victim@example.com",
        "x\n\n<script>alert(1)</script>",
        "</td><img src=https://evil.example/x>",
        "\u202eevil\x00",
        "{{ 7 * 7 }}{% raw %}",
        "x" * 5_000,
    ],
)
async def test_hostile_titles_add_no_header_and_no_markup(post: Post, hostile: str) -> None:
    notice = replace(FIRING, alert=hostile, summary=hostile, examples=(hostile,), description=hostile, signal=hostile)
    await post.email().send(parcel(notice))

    (mail,) = post.received()
    html = mail.text("html")
    assert (mail.message["Bcc"], mail.recipients) == (None, ("ops@wtfswag.com", "lead@wtfswag.com"))
    assert not [tag for tag in ("<script", "<img") if tag in html]
    assert not {"\x00", "\u202e"} & set(html + mail.text())
    assert "49" not in mail.text().replace("7-email-firing-1795514400", "")


@pytest.mark.parametrize(
    ("command", "fault", "reason"),
    [
        pytest.param("connect", Fault(FaultKind.THROTTLED), FailureReason.UNREACHABLE, id="421 at connection"),
        pytest.param("connect", Fault(FaultKind.RESET_BEFORE), FailureReason.UNREACHABLE, id="cut at connection"),
        pytest.param("AUTH", Fault(FaultKind.UNAUTHORIZED, times=0), FailureReason.REFUSED, id="535"),
        pytest.param("MAIL", Fault(FaultKind.REFUSED, code="451"), FailureReason.UNREACHABLE, id="sender 451"),
        pytest.param("MAIL", Fault(FaultKind.REFUSED, code="553"), FailureReason.REFUSED, id="sender 553"),
        pytest.param("RCPT", Fault(FaultKind.REFUSED, 2, code="450"), FailureReason.UNREACHABLE, id="all 450"),
        pytest.param("RCPT", Fault(FaultKind.REFUSED, 2, code="550"), FailureReason.REFUSED, id="all 550"),
        pytest.param("DATA", Fault(FaultKind.SERVER_ERROR), FailureReason.UNREACHABLE, id="data 451"),
        pytest.param("DATA", Fault(FaultKind.REFUSED, code="554"), FailureReason.MALFORMED, id="data 554"),
        pytest.param("DATA", Fault(FaultKind.RESET_AFTER), FailureReason.AMBIGUOUS, id="cut after the mail"),
    ],
)
async def test_each_failure_is_sorted_by_what_is_to_be_done(
    post: Post, command: str, fault: Fault, reason: FailureReason
) -> None:
    post.faults.add("smtp", command, fault)
    with pytest.raises(DeliveryError) as caught:
        await post.email().send(parcel(FIRING))

    assert caught.value.reason is reason


async def test_one_refused_recipient_keeps_the_mail_from_nobody_else(post: Post) -> None:
    post.mailbox.unknown.add("ops@wtfswag.com")
    await post.email().send(parcel(FIRING))

    (mail,) = post.received()
    assert mail.recipients == ("lead@wtfswag.com",)


async def test_a_wrong_password_needs_a_person_and_is_not_repeated_anywhere(post: Post) -> None:
    with pytest.raises(DeliveryError) as caught:
        await post.email(password="wrong-secret").send(parcel(FIRING))

    assert caught.value.reason is FailureReason.REFUSED
    assert "wrong-secret" not in f"{caught.value!r} {caught.value}"


async def test_a_certificate_that_cannot_be_verified_ends_it(post: Post) -> None:
    with pytest.raises(DeliveryError) as caught:
        await post.email(verify_against_system=True).send(parcel(FIRING))

    assert caught.value.reason is FailureReason.REFUSED
    assert caught.value.detail == "the server's certificate cannot be verified"
    assert post.received() == []


async def test_a_server_without_starttls_is_never_spoken_to_plainly(post: Post) -> None:
    post.mailbox.offers_tls = False
    with pytest.raises(DeliveryError) as caught:
        await post.email().send(parcel(FIRING))

    assert caught.value.reason is FailureReason.REFUSED
    assert caught.value.detail == "the server does not offer STARTTLS or sign-in"


async def test_where_nobody_listens_the_mail_surely_did_not_arrive(certificate: Certificate) -> None:
    bound = bind_tcp("127.0.0.1", 0)
    port = bound.getsockname()[1]
    bound.close()
    post = Post(Mailbox(Faults(), clock=ManualClock(START)), Faults(), port, certificate.ca_file)
    with pytest.raises(DeliveryError) as caught:
        await post.email().send(parcel(FIRING))

    assert caught.value.reason is FailureReason.UNREACHABLE


async def test_plain_is_text_alone(post: Post) -> None:
    await post.email().send(parcel(FIRING), plain=True)

    (mail,) = post.received()
    assert mail.message.get_content_type() == "text/plain"


# --- several at once ---

OTHER = replace(FIRING, incident="8", alert="SyncLatencyHigh", summary="No sync for 12m")


async def test_several_alerts_are_one_mail_that_lists_them(post: Post) -> None:
    await post.email().send(group("1-email-group-9", FIRING, OTHER))

    (mail,) = post.received()
    headers = mail.message
    assert headers["Message-ID"] == "<1-email-group-9@wtfswag.com>"
    assert headers["Subject"] == "[lightspeed-sync] 2 alerts: InventoryDiscrepancy, SyncLatencyHigh"
    assert (headers["X-Lightspeed-Sync-Incident"], headers["X-Lightspeed-Sync-Kind"]) == ("7, 8", "firing, firing")
    for text in (mail.text(), mail.text("html")):
        assert "6 SKUs differ between Lightspeed and Shopify" in text
        assert "No sync for 12m" in text


async def test_ends_that_come_together_belong_to_every_threads_first_mail(post: Post) -> None:
    email = post.email()
    roots = [await email.send(parcel(FIRING)), await email.send(parcel(replace(OTHER, identity="8-email-firing-1")))]
    ends = [replace(notice, kind=Kind.RESOLVED, until=START) for notice in (FIRING, OTHER)]
    items = [Item(end, Previous((root,))) for end, root in zip(ends, roots, strict=True)]
    receipt = await email.send(Parcel("1-email-group-10", items))

    assert str(post.received()[-1].message["References"]).split() == [root.message for root in roots]
    assert receipt == Receipt("", "<1-email-group-10@wtfswag.com>", thread="")


async def test_a_mail_of_the_longest_notices_can_be_read_and_answered(post: Post) -> None:
    long = replace(FIRING, alert="A" * 200, summary="<" * 900, examples=("&" * 60,) * 9)
    members = [replace(long, incident=str(number)) for number in range(20)]
    await post.email().send(group("1-email-group-9", *members))

    (mail,) = post.received()
    assert str(mail.message["X-Lightspeed-Sync-Incident"]).split(", ")[-1] == "19"
    assert mail.text("html").count("<h3") == 20


async def test_the_subject_of_many_is_one_line_with_the_worst_first(post: Post) -> None:
    names = ("EqualityProofOld", "ManualReconciliation", "SyncErrorRateHigh")
    notices = [replace(FIRING, incident=str(number), alert=name) for number, name in enumerate(names)]
    worst = replace(FIRING, incident="9", alert="OversellRisk", severity=Severity.CRITICAL)
    await post.email().send(group("1-email-group-9", *notices, worst))

    (mail,) = post.received()
    assert mail.message["Subject"] == "[lightspeed-sync] 4 alerts: OversellRisk and 3 more"
    assert b"Subject: [lightspeed-sync] 4 alerts: OversellRisk and 3 more\r\n" in mail.raw


async def test_a_test_says_what_it_is_and_nothing_of_values(post: Post) -> None:
    await post.email().send(parcel(trial_notice("test-1", "anna", "", START)))

    (mail,) = post.received()
    said = mail.text()
    assert "Sent: 2026-11-24 10:00 UTC" in said
    assert "Note: Asked for by anna." in said
    assert not [word for word in ("Value", "Since", "alert at", "0s") if word in said]
