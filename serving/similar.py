"""Finished tickets like one that is open, and how they ended: what a person remembers of such tickets, counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sla.instants import BoolArray, Int64Array

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


def similar(clocks: pd.DataFrame, facts: Mapping[str, str], ticket_id: str, target: str = "resolution") -> Similar:
    """The decided clocks of a target (a frame of serving.levels) most like a ticket with these facts; none that share too little."""
    known = [name for name in ALIKE_BY if facts.get(name)]
    if len(known) < LEAST_ALIKE or clocks.empty:
        return Similar((), 0, 0)
    score = np.zeros(len(clocks), np.int8)
    for name in known:
        score += _is(clocks[name], facts[name]).view(np.int8)
    score *= _is(clocks["target"], target).view(np.int8)
    places = _most_alike(score, clocks["ticket_id"], ticket_id)
    if len(places) > COUNTED:  # few of many: only these are put in order
        decided = _instants_us(clocks, places)
        places = places[decided >= np.partition(decided, -COUNTED)[-COUNTED]]
    ids = clocks["ticket_id"].array.take(places).to_numpy(dtype=str)
    best = places[np.lexsort((ids, -_instants_us(clocks, places)))[:COUNTED]]
    missed = int((~clocks["is_met"].array.take(best).to_numpy(dtype=bool)).sum())
    return Similar(_finished(clocks, best[:LISTED], known, facts), len(best), missed)


def _is(column: pd.Series[Any], text: str) -> BoolArray:
    """Where a column has a text; of a category one number is compared, not the words."""
    values = column.array
    if not isinstance(values, pd.Categorical):
        return (column == text).to_numpy(dtype=bool)
    code = int(
        values.categories.get_indexer_for(pd.Index([text], dtype=object))[0]
    )  # a number of numpy's would widen all codes
    return np.asarray(values.codes == code) if code >= 0 else np.zeros(len(column), np.bool_)


def _most_alike(score: NDArray[np.int8], ids: pd.Series[Any], ticket_id: str) -> Int64Array:
    """The places with the highest score, without those of the ticket itself; none where that is too low.

    Whether it is the ticket itself is looked at for these alone: of all it took longer than everything else.
    """
    while (most := int(score.max(initial=0))) >= LEAST_ALIKE:
        places: Int64Array = np.flatnonzero(score == most).astype(np.int64, copy=False)
        is_own = np.asarray(ids.array.take(places) == ticket_id, dtype=bool)
        places, own = places[~is_own], places[is_own]
        if len(places):
            return places
        score[own] = 0
    return np.empty(0, np.int64)


def _instants_us(clocks: pd.DataFrame, places: Int64Array) -> Int64Array:
    return np.asarray(clocks["decided_at"].array.take(places).astype(np.int64))


def _finished(
    clocks: pd.DataFrame, places: Int64Array, known: Sequence[str], facts: Mapping[str, str]
) -> tuple[Finished, ...]:
    names = ["ticket_id", "is_met", "decided_at", "share_used", *known]
    # Arrays, for frames and series of a few rows cost more than their values.
    columns = (clocks[name].array.take(places).tolist() for name in names)
    return tuple(
        Finished(
            ticket_id,
            bool(is_met),
            decided_at.to_pydatetime(),
            float(share_used),
            tuple(name for name, text in zip(known, texts, strict=True) if text == facts[name]),
        )
        for ticket_id, is_met, decided_at, share_used, *texts in zip(*columns, strict=True)
    )
