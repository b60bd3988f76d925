"""Alembic's entry: runs the migrations on the connection it is handed, in that connection's transaction."""

from __future__ import annotations

from alembic import context

from sync.storage.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
