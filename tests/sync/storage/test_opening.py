"""Opening: what is refused, with which sentence, and what a fresh state directory looks like."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from sync.errors import Code, Permanent
from sync.storage.library import load_driver
from sync.storage.lock import LOCK_FILE
from sync.storage.opening import DATABASE_FILE, REVISIONS, database_path, open_database, open_for_reading
from tests.sync.storage.build import NOW, ROOT, SHOP, later, query

pytestmark = pytest.mark.anyio


async def make(directory: Path) -> Path:
    """Create a state directory as a first start leaves it."""
    await open_database(directory, SHOP, NOW, threads=False).close()
    return directory / DATABASE_FILE


def execute(file: Path, statement: str, *values: str) -> None:
    connection = load_driver().connect(file, isolation_level=None)
    connection.execute(statement, values)
    connection.close()


def set_revision(file: Path, revision: str) -> None:
    execute(file, "UPDATE alembic_version SET version_num = ?", revision)


def from_the_future(file: Path) -> None:
    set_revision(file, "9999")


def cut_short(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def overwritten(file: Path) -> None:
    file.write_bytes(b"this is no database, but it is long enough to be taken for one" * 200)


def scribbled_upon(file: Path) -> None:
    with file.open("r+b") as raw:
        raw.seek(4096 * 3)
        raw.write(b"\xa5" * 4096)


def of_another_program(file: Path) -> None:
    file.unlink()
    execute(file, "CREATE TABLE recipes (name TEXT)")


@pytest.mark.parametrize(
    ("spoil", "code", "sentence"),
    [
        (from_the_future, Code.ST001, "has revision 9999, this version knows"),
        (cut_short, Code.ST002, ""),
        (overwritten, Code.ST002, "not a database"),
        (scribbled_upon, Code.ST002, ""),
        (of_another_program, Code.ST007, "is a database of another program"),
    ],
    ids=["newer", "cut short", "overwritten", "scribbled upon", "another program"],
)
async def test_a_file_that_must_not_be_used_is_refused(
    tmp_path: Path, spoil: Callable[[Path], None], code: Code, sentence: str
) -> None:
    file = await make(tmp_path)
    spoil(file)
    before = file.read_bytes()
    with pytest.raises(Permanent) as caught:
        open_database(tmp_path, SHOP, NOW, threads=False)
    assert caught.value.code is code
    assert sentence in caught.value.detail
    assert file.read_bytes() == before, "what is refused is left as it was"


async def test_a_refused_directory_can_be_opened_again_once_it_is_in_order(tmp_path: Path) -> None:
    file = await make(tmp_path)
    from_the_future(file)
    with pytest.raises(Permanent):
        open_database(tmp_path, SHOP, NOW, threads=False)
    set_revision(file, REVISIONS[-1])
    await open_database(tmp_path, SHOP, NOW, threads=False).close()


@pytest.mark.parametrize("name", ["account_id", "shop_id", "store_domain", "location_id"])
async def test_the_data_of_another_shop_are_refused(tmp_path: Path, name: str) -> None:
    await make(tmp_path)
    with pytest.raises(Permanent) as caught:
        open_database(tmp_path, replace(SHOP, **{name: "other"}), NOW, threads=False)
    assert caught.value.code is Code.ST007
    assert f"{name} {getattr(SHOP, name)}" in caught.value.detail


async def test_a_second_instance_is_refused_and_told_who_holds_the_directory(tmp_path: Path) -> None:
    opened = open_database(tmp_path, SHOP, NOW, threads=False)
    with pytest.raises(Permanent) as caught:
        open_database(tmp_path, SHOP, NOW, threads=False)
    assert caught.value.code is Code.ST004
    assert f"process {os.getpid()}" in caught.value.detail
    await opened.close()
    await open_database(tmp_path, SHOP, NOW, threads=False).close()


async def test_two_state_directories_cannot_share_one_database_file(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/data/shared.db"
    opened = open_database(tmp_path / "one", SHOP, NOW, url=url, threads=False)
    with pytest.raises(Permanent) as caught:
        open_database(tmp_path / "two", SHOP, NOW, url=url, threads=False)
    assert caught.value.code is Code.ST004
    await opened.close()


_AS_NOBODY = """
import asyncio, os, sys
from datetime import UTC, datetime
from pathlib import Path
from sync.errors import SyncError
from sync.storage.opening import Shop, open_database
if os.geteuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
try:
    open_database(Path(sys.argv[1]), Shop(*sys.argv[2:]), datetime(2026, 11, 22, tzinfo=UTC), threads=False)
except SyncError as error:
    print(error.code.name, error.detail)
