"""`sandbox`: the pretend services on loopback, with the environment that a daemon needs to talk to them."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

from monitor.cli.common import out, usage
from sandbox.catalogue import generate
from sandbox.csv_import import read_export
from sandbox.goods import Good
from sandbox.serve import run
from sandbox.world import Addresses, World


def serve(catalog: Path | None, count: int, seed: int, *, mend: bool, pace: tuple[float, float]) -> None:
    """Serve until Ctrl-C."""
    try:
        goods: list[Good] = generate(count, seed) if catalog is None else read_export(catalog, mend=mend)
    except (OSError, ValueError) as error:
        raise usage(f"{catalog}: {error}") from error

    def ready(world: World, addresses: Addresses) -> None:
        out.print(f"# {len(goods)} goods. Control: {addresses.control}/state. Ctrl-C ends it.", markup=False)
        for name, value in world.settings().items():
            out.print(f"export {name}='{value}'", markup=False)

    with suppress(KeyboardInterrupt):
        asyncio.run(run(goods, ready=ready, seed=seed, cashiers_per_hour=pace[0], shoppers_per_hour=pace[1]))
