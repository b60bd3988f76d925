"""Takes changes of product fields back: each is compared with what is there first, as any change of a field is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sync.catalogue.catalogue import Catalogue
from sync.products import ProductChange, ProductOutcome, ProductResult
from sync.rolling_fields import FieldBack, overruled


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One field and what becomes of it; `outcome` None: it is still to be written."""

    change: ProductChange
    outcome: ProductOutcome | None = None
    detail: str = ""


class FieldsBack:
    """Sets fields of products back."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    async def look(self, wanted: Sequence[FieldBack], forced: Sequence[str]) -> list[FieldRow]:
        """Return for each field the change that is to be written, or why it is not; nothing is written."""
        doable = [each.change for each in wanted if not each.hindrance]
        told = await self._catalogue.hindrances(doable)
        chosen = {change.key: change for change in overruled(told, forced)}
        hindered = {result.change.key: result for result in told if result.change.key not in chosen}
        by_hand = [each for each in wanted if each.hindrance]
        return [
            *(FieldRow(chosen.get(change.key, change)) for change in doable if change.key not in hindered),
            *(_row(result) for result in hindered.values()),
            *(FieldRow(each.change, ProductOutcome.REFUSED, each.hindrance) for each in by_hand),
        ]

    async def write(self, rows: Sequence[FieldRow], run_id: int) -> list[FieldRow]:
        """Write what `look` found to be written; what moved since is not."""
        results = await self._catalogue.carry_out(
            [row.change for row in rows if row.outcome is None], run_id, anyway=True
        )
        return [*(_row(result) for result in results), *(row for row in rows if row.outcome is not None)]


def _row(result: ProductResult) -> FieldRow:
    return FieldRow(result.change, result.outcome, result.detail)
