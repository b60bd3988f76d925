"""A report's files: each written whole or not at all, under a name with the date that nobody has yet."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

Write = Callable[[IO[str]], object]
"""Writes one file's text."""


def write_together(folder: Path, stem: str, parts: Mapping[str, Write]) -> list[Path]:
    """Write the parts of one report (by their endings) under one stem, which gets a number where it is taken.

    None has its name before all are on the disk. Raises OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as drafts:
        written = {ending: drafts.enter_context(_draft(folder, ending, write)) for ending, write in parts.items()}
        return _named(folder, stem, written)


@contextmanager
def _draft(folder: Path, ending: str, write: Write) -> Iterator[Path]:
    """Write a file that goes again with the block; what is to stay is given a name meanwhile."""
    with NamedTemporaryFile("w", encoding="utf-8", newline="", dir=folder, prefix=".draft-", suffix=ending) as draft:
        write(draft)
        draft.flush()
        os.fsync(draft.fileno())
        Path(draft.name).chmod(0o640)
        yield Path(draft.name)


def _named(folder: Path, stem: str, written: Mapping[str, Path]) -> list[Path]:
    """Give finished files the next free name; linking never overwrites."""
    for number in itertools.count(1):
        paths = {ending: folder / f"{stem}{'' if number == 1 else f'-{number}'}{ending}" for ending in written}
        with suppress(FileExistsError), _all_or_none() as linked:
            for ending, path in paths.items():
                path.hardlink_to(written[ending])
                linked.append(path)
            return list(paths.values())
    raise AssertionError  # the counting never ends


@contextmanager
def _all_or_none() -> Iterator[list[Path]]:
    """Take the names back that were given, where one of them was taken."""
    linked: list[Path] = []
    try:
        yield linked
    except BaseException:
        for path in linked:
            path.unlink()
        raise


def stem_of(moment: datetime) -> str:
    """Return the name of a report of this day."""
    return f"validation-{moment:%Y%m%d}"
