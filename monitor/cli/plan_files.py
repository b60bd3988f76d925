"""Plans are files in the working directory, made whole or not at all, and found again by name or by hash."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

import typer

from monitor.cli.common import complain, printable, usage, working_directory
from monitor.units import local
from sync.clock import SystemClock
from sync.errors import Code, Refused
from sync.plan import Plan, from_json

SYNC_PLAN = "sync-plan"
"""How the names of plans begin that `sync` makes."""
_SHORTEST_HASH = 4  # characters that name a plan


def write(text: str, prefix: str = SYNC_PLAN) -> Path:
    """Write a plan's file whole or not at all; a second one of a day gets a number."""
    folder = working_directory()
    try:
        with NamedTemporaryFile("w", encoding="utf-8", dir=folder, prefix=f".{prefix}-", suffix=".json") as draft:
            draft.write(text + "\n")
            draft.flush()
            os.fsync(draft.fileno())
            return _linked(Path(draft.name), folder, prefix)
    except OSError as error:
        raise usage(f"The plan cannot be written to {folder}: {error.strerror}.") from error


def read(path: Path) -> Plan:
    """Return the plan of a file; a file that is none, or was changed, is refused (BR006)."""
    try:
        return from_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise usage(f"{path.name} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise Refused(Code.BR006, f"{path.name}: {error}.") from error


def named(words: str, prefix: str = SYNC_PLAN, *, made_by: str = "lightspeed-sync sync --dry-run") -> Path:
    """Return the file that a person named, by its path or by how its plan's hash begins."""
    path = Path(words)
    if path.is_file():
        return path
    found, folder = {}, working_directory()
    if len(words) >= _SHORTEST_HASH:
        for path in sorted(folder.glob(f"{prefix}-*.json")):
            with suppress(OSError, ValueError):
                made = from_json(path.read_text(encoding="utf-8"))
                if made.hash.startswith(words):
                    found[made.hash] = path
    if len(found) > 1:
        raise usage(f"Several plans begin with {words}: {', '.join(sorted(found))}.")
    if not found:
        nothing = f"There is no file {printable(words)!r}, and no plan in {folder} whose hash begins so."
        raise usage(f"{nothing} `{made_by}` writes one.")
    return found.popitem()[1]


def newest(fits: Callable[[Plan], bool], prefix: str = SYNC_PLAN) -> Plan | None:
    """Return today's newest plan that fits; None where there is none."""
    fitting = filter(fits, _readable(f"{prefix}-{_today()}*.json"))
    return max(fitting, key=lambda made: made.created_at, default=None)


def _readable(pattern: str) -> Iterator[Plan]:
    """Yield the plans of the working directory; files that are none are named and left out."""
    for path in sorted(working_directory().glob(pattern)):
        try:
            found = read(path)
        except typer.Exit:  # what is wrong was told
            continue
        except Refused as error:
            complain(error.detail)
        else:
            yield found


def _today() -> str:
    """Return the day by which plans are named: where people read times, as those of reports."""
    return f"{local(SystemClock().now()):%Y%m%d}"


def _linked(draft: Path, folder: Path, prefix: str) -> Path:
    """Give a finished file the day's next free name; linking never overwrites."""
    for number in itertools.count(1):
        path = folder / f"{prefix}-{_today()}{'' if number == 1 else f'-{number}'}.json"
        with suppress(FileExistsError):
            path.hardlink_to(draft)
            return path
    raise AssertionError  # the counting never ends
