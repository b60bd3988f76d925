"""The form of a backup: compressed lines of JSON, a head, then rows by section, then a foot with count and checksum.

{"format": "lightspeed-sync backup", "version": 1, "made_at": ..., "reason": ..., "shop": {...}}
["stock", {"sku": ..., "inventory_item_id": ..., "available": ..., "spoken_for": ...}]
...
{"rows": {"stock": 120, ...}, "sha256": "..."}          over everything before it, as it reads uncompressed
"""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import IO, Any

FORMAT, VERSION = "lightspeed-sync backup", 1
_LEVEL = 6  # of compression: higher takes twice the time for a few per cent
_LONGEST_LINE = 4 * 1024 * 1024  # bytes; a row is a few hundred, alerts.yaml stands in one line

Section = tuple[str, Mapping[str, Any]]
"""A row and what it is one of."""


@dataclass(frozen=True, slots=True)
class Head:
    """Whose backup it is, when it was made and why."""

    made_at: datetime
    reason: str
    shop: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Contents:
    """What a whole, undamaged backup holds: rows by section."""

    head: Head
    rows: Mapping[str, int]
    sha256: str


class Damaged(ValueError):
    """The file is a backup of ours, and not whole."""


def write(stream: IO[bytes], head: Head, rows: Iterable[Section]) -> Contents:
    """Write a backup to an open file; nothing of it is held in memory."""
    digest, counts = hashlib.sha256(), Counter[str]()
    with gzip.GzipFile(fileobj=stream, mode="wb", compresslevel=_LEVEL, filename="", mtime=0) as packed:

        def put(value: object) -> None:
            line = json.dumps(value, ensure_ascii=True, separators=(",", ":"), default=_plain).encode() + b"\n"
            digest.update(line)
            packed.write(line)

        put({"format": FORMAT, "version": VERSION} | asdict(head))
        for section, row in rows:
            counts[section] += 1
            put([section, row])
        found = Contents(head, dict(counts), digest.hexdigest())
        put({"rows": found.rows, "sha256": found.sha256})
    return found


def is_backup(stream: IO[bytes]) -> bool:
    """Tell whether an open file begins as something compressed, as ours are; the file stands at its beginning again."""
    found = stream.read(2) == b"\x1f\x8b"
    stream.seek(0)
    return found


def check(stream: IO[bytes]) -> Contents:
    """Read a backup to its end and return what it holds; raises Damaged, or ValueError where it is none of ours."""
    lines = _Lines(stream)
    for _ in lines.rows():
        pass
    return lines.contents()


def rows(stream: IO[bytes], *wanted: str) -> Iterator[Section]:
    """Yield the rows of some sections; raises as `check`, at its end where only the checksum is wrong."""
    lines = _Lines(stream)
    yield from (each for each in lines.rows() if each[0] in wanted)
    lines.contents()


class _Lines:
    """The lines of an open backup, checked as they are read."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._digest = hashlib.sha256()
        self._counts: Counter[str] = Counter()
        self._foot: Mapping[str, Any] | None = None
        self._lines = self._parsed(stream)
        try:
            self.head = _head(next(self._lines, None))
        except Damaged as error:
            raise ValueError("it is not a backup of ours") from error

    def rows(self) -> Iterator[Section]:
        """Yield every row."""
        for line in self._lines:
            if self._foot is not None:
                raise Damaged("something stands behind its end")
            if isinstance(line, dict):
                self._foot = line
                continue
            match line:
                case [str(section), dict(row)]:
                    self._counts[section] += 1
                    yield section, row
                case _:
                    raise Damaged("a line of it is no row")

    def contents(self) -> Contents:
        """Return what was read, once it is at its end; raises Damaged where that is not what was written."""
        if self._foot is None:
            raise Damaged("its end is missing")
        if self._foot.get("rows") != dict(self._counts) or self._foot.get("sha256") != self._sum:
            raise Damaged("its checksum does not fit: it was changed, or the disk lost some of it")
        return Contents(self.head, dict(self._counts), self._sum)

    def _parsed(self, stream: IO[bytes]) -> Iterator[Any]:
        self._sum = ""
        try:
            with gzip.GzipFile(fileobj=stream, mode="rb") as packed:
                while line := packed.readline(_LONGEST_LINE):
                    self._sum = self._digest.hexdigest()  # of what stands before this line
                    self._digest.update(line)
                    yield json.loads(line)
        except (OSError, EOFError, zlib.error, ValueError, RecursionError) as error:
            raise Damaged(f"it cannot be read to its end ({error})") from error


def _head(line: object) -> Head:
    match line:
        case {
            "format": str(name),
            "version": int(version),
            "made_at": str(at),
            "reason": str(reason),
            "shop": dict(shop),
        }:
            if name != FORMAT:
                raise ValueError("it is not a backup of ours")
            if version != VERSION:
                raise ValueError(f"it has version {version}; this program reads version {VERSION}")
            return Head(datetime.fromisoformat(at), reason, shop)
        case _:
            raise ValueError("it is not a backup of ours")


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"a backup has no {type(value).__name__}")
