"""What the served bundle says about open tickets: probabilities at once, reasons when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.live import LiveHistories
from features.snapshots import Snapshots
from models.bundle import FINISH_COLUMNS, BreachBundle
from models.reasons import Reason, reason_texts, reasons
from models.sides import Codes
from serving.feature_rows import FeatureRows
from sla.instants import NEVER_US, BoolArray, Int64Array

T = TypeVar("T")
TOP = 3
MOST_TOLD = 20_000
"""The reasons of so many rows are kept at most: those of a whole desk that was written into a file would be large."""
BLOCK_ROWS = 5_000
"""Many rows are asked about so many at a time: their values need little memory, and two threads share them."""
LEAST_SHARED = 400
"""Of fewer rows a second thread takes longer to begin than it saves."""
ROWS_AT_ONCE = 30_000
"""Of so many rows at most all numbers are there at once; they are then held in fewer bytes."""
LEAST_REMEMBERED = 1_000
"""Of so many rows that are asked about at once it is kept where their values lay, so that the next tick need not ask about all again."""
THREADS = 2
"""More than one asks at once, because LightGBM lets go of the interpreter; not all of a large machine, which also answers people."""


@dataclass(frozen=True)
class Estimates:
    """What a bundle says of m snapshots; tickets that are already decided are not asked about.

    `probability` is NaN for them. `features` holds the rows of the others in the order in which they were asked about,
    `row` the row of each snapshot over all of them, -1 for none; `asked_us` is the instant of which the row tells. `sides` are those of the
    bundle's thresholds on which the rows lie, part by part, None where they are not kept.
    """

    probability: NDArray[np.float64]
    row: Int64Array
    asked_us: Int64Array
    bundle: BreachBundle | None = None
    features: tuple[FeatureRows, ...] = ()
    sides: tuple[Codes | None, ...] = field(default=(), compare=False, repr=False)
    finishes: dict[int, NDArray[np.float64]] = field(default_factory=dict, compare=False, repr=False)  # told, by `row`
    told: dict[int, list[Reason]] = field(default_factory=dict, compare=False, repr=False)  # the same of reasons

    @classmethod
    def none(cls, snapshots: int) -> Estimates:
        """Nothing said about so many snapshots."""
        return cls(np.full(snapshots, np.nan), np.full(snapshots, -1), np.full(snapshots, NEVER_US))

    @classmethod
    def by(
        cls, bundle: BreachBundle, histories: LiveHistories, snapshots: Snapshots, is_undecided: BoolArray
    ) -> Estimates:
        """The bundle's estimates for the undecided snapshots."""
        return cls.none(len(snapshots)).asked(bundle, histories, snapshots, is_undecided)

    def asked(
        self,
        bundle: BreachBundle,
        histories: LiveHistories,
        snapshots: Snapshots,
        is_wanted: BoolArray,
        earlier: Earlier | None = None,
    ) -> Estimates:
        """These estimates with those of the wanted snapshots made anew by the bundle, which also made the others.

        What it said `earlier` of rows that crossed no threshold since it says again, to the last bit, without being asked.
        """
        places = np.flatnonzero(is_wanted)
        if not len(places):
            return replace(self, bundle=bundle)
        probability, row, asked_us = self.probability.copy(), self.row.copy(), self.asked_us.copy()
        kept, sides, known = list(self.features), list(self.sides), sum(len(rows) for rows in self.features)
        row[places] = known + np.arange(len(places))
        asked_us[places] = snapshots.at_us[places]
        for begin in range(0, len(places), ROWS_AT_ONCE):
            some = places[begin : begin + ROWS_AT_ONCE]
            rows = histories.matrix(snapshots.take(some), bundle.spec, bundle.target, text=bundle.text)
            before = earlier.said_of(some, bundle) if earlier is not None else None
            probability[some], where = _said(bundle, rows, before)
            kept.append(FeatureRows.of(rows))
            sides.append(where)
        return Estimates(
            probability, row, asked_us, bundle, tuple(kept), tuple(sides), finishes=self.finishes, told=self.told
        )

    def moved(self, place: Int64Array) -> Estimates:
        """The estimates of other snapshots, each said of the one that was at `place`; nothing where that is -1."""
        found, to = Estimates.none(len(place)), np.flatnonzero(place >= 0)
        for name in ("probability", "row", "asked_us"):
            getattr(found, name)[to] = getattr(self, name)[place[to]]
        kept = {name: getattr(self, name) for name in ("bundle", "features", "sides", "finishes", "told")}
        return replace(found, **kept)

    @property
    def version(self) -> str | None:
        """The bundle that was asked."""
        return None if self.bundle is None else self.bundle.version

    def reasons(self, places: Int64Array) -> list[list[Reason]]:
        """The bundle's reasons for the snapshots at some places, the weightiest first; none where it was not asked.

        They cost far more than probabilities, and few rows are ever read, some of them again and again: of each they are told once.
        """
        known = [self.told.get(row) for row in self.row[places].tolist()]  # read once: other threads tell rows too
        told, news = [one or [] for one in known], np.flatnonzero([one is None for one in known])
        for bundle, mine, rows in self._asked_rows(places[news]):
            for place, one in zip(news[mine].tolist(), _reasons(bundle, rows), strict=True):
                told[place] = one
                if len(self.told) < MOST_TOLD:
                    self.told[int(self.row[places[place]])] = one
        return told

    def reason_texts(self, places: Int64Array) -> NDArray[np.object_]:
        """The texts of the reasons alone, (places, TOP), None where there are fewer; several times as quick for many."""
        return _shared(lambda part: self._texts(places[part]), len(places))

    def _texts(self, places: Int64Array) -> NDArray[np.object_]:
        told = np.full((len(places), TOP), None, object)
        for bundle, mine, rows in self._asked_rows(places):
            told[mine] = reason_texts(bundle, rows, TOP)
        return told

    def finish_hours(self, places: Int64Array) -> NDArray[np.float64]:
        """When the clocks of the snapshots at some places will stop, in hours from `asked_us`: places x 8, as the bundle has them.

        NaN where it was not asked, everywhere where it has no range. Told for the few rows that are read, of each once.
        """
        told = np.full((len(places), len(FINISH_COLUMNS)), np.nan)
        if self.bundle is None or self.bundle.finish is None:
            return told
        wanted = self.row[places]
        news = places[[row not in self.finishes for row in wanted.tolist()]]
        for bundle, mine, rows in self._asked_rows(news):
            self.finishes.update(zip(self.row[news[mine]].tolist(), _finish_values(bundle, rows), strict=True))
        for index, row in enumerate(wanted.tolist()):
            told[index] = self.finishes.get(row, np.nan)
        return told

    def _asked_rows(self, places: Int64Array) -> Iterator[tuple[BreachBundle, Int64Array, pd.DataFrame]]:
        """The features of the snapshots at some places that the bundle was asked about, with their places among these.

        They come in the order in which it was asked: the trees repeat what they said of the same few rows.
        """
        row, first = self.row[places], 0
        for rows in self.features:
            mine = np.flatnonzero((row >= first) & (row < first + len(rows)))
            if len(mine) and self.bundle is not None:
                mine = mine[np.argsort(row[mine], kind="stable")]
                yield self.bundle, mine, rows.take(row[mine] - first)
            first += len(rows)


