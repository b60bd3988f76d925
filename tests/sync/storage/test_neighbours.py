"""Processes over one PostgreSQL hear of each other's commits, and of what they may have missed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from sync.clock import SystemClock
from sync.events import Event, Events, NewsMissed, RunWanted
from sync.reservations import Asked, Granted, HoldLimits
from sync.shelf import LiveShelf
from sync.storage.database import Database
from sync.storage.holds import SqlHolds
from sync.storage.neighbours import neighbours
from sync.storage.opening import open_beside, open_database
from sync.storage.shelf import live_shelf
from sync.storage.tables import links
from sync.storage.touched import touch
from sync.storage.webhooks import SqlInbox
from sync.webhooks import Hint, Webhook
from tests.postgres_server import PostgresServer
from tests.sync.storage.build import SHOP, stocked

pytestmark = [pytest.mark.anyio, pytest.mark.peer]


class Daemon:
    """A daemon's shelf over a database, and what it was told."""

    def __init__(self, database: Database, shelf: LiveShelf, told: list[Event]) -> None:
        self.database = database
        self.shelf = shelf
        self.told = told

    async def until(self, seen: Callable[[], object]) -> None:
        """Wait for at most five seconds; how long it takes is the server's to say."""
        async with asyncio.timeout(5):
            while not seen():
                await SystemClock().sleep(0.01)

    def held(self, item_id: str) -> int | None:
        item = self.shelf.find_now(item_id, None)
        return None if item is None else item.held


@pytest.fixture
async def daemon(postgres_url: str, tmp_path: Path) -> AsyncIterator[Daemon]:
    clock, events, told = SystemClock(), Events(), list[Event]()
    events.join(told.append)
    database = open_database(tmp_path, SHOP, clock.now(), url=postgres_url)
    await stocked(database, {1: 5, 2: 2})
    async with (
        live_shelf(database, clock=clock, events=events) as shelf,
        neighbours(database, postgres_url, clock=clock, tell=events),
    ):
        made = Daemon(database, shelf, told)
        await made.until(lambda: NewsMissed() in told)
        told.clear()
        yield made
    await database.close()


async def beside(url: str, act: Callable[[Database], object]) -> None:
    """Do something in another process, as far as the database can tell."""

    def run() -> None:
        other = open_beside(url, SHOP.store_domain)
        asyncio.run(_act(other, act))

    await asyncio.to_thread(run)


async def _act(database: Database, act: Callable[[Database], object]) -> None:
    await act(database)  # type: ignore[misc]
    await database.close()


async def reserve(database: Database) -> None:
    holds = SqlHolds(database, limits=HoldLimits(), tell=lambda _: None)
    asked = Asked("1", None, 2, "client", SystemClock().now(), cart="cart")
    assert isinstance(await holds.reserve(asked), Granted)


async def test_a_hold_made_elsewhere_is_on_the_daemons_shelf_at_once(daemon: Daemon, postgres_url: str) -> None:
    foreign = sa.text("SELECT pg_notify('lightspeed_sync', 'what another program says')")
    await beside(postgres_url, lambda database: database.write(lambda c: c.execute(foreign).close()))
    await beside(postgres_url, reserve)
    await daemon.until(lambda: daemon.held("1") == 2)
    assert daemon.held("2") == 0


async def test_a_hint_kept_elsewhere_is_looked_at_at_once(daemon: Daemon, postgres_url: str) -> None:
    now = SystemClock().now()
    hint = Webhook("stock/1", "", Hint.STOCK, SHOP.store_domain, None, now, "stock", {"inventory_item_ids": ["1"]})
    await beside(postgres_url, lambda database: SqlInbox(database).keep(hint))
    await daemon.until(lambda: RunWanted("intake") in daemon.told)


async def test_what_the_daemon_commits_itself_it_does_not_hear_again(daemon: Daemon, postgres_url: str) -> None:
    seen: list[object] = []
    daemon.database.watch(lambda _connection, touched: lambda: seen.append(touched))
    await reserve(daemon.database)
    assert daemon.held("1") == 2
    await beside(postgres_url, lambda database: database.write(lambda c: touch(c, item_ids=["2"])))
    await daemon.until(lambda: len(seen) >= 2)
    assert len(seen) == 2, "its own commit, and what the other touched"


async def test_more_than_a_notification_can_name_is_read_whole(daemon: Daemon, postgres_url: str) -> None:
    def change(connection: sa.Connection) -> None:
        connection.execute(sa.update(links).where(links.c.item_id == "1").values(target=1))
        touch(connection, item_ids=[f"item-{number:06d}" for number in range(2000)])

    await beside(postgres_url, lambda database: database.write(change))
    await daemon.until(lambda: NewsMissed() in daemon.told)
    await daemon.until(lambda: (item := daemon.shelf.find_now("1", None)) and item.sellable == 1)


async def test_what_was_missed_while_nobody_listened_is_read_again(
    daemon: Daemon, postgres_url: str, postgres: PostgresServer
) -> None:
    postgres.execute("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE query ~ '^LISTEN'")
    await beside(postgres_url, reserve)
    await daemon.until(lambda: NewsMissed() in daemon.told)
    await daemon.until(lambda: daemon.held("1") == 2)


async def test_with_sqlite_there_is_nobody_to_hear(tmp_path: Path) -> None:
    told: list[Event] = []
    database = open_database(tmp_path, SHOP, SystemClock().now(), threads=False)
    async with neighbours(database, "", clock=SystemClock(), tell=told.append):
        await stocked(database, {1: 1})
    assert told == []
    await database.close()
