"""Lightspeed's token pair as a value, the store it lives in, and the consent that begins it."""

from __future__ import annotations

import binascii
import hashlib
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol
from urllib.parse import parse_qs, urlencode, urlsplit

from sync.errors import Code, Permanent

SCOPES = ("employee:inventory_read", "employee:register")
ITEMS = ("employee:inventory", "employee:product_edit")  # asked for only where items are to be made
LAYAWAYS = "employee:register_layaway"  # asked for only where reservations are mirrored
_RENEW_AT = 0.8  # of the lifetime, so that a long answer still ends within it
_RENEW_WITHIN = timedelta(days=7)  # long before the refresh token dies
_DIES_AFTER = timedelta(days=30)  # of a refresh token that is not used: authentication/refresh-token
_STEPPED_BACK = timedelta(minutes=5)  # issued later than now: the clock was set, its age is not known


@dataclass(frozen=True, slots=True)
class StoredTokens:
    """A token pair. `expires_in` is its lifetime in seconds, as told; `obtained_at` is by our clock.

    `seen` is the fingerprint of the environment's refresh token at the time the pair was stored ("": it had none).
    """

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    obtained_at: datetime
    expires_in: float
    seen: str = field(default="", repr=False)

    @property
    def lasts_until(self) -> datetime:
        """Return when the refresh token dies, unless it is exchanged for a new one before."""
        return self.obtained_at + _DIES_AFTER

    def due(self, now: datetime) -> bool:
        """Say whether it is time for a new pair."""
        age = now - self.obtained_at
        return age < -_STEPPED_BACK or age >= min(timedelta(seconds=self.expires_in * _RENEW_AT), _RENEW_WITHIN)


class TokenStore(Protocol):
    """Where token pairs outlive the process."""

    async def load(self, name: str) -> StoredTokens | None:
        """Return the pair stored under `name`, None where there is none."""

    async def save(self, name: str, tokens: StoredTokens) -> None:
        """Store the pair durably: when this returns, a crash or power cut cannot lose it."""


def fingerprint(refresh_token: str) -> str:
    """Return the SHA-256 of a refresh token in hex, "" of none: enough to see that it is another."""
    return hashlib.sha256(refresh_token.encode()).hexdigest() if refresh_token else ""


def account_of(access_token: str) -> str:
    """Return the account id an access token says it is for; "" where it is no readable JWT. Proves nothing."""
    parts = access_token.split(".")
    try:
        claims = json.loads(urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        return str(claims.get("acct", ""))
    except (IndexError, AttributeError, ValueError, binascii.Error):
        return ""


@dataclass(frozen=True, slots=True)
class Consent:
    """A consent under way: the URL a person opens, and what must be kept until its code comes back."""

    url: str = field(repr=False)
    state: str = field(repr=False)
    verifier: str = field(repr=False)


def new_consent(
    auth_url: str,
    client_id: str,
    *,
    layaways: bool = False,
    items: bool = False,
    draw: Callable[[int], str] = secrets.token_urlsafe,
) -> Consent:
    """Return a consent with fresh state and PKCE verifier for the scopes we need; `draw` makes text of n bytes."""
    scopes = (*SCOPES, *([LAYAWAYS] if layaways else []), *(ITEMS if items else ()))
    state, verifier = draw(24), draw(48)
    challenge = urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    asked = {
        "response_type": "code",
        "client_id": client_id,
        "scope": " ".join(scopes),
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    return Consent(f"{auth_url.rstrip('/')}/auth/oauth/authorize?{urlencode(asked)}", state, verifier)


def code_from(pasted: str, consent: Consent) -> str:
    """Return the code out of what a person pasted: the whole address they were sent to, or the code alone.

    Raises ValueError where nothing was pasted, Permanent (LS005) where the address carries an error, another consent's
    state or no code.
    """
    text = pasted.strip()
    if "?" not in text and "=" not in text:
        if not text:
            raise ValueError("nothing was pasted")
        return text
    answer = parse_qs(urlsplit(text).query or text)
    if "error" in answer:
        raise Permanent(Code.LS005, "Consent was not given.")
    if not secrets.compare_digest(answer.get("state", [""])[0].encode(), consent.state.encode()):
        raise Permanent(Code.LS005, "The pasted address belongs to another consent; open the new address.")
    if not answer.get("code"):
        raise Permanent(Code.LS005, "The pasted address carries no code.")
    return answer["code"][0]