@dataclass(frozen=True)
class Earlier:
    """What a bundle said earlier: `place` is that of each snapshot among those, -1 for one that was not there."""

    estimates: Estimates
    place: Int64Array

    def said_of(self, snapshots: Int64Array, bundle: BreachBundle) -> Before | None:
        """What was said of some of the snapshots; None where this bundle said nothing of which the sides are kept."""
        then, place = self.estimates, self.place[snapshots]
        if then.bundle is not bundle or not len(then.row):
            return None
        row, first, codes = np.where(place >= 0, then.row[place], -1), 0, None
        is_known = np.zeros(len(row), np.bool_)
        for rows, sides in zip(then.features, then.sides, strict=True):
            mine = np.flatnonzero((row >= first) & (row < first + len(rows)))
            if sides is not None and len(mine):
                codes = np.zeros((len(sides), len(row)), sides.dtype) if codes is None else codes
                codes[:, mine] = sides[:, row[mine] - first]
                is_known[mine] = True
            first += len(rows)
        return None if codes is None else Before(then.probability[place], codes, is_known)


@dataclass(frozen=True)
class Before:
    """The probabilities of n rows then, and the sides on which they lay, columns x n; any numbers where `is_known` is False."""

    probability: NDArray[np.float64]
    sides: Codes
    is_known: BoolArray


def _some(rows: pd.DataFrame, part: slice) -> pd.DataFrame:
    """Some of the rows; all of them as they are."""
    return rows if part.start == 0 and part.stop >= len(rows) else rows.iloc[part]


def _said(bundle: BreachBundle, rows: pd.DataFrame, before: Before | None) -> tuple[NDArray[np.float64], Codes | None]:
    """The probability of each row, and on which sides of the bundle's thresholds they lie, where that is kept."""
    limits = bundle.sides if len(rows) >= LEAST_REMEMBERED else None
    if limits is None:
        return _shared(lambda part: bundle.predict(_some(rows, part)), len(rows)), None
    if before is None:
        probability, sides, anew = np.empty(len(rows)), limits.none(len(rows)), np.arange(len(rows))
    else:
        probability, sides, then = before.probability, before.sides, before
        is_same = _shared(lambda part: limits.hold(bundle.inputs(rows.iloc[part]), then.sides[:, part]), len(rows))
        anew = np.flatnonzero(~(is_same & before.is_known))

    def ask(part: slice) -> NDArray[np.float64]:
        asked = rows.iloc[anew[part]]
        sides[:, anew[part]] = limits.of(bundle.inputs(asked))
        return bundle.predict(asked)

    if len(anew):
        probability[anew] = _shared(ask, len(anew))
    return probability, sides


def _reasons(bundle: BreachBundle, rows: pd.DataFrame) -> list[list[Reason]]:
    return [*chain.from_iterable(_in_blocks(lambda part: reasons(bundle, _some(rows, part), TOP), len(rows)))]


def _finish_values(bundle: BreachBundle, rows: pd.DataFrame) -> NDArray[np.float64]:
    return _shared(lambda part: bundle.finish_values(_some(rows, part)), len(rows))


def _shared(ask: Callable[[slice], NDArray[Any]], size: int) -> NDArray[Any]:
    """What is said of so many rows, asked about in blocks; of each the same whatever else is asked about."""
    found = _in_blocks(ask, size)
    return found[0] if len(found) == 1 else np.concatenate(found)


def _in_blocks(ask: Callable[[slice], T], size: int) -> list[T]:
    """What is said of each block of so many rows, by two threads. As many rows are always cut alike: the trees repeat what they said."""
    length = BLOCK_ROWS if size < LEAST_SHARED else min(BLOCK_ROWS, -(-size // THREADS))
    blocks = [slice(begin, begin + length) for begin in range(0, size, length)] or [slice(0, 0)]
    if len(blocks) == 1:
        return [ask(blocks[0])]
    with ThreadPoolExecutor(THREADS, thread_name_prefix="slacast-asking") as pool:
        return list(pool.map(ask, blocks))
