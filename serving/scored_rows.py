"""Rows of scored tickets in some order: filtered, sorted and counted by columns, put into words when they are looked at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from serving.queue import ColumnRows, Counts, QueueRow
from serving.risk import LATE, WAITING, Risk
from serving.scored import GROUPS, Scored
from sla.instants import BoolArray, Int64Array, to_us

AT_ONCE = 1_000


class ScoredRows(ColumnRows):
    """Rows of scored tickets in some order, each put into words when it is asked for."""

    def __init__(self, scored: Scored, places: Int64Array) -> None:
        self.scored, self.places = scored, places

    def __len__(self) -> int:
        return len(self.places)

    @overload
    def __getitem__(self, index: int) -> QueueRow: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[QueueRow, ...]: ...
    def __getitem__(self, index: int | slice) -> QueueRow | tuple[QueueRow, ...]:
        if isinstance(index, slice):
            return tuple(self.scored.rows(self.places[index]))
        return self.scored.rows(self.places[[index]])[0]

    def __iter__(self) -> Iterator[QueueRow]:
        for begin in range(0, len(self), AT_ONCE):
            yield from self[begin : begin + AT_ONCE]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and len(self) == len(other) and tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment]

    def where(self, mask: BoolArray) -> ScoredRows:
        """The rows whose tickets (by place) are wanted, in the same order."""
        return ScoredRows(self.scored, self.places[mask[self.places]])

    def sorted_by(self, keys: Sequence[NDArray[Any]], descending: bool) -> ScoredRows:
        """The rows by some columns (by place, the weightiest first); rows that tie keep their order."""
        places = self.places
        for key in reversed(keys):
            column = narrowed(-key if descending else key)[places]
            places = places[np.argsort(column, kind="stable")]
        return ScoredRows(self.scored, places)

    def counted(self) -> Counts:
        """How many stand where."""
        groups = np.bincount(self.scored.group[self.places], minlength=len(GROUPS)).tolist()
        in_group = {group.value: count for group, count in zip(GROUPS, groups, strict=True)}
        waiting, high = self.scored.has_risk(*WAITING)[self.places], self.scored.has_risk(Risk.HIGH_RISK)[self.places]
        return Counts(all=len(self), paused=int(waiting.sum()), high_risk=int(high.sum()), **in_group)

    def texts(self, name: str) -> set[str]:
        """The different texts of a column."""
        return self.scored.facts.texts[name].different(self.places)

    def position(self, ticket_id: str) -> int | None:
        """Where a ticket stands, None where it does not."""
        found = np.flatnonzero(self.places == self.scored.places_of([ticket_id])[0])
        return int(found[0]) if len(found) else None

    def chances_due(self, agreement: str, before: datetime) -> list[float]:
        """The probability of each undecided clock of an agreement that is due before an instant; without one, none."""
        scored = self.scored
        names = [one.name for one in scored.reading.agreements.agreements]
        of_it = np.isin(scored.leading.agreement, [place for place, name in enumerate(names) if name == agreement])
        wanted = of_it & ~scored.has_risk(*LATE, Risk.NO_CLOCK) & (scored.due_us < to_us(before))
        said = scored.estimates.probability[self.places[wanted[self.places]]]
        found: list[float] = said[~np.isnan(said)].tolist()
        return found


def narrowed(key: NDArray[Any]) -> NDArray[Any]:
    """A key in the same order; ranks that fit into two bytes as such: numpy sorts those by radix, not by comparing."""
    if not len(key) or not np.issubdtype(key.dtype, np.integer):
        return key
    least = int(key.min())
    return (key - least).astype(np.uint16) if int(key.max()) - least < 1 << 16 else key
