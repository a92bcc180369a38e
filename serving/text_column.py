"""Texts of many tickets as codes: moved, compared and counted as numbers, put into words only where somebody reads them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, overload

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sla.instants import BoolArray, Int64Array

Codes = NDArray[np.int32]
Texts = NDArray[np.object_]


@dataclass(frozen=True)
class TextColumn:
    """Texts of m tickets as codes (m, int32) into `names`, in which no text stands twice; some may stand there for no ticket."""

    codes: Codes
    names: Texts
    _known: dict[str, dict[str, int]] = field(
        default_factory=dict, repr=False, compare=False
    )  # shared by all with the same names

    @classmethod
    def of(cls, texts: Sequence[str] | Texts) -> TextColumn:
        """The column of these texts."""
        codes, names = pd.factorize(np.asarray(texts, dtype=object))
        return cls(codes.astype(np.int32), names)

    @classmethod
    def coded(cls, codes: NDArray[np.signedinteger[Any]], values: Sequence[str]) -> TextColumn:
        """The column of codes into different `values`, where -1 is no text."""
        if len(codes) >= len(values):
            empty = values.index("") if "" in values else len(values)
            names = values if empty < len(values) else (*values, "")
            return cls(np.where(codes < 0, empty, codes).astype(np.int32), _texts(names))
        place_of: dict[str, int] = {}  # few rows must not look through the texts of many
        found = [place_of.setdefault(values[code] if code >= 0 else "", len(place_of)) for code in codes.tolist()]
        return cls(np.array(found, np.int32), _texts(place_of))

    def __len__(self) -> int:
        return len(self.codes)

    @overload
    def __getitem__(self, places: int) -> str: ...
    @overload
    def __getitem__(self, places: Int64Array | BoolArray) -> Texts: ...
    def __getitem__(self, places: int | Int64Array | BoolArray) -> str | Texts:
        found: str | Texts = self.names[self.codes[places]]
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self.texts().tolist())

    def texts(self) -> Texts:
        """The text of each ticket."""
        found: Texts = self.names[self.codes]
        return found

    def take(self, places: Int64Array | BoolArray) -> TextColumn:
        """The texts of some of the tickets."""
        return TextColumn(self.codes[places], self.names, self._known)

    def moved(self, place: Int64Array, anew: Int64Array, told: TextColumn) -> TextColumn:
        """The texts of other tickets: each that of the one that stood at `place`, those of the places `anew` as `told`.

        Where nothing stood before (-1) they must be told anew.
        """
        codes = self.codes[np.maximum(place, 0)] if len(self.codes) else np.zeros(len(place), np.int32)
        if not len(told):
            return TextColumn(codes, self.names, self._known)
        new = [name for name in told.names.tolist() if name not in self.code_of]
        code_of = (
            self.code_of if not new else {**self.code_of, **{name: len(self.names) + n for n, name in enumerate(new)}}
        )
        codes[anew] = np.array([code_of[name] for name in told.names.tolist()], np.int32)[told.codes]
        if not new:
            return TextColumn(codes, self.names, self._known)
        return TextColumn(codes, np.concatenate([self.names, _texts(new)]), {"codes": code_of})

    @property
    def code_of(self) -> dict[str, int]:
        """The code of each name; not to be changed."""
        if "codes" not in self._known:
            self._known["codes"] = {name: code for code, name in enumerate(self.names.tolist())}
        return self._known["codes"]

    def each(self, worth: Callable[[str], Any], dtype: Any) -> NDArray[Any]:
        """What a text is worth, for each ticket; asked once for each name."""
        return np.array([worth(name) for name in self.names.tolist()], dtype)[self.codes]

    def is_among(self, texts: Collection[str]) -> BoolArray:
        """Whether each ticket's text is one of these."""
        return self.each(lambda name: name in texts, np.bool_)

    def different(self, places: Int64Array | BoolArray | None = None) -> set[str]:
        """The different texts of all, or of some, of the tickets."""
        return set(self.counts(places))

    def counts(self, places: Int64Array | BoolArray | None = None) -> dict[str, int]:
        """How many of all, or of some, of the tickets have each text."""
        codes = self.codes if places is None else self.codes[places]
        counts = np.bincount(codes, minlength=len(self.names))
        return {str(self.names[code]): int(counts[code]) for code in np.flatnonzero(counts).tolist()}

    @classmethod
    def joined(cls, size: int, parts: Iterable[tuple[Int64Array, TextColumn]]) -> TextColumn:
        """The column of `size` tickets whose rows the parts hold; "" where none does."""
        place_of, codes = {"": 0}, np.zeros(size, np.int32)
        for rows, part in parts:
            new_codes = [place_of.setdefault(name, len(place_of)) for name in part.names.tolist()]
            codes[rows] = np.array(new_codes, np.int32)[part.codes]
        return cls(codes, _texts(place_of))


def _texts(names: Collection[str]) -> Texts:
    found: Texts = np.empty(len(names), object)
    found[:] = list(names)
    return found
