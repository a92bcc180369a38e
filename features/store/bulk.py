"""Many rows at once, past SQLAlchemy's per-row work: several rows a statement for SQLite; for PostgreSQL COPY, of few rows one statement."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import chain
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray
from sqlalchemy import BigInteger, Connection, Select, Table, cast, func, literal_column, select, text

Row: TypeAlias = tuple[Any, ...]

_UNLESS_KNOWN = " ON CONFLICT DO NOTHING"

_PARAMETERS_A_STATEMENT = 900  # every SQLite allows 999; binding several rows a statement saves a third of the time
_PARAMETERS_A_LOOKUP = 900
_PORTION_ROWS = 10_000
FEW_ROWS = 20
"""So few rows PostgreSQL gets as values of one statement: five events in 2.5 ms, by COPY into a temporary table and from there in 4.4."""
_WORTH_DEFERRING_ROWS = 20_000


def load(connection: Connection, table: Table, rows: pa.Table) -> None:
    """Insert rows that are known to be new; the columns not named are NULL or counted up."""
    if connection.dialect.name == "postgresql":
        (_copy if len(rows) > FEW_ROWS else _insert_values)(connection, table.name, rows)
    else:
        _insert(connection, table.name, rows, "")


def load_new(connection: Connection, table: Table, rows: pa.Table) -> int:
    """How many rows were inserted; those that a unique index holds already are left out."""
    if connection.dialect.name != "postgresql":
        return _insert(connection, table.name, rows, _UNLESS_KNOWN)
    if len(rows) <= FEW_ROWS:
        return _insert_values(connection, table.name, rows, _UNLESS_KNOWN)
    names = ", ".join(rows.column_names)
    incoming = load_incoming(connection, table, rows)
    move = f"INSERT INTO {table.name} ({names}) SELECT {names} FROM {incoming}{_UNLESS_KNOWN}"  # noqa: S608
    return connection.execute(text(move)).rowcount


def load_incoming(connection: Connection, table: Table, rows: pa.Table) -> str:
    """The name of a temporary table with the columns of `table`, which holds these rows and no others."""
    name = f"incoming_{table.name}"
    is_postgres = connection.dialect.name == "postgresql"
    ends = " ON COMMIT DROP" if is_postgres else ""
    shape = f"SELECT * FROM {table.name} WHERE 1 = 0"  # noqa: S608
    connection.execute(text(f"CREATE TEMPORARY TABLE IF NOT EXISTS {name}{ends} AS {shape}"))
    connection.execute(text(f"DELETE FROM {name}"))  # noqa: S608
    if is_postgres:
        _copy(connection, name, rows)
        connection.execute(text(f"ANALYZE {name}"))
    else:
        _insert(connection, name, rows, "")
    return name


@contextmanager
def indices_deferred(connection: Connection, table: Table, rows: int) -> Iterator[None]:
    """Inside, an empty table takes many rows without its indices, which are made at the end: a quarter less work."""
    is_worth_it = rows >= _WORTH_DEFERRING_ROWS
    indices = sorted(table.indexes, key=lambda index: str(index.name)) if is_worth_it else []
    for index in indices:
        index.drop(connection)
    yield
    for index in indices:
        index.create(connection)


def rows_with(
    connection: Connection, table: Table, columns: Sequence[str], key: str, values: Sequence[Any], also: str = ""
) -> Iterator[Row]:
    """The `columns` of all rows whose `key` is among `values` (and that fulfil a condition of plain numbers), in no order."""
    query = f"SELECT {', '.join(columns)} FROM {table.name} WHERE {key}"  # noqa: S608
    cursor = connection.connection.cursor()
    try:
        if connection.dialect.name == "postgresql":
            cursor.execute(f"{query} = ANY(%s){also}", (list(values),))
            yield from cursor.fetchall()
            return
        for start in range(0, len(values), _PARAMETERS_A_LOOKUP):
            some = tuple(values[start : start + _PARAMETERS_A_LOOKUP])
            cursor.execute(f"{query} IN ({', '.join('?' * len(some))}){also}", some)
            yield from cursor.fetchall()
    finally:
        cursor.close()


def stream(connection: Connection, query: Select[Any], chunk_rows: int) -> Iterator[Iterator[list[Row]]]:
    """The rows of a query in chunks, each in portions of some thousand rows. Its values must be plain numbers.

    Whoever reads turns each portion into arrays before taking the next: rows as tuples are large, and many of them keep the
    garbage collector busy.
    """
    written = _literal(connection, query)
    if connection.dialect.name == "postgresql":
        cursor = connection.connection.cursor(name="slacast_stream")  # one with a name stays at the server
        cursor.execute(written, binary=True)  # type: ignore[call-arg]
    else:
        cursor = connection.connection.cursor()
        cursor.execute(written)
    try:
        while first := cursor.fetchmany(min(_PORTION_ROWS, chunk_rows)):
            yield _portions(cursor, list(first), chunk_rows)
    finally:
        cursor.close()


def integers(connection: Connection, query: Select[Any], chunk_rows: int) -> Iterator[list[NDArray[np.int64]]]:
    """The columns of a query as arrays, in chunks. They are whole numbers, never NULL; the first is a key and gives the order.

    The database writes each column of a chunk as one value, which is quicker than fetching rows: SQLite as a text of numbers,
    PostgreSQL as their eight bytes.
    """
    key = query.selected_columns[0]
    unread = query
    while True:
        columns = _whole_columns(connection, unread.order_by(key).limit(chunk_rows))
        if not columns:
            return
        if not (columns[0][1:] > columns[0][:-1]).all():  # neither database promises the order, both keep it
            order = np.argsort(columns[0])
            columns = [column[order] for column in columns]
        yield columns
        if len(columns[0]) < chunk_rows:
            return
        unread = query.where(key > int(columns[0][-1]))


def _whole_columns(connection: Connection, query: Select[Any]) -> list[NDArray[np.int64]]:
    """The columns of whole numbers that a query gives, none where it gives no row."""
    page = query.subquery()
    if connection.dialect.name != "postgresql":
        written = select(*(func.group_concat(column) for column in page.columns))
        texts = connection.exec_driver_sql(_literal(connection, written)).one()
        return [] if texts[0] is None else [np.fromstring(text, dtype=np.int64, sep=",") for text in texts]
    sent = (func.int8send(cast(column, BigInteger)) for column in page.columns)
    written = select(*(func.string_agg(one, literal_column("''::bytea")) for one in sent))
    cursor = connection.connection.cursor()
    try:
        cursor.execute(_literal(connection, written), binary=True)  # type: ignore[call-arg]
        values: Row = cursor.fetchone() or (None,)
    finally:
        cursor.close()
    return [] if values[0] is None else [np.frombuffer(value, dtype=">i8").astype(np.int64) for value in values]


def _literal(connection: Connection, query: Select[Any]) -> str:
    return str(query.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True}))


def _portions(cursor: Any, first: list[Row], chunk_rows: int) -> Iterator[list[Row]]:
    rows = first
    left = chunk_rows
    while rows:
        left -= len(rows)
        yield rows
        rows = list(cursor.fetchmany(min(_PORTION_ROWS, left))) if left else []


def objects(column: pa.Array) -> NDArray[np.object_]:
    """Python values, None where missing; quicker than Arrow's own way from a number to an object."""
    if pa.types.is_large_string(column.type):
        return np.asarray(column.to_numpy(zero_copy_only=False), dtype=object)
    values = column.fill_null(False if pa.types.is_boolean(column.type) else 0).to_numpy(zero_copy_only=False)
    objects: NDArray[np.object_] = values.astype(object)
    if column.null_count:
        objects[column.is_null().to_numpy(zero_copy_only=False)] = None
    return objects


