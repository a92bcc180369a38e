"""Parquet files as tables: typed columns become the texts a CSV would hold, so that one mapping fits both."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.sources.faults import SourceError
from features.sources.mapping_model import FileFormat
from features.sources.table import Table
from features.sources.text_columns import coded, text_of

_TEXT = pa.large_string()


def read_parquet(name: str, content: bytes, layout: FileFormat) -> Table:
    """The rows of a Parquet file as text: instants in ISO 8601 (in UTC with Z where the column has a zone), null as empty.

    `layout` has nothing to say here: the file describes itself. Raises SourceError for a damaged file and for one without rows.
    """
    del layout
    try:
        table = pq.read_table(pa.BufferReader(content), use_threads=False)
    except (pa.ArrowException, OSError) as error:
        raise SourceError(
            f"{name}: cannot be read as Parquet, it is damaged or cut off ({error}); copy or export it again"
        ) from error
    while any(pa.types.is_struct(field.type) for field in table.schema):
        table = table.flatten()
    if not table.num_rows:
        raise SourceError(f"{name}: holds no rows; export it again with data")
    names = [str(column) for column in table.column_names]
    repeated = tuple(dict.fromkeys(column for column in names if names.count(column) > 1))
    columns = {
        column: coded(_texts(table.column(index))) for index, column in enumerate(names) if column not in repeated
    }
    numbers = np.arange(1, table.num_rows + 1)
    return Table(name, columns, numbers, numbers, table.num_rows, (), repeated, names_at="")


def _texts(column: Any) -> Any:
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = column.type
    if pa.types.is_timestamp(kind):
        # In UTC first: writing another zone's offset would need a zone database that not every machine has.
        column = column.cast(pa.timestamp("us", tz="UTC" if kind.tz else None), safe=False)
    elif pa.types.is_floating(kind):
        column = _whole(column)
    elif pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return pa.chunked_array([pa.array([_text(value) for value in column.to_pylist()], type=_TEXT)])
    return pc.fill_null(column.cast(_TEXT), "")


def _whole(column: Any) -> Any:
    """Whole numbers as such: pandas writes a column of them as 1.0, 2.0 where one is missing."""
    try:
        return column.cast(pa.int64())
    except pa.ArrowInvalid:
        return column


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return text_of(value) or ""
