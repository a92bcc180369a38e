"""How a frame of events enters its table: in batches, new ones stored, known ones compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Connection, Table, func, select

from features.store.bulk import Row, load_new, rows_with
from features.store.coding import CodedTexts, coded, coded_attributes, instants_us, is_instant
from features.store.faults import ConflictError
from features.store.tables import is_word
from features.store.words import WordBook, texts_of

BATCH_ROWS = 100_000
_EXAMPLES = 3
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Appended:
    """Counts of one append."""

    inserted: int
    duplicates: int
    kept: int  # `created` events that differ from the stored ones, which stay


def append(
    connection: Connection, table: Table, columns: Sequence[str], frame: pd.DataFrame, progress: Progress | None
) -> Appended:
    """What became of the frame's rows. The caller holds the writers' lock and the transaction.

    Raises ConflictError where an id is stored with other content. A creation is the exception: it is derived from the first
    row an export shows, so an export that begins in the middle of a ticket says it differently without contradicting anything.
    """
    names = (*columns, "attributes")
    before = last_sequence(connection, table)
    book = WordBook(connection)
    inserted = kept = 0
    differing: list[str] = []
    for start in range(0, len(frame), BATCH_ROWS):
        batch = frame.iloc[start : start + BATCH_ROWS]
        lists = _lists(book, columns, batch)
        fresh = load_new(connection, table, names, zip(*lists, strict=True))
        inserted += fresh
        if fresh < len(batch):
            comparison = _Comparison(connection, table, names, before, book.learn(["created"])["created"])
            kept += comparison.kept(list(zip(*lists, strict=True)), differing)
        if progress:
            progress("storing events", start + len(batch), len(frame))
    if differing:
        raise ConflictError(_conflict(differing))
    return Appended(inserted, len(frame) - inserted - kept, kept)


def last_sequence(connection: Connection, table: Table) -> int:
    """The highest sequence number of the table, 0 if it is empty."""
    return int(connection.execute(select(func.coalesce(func.max(table.c.sequence), 0))).scalar_one())


def _lists(book: WordBook, columns: Sequence[str], frame: pd.DataFrame) -> list[list[Any]]:
    texts = {name: coded(frame[name]) for name in columns if is_word(name)}
    texts["attributes"] = coded_attributes(frame)
    numbers = book.learn(text for column in texts.values() for text in column.texts)
    lists = [_values(frame[name]) if name not in texts else _numbers(texts[name], numbers) for name in columns]
    return [*lists, _numbers(texts["attributes"], numbers)]


def _values(column: pd.Series) -> list[Any]:
    if is_instant(str(column.name)):
        return list(instants_us(column).tolist())
    if column.dtype == np.float64:
        return [None if value != value else value for value in column.tolist()]  # NaN differs from itself
    return list(column.to_numpy(dtype=object).tolist())


def _numbers(column: CodedTexts, numbers: dict[str, int]) -> list[Any]:
    of_code = np.array([*(numbers[text] for text in column.texts), None], dtype=object)
    return list(of_code[column.codes].tolist())  # code -1 is the last: None


@dataclass(frozen=True)
class _Comparison:
    """Rows that were not inserted beside what is stored under their ids."""

    connection: Connection
    table: Table
    names: Sequence[str]
    before: int  # the last sequence number before this append
    created: int  # the word

    def kept(self, rows: list[Row], differing: list[str]) -> int:
        """How many creations differ; other differences are described in `differing`, the first few in words."""
        kind = list(self.names).index("kind")
        arriving = {row[0]: row for row in rows}
        kept = 0
        for sequence, *found in rows_with(
            self.connection, self.table, ("sequence", *self.names), "event_id", list(arriving)
        ):
            stored, row = tuple(found), arriving[found[0]]
            if sequence > self.before or stored == row:
                continue
            if stored[kind] == row[kind] == self.created:
                kept += 1
            else:
                differing.append(
                    _difference(self.connection, self.names, stored, row) if len(differing) < _EXAMPLES else ""
                )
        return kept


def _difference(connection: Connection, names: Sequence[str], stored: Row, arriving: Row) -> str:
    parts = []
    for name, old, new in zip(names, stored, arriving, strict=True):
        if old != new:
            shown = [_shown(connection, name, value) for value in (old, new)]
            parts.append(f"{name} is stored as {shown[0]}, now {shown[1]}")
    return f"  {stored[0]}: {'; '.join(parts)}"


def _shown(connection: Connection, name: str, value: Any) -> str:
    if value is None:
        return "missing"
    if is_instant(name):
        return f"{np.datetime64(value, 'us')}Z"
    if not is_word(name):
        return repr(value)
    return repr(texts_of(connection, np.array([value], dtype=np.int64))[0])


def _conflict(differing: list[str]) -> str:
    examples = "\n".join(line for line in differing if line)
    return (
        f"{len(differing):,} events are stored already with other content; nothing was imported.\n{examples}\n"
        "Events are facts and are never overwritten. If the mapping has changed, import into a new store; "
        "if the source corrects the past, let it say so as a new event."
    )
