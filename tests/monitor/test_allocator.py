"""The daemon's threads share one arena of the C library."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

PROGRAM = """
import ctypes, sys, threading
from monitor.allocator import share_one_arena
if sys.argv[2] == "shared":
    share_one_arena()
kept, ready = [], threading.Barrier(3)
def work():
    ready.wait()
    kept.append([bytes(2000) for _ in range(500)])
threads = [threading.Thread(target=work) for _ in range(3)]
[each.start() for each in threads]
[each.join() for each in threads]
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
file = ctypes.c_void_p(libc.fopen(sys.argv[1].encode(), b"w"))
libc.malloc_info(0, file)
libc.fclose(file)
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_info"), reason="the C library has no arenas")
@pytest.mark.parametrize(("way", "one"), [("shared", True), ("as it comes", False)])
def test_threads_allocate_from_one_arena(way: str, one: bool, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", PROGRAM, str(tmp_path / "told"), way], cwd=ROOT, check=True)
    arenas = (tmp_path / "told").read_text().count("<heap nr=")
    assert (arenas == 1) is one
