"""What the served bundle says about open tickets: probabilities at once, reasons when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.live import LiveHistories
from features.snapshots import Snapshots
from models.bundle import FINISH_COLUMNS, BreachBundle
from models.reasons import Reason, reason_texts, reasons
from serving.feature_rows import FeatureRows
from sla.instants import NEVER_US, BoolArray, Int64Array

TOP = 3
MOST_TOLD = 20_000
"""The reasons of so many rows are kept at most: those of a whole desk that was written into a file would be large."""
BLOCK_ROWS = 5_000
"""Many rows are asked about so many at a time: their values need little memory, and two threads share them."""
ROWS_AT_ONCE = 30_000
"""Of so many rows at most all numbers are there at once; they are then held in fewer bytes."""
THREADS = 2
"""More than one asks at once, because LightGBM lets go of the interpreter; not all of a large machine, which also answers people."""


@dataclass(frozen=True)
class Estimates:
    """What a bundle says of m snapshots; tickets that are already decided are not asked about.

    `probability` is NaN for them. `features` holds the rows of the others in the order in which they were asked about,
    `row` the row of each snapshot over all of them, -1 for none; `asked_us` is the instant of which the row tells.
    """

    probability: NDArray[np.float64]
    row: Int64Array
    asked_us: Int64Array
    bundle: BreachBundle | None = None
    features: tuple[FeatureRows, ...] = ()
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
        self, bundle: BreachBundle, histories: LiveHistories, snapshots: Snapshots, is_wanted: BoolArray
    ) -> Estimates:
        """These estimates with those of the wanted snapshots made anew by the bundle, which also made the others."""
        places = np.flatnonzero(is_wanted)
        if not len(places):
            return replace(self, bundle=bundle)
        probability, row, asked_us = self.probability.copy(), self.row.copy(), self.asked_us.copy()
        kept, known = [], sum(len(rows) for rows in self.features)
        row[places] = known + np.arange(len(places))
        asked_us[places] = snapshots.at_us[places]
        for begin in range(0, len(places), ROWS_AT_ONCE):
            some = places[begin : begin + ROWS_AT_ONCE]
            probability[some], rows = _said(bundle, histories, snapshots.take(some))
            kept.append(rows)
        return Estimates(probability, row, asked_us, bundle, (*self.features, *kept), self.finishes, self.told)

    def moved(self, place: Int64Array) -> Estimates:
        """The estimates of other snapshots, each said of the one that was at `place`; nothing where that is -1."""
        found, to = Estimates.none(len(place)), np.flatnonzero(place >= 0)
        for name in ("probability", "row", "asked_us"):
            getattr(found, name)[to] = getattr(self, name)[place[to]]
        return replace(found, bundle=self.bundle, features=self.features, finishes=self.finishes, told=self.told)

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
            for place, one in zip(news[mine].tolist(), reasons(bundle, rows, TOP), strict=True):
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
            self.finishes.update(zip(self.row[news[mine]].tolist(), bundle.finish_values(rows), strict=True))
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


def _said(
    bundle: BreachBundle, histories: LiveHistories, snapshots: Snapshots
) -> tuple[NDArray[np.float64], FeatureRows]:
    """The probability of each snapshot, and what the bundle was asked about."""
    rows = histories.matrix(snapshots, bundle.spec, bundle.target, text=bundle.text)
    return _shared(lambda part: bundle.predict(rows.iloc[part]), len(rows)), FeatureRows.of(rows)


def _shared(ask: Callable[[slice], NDArray[Any]], size: int) -> NDArray[Any]:
    """What is said of so many rows, asked about in blocks; of each the same whatever else is asked about."""
    blocks = [slice(begin, begin + BLOCK_ROWS) for begin in range(0, size, BLOCK_ROWS)]
    if len(blocks) <= 1:
        return ask(slice(0, size))
    with ThreadPoolExecutor(THREADS, thread_name_prefix="slacast-asking") as pool:
        return np.concatenate(list(pool.map(ask, blocks)))
