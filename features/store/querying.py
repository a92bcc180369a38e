"""How events are read back: narrowed, in order, in chunks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from sqlalchemy import BigInteger, Column, ColumnElement, Connection, Table, and_, case, cast, func, or_, select

from features.store.appending import EventTable
from features.store.bulk import Row, integers, stream
from features.store.coding import arrow_texts, attribute_series, instants_us
from features.store.columns import NUMBER, TEXT, held_by, key_of
from features.store.frames import Arrays, arrays_of, fetched, frame_of, word_texts
from features.store.identity import derived_ids
from features.store.words import known_numbers
from sla.instants import to_us

_SUBJECTS_AT_ONCE = 5_000
_EXACT = 2**53
_NO_WHOLE = -_EXACT
Portions: TypeAlias = Iterator[list[Row]]

_OWN = ("sequence", "ordinal", "attributes", "event_id")  # what a canonical frame says otherwise


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
    for columns, arrays in fetched_chunks(connection, events, wanted, chunk_rows, may_be_announced=may_be_announced):
        yield _canonical(connection, events, columns, arrays)


def fetched_chunks(
    connection: Connection, events: EventTable, wanted: Narrowing, chunk_rows: int, *, may_be_announced: bool
) -> Iterator[tuple[list[Column[Any]], dict[str, NDArray[Any]]]]:
    """The same as columns of the table and the array of each by its name: words by number, instants as microseconds."""
    key = key_of(events.table)
    plain = [column for column in events.table.columns if held_by(column) not in (TEXT, NUMBER)]
    others = [column for column in events.table.columns if held_by(column) in (TEXT, NUMBER)]
    counts = [column for column in others if held_by(column) == NUMBER]
    conditions = _conditions(events.table, wanted, may_be_announced)
    for narrowed in _by_subject(connection, conditions, events.table.c[events.id_parts[0]], wanted.subjects):
        query = select(*(fetched(column) for column in plain), *(_whole(column) for column in counts)).where(*narrowed)
        rest = select(key, *others).where(*narrowed, or_(*(_is_rare(column) for column in others)))
        for numbers in integers(connection, query, chunk_rows):
            arrays = dict(zip((column.name for column in (*plain, *counts)), numbers, strict=True))
            sequence = arrays[key.name]
            here = rest.where(key.between(int(sequence[0]), int(sequence[-1]))).order_by(key)
            arrays |= _beside(arrays, [key, *others], stream(connection, here, chunk_rows))
            yield [*plain, *others], arrays


def _whole(column: Column[Any]) -> ColumnElement[Any]:
    """The number where it is a whole one that a float holds exactly, and not zero, which has a sign; else _NO_WHOLE."""
    whole = cast(column, BigInteger)
    exact = case((and_(column == whole, column != 0), whole), else_=_NO_WHOLE)
    return case((func.abs(column) < _EXACT, exact), else_=_NO_WHOLE)  # first, as no larger one can be cast


def _is_rare(column: Column[Any]) -> ColumnElement[bool]:
    """Whether the row is read one by one for this column: it has a text, or a number that is no whole one."""
    is_there = column.is_not(None)
    return and_(is_there, _whole(column) == _NO_WHOLE) if held_by(column) == NUMBER else is_there


def _beside(arrays: Arrays, columns: Sequence[Column[Any]], found: Iterable[Portions]) -> dict[str, NDArray[Any]]:
    """The columns that few rows have, with nothing in all other rows, and numbers with the whole ones read already."""
    key, *others = columns
    some = arrays_of(columns, (rows for portions in found for rows in portions))
    at = np.searchsorted(arrays[key.name], some[key.name])
    out: dict[str, NDArray[Any]] = {}
    for column in others:
        if held_by(column) == NUMBER:
            whole = arrays[column.name]
            out[column.name] = np.where(whole == _NO_WHOLE, np.nan, whole)
        else:
            out[column.name] = np.full(len(arrays[key.name]), None, dtype=object)
        out[column.name][at] = some[column.name]
    return out


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


def _conditions(table: Table, wanted: Narrowing, may_be_announced: bool) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [table.c.sequence > wanted.since_sequence]
    if wanted.up_to_sequence is not None:
        conditions.append(table.c.sequence <= wanted.up_to_sequence)
    if wanted.until is not None:
        conditions.append(table.c.recorded_at <= to_us(wanted.until))
        if not may_be_announced:
            conditions.append(table.c.event_at <= to_us(wanted.until))
    return conditions


def _by_subject(
    connection: Connection,
    conditions: list[ColumnElement[bool]],
    subject: Column[Any],
    subjects: Sequence[str] | None,
) -> Iterator[list[ColumnElement[bool]]]:
    if subjects is None:
        yield conditions
        return
    numbers = known_numbers(connection, list(dict.fromkeys(subjects)))
    for start in range(0, len(numbers), _SUBJECTS_AT_ONCE):
        yield [*conditions, subject.in_(numbers[start : start + _SUBJECTS_AT_ONCE])]
