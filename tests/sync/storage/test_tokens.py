"""Token pairs at rest."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from sync.errors import Code, Permanent
from sync.lightspeed.tokens import StoredTokens, TokenStore
from sync.storage.database import Database
from sync.storage.opening import DATABASE_FILE
from sync.storage.tokens import SqlTokens
from tests.sync.storage.build import NOW, open_inline, query

pytestmark = pytest.mark.anyio

PAIR = StoredTokens("access-secret-1", "refresh-secret-1", NOW, 1800.0, "fingerprint")
KEY = "correct horse battery staple"


@pytest.fixture
async def database(tmp_path: Path, either_database: None) -> AsyncIterator[Database]:
    opened = open_inline(tmp_path)
    yield opened
    await opened.close()


def store(database: Database, key: str | None) -> TokenStore:
    return SqlTokens(database, key, StoredTokens)


@pytest.mark.parametrize("key", [None, "", KEY], ids=["no key", "empty key", "key"])
async def test_a_pair_comes_back_as_it_was_stored(database: Database, key: str | None) -> None:
    tokens = store(database, key)
    assert await tokens.load("lightspeed") is None
    await tokens.save("lightspeed", PAIR)
    assert await tokens.load("lightspeed") == PAIR
    newer = replace(PAIR, access_token="access-secret-2", refresh_token="refresh-secret-2")
    await tokens.save("lightspeed", newer)
    assert await tokens.load("lightspeed") == newer
    assert await tokens.load("lightspeed.candidate") is None
    assert await query(database, "SELECT count(*) FROM tokens") == [(1,)]


async def test_with_a_key_no_secret_stands_in_the_files(tmp_path: Path) -> None:
    database = open_inline(tmp_path)
    await store(database, KEY).save("lightspeed", PAIR)
    for name in (DATABASE_FILE, f"{DATABASE_FILE}-wal"):
        assert b"secret-1" not in (tmp_path / name).read_bytes(), name
    await database.close()


async def test_the_same_pair_is_never_sealed_into_the_same_bytes(database: Database) -> None:
    await store(database, KEY).save("a", PAIR)
    first = await query(database, "SELECT body FROM tokens")
    await store(database, KEY).save("a", PAIR)
    assert await query(database, "SELECT body FROM tokens") != first


@pytest.mark.parametrize(
    ("key", "code"), [("another key", Code.CF002), (None, Code.CF001)], ids=["another key", "no key any more"]
)
async def test_sealed_tokens_need_their_key(database: Database, key: str | None, code: Code) -> None:
    await store(database, KEY).save("lightspeed", PAIR)
    with pytest.raises(Permanent) as caught:
        await store(database, key).load("lightspeed")
    assert caught.value.code is code
    assert "STATE_KEY" in caught.value.detail


async def test_a_sealed_row_cannot_be_passed_off_as_another(database: Database) -> None:
    await store(database, KEY).save("lightspeed", PAIR)
    await database.write(lambda c: c.exec_driver_sql("UPDATE tokens SET name = 'shopify'").close())
    with pytest.raises(Permanent):
        await store(database, KEY).load("shopify")


async def test_a_pair_stored_before_there_was_a_key_is_still_read_and_then_sealed(database: Database) -> None:
    await store(database, None).save("lightspeed", PAIR)
    tokens = store(database, KEY)
    assert await tokens.load("lightspeed") == PAIR
    await tokens.save("lightspeed", PAIR)
    assert await query(database, "SELECT encrypted FROM tokens") == [(1,)]
