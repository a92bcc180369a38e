"""What is stored of scores: each ticket's, whenever it says something new."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.snapshots import Snapshots
from features.store.predictions import StoredChanges
from serving.queue import Queue
from serving.scored import Scored, Stood
from serving.scored_rows import ScoredRows
from serving.spare_memory import give_back
from sla.clocks.verdicts import VerdictState
from sla.instants import NEVER_US, Int64Array, to_us

_STATE_NAMES = np.array([state.name.lower() for state in VerdictState], object)
_STATE_OF = {name: state for state, name in enumerate(_STATE_NAMES)}
MANY = 10_000
"""So many scores at once leave much free memory behind: the first ones, and those by another model."""
_DUE_IS_KNOWN = (VerdictState.RUNNING, VerdictState.BREACHED)


class PredictionTable(Protocol):
    """What is needed of features.store.predictions.Predictions."""

    def append(
        self, frame: pd.DataFrame, tolerance: float = ..., conditions: Sequence[Callable[[Any], None]] = ()
    ) -> StoredChanges:
        """How many predictions were stored, and how many said nothing new."""

    def in_force(
        self,
        at: datetime,
        ticket_ids: Sequence[str] | None = None,
        target: str | None = None,
        *,
        is_shadow: bool = False,
    ) -> pd.DataFrame:
        """What was last said by an instant."""


@dataclass(frozen=True)
class Said:
    """What was said of n tickets, as columns; `version` is "" and `probability` NaN where the rules alone spoke.

    `snapshots` and `stood` are those of the scoring that said it.
    """

    tickets: NDArray[np.object_]
    state: NDArray[np.int8]
    due_us: Int64Array
    probability: NDArray[np.float64]
    version: NDArray[np.object_]
    snapshots: Snapshots | None = None
    stood: Stood | None = None

    @classmethod
    def by(cls, scored: Scored) -> Said:
        """What a scoring says of its open tickets. The due time of a clock that stands still is nobody's knowledge, so it is left out."""
        probability = scored.estimates.probability
        is_known = scored.has_target & scored.leading.is_in(*_DUE_IS_KNOWN)
        texts = np.array(["", scored.estimates.version or ""], object)  # one text for all rows, not one for each
        version = texts[(~np.isnan(probability)).astype(np.intp)]
        due_us = np.where(is_known, scored.leading.due_us, NEVER_US)
        state, came_from = scored.leading.state, (scored.snapshots, scored.stood)
        return cls(scored.facts.ticket_ids, state, due_us, probability, version, *came_from)

    @classmethod
    def stored(cls, frame: pd.DataFrame) -> Said:
        """What stored predictions say."""
        codes, versions = pd.factorize(frame["bundle_version"].fillna(""))
        return cls(
            frame["ticket_id"].to_numpy(object),
            np.array([_STATE_OF[name] for name in frame["state"]], np.int8),
            _in_us(frame["due_at"]),
            frame["probability"].to_numpy(np.float64),
            versions.to_numpy(object)[codes],  # one text for all rows, not one for each
        )

    @classmethod
    def nothing(cls) -> Said:
        """Nothing of no ticket."""
        none = np.empty(0)
        return cls(none.astype(object), none.astype(np.int8), none.astype(np.int64), none, none.astype(object))

    def places_in(self, before: Said) -> Int64Array:
        """Where each ticket stands in what was said `before`, -1 for none.

        A scoring that went on from the one before knows it. To look all ids up takes as long as to score, and nobody else runs meanwhile.
        """
        if self.stood is not None and self.stood.snapshots is before.snapshots:
            return self.stood.place
        return np.asarray(
            pd.Index(before.tickets, dtype=object).get_indexer(pd.Index(self.tickets, dtype=object)), np.int64
        )

    def news(self, before: Said, place: Int64Array, tolerance: float) -> Int64Array:
        """The places of what says something new after `before`, where each stands at `place`."""
        if not len(before.tickets):
            return np.arange(len(self.tickets))
        moved = np.abs(self.probability - before.probability[place])
        is_same = (
            (place >= 0)
            & (self.state == before.state[place])
            & (self.due_us == before.due_us[place])
            & (self.version == before.version[place]).astype(np.bool_)
            & (np.isnan(self.probability) == np.isnan(before.probability[place]))
            & ~(moved > tolerance)
        )
        return np.flatnonzero(~is_same)

    def after(self, before: Said, place: Int64Array, news: Int64Array) -> Said:
        """What is stored after `before` once the news is: tickets that are open no more are forgotten."""
        place = place.copy()
        place[news] = -1

        def kept(now: NDArray[Any], then: NDArray[Any]) -> NDArray[Any]:
            found = now.copy()
            found[place >= 0] = then[place[place >= 0]]
            return found

        return Said(
            self.tickets,
            kept(self.state, before.state),
            kept(self.due_us, before.due_us),
            kept(self.probability, before.probability),
            kept(self.version, before.version),
            self.snapshots,
        )


