"""Lightspeed's rotating tokens: one refresher, and no new token used before its pair is stored.

Since 2026-01-15 the used refresh token dies only when the new access token first authenticates a call, so a refresh
whose answer was lost is tried again with the same token, and a pair that could not be stored is simply not used.
"""

from __future__ import annotations

import asyncio
import hmac
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import structlog

from sync.clock import Clock
from sync.errors import Code, Permanent, Transient
from sync.http import Answer, Failure, HttpEdge, Outcome, Request
from sync.http_values import NotJson, parse_json
from sync.lightspeed.answers import json_of
from sync.lightspeed.tokens import StoredTokens, TokenStore, account_of, fingerprint

NAME = "lightspeed"
CANDIDATE = "lightspeed.candidate"  # the environment's pair until it has proved itself
_A_MINUTE, _ATTEMPTS_A_MINUTE = 60.0, 4  # Lightspeed allows five
_REFUSED_FOR = 3600.0  # asking again and again with a dead token gets a client blocked
_SHORTEST_LIFE = 1800.0  # of the two documented lifetimes, where an answer names none
_LONGEST_LIFE = 30 * 86400.0
_DEADLINE = 20.0

log = structlog.get_logger()


class TokenRefused(Permanent):
    """The refresh token or code is not accepted (invalid_grant)."""


@dataclass(frozen=True, slots=True)
class Client:
    """Our registration at Lightspeed; `refresh_token` is the environment's, "" where it has none."""

    client_id: str
    client_secret: str = field(repr=False)
    account_id: str
    auth_url: str
    refresh_token: str = field(default="", repr=False)


Prove = Callable[[str], Awaitable[bool]]
"""Says whether an access token authenticates a call to our account."""


class LightspeedAuth:
    """Keeps one valid token pair. The stored pair wins unless the environment's refresh token is a new one.

    `edge` belongs to the OAuth server alone, so that its Retry-After does not stop the API, and the reverse.
    """

    def __init__(self, *, client: Client, edge: HttpEdge, store: TokenStore, clock: Clock) -> None:
        self._client = client
        self._edge = edge
        self._store = store
        self._clock = clock
        self._lock = asyncio.Lock()
        self._pair: StoredTokens | None = None
        self._attempts: deque[float] = deque(maxlen=_ATTEMPTS_A_MINUTE)
        self._refused: tuple[str, float] | None = None

    async def access_token(self, prove: Prove) -> str:
        """Return an access token that should work; refreshes when it is due.

        Raises Permanent (LS005) where a person has to give consent again, Transient where the server is at fault.
        """
        async with self._lock:
            pair = await self._chosen(prove)
            if pair.due(self._clock.now()):
                pair = await self._told(self._renewed(pair))
            return pair.access_token

    async def replace_refused(self, access_token: str, prove: Prove) -> str:
        """Return another access token than this one, which a call was refused with (401); raises as `access_token`."""
        async with self._lock:
            pair = await self._chosen(prove)
            if pair.access_token == access_token:
                pair = await self._told(self._renewed(pair))
            return pair.access_token

    async def redeem(self, code: str, verifier: str) -> None:
        """Exchange a consent's code for a pair and store it. The code lives 60 s and works once: one attempt.

        It is exchanged at once, whatever a renewal under way waits for. Raises Permanent (LS005) where the code is not
        accepted, or where consent was given for another account: then what is stored stays as it was.
        """
        asked = {"grant_type": "authorization_code", "code": code, "code_verifier": verifier}
        request = self._token_request("oauth.code", asked)
        pair = await self._edge.call(request, lambda outcome: self._pair_of(outcome, kept=""))
        account = account_of(pair.access_token)
        if account not in ("", self._client.account_id):
            wanted = self._client.account_id
            raise Permanent(Code.LS005, f"Consent was given for account {account}; LIGHTSPEED_ACCOUNT_ID is {wanted}.")
        async with self._lock:
            await self._store.save(NAME, pair)
            self._pair, self._refused = pair, None
            self._edge.signed_in(pair.lasts_until)

    async def _chosen(self, prove: Prove) -> StoredTokens:
        return self._pair or await self._told(self._choose(prove))

    async def _told(self, coming: Awaitable[StoredTokens]) -> StoredTokens:
        """Use the pair that comes, and tell how long our sign-in lasts: no longer where it is refused."""
        try:
            self._pair = await coming
        except TokenRefused:
            self._edge.signed_in(self._clock.now())
            raise
        self._edge.signed_in(self._pair.lasts_until)
        return self._pair

    async def _choose(self, prove: Prove) -> StoredTokens:
        """Return the pair to begin with: the stored one, or the environment's where that is new and works."""
        stored = await self._store.load(NAME)
        offered = fingerprint(self._client.refresh_token)
        if stored is not None and (not offered or hmac.compare_digest(stored.seen, offered)):
            return stored
        if not offered:
            raise Permanent(Code.LS005, "There is no refresh token yet.")
        if stored is None:
            return await self._refresh(self._client.refresh_token, save_as=NAME)
        adopted = await self._adopt(offered, prove)
        if adopted is not None:
            return adopted
        log.warning("lightspeed.environment_token_refused", code=Code.LS005.name)
        kept = replace(stored, seen=offered)
        await self._store.save(NAME, kept)
        return kept

    async def _adopt(self, offered: str, prove: Prove) -> StoredTokens | None:
        """Return the environment's pair once it has authenticated a call to our account, None where it does not.

        Until then it lives under a name of its own: using it may kill the token it came from, and a pair that
        turns out to be useless must not have overwritten the one that works.
        """
        candidate = await self._store.load(CANDIDATE)
        try:
            if candidate is None or not hmac.compare_digest(candidate.seen, offered):
                candidate = await self._refresh(self._client.refresh_token, save_as=CANDIDATE)
            elif candidate.due(self._clock.now()):
                candidate = await self._refresh(candidate.refresh_token, save_as=CANDIDATE)
        except TokenRefused:
            return None
        if account_of(candidate.access_token) not in ("", self._client.account_id):
            return None
        if not await prove(candidate.access_token):
            return None
        await self._store.save(NAME, candidate)
        return candidate

    async def _renewed(self, pair: StoredTokens) -> StoredTokens:
        """Return a new pair; takes the store's where somebody else has put another there (`connect lightspeed`)."""
        stored = await self._store.load(NAME)
        if stored is not None and stored.refresh_token != pair.refresh_token:
            pair = stored
            if not pair.due(self._clock.now()):
                return pair
        return await self._refresh(pair.refresh_token, save_as=NAME)

    async def _refresh(self, refresh_token: str, *, save_as: str) -> StoredTokens:
        """Exchange a refresh token for a pair and store it; a lost answer is asked for again with the same token."""
        used = fingerprint(refresh_token)
        if self._refused is not None and self._refused[0] == used and self._clock.monotonic() < self._refused[1]:
            raise TokenRefused(Code.LS005, "(not asked again within the hour)")
        asked = {"grant_type": "refresh_token", "refresh_token": refresh_token}

        async def prepare() -> Request:
            await self._wait_for_slot()
            return self._token_request("oauth.refresh", asked)

        def translate(outcome: Outcome) -> StoredTokens:
            if isinstance(outcome, Failure) and not outcome.sent:
                self._attempts.pop()  # Lightspeed cannot have counted what never reached it
            return self._pair_of(outcome, kept=refresh_token)

        try:
            pair = await self._edge.read(prepare, translate)
        except TokenRefused:
            self._refused = (used, self._clock.monotonic() + _REFUSED_FOR)
            raise
        await self._store.save(save_as, pair)
        log.info("lightspeed.token_refreshed", expires_in=pair.expires_in)
        return pair

    async def _wait_for_slot(self) -> None:
        now = self._clock.monotonic()
        if len(self._attempts) == _ATTEMPTS_A_MINUTE and now - self._attempts[0] < _A_MINUTE:
            await self._clock.sleep(self._attempts[0] + _A_MINUTE - now)
        self._attempts.append(self._clock.monotonic())

    def _token_request(self, operation: str, asked: dict[str, str]) -> Request:
        # form encoding without scope: JSON with scope was answered with invalid_grant
        form = {"client_id": self._client.client_id, "client_secret": self._client.client_secret, **asked}
        return Request(
            method="POST",
            url=f"{self._client.auth_url.rstrip('/')}/auth/oauth/token",
            operation=operation,
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            body=urlencode(form).encode("ascii"),
            deadline=_DEADLINE,
            max_bytes=1024 * 1024,
        )

    def _pair_of(self, outcome: Outcome, *, kept: str) -> StoredTokens:
        now = self._clock.now()
        if isinstance(outcome, Answer) and outcome.status in (HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED):
            raise _oauth_refusal(outcome.body)
        body = json_of(outcome, now)
        return _parse_pair(body, now, kept=kept, seen=fingerprint(self._client.refresh_token))


