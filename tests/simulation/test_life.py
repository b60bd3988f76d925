"""A killed process is dead from that moment on: nothing that it does while it is thrown away is seen outside."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
import structlog

from sync.storage.library import load_driver
from sync.storage.opening import DATABASE_FILE, Shop, open_database
from tests.simulation.life import Fuse, Killed, Life, Moment, MortalClock, MortalDatabase, MortalTransport
from tests.simulation.loop import START, VirtualClock, VirtualLoop, run_virtually
from tests.simulation.script import Kill, draw_options, draw_script
from tests.simulation.simulate import Simulation
from tests.state import with_tables

SHOP = Shop("1", "1", "wtfswag.myshopify.com", "gid://shopify/Location/1")


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Silence the product's log."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.configure(**before)


class Heard(httpx.AsyncBaseTransport):
    """A service that notes what reaches it, a second after it was sent."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self.paths: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await self._clock.sleep(1.0)
        self.paths.append(request.url.path)
        return httpx.Response(200)


def put(name: str) -> Callable[[sa.Connection], None]:
    def write(connection: sa.Connection) -> None:
        connection.exec_driver_sql("INSERT INTO meta (key, value) VALUES (?, 'x')", (name,))

    return write


def names(state: Path) -> list[str]:
    with closing(load_driver().connect(state / DATABASE_FILE)) as connection:
        return [name for (name,) in connection.execute("SELECT key FROM meta WHERE value = 'x' ORDER BY key")]


@pytest.mark.parametrize(
    ("moment", "kept", "heard"),
    [
        (Moment.BEFORE_COMMIT, [], []),
        (Moment.AFTER_COMMIT, ["first"], []),
        (Moment.BEFORE_REQUEST, ["first"], []),
        (Moment.REQUEST_SENT, ["first"], ["/first"]),
        (Moment.ANSWERED, ["first"], ["/first"]),
        (Moment.ASLEEP, ["first", "second"], ["/first"]),
    ],
    ids=lambda value: value.value if isinstance(value, Moment) else None,
)
def test_what_comes_after_the_kill_has_no_effect_not_even_in_finally(
    moment: Moment, kept: list[str], heard: list[str], tmp_path: Path
) -> None:
    async def main(loop: VirtualLoop) -> tuple[list[str], list[type[BaseException]]]:
        life, clock, shut = Life(loop), VirtualClock(loop), list[type[BaseException]]()
        service = Heard(clock)
        database = MortalDatabase(
            open_database(with_tables(tmp_path), SHOP, START, threads=False), life, lambda: 0.0, VirtualClock(loop)
        )
        client = httpx.AsyncClient(transport=MortalTransport(service, life, loop))

        async def product() -> None:
            try:
                await database.write(put("first"))
                await client.get("http://service.test/first")
                await database.write(put("second"))
                await MortalClock(loop, life).sleep(10)
                await database.write(put("third"))
            finally:
                for effect in (database.write(put("finally")), client.get("http://service.test/finally")):
                    try:
                        await effect
                    except BaseException as error:  # noqa: BLE001 - Killed is no Exception, on purpose
                        shut.append(type(error))

        life.fuse = Fuse(moment, 1)
        running = loop.create_task(product(), context=life.context)
        await life.over.wait()
        await life.bury()
        assert running.done()
        await clock.sleep(5)
        await database.close()
        return service.paths, shut

    paths, shut = run_virtually(main)
    assert names(tmp_path) == kept
    assert paths == heard
    assert shut == [Killed, Killed]


def _content(state: Path) -> str:
    """Return all rows of all tables, but for how much of the real disk was free."""
    with closing(load_driver().connect(state / DATABASE_FILE)) as connection:
        connection.execute("UPDATE evaluations SET samples = json_remove(samples, '$.disk_free')")
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return json.dumps(
            {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in sorted(tables)}, default=str
        )


def _world(simulation: Simulation) -> str:
    """Return what the world shows of stock, orders and sales."""
    world = simulation.world
    sales = [(sale.reference_number, sale.completed, str(sale.calc_total)) for sale in world.lightspeed.books.sales]
    return json.dumps([world.stock(), sales, len(world.shopify.writes), simulation.trace.digest])


def _until_the_kill(state: Path, seed: int, on_kill: Callable[[Simulation], None]) -> None:
    """Run a seed until its first kill; call `on_kill` at that very moment."""
    options = draw_options(seed, 0.2)
    state.mkdir()

    async def main(loop: VirtualLoop) -> None:
        simulation = Simulation(loop, options, state)
        machine = simulation.machine
        machine.ended = lambda _: on_kill(simulation)
        running = loop.create_task(machine.run())
        for entry in draw_script(options):
            if isinstance(entry, Kill):
                continue
            await simulation._until(entry.at)
            simulation._let_happen(entry)
            if entry.at > 1800:
                break
        machine.kill(None, 1 + seed % 29)
        assert machine.life is not None
        await machine.life.over.wait()
        machine.stop()
        await running

    run_virtually(main)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [9, 10, 11, 13, 15, 17])
def test_a_kill_leaves_behind_what_a_real_end_of_the_process_leaves(seed: int, tmp_path: Path) -> None:
    """The same seed, once ended by `os._exit` at the moment of the kill, and once as simulations end it."""
    really, pretended, told = tmp_path / "really", tmp_path / "pretended", tmp_path / "told"

    def end(simulation: Simulation) -> None:
        told.write_text(_world(simulation))
        os._exit(137)

    child = os.fork()
    if child == 0:
        _until_the_kill(really, seed, end)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 137
    seen: list[str] = []
    _until_the_kill(pretended, seed, lambda simulation: seen.append(_world(simulation)))
    assert seen == [told.read_text()]
    assert _content(really) == _content(pretended)
