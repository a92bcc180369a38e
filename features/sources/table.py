"""A file as columns of codes: each distinct text is translated once, however many rows hold it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from features.sources.faults import Rejection

Codes = NDArray[np.int32]
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Coded:
    """One column: `values[codes[i]]` is the text of row i; code -1 means missing."""

    codes: Codes
    values: NDArray[np.object_]

    def __len__(self) -> int:
        return len(self.codes)

    def take(self, rows: NDArray[np.bool_] | Rows) -> Coded:
        """The column with only these rows (positions or a mask)."""
        return Coded(self.codes[rows], self.values)

    def translated(self, words: Sequence[str | None]) -> Coded:
        """The column with `words[k]` in place of `values[k]`; None makes it missing."""
        if not len(words):
            return self
        places, values = pd.factorize(np.array(list(words), dtype=object))  # equal words share one code
        codes = np.where(self.codes >= 0, places[self.codes], -1)
        return Coded(codes.astype(np.int32), np.asarray(values, dtype=object))

    def per_row(self, of_value: NDArray[Any], missing: object) -> NDArray[Any]:
        """`of_value[code]` for each row, `missing` where the row has no value; the dtype is that of `of_value`."""
        out = np.full(len(self.codes), missing, dtype=of_value.dtype)
        filled = self.codes >= 0
        out[filled] = of_value[self.codes[filled]]
        return out

    def counts(self) -> dict[str, int]:
        """How many rows hold each value, most frequent first; missing left out."""
        found = np.bincount(self.codes[self.codes >= 0], minlength=len(self.values))
        order = np.argsort(-found, kind="stable")
        return {str(self.values[k]): int(found[k]) for k in order if found[k]}

    def series(self) -> pd.Series:
        """The texts as a pandas `str` series."""
        values = pd.array(self.values, dtype="str")
        return pd.Series(values.take(self.codes, allow_fill=True))

    @classmethod
    def constant(cls, word: str | None, length: int) -> Coded:
        """A column with the same text, or nothing, in every row."""
        return cls(np.full(length, -1 if word is None else 0, dtype=np.int32), np.array([word or ""], dtype=object))


class CodedInstants(Coded):
    """One column of instants that the file gives as such. Their texts are made when somebody asks for them.

    `distinct_us[codes[i]]` is row i, in microseconds since 1970: UTC with `has_zone`, else of local time.
    """

    def __init__(self, codes: Codes, distinct_us: Rows, *, has_zone: bool) -> None:
        self.__dict__.update(codes=codes, distinct_us=distinct_us, has_zone=has_zone)  # the parent is frozen

    distinct_us: Rows
    has_zone: bool

    @cached_property
    def values(self) -> NDArray[np.object_]:
        """The instants as Arrow writes them, in UTC with Z where the column has a zone."""
        texts = pa.array(self.distinct_us, pa.timestamp("us", tz="UTC" if self.has_zone else None)).cast(pa.string())
        return np.asarray(texts.to_numpy(zero_copy_only=False), dtype=object)

    def take(self, rows: NDArray[np.bool_] | Rows) -> Coded:
        """See Coded."""
        return CodedInstants(self.codes[rows], self.distinct_us, has_zone=self.has_zone)


@dataclass(frozen=True)
class Table:
    """A file's rows as text."""

    name: str  # of the file, for messages
    columns: dict[str, Coded]
    row_numbers: Rows  # record numbers in the file, as a spreadsheet counts; the header of a CSV is row 1
    line_numbers: Rows  # where the records begin, as an editor counts; with `owners`, their number within the owner
    rows_read: int  # all records below the header, rejected ones included, blank lines left out
    rejections: tuple[Rejection, ...]  # rows that do not have the header's number of fields
    repeated_names: tuple[str, ...]  # names that stand more than once in the header; they are not in columns
    noun: str = "row"  # what one record is called in messages
    names_at: str = ", line 1"  # where the names of the columns stand, for messages; empty where each record says them
    owners: Coded | None = None  # what the records stand in, as "trace 3"

    def __len__(self) -> int:
        return len(self.row_numbers)

    def take(self, rows: NDArray[np.bool_]) -> Table:
        """The table with only the rows of the mask."""
        columns = {name: column.take(rows) for name, column in self.columns.items()}
        numbers, lines = self.row_numbers[rows], self.line_numbers[rows]
        owners = None if self.owners is None else self.owners.take(rows)
        return replace(self, columns=columns, row_numbers=numbers, line_numbers=lines, owners=owners)

    def place(self, row: int | np.integer[Any]) -> str:
        """Where a record stands: `row 11`, `row 11 (line 12)` where the two differ, `trace 3, event 2` inside an owner."""
        number, line = int(self.row_numbers[row]), int(self.line_numbers[row])
        if self.owners is not None:
            owner = self.owners.values[self.owners.codes[row]]
            return f"{owner}, {self.noun} {line}" if line else f"{owner}, its creation"
        return f"{self.noun} {number}" if number == line else f"{self.noun} {number} (line {line})"
