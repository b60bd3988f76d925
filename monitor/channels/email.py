"""E-mail: text and HTML over a verified connection, one thread for each incident.

The Message-ID is made from the message's identity, so that a repeat has the same one and receivers may drop it.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Sequence
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime
from pathlib import Path

import aiosmtplib
import structlog

from monitor.channels.base import Ambiguous, ChannelRefused, DeliveryError, Malformed, Unreachable
from monitor.channels.wording import Several, Wording, clean, or_plain, several, templates, wording
from monitor.notice import Item, Kind, Parcel, Receipt
from sync.config_values import MailSecurity, MailServer

log = structlog.get_logger()
_MOST_TOGETHER = 20  # incidents of one mail
_PERMANENT = 500  # SMTP answers from here on are final
_PREFIX = {Kind.RESOLVED: "Resolved: ", Kind.SUMMARY: "Was firing: ", Kind.DIGEST: "Digest: ", Kind.TEST: "Test: "}


def tls_context(ca_file: Path | None = None) -> ssl.SSLContext:
    """Return a context that verifies certificates, against `ca_file` where one is given; raises OSError."""
    return ssl.create_default_context(cafile=str(ca_file) if ca_file is not None else None)


class _Client(aiosmtplib.SMTP):
    """Lets go of a connection at once: a server that does not end TLS in its turn would keep it for half a minute."""

    def close(self) -> None:
        """Close the connection, without waiting for the other side."""
        transport = self.transport
        super().close()
        if isinstance(transport, asyncio.Transport):
            transport.abort()


class Email:
    """Mail from `sender` to all of `to`; `tls` is used unless the server is on this machine and speaks plainly."""

    def __init__(
        self,
        *,
        server: MailServer,
        sender: str,
        to: Sequence[str],
        tls: ssl.SSLContext,
        now: Callable[[], datetime],
        seconds: float = 20.0,
    ) -> None:
        self._server = server
        self._sender = sender
        self._to = list(to)
        self._tls = tls
        self._now = now
        self._seconds = seconds
        self._templates = templates()

    @property
    def recipients(self) -> Sequence[str]:
        """Return one recipient: all read the same mail."""
        return ("",)

    def together(self, items: Sequence[Item]) -> Sequence[Item]:
        """Return as many as a mail can hold and still be read."""
        return items[:_MOST_TOGETHER]

    async def send(self, parcel: Parcel, *, plain: bool = False) -> Receipt:
        """Send one mail; raises DeliveryError, Ambiguous where the connection broke after the mail was handed over."""
        message = self.compose(parcel, plain=plain)
        client = self._client()
        try:
            await self._sign_in(client)
            await self._hand_over(client, message)
        finally:
            client.close()
        roots = _roots(parcel)
        return Receipt("", str(message["Message-ID"]), roots[0] if len(roots) == 1 else "")

    async def close(self) -> None:
        """Nothing stays open between mails."""

    def compose(self, parcel: Parcel, *, plain: bool = False) -> EmailMessage:
        """Return the mail that tells what is in `parcel`."""
        notices = parcel.notices
        message = EmailMessage(policy=SMTP_POLICY)
        message["From"] = self._sender
        message["To"] = ", ".join(self._to)
        message["Subject"] = _subject(parcel)
        message["Date"] = format_datetime(self._now())
        message["Message-ID"] = f"<{clean(parcel.identity, 80)}@{self._sender.rpartition('@')[2]}>"
        roots = _roots(parcel)
        if roots:
            message["In-Reply-To"] = message["References"] = " ".join(roots)
        message["Auto-Submitted"] = "auto-generated"
        message["X-Auto-Response-Suppress"] = "All"
        message["X-Lightspeed-Sync-Incident"] = ", ".join(clean(notice.incident, 80) for notice in notices)
        message["X-Lightspeed-Sync-Kind"] = ", ".join(notice.kind.value for notice in notices)
        for number, body in enumerate(self._bodies(parcel, plain=plain)):
            if number == 0:
                message.set_content(body)
            else:
                message.add_alternative(body, subtype="html")
        return message

    def _bodies(self, parcel: Parcel, *, plain: bool) -> Sequence[str]:
        """Return the text, and the HTML unless a plain mail is wanted."""
        notices, identity, repeat = parcel.notices, parcel.identity, parcel.repeat
        words = (
            wording(notices[0], identity=identity, repeat=repeat)
            if len(notices) == 1
            else several(notices, identity=identity, repeat=repeat)
        )
        name = "alert" if isinstance(words, Wording) else "group"
        bare = (words.plain(),)
        return bare if plain else or_plain(notices[0].alert, lambda: self._rendered(name, words), bare)

    def _rendered(self, name: str, words: Wording | Several) -> Sequence[str]:
        return tuple(self._templates.get_template(f"{name}.{form}").render(words=words) for form in ("txt", "html"))

    def _client(self) -> aiosmtplib.SMTP:
        security = self._server.security
        return _Client(
            hostname=self._server.host,
            port=self._server.port,
            use_tls=security is MailSecurity.TLS,
            start_tls=security is MailSecurity.STARTTLS,
            tls_context=None if security is MailSecurity.NONE else self._tls,
            username=self._server.username or None,
            password=self._server.password or None,
            timeout=self._seconds,
        )

    async def _sign_in(self, client: aiosmtplib.SMTP) -> None:
        try:
            await client.connect()
        except aiosmtplib.SMTPAuthenticationError as error:
            raise _answered(error.code, "sign-in") from None
        except aiosmtplib.SMTPResponseException as error:
            raise _answered(error.code, "connection") from None
        except aiosmtplib.SMTPException as error:
            if _about_certificates(error):
                raise ChannelRefused("the server's certificate cannot be verified") from None
            if type(error) is aiosmtplib.SMTPException:
                raise ChannelRefused("the server does not offer STARTTLS or sign-in") from None
            raise Unreachable(type(error).__name__) from None
        except (OSError, ValueError) as error:
            if _about_certificates(error):
                raise ChannelRefused("the server's certificate cannot be verified") from None
            raise Unreachable(type(error).__name__) from None

    async def _hand_over(self, client: aiosmtplib.SMTP, message: EmailMessage) -> None:
        try:
            refused, _ = await client.send_message(message, sender=self._sender, recipients=self._to)
        except aiosmtplib.SMTPRecipientsRefused as error:
            codes = [refusal.code for refusal in error.recipients]
            raise _answered(min(codes, default=_PERMANENT), "recipients") from None
        except aiosmtplib.SMTPDataError as error:
            if error.code >= _PERMANENT:
                raise Malformed(f"the server answered {error.code} to the mail") from None
            raise Unreachable(f"the server answered {error.code} to the mail") from None
        except aiosmtplib.SMTPResponseException as error:
            raise _answered(error.code, "sender") from None
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise Ambiguous(type(error).__name__) from None
        if refused:
            codes = sorted({answer.code for answer in refused.values()})
            log.warning("notification.recipients_refused", channel="email", recipients=len(refused), codes=codes)


def _subject(parcel: Parcel) -> str:
    """Keep one stem for all mails of an alert, which is what threads are made of."""
    notices = parcel.notices
    if len(notices) > 1:
        return f"[lightspeed-sync] {several(notices, repeat=parcel.repeat).heading}"
    notice, repeat = notices[0], " (possible repeat)" if parcel.repeat else ""
    return _PREFIX.get(notice.kind, "") + clean(f"[lightspeed-sync] {notice.severity} {notice.alert}", 120) + repeat


def _roots(parcel: Parcel) -> Sequence[str]:
    """Return the first mails of the threads that this one belongs to."""
    return list(dict.fromkeys(item.previous.root.message for item in parcel.items if item.previous.root is not None))


def _answered(code: int, stage: str) -> DeliveryError:
    detail = f"the server answered {code} at {stage}"
    return ChannelRefused(detail) if code >= _PERMANENT else Unreachable(detail)


def _about_certificates(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False
