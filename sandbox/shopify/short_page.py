"""The fault SHORT_PAGE: a valid answer whose last rows are missing, with no sign of it."""

from __future__ import annotations

from typing import Any


def shorten(body: dict[str, Any]) -> dict[str, Any]:
    """Drop the last rows of every outermost list of rows and claim that nothing follows."""
    return {**body, "data": _short(body["data"])} if isinstance(body.get("data"), dict) else body


def _short(value: dict[str, Any]) -> dict[str, Any]:
    cut = {
        name: rows[: len(rows) * 2 // 3]
        for name, rows in value.items()
        if name in ("nodes", "edges") and isinstance(rows, list)
    }
    if not cut:
        return {name: _short(inner) if isinstance(inner, dict) else inner for name, inner in value.items()}
    told = {**value, **cut}
    if isinstance(value.get("pageInfo"), dict):
        told["pageInfo"] = (
            {**value["pageInfo"], "hasNextPage": False} if "hasNextPage" in value["pageInfo"] else value["pageInfo"]
        )
    return told


def shorten_lines(body: bytes) -> bytes:
    """Drop the last third of a file's lines."""
    lines = body.splitlines(keepends=True)
    return b"".join(lines[: len(lines) * 2 // 3])