"""


def run_script(script: str, directory: Path) -> str:
    shop = (SHOP.account_id, SHOP.shop_id, SHOP.store_domain, SHOP.location_id)
    command = [sys.executable, "-c", script, str(directory), *shop]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=60).stdout


async def test_a_directory_that_cannot_be_written_to_is_refused(tmp_path: Path) -> None:
    await make(tmp_path / "state")
    for directory in (tmp_path, *tmp_path.parents):
        if directory.stat().st_uid == os.geteuid() and directory != Path("/"):
            directory.chmod(directory.stat().st_mode | 0o055)
    (tmp_path / "state").chmod(0o555)
    assert run_script(_AS_NOBODY, tmp_path / "state").startswith("ST003 ")
    assert run_script(_AS_NOBODY, tmp_path / "nowhere").startswith("ST003 ")


async def test_a_file_that_cannot_be_written_to_is_refused(tmp_path: Path) -> None:
    file = await make(tmp_path / "state")
    for directory in (tmp_path, *tmp_path.parents):
        if directory.stat().st_uid == os.geteuid() and directory != Path("/"):
            directory.chmod(directory.stat().st_mode | 0o055)
    (tmp_path / "state").chmod(0o777)
    (tmp_path / "state" / LOCK_FILE).chmod(0o666)
    file.chmod(0o444)
    assert run_script(_AS_NOBODY, tmp_path / "state").startswith("ST003 ")


async def test_a_fresh_state_is_private(tmp_path: Path) -> None:
    opened = open_database(tmp_path / "state", SHOP, NOW, threads=False)
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
    modes = {file.name: file.stat().st_mode & 0o777 for file in (tmp_path / "state").iterdir()}
    assert set(modes) == {DATABASE_FILE, f"{DATABASE_FILE}-wal", f"{DATABASE_FILE}-shm", LOCK_FILE}
    assert set(modes.values()) == {0o600}
    await opened.close()


async def test_a_database_keeps_whose_it_is_and_when_it_was_made(tmp_path: Path) -> None:
    await make(tmp_path)
    opened = open_database(tmp_path, SHOP, later(days=3), threads=False)
    assert await query(opened, "SELECT key, value FROM meta ORDER BY key") == [
        ("account_id", "1000"),
        ("generation", "2026-11-22T10:00:00.000000Z"),
        ("location_id", "gid://shopify/Location/7"),
        ("shop_id", "1"),
        ("store_domain", "example.myshopify.com"),
    ]
    await opened.close()


async def test_a_reader_works_beside_the_daemon_and_needs_no_lock(tmp_path: Path) -> None:
    opened = open_database(tmp_path, SHOP, NOW)
    beside = open_for_reading(tmp_path)
    assert await query(beside, "SELECT count(*) FROM meta") == [(5,)]
    with pytest.raises(Permanent, match="reading only"):
        await beside.write(lambda c: None)
    await beside.close()
    await opened.close()


async def test_a_reader_refuses_what_is_not_there_or_not_of_this_version(tmp_path: Path) -> None:
    with pytest.raises(Permanent) as caught:
        open_for_reading(tmp_path)
    assert caught.value.code is Code.ST009
    file = await make(tmp_path)
    set_revision(file, REVISIONS[0])
    with pytest.raises(Permanent) as caught:
        open_for_reading(tmp_path)
    assert caught.value.code is Code.ST009
    from_the_future(file)
    with pytest.raises(Permanent) as caught:
        open_for_reading(tmp_path)
    assert caught.value.code is Code.ST001


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("", "/state/lightspeed-sync.db"),
        ("sqlite:////var/lib/shop.db", "/var/lib/shop.db"),
        ("sqlite:///shop.db", "shop.db"),
        ("sqlite:////var/lib/my%20shop.db", "/var/lib/my shop.db"),
    ],
    ids=["default", "absolute", "relative", "escaped"],
)
def test_the_database_url_names_a_file(url: str, path: str) -> None:
    assert database_path(Path("/state"), url) == Path(path)


@pytest.mark.parametrize("url", ["postgresql://db/shop", "sqlite://", "sqlite:///", "sqlite:///a?mode=ro", "shop.db"])
def test_other_database_urls_are_refused(url: str) -> None:
    with pytest.raises(Permanent) as caught:
        database_path(Path("/state"), url)
    assert caught.value.code is Code.CF002


def test_an_sqlite_that_can_damage_a_log_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sync.storage.library.OLDEST", (99, 0, 0))
    with pytest.raises(Permanent) as caught:
        load_driver()
    assert caught.value.code is Code.ST008
    assert "brings SQLite" in caught.value.detail


_DAEMON_START = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from sync.storage.opening import Shop, open_database
open_database(Path(sys.argv[1]), Shop(*sys.argv[2:]), datetime(2026, 11, 22, tzinfo=UTC), threads=False)
print("alembic" in sys.modules)
"""


@pytest.mark.parametrize(("first", "imported"), [(True, "True"), (False, "False")], ids=["first start", "later start"])
async def test_alembic_is_loaded_only_where_there_is_something_to_migrate(
    tmp_path: Path, first: bool, imported: str
) -> None:
    if not first:
        await make(tmp_path)
    assert run_script(_DAEMON_START, tmp_path).strip() == imported
