"""Token pairs at rest: one row each, so that a pair is stored whole or not at all; encrypted where there is a key."""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec
import sqlalchemy as sa

from sync.errors import Code, Permanent
from sync.storage.database import Database
from sync.storage.statements import upsert
from sync.storage.tables import tokens

T = TypeVar("T")


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
        from sync.storage.sealing import unseal  # noqa: PLC0415 - as below

        return unseal(name, sealed, self._key)


def _seal(name: str, body: bytes, key: str) -> bytes:
    from sync.storage.sealing import seal  # noqa: PLC0415 - its library takes 7 MB, in vain where there is no key

    return seal(name, body, key)
