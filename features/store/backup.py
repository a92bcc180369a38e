"""A copy of a SQLite store, of one instant, while others read and write."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import Engine

from features.store.faults import StoreError

_WAIT_SECONDS = 30


def back_up(engine: Engine, target: Path) -> int:
    """The size in bytes of the new file `target`, a whole and checked copy; it appears under its name when it is on disk.

    Raises StoreError for another database (pg_dump copies PostgreSQL), for a file that exists, and where the copy is damaged.
    """
    if engine.dialect.name != "sqlite":
        raise StoreError("this copies SQLite stores; for PostgreSQL use pg_dump (docs/operations.md)")
    if target.exists():
        raise StoreError(f"{target}: exists already; name a new file")
    unfinished = target.with_name(f"{target.name}.unfinished")
    try:
        unfinished.unlink(missing_ok=True)
        with closing(sqlite3.connect(str(engine.url.database), timeout=_WAIT_SECONDS)) as source:
            source.execute("VACUUM INTO ?", (str(unfinished),))
        with closing(sqlite3.connect(unfinished)) as copy:
            found = copy.execute("PRAGMA integrity_check").fetchone()[0]
        if found != "ok":
            raise StoreError(f"{engine.url.database}: its copy is damaged ({found}); keep older backups")
        with unfinished.open("rb+") as written:
            os.fsync(written.fileno())
        unfinished.rename(target)
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f"{target}: the backup failed: {error}") from error
    return target.stat().st_size
