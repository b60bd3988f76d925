"""Proofs that a request comes from Shopify: each is made over exactly the bytes that arrived."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence

_BASE64_SHA256 = re.compile(r"[A-Za-z0-9+/]{43}=")


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
