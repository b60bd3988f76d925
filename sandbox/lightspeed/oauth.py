"""Lightspeed's OAuth server: codes, access tokens that look like JWTs, and refresh tokens that rotate.

A used refresh token dies only when the new access token first authenticates a call (since 2026-01-15), so that
a lost answer can be asked for again; five refresh attempts a minute, 30 days of idleness.
"""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64encode
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from sandbox.clock import Clock
from sandbox.lightspeed.wire import Json

CODE_LIVES = timedelta(seconds=60)
REFRESH_IDLE = timedelta(days=30)
REFRESHES_PER_MINUTE = 5
_SCOPES = ("inventory_read", "inventory", "product_edit", "register", "register_refund", "register_layaway")
SCOPE = " ".join(f"employee:{scope}" for scope in _SCOPES)


class OAuthError(Exception):
    """A refusal in OAuth's shape; `hint` only where the live server gives one."""

    def __init__(self, status: int, error: str, description: str, hint: str = "") -> None:
        super().__init__(description)
        self.status = status
        self.error = error
        self.description = description
        self.hint = hint

    def body(self) -> Json:
        """Return `{error, error_description, hint}`."""
        body = {"error": self.error, "error_description": self.description}
        return {**body, "hint": self.hint} if self.hint else body


@dataclass(slots=True)
class _Refresh:
    issued: datetime
    revoked: bool = False


@dataclass(slots=True)
class _Access:
    issued: datetime
    expires: datetime
    parent: str = ""  # the refresh token that dies when this access token is first used
    used: bool = False
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class _Code:
    issued: datetime
    challenge: str


