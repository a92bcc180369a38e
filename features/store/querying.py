"""How events are read back: narrowed, in order, in chunks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Connection, Select, Table, func, select

from features.store.coding import Numbers, attribute_series, instant_series, is_instant, text_series
from features.store.tables import is_word
from features.store.words import known_numbers, texts_of
from sla.instants import to_us

_SUBJECTS_AT_ONCE = 5_000


@dataclass(frozen=True)
class Narrowing:
    """Which events are wanted."""

    since_sequence: int = 0
    up_to_sequence: int | None = None
    until: datetime | None = None
    subjects: Sequence[str] | None = None  # tickets or services


def chunks(
    connection: Connection,
    table: Table,
    columns: Sequence[str],
    subject: str,
    wanted: Narrowing,
    chunk_rows: int,
    *,
    may_be_announced: bool,
) -> Iterator[pd.DataFrame]:
    """Frames of at most `chunk_rows`, in the order of the sequence (per 5,000 subjects, where some are named)."""
    query = _query(table, (*columns, "attributes"), wanted, may_be_announced)
    for narrowed in _by_subject(connection, query, table, subject, wanted.subjects):
        streamed = connection.execution_options(stream_results=True, max_row_buffer=chunk_rows).execute(narrowed)
        for rows in streamed.partitions(chunk_rows):
            yield frame_of(connection, columns, rows)


def frame_of(connection: Connection, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> pd.DataFrame:
    """Rows of an event table (`columns` and the attributes, 0 for no word) as a canonical frame."""
    names = (*columns, "attributes")
    lists: list[Sequence[Any]] = list(zip(*rows, strict=True)) or [[] for _ in names]
    numbers = {
        name: np.array(values, dtype=np.int64) for name, values in zip(names, lists, strict=True) if is_word(name)
    }
    used = np.unique(np.concatenate(list(numbers.values())))
    used = used[used > 0]
    texts = texts_of(connection, used)
    out = {}
    for name, values in zip(columns, lists, strict=False):
        if is_word(name):
            here, codes = _codes(numbers[name])
            out[name] = text_series(texts[np.searchsorted(used, here)], codes)
        else:
            out[name] = _plain(name, values)
    here, codes = _codes(numbers["attributes"])
    return pd.DataFrame({**out, **attribute_series(texts[np.searchsorted(used, here)].tolist(), codes)})


def _codes(numbers: Numbers) -> tuple[Numbers, Numbers]:
    """The distinct word numbers, and for each row its place among them, -1 for none."""
    distinct, codes = np.unique(numbers, return_inverse=True)
    if len(distinct) and distinct[0] == 0:
        return distinct[1:], codes - 1
    return distinct, codes


def _plain(name: str, values: Sequence[Any]) -> pd.Series:
    if is_instant(name):
        return instant_series(np.array(values, dtype=np.int64))
    if name == "value":
        return pd.Series(np.array(values, dtype=np.float64))
    return pd.Series(pd.array(np.array(values, dtype=object), dtype="str"))


def _query(table: Table, names: Sequence[str], wanted: Narrowing, may_be_announced: bool) -> Select[Any]:
    # Words count from 1: 0 stands for none, so that a column of them is plain integers.
    shown = [func.coalesce(table.c[name], 0) if is_word(name) else table.c[name] for name in names]
    query = select(*shown).where(table.c.sequence > wanted.since_sequence)
    if wanted.up_to_sequence is not None:
        query = query.where(table.c.sequence <= wanted.up_to_sequence)
    if wanted.until is not None:
        query = query.where(table.c.recorded_at <= to_us(wanted.until))
        if not may_be_announced:
            query = query.where(table.c.event_at <= to_us(wanted.until))
    return query.order_by(table.c.sequence)


def _by_subject(
    connection: Connection, query: Select[Any], table: Table, subject: str, subjects: Sequence[str] | None
) -> Iterator[Select[Any]]:
    if subjects is None:
        yield query
        return
    numbers = known_numbers(connection, list(dict.fromkeys(subjects)))
    for start in range(0, len(numbers), _SUBJECTS_AT_ONCE):
        yield query.where(table.c[subject].in_(numbers[start : start + _SUBJECTS_AT_ONCE]))
