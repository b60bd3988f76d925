"""What every signal was at each judging of the rules: one row a judging, read back as series."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from sync.storage.tables import evaluations

_RECORD = sa.insert(evaluations)
_DIGITS = 6  # that count: a tenth of a second of a day, a thousandth of a per cent


def record_evaluation(connection: Connection, values: Mapping[str, float | None], now: datetime) -> None:
    """Keep what each signal was; None: it had no number."""
    kept = {name: _short(value) for name, value in values.items()}
    connection.execute(_RECORD, {"at": now, "samples": kept})


def history(
    connection: Connection, since: datetime, signals: Collection[str]
) -> Mapping[str, Sequence[tuple[datetime, float | None]]]:
    """Return what these signals were at each judging from `since` on, oldest first; None where there was no number.

    A judging from before a signal existed is missing in its series.
    """
    select = sa.select(evaluations.c.at, evaluations.c.samples).where(evaluations.c.at >= since)
    found: dict[str, list[tuple[datetime, float | None]]] = {name: [] for name in signals}
    for at, samples in connection.execute(select.order_by(evaluations.c.at, evaluations.c.id)):
        for name, series in found.items():
            if name in samples:
                series.append((at, samples[name]))
    return found


def _short(value: float | None) -> float | None:
    """Return the number without the digits that nobody judges by, and as a whole one where it is one."""
    if value is None or not math.isfinite(value):
        return None
    rounded = float(f"{value:.{_DIGITS}g}")
    return int(rounded) if rounded.is_integer() else rounded
