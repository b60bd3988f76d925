"""A Debian machine of its own, booted with systemd-nspawn from the tree in .peers; what happens in it is forgotten."""

from __future__ import annotations

import ast
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event

import pytest

from sync.clock import SystemClock
from tests.conftest import ROOT

PEERS = ROOT / ".peers"
TREE = PEERS / "debian"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_BOOT_SECONDS = 60.0
_HALT_SECONDS = 30.0
_COMMAND_SECONDS = 600.0


def needed(*programs: str) -> None:
    """Skip the test where not root, or where what `scripts/machine` fetches is missing."""
    if os.geteuid() != 0:
        pytest.skip("only root may boot a machine or run a Docker engine")
    missing = [name for name in programs if not program(name)]
    if missing or not TREE.is_dir():
        pytest.skip(f"missing: {', '.join(missing) or 'the Debian tree .peers/debian'} (`scripts/machine` fetches it)")


def program(name: str) -> str | None:
    """Return where a program is, on this machine or in .peers."""
    return shutil.which(name, path=f"{os.environ['PATH']}:{PEERS}/usr/bin:{PEERS}/usr/sbin:/usr/sbin:/sbin")


def until(seen: Callable[[], object], what: str, seconds: float) -> None:
    """Wait until `seen` returns something true."""
    clock, pause = SystemClock(), Event()
    end = clock.monotonic() + seconds
    while not seen():
        assert clock.monotonic() < end, f"waited {seconds:.0f} s for {what}"
        pause.wait(0.2)


def pip_settings() -> dict[str, str]:
    """Return what pip is told on this machine, by its files and by its environment."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    pairs = (line.partition("=") for line in listed.splitlines())
    return {name.rpartition(".")[2]: " ".join(str(ast.literal_eval(value)).split()) for name, _, value in pairs}


def pip_file() -> str:
    """Return the same as a pip.conf."""
    return "\n".join(["[global]", *(f"{name} = {value}" for name, value in pip_settings().items()), ""])


def pip_places() -> list[Path]:
    """Return the files and folders of this machine that those settings name, of a file:// index its parent."""
    found: set[Path] = set()
    for scheme, name in re.findall(r"(file://)?(/[\w./-]+)", " ".join(pip_settings().values())):
        path = Path(name)
        if path.exists():
            found.add(path.parent if scheme else path)
    return sorted(found)


class Machine:
    """A booted machine; `run` is root there. It shares this machine's network."""

    def __init__(self, leader: int) -> None:
        self._enter = ["nsenter", "-t", str(leader), "-m", "-p", "-u", "-i", "-r", "-w"]

    def run(self, command: str, *, text: str | bytes = "", check: bool = True) -> str:
        """Run a shell command with `text` as its input and return what it printed."""
        words = [*self._enter, "env", "-i", f"PATH={_PATH}", "HOME=/root", "COLUMNS=200", "sh", "-c", command]
        said = text.encode() if isinstance(text, str) else text
        done = subprocess.run(words, input=said, capture_output=True, check=False, timeout=_COMMAND_SECONDS)
        printed = done.stdout.decode() + done.stderr.decode()
        assert done.returncode == 0 or not check, f"{command} ended with {done.returncode}:\n{printed[-4000:]}"
        return printed

    def write(self, path: str, text: str) -> None:
        """Write a file as root."""
        self.run(f"cat > {shlex.quote(path)}", text=text)

    def show(self, unit: str, *names: str) -> dict[str, str]:
        """Return properties of a unit."""
        printed = self.run(f"systemctl show {unit} -p {','.join(names)}")
        return dict(line.split("=", 1) for line in printed.splitlines())

    def copy_in(self, files: list[str], target: str) -> None:
        """Copy files of the repository, with their folders."""
        packed = subprocess.run(["tar", "-c", "--", *files], cwd=ROOT, check=True, capture_output=True).stdout
        self.run(f"mkdir -p {target} && tar -x --no-same-owner -C {target}", text=packed)


@contextmanager
def booted(log: Path) -> Iterator[Machine]:
    """Boot the tree with everything that is written kept in memory, and halt it at the end."""
    nspawn = program("systemd-nspawn")
    assert nspawn is not None
    options = ["--quiet", "--boot", "--register=no", "--keep-unit", "--volatile=overlay", "--console=pipe"]
    binds = [f"--bind-ro={path}" for path in pip_places()]
    libraries = ":".join(str(path) for path in PEERS.glob("usr/lib/*/systemd"))
    with log.open("wb") as out:
        process = subprocess.Popen(
            [nspawn, *options, *binds, f"--directory={TREE}"],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            env={**os.environ, "LD_LIBRARY_PATH": libraries},
        )
    try:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        until(lambda: process.poll() is not None or children.read_text().split(), "systemd-nspawn", _BOOT_SECONDS)
        assert process.poll() is None, f"systemd-nspawn ended:\n{log.read_text()}"
        machine = Machine(int(children.read_text().split()[0]))
        state = ("running", "degraded")
        until(lambda: machine.run("systemctl is-system-running", check=False).strip() in state, "boot", _BOOT_SECONDS)
        machine.write("/etc/pip.conf", pip_file())
        yield machine
    finally:
        process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_HALT_SECONDS)
        process.kill()
        process.wait()
        for left in ("payload", "supervisor"):
            for folder in Path("/sys/fs/cgroup").glob(f"*/{left}"):
                subprocess.run(
                    ["find", str(folder), "-depth", "-type", "d", "-delete"], check=False, capture_output=True
                )
