"""How a frame of events enters its table: in batches, new ones stored, known ones compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
from sqlalchemy import Connection, Table

from features.coded_events import CodedEvents
from features.plain_events import PlainEvents
from features.store.bulk import indices_deferred, load, load_new
from features.store.coded_rows import CodedRows
from features.store.coding import Numbers, arrow_texts, coded_attributes, instants_us
from features.store.columns import key_of
from features.store.comparison import Comparison, conflict_text
from features.store.engine import wide_cache
from features.store.faults import ConflictError, IdentityError
from features.store.frames import rows_of
from features.store.identity import NO_ORDINAL, is_misleading, none_looks_made, ordinals_of
from features.store.plain_rows import plain_rows
from features.store.words import WordBook

BATCH_ROWS = 100_000
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class EventTable:
    """A table of events and what its ids are made of."""

    table: Table
    columns: Sequence[str]  # of the canonical frame, in its order
    id_parts: Sequence[str]  # the subject first


@dataclass(frozen=True)
class Appended:
    """Counts of one append."""

    inserted: int
    duplicates: int
    kept: int  # `created` events that differ from the stored ones, which stay


def append(
    connection: Connection,
    events: EventTable,
    arriving: pd.DataFrame | CodedEvents | PlainEvents,
    before: int,
    progress: Progress | None,
) -> Appended:
    """What became of the events. The caller holds the writers' lock and the transaction; `before` is the last sequence.

    Raises ConflictError where an id is stored with other content. A creation is the exception: it is derived from the first
    row an export shows, so an export that begins in the middle of a ticket says it differently without contradicting anything.
    """
    book = WordBook(connection)
    inserted = kept = done = 0
    differing: list[str] = []
    with (
        wide_cache(connection, len(arriving)),
        book.index_deferred(len(arriving)),
        indices_deferred(connection, events.table, 0 if before else len(arriving)),
    ):
        for rows in _batches(book, events, arriving):
            if before:
                fresh = load_new(connection, events.table, rows)
            else:  # the ids of valid events are distinct
                load(connection, events.table, rows)
                fresh = len(rows)
            inserted += fresh
            done += len(rows)
            if fresh < len(rows):
                comparison = Comparison(connection, events.table, before, book.learn(["created"])["created"])
                kept += comparison.kept(rows, differing)
            if progress:
                progress("storing events", done, len(arriving))
    if differing:
        raise ConflictError(conflict_text(differing))
    return Appended(inserted, len(arriving) - inserted - kept, kept)


def _batches(
    book: WordBook, events: EventTable, arriving: pd.DataFrame | CodedEvents | PlainEvents
) -> Iterator[pa.Table]:
    """The rows of the table that say what the events say, some at a time."""
    if isinstance(arriving, PlainEvents):
        yield plain_rows(book, events.table, arriving, _plain_ordinals(events, arriving))
        return
    coded = CodedRows.of(book, events.table, arriving) if isinstance(arriving, CodedEvents) else None
    for start in range(0, len(arriving), BATCH_ROWS):
        if coded is not None:
            yield coded.rows(start, min(start + BATCH_ROWS, len(arriving)))
        elif isinstance(arriving, pd.DataFrame):
            yield event_rows(book, events, arriving.iloc[start : start + BATCH_ROWS])


def event_rows(book: WordBook, events: EventTable, frame: pd.DataFrame) -> pa.Table:
    """The rows of the table that say what the frame says."""
    ordinals = _ordinals(events, frame)
    is_derived = ordinals != NO_ORDINAL
    rows = rows_of(book, events.table, frame, {"attributes": coded_attributes(frame)})
    ids = pa.compute.if_else(pa.array(is_derived), pa.scalar(None, pa.large_string()), arrow_texts(frame["event_id"]))
    rows = rows.drop_columns(["event_id"])
    return rows.append_column("ordinal", pa.array(ordinals, mask=~is_derived)).append_column("event_id", ids)


def last_sequence(connection: Connection, table: Table) -> int:
    """The highest sequence number of the table, 0 if it is empty."""
    written = f"SELECT coalesce(max({key_of(table).name}), 0) FROM {table.name}"  # noqa: S608 (our own names)
    return int(connection.exec_driver_sql(written).scalar_one())


def _plain_ordinals(events: EventTable, arriving: PlainEvents) -> Numbers:
    """As `_ordinals`, without a frame where no id looks like one of ours."""
    if none_looks_made(arriving.texts["event_id"]):
        return np.full(len(arriving), NO_ORDINAL, dtype=np.int64)
    return _ordinals(events, arriving.frame())


def _ordinals(events: EventTable, frame: pd.DataFrame) -> Numbers:
    ids = arrow_texts(frame["event_id"])
    ordinals = ordinals_of(ids, [arrow_texts(frame[name]) for name in events.id_parts], instants_us(frame["event_at"]))
    others = np.flatnonzero(ordinals == NO_ORDINAL)
    if len(others):
        wrong = others[is_misleading(ids.take(pa.array(others)))]
        if len(wrong):
            row = frame.iloc[int(wrong[0])]
            said = ", ".join(f"{name} {str(row[name])!r}" for name in (*events.id_parts, "event_at"))
            raise IdentityError(
                f"{len(wrong):,} events have an id of the form {'/'.join(events.id_parts)}/instant/number that contradicts them, "
                f"first {row['event_id']!r} with {said}; nothing was stored. Give them the id that says the same as the event, "
                "or one of another form."
            )
    return ordinals
