"""One GraphQL request after the other: token, quota, version, retries of reads, the one careful way to write."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Generic, TypeVar

from sync.clock import Clock
from sync.errors import Code, OutcomeUnknown, Permanent, Transient
from sync.gate import Gate
from sync.http import HttpEdge, Outcome, Request
from sync.pacing import Ticket, Urgency, backoff
from sync.shopify.answers import DoneAnyway, OtherVersion, TokenRejected, Unproven, data_of, reading_of
from sync.shopify.auth import TokenSource
from sync.shopify.documents import Document

T = TypeVar("T")

_SHORTEST_ATTEMPT = 1.0  # less could not be answered and would only leave a doubt


@dataclass(frozen=True, slots=True)
class Limits:
    """How long and how much. Seconds are of the whole attempt, or of the whole write with its repetitions."""

    attempt_seconds: float = 30.0
    write_seconds: float = 90.0
    write_attempts: int = 5
    answer_bytes: int = 16 * 1024 * 1024
    longest_walk: int = 25_000  # Shopify's paging ends there: a walk that reaches it cannot tell an end from the cap
    export_seconds: float = 2 * 3600.0
    download_seconds: float = 900.0
    export_bytes: int = 4 * 1024 * 1024 * 1024


class AdminApi:
    """The Admin API of one shop at one version. All state is the quota's and whether the version was right."""

    def __init__(
        self,
        *,
        base_url: str,
        api_version: str,
        tokens: TokenSource,
        edge: HttpEdge,
        gate: Gate,
        clock: Clock,
        rng: random.Random,
        limits: Limits,
    ) -> None:
        self.version = api_version
        self.url = f"{base_url}/admin/api/{api_version}/graphql.json"
        self.tokens = tokens
        self.edge = edge
        self.gate = gate
        self.clock = clock
        self.limits = limits
        self._rng = rng
        self._wrong_version: OtherVersion | None = None

    async def read(
        self,
        document: Document,
        variables: Mapping[str, Any],
        interpret: Callable[[Mapping[str, Any]], T],
        urgency: Urgency = Urgency.URGENT,
    ) -> T:
        """Return what `interpret` makes of the data of a request that may be repeated.

        A `Transient` of `interpret` is one more reason to repeat. Raises what is left after the retries.
        """
        call = _Call(self, document, variables, interpret, urgency)
        try:
            return await self._read(call)
        except TokenRejected:
            await self.tokens.renew(call.token)
            return await self._read(call)

    async def _read(self, call: _Call[T]) -> T:
        try:
            return await self.edge.read(call.prepare, call.translate)
        finally:
            call.leave()

    async def write(
        self,
        document: Document,
        variables: Mapping[str, Any],
        interpret: Callable[[Mapping[str, Any]], T],
        *,
        once: bool = False,
    ) -> T:
        """Send a write until its outcome is known, always with the same bytes, and return what `interpret` makes of it.

        `interpret` raises `Unproven` for an answer that asks to be asked again. Repeating is safe only because the
        variables hold an idempotency key; what holds none is sent `once`, and again only if surely nothing came of it.
        Raises `OutcomeUnknown` as soon as one attempt may have had its effect and
        none was answered; `Transient` or Permanent only when surely none had.
        """
        if self._wrong_version is not None:
            raise Permanent(Code.SH010, self._wrong_version.detail)
        until = self.clock.monotonic() + self.limits.write_seconds
        call = _Call(self, document, variables, interpret, Urgency.URGENT, until)
        doubt: Unproven | None = None
        last: Transient
        for attempt in count(1):
            try:
                return await self._attempt(call)
            except DoneAnyway as error:
                raise OutcomeUnknown(error.code, error.detail) from error
            except Unproven as error:
                doubt = last = error
            except Transient as error:
                last = error
            except Permanent as error:
                if doubt is None:
                    raise
                raise OutcomeUnknown(doubt.code, doubt.detail) from error
            wait = self._wait_before(attempt + 1, last)
            most = 1 if once and doubt is not None else self.limits.write_attempts
            if attempt >= most or self.clock.monotonic() + wait > until:
                break
            await self.clock.sleep(wait)
        if doubt is not None:
            raise OutcomeUnknown(doubt.code, doubt.detail) from last
        raise last

    async def _attempt(self, call: _Call[T]) -> T:
        """Send once; twice where only the token was rejected, which is found before anything is executed."""
        try:
            return await self._once(call)
        except TokenRejected:
            await self.tokens.renew(call.token)
            return await self._once(call)

    async def _once(self, call: _Call[T]) -> T:
        try:
            return await self.edge.call(await call.prepare(), call.translate)
        finally:
            call.leave()

    def _wait_before(self, attempt: int, error: Transient) -> float:
        if error.retry_after is not None:
            return error.retry_after
        return backoff(attempt - 1, 0.5 + self._rng.random() / 2, base=1.0, cap=10.0)

    def note_version(self, error: OtherVersion | None) -> None:
        """Remember whether the last answer came from the right version: no write is sent while it did not."""
        self._wrong_version = error


@dataclass(slots=True)
class _Call(Generic[T]):
    """One request through its attempts: always the same bytes, with the token and quota ticket of each attempt.

    `until` is the monotonic second at which the last attempt has to be over.
    """

    api: AdminApi
    document: Document
    variables: Mapping[str, Any]
    interpret: Callable[[Mapping[str, Any]], T]
    urgency: Urgency
    until: float = math.inf
    token: str = field(default="", repr=False)
    body: bytes = field(default=b"", init=False, repr=False)
    ticket: Ticket | None = None

    def __post_init__(self) -> None:
        payload = {"query": self.document.text, "variables": self.variables, "operationName": self.document.operation}
        self.body = json.dumps(payload, separators=(",", ":")).encode()

    async def prepare(self) -> Request:
        """Take a token and wait for quota."""
        self.token = await self.api.tokens.token()
        self.ticket = await self.api.gate.enter(self.document.operation, self.urgency)
        limits = self.api.limits
        seconds = min(limits.attempt_seconds, max(_SHORTEST_ATTEMPT, self.until - self.api.clock.monotonic()))
        return Request(
            "POST",
            self.api.url,
            self.document.operation,
            headers={"X-Shopify-Access-Token": self.token, "Content-Type": "application/json"},
            body=self.body,
            deadline=seconds,
            read_timeout=seconds,
            max_bytes=limits.answer_bytes,
        )

    def translate(self, outcome: Outcome) -> T:
        """Tell the quota what was charged, and return what the answer's data mean."""
        if self.ticket is not None:
            self.api.gate.leave(self.ticket, reading_of(outcome))
            self.ticket = None
        try:
            data = data_of(outcome, self.api.version, self.api.clock.now())
        except OtherVersion as error:
            self.api.note_version(error)
            raise
        self.api.note_version(None)
        return self.interpret(data)

    def leave(self) -> None:
        """Give back a ticket whose call was never answered."""
        if self.ticket is not None:
            self.api.gate.leave(self.ticket, None)
            self.ticket = None
