"""Files that commands read and write: whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import NamedTemporaryFile

from monitor.cli.common import usage


def read_text(path: Path, largest: int) -> str:
    """Return a file's text; ends the program where it cannot be read, is no UTF-8, or has more bytes than `largest`."""
    try:
        with path.open("rb") as file:
            content = file.read(largest + 1)
        if len(content) > largest:
            raise usage(f"{path} is larger than {largest} bytes.")
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise usage(f"{path} is no text in UTF-8.") from error
    except OSError as error:
        raise usage(f"{path} cannot be read: {error.strerror}.") from error


def write_text(path: Path, text: str, *, overwrite: bool) -> None:
    """Write a file whole or not at all; ends the program where it is there already, or cannot be written."""
    if path.exists() and not overwrite:
        raise usage(f"{path} is there already; say --overwrite to replace it.")
    try:
        with NamedTemporaryFile("w", encoding="utf-8", newline="", dir=path.parent, prefix=".", delete=False) as draft:
            try:
                draft.write(text)
                draft.flush()
                os.fsync(draft.fileno())
                Path(draft.name).replace(path)
            except BaseException:
                Path(draft.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise usage(f"{path} cannot be written: {error.strerror}.") from error
