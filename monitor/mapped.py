"""How an answer tells what became of pairs that were to be linked."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import TypeAdapter

from sync.mapping import Mapped

MAPPED = TypeAdapter(Sequence[Mapped])
