"""Served bundle, challenger and the order of due times on the same tickets: every morning's queue as it was scored then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from serving.quality.figures import Floats, brier, roc_auc
from serving.quality.statements import Endings, endings_of, in_us
from sla.instants import NEVER_US, BoolArray, Int64Array, from_us, to_us

TOPS = (5, 10, 20, 50)
MORNING = time(8)
LEAST_TICKETS, LEAST_MISSED = 30, 5
RULES = "rules"


@dataclass(frozen=True)
class Contender:
    """A bundle, or RULES: due soonest first, those whose due time nobody knows last. `caught`: misses among the first TOPS of a morning, added up."""

    name: str
    auc: float | None
    brier: float | None
    caught: tuple[int, ...]


@dataclass(frozen=True)
class Contest:
    """The mornings that were played again. `missed` adds up the mornings: a ticket counts on each on which it could have been caught.

    `tops` are how many a dispatcher takes; `possible`: how many of the misses anyone could have had among the first so many.
    """

    since: datetime
    until: datetime
    mornings: int
    tickets: int
    missed: int
    tops: tuple[int, ...]
    possible: tuple[int, ...]
    contenders: tuple[Contender, ...]


@dataclass(frozen=True)
class _Stream:
    """What one bundle said, the oldest first: of which ticket (its place in the index), when, what, and the due time then."""

    name: str
    ticket: Int64Array
    scored_us: Int64Array
    probability: Floats
    due_us: Int64Array

    def in_force(self, at_us: int, count: int) -> Int64Array:
        """The row that holds at an instant for each ticket, -1 for none."""
        until = int(np.searchsorted(self.scored_us, at_us, side="right"))
        found = np.full(count, -1, np.int64)
        found[self.ticket[:until]] = np.arange(until)  # the last of each stays
        return found


def contest(
    said: pd.DataFrame, clocks: pd.DataFrame, target: str, served: str, mornings: list[datetime]
) -> Contest | None:
    """The contest on tickets that were undecided on a morning and have ended since; None where there are too few, or all ended alike.

    `said` is the frame of features.store.predictions.said_of_some. The challenger is the bundle that scored in the shadow last, where
    there is one; a ticket counts on a morning on which all had said something of it. `mornings` are aware, the oldest first.
    """
    tickets = pd.Index(said["ticket_id"].unique())
    streams = _streams(said, tickets, served)
    if not streams or streams[0].name != served:
        return None
    endings = endings_of(tickets, clocks, target)
    parts = [part for at in mornings if len((part := _morning(streams, endings, to_us(at), len(tickets))).ticket)]
    if not parts:
        return None
    seen = np.concatenate([part.ticket for part in parts])
    missed = np.concatenate([part.missed for part in parts])
    if len(np.unique(seen)) < LEAST_TICKETS or not LEAST_MISSED <= missed.sum() <= len(missed) - LEAST_MISSED:
        return None
    usual = len(missed) / len(parts)
    tops = tuple(top for top in TOPS if top < usual) or TOPS[:1]
    names = (*(one.name for one in streams), RULES)
    return Contest(
        since=parts[0].at,
        until=parts[-1].at,
        mornings=len(parts),
        tickets=len(np.unique(seen)),
        missed=int(missed.sum()),
        tops=tops,
        possible=tuple(sum(min(top, int(part.missed.sum())) for part in parts) for top in tops),
        contenders=tuple(_contender(name, place, parts, missed, tops) for place, name in enumerate(names)),
    )


def mornings_of(since: datetime, until: datetime, zone: str) -> list[datetime]:
    """Every local MORNING between two instants."""
    day = since.astimezone(ZoneInfo(zone)).date()
    days = ((until - since) // timedelta(days=1)) + 2
    found = [datetime.combine(day + timedelta(days=place), MORNING, ZoneInfo(zone)) for place in range(days)]
    return [at for at in found if since <= at <= until]


@dataclass(frozen=True)
class _Morning:
    """One morning: the tickets that count, whether each missed, and its score by each contender, a row each."""

    at: datetime
    ticket: Int64Array
    missed: BoolArray
    scores: Floats


def _streams(said: pd.DataFrame, tickets: pd.Index, served: str) -> list[_Stream]:
    is_shadow = said["is_shadow"].to_numpy(dtype=np.bool_)
    version = said["bundle_version"].to_numpy(dtype=object)
    wanted: list[tuple[str, BoolArray]] = [(served, ~is_shadow & (version == served))]
    if is_shadow.any():
        last = str(said.loc[is_shadow].sort_values("scored_at", kind="stable")["bundle_version"].iloc[-1])
        if last != served:
            wanted.append((last, is_shadow & (version == last)))
    return [_stream(name, said[mask], tickets) for name, mask in wanted if mask.any()]


def _stream(name: str, said: pd.DataFrame, tickets: pd.Index) -> _Stream:
    ordered = said.sort_values("scored_at", kind="stable")
    return _Stream(
        name,
        tickets.get_indexer(pd.Index(ordered["ticket_id"])).astype(np.int64),
        in_us(ordered["scored_at"]),
        ordered["probability"].to_numpy(dtype=np.float64),
        in_us(ordered["due_at"]),
    )


def _morning(streams: list[_Stream], endings: Endings, at_us: int, count: int) -> _Morning:
    rows = np.array([one.in_force(at_us, count) for one in streams])
    counts = (rows >= 0).all(axis=0) & (endings.decided_us > at_us) & (endings.decided_us != NEVER_US)
    ticket = np.flatnonzero(counts)
    due_us = streams[0].due_us[rows[0, ticket]]
    left = np.where(due_us == NEVER_US, np.inf, (due_us - at_us).astype(np.float64))
    said = [one.probability[row[ticket]] for one, row in zip(streams, rows, strict=True)]
    return _Morning(from_us(at_us), ticket, endings.missed[ticket], np.array([*said, -left]))


def _contender(name: str, place: int, parts: list[_Morning], missed: BoolArray, tops: tuple[int, ...]) -> Contender:
    score, came = np.concatenate([part.scores[place] for part in parts]), missed.astype(np.float64)
    caught = tuple(sum(_caught(part, place, top) for part in parts) for top in tops)
    return Contender(name, roc_auc(score, came), None if name == RULES else brier(score, came), caught)


def _caught(part: _Morning, place: int, top: int) -> int:
    first = np.argsort(-part.scores[place], kind="stable")[:top]
    return int(part.missed[first].sum())
