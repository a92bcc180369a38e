"""Rows of features in few bytes: those of a whole desk are held between two ticks, for the few that somebody reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sla.instants import Int64Array

_LOOKED_AT = 1_000
"""So many rows mostly tell how a column can be held; the others are asked where these allow it."""
_FEW_VALUES = 0.25
"""Columns of fewer different values for each row looked at are held as codes: what a team is known for is the same for all its tickets."""
FEW_ROWS = 100
"""So few rows are held as they come: to look for fewer bytes took longer than to ask the bundle about them."""
Floats = NDArray[np.floating]


@dataclass(frozen=True)
class FeatureRows:
    """n rows of features. What is taken from them are the numbers that were given, exactly."""

    names: pd.Index
    size: int
    plain: tuple[
        tuple[Int64Array, Floats], ...
    ]  # places of columns, and the columns (columns, n) in as many bytes as they need
    coded: tuple[
        tuple[int, NDArray[np.unsignedinteger], Floats], ...
    ]  # place of a column, codes, and what they stand for
    whole: pd.DataFrame | None = None  # of few rows, which are mostly asked for all at once: the same numbers

    @classmethod
    def of(cls, frame: pd.DataFrame) -> FeatureRows:
        """The rows of a frame of numbers."""
        values = frame.to_numpy(np.float64)
        if len(values) <= FEW_ROWS:
            held = values.T.copy()
            whole = pd.DataFrame(held.T, columns=frame.columns, copy=False)
            return cls(frame.columns, len(frame), ((np.arange(len(held)), held),), (), whole)
        plain: dict[type[np.floating], list[int]] = {}
        coded = []
        for place, column in enumerate(values.T):
            kind = _narrowest(column)
            codes = _coded(column) if kind is np.float64 else None
            if codes is None:
                plain.setdefault(kind, []).append(place)
            else:
                coded.append((place, *codes))
        groups = tuple((np.array(places), _gathered(values, places, kind)) for kind, places in plain.items())
        return cls(frame.columns, len(frame), groups, tuple(coded))

    def __len__(self) -> int:
        return self.size

    def take(self, rows: Int64Array) -> pd.DataFrame:
        """A frame of some rows, in that order; to be read only."""
        if self.whole is not None and rows.tolist() == [*range(self.size)]:
            return self.whole
        columns = np.empty((len(self.names), len(rows)))
        for places, values in self.plain:
            columns[places] = values[:, rows]
        for place, codes, values in self.coded:
            columns[place] = values[codes[rows]]
        return pd.DataFrame(columns.T, columns=self.names, copy=False)

    def frame(self) -> pd.DataFrame:
        """All rows."""
        return self.take(np.arange(self.size))


def _gathered(values: Floats, places: list[int], kind: type[np.floating]) -> Floats:
    found = np.empty((len(places), len(values)), kind)
    for one, place in zip(found, places, strict=True):
        one[:] = values[:, place]
    return found


def _narrowest(column: Floats) -> type[np.floating]:
    """The kind of number with the fewest bytes that holds a column exactly."""
    kinds: tuple[type[np.floating], ...] = (np.float16, np.float32)
    return next((kind for kind in kinds if all(_is_exact(part, kind) for part in _first_then_all(column))), np.float64)


def _is_exact(column: Floats, kind: type[np.floating]) -> bool:
    with np.errstate(over="ignore"):  # too large for it is not held by it
        back = column.astype(kind).astype(np.float64)
    return bool(((back == column) | np.isnan(column)).all())


def _coded(column: Floats) -> tuple[NDArray[np.unsignedinteger], Floats] | None:
    """A column as codes and what they stand for; None where it has too many different values."""
    for part in _first_then_all(column):
        codes, values = pd.factorize(part, use_na_sentinel=False)
        if len(values) > max(_FEW_VALUES * len(part), 1):
            return None
    return codes.astype(np.min_scalar_type(len(values))), np.asarray(values, np.float64)


def _first_then_all(column: Floats) -> Iterator[Floats]:
    if len(column) > _LOOKED_AT:
        yield column[:_LOOKED_AT]
    yield column
