"""Cells of CSV files that spreadsheets take for text: what a spreadsheet would compute gets an apostrophe before it."""

from __future__ import annotations

_COMPUTED = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\t", "\r", "\n")  # full-width forms too


def guarded(cell: object) -> str:
    """Return a cell's text that no spreadsheet computes; `plain` undoes it."""
    text = "" if cell is None else str(cell)
    return f"'{text}" if text.lstrip("'").startswith(_COMPUTED) and not _is_number(text) else text


def plain(cell: str) -> str:
    """Return what `guarded` was given."""
    return cell[1:] if cell.startswith("'") and cell.lstrip("'").startswith(_COMPUTED) else cell


def _is_number(text: str) -> bool:
    """Tell whether a text is a negative number as we write it, which a spreadsheet may take as one."""
    return text[:1] == "-" and text[1:].replace(".", "", 1).isdecimal() and text.isascii()
