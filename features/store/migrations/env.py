"""Run by Alembic: the connection, its transaction and its lock are features/store/migration.py's."""

from alembic import context

from features.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
