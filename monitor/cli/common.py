"""What the commands share: settings, exit codes, errors in words, output for people and for programs."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path
from typing import Any, TypeVar

import typer
from rich.console import Console

from monitor.alerts_model import AlertsFile
from sync.config import ConfigurationError, load_settings, old_names
from sync.errors import Code, Refused, SyncError, Transient
from sync.settings import Settings

T = TypeVar("T")

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

_UNREACHABLE = {Code.LS001, Code.LS004, Code.LS005, Code.LS006, Code.SH001, Code.SH004, Code.SH005, Code.SH006}


class Exit(IntEnum):
    """The exit codes."""

    DONE = 0
    WRONG = 1
    USAGE = 2
    REFUSED = 3
    UNREACHABLE = 4


def exit_code(code: Code | None) -> Exit:
    """Return the exit code of something that failed with a catalogue code."""
    return Exit.UNREACHABLE if code in _UNREACHABLE else Exit.WRONG


@contextmanager
def telling() -> Iterator[None]:
    """Turn our errors into a sentence with its remedy, and into an exit code."""
    try:
        yield
    except ConfigurationError as error:
        err.print(str(error), markup=False)
        raise typer.Exit(Exit.USAGE) from None
    except SyncError as error:
        if error.code.name.startswith("CF"):  # mistakes of ours to correct, each told with its remedy
            err.print(str(error), markup=False)
            raise typer.Exit(Exit.USAGE) from None
        err.print(f"{error}\n{error.remedy}", markup=False)
        if isinstance(error, Refused):
            raise typer.Exit(Exit.REFUSED) from None
        unreachable = isinstance(error, Transient) or error.code in _UNREACHABLE
        raise typer.Exit(Exit.UNREACHABLE if unreachable else Exit.WRONG) from None


def settings(*, have: tuple[str, ...] = ()) -> Settings:
    """Return the checked settings; ends the program with every mistake told."""
    from monitor.cli.logs import configure

    with telling():
        found = load_settings(os.environ, have=have)
    for mistake in old_names(os.environ):
        err.print(str(mistake), markup=False)
    configure(found)
    return found


def alerts(chosen: Settings) -> AlertsFile:
    """Return the checked alerts file; ends the program with every mistake told."""
    from monitor.alerts_file import load_alerts

    with telling():
        return load_alerts(chosen.alerts_file)


def run(work: Callable[[], Awaitable[T]]) -> T:
    """Run a command's asynchronous part."""

    async def whole() -> T:
        return await work()

    with telling():
        return asyncio.run(whole())


def say_json(value: Any) -> None:
    """Print data for a program."""
    sys.stdout.write(json.dumps(value, indent=1, default=str, ensure_ascii=True) + "\n")


def usage(sentence: str) -> typer.Exit:
    """Say what is wrong with how a command was called."""
    err.print(sentence, markup=False)
    return typer.Exit(Exit.USAGE)


def working_directory() -> Path:
    """Return where plans are written and looked for."""
    return Path.cwd()


def rows(mapping: Mapping[str, object]) -> None:
    """Print names and values, aligned."""
    width = max((len(name) for name in mapping), default=0)
    for name, value in mapping.items():
        out.print(f"{name:<{width}}  {value}", markup=False)
