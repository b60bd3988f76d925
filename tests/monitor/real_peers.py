"""Real programs that tests speak with, started on free ports of this machine and ended with the test."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as default_policy
from pathlib import Path

import pytest

from sync.clock import SystemClock
from tests.conftest import ROOT

PEERS = ROOT / ".peers"
_EXIM_UID = 65_533  # Debian's program runs as the user Debian-exim, which this machine need not have
_START_SECONDS = 20.0

_EXIM = """
exim_path = {exim}
keep_environment = LD_LIBRARY_PATH
deliver_drop_privilege = true
primary_hostname = mail.test
spool_directory = {folder}/spool
log_file_path = {folder}/log/%slog
pid_file_path = {folder}/exim.pid
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port}
tls_advertise_hosts = *
tls_certificate = {certificate}
tls_privatekey = {key}
auth_advertise_hosts = ${{if eq{{$tls_in_cipher}}{{}}{{}}{{*}}}}
acl_smtp_rcpt = rcpt
acl_smtp_data = accept
host_lookup =
rfc1413_query_timeout = 0s
begin acl
rcpt:
  deny !authenticated = *
       message = sign in first
  deny local_parts = gone
       message = no such user
  defer local_parts = later
       message = try later
  accept
begin routers
all:
  driver = accept
  transport = box
begin transports
box:
  driver = appendfile
  directory = {folder}/box
  maildir_format
  envelope_to_add
  user = Debian-exim
  group = Debian-exim
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and{{{{eq{{$auth2}}{{sync}}}}{{eq{{$auth3}}{{secret}}}}}}}}
  server_set_id = $auth2
"""


def needed(place: str) -> Path:
    """Return a program of `.peers`, or of the machine; skips the test where there is none."""
    found = PEERS / place
    if found.exists():
        return found
    elsewhere = shutil.which(found.name)
    if elsewhere is None:
        pytest.skip(f"{found.name} is not here (`make peers` fetches it)")
    return Path(elsewhere)


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


@contextmanager
def running(command: Sequence[str], port: int, *, env: Mapping[str, str] | None = None) -> Iterator[None]:
    """Run a program until the block ends; begin once it listens on `port`."""
    process = subprocess.Popen(
        command, env={**os.environ, **(env or {})}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        _wait_for(port, process)
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
        if process.stdout is not None:
            process.stdout.close()


def _wait_for(port: int, process: subprocess.Popen[str]) -> None:
    clock = SystemClock()
    until = clock.monotonic() + _START_SECONDS
    while process.poll() is None and clock.monotonic() < until:
        with socket.socket() as trying:
            trying.settimeout(0.2)
            if trying.connect_ex(("127.0.0.1", port)) == 0:
                return
        try:
            process.wait(0.1)  # its end would be news; until then this is the pace of looking
        except subprocess.TimeoutExpired:
            continue
    raise AssertionError(f"the program does not listen: {_last_words(process)}")


def _last_words(process: subprocess.Popen[str]) -> str:
    process.kill()
    return process.communicate(timeout=10)[0][-2_000:]


class Exim:
    """A real mail server with STARTTLS and AUTH; `box` is where its mail lies."""

    def __init__(self, port: int, folder: Path) -> None:
        self.port = port
        self._folder = folder

    def mails(self) -> list[EmailMessage]:
        """Return what was delivered, in order."""
        files = sorted((self._folder / "box" / "new").glob("*"), key=lambda file: file.stat().st_mtime_ns)
        return [message_from_bytes(file.read_bytes(), policy=default_policy) for file in files]

    def log(self) -> str:
        """Return what the server noted."""
        return (self._folder / "log" / "mainlog").read_text()


@contextmanager
def exim(folder: Path, certificate: Path, key: Path) -> Iterator[Exim]:
    """Serve mail in a mount namespace of its own, in which the user that Debian's program wants is known."""
    program = needed("usr/sbin/exim4")
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("exim needs root and unshare to run beside us")
    port = free_port()
    for name in ("spool", "log", "box"):
        (folder / name).mkdir()
        os.chown(folder / name, _EXIM_UID, _EXIM_UID)
    user, group = f"Debian-exim:x:{_EXIM_UID}:{_EXIM_UID}::/:/bin/false", f"Debian-exim:x:{_EXIM_UID}:"
    (folder / "passwd").write_text(f"{Path('/etc/passwd').read_text()}{user}\n")
    (folder / "group").write_text(f"{Path('/etc/group').read_text()}{group}\n")
    places = {"exim": program, "folder": folder, "port": port, "certificate": certificate, "key": key}
    config = folder / "exim.conf"
    config.write_text(_EXIM.format(**places))
    mounts = f"mount --bind {folder}/passwd /etc/passwd && mount --bind {folder}/group /etc/group"
    command = ["unshare", "-m", "sh", "-c", f"{mounts} && exec {program} -C {config} -bdf"]
    libraries = str(PEERS / "usr" / "lib" / "x86_64-linux-gnu")
    _let_in(folder)
    key.chmod(0o644)
    with running(command, port, env={"LD_LIBRARY_PATH": libraries}):
        yield Exim(port, folder)


def _let_in(folder: Path) -> None:
    """Let another user reach a folder that pytest made for root alone."""
    for each in (folder, *folder.parents):
        if each != Path("/") and each.stat().st_uid == 0 and not each.stat().st_mode & 0o001:
            each.chmod(each.stat().st_mode | 0o011)


@contextmanager
def alertmanager(folder: Path, config: str) -> Iterator[int]:
    """Run a real Alertmanager and yield its port. Debian's wants its templates where Debian puts them."""
    program = needed("usr/bin/prometheus-alertmanager")
    (folder / "am.yml").write_text(config)
    port = free_port()
    arguments = [
        f"--config.file={folder}/am.yml",
        f"--storage.path={folder}/data",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    command = [str(program), *arguments]
    templates = PEERS / "usr" / "share" / "prometheus"
    if program.is_relative_to(PEERS) and not Path("/usr/share/prometheus/alertmanager").exists():
        if os.geteuid() != 0 or shutil.which("unshare") is None:
            pytest.skip("Alertmanager needs root and unshare to find its templates")
        options = f"lowerdir={templates.parent}:/usr/share"
        words = " ".join(command)
        command = ["unshare", "-m", "sh", "-c", f"mount -t overlay overlay -o {options} /usr/share && exec {words}"]
    with running(command, port):
        yield port


@contextmanager
def prometheus(folder: Path, config: str) -> Iterator[int]:
    """Run a real Prometheus and yield its port."""
    program = needed("usr/bin/prometheus")
    (folder / "prometheus.yml").write_text(config)
    port = free_port()
    arguments = [
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/series",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=error",
    ]
    with running([str(program), *arguments], port):
        yield port


@contextmanager
def prism(description: Path) -> Iterator[int]:
    """Serve what an API's description promises, and refuse what it does not allow."""
    program = needed("prism/node_modules/.bin/prism")
    port = free_port()
    with running([str(program), "mock", "--port", str(port), "--host", "127.0.0.1", str(description)], port):
        yield port
