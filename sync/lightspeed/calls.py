"""One authenticated, paced call to Lightspeed's API."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import httpx

from sync.clock import Clock
from sync.errors import Code, Transient
from sync.gate import Gate
from sync.http import Answer, HttpEdge, Outcome, Request, Translate
from sync.http_values import server_time
from sync.lightspeed.answers import AccessDenied, json_of, unconfirmed, written
from sync.lightspeed.auth import LightspeedAuth
from sync.lightspeed.paging import account_url
from sync.lightspeed.wire import NotWire
from sync.pacing import Ticket, Urgency, lightspeed_reading

T = TypeVar("T")
Parse = Callable[[Any, datetime | None], T]
"""Takes the JSON of an answer and the server's time; raises NotWire where it is not what was asked for."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long one answer may take, in seconds, and how large it may be, in bytes."""

    deadline: float = 45.0
    max_bytes: int = 16 * 1024 * 1024


class Calls:
    """Waits for quota, signs in, refreshes once on 401; retries reads that may pass, and never a write."""

    def __init__(
        self,
        *,
        base: httpx.URL,
        account_id: str,
        auth: LightspeedAuth,
        edge: HttpEdge,
        gate: Gate,
        clock: Clock,
        limits: Limits,
    ) -> None:
        self.base = base
        self.account = account_url(base, account_id)
        self.account_id = account_id
        self._auth = auth
        self._edge = edge
        self._gate = gate
        self._clock = clock
        self._limits = limits

    async def get(self, operation: str, url: str, urgency: Urgency, parse: Parse[T]) -> T:
        """Return what `parse` makes of the answer; raises errors of `sync.errors`."""
        return await self._signed_in(lambda token: self._get(operation, url, urgency, parse, token))

    async def room(self, *operations: str) -> None:
        """Wait until long-walk calls of all these kinds would find room in the quota together."""
        await self._gate.room(operations, Urgency.BULK)

    async def send(self, operation: str, method: str, url: str, body: Mapping[str, Any] | None, parse: Parse[T]) -> T:
        """Send a write once and return what `parse` makes of the answer; it leaves the reserve to polling.

        Sent a second time only where the first was refused for its token, which is found before anything is done.
        Raises OutcomeUnknown where it may have been carried out, Transient or Permanent where it surely was not.
        """
        content = None if body is None else json.dumps(body, separators=(",", ":")).encode()

        async def attempt(token: str) -> T:
            request = self._request(operation, method, url, token, content)
            prepare, translate = self._gated(request, Urgency.BULK, lambda outcome: self._done(outcome, parse))
            return await self._edge.once(prepare, translate)

        return await self._signed_in(attempt)

    async def sign_in(self) -> None:
        """Make sure that there is an access token; raises as `get`."""
        await self._auth.access_token(self._proves)

    async def _proves(self, token: str) -> bool:
        """Say whether a token is accepted for our account."""
        try:
            await self._get("Account.get", f"{self.account}.json", Urgency.URGENT, lambda body, _: body, token)
        except AccessDenied:
            return False
        return True

    async def _signed_in(self, attempt: Callable[[str], Awaitable[T]]) -> T:
        """Do `attempt` with an access token, and once more with a fresh one where it is refused."""
        token = await self._auth.access_token(self._proves)
        try:
            return await attempt(token)
        except AccessDenied:
            return await attempt(await self._auth.replace_refused(token, self._proves))

    async def _get(self, operation: str, url: str, urgency: Urgency, parse: Parse[T], token: str) -> T:
        request = self._request(operation, "GET", url, token)
        return await self._edge.read(*self._gated(request, urgency, lambda outcome: self._read(outcome, parse)))

    def _gated(
        self, request: Request, urgency: Urgency, interpret: Translate[T]
    ) -> tuple[Callable[[], Awaitable[Request]], Translate[T]]:
        """Return what waits for quota before each attempt, and what tells the quota of its end."""
        ticket: Ticket | None = None

        async def prepare() -> Request:
            nonlocal ticket
            ticket = await self._gate.enter(request.operation, urgency)
            return request

        def translate(outcome: Outcome) -> T:
            if ticket is not None:
                self._gate.leave(ticket, lightspeed_reading(outcome.headers) if isinstance(outcome, Answer) else None)
            return interpret(outcome)

        return prepare, translate

    def _read(self, outcome: Outcome, parse: Parse[T]) -> T:
        body = json_of(outcome, self._clock.now())
        try:
            return parse(body, _served_at(outcome))
        except NotWire as error:
            raise Transient(Code.LS007, f"({error})") from None

    def _done(self, outcome: Outcome, parse: Parse[T]) -> T:
        body = written(outcome, self._clock.now())
        try:
            return parse(body, _served_at(outcome))
        except NotWire as error:
            raise unconfirmed(Transient(Code.LS007, f"({error})")) from None

    def _request(self, operation: str, method: str, url: str, token: str, body: bytes | None = None) -> Request:
        about_body = {} if body is None else {"Content-Type": "application/json"}
        return Request(
            method=method,
            url=url,
            operation=operation,
            headers={"Authorization": f"Bearer {token}", **about_body},
            body=body,
            deadline=self._limits.deadline,
            read_timeout=self._limits.deadline,
            max_bytes=self._limits.max_bytes,
        )


def _served_at(outcome: Outcome) -> datetime | None:
    return server_time(outcome.headers) if isinstance(outcome, Answer) else None
