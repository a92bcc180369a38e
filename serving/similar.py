"""Finished tickets like one that is open, and how they ended: what a person remembers of such tickets, counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sla.instants import BoolArray, Int64Array, from_us

ALIKE_BY = ("category", "service", "team", "priority")
"""What two tickets are compared by; each counts the same."""
LEAST_ALIKE = 2
LISTED, COUNTED = 6, 100


@dataclass(frozen=True)
class Finished:
    """A finished ticket. `alike_by`: what it shares with the one looked at."""

    ticket_id: str
    is_met: bool
    decided_at: datetime
    share_used: float
    alike_by: tuple[str, ...]


@dataclass(frozen=True)
class Similar:
    """The tickets most like one, the latest first among equals, and of how many of them how many missed their target."""

    tickets: tuple[Finished, ...]
    count: int
    missed: int


class FinishedClocks:
    """The decided clocks of a target as what a search asks of them: small numbers and instants, found out once for all tickets.

    Of a frame that pandas is asked about anew for each ticket, the asking takes ten times as long as the search.
    """

    def __init__(self, clocks: pd.DataFrame, target: str = "resolution") -> None:
        """`clocks`: a frame of serving.levels, which is not changed."""
        mine = np.flatnonzero(_codes(clocks["target"]).is_text(target))
        self._ids = clocks["ticket_id"].array.take(mine)
        self._decided_us = np.asarray(clocks["decided_at"].array.take(mine).astype(np.int64))
        self._is_met = clocks["is_met"].array.take(mine).to_numpy(dtype=bool)
        self._share_used = clocks["share_used"].array.take(mine).to_numpy(dtype=float)
        self._texts = {name: _codes(clocks[name]).take(mine) for name in ALIKE_BY}

    def like(self, facts: Mapping[str, str], ticket_id: str) -> Similar:
        """The clocks most like a ticket with these facts, without its own; none that share too little."""
        known = [name for name in ALIKE_BY if facts.get(name)]
        if len(known) < LEAST_ALIKE:
            return Similar((), 0, 0)
        shared = {name: self._texts[name].is_text(facts[name]) for name in known}
        score = np.zeros(len(self._decided_us), np.int8)
        for one in shared.values():
            score += one.view(np.int8)
        best, ids = self._latest_alike(score, ticket_id)
        listed = tuple(
            Finished(
                ids[index],
                bool(self._is_met[place]),
                from_us(int(self._decided_us[place])),
                float(self._share_used[place]),
                tuple(name for name in known if shared[name][place]),
            )
            for index, place in enumerate(best[:LISTED].tolist())
        )
        return Similar(listed, len(best), int((~self._is_met[best]).sum()))

    def _latest_alike(self, score: NDArray[np.int8], ticket_id: str) -> tuple[Int64Array, list[str]]:
        """The latest of the places with the highest score, and their ids; without those of the ticket itself."""
        for most in range(int(score.max(initial=0)), LEAST_ALIKE - 1, -1):
            best, ids = self._latest(np.flatnonzero(score == most), ticket_id)
            if len(best):
                return best, ids
        return np.empty(0, np.int64), []

    def _latest(self, places: Int64Array, ticket_id: str) -> tuple[Int64Array, list[str]]:
        """The latest COUNTED of some places in order, without those of the ticket itself, and their ids.

        Ids are read of these few alone: of all it took longer than everything else.
        """
        decided_us, wanted = self._decided_us[places], COUNTED
        while True:
            some = places
            if len(places) > wanted:
                some = places[decided_us >= np.partition(decided_us, -wanted)[-wanted]]
            ids = np.asarray(self._ids.take(some), dtype=object).astype(str)
            is_other = ids != ticket_id
            if len(some) == len(places) or is_other.sum() >= COUNTED:
                break
            wanted += int((~is_other).sum())
        some, ids = some[is_other], ids[is_other]
        order = np.lexsort((ids, -self._decided_us[some]))[:COUNTED]
        return some[order], ids[order].tolist()


@dataclass(frozen=True)
class _Codes:
    """A column of texts as the place of each in `texts`, -1 where it is unknown."""

    codes: NDArray[np.signedinteger[Any]]
    texts: Mapping[str, int]

    def is_text(self, text: str) -> BoolArray:
        """Where the column has a text."""
        code = self.texts.get(text)
        return np.zeros(len(self.codes), np.bool_) if code is None else np.asarray(self.codes == code)

    def take(self, places: Int64Array) -> _Codes:
        """The column at some places."""
        return _Codes(self.codes[places], self.texts)


def _codes(column: pd.Series[Any]) -> _Codes:
    values = column.array if isinstance(column.dtype, pd.CategoricalDtype) else pd.Categorical(column)
    return _Codes(values.codes, {text: code for code, text in enumerate(values.categories.tolist())})
