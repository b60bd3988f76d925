"""Links again what a backup had linked and is linked no more: what is free, and of the rest what a person names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sync.clock import Clock
from sync.errors import Code
from sync.linking import Linking
from sync.mapping import Pair
from sync.mapping_ports import MapBook
from sync.matching import sku_key
from sync.rollback_ports import LinkFate, Rollbacks


@dataclass(frozen=True, slots=True)
class LinkRow:
    """One link of the past that there is no more, how it stands, and whether it is `joined` again; `code`: why not."""

    pair: Pair
    fate: LinkFate
    named: bool = False
    joined: bool = False
    code: Code | None = None

    @property
    def chosen(self) -> bool:
        """Tell whether it is to be linked again."""
        return self.fate is LinkFate.FREE or self.replacing

    @property
    def replacing(self) -> bool:
        """Tell whether another link ends for it, by a person's word."""
        return self.named and self.fate is LinkFate.OTHERWISE


class LinksBack:
    """Sets links back. Its caller has the turn, and a backup before anything is joined."""

    def __init__(self, *, rollbacks: Rollbacks, book: MapBook, linking: Linking, clock: Clock) -> None:
        self._rollbacks = rollbacks
        self._book = book
        self._linking = linking
        self._clock = clock

    async def look(self, pairs: Sequence[Pair], forced: Sequence[str]) -> list[LinkRow]:
        """Return which of these links there are no more; `forced` are SKUs that a person names."""
        named = {sku_key(sku) for sku in forced}
        lost = await self._rollbacks.links_lost(pairs)
        return [LinkRow(pair, fate, sku_key(pair.sku) in named) for pair, fate in lost.items()]

    async def join(self, rows: Sequence[LinkRow], by: str) -> list[LinkRow]:
        """Link those that are chosen, as far as they still can be (SK005, SK007)."""
        refused: dict[Pair, Code] = {}
        for replacing in (False, True):
            pairs = [row.pair for row in rows if row.chosen and row.replacing is replacing]
            if pairs:
                refused.update(await self._book.join(pairs, by, self._clock.now(), replace=replacing))
        await self._linking.link()  # what was said of these SKUs before is no problem any more
        return [
            replace(row, joined=row.pair not in refused, code=refused.get(row.pair)) if row.chosen else row
            for row in rows
        ]
