"""Our channels against real programs: exim, Alertmanager, and Twilio's own description of its API."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any

import httpx
import pytest

from monitor.channels.alertmanager import Alertmanager, webhook_payload
from monitor.channels.base import DeliveryError
from monitor.channels.email import Email, tls_context
from monitor.channels.sms import Sms
from monitor.notice import FailureReason, Kind, Parcel
from sandbox.clock import RealClock
from sandbox.messages.certificate import make_certificate
from sync.config_values import MailSecurity, MailServer
from tests.conftest import ROOT
from tests.monitor.parcels import group, parcel
from tests.monitor.real_peers import Exim, alertmanager, exim, prism
from tests.monitor.test_alertmanager import FIRING, OTHER

pytestmark = [pytest.mark.anyio, pytest.mark.peer]

TWILIO = ROOT.parent / "shared" / "data" / "twilio" / "twilio_api_v2010.json"
NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)


# --- exim ---


class Post:
    def __init__(self, server: Exim, ca_file: Path) -> None:
        self.server = server
        self._ca_file = ca_file

    async def send(self, told: Parcel, *, to: tuple[str, ...] = ("ops@wtfswag.com",), password: str = "secret") -> None:
        server = MailServer("127.0.0.1", self.server.port, MailSecurity.STARTTLS, "sync", password)
        tls = tls_context(self._ca_file)
        email = Email(server=server, sender="sync@wtfswag.com", to=to, tls=tls, now=lambda: NOW, seconds=10)
        try:
            await email.send(told)
        finally:
            await RealClock().sleep(0.1)  # in which exim closes its side

    async def arrived(self, count: int) -> list[Any]:
        """Return the mails once so many are there."""
        for _ in range(400):
            found = self.server.mails()
            if len(found) >= count:
                return found
            await RealClock().sleep(0.05)  # another program delivers: nothing of ours can be awaited
        raise AssertionError(f"{count} mails did not arrive: {self.server.log()}")


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    certificate = make_certificate(tmp_path, now=RealClock().now())
    with exim(tmp_path, certificate.ca_file, certificate.key_file) as server:
        yield Post(server, certificate.ca_file)


async def test_exim_takes_a_group_and_its_end_over_tls_after_sign_in(post: Post) -> None:
    over = [replace(notice, kind=Kind.RESOLVED, until=NOW) for notice in (FIRING, OTHER)]
    await post.send(group("1-email-group-9", FIRING, OTHER))
    await post.send(group("1-email-group-10", *over))

    first, second = await post.arrived(2)
    assert first["Message-ID"] == "<1-email-group-9@wtfswag.com>"
    assert first["Subject"] == "[lightspeed-sync] 2 alerts: OversellRisk, SyncDiscrepancies"
    assert [part.get_content_type() for part in first.walk()] == ["multipart/alternative", "text/plain", "text/html"]
    assert second["Subject"] == "[lightspeed-sync] 2 resolved: OversellRisk, SyncDiscrepancies"
    assert "P=esmtpsa" in post.server.log()  # signed in, over TLS


@pytest.mark.parametrize(
    ("to", "password", "reason"),
    [
        (("ops@wtfswag.com",), "wrong", FailureReason.REFUSED),
        (("gone@wtfswag.com",), "secret", FailureReason.REFUSED),
        (("later@wtfswag.com",), "secret", FailureReason.UNREACHABLE),
    ],
    ids=["535", "550", "451"],
)
async def test_exims_refusals_are_sorted(post: Post, to: tuple[str, ...], password: str, reason: FailureReason) -> None:
    with pytest.raises(DeliveryError) as caught:
        await post.send(parcel(FIRING), to=to, password=password)

    assert caught.value.reason is reason


async def test_exim_refuses_one_recipient_and_keeps_the_mail_from_nobody_else(post: Post) -> None:
    await post.send(parcel(FIRING), to=("gone@wtfswag.com", "ops@wtfswag.com"))

    (mail,) = await post.arrived(1)
    assert mail["Envelope-to"] == "ops@wtfswag.com"


# --- Alertmanager ---


class Receiver:
    """Takes what a real Alertmanager sends to its webhook."""

    def __init__(self) -> None:
        self.payloads: Queue[Any] = Queue()
        payloads = self.payloads

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                payloads.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    thread = Thread(target=made.server.serve_forever, daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join(10)


def _config(url: str) -> str:
    return f"""
route:
  receiver: hook
  group_by: [alertname]
  group_wait: 0s
  group_interval: 1s
receivers:
  - name: hook
    webhook_configs: [{{url: "{url}", send_resolved: true}}]
"""


async def test_alertmanager_takes_our_pushes_and_sends_what_our_own_webhook_would(
    tmp_path: Path, receiver: Receiver
) -> None:
    now = RealClock().now().replace(microsecond=0)
    firing = replace(FIRING, since=now - timedelta(minutes=3), at=now)
    over = replace(firing, kind=Kind.RESOLVED, until=now)
    with alertmanager(tmp_path, _config(receiver.url)) as port:
        url = f"http://127.0.0.1:{port}"
        ours = Alertmanager(url=url, repeat=timedelta(minutes=1), now=RealClock().now)
        await ours.send(parcel(firing))
        begun = await asyncio.to_thread(receiver.payloads.get, timeout=20)
        async with httpx.AsyncClient() as client:
            (known,) = (await client.get(f"{url}/api/v2/alerts")).json()
        await ours.send(parcel(over))
        ended = await asyncio.to_thread(receiver.payloads.get, timeout=20)
        await ours.close()

    made = [webhook_payload([notice], "hook", begun["externalURL"]) for notice in (firing, over)]
    for theirs, own in zip((begun, ended), made, strict=True):
        for name in ("receiver", "status", "groupLabels", "commonLabels", "commonAnnotations", "version", "groupKey"):
            assert own[name] == theirs[name]
        assert own.keys() == theirs.keys()
        assert own["alerts"][0].keys() == theirs["alerts"][0].keys()
        assert own["alerts"][0]["fingerprint"] == theirs["alerts"][0]["fingerprint"]
        assert _moment(own) == _moment(theirs)
    assert made[0]["alerts"][0]["endsAt"] == begun["alerts"][0]["endsAt"]
    assert known["labels"] == {"alertname": "SyncDiscrepancies", "severity": "warning", "location": "a"}


def _moment(payload: Any) -> datetime:
    return datetime.fromisoformat(payload["alerts"][0]["startsAt"])


# --- Twilio ---


@pytest.fixture(scope="module")
def twilio() -> Iterator[int]:
    if not TWILIO.is_file():
        pytest.skip("Twilio's description of its API is not here")
    with prism(TWILIO) as port:
        yield port


def _sms(port: int, *, account: str = "AC" + "0" * 32, sender: str = "+15005550006") -> Sms:
    return Sms(base_url=f"http://127.0.0.1:{port}", account=account, token="token", sender=sender, to=("+15551230001",))


async def test_twilios_own_description_allows_what_we_send(twilio: int) -> None:
    sms = _sms(twilio)
    receipt = await sms.send(parcel(replace(FIRING, severity=OTHER.severity), to="+15551230001"))
    await sms.close()

    assert receipt.message.startswith("SM")


async def test_what_twilios_description_does_not_allow_is_refused(twilio: int) -> None:
    sms = _sms(twilio, account="not-an-account")
    with pytest.raises(DeliveryError) as caught:
        await sms.send(parcel(FIRING, to="+15551230001"))
    await sms.close()

    assert caught.value.reason is FailureReason.REFUSED
