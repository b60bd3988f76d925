"""Token pairs at rest: one row each, so that a pair is stored whole or not at all; encrypted where there is a key."""

from __future__ import annotations

import os
from typing import Generic, TypeVar

import msgspec
import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from sync.errors import Code, Permanent
from sync.storage.database import Database
from sync.storage.statements import upsert
from sync.storage.tables import tokens

T = TypeVar("T")

_SALT, _NONCE = 16, 12  # bytes before the sealed text
_HARDNESS = {"n": 2**14, "r": 8, "p": 1}  # 16 MB and some 50 ms a guess: STATE_KEY may be a person's words


class SqlTokens(Generic[T]):
    """A `TokenStore` for pairs of one kind, a dataclass. `key` is STATE_KEY.

    Without a key the pairs are guarded by the database's file mode alone; they are encrypted when next stored with one.
    """

    def __init__(self, database: Database, key: str | None, kind: type[T]) -> None:
        self._database = database
        self._key = key
        self._kind = kind

    async def load(self, name: str) -> T | None:
        """Return the pair stored under `name`, None where there is none.

        Raises Permanent: CF001 where it is encrypted and there is no key, CF002 where the key is another one.
        """
        select = sa.select(tokens.c.body, tokens.c.encrypted).where(tokens.c.name == name)
        row = await self._database.read(lambda c: c.execute(select).first())
        if row is None:
            return None
        body = self._unseal(name, row.body) if row.encrypted else row.body
        return msgspec.json.decode(body, type=self._kind)

    async def save(self, name: str, pair: T) -> None:
        """Store the pair durably: when this returns, a crash or power cut cannot lose it."""
        body = msgspec.json.encode(pair)
        sealed = body if not self._key else _seal(name, body, self._key)
        row = {"name": name, "body": sealed, "encrypted": bool(self._key)}
        await self._database.write(lambda c: upsert(c, tokens, [row]))

    def _unseal(self, name: str, sealed: bytes) -> bytes:
        if not self._key:
            raise Permanent(Code.CF001, "STATE_KEY is needed: the stored tokens are encrypted with it.")
        salt, nonce, text = sealed[:_SALT], sealed[_SALT : _SALT + _NONCE], sealed[_SALT + _NONCE :]
        try:
            return _cipher(self._key, salt).decrypt(nonce, text, name.encode())
        except InvalidTag:
            raise Permanent(Code.CF002, "STATE_KEY is not the one the stored tokens were encrypted with.") from None


def _seal(name: str, body: bytes, key: str) -> bytes:
    """Return salt, nonce and the sealed text; the name is sealed in, so that rows cannot be exchanged."""
    salt, nonce = os.urandom(_SALT), os.urandom(_NONCE)
    return salt + nonce + _cipher(key, salt).encrypt(nonce, body, name.encode())


def _cipher(key: str, salt: bytes) -> AESGCM:
    return AESGCM(Scrypt(salt=salt, length=32, **_HARDNESS).derive(key.encode()))
