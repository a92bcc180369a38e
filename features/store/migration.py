"""Brings the database to the tables this version of the code knows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from features.store.engine import make_engine, reading, writing
from features.store.faults import StoreError


def migrate(engine: Engine) -> None:
    """Nothing; afterwards the tables are the newest. One process migrates, the others wait for it.

    Raises StoreError for a database that a newer slacast made.
    """
    with reading(engine) as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    if found == _head():
        return
    _refuse_unknown(engine, found)
    with writing(engine) as connection:  # waits for its turn, so it looks again
        found = MigrationContext.configure(connection).get_current_revision()
        if found != _head():
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


@contextmanager
def up_to_date(url: str) -> Iterator[Engine]:
    """An engine of a store whose tables are the newest, for work on the store as a whole; closed at the end."""
    engine = make_engine(url)
    try:
        migrate(engine)
        yield engine
    finally:
        engine.dispose()


def _refuse_unknown(engine: Engine, found: str | None) -> None:
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if found is not None and found not in known:
        shown = engine.url.render_as_string(hide_password=True)
        raise StoreError(
            f"{shown}: made by another version of slacast (tables {found!r}, this one knows up to {_head()!r}); use that version, or another store"
        )


@lru_cache(maxsize=1)
def _head() -> str:
    return str(ScriptDirectory.from_config(_config()).get_current_head())


def _config() -> Config:
    config = Config()
    # Alembic reads % as the start of an interpolation.
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
