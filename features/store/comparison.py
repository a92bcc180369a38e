"""Events that arrive again beside what is stored under their ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
from sqlalchemy import Connection, Table

from features.store.bulk import Row, objects, rows_with
from features.store.columns import INSTANT, WORD, held_by
from features.store.identity import derived_ids
from features.store.words import texts_of

_EXAMPLES = 3


@dataclass(frozen=True)
class Comparison:
    """Arriving rows of an event table beside the stored rows with the same identity."""

    connection: Connection
    table: Table
    before: int  # the last sequence number before this append
    created: int  # the word

    def kept(self, rows: pa.Table, differing: list[str]) -> int:
        """How many creations differ; other differences are described in `differing`, the first few in words."""
        names = list(rows.column_names)
        derived = itemgetter(*(names.index(name) for name in self._identity))
        kind, own = names.index("kind"), names.index("event_id")
        arriving = {derived(row) if row[own] is None else row[own]: row for row in _tuples(rows)}
        kept = 0
        for stored in self._stored(rows, names):
            row = arriving.get(derived(stored) if stored[own] is None else stored[own], stored)
            if row == stored:
                continue
            if stored[kind] == row[kind] == self.created:
                kept += 1
            else:
                differing.append(self._difference(names, stored, row) if len(differing) < _EXAMPLES else "")
        return kept

    @property
    def _identity(self) -> list[str]:
        index = next(one for one in self.table.indexes if one.name == f"{self.table.name}_identity")
        return [column.name for column in index.columns]

    def _stored(self, rows: pa.Table, names: Sequence[str]) -> list[Row]:
        """The rows from before this append that may be the same events: those of the same subjects and time, or own ids."""
        own = rows["event_id"].drop_null().to_pylist()
        found = rows_with(self.connection, self.table, names, "event_id", own, f" AND sequence <= {self.before:d}")
        stored = list(found)
        derived = rows.filter(pa.compute.is_valid(rows["ordinal"]))
        if len(derived):
            subjects = pa.compute.unique(derived[self._identity[0]]).to_pylist()
            span = pa.compute.min_max(derived["event_at"]).as_py()
            also = f" AND event_at BETWEEN {span['min']:d} AND {span['max']:d} AND sequence <= {self.before:d}"
            found = rows_with(self.connection, self.table, names, self._identity[0], subjects, also)
            ordinal = names.index("ordinal")
            stored += [row for row in found if row[ordinal] is not None]
        return stored

    def _difference(self, names: Sequence[str], stored: Row, arriving: Row) -> str:
        parts = []
        for name, old, new in zip(names, stored, arriving, strict=True):
            if old != new:
                shown = [self._shown(name, value) for value in (old, new)]
                parts.append(f"{name} is stored as {shown[0]}, now {shown[1]}")
        return f"  {self._event_id(names, stored)}: {'; '.join(parts)}"

    def _event_id(self, names: Sequence[str], row: Row) -> str:
        values = dict(zip(names, row, strict=True))
        if values["event_id"] is not None:
            return str(values["event_id"])
        words = [self._text(values[name]) for name in self._identity if held_by(self.table.c[name]) == WORD]
        parts = [pa.array([word], type=pa.large_string()) for word in words]
        made = derived_ids(parts, np.array([values["event_at"]]), np.array([values["ordinal"]]))
        return str(made[0].as_py())

    def _text(self, number: int) -> str:
        return str(texts_of(self.connection, np.array([number], dtype=np.int64))[0])

    def _shown(self, name: str, value: Any) -> str:
        if value is None:
            return "missing"
        holds = held_by(self.table.c[name])
        if holds == INSTANT:
            return f"{np.datetime64(value, 'us')}Z"
        return repr(self._text(value) if holds == WORD else value)


def conflict_text(differing: Sequence[str]) -> str:
    """What to tell whoever appended; `differing` has one line for each event, empty after the first few."""
    examples = "\n".join(line for line in differing if line)
    return (
        f"{len(differing):,} events are stored already with other content; nothing was imported.\n{examples}\n"
        "Events are facts and are never overwritten. If the mapping has changed, import into a new store; "
        "if the source corrects the past, let it say so as a new event."
    )


def _tuples(rows: pa.Table) -> list[Row]:
    return list(zip(*(objects(column.combine_chunks()).tolist() for column in rows.columns), strict=True))
