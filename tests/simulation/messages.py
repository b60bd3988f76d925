"""The product's own channels over the pretend services, with the two foreign libraries that open sockets replaced.

Slack's SDK and aiosmtplib cannot run on virtual time. What stands in for them speaks to the same pretend services and
fails with the same exceptions; wording, threads and the sorting of errors are the product's.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any, cast

import aiohttp
import aiosmtplib
import httpx
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from monitor.alerts_model import AlertsFile, EmailSettings, SlackSettings, SmsSettings
from monitor.channels.base import Channel
from monitor.channels.email import Email
from monitor.channels.slack import Slack
from monitor.channels.sms import Sms
from sandbox.faults import FaultKind
from sandbox.messages.mail import Mailbox
from sync.config_values import MailSecurity, MailServer
from sync.settings import Settings
from tests.simulation.life import Life, Moment, MortalTransport
from tests.simulation.loop import VirtualClock

_LOST = (FaultKind.RESET_BEFORE, FaultKind.BAD_GATEWAY)
_LOST_ANSWER = (FaultKind.RESET_AFTER, FaultKind.GATEWAY_TIMEOUT, FaultKind.LATE)


class SlackOverHttpx:
    """What `Slack` uses of AsyncWebClient, over an httpx transport."""

    def __init__(self, base_url: str, token: str, transport: httpx.AsyncBaseTransport, seconds: float) -> None:
        self._base_url = base_url
        headers = {"Authorization": f"Bearer {token}"}
        self._http = httpx.AsyncClient(transport=transport, headers=headers, timeout=seconds)

    async def api_call(self, method: str, *, json: Mapping[str, Any]) -> AsyncSlackResponse:
        """Call a method; raises SlackApiError for what Slack refuses, as the SDK does."""
        try:
            answer = await self._http.post(f"{self._base_url}{method}", json=json)
        except httpx.TimeoutException:
            raise TimeoutError from None
        except httpx.ConnectError as error:
            raise aiohttp.ClientConnectorError(cast("Any", None), OSError(str(error))) from None
        except httpx.TransportError as error:
            raise aiohttp.ClientError(str(error)) from None
        try:
            data = answer.json()
        except ValueError:
            raise SlackApiError("no JSON", _Bare(answer.status_code)) from None  # type: ignore[no-untyped-call]
        response = AsyncSlackResponse(
            client=cast("AsyncWebClient", self),
            http_verb="POST",
            api_url=method,
            req_args={},
            data=data,
            headers=dict(answer.headers),
            status_code=answer.status_code,
        )
        validated: AsyncSlackResponse = response.validate()  # type: ignore[no-untyped-call]
        return validated


class _Bare:
    """What the SDK hands out where a body is no JSON: the bare HTTP response."""

    def __init__(self, status: int) -> None:
        self.status = status


class PretendSmtp:
    """What `Email` uses of aiosmtplib.SMTP, handing mails to a pretend mailbox."""

    def __init__(self, mailbox: Mailbox, life: Life, clock: VirtualClock) -> None:
        self._mailbox = mailbox
        self._life = life
        self._clock = clock

    async def connect(self) -> None:
        """Sign in."""
        await self._life.reach(Moment.BEFORE_MAIL)
        await self._clock.sleep(0.3)
        if self._mailbox.take("connect") is not None:
            raise aiosmtplib.SMTPConnectError("refused")

    async def send_message(self, message: EmailMessage, *, sender: str, recipients: list[str]) -> tuple[Any, str]:
        """Hand a mail over."""
        fault = self._mailbox.take("DATA")
        kind = None if fault is None else fault.kind
        if fault is not None and kind is FaultKind.SLOW:
            await self._clock.sleep(fault.seconds)
        if kind in _LOST:
            raise aiosmtplib.SMTPServerDisconnected("cut")
        if kind in (FaultKind.THROTTLED, FaultKind.SERVER_ERROR, FaultKind.REFUSED):
            raise aiosmtplib.SMTPDataError(451, "try again later")
        self._mailbox.deliver(sender, recipients, message.as_bytes(policy=SMTP))
        await self._life.reach(Moment.AFTER_MAIL)
        if kind in _LOST_ANSWER:
            raise aiosmtplib.SMTPServerDisconnected("cut")
        return {}, "ok"

    def close(self) -> None:
        """Nothing is open."""


class PretendEmail(Email):
    """The product's mail over a pretend connection."""

    def __init__(self, mailbox: Mailbox, alerts: AlertsFile, life: Life, clock: VirtualClock) -> None:
        channel = alerts.channels["email"]
        assert isinstance(channel, EmailSettings)
        super().__init__(
            server=MailServer(host="localhost", port=25, security=MailSecurity.NONE),
            sender="lightspeed-sync@wtfswag.com",
            to=channel.to,
            tls=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
            now=clock.now,
        )
        self._pretend = PretendSmtp(mailbox, life, clock)

    def _client(self) -> aiosmtplib.SMTP:
        return cast("aiosmtplib.SMTP", self._pretend)


def pretend_channels(
    settings: Settings,
    alerts: AlertsFile,
    mailbox: Mailbox,
    *,
    transport: MortalTransport,
    life: Life,
    clock: VirtualClock,
) -> Mapping[str, Channel]:
    """Return all three channels."""
    seconds = alerts.limits.delivery.deadline.total_seconds()
    there, texts = alerts.channels["slack"], alerts.channels["sms"]
    assert isinstance(there, SlackSettings)
    assert isinstance(texts, SmsSettings)
    assert settings.slack_bot_token is not None
    assert settings.twilio_auth_token is not None
    token = settings.slack_bot_token.get_secret_value()
    slack = Slack(token=token, channel=there.channel, base_url=settings.slack_api_url, seconds=seconds)
    over_httpx = SlackOverHttpx(settings.slack_api_url, token, transport, seconds)
    slack._client = cast("AsyncWebClient", over_httpx)
    sms = Sms(
        base_url=settings.twilio_api_url,
        account=settings.twilio_account_sid or "",
        token=settings.twilio_auth_token.get_secret_value(),
        sender=settings.twilio_from or "",
        to=texts.to,
        seconds=seconds,
        transport=transport,
    )
    return {"slack": slack, "email": PretendEmail(mailbox, alerts, life, clock), "sms": sms}
