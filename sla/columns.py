"""Text columns as codes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import compress
from operator import lt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sla.instants import Int64Array


class _Places(dict[Any, int]):
    """Numbers for values in the order in which they first come."""

    def __missing__(self, value: Any) -> int:
        place = self[value] = len(self)
        return place


@dataclass(frozen=True)
class Column:
    """Text values of n rows as codes into `values`; code -1 is missing (no news), the value "" is known to be empty."""

    codes: NDArray[np.signedinteger[Any]]
    values: tuple[str, ...]

    @classmethod
    def from_values(cls, values: Iterable[Any]) -> Column:
        """A column of the given values; whatever is not text (None, NaN) is missing. Codes follow sorted text."""
        items = values.tolist() if isinstance(values, np.ndarray) else list(values)
        place_of = _Places()  # one look at each value: with millions of them, a second one costs as much again
        places = np.fromiter(map(place_of.__getitem__, items), dtype=np.int32, count=len(items))
        known = sorted(item for item in place_of if isinstance(item, str))
        code_of = {text: code for code, text in enumerate(known)}
        codes = np.fromiter((code_of.get(item, -1) for item in place_of), dtype=np.int32, count=len(place_of))
        return cls(codes[places] if len(items) else places, tuple(known))

    @classmethod
    def unknown(cls, rows: int) -> Column:
        """A column of which nothing is known."""
        return cls(np.full(rows, -1, np.int32), ())

    def take(self, rows: NDArray[Any]) -> Column:
        """The column of the chosen rows, in their order; packed codes are so no more."""
        return Column(self.codes[rows], self.values).unpacked()

    def packed(self) -> Column:
        """The column with codes of as few bytes as they need, for what is kept long and looked at seldom."""
        kind = next(kind for kind in (np.int8, np.int16, np.int32) if len(self.values) <= np.iinfo(kind).max + 1)
        return Column(self.codes.astype(kind, copy=False), self.values)

    def unpacked(self) -> Column:
        """The column with codes that can be calculated with."""
        if self.codes.dtype == np.int32:
            return self
        return Column(self.codes.astype(np.int32, copy=False), self.values)

    def in_order(self) -> Column:
        """The column with codes that follow sorted text."""
        if all(map(lt, self.values, self.values[1:])):
            return self
        known = sorted(set(self.values))
        code_of = {text: code for code, text in enumerate(known)}
        codes = np.array([*(code_of[text] for text in self.values), -1], dtype=np.int32)
        return Column(codes[self.codes], tuple(known))

    def compact(self) -> Column:
        """The column without the texts that no row holds."""
        if len(self.codes) < len(self.values):  # few rows must not look through the texts of many
            used, places = np.unique(self.codes, return_inverse=True)
            missing = int(len(used) > 0 and used[0] < 0)
            texts = tuple(self.values[code] for code in used[missing:].tolist())
            return Column((places - missing).astype(np.int32), texts)
        is_used = np.zeros(len(self.values) + 1, np.bool_)
        is_used[self.codes] = True
        if is_used[:-1].all():
            return self
        codes = np.where(is_used, np.cumsum(is_used) - 1, -1).astype(np.int32)
        codes[-1] = -1
        values = tuple(compress(self.values, is_used.tolist()))
        return Column(codes[self.codes], values)

    @classmethod
    def joined(cls, columns: Sequence[Column]) -> Column:
        """The columns one after the other, each text under one code."""
        place_of = _Places()
        parts = [
            np.array([*map(place_of.__getitem__, column.values), -1], dtype=np.int32)[column.codes]
            for column in columns
        ]
        return cls(np.concatenate(parts), tuple(place_of))

    def value(self, row: int) -> str | None:
        """The text of one row, None where it is missing."""
        code = int(self.codes[row])
        return None if code < 0 else self.values[code]

    def filled(self, row_start: Int64Array) -> Column:
        """The column carried forward inside each ticket; `row_start` is the first row of each row's ticket."""
        if self.codes.size <= 1:  # there is nothing before it
            return self.unpacked()
        last_known = np.where(self.codes >= 0, np.arange(self.codes.size, dtype=np.int64), np.int64(-1))
        np.maximum.accumulate(last_known, out=last_known)
        codes = np.where(last_known >= row_start, self.codes[last_known], np.int32(-1))
        return Column(codes.astype(np.int32, copy=False), self.values)