def _oauth_refusal(body: bytes) -> Permanent | Transient:
    """Return what an OAuth error means; only its short code is repeated, descriptions may quote what we sent."""
    try:
        value = parse_json(body)
    except NotJson:
        return Transient(Code.LS007, "(sign-in)")
    error = value.get("error") if isinstance(value, dict) else None
    match error:
        case "invalid_grant":
            return TokenRefused(Code.LS005, "(invalid_grant)")
        case "invalid_client":
            return Permanent(Code.LS005, "LIGHTSPEED_CLIENT_ID or LIGHTSPEED_CLIENT_SECRET is wrong. (invalid_client)")
        case "invalid_request" | "invalid_scope" | "unsupported_grant_type" | "unauthorized_client":
            return Permanent(Code.LS005, f"({error})")
        case _:
            return Transient(Code.LS007, "(sign-in)")


def _parse_pair(body: Any, now: datetime, *, kept: str, seen: str) -> StoredTokens:
    """Return an answer's pair; raises Transient (LS007) where it has none. Without a new refresh token `kept` stays."""
    fields = body if isinstance(body, dict) else {}
    access, refresh = fields.get("access_token"), fields.get("refresh_token") or kept
    if not (isinstance(access, str) and access and isinstance(refresh, str) and refresh):
        raise Transient(Code.LS007, "(sign-in: no token pair)")
    if not access.isascii() or not access.isprintable():
        raise Transient(Code.LS007, "(sign-in: unusable token)")
    return StoredTokens(access, refresh, now, _lifetime(fields.get("expires_in")), seen)


def _lifetime(value: object) -> float:
    try:
        seconds = float(value) if isinstance(value, int | float | str) else _SHORTEST_LIFE
    except ValueError:
        return _SHORTEST_LIFE
    return min(seconds, _LONGEST_LIFE) if seconds > 0 else _SHORTEST_LIFE
