"""What docs/storefront.md lets people type does what it says."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from sync.clock import SystemClock
from sync.storefront.signature import verify_proxy
from tests.conftest import ROOT
from tests.sync.storefront.listener import ROUTES

PAGE = (ROOT / "docs" / "storefront.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("own", ["", "limit=2", "variant_id=44001", "lightspeed_id=7&variant_id=44001"])
def test_the_line_that_signs_signs_as_shopify_does(own: str, tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is missing: install Debian's package openssl")
    signing = next(block for block in BLOCKS if "sign()" in block)
    script = f"{signing}\nsign '{own}'"
    query = subprocess.run(["sh", "-c", script], capture_output=True, check=True, cwd=tmp_path).stdout.strip()
    proven = verify_proxy(query, [b"sandbox-app-secret"], SystemClock().now(), {"wtfswag.myshopify.com"})
    assert proven is not None
    assert len(proven.own) == (own.count("=") if own else 0)


def test_every_call_is_shown_once() -> None:
    shown = re.findall(r"curl (?:-X (\w+) )?\"\$URL(/\w+)\?", PAGE)
    assert sorted((path, method or "GET") for method, path in shown) == sorted(
        (path, method) for path, methods in ROUTES.items() for method in methods
    )
