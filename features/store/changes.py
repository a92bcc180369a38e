"""Rows that say what is in force from an instant on: stored only where they say something new, read as of an instant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Select,
    Subquery,
    Table,
    alias,
    and_,
    column,
    func,
    insert,
    or_,
    select,
    table,
)

from features.store.bulk import load_incoming, stream
from features.store.columns import key_of
from features.store.frames import arrays_of, conformed, fetched, frame_of, required, rows_of
from features.store.words import WordBook


@dataclass(frozen=True)
class Changes:
    """A table whose rows are in force for their subject until a later one is, by `at`."""

    table: Table
    subject: Sequence[str]
    at: str
    material: Sequence[str]  # columns whose change is worth a row
    tolerances: Mapping[str, float] = field(default_factory=dict)  # of those that are numbers

    def append(self, connection: Connection, frame: pd.DataFrame) -> int:
        """How many rows were stored; each is compared with what is in force at its instant, those before it in the frame included."""
        frame = conformed(self.table, frame, required(self.table))
        if frame.empty:
            return 0
        book = WordBook(connection)
        return sum(self._append_wave(connection, book, wave) for wave in self._waves(frame))

    def in_force(self, wanted: Sequence[ColumnElement[bool]]) -> Select[Any]:
        """The query for the last row of each subject among those that fulfil the conditions."""
        rows = self.table
        ranked = select(
            *(fetched(one).label(one.name) for one in rows.columns),
            func.row_number()
            .over(
                partition_by=[rows.c[name] for name in self.subject],
                order_by=[rows.c[self.at].desc(), key_of(rows).desc()],
            )
            .label("place"),
        )
        last: Subquery = ranked.where(*wanted).subquery()
        return (
            select(*(last.c[one.name] for one in rows.columns))
            .where(last.c.place == 1)
            .order_by(last.c[key_of(rows).name])
        )

    def _waves(self, frame: pd.DataFrame) -> Iterator[pd.DataFrame]:
        """The frame in parts with one row a subject, earlier instants first: each is compared with what the last one left."""
        if not frame.duplicated(list(self.subject)).any():
            yield frame
            return
        ordered = frame.sort_values(self.at, kind="stable")
        number = ordered.groupby(list(self.subject), sort=False).cumcount().to_numpy()
        for wave in range(int(number.max()) + 1):
            yield ordered.loc[np.asarray(number == wave)]

    def _append_wave(self, connection: Connection, book: WordBook, frame: pd.DataFrame) -> int:
        rows = rows_of(book, self.table, frame, {})
        names = [one.name for one in self.table.columns if not one.primary_key]
        incoming = table(load_incoming(connection, self.table, rows), *(column(name) for name in names)).alias("i")
        earlier, last = alias(self.table, "earlier"), alias(self.table, "last")
        before = (
            select(earlier.c[key_of(self.table).name])
            .where(*(earlier.c[name] == incoming.c[name] for name in self.subject))
            .where(earlier.c[self.at] <= incoming.c[self.at])
            .order_by(*(earlier.c[name].desc() for name in (*self.subject, self.at, key_of(self.table).name)))
            .limit(1)
            .correlate(incoming)
            .scalar_subquery()
        )
        key = last.c[key_of(self.table).name]
        is_new = or_(key.is_(None), *(self._differs(name, last.c[name], incoming.c[name]) for name in self.material))
        news = select(*(incoming.c[name] for name in names)).select_from(incoming.outerjoin(last, key == before))
        counting = connection.execution_options(preserve_rowcount=True)
        return counting.execute(insert(self.table).from_select(names, news.where(is_new))).rowcount

    def _differs(self, name: str, old: ColumnElement[Any], new: ColumnElement[Any]) -> ColumnElement[bool]:
        if name not in self.tolerances:
            return old.is_distinct_from(new)
        return or_(
            and_(old.is_(None), new.is_not(None)),
            and_(old.is_not(None), new.is_(None)),
            func.abs(old - new) > self.tolerances[name],
        )


def stream_frames(connection: Connection, of: Table, query: Select[Any], chunk_rows: int) -> Iterator[pd.DataFrame]:
    """Frames of at most `chunk_rows` with all columns of the table; the query selects them in its order, `fetched`."""
    columns: list[Column[Any]] = list(of.columns)
    for portions in stream(connection, query, chunk_rows):
        yield frame_of(connection, columns, arrays_of(columns, portions))


def all_of(connection: Connection, of: Table, query: Select[Any], chunk_rows: int) -> pd.DataFrame:
    """As `stream_frames`, in one frame; without a row it has the columns all the same."""
    found = list(stream_frames(connection, of, query, chunk_rows))
    return (
        pd.concat(found, ignore_index=True)
        if found
        else frame_of(connection, list(of.columns), arrays_of(list(of.columns), []))
    )
