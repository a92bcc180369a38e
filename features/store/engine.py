"""Connections to SQLite and PostgreSQL that behave alike."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from features.store.faults import StoreError

DEFAULT_URL: Final = "sqlite:///var/slacast.db"
FULL: Final = "the disk is full; nothing was stored"
CACHE_KIB: Final = 16 * 1024
"""What one SQLite connection may keep of the file; a service has several, and the machine keeps the file's pages anyway."""
_MANY_ROWS = 20_000
_WAIT_SECONDS = 30
_APPEND_LOCK = 7_236_871_001  # any number that nothing else in the database locks
_WRITES = "slacast_writes"


def make_engine(url: str) -> Engine:
    """An engine for `sqlite:///path` or `postgresql://...`; makes the folder of a new SQLite file.

    Raises StoreError for another kind of database and for a missing driver.
    """
    parsed = _parse(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite_engine(parsed)
    try:
        return create_engine(parsed.set(drivername="postgresql+psycopg"), pool_pre_ping=True)
    except ModuleNotFoundError as error:
        raise StoreError("PostgreSQL needs its driver: pip install 'slacast[postgres]'") from error


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that sees one state of the store and holds up no writer."""
    with _explained(engine), engine.connect() as connection, connection.begin():
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that commits at the end or leaves no trace; writers take turns, so that sequence numbers appear in order."""
    with _explained(engine), engine.connect().execution_options(**{_WRITES: True}) as connection, connection.begin():
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _APPEND_LOCK})
        yield connection


@contextmanager
def amending(engine: Engine) -> Iterator[Connection]:
    """A transaction that writes without waiting for a turn (in PostgreSQL): for rows that are not numbered, such as leases."""
    with _explained(engine), engine.connect().execution_options(**{_WRITES: True}) as connection, connection.begin():
        yield connection


@contextmanager
def wide_cache(connection: Connection, rows: int) -> Iterator[None]:
    """Inside, SQLite may keep 128 MiB of its file where many rows come in, so that pages of indices are written once."""
    if connection.dialect.name != "sqlite" or rows < _MANY_ROWS:
        yield
        return
    connection.exec_driver_sql("PRAGMA cache_size = -131072")
    try:
        yield
    finally:
        connection.exec_driver_sql(f"PRAGMA cache_size = -{CACHE_KIB}")


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except (ArgumentError, NoSuchModuleError, ValueError):  # the last: a port that is no number
        raise StoreError(
            f"{_shown(url)!r} is no database URL; expected {DEFAULT_URL} or postgresql://user@host/name"
        ) from None  # the driver's own error repeats the address, password and all
    if backend not in ("sqlite", "postgresql"):
        raise StoreError(
            f"{backend!r} databases are not supported; expected {DEFAULT_URL} or postgresql://user@host/name"
        )
    if backend == "sqlite" and (parsed.database or ":memory:") == ":memory:":
        raise StoreError(f"a store in memory would be lost at the end; name a file, as in {DEFAULT_URL}")
    return parsed


def _shown(url: str) -> str:
    """An address that cannot be read, with all of it left out that may be a password: what stands between scheme and last @."""
    scheme, found, rest = url.partition("://")
    if not found:
        scheme, rest = "", url
    return f"{scheme}{found}***@{rest.rpartition('@')[2]}" if "@" in rest else url


def _sqlite_engine(url: URL) -> Engine:
    file = Path(str(url.database))
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{file.parent}: the folder of the store cannot be made: {error.strerror or error}") from error
    # The connection given back last is taken first: a few are used, whose pages are in their caches, and the others stay small.
    engine = create_engine(url, connect_args={"timeout": _WAIT_SECONDS}, pool_use_lifo=True)
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself: _begin_sqlite does
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")  # readers and one writer at once
    cursor.execute("PRAGMA synchronous = FULL")  # an acknowledged event survives a power cut
    cursor.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    cursor.execute("PRAGMA temp_store = MEMORY")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A writer takes its lock at once: two that began by reading would block each other.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get(_WRITES) else "BEGIN")


@contextmanager
def _explained(engine: Engine) -> Iterator[None]:
    try:
        yield
    except (DBAPIError, engine.dialect.loaded_dbapi.Error) as error:  # bulk.py works with the driver itself
        shown = engine.url.render_as_string(hide_password=True)
        fault = error.orig if isinstance(error, DBAPIError) else error
        raise StoreError(f"{shown}: {_advice(str(fault))}") from error


def _advice(fault: str) -> str:
    first = fault.strip().splitlines()[0] if fault.strip() else "unknown fault"
    hints = {
        "database is locked": f"another process has been writing for more than {_WAIT_SECONDS} seconds; wait for it and try again",
        "not a database": "the file is not a SQLite database; name another file, or move this one away",
        "malformed": "the SQLite file is damaged; restore a backup, or move it away and import again",
        "unable to open": "the file cannot be opened; check that the folder exists and may be written to",
        "readonly": "the file may not be written to; check its permissions",
        "disk is full": FULL,
        "No space left": FULL,
        "connection": "no connection; check the address, the name and that the server runs",
    }
    hint = next((words for sign, words in hints.items() if sign in fault), "nothing was stored")
    return f"{first}: {hint}"
