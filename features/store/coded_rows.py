"""Coded events as rows of their table: each distinct text is looked up once, however many events hold it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pyarrow as pa
from sqlalchemy import Table

from features.coded_events import CodedEvents
from features.schema import ATTRIBUTE_PREFIX
from features.store.coding import CodedTexts, Numbers, coded_objects
from features.store.columns import WORD, held_by
from features.store.frames import numbered
from features.store.words import WordBook
from sla.columns import Column
from sla.event_ids import NO_NUMBER

_ATTRIBUTES = "attributes"


@dataclass(frozen=True)
class CodedRows:
    """Events on their way into a table, with the numbers of their texts: `numbers[name][code]`, the last for no text."""

    book: WordBook
    table: Table
    events: CodedEvents
    numbers: Mapping[str, Numbers]

    @classmethod
    def of(cls, book: WordBook, table: Table, events: CodedEvents) -> CodedRows:
        """The rows of the events; texts that no row was stored with yet are stored."""
        words = [column.name for column in table.columns if held_by(column) == WORD and column.name in events.columns]
        compact = {name: events.columns[name].compact() for name in words}
        numbers = {name: np.append(book.numbers(column.values), 0) for name, column in compact.items()}
        return cls(book, table, replace(events, columns={**events.columns, **compact}), numbers)

    def rows(self, first: int, last: int) -> pa.Table:
        """The rows of the events from `first` up to, not including, `last`."""
        part = self.events.part(first, last)
        attributes = self._attributes(part)
        out = {name: _words(part.columns[name], of_code) for name, of_code in self.numbers.items()}
        out |= {"event_at": pa.array(part.at_us), "recorded_at": pa.array(part.recorded_us)}
        out[_ATTRIBUTES] = numbered(attributes, self.book.learn(attributes.texts))
        is_short = part.ids.numbers != NO_NUMBER
        out["ordinal"] = pa.array(part.ids.numbers.astype(np.int64), mask=~is_short)
        texts = [None] * len(part) if part.ids.texts is None else part.ids.texts
        if part.value is not None:
            out["value"] = pa.array(part.value, from_pandas=True)
        out["event_id"] = pa.array(texts, type=pa.large_string(), from_pandas=True)
        return pa.table({column.name: out[column.name] for column in self.table.columns if column.name in out})

    def _attributes(self, part: CodedEvents) -> CodedTexts:
        names = sorted(name for name in part.columns if name.startswith(ATTRIBUTE_PREFIX))
        return coded_objects(names, [_used(part.columns[name]) for name in names], len(part))


def _words(column: Column, of_code: Numbers) -> pa.Array:
    return pa.array(of_code[column.codes], mask=column.codes < 0)


def _used(column: Column) -> CodedTexts:
    """The column with those texts alone that a row holds, in a time that does not grow with the number of texts."""
    codes, distinct = pd.factorize(column.codes)
    texts = [None if code < 0 else column.values[code] for code in distinct.tolist()]
    if None not in texts:
        return CodedTexts(codes, [str(text) for text in texts])
    none = texts.index(None)
    codes = np.where(codes == none, -1, codes - (codes > none))
    return CodedTexts(codes, [str(text) for text in texts if text is not None])
