"""What docs/storefront.md lets people type does what it says."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from monitor.metrics import Build, Metrics
from monitor.serving import bind_tcp, serving
from monitor.shopfront import open_shopfront
from sandbox.clock import ManualClock
from sandbox.shopify.sender import PRETEND_ADDRESS
from sandbox.world import World
from sync.clock import SystemClock
from sync.storefront.routes import PREFIX
from sync.storefront.signature import verify_proxy
from tests.conftest import ROOT
from tests.sync.shop import START, few, go_live, open_shop
from tests.sync.storefront.listener import ROUTES

PAGE = (ROOT / "docs" / "storefront.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture(autouse=True)
def programs() -> None:
    for name in ("openssl", "curl"):
        if shutil.which(name) is None:
            pytest.skip(f"{name} is missing: install Debian's package {name}")


@pytest.mark.parametrize("own", ["", "limit=2", "variant_id=44001", "lightspeed_id=7&variant_id=44001"])
def test_the_line_that_signs_signs_as_shopify_does(own: str, tmp_path: Path) -> None:
    signing = next(block for block in BLOCKS if "sign()" in block)
    script = f"{signing}\nsign '{own}'"
    query = subprocess.run(["sh", "-c", script], capture_output=True, check=True, cwd=tmp_path, env={}).stdout.strip()
    proven = verify_proxy(query, [b"sandbox-app-secret"], SystemClock().now(), {"wtfswag.myshopify.com"})
    assert proven is not None
    assert len(proven.own) == (own.count("=") if own else 0)


def test_every_call_is_shown_once() -> None:
    shown = re.findall(r"^ask (?:-X (\w+) )?\"\$URL(/\w+)\?", "\n".join(BLOCKS), re.MULTILINE)
    assert sorted((path, method or "GET") for method, path in shown) == sorted(
        (path, method) for path, methods in ROUTES.items() for method in methods
    )


@pytest.mark.anyio
async def test_all_of_it_pasted_one_after_the_other_is_answered(tmp_path: Path) -> None:
    clock = ManualClock(START)
    world, state = World(few(), clock=clock), tmp_path / "state"
    async with (
        open_shop(world, clock, state, more={"PUBLIC_URL": PRETEND_ADDRESS}) as shop,
        open_shopfront(shop.work, None, Metrics(Build("1", "2026-10")).storefront) as door,
    ):
        await go_live(shop)
        bound = bind_tcp("127.0.0.1", 0)
        port = bound.getsockname()[1]
        async with serving(door, bound, public=True):
            told = await pasted(tmp_path, int(clock.now().timestamp()), f"127.0.0.1:{port}")
    inventory, variant, available, reserved, updated, released, synced, accepted = told
    assert [len(inventory["items"]), inventory["pagination"]["limit"]] == [2, 2]
    assert (available["variantId"], available["known"], available["quantity"]) == (str(variant), True, 20)
    assert (reserved["status"], reserved["quantity"]) == ("reserved", 2)
    assert (updated["status"], updated["quantity"]) == ("updated", 3)
    assert released == {"reservationId": reserved["reservationId"], "status": "released"}
    assert synced["results"][0]["variantId"] == str(variant)
    assert accepted == {"status": "accepted"}
    for answer in (inventory, available, reserved, updated, released, synced, accepted):
        for name in answer:
            assert f'"{name}"' in PAGE


async def pasted(folder: Path, now: int, listen: str) -> list[Any]:
    """Return what the page's lines print, in a shell whose clock stands still."""
    script = f"date() {{ echo {now}; }}\n" + "\n".join(BLOCKS)
    shell = await asyncio.create_subprocess_exec(
        "sh", "-c", script, cwd=folder, env={"STOREFRONT_LISTEN": listen}, stdout=subprocess.PIPE
    )
    said, _ = await asyncio.wait_for(shell.communicate(), 20)
    assert shell.returncode == 0
    return [json.loads(line) for line in said.decode().splitlines() if line]


def test_the_proxy_as_set_up_there_leads_to_the_routes() -> None:
    """What follows prefix and subpath in the shop's address is what Shopify puts behind the proxy URL."""
    (block,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    proxy = tomllib.loads(block)["app_proxy"]
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,30}", proxy["subpath"])
    below = PREFIX.removeprefix(f"/{proxy['prefix']}/{proxy['subpath']}")
    assert re.fullmatch(r"https://[^/]+" + PREFIX, proxy["url"] + below)
    assert [
        f"| {name} | `{proxy[field]}` |" in PAGE
        for name, field in (("Subpath prefix", "prefix"), ("Subpath", "subpath"))
    ] == [True, True]
