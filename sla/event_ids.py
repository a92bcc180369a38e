"""Ids of many events. Most need no text: `ticket/20240304T080000000000/001` is told by ticket, instant and a number."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sla.instants import BoolArray, Int64Array

NO_NUMBER = -1
_START = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class EventIds:
    """The ids of n events: `numbers` (0 to 999) of those that need no text, NO_NUMBER for those that have one of `texts`."""

    numbers: NDArray[np.int16]
    texts: NDArray[np.object_] | None = None  # one an event; None where all have numbers

    @classmethod
    def of(cls, texts: Iterable[str] | NDArray[Any]) -> EventIds:
        """Ids from texts, which are kept as they are."""
        held = np.asarray(texts if isinstance(texts, np.ndarray) else list(texts), dtype=object)
        return cls(np.full(len(held), NO_NUMBER, np.int16), held)

    @classmethod
    def joined(cls, parts: Sequence[EventIds]) -> EventIds:
        """The ids of all parts, one part after the other."""
        numbers = np.concatenate([part.numbers for part in parts])
        if all(part.texts is None for part in parts):
            return cls(numbers)
        return cls(numbers, np.concatenate([part._all_texts() for part in parts]))

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, rows: Int64Array | slice) -> EventIds:
        """The ids of some events; without texts where none of them has one."""
        texts = None if self.texts is None else self.texts[rows]
        numbers = self.numbers[rows]
        return EventIds(numbers, None if len(numbers) and (numbers != NO_NUMBER).all() else texts)

    def with_blanks(self, places: Int64Array) -> EventIds:
        """The ids with empty ones put in before some places."""
        texts = np.insert(self._all_texts(), places, "")
        return EventIds(np.insert(self.numbers, places, np.int16(NO_NUMBER)), texts)

    def text(self, row: int, ticket_id: str, at_us: int) -> str:
        """The id of one event, given its ticket and its instant."""
        number = int(self.numbers[row])
        if number == NO_NUMBER:
            return "" if self.texts is None else str(self.texts[row])
        return f"{ticket_id}/{_START + timedelta(microseconds=at_us):%Y%m%dT%H%M%S%f}/{number:03d}"

    def is_same(self, rows: Int64Array, others: Int64Array, ticket_ids: NDArray[Any], at_us: Int64Array) -> BoolArray:
        """Whether two events have the same id, for pairs of events of one ticket and one instant (one each a pair)."""
        same: BoolArray = self.numbers[rows] == self.numbers[others]
        if self.texts is None:
            return same
        has_text, other_has = self.numbers[rows] == NO_NUMBER, self.numbers[others] == NO_NUMBER
        both = np.flatnonzero(has_text & other_has)
        same[both] = self.texts[rows[both]] == self.texts[others[both]]
        for place in np.flatnonzero(has_text != other_has).tolist():  # the same event may come in both forms
            told = ticket_ids[place], int(at_us[place])
            same[place] = self.text(int(rows[place]), *told) == self.text(int(others[place]), *told)
        return same

    def _all_texts(self) -> NDArray[np.object_]:
        return np.full(len(self), None, dtype=object) if self.texts is None else self.texts
