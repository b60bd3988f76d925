"""Makes backups: one file each, whole or not at all; the newest of each kind are kept."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from tempfile import NamedTemporaryFile

import structlog

from sync import backup_file
from sync.backup_file import Contents, Head, Section
from sync.clock import Clock
from sync.errors import Code, Permanent
from sync.storage.backup import rows_of
from sync.storage.database import Database

log = structlog.get_logger()

FOLDER = "backups"
"""Within STATE_DIR."""
KEPT = 14
"""Backups of each kind that are kept, unless alerts.yaml says otherwise."""
_SUFFIX = ".jsonl.gz"
_NAME = "backup-{:%Y%m%d-%H%M%S}-{}{}" + _SUFFIX
_DRAFT = ".backup-"
_STALE_SECONDS = 86_400  # a draft older than this is nobody's any more


class Kind(StrEnum):
    """What a backup was made for; each kind is rotated by itself."""

    DAILY = "daily"
    BEFORE_RUN = "before-run"  # before the first write of a confirmed full sync, a restore or an undo
    BY_HAND = "by-hand"


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that was made."""

    path: Path
    contents: Contents
    size: int  # bytes


@dataclass(frozen=True, slots=True)
class Found:
    """A backup in a folder; `contents` None: it is damaged, or none of ours, as `mistake` says."""

    path: Path
    size: int
    contents: Contents | None
    mistake: str = ""


class Backups:
    """Makes backups of one shop's state. `texts` returns files that go with it, by name; none may hold a secret."""

    def __init__(
        self,
        database: Database,
        *,
        folder: Path,
        shop: Mapping[str, str],
        texts: Callable[[], Mapping[str, str]],
        set_aside: Sequence[str],
        clock: Clock,
        kept: int = KEPT,
    ) -> None:
        self._database = database
        self._folder = folder
        self._shop = shop
        self._texts = texts
        self._set_aside = tuple(set_aside)
        self._clock = clock
        self._kept = kept

    async def make(self, kind: Kind, reason: str, folder: Path | None = None) -> Made:
        """Write what is known of both shops, as last read, into a folder; raises Permanent (BK004) where that fails."""
        head = Head(self._clock.now(), reason, self._shop)
        into = folder or self._folder
        try:
            made = await self._database.read(
                lambda c: _made(itertools.chain(rows_of(c, self._set_aside), self._files()), head, kind, into)
            )
            if folder is None:
                _rotate(into, kind, self._kept)
        except OSError as error:
            raise Permanent(Code.BK004, f"({into}: {error.strerror or error})") from error
        log.info("backup.made", file=made.path.name, kind=kind.value, size=made.size)
        return made

    async def daily(self) -> Mapping[str, int]:
        """Make the daily backup; return its numbers, for its run."""
        made = await self.make(Kind.DAILY, "daily")
        return {"skus": made.contents.rows.get("stock", 0), "bytes": made.size}

    async def before(self, run_id: int) -> None:
        """Make a backup before a run writes anything."""
        await self.make(Kind.BEFORE_RUN, f"before run {run_id}")

    def _files(self) -> Iterator[Section]:
        yield from (("file", {"name": name, "text": text}) for name, text in self._texts().items())


def _made(rows: Iterator[Section], head: Head, kind: Kind, folder: Path) -> Made:
    """Write a backup beside its place, make it durable, then give it its name; nothing half is ever seen under one."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with NamedTemporaryFile("wb", dir=folder, prefix=_DRAFT) as draft:
        contents = backup_file.write(draft, head, rows)
        draft.flush()
        os.fsync(draft.fileno())
        path = _linked(Path(draft.name), folder, head.made_at, kind)
    _settle(folder)
    return Made(path, contents, path.stat().st_size)


def _linked(draft: Path, folder: Path, made_at: datetime, kind: Kind) -> Path:
    """Give a finished file the next free name of its second; linking never overwrites."""
    for number in itertools.count(1):
        path = folder / _NAME.format(made_at, kind.value, "" if number == 1 else f"-{number}")
        with suppress(FileExistsError):
            path.hardlink_to(draft)
            return path
    raise AssertionError  # the counting never ends


def _settle(folder: Path) -> None:
    """Let the new name survive a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _rotate(folder: Path, kind: Kind, kept: int) -> None:
    """Remove all but the newest backups of a kind, and drafts that a killed process left long ago."""
    ours = sorted(folder.glob(f"backup-*-{kind.value}*{_SUFFIX}"), key=_age)
    stale = ours[-1].stat().st_mtime - _STALE_SECONDS
    drafts = [path for path in folder.glob(f"{_DRAFT}*") if path.stat().st_mtime < stale]
    for path in [*ours[: max(0, len(ours) - kept)], *drafts]:
        path.unlink(missing_ok=True)


def _age(path: Path) -> tuple[int, str]:
    return path.stat().st_mtime_ns, path.name


def backups_in(folder: Path) -> Sequence[Found]:
    """Return the backups of a folder, newest first, each read to its end."""
    return [look_at(path) for path in sorted(folder.glob(f"*{_SUFFIX}"), key=_age, reverse=True)]


def look_at(path: Path) -> Found:
    """Read a backup to its end and tell what it holds; raises OSError where it cannot be opened."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        try:
            return Found(path, size, backup_file.check(stream))
        except ValueError as error:
            return Found(path, size, None, str(error))