def _insert(connection: Connection, name: str, rows: pa.Table, ending: str) -> int:
    """How many rows SQLite took. The names come from tables.py, never from outside."""
    places = _places(rows)
    if not places:
        return 0
    width = max(places.values()) + 1
    at_once = max(1, _PARAMETERS_A_STATEMENT // width)
    named = tuple(places.items())
    whole = len(rows) - len(rows) % at_once
    matrix = np.empty((len(rows), width), dtype=object)
    for column, place in places.items():
        matrix[:, place] = objects(rows[column].combine_chunks())
    packed = matrix[:whole].reshape(whole // at_once, at_once * width).tolist()
    cursor = connection.connection.cursor()
    try:
        inserted = 0
        if packed:
            cursor.executemany(_insertion(name, named, at_once, ending), packed)
            inserted = max(int(cursor.rowcount), 0)
        cursor.executemany(_insertion(name, named, 1, ending), matrix[whole:].tolist())
        return inserted + max(int(cursor.rowcount), 0)
    finally:
        cursor.close()


def _insert_values(connection: Connection, name: str, rows: pa.Table, ending: str = "") -> int:
    """How many of few rows PostgreSQL took."""
    columns = [one for one in rows.column_names if rows[one].null_count < len(rows)]
    if not columns:
        return 0
    values = zip(*(objects(rows[one].combine_chunks()).tolist() for one in columns), strict=True)
    cursor = connection.connection.cursor()
    try:
        cursor.execute(_values_insertion(name, tuple(columns), len(rows), ending), [*chain.from_iterable(values)])
        return max(int(cursor.rowcount), 0)
    finally:
        cursor.close()


@lru_cache(maxsize=256)
def _values_insertion(name: str, columns: tuple[str, ...], rows: int, ending: str) -> str:
    row = f"({', '.join(['%s'] * len(columns))})"
    return f"INSERT INTO {name} ({', '.join(columns)}) VALUES {', '.join([row] * rows)}{ending}"  # noqa: S608


@lru_cache(maxsize=256)
def _insertion(name: str, places: tuple[tuple[str, int], ...], rows: int, ending: str) -> str:
    """The statement for so many rows at once, each with a parameter a place."""
    width = max(place for _, place in places) + 1
    values = [", ".join(f"?{row * width + place + 1}" for _, place in places) for row in range(rows)]
    columns = ", ".join(column for column, _ in places)
    return f"INSERT INTO {name} ({columns}) VALUES ({'), ('.join(values)}){ending}"  # noqa: S608


def _places(rows: pa.Table) -> dict[str, int]:
    """The parameter of each column that is not empty; columns with equal values, as happened and recorded, share one."""
    places: dict[str, int] = {}
    distinct: list[Any] = []
    for name in rows.column_names:
        column = rows[name]
        if column.null_count == len(rows):
            continue
        same = next((place for place, other in enumerate(distinct) if other.equals(column)), len(distinct))
        if same == len(distinct):
            distinct.append(column)
        places[name] = same
    return places


def _copy(connection: Connection, name: str, rows: pa.Table) -> None:
    written = io.BytesIO()
    options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="needed")
    pyarrow.csv.write_csv(rows, written, options)
    cursor = connection.connection.cursor()
    try:
        columns = ", ".join(rows.column_names)
        with cursor.copy(f"COPY {name} ({columns}) FROM STDIN (FORMAT csv)") as copy:
            copy.write(written.getbuffer())
    finally:
        cursor.close()
