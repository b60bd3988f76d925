"""One authenticated, paced call to Lightspeed's API."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import httpx

from sync.clock import Clock
from sync.errors import Code, Transient
from sync.gate import Gate
from sync.http import Answer, HttpEdge, Outcome, Request
from sync.http_values import server_time
from sync.lightspeed.answers import AccessDenied, json_of
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
    """Sends GET requests: waits for quota, signs in, refreshes once on 401, retries what may pass."""

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
        token = await self._auth.access_token(self._proves)
        try:
            return await self._get(operation, url, urgency, parse, token)
        except AccessDenied:
            token = await self._auth.replace_refused(token, self._proves)
            return await self._get(operation, url, urgency, parse, token)

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

    async def _get(self, operation: str, url: str, urgency: Urgency, parse: Parse[T], token: str) -> T:
        ticket: Ticket | None = None

        async def prepare() -> Request:
            nonlocal ticket
            ticket = await self._gate.enter(operation, urgency)
            return self._request(operation, url, token)

        def translate(outcome: Outcome) -> T:
            if ticket is not None:
                self._gate.leave(ticket, lightspeed_reading(outcome.headers) if isinstance(outcome, Answer) else None)
            body = json_of(outcome, self._clock.now())
            try:
                return parse(body, server_time(outcome.headers) if isinstance(outcome, Answer) else None)
            except NotWire as error:
                raise Transient(Code.LS007, f"({error})") from None

        return await self._edge.read(prepare, translate)

    def _request(self, operation: str, url: str, token: str) -> Request:
        return Request(
            method="GET",
            url=url,
            operation=operation,
            headers={"Authorization": f"Bearer {token}"},
            deadline=self._limits.deadline,
            read_timeout=self._limits.deadline,
            max_bytes=self._limits.max_bytes,
        )
