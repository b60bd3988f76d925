"""A PostgreSQL server of our own: made in a temporary folder, listening there and on loopback, gone with the run."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
import sqlalchemy as sa

from sync.storage.migrations import upgrade
from sync.storage.postgres import sharing_engine
from sync.storage.tables import metadata
from tests.conftest import ROOT
from tests.monitor.real_peers import free_port

USER, PASSWORD, SHOP = "sync", "pg-s3cret", "shop"
_NOBODY = 65_534  # PostgreSQL refuses to run as root
_START_SECONDS = 60
_PLACES = ("/usr/lib/postgresql/*/bin", f"{ROOT.as_posix()}/.peers/usr/lib/postgresql/*/bin")


def _programs() -> Path | None:
    """Return the folder of `initdb` and `pg_ctl`, the newest there is."""
    found = [path for place in _PLACES for path in Path("/").glob(f"{place[1:]}/initdb")]
    elsewhere = shutil.which("initdb")
    found += [Path(elsewhere).resolve()] if elsewhere else []
    return max((path.parent for path in found), key=lambda path: path.parent.name, default=None)


def _as_nobody() -> Mapping[str, Any]:
    return {"user": _NOBODY, "group": _NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A running server with one database that has our tables; whoever uses it empties them first."""

    folder: Path
    port: int
    programs: Path

    def url(self, database: str = SHOP, *, user: str = USER, options: str = "") -> str:
        """Return the address of a database by the socket, where nobody is asked for a password."""
        more = f"&options={quote(options)}" if options else ""
        return f"postgresql://{user}@/{database}?host={quote(str(self.folder), safe='')}&port={self.port}{more}"

    def loopback(self, database: str = SHOP, *, user: str = USER, password: str = PASSWORD) -> str:
        """Return the address of a database by the network, where a password is needed."""
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}"

    def execute(self, *statements: str, database: str = "postgres") -> None:
        """Run statements, each by itself."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def create(self, name: str) -> str:
        """Make an empty database and return its address."""
        self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", f"CREATE DATABASE {name}")
        return self.url(name)

    def emptied(self) -> str:
        """Return the address of the database that has our tables, as if they had just been made."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(_OTHERS.encode())
            connection.execute(_EMPTY.encode())
        return self.url()

    def control(self, *words: str) -> None:
        """Start, stop or restart the server."""
        log, data = self.folder / "log", self.folder / "data"
        options = f"-c listen_addresses=127.0.0.1 -c port={self.port} -c unix_socket_directories={self.folder}"
        _run([self.programs / "pg_ctl", "-D", data, "-l", log, "-w", "-o", options, *words], self.folder)


_OTHERS = """
SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
WHERE datname = 'shop' AND pid <> pg_backend_pid()
"""
# TRUNCATE would make every file anew, which takes fifty times as long.
_EMPTY = ";".join(
    [
        *(str(sa.delete(table)) for table in reversed(metadata.sorted_tables)),
        "SELECT setval(seqrelid::regclass, 1, false) FROM pg_sequence",
    ]
)


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Run a server while the block runs; skips the test where there is no PostgreSQL."""
    programs = _programs()
    if programs is None:
        pytest.skip("PostgreSQL is not here (`make peers` fetches it)")
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    server = PostgresServer(folder, free_port(), programs)
    if os.geteuid() == 0:
        os.chown(folder, _NOBODY, _NOBODY)
    try:
        _initialize(server)
        server.control("start")
        try:
            with _outlived_by_nobody(server):
                _migrate(server)
                yield server
        finally:
            server.control("-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


@contextmanager
def _outlived_by_nobody(server: PostgresServer) -> Iterator[None]:
    """Let a watchman end the server and remove its files should this process be killed: its end of a pipe tells."""
    stop = f"{shlex.quote(str(server.programs / 'pg_ctl'))} -D {server.folder}/data -m immediate stop"
    script = f"read line || {{ {stop}; rm -rf {server.folder}; }} >/dev/null 2>&1"
    watchman = subprocess.Popen(
        ["/bin/sh", "-c", script], stdin=subprocess.PIPE, start_new_session=True, **_as_nobody()
    )
    try:
        yield
    finally:
        watchman.communicate(b"done\n", timeout=_START_SECONDS)


def _initialize(server: PostgresServer) -> None:
    """Make the server's files, with an order of texts that is not that of their bytes, as on most servers."""
    secret = server.folder / "password"
    secret.write_text(PASSWORD)
    secret.chmod(0o644)
    initdb = server.programs / "initdb"
    usage = subprocess.run([initdb, "--help"], check=True, capture_output=True, text=True).stdout
    order = ["--locale-provider=icu", "--icu-locale=en-US"] if "--icu-locale" in usage else []
    options = ["-U", USER, "--auth-local=trust", "--auth-host=scram-sha-256", f"--pwfile={secret}", "-E", "UTF8"]
    _run([initdb, "-D", server.folder / "data", *options, "--locale=C.UTF-8", *order], server.folder)


def _migrate(server: PostgresServer) -> None:
    engine = sharing_engine(server.create(SHOP))
    with engine.begin() as connection:
        upgrade(connection)
    engine.dispose()


def _run(command: list[str | Path], folder: Path) -> None:
    libraries = {"LD_LIBRARY_PATH": f"{ROOT}/.peers/usr/lib/x86_64-linux-gnu"}
    with (folder / "said").open("w+b") as said:  # a pipe would stay open as long as the server runs
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, **libraries},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            timeout=_START_SECONDS,
            check=False,
            **_as_nobody(),
        )
        if done.returncode:
            said.seek(0)
            raise AssertionError(f"{command[0]}: {said.read().decode()[-2_000:]}")
