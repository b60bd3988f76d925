"""Encrypts what is stored under a name, with a key that may be a person's words."""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from sync.errors import Code, Permanent

_SALT, _NONCE = 16, 12  # bytes before the sealed text
_HARDNESS = {"n": 2**14, "r": 8, "p": 1}  # 16 MB and some 50 ms a guess: STATE_KEY may be a person's words


def seal(name: str, body: bytes, key: str) -> bytes:
    """Return salt, nonce and the sealed text; the name is sealed in, so that rows cannot be exchanged."""
    salt, nonce = os.urandom(_SALT), os.urandom(_NONCE)
    return salt + nonce + _cipher(key, salt).encrypt(nonce, body, name.encode())


def unseal(name: str, sealed: bytes, key: str) -> bytes:
    """Return the text that `seal` was given; raises Permanent (CF002) where the key or the name is another one."""
    salt, nonce, text = sealed[:_SALT], sealed[_SALT : _SALT + _NONCE], sealed[_SALT + _NONCE :]
    try:
        return _cipher(key, salt).decrypt(nonce, text, name.encode())
    except InvalidTag:
        raise Permanent(Code.CF002, "STATE_KEY is not the one the stored tokens were encrypted with.") from None


def _cipher(key: str, salt: bytes) -> AESGCM:
    return AESGCM(Scrypt(salt=salt, length=32, **_HARDNESS).derive(key.encode()))
