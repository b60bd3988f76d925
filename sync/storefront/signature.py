"""Proofs that a request comes from Shopify: each is made over exactly the bytes that arrived."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote_plus

_BASE64_SHA256 = re.compile(r"[A-Za-z0-9+/]{43}=")
_HEX_SHA256 = re.compile(r"[0-9a-f]{64}")

WINDOW = timedelta(seconds=90)
"""How far Shopify's timestamp may be from our clock, either way: Shopify's own tolerance."""
_WINDOW_SECONDS = WINDOW.total_seconds()
_LONGEST_QUERY = 2048
_MOST_PARAMETERS = 16
_ENCODED = re.compile(r"(?:[!-$&-<>-~]|%[0-9A-Fa-f]{2})*")  # visible ASCII, and whole %-escapes

_OWN = re.compile(r"[A-Za-z0-9_:/.+-]{0,64}").fullmatch
"""A value of ours: nothing in it can move a boundary between names and values; whether it makes sense is seen later."""
PARAMETERS = {
    "shop": re.compile(r"[a-z0-9.-]{1,100}").fullmatch,
    "path_prefix": re.compile(r"/[A-Za-z0-9_/-]{1,100}").fullmatch,
    "timestamp": re.compile(r"[0-9]{10}").fullmatch,
    "logged_in_customer_id": re.compile(r"[0-9]{0,20}").fullmatch,
    "signature": _HEX_SHA256.fullmatch,
    **dict.fromkeys(
        (
            "limit", "offset", "updatedSince", "updated_since",
            "variantId", "variant_id", "lightspeedId", "lightspeed_id",
        ),
        _OWN,
    ),
}  # fmt: skip
"""Every name that a query may hold, with the values it may have. No name ends in another one of them."""


class Proven(NamedTuple):
    """What Shopify's signature proves: through which shop a request came, and whose sign-in it carries ("": nobody's).

    `own` are the parameters that are ours to read, decoded.
    """

    shop: str
    customer: str
    own: Mapping[str, str]


def proxy_signature(parameters: Iterable[tuple[str, str]], secret: bytes) -> str:
    """Return the signature of decoded parameters, as Shopify makes it; repeated ones are joined by commas."""
    grouped: dict[str, list[str]] = {}
    for name, value in parameters:
        grouped.setdefault(name, []).append(value)
    return _signature(_signed_text((name, ",".join(values)) for name, values in grouped.items()), secret)


def _signed_text(parameters: Iterable[tuple[str, str]]) -> bytes:
    return "".join(sorted([f"{name}={value}" for name, value in parameters])).encode()


def _signature(text: bytes, secret: bytes) -> str:
    return hmac.digest(secret, text, "sha256").hex()


def verify_proxy(raw_query: bytes, secrets: Sequence[bytes], now: datetime, shops: Collection[str]) -> Proven | None:
    """Return what a query proves, None where it proves nothing: then nothing of it may be believed.

    Stricter than Shopify is: only names that we know, each once, and only values that fit in ASCII. So no other
    parameters have the same signature. `secrets` are the present and, in a rotation, the last.
    """
    values = _parameters(raw_query)
    if values is None:
        return None
    given = values.pop("signature", "")
    text = _signed_text(values.items())
    same = [hmac.compare_digest(given, _signature(text, secret)) for secret in secrets]
    if not any(same):
        return None
    shop, timestamp = values.pop("shop", ""), values.pop("timestamp", "0")
    if shop not in shops or abs(now.timestamp() - int(timestamp)) > _WINDOW_SECONDS:
        return None
    values.pop("path_prefix", None)
    return Proven(shop, values.pop("logged_in_customer_id", ""), values)


def _parameters(raw_query: bytes) -> dict[str, str] | None:
    """Return the decoded parameters; None where one is unknown, doubled, malformed or not as its name allows."""
    if len(raw_query) > _LONGEST_QUERY or not raw_query.isascii():
        return None
    parts = raw_query.decode("ascii").split("&")
    if len(parts) > _MOST_PARAMETERS:
        return None
    values: dict[str, str] = {}
    for part in parts:
        name, equals, value = part.partition("=")
        fits = PARAMETERS.get(name)
        if fits is None or not equals or name in values:
            return None
        if "%" in value or "+" in value:
            if not _ENCODED.fullmatch(value):
                return None
            value = _decoded(value)
        if not fits(value):
            return None
        values[name] = value
    return values


def webhook_signature(body: bytes, secret: str) -> str:
    """Return the signature of a webhook's raw bytes: base64 of their HMAC-SHA256."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode("ascii")


def signed_webhook(body: bytes, given: str, secrets: Sequence[str]) -> bool:
    """Tell whether `given` is the body's signature by one of the secrets: the present and, in a rotation, the last.

    Only the one way to write it is taken, and each comparison takes the same time wherever the texts differ.
    """
    if not _BASE64_SHA256.fullmatch(given):
        return False
    same = [hmac.compare_digest(given.encode("ascii"), webhook_signature(body, each).encode()) for each in secrets]
    return any(same)


@lru_cache(maxsize=1024)
def _decoded(value: str) -> str:
    """Return a value without its escapes, taken off once, here and nowhere else; the prefix is the same all day."""
    return unquote_plus(value)


def signed_hint(body: bytes, given: str, secrets: Sequence[str]) -> bool:
    """Tell whether a body is signed in the second form, as a webhook is; an empty one proves nothing."""
    return bool(body) and signed_webhook(body, given, secrets)
