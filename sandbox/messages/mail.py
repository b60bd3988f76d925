"""A pretend mail server: SMTP with mandatory STARTTLS and AUTH that records messages and can refuse them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default as default_policy
from ssl import SSLContext
from typing import Any, cast

from aiosmtpd.smtp import MISSING, SMTP, AuthResult, Envelope, LoginPassword, Session, TLSSetupException

from sandbox.clock import Clock
from sandbox.faults import Fault, FaultKind, Faults

USER = "sandbox"
PASSWORD = "sandbox-mail-password"

_TIMEOUT = 30  # seconds a client may be silent
_LARGEST = 10 * 1024 * 1024  # octets of one message


@dataclass(frozen=True, slots=True)
class Mail:
    """One message as it was accepted; `raw` is what came after DATA, `message` the same, parsed."""

    at: datetime
    sender: str
    recipients: tuple[str, ...]
    raw: bytes
    message: EmailMessage

    def text(self, kind: str = "plain") -> str:
        """Return the body of `text/plain` or `text/html`; raises ValueError where there is none."""
        part = self.message.get_body((kind,))
        if part is None:
            raise ValueError(f"the message has no text/{kind} part")
        return str(part.get_content())


class Mailbox:
    """Records mail; addresses in `unknown` are refused with 550 while their neighbours are accepted.

    Faults of service `smtp` meet the next message, at the end of its DATA: REFUSED answers with `code` (`451`, or
    a whole reply); THROTTLED is 421 and SERVER_ERROR 451; RESET_BEFORE and BAD_GATEWAY cut the connection with
    the message lost; RESET_AFTER, GATEWAY_TIMEOUT and LATE cut it with the message accepted; SLOW waits `seconds`.
    The same faults under the name of a command (`connect`, `AUTH`, `MAIL`, `RCPT`) meet that command instead.
    """

    def __init__(self, faults: Faults, *, clock: Clock) -> None:
        self._faults = faults
        self._clock = clock
        self.messages: list[Mail] = []
        self.unknown: set[str] = set()
        self.offers_tls = True  # False: as if somebody on the way had taken STARTTLS out of the greeting

    def deliver(self, sender: str, recipients: Sequence[str], raw: bytes) -> Mail:
        """Record a message; `raw` is what comes after DATA."""
        message: EmailMessage = BytesParser(EmailMessage, policy=default_policy).parsebytes(raw)
        mail = Mail(self._clock.now(), sender, tuple(recipients), raw, message)
        self.messages.append(mail)
        return mail

    def take(self, command: str) -> Fault | None:
        """Return the fault that this command meets."""
        return self._faults.take("smtp", command, named=command != "DATA")

    async def wait(self, seconds: float) -> None:
        """Let `seconds` pass on the sandbox's clock."""
        await self._clock.sleep(seconds)


@asynccontextmanager
async def mail_server(mailbox: Mailbox, context: SSLContext, *, port: int = 0) -> AsyncIterator[int]:
    """Serve SMTP on 127.0.0.1 inside the running loop and yield the port; connections are cut at the end."""
    loop = asyncio.get_running_loop()
    logging.getLogger("mail.log").setLevel(logging.ERROR)  # aiosmtpd warns about itself at each login
    connections: set[_Connection] = set()

    def connect() -> _Connection:
        connection = _Connection(mailbox, context if mailbox.offers_tls else None)
        connections.add(connection)
        return connection

    server = await loop.create_server(connect, "127.0.0.1", port)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()
        await asyncio.gather(*(connection.end() for connection in connections))


