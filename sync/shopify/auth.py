"""Where the Admin API's access token comes from: a static one, or the client-credentials grant."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from sync.clock import Clock
from sync.errors import Code, Permanent, Transient
from sync.http import HttpEdge, Outcome, Request
from sync.http_values import NotJson, parse_json
from sync.shopify.answers import TokenRejected, Unproven, whole

_RENEW_AT = 0.8  # of its life: a day's token is renewed hours before its end
_MAX_BYTES = 64 * 1024
_BAD_REQUEST = 400
_ERROR_NAME = re.compile(r"[a-z_]{1,60}")


class TokenSource(Protocol):
    """Hands out the access token. Implementations show it in no text."""

    async def token(self) -> str:
        """Return a token that should work; raises `SyncError` where none can be had."""

    async def renew(self, rejected: str) -> None:
        """Replace a token that was rejected; raises Permanent where there is no other."""


@dataclass(frozen=True, slots=True)
class StaticToken:
    """The token of a custom app made in the shop's admin: it does not expire, and there is no other."""

    value: str = field(repr=False)

    async def token(self) -> str:
        """Return it."""
        return self.value

    async def renew(self, rejected: str) -> None:  # noqa: ARG002 - there is only one to be rejected
        """Give up: only a person can make another."""
        raise TokenRejected(Code.SH005, "The access token was rejected (401).")


@dataclass(frozen=True, slots=True)
class _Granted:
    token: str = field(repr=False)
    renew_at: float
    dead_at: float


class ClientCredentials:
    """Tokens by the client-credentials grant: about 24 hours of life, renewed at 80 % of it, by one task at a time."""

    def __init__(self, *, base_url: str, client_id: str, client_secret: str, edge: HttpEdge, clock: Clock) -> None:
        self._url = f"{base_url}/admin/oauth/access_token"
        self._form = {"client_id": client_id, "client_secret": client_secret, "grant_type": "client_credentials"}
        self._edge = edge
        self._clock = clock
        self._granted: _Granted | None = None
        self._one_at_a_time = asyncio.Lock()

    async def token(self) -> str:
        """Return the token, renewed if it is due; the old one as long as it lives while renewing fails."""
        async with self._one_at_a_time:
            granted, now = self._granted, self._clock.monotonic()
            if granted is not None and now < granted.renew_at:
                return granted.token
            try:
                return await self._grant()
            except Transient:
                if granted is None or now >= granted.dead_at:
                    raise
                return granted.token

    async def renew(self, rejected: str) -> None:
        """Get another token, unless another task already has."""
        async with self._one_at_a_time:
            if self._granted is None or self._granted.token == rejected:
                self._granted = None
                await self._grant()

    async def _grant(self) -> str:
        asked = self._clock.monotonic()
        try:
            token, life = await self._edge.read(self._request, self._translate)
        except Unproven as error:  # what the token was wanted for has surely not been sent
            raise Transient(error.code, error.detail, retry_after=error.retry_after) from error
        self._granted = _Granted(token, asked + life * _RENEW_AT, asked + life)
        return token

    async def _request(self) -> Request:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        body = json.dumps(self._form).encode()
        return Request("POST", self._url, "oauth.token", headers=headers, body=body, max_bytes=_MAX_BYTES)

    def _translate(self, outcome: Outcome) -> tuple[str, float]:
        """Return the token and its life in seconds."""
        refusal = _refusal(outcome)
        if refusal is not None:
            raise Permanent(Code.SH005, f"Shopify grants no token: {refusal}.")
        answer = whole(outcome, self._clock.now())
        try:
            grant = parse_json(answer.body)
        except NotJson:
            raise Unproven(Code.SH007, "The token answer is not JSON.") from None
        token = grant.get("access_token") if isinstance(grant, Mapping) else None
        life = grant.get("expires_in") if isinstance(grant, Mapping) else None
        if not isinstance(token, str) or not token or not isinstance(life, int) or life <= 0:
            raise Unproven(Code.SH007, "The token answer holds no token.")
        return token, float(life)


def _refusal(outcome: Outcome) -> str | None:
    """Return why a grant is refused for good, as OAuth's error name; None for any other outcome."""
    status = getattr(outcome, "status", None)
    if status not in (_BAD_REQUEST, 401, 403):
        return None
    try:
        answer = parse_json(getattr(outcome, "body", b""))
    except NotJson:
        answer = None
    name = answer.get("error") if isinstance(answer, Mapping) else None
    return name if isinstance(name, str) and _ERROR_NAME.fullmatch(name) else f"status {status}"
