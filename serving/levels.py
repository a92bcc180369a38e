"""How the agreements were kept: for each target and month how many clocks met it, how many missed it, and by how much.

A clock counts in the month in which it was decided: met when it stopped in time, missed at the instant of its breach, although its
ticket may still be open. Cancelled clocks count nowhere. Months are those of the desk's zone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from serving.queue import ColumnRows, Queue, QueueRow
from serving.risk import LATE, Risk
from sla.agreements.agreement_set import AgreementSet

ASSUMED_GOAL = 0.95
"""The share that should meet a target where no agreement names a service credit."""
CLOSE_POINTS = 0.02
"""Attainment this little above the goal counts as close."""
NEAR_SHARE = 0.95
"""A clock that was met with at least this share of its target used is a near miss."""
MOST_MONTHS = 12


@dataclass(frozen=True)
class Month:
    """A month of the desk's calendar."""

    year: int
    number: int

    @classmethod
    def of(cls, at: datetime, zone: str) -> Month:
        """The month of an instant."""
        local = at.astimezone(ZoneInfo(zone))
        return cls(local.year, local.month)

    @classmethod
    def read(cls, text: str) -> Month | None:
        """The month of `2016-05`, None for anything else."""
        try:
            found = datetime.strptime(text, "%Y-%m")  # noqa: DTZ007 (a month has no zone)
        except ValueError:
            return None
        return cls(found.year, found.month)

    def plus(self, months: int) -> Month:
        """The month so many later."""
        place = self.year * 12 + self.number - 1 + months
        return Month(place // 12, place % 12 + 1)

    def begin(self, zone: str) -> datetime:
        """Its first instant."""
        return datetime(self.year, self.number, 1, tzinfo=ZoneInfo(zone))

    def __str__(self) -> str:
        return f"{self.year}-{self.number:02}"


@dataclass(frozen=True)
class Attained:
    """One target in one month. `goal`: the share that should be met; `is_assumed`: no agreement says so."""

    month: Month
    met: int
    missed: int
    goal: float
    is_assumed: bool

    @property
    def total(self) -> int:
        """How many were decided."""
        return self.met + self.missed

    @property
    def share(self) -> float | None:
        """The share that was met, None where nothing was decided."""
        return self.met / self.total if self.total else None

    @property
    def gap(self) -> float | None:
        """Share minus goal: negative where the goal was missed."""
        return None if self.share is None else self.share - self.goal

    @property
    def word(self) -> str:
        """`kept`, `close` (kept, but hardly), `missed` or `none`."""
        if self.gap is None:
            return "none"
        if self.gap < -1e-12:
            return "missed"
        return "close" if self.gap < CLOSE_POINTS and self.missed else "kept"


@dataclass(frozen=True)
class Level:
    """One target of one agreement over the months, the oldest first. `chance`: see `chance_to_miss`."""

    target: str
    agreement: str
    months: tuple[Attained, ...]
    chance: float | None = None


@dataclass(frozen=True)
class LevelsReport:
    """The levels of some months, and every clock that was decided in them (a frame with COLUMNS)."""

    months: tuple[Month, ...]
    levels: tuple[Level, ...]
    clocks: pd.DataFrame

    def missed_in(self, month: Month) -> pd.DataFrame:
        """The clocks that missed their target in a month, the worst first."""
        return worst_first(self.all_missed_in(month))

    def all_missed_in(self, month: Month) -> pd.DataFrame:
        """The same clocks as they come: a large desk misses ten thousands, and few are shown."""
        return self.clocks[(self.clocks["month"] == str(month)) & ~self.clocks["is_met"].astype(bool)]

    def near_misses_in(self, month: Month) -> pd.DataFrame:
        """The clocks that were met with hardly any time left, the closest first."""
        is_near = self.clocks["is_met"].astype(bool) & (self.clocks["share_used"] >= NEAR_SHARE)
        wanted = self.clocks[(self.clocks["month"] == str(month)) & is_near]
        return wanted.sort_values(["share_used", "ticket_id"], ascending=[False, True], kind="stable")


def worst_first(missed: pd.DataFrame, most: int | None = None) -> pd.DataFrame:
    """Missed clocks, the latest first, at most `most` of them: the same as all of them would begin with, without sorting the rest."""
    if most is not None and len(missed) > most:
        missed = missed[missed.index.isin(missed["overdue_seconds"].nlargest(most, keep="all").index)]
    ordered = missed.sort_values(["overdue_seconds", "ticket_id"], ascending=[False, True], kind="stable")
    return ordered if most is None else ordered.head(most)


def levels_report(
    clocks: pd.DataFrame, agreements: AgreementSet, until: Month, count: int, goal: float | None = None
) -> LevelsReport:
    """The report of `count` months up to one; `goal` (a share) goes before what the agreements say."""
    months = tuple(until.plus(place - count + 1) for place in range(count))
    wanted = clocks[clocks["month"].isin([str(month) for month in months])]
    tally = wanted.groupby(["agreement", "target", "month"], observed=True)["is_met"].agg(["sum", "size"])
    found = {cast("tuple[str, str, str]", key): (int(row["sum"]), int(row["size"])) for key, row in tally.iterrows()}
    levels = []
    for agreement, target in sorted({key[:2] for key in found}):
        agreed = goal_of(agreements, agreement, target)
        chosen = goal if goal is not None else agreed if agreed is not None else ASSUMED_GOAL
        attained = []
        for month in months:
            met, total = found.get((agreement, target, str(month)), (0, 0))
            attained.append(Attained(month, met, total - met, chosen, goal is None and agreed is None))
        levels.append(Level(target, agreement, tuple(attained)))
    return LevelsReport(months, tuple(levels), wanted)


def goal_of(agreements: AgreementSet, agreement: str, target: str) -> float | None:
    """The share below which an agreement owes a service credit, the strictest of them; None where it owes none."""
    metric = target.partition(":")[0]
    credits_agreed = [
        one.below_percent / 100.0
        for found in agreements.agreements
        if found.name == agreement
        for agreed in found.targets
        if agreed.metric == metric
        for one in agreed.credits
    ]
    return max(credits_agreed, default=None)


def chance_to_miss(attained: Attained, open_chances: Sequence[float]) -> float | None:
    """The chance that the month ends below its goal, given the chance of each open clock that it will still be decided late.

    Exact for independent clocks (a Poisson binomial distribution); tickets that are yet to come are not in it. None where
    nothing is decided or open.
    """
    total = attained.total + len(open_chances)
    if total == 0:
        return None
    late = _late_counts(open_chances)
    missed = attained.missed + np.arange(len(late))
    return min(1.0, float(late[(total - missed) / total < attained.goal - 1e-12].sum()))


def _late_counts(chances: Sequence[float]) -> NDArray[np.float64]:
    """How likely each number of late clocks is, from none to all; pairs of clocks, of pairs and so on, each multiplied at once."""
    chance = np.asarray(chances, np.float64)
    late = np.stack((1.0 - chance, chance), axis=1)
    while len(late) > 1:
        if len(late) % 2:
            late = np.vstack((late, np.eye(1, late.shape[1])))  # none late, for sure
        width = 2 * late.shape[1] - 1
        spectrum = np.fft.rfft(late, 1 << width.bit_length())
        late = np.maximum(np.fft.irfft(spectrum[::2] * spectrum[1::2])[:, :width], 0.0)
    return late[0, : len(chance) + 1] if len(late) else np.ones(1)


def open_chances(queue: Queue, agreement: str, target: str, until: datetime) -> list[float] | None:
    """The chance of each open, undecided clock that is due before an instant to be late; None without a model.

    A clock that waits is taken at what the model says of it, one that has no probability is left out.
    """
    if target != queue.target or queue.bundle_version is None:
        return None
    if isinstance(queue.rows, ColumnRows):
        return queue.rows.chances_due(agreement, until)
    return [row.probability for row in _due_before(queue.rows, agreement, until) if row.probability is not None]


def _due_before(rows: Sequence[QueueRow], agreement: str, until: datetime) -> Iterator[QueueRow]:
    for row in rows:
        due = row.clock.due_at
        is_open = row.risk not in LATE and row.risk is not Risk.NO_CLOCK
        if is_open and row.clock.agreement == agreement and due is not None and due < until:
            yield row
