"""A link's memory as columns and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sync.stock import Memory, OpenWrite, Quarantine, UpwardDrift

_WRITE = ("before", "after", "base", "drift_after", "drift_before")
_PLAIN = ("base", "shortfall", "differs", "unsettled", "unsettled_since")
COLUMNS = (
    *_PLAIN,
    *(f"write_{name}" for name in _WRITE),
    "upward_units",
    "upward_since",
    "quarantine_units",
    "quarantine_since",
)


def to_columns(memory: Memory) -> dict[str, Any]:
    """Return the memory's values by column."""
    write, upward, quarantine = memory.open_write, memory.upward, memory.quarantine
    values = {name: getattr(memory, name) for name in _PLAIN}
    values |= {f"write_{name}": getattr(write, name, None) for name in _WRITE}
    values |= {"upward_units": getattr(upward, "units", None), "upward_since": getattr(upward, "since", None)}
    values |= {"quarantine_units": getattr(quarantine, "units", None)}
    values |= {"quarantine_since": getattr(quarantine, "since", None)}
    return values


def from_columns(row: Mapping[str, Any]) -> Memory:
    """Return the memory that a row of `links` holds."""
    has_write = row["write_after"] is not None
    return Memory(
        **{name: row[name] for name in _PLAIN},
        open_write=OpenWrite(**{name: row[f"write_{name}"] for name in _WRITE}) if has_write else None,
        upward=None if row["upward_units"] is None else UpwardDrift(row["upward_units"], row["upward_since"]),
        quarantine=None
        if row["quarantine_units"] is None
        else Quarantine(row["quarantine_units"], row["quarantine_since"]),
    )