class _Connection(SMTP):
    """One client's conversation: TLS first, then the password, then mail."""

    def __init__(self, mailbox: Mailbox, context: SSLContext | None) -> None:
        super().__init__(
            _Commands(mailbox),
            hostname="mail.sandbox.test",
            ident="ESMTP",
            data_size_limit=_LARGEST,
            enable_SMTPUTF8=True,
            tls_context=context,
            require_starttls=True,
            auth_required=True,
            authenticator=_authenticate,
            timeout=_TIMEOUT,
            loop=asyncio.get_running_loop(),
        )
        self._mailbox = mailbox

    async def _handle_client(self) -> None:
        reply = await _meet(self._mailbox.take("connect"), self, self._mailbox)
        if reply is not None:
            await self.push(reply)
            _transport(self).close()
            return
        await super()._handle_client()

    async def end(self) -> None:
        """Cut the connection if it still stands, and wait until its task is over."""
        if self.transport is not None:
            _transport(self).abort()
        if self._handler_coroutine is not None:
            await asyncio.wait([self._handler_coroutine])


class _Commands:
    """What the server says to each command; aiosmtpd finds the methods by name."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def handle_exception(self, error: Exception) -> str:
        """Take a failed handshake quietly (the client distrusts the certificate); anything else is our mistake."""
        if not isinstance(error, TLSSetupException):
            raise error
        return ""

    async def handle_AUTH(self, server: SMTP, session: Session, envelope: Envelope, args: list[str]) -> Any:  # noqa: N802
        """Let a fault meet the login; MISSING lets aiosmtpd go on with it."""
        return await _meet(self._mailbox.take("AUTH"), server, self._mailbox) or MISSING

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take the sender."""
        reply = await _meet(self._mailbox.take("MAIL"), server, self._mailbox)
        if reply is None:
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return reply or "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take one recipient, unless nobody here has that name."""
        reply = await _meet(self._mailbox.take("RCPT"), server, self._mailbox)
        if reply is None and address in self._mailbox.unknown:
            reply = "550 5.1.1 No such mailbox here"
        if reply is None:
            envelope.rcpt_tos.append(address)
        return reply or "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take the message."""
        fault = self._mailbox.take("DATA")
        if fault is not None and fault.kind in _ACCEPTED_ALL_THE_SAME:
            self._deliver(envelope)
        reply = await _meet(fault, server, self._mailbox)
        if reply is None:
            self._deliver(envelope)
        return reply or "250 2.0.0 OK"

    def _deliver(self, envelope: Envelope) -> None:
        self._mailbox.deliver(envelope.mail_from or "", envelope.rcpt_tos, envelope.original_content or b"")


_ACCEPTED_ALL_THE_SAME = (FaultKind.RESET_AFTER, FaultKind.GATEWAY_TIMEOUT, FaultKind.LATE)


async def _meet(fault: Fault | None, server: SMTP, mailbox: Mailbox) -> str | None:
    """Return the reply of a command that meets `fault`, None where it goes on as usual."""
    if fault is None:
        return None
    match fault.kind:
        case FaultKind.REFUSED:
            return _reply(fault.code)
        case FaultKind.THROTTLED:
            asyncio.get_running_loop().call_soon(_transport(server).close)  # after the reply is written
            return "421 4.7.0 Too many connections, try again later"
        case FaultKind.SERVER_ERROR:
            return "451 4.3.0 Temporary server error"
        case FaultKind.UNAUTHORIZED:
            return "535 5.7.8 Authentication credentials invalid"
        case FaultKind.SLOW:
            await mailbox.wait(fault.seconds)
            return None
        case _:
            _transport(server).abort()
            await asyncio.Event().wait()  # the lost connection cancels this task
            return None


def _reply(code: str) -> str:
    """Return a whole SMTP reply: `550` alone is completed."""
    if not code:
        return "550 5.7.1 Refused"
    return f"{code} {code[0]}.7.1 Refused" if code.isdigit() else code


def _authenticate(*call: Any) -> AuthResult:
    """Judge a login; aiosmtpd passes server, session, envelope, mechanism and the login itself."""
    login = call[-1]
    right = isinstance(login, LoginPassword) and (login.login, login.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=right, handled=False)


def _transport(server: SMTP) -> asyncio.Transport:
    if server.transport is None:
        raise ConnectionResetError("the client is gone")
    return cast(asyncio.Transport, server.transport)  # uvloop's and TLS's transports are no subclasses of it