class ScoreJournal:
    """Stores the scores of queues, one after the other; those of a challenger beside those that are shown.

    It remembers what it stored last, so that a tick costs what changed: nothing else is put into words or sent to the
    database. What others stored meanwhile it does not know until it is told to `forget`.
    """

    def __init__(self, predictions: PredictionTable, tolerance: float, *, is_shadow: bool = False) -> None:
        self._predictions, self._tolerance, self._is_shadow = predictions, tolerance, is_shadow
        self._said: Said | None = None
        self._at: datetime | None = None

    def forget(self) -> None:
        """Read anew from the store what was said last: another process may have said more."""
        self._said = self._at = None

    def store(self, queue: Queue, conditions: Sequence[Callable[[Any], None]] = ()) -> int:
        """How many scores were stored: those that say something new, in one transaction, under the conditions."""
        if not isinstance(queue.rows, ScoredRows):
            return 0
        scored = queue.rows.scored
        if self._said is None or self._at is None or queue.as_of < self._at:  # the clock was set back
            self._said = self._in_force(queue)
        said = Said.by(scored)
        place = said.places_in(self._said)
        news = said.news(self._said, place, self._tolerance)
        stored = 0
        if len(news):
            frame = self._frame(queue, scored, said, news)
            stored = self._predictions.append(frame, self._tolerance, conditions).inserted
            if len(news) >= MANY:
                give_back()
        self._said, self._at = said.after(self._said, place, news), queue.as_of
        return stored

    def _in_force(self, queue: Queue) -> Said:
        found = self._predictions.in_force(queue.as_of, target=queue.target, is_shadow=self._is_shadow)
        return Said.stored(found) if len(found) else Said.nothing()

    def _frame(self, queue: Queue, scored: Scored, said: Said, news: Int64Array) -> pd.DataFrame:
        is_by_rules = said.version[news] == ""
        version = said.version[news].copy()
        version[is_by_rules] = None
        scored_us = np.full(len(news), to_us(queue.as_of))
        return pd.DataFrame(
            {
                "ticket_id": said.tickets[news],
                "target": queue.target,
                "is_shadow": self._is_shadow,
                "scored_at": _instants(scored_us),
                "snapshot_at": _instants(np.where(is_by_rules, scored_us, scored.estimates.asked_us[news])),
                "state": _STATE_NAMES[said.state[news]],
                "bundle_version": version,
                "probability": said.probability[news],
                "due_at": _instants(said.due_us[news]),
                "reasons": _reasons(scored, news),
            }
        )


def _reasons(scored: Scored, places: Int64Array) -> list[str | None]:
    """The bundle's reasons as JSON lists, None where it was not asked; a text that many tickets share is encoded once."""
    told = scored.estimates.reason_texts(places)
    encoded = {text: json.dumps(text, ensure_ascii=False) for text in set(told.ravel().tolist()) if text is not None}
    return [
        f"[{', '.join([encoded[text] for text in row if text is not None])}]" if row[0] is not None else None
        for row in told.tolist()
    ]


def _instants(at_us: Int64Array) -> pd.DatetimeIndex:
    """Instants in microseconds as pandas has them, NaT for NEVER_US."""
    missing = np.iinfo(np.int64).min
    return pd.DatetimeIndex(np.where(at_us == NEVER_US, missing, at_us).view("datetime64[us]")).tz_localize("UTC")


def _in_us(instants: pd.Series[Any]) -> Int64Array:
    """The way back."""
    at = pd.DatetimeIndex(instants).tz_convert("UTC").tz_localize(None).to_numpy("datetime64[us]")
    return np.where(np.isnat(at), NEVER_US, at.astype(np.int64))
