"""`sandbox`: the pretend services on loopback, with the environment that a daemon needs to talk to them."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import fields
from pathlib import Path

from monitor.cli.common import say, usage
from sandbox.catalogue import generate
from sandbox.csv_import import read_export
from sandbox.goods import Good
from sandbox.serve import Ports, run
from sandbox.world import Addresses, World
from sync.config_values import Unfit, listen


def serve(  # noqa: PLR0917 - one parameter an option
    catalog: Path | None, count: int, seed: int, mend: bool, pace: tuple[float, float], port: int, storefront: str
) -> None:
    """Serve until Ctrl-C, from `port` on (0: on free ports); `storefront` is where the daemon listens to visitors."""
    try:
        place = listen(storefront)
    except Unfit as error:
        raise usage(f"--storefront {error}.") from error
    try:
        goods: list[Good] = generate(count, seed) if catalog is None else read_export(catalog, mend=mend)
    except (OSError, ValueError) as error:
        raise usage(f"{catalog}: {error}") from error

    def ready(world: World, addresses: Addresses) -> None:
        say(f"# {len(goods)} goods. Control: {addresses.control}/state. Ctrl-C ends it.")
        say(f"# The shop as its visitors see it: {addresses.front}")
        wanted = json.dumps({"units": {next(good.sku for good in goods if good.in_store and good.online): 1}})
        say(f"# An online order: curl {addresses.control}/shopify/order -d '{wanted}'")
        say("# Save the lines below and source them; give each sandbox a STATE_DIR of its own.")
        environment = world.settings() | {"STOREFRONT_LISTEN": str(place)}
        say(*(f"export {name}='{value}'" for name, value in environment.items()))

    serving = run(
        goods,
        ready=ready,
        ports=_ports(port),
        seed=seed,
        cashiers_per_hour=pace[0],
        shoppers_per_hour=pace[1],
        daemon=f"http://{place}",
    )
    try:
        with suppress(KeyboardInterrupt, asyncio.CancelledError):
            asyncio.run(_until_terminated(serving))
    except OSError as error:
        raise usage(f"--port {port}: {error}") from error


async def _until_terminated(serving: Coroutine[object, object, None]) -> None:
    """Serve until Ctrl-C or SIGTERM, either of which lets everything be cleaned up."""
    task = asyncio.ensure_future(serving)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    await task


def _ports(first: int) -> Ports:
    """Return the ports in the order that the help tells."""
    return Ports(*range(first, first + len(fields(Ports)))) if first else Ports()
