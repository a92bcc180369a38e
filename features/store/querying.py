"""How events are read back: narrowed, in order, in chunks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from sqlalchemy import Column, Connection, Select, Table, select

from features.store.appending import EventTable
from features.store.bulk import stream
from features.store.coding import arrow_texts, attribute_series, instants_us
from features.store.frames import Arrays, arrays_of, fetched, frame_of, word_texts
from features.store.identity import derived_ids
from features.store.words import known_numbers
from sla.instants import to_us

_SUBJECTS_AT_ONCE = 5_000
_OWN = ("ordinal", "attributes", "event_id")  # what a canonical frame says otherwise


@dataclass(frozen=True)
class Narrowing:
    """Which events are wanted."""

    since_sequence: int = 0
    up_to_sequence: int | None = None
    until: datetime | None = None
    subjects: Sequence[str] | None = None  # tickets or services


def chunks(
    connection: Connection, events: EventTable, wanted: Narrowing, chunk_rows: int, *, may_be_announced: bool
) -> Iterator[pd.DataFrame]:
    """Frames of at most `chunk_rows`, in the order of the sequence (per 5,000 subjects, where some are named)."""
    columns = [column for column in events.table.columns if not column.primary_key]
    query = _query(events.table, columns, wanted, may_be_announced)
    for narrowed in _by_subject(connection, query, events.table.c[events.id_parts[0]], wanted.subjects):
        for portions in stream(connection, narrowed, chunk_rows):
            yield _canonical(connection, events, columns, arrays_of(columns, portions))


def _canonical(
    connection: Connection, events: EventTable, columns: Sequence[Column[Any]], arrays: Arrays
) -> pd.DataFrame:
    frame = frame_of(connection, [column for column in columns if column.name not in _OWN], arrays)
    ((texts, codes),) = word_texts(connection, [arrays["attributes"]])
    ids = {"event_id": _ids(events, frame, arrays)}
    series = {name: ids.get(name, frame.get(name)) for name in events.columns}
    return pd.DataFrame({**series, **attribute_series(texts.tolist(), codes)})


def _ids(events: EventTable, frame: pd.DataFrame, arrays: Arrays) -> pd.Series:
    ordinals = arrays["ordinal"]
    parts = [arrow_texts(frame[name]) for name in events.id_parts]
    ids = derived_ids(parts, instants_us(frame["event_at"]), np.maximum(ordinals, 0))
    if (ordinals < 0).any():
        own = pa.array(arrays["event_id"], type=pa.large_string())
        ids = pa.compute.coalesce(own, ids)
    return pd.Series(pd.array(ids, dtype="str"))


def _query(table: Table, columns: Sequence[Column[Any]], wanted: Narrowing, may_be_announced: bool) -> Select[Any]:
    query = select(*(fetched(column) for column in columns)).where(table.c.sequence > wanted.since_sequence)
    if wanted.up_to_sequence is not None:
        query = query.where(table.c.sequence <= wanted.up_to_sequence)
    if wanted.until is not None:
        query = query.where(table.c.recorded_at <= to_us(wanted.until))
        if not may_be_announced:
            query = query.where(table.c.event_at <= to_us(wanted.until))
    return query.order_by(table.c.sequence)


def _by_subject(
    connection: Connection, query: Select[Any], subject: Column[Any], subjects: Sequence[str] | None
) -> Iterator[Select[Any]]:
    if subjects is None:
        yield query
        return
    numbers = known_numbers(connection, list(dict.fromkeys(subjects)))
    for start in range(0, len(numbers), _SUBJECTS_AT_ONCE):
        yield query.where(subject.in_(numbers[start : start + _SUBJECTS_AT_ONCE]))
