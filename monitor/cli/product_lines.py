"""Writes of product fields, as `why` tells them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from monitor.units import written_second
from sync.catalogue.compare import money
from sync.catalogue.texts import excerpt
from sync.products import ChangeKind, Field, ProductChange, ProductWrite

_LONGEST = 40  # characters of a text; both sides of a change fit into a line


def told_change(change: ProductChange) -> str:
    """Return one change in words: what becomes what."""
    if change.kind is ChangeKind.CREATE:
        return f"product made: {change.after['title']}"
    if change.kind is ChangeKind.RETIRE:
        was, will = change.before["status"], change.after["status"]
        status = f"status: {was} -> {will}" if was != will else f"stays {was}"
        units = units_taken(change)
        return f"{status}, stock {units} -> 0" if units else status
    return f"{change.field.value}: {_shown(change.field, change.before)} -> {_shown(change.field, change.after)}"


def units_taken(change: ProductChange) -> int:
    """Return how many units a change takes off sale."""
    return sum(change.before["available"].values()) if change.kind is ChangeKind.RETIRE else 0


def product_lines(write: ProductWrite) -> Iterator[str]:
    """Yield one write of a product as lines: what became what, how it ended, and why."""
    change = write.change
    outcome = write.outcome.value if write.outcome else "on its way"
    code = f"; {write.code} {write.detail}".rstrip() if write.code else ""
    ended = f"({outcome}; run {write.run_id}, product write {write.write_id}{code})"
    yield f"{written_second(write.at)}  {told_change(change)}  {ended}"
    yield f"    {change.reason}"


def _shown(field: Field, value: Any) -> str:
    """Return a value of a field for a line."""
    if field is Field.PRICE:
        return "none" if value is None else money(value)
    if isinstance(value, list):
        return f"{len(value)} pictures" if field is Field.IMAGES else f"[{', '.join(map(str, value))}]"
    return f"“{excerpt(str(value), _LONGEST)}”" if value else "nothing"
