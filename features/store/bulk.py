"""Many rows at once, past SQLAlchemy's per-row work: executemany for SQLite, COPY for PostgreSQL, long lists of keys for both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias

from sqlalchemy import Connection, Table, text

Row: TypeAlias = tuple[Any, ...]

_PARAMETERS_AT_ONCE = 30_000  # SQLite allows 32,766


def load(connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Insert rows that are known to be new."""
    if connection.dialect.name == "postgresql":
        _copy(connection, table.name, columns, rows)
    else:
        _execute_many(connection, _insert(table, columns), rows)


def load_new(connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[Row]) -> int:
    """How many rows were inserted; rows whose event_id is there already are left out."""
    if connection.dialect.name != "postgresql":
        return _execute_many(connection, _insert(table, columns) + " ON CONFLICT (event_id) DO NOTHING", rows)
    names = ", ".join(columns)
    connection.execute(
        text(f"CREATE TEMPORARY TABLE IF NOT EXISTS incoming_{table.name} (LIKE {table.name}) ON COMMIT DROP")
    )
    connection.execute(text(f"ALTER TABLE incoming_{table.name} ALTER COLUMN sequence DROP NOT NULL"))
    _copy(connection, f"incoming_{table.name}", columns, rows)
    move = f"INSERT INTO {table.name} ({names}) SELECT {names} FROM incoming_{table.name} ON CONFLICT (event_id) DO NOTHING"  # noqa: S608
    inserted = connection.execute(text(move)).rowcount
    connection.execute(text(f"TRUNCATE incoming_{table.name}"))
    return inserted


def rows_with(
    connection: Connection, table: Table, columns: Sequence[str], key: str, values: Sequence[Any]
) -> Iterator[Row]:
    """The `columns` of all rows whose `key` is among `values`, in no order."""
    query = f"SELECT {', '.join(columns)} FROM {table.name} WHERE {key}"  # noqa: S608
    if connection.dialect.name == "postgresql":
        yield from (tuple(row) for row in connection.exec_driver_sql(f"{query} = ANY(%s)", (list(values),)))
        return
    for start in range(0, len(values), _PARAMETERS_AT_ONCE):
        some = tuple(values[start : start + _PARAMETERS_AT_ONCE])
        yield from (
            tuple(row) for row in connection.exec_driver_sql(f"{query} IN ({', '.join('?' * len(some))})", some)
        )


def _insert(table: Table, columns: Sequence[str]) -> str:
    # The names come from tables.py, never from outside.
    return f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"  # noqa: S608


def _execute_many(connection: Connection, statement: str, rows: Iterable[Row]) -> int:
    cursor = connection.connection.cursor()
    try:
        cursor.executemany(statement, rows)  # type: ignore[arg-type] # the driver takes any iterable, and never holds all rows
        return max(int(cursor.rowcount), 0)
    finally:
        cursor.close()


def _copy(connection: Connection, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
    cursor = connection.connection.cursor()
    try:
        with cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
    finally:
        cursor.close()