class OAuth:
    """The tokens of one connection between the account and the client."""

    def __init__(self, *, clock: Clock, seed: int, account_id: str, employee_id: str) -> None:
        self.client_id = "sandbox-client"
        self.client_secret = "sandbox-client-secret"
        self.redirect_uri = "https://sandbox.invalid/callback"
        self.expires_in = 1800
        self._clock = clock
        self._random = Random(f"oauth {seed}")
        self._account_id = account_id
        self._employee_id = employee_id
        self._refreshes: dict[str, _Refresh] = {"sandbox-refresh-token": _Refresh(clock.now())}
        self._accesses: dict[str, _Access] = {}
        self._codes: dict[str, _Code] = {}
        self._attempts: deque[datetime] = deque()

    def issue_code(self, challenge: str = "") -> str:
        """Return a code as the consent page would; `challenge` is PKCE's S256 challenge."""
        code = self._opaque(20)
        self._codes[code] = _Code(self._clock.now(), challenge)
        return code

    def authorize(self, asked: dict[str, str]) -> str:
        """Consent at once; returns the URL the browser is sent to. Raises OAuthError (400)."""
        if asked.get("client_id") != self.client_id:
            raise OAuthError(400, "invalid_client", "Client authentication failed")
        scopes = asked.get("scope", "").replace("+", " ").split()
        if not scopes or any(not scope.startswith("employee:") for scope in scopes):
            raise OAuthError(400, "invalid_scope", "The requested scope is invalid, unknown, or malformed")
        state = f"&state={asked['state']}" if asked.get("state") else ""
        return f"{self.redirect_uri}?code={self.issue_code(asked.get('code_challenge', ''))}{state}"

    def token(self, asked: dict[str, str], *, as_json: bool = False) -> Json:
        """Answer a token request; raises OAuthError.

        A refresh as JSON that carries `scope` is refused, as was seen of the live server.
        """
        grant = asked.get("grant_type", "")
        if grant == "refresh_token":
            self._count_attempt()
        for name in ("grant_type", "client_id", "client_secret"):
            self._require(asked, name)
        if asked["client_id"] != self.client_id or asked["client_secret"] != self.client_secret:
            raise OAuthError(401, "invalid_client", "Client authentication failed")
        if grant == "authorization_code":
            return self._redeem(self._require(asked, "code"), asked.get("code_verifier", ""))
        if grant == "refresh_token":
            if as_json and "scope" in asked:
                raise OAuthError(400, "invalid_grant", "The refresh token is invalid.", "Cannot decrypt the token")
            return self._rotate(self._require(asked, "refresh_token"))
        raise OAuthError(400, "unsupported_grant_type", "The authorization grant type is not supported.")

    def authenticate(self, access_token: str) -> None:
        """Accept an API call's access token; raises OAuthError (401)."""
        access = self._accesses.get(access_token)
        if access is None or access.expires <= self._clock.now():
            raise _denied("Access token could not be verified")
        if access.revoked:
            raise _denied("Access token has been revoked")
        if not access.used:
            access.used = True
            if access.parent:
                self._refreshes[access.parent].revoked = True

    def revoke(self, token: str) -> None:
        """Let one token die; unknown ones are ignored, as RFC 7009 wants."""
        if token in self._accesses:
            self._accesses[token].revoked = True
        if token in self._refreshes:
            self._refreshes[token].revoked = True

    def disconnect(self) -> None:
        """Let all tokens die, as locking the employee who consented does."""
        for access in self._accesses.values():
            access.revoked = True
        for refresh in self._refreshes.values():
            refresh.revoked = True

    def expire(self, access_token: str) -> None:
        """Let an access token run out now."""
        if access_token in self._accesses:
            self._accesses[access_token].expires = self._clock.now()

    def _count_attempt(self) -> None:
        now = self._clock.now()
        while self._attempts and now - self._attempts[0] >= timedelta(minutes=1):
            self._attempts.popleft()
        if len(self._attempts) >= REFRESHES_PER_MINUTE:
            raise OAuthError(429, "too_many_requests", "Too many refresh attempts. Try again in a minute.")
        self._attempts.append(now)

    def _redeem(self, code: str, verifier: str) -> Json:
        known = self._codes.pop(code, None)
        if known is None or self._clock.now() - known.issued > CODE_LIVES:
            hint = "Authorization code has expired" if known else "Cannot decrypt the authorization code"
            raise OAuthError(400, "invalid_grant", "The provided authorization grant is invalid or expired.", hint)
        if known.challenge and _challenge(verifier) != known.challenge:
            raise OAuthError(400, "invalid_grant", "The authorization grant is invalid.", "Failed to verify")
        return self._issue(parent="")

    def _rotate(self, refresh_token: str) -> Json:
        known = self._refreshes.get(refresh_token)
        if known is None:
            raise OAuthError(400, "invalid_grant", "The refresh token is invalid.", "Cannot decrypt the refresh token")
        if known.revoked:
            raise OAuthError(400, "invalid_grant", "The refresh token is invalid.", "Token has been revoked")
        if self._clock.now() - known.issued > REFRESH_IDLE:
            raise OAuthError(400, "invalid_grant", "The refresh token is invalid.", "Token has expired")
        return self._issue(parent=refresh_token)

    def _issue(self, parent: str) -> Json:
        now = self._clock.now()
        expires = now + timedelta(seconds=self.expires_in)
        access, refresh = self._jwt(now, expires), "def50200" + self._opaque(320)
        self._accesses[access] = _Access(now, expires, parent)
        self._refreshes[refresh] = _Refresh(now)
        return {
            "token_type": "Bearer",
            "expires_in": self.expires_in,
            "access_token": access,
            "refresh_token": refresh,
        }

    def _jwt(self, now: datetime, expires: datetime) -> str:
        claims = {
            "jti": self._opaque(40),
            "iss": "https://cloud.lightspeedapp.com",
            "aud": self.client_id,
            "sub": self._employee_id,
            "acct": self._account_id,
            "scope": SCOPE,
            "iat": now.timestamp(),
            "nbf": now.timestamp(),
            "exp": expires.timestamp(),
        }
        signature = _base64(self._random.randbytes(256))  # as long as RS256's; nobody can check it
        return ".".join((_base64(_dump({"typ": "JWT", "alg": "RS256"})), _base64(_dump(claims)), signature))

    def _opaque(self, nibbles: int) -> str:
        return self._random.randbytes(nibbles // 2).hex()

    def _require(self, asked: dict[str, str], name: str) -> str:
        if not asked.get(name):
            description = "The request is missing a required parameter, or is otherwise malformed."
            raise OAuthError(400, "invalid_request", description, f"Check the `{name}` parameter")
        return asked[name]


def _denied(hint: str) -> OAuthError:
    return OAuthError(401, "access_denied", "The resource owner or authorization server denied the request.", hint)


def _challenge(verifier: str) -> str:
    return _base64(hashlib.sha256(verifier.encode()).digest())


def _dump(value: dict[str, object]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _base64(value: bytes) -> str:
    return urlsafe_b64encode(value).decode().rstrip("=")
