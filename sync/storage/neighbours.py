"""Processes over one PostgreSQL database tell each other what they commit: by a notification within the transaction.

The server sends it once the commit is done, and never where it is not. Who hears it reads again what it names.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import sqlalchemy as sa
import structlog

from sync.clock import Clock
from sync.errors import SyncError
from sync.events import Listener, NewsMissed, RunWanted
from sync.storage import postgres
from sync.storage.database import Database
from sync.storage.news import CHANNEL, Announcer, read, touched_by
from sync.storage.place import PostgresPlace, is_postgres
from sync.storage.touched import Touched, touch

log = structlog.get_logger()

_SECONDS = 1.0  # between attempts to listen again


@asynccontextmanager
async def neighbours(database: Database, url: str, *, clock: Clock, tell: Listener) -> AsyncIterator[None]:
    """Tell other processes what this one commits, and hear what they do, while the block runs; with SQLite, nothing.

    What is heard is read again by `database`'s watchers; hints want a look; what may have been missed is told.
    """
    if not is_postgres(url):
        yield
        return
    announcer = Announcer()
    database.watch(announcer)
    ear = Ear(database, PostgresPlace(url), announcer.sender, clock=clock, tell=tell)
    hearing = asyncio.create_task(ear.run(), name="neighbours")
    try:
        yield
    finally:
        hearing.cancel()
        await asyncio.wait([hearing])


class Ear:
    """Hears the other processes, whatever becomes of its connection."""

    def __init__(self, database: Database, place: PostgresPlace, sender: str, *, clock: Clock, tell: Listener) -> None:
        self._database = database
        self._place = place
        self._sender = sender
        self._clock = clock
        self._tell = tell
        self._pending = Touched()
        self._some = asyncio.Event()
        self.listening = asyncio.Event()

    async def run(self) -> None:
        """Listen for ever; what happens while nobody listens is taken for missed."""
        passing = asyncio.create_task(self._pass_on(), name="neighbours-read")
        deaf = False
        try:
            while True:
                try:
                    await self._listen()
                except SyncError as error:
                    if not deaf:
                        log.warning("neighbours.not_heard", code=error.code.name, detail=error.detail)
                    deaf = True
                await self._clock.sleep(_SECONDS)
        finally:
            passing.cancel()

    async def _listen(self) -> None:
        async with postgres.listening(self._place.url, CHANNEL) as (schema, notes):
            self._tell(NewsMissed())
            self.listening.set()
            async for note in notes:
                self._take(schema, note)

    def _take(self, schema: str, note: str) -> None:
        where, news = read(note)
        if news is None or where != schema or news.sender == self._sender:
            return
        if news.hints:
            self._tell(RunWanted("intake"))
        if news.many:
            self._tell(NewsMissed())
        self._pending.add(touched_by(news))
        self._some.set()

    async def _pass_on(self) -> None:
        """Let our own watchers read what was heard, all of it that waits in one transaction."""
        while True:
            await self._some.wait()
            self._some.clear()
            heard, self._pending = self._pending, Touched()
            try:
                await self._database.write(lambda c, heard=heard: _touch(c, heard))  # type: ignore[misc]
            except SyncError:
                self._tell(NewsMissed())


def _touch(connection: sa.Connection, heard: Touched) -> None:
    touch(
        connection,
        link_ids=heard.link_ids,
        item_ids=heard.item_ids,
        inventory_item_ids=heard.inventory_item_ids,
        hold_ids=heard.hold_ids,
        news=False,
    )
