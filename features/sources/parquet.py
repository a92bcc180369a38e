"""Parquet files as tables: typed columns become the texts a CSV would hold, so that one mapping fits both."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.sources.faults import SourceError
from features.sources.mapping_model import FileFormat
from features.sources.table import Coded, CodedInstants, Table
from features.sources.text_columns import text_of

_TEXT = pa.large_string()


def read_parquet(name: str, content: bytes, layout: FileFormat) -> Table:
    """The rows of a Parquet file as text: instants in ISO 8601 (in UTC with Z where the column has a zone), null as empty.

    Columns are read one after the other, and only as codes of distinct values. `layout` has nothing to say here: the file
    describes itself. Raises SourceError for a damaged file and for one without rows.
    """
    del layout
    try:
        file = pq.ParquetFile(pa.BufferReader(content))
        rows = file.metadata.num_rows
        found = list(_columns(content, file.schema_arrow)) if rows else []
    except (pa.ArrowException, OSError) as error:
        raise SourceError(
            f"{name}: cannot be read as Parquet, it is damaged or cut off ({error}); copy or export it again"
        ) from error
    if not rows:
        raise SourceError(f"{name}: holds no rows; export it again with data")
    names = [column for column, _ in found]
    repeated = tuple(dict.fromkeys(column for column in names if names.count(column) > 1))
    columns = {column: coded for column, coded in found if column not in repeated}
    numbers = np.arange(1, rows + 1)
    return Table(name, columns, numbers, numbers, rows, (), repeated, names_at="")


def _columns(content: bytes, schema: Any) -> Iterator[tuple[str, Coded]]:
    """Each column and its name; the fields of a struct are columns of their own."""
    texts = [field.name for field in schema if pa.types.is_string(field.type) or pa.types.is_large_string(field.type)]
    file = pq.ParquetFile(pa.BufferReader(content), read_dictionary=texts)
    is_told_by_name = len(set(schema.names)) == len(schema.names)
    for names in [[name] for name in schema.names] if is_told_by_name else [None]:
        table = file.read(columns=names, use_threads=False)
        while any(pa.types.is_struct(field.type) for field in table.schema):
            table = table.flatten()
        for index, name in enumerate(table.column_names):
            yield str(name), _coded(table.column(index))


def _coded(column: Any) -> Coded:
    kind = column.type
    if pa.types.is_dictionary(kind) and not _is_text(kind.value_type):
        column = column.cast(kind.value_type)
        kind = column.type
    is_instant = pa.types.is_timestamp(kind)
    if is_instant:
        column = column.cast(pa.timestamp("us", tz=kind.tz), safe=False)
    elif pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        column = pa.chunked_array([pa.array([_text(value) for value in column.to_pylist()], type=_TEXT)])
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    chunks = column.unify_dictionaries().chunks
    codes = np.concatenate([chunk.indices.fill_null(-1).to_numpy(zero_copy_only=False) for chunk in chunks])
    distinct = chunks[0].dictionary
    if is_instant:
        distinct_us = distinct.cast(pa.int64()).to_numpy(zero_copy_only=False)
        return CodedInstants(codes.astype(np.int32), distinct_us, has_zone=kind.tz is not None)
    return _with_empty(codes, _texts(distinct))


def _with_empty(codes: Any, distinct: Any) -> Coded:
    """The column in which a null is the empty text; values that are written alike have one code."""
    texts = [*distinct.to_pylist(), ""]
    places, values = pd.factorize(np.array(texts, dtype=object))
    found = Coded(places[codes].astype(np.int32), np.asarray(values, dtype=object))  # code -1 is the last
    return found if (codes < 0).any() or "" in texts[:-1] else Coded(found.codes, found.values[:-1])


def _is_text(kind: Any) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _texts(values: Any) -> Any:
    if pa.types.is_floating(values.type):
        values = _whole(values)
    return pc.fill_null(values.cast(_TEXT), "")


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
