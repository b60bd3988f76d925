"""Brings the tables of an older database up to date, inside the caller's transaction: all of it or nothing.

A change of `tables.py` needs a module in `versions/` and its number in `opening.REVISIONS`.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config


def configuration() -> Config:
    """Return Alembic's configuration; it needs no file and works from the installed package."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def upgrade(connection: sa.Connection, revision: str = "head") -> None:
    """Run the migrations up to `revision`."""
    config = configuration()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
