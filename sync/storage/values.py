"""How JSON columns are written and read: a library in C, since a shop's cards are some hundred thousand lists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec


def written(value: object) -> str:
    """Return a value as JSON."""
    return msgspec.json.encode(value).decode()


JSON_IN_C: Mapping[str, Any] = {"json_serializer": written, "json_deserializer": msgspec.json.decode}
