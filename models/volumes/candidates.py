"""What each candidate says of the days ahead, for all series, from what was known at one origin."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from features.volumes.counts import Series, VolumeCounts
from features.volumes.day_columns import day_columns
from features.volumes.openings import Learnable, learnable
from features.volumes.planned import Outlook
from models.scales import Float64Array
from models.volumes.means import same_weekdays, share_of_whole
from models.volumes.plans import learned_factors, planned_factors
from models.volumes.regression import RegressionParameters, regression
from models.volumes.smoothing import smoothing
from models.volumes.trees import VolumeTrees
from sla.instants import BoolArray

LAST, FOUR, SMOOTHING = "last same weekday", "mean of four same weekdays", "smoothing"
REGRESSION, CARRIED, TREES = "regression", "regression, latest days carried on", "LightGBM"
BOTH, ALL_THREE = "mean of regression and smoothing", "mean of regression, smoothing and LightGBM"
CALM = "mean of regression and mean of four"
CANDIDATES = (LAST, FOUR, SMOOTHING, REGRESSION, CARRIED, TREES, BOTH, ALL_THREE, CALM)
MEANS = {BOTH: (REGRESSION, SMOOTHING), ALL_THREE: (REGRESSION, SMOOTHING, TREES), CALM: (REGRESSION, FOUR)}
FALLBACK = FOUR
NEW_DAYS = 28  # a series counted on fewer days is said as a share of the whole
LEAST_HISTORY = 14


@dataclass(frozen=True)
class Origin:
    """All that was known when a forecast is made: counts before a day, what can be learned from, the outlook of that day."""

    series: tuple[Series, ...]
    learn: Learnable
    outlook: Outlook
    horizon: int
    factors: dict[str, float] = field(default_factory=dict)  # of kinds of planned events

    @classmethod
    def of(cls, counts: VolumeCounts, outlook: Outlook, horizon: int) -> Origin:
        """The origin at the end of the counts."""
        known = outlook.known_by(counts.end_day)
        learn = learnable(counts, known)
        factors = learned_factors(learn.values, counts.series, counts.first_day, known) if known.events else {}
        return cls(counts.series, learn, known, horizon, factors)

    @property
    def day(self) -> int:
        """The first day that is forecast."""
        return int(self.learn.first_day + self.learn.values.shape[1])

    @property
    def values(self) -> Float64Array:
        """What is learned from, with what planned events did taken out."""
        if not self.outlook.events:
            return self.learn.values
        first, days = self.learn.first_day, self.learn.values.shape[1]
        found: Float64Array = self.learn.values / planned_factors(self.outlook, self.series, first, days, self.factors)
        return found

    @property
    def columns(self) -> Float64Array:
        """What the calendar says of the days, past and ahead."""
        first, days = self.learn.first_day, self.learn.values.shape[1]
        return day_columns(first, days + self.horizon, self.day, self.outlook, self.learn.is_working)

    @property
    def is_new(self) -> BoolArray:
        """Which series were counted on too few days to be forecast by themselves."""
        found: BoolArray = np.isfinite(self.learn.values).sum(axis=1) < NEW_DAYS
        found[0] = False
        return found

    def finished(self, said: Float64Array) -> Float64Array:
        """The same with planned events put in, and nothing on days that are closed."""
        if self.outlook.events:
            said = said * planned_factors(self.outlook, self.series, self.day, self.horizon, self.factors)
        return np.where(self.learn.shut(self.outlook, self.day, self.horizon)[None, :], 0.0, said)


def candidates(
    origin: Origin, trees: VolumeTrees | None, parameters: RegressionParameters | None = None
) -> dict[str, Float64Array]:
    """s x horizon by each candidate; LightGBM and means with it are absent where there are no trees.

    New series are the same share of the whole in all of them.
    """
    values, columns, horizon = origin.values, origin.columns, origin.horizon
    chosen = parameters or RegressionParameters()
    calm, carried = regression(values, columns, horizon, chosen)
    said = {
        LAST: same_weekdays(values, horizon, 1),
        FOUR: same_weekdays(values, horizon, 4),
        SMOOTHING: smoothing(values, horizon),
        REGRESSION: calm,
        CARRIED: carried,
    }
    if trees is not None:
        said[TREES] = trees.forecast(values, columns, horizon)
    for name, parts in MEANS.items():
        if all(part in said for part in parts):
            said[name] = np.mean([said[part] for part in parts], axis=0)
    is_new = origin.is_new
    for found in said.values():
        if is_new.any():
            found[is_new] = share_of_whole(values, found[0])[0][is_new]
    return {name: origin.finished(found) for name, found in said.items()}
