"""Brings the database to the tables this version of the code knows."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from features.store.engine import reading, writing
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
