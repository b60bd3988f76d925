"""How an answer tells what became of pairs that were to be linked, and of items that were to be made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from pydantic import TypeAdapter

from sync.errors import Code
from sync.item_making import ItemDraft, MadeItem, MakeOutcome
from sync.mapping import Mapped

MAPPED = TypeAdapter(Sequence[Mapped])


def told(made: MadeItem) -> dict[str, Any]:
    """Return what became of an item as JSON can hold it; codes by name."""
    return asdict(made) | {"outcome": made.outcome.name, "code": made.code.name if made.code else None}


def heard(answer: Mapping[str, Any]) -> MadeItem:
    """Return what `told` was given."""
    draft, code = answer["draft"], answer["code"]
    return MadeItem(
        sku=answer["sku"],
        outcome=MakeOutcome[answer["outcome"]],
        draft=None if draft is None else ItemDraft(**draft),
        item_id=answer["item_id"],
        detail=answer["detail"],
        code=None if code is None else Code[code],
    )
