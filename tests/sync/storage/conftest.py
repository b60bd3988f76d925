"""Tests of the storage run on either database, where they say so."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sync.storage.build import elsewhere


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=[pytest.mark.peer, pytest.mark.slow])])
def either_database(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let `open_migrated` open a SQLite file, then a database of PostgreSQL that has been emptied."""
    before = elsewhere.address
    if request.param == "postgresql":
        elsewhere.address = request.getfixturevalue("postgres").emptied
    yield
    elsewhere.address = before
