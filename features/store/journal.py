"""Tables to which rows are only added, each once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd
from sqlalchemy import ColumnElement, Connection, Engine, Table, select

from features.store.bulk import load_new
from features.store.changes import all_of
from features.store.columns import WORD, held_by, key_of
from features.store.engine import reading, writing
from features.store.frames import conformed, fetched, required, rows_of
from features.store.words import WordBook, known_numbers
from sla.instants import to_us

CHUNK_ROWS = 100_000


@dataclass(frozen=True)
class Added:
    """What an append did."""

    inserted: int
    duplicates: int  # there already, by their identity; the stored ones stay as they are


@dataclass(frozen=True)
class Journal:
    """A table with a unique identity (or none) and an instant at which each row was written."""

    engine: Engine
    table: Table
    at: str

    def append(self, frame: pd.DataFrame, notes: Sequence[Callable[[Connection, Added], None]] = ()) -> Added:
        """How many rows are new, in one transaction. Raises StoreError for other columns and for missing values.

        `notes` are stored in the same transaction: see audit_note.
        """
        frame = conformed(self.table, frame, required(self.table))
        with writing(self.engine) as connection:
            inserted = load_new(connection, self.table, rows_of(WordBook(connection), self.table, frame, {}))
            added = Added(inserted, len(frame) - inserted)
            for note in notes:
                note(connection, added)
        return added

    def read(
        self, since: datetime | None = None, until: datetime | None = None, values: Mapping[str, Any] | None = None
    ) -> pd.DataFrame:
        """The rows written between two instants, both included, with these values, in the order of storing."""
        with reading(self.engine) as connection:
            wanted = self.conditions(connection, values or {})
            wanted += [] if since is None else [self.table.c[self.at] >= to_us(since)]
            wanted += [] if until is None else [self.table.c[self.at] <= to_us(until)]
            return self.frame(connection, wanted)

    def frame(self, connection: Connection, wanted: Sequence[ColumnElement[bool]]) -> pd.DataFrame:
        """The rows that fulfil the conditions, in the order of storing."""
        query = select(*(fetched(column) for column in self.table.columns)).where(*wanted)
        return all_of(connection, self.table, query.order_by(key_of(self.table)), CHUNK_ROWS)

    def conditions(self, connection: Connection, values: Mapping[str, Any]) -> list[ColumnElement[bool]]:
        """That each column has its value; None asks for nothing."""
        wanted: list[ColumnElement[bool]] = []
        for name, value in values.items():
            if value is not None:
                column = self.table.c[name]
                is_word = held_by(column) == WORD
                wanted.append(column.in_(known_numbers(connection, [value]) if is_word else [value]))
        return wanted
