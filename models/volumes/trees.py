"""One LightGBM for all series: by what a count differs from the mean of its last eight same weekdays."""

from __future__ import annotations

from dataclasses import dataclass

import lightgbm
import numpy as np

from features.volumes.day_columns import COLUMNS
from models.scales import Float64Array
from models.volumes.means import same_weekdays
from sla.instants import Int64Array

LEAST_ROWS = 5_000
MOST_ROWS = 60_000
MEMORY = 400  # days before an origin that features look at
_CALENDAR = tuple(COLUMNS[1:-1])
NAMES = (
    *(name.replace(" ", "_") for name in _CALENDAR),
    "horizon",
    "log_level",
    "last_over_base",
    "four_over_base",
    "week_over_month",
    "month_over_quarter",
    "quarter_over_year",
    "last_year_then",
)
PARAMETERS = {
    "objective": "poisson",
    "learning_rate": 0.08,
    "num_leaves": 31,
    "min_data_in_leaf": 100,
    "feature_fraction": 0.7,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 10.0,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}


@dataclass(frozen=True)
class VolumeTrees:
    """A fitted LightGBM and its text."""

    booster: lightgbm.Booster

    @classmethod
    def from_text(cls, text: str) -> VolumeTrees:
        """The trees that `text` wrote."""
        return cls(lightgbm.Booster(model_str=text))

    def text(self) -> str:
        """LightGBM's own text of the model."""
        return str(self.booster.model_to_string())

    def forecast(self, values: Float64Array, columns: Float64Array, horizon: int) -> Float64Array:
        """s x horizon expected counts after the last day of `values` (s x n); `columns` reach `horizon` days further."""
        base, rows = tree_rows(values, columns, horizon)
        ratio = np.asarray(self.booster.predict(rows, num_threads=1))
        found: Float64Array = base * ratio.reshape(base.shape)
        return found


def fit_trees(
    values: Float64Array, columns: Float64Array, horizon: int, *, rounds: int = 100, seed: int = 0
) -> VolumeTrees | None:
    """Trees fitted at origins two weeks apart over the last two years; None with fewer than 5,000 rows to learn from."""
    n = values.shape[1]
    origins = np.arange(n - 7, max(n - 731, 120), -14)
    if not len(origins):
        return None
    each = max(MOST_ROWS // len(origins), 1)
    rng = np.random.default_rng(seed)
    parts = [_rows_at(values, columns, int(origin), min(horizon, n - int(origin)), each, rng) for origin in origins]
    X, ratio, weight = (np.concatenate([part[place] for part in parts]) for place in range(3))
    if len(X) < LEAST_ROWS:
        return None
    data = lightgbm.Dataset(
        X, ratio, weight=weight, feature_name=list(NAMES), params={"verbosity": -1}, free_raw_data=True
    )
    return VolumeTrees(lightgbm.train({**PARAMETERS, "seed": seed, "num_threads": 1}, data, num_boost_round=rounds))


def tree_rows(values: Float64Array, columns: Float64Array, horizon: int) -> tuple[Float64Array, Float64Array]:
    """The base s x horizon, and rows (s * horizon) x len(NAMES), of what was known after the last day of `values`."""
    n = values.shape[1]
    known = values[:, -MEMORY:]
    level = _mean(known[:, -28:])
    base = np.maximum(same_weekdays(known, horizon, 8), 0.05 * level[:, None] + 0.02)
    week, quarter, year = (_mean(known[:, -days:]) for days in (7, 91, 364))
    steady = np.stack([np.log(level + 0.1), _ratio(week, level), _ratio(level, quarter), _ratio(quarter, year)], axis=1)
    s = len(values)
    rows = np.empty((s, horizon, len(NAMES)))
    at = len(_CALENDAR)
    rows[:, :, :at] = columns[None, n : n + horizon, 1:-1]
    rows[:, :, at] = np.arange(1, horizon + 1)
    rows[:, :, at + 1] = steady[:, None, 0]
    rows[:, :, at + 2] = _ratio(same_weekdays(known, horizon, 1), base)
    rows[:, :, at + 3] = _ratio(same_weekdays(known, horizon, 4), base)
    rows[:, :, at + 4 : at + 7] = steady[:, None, 1:]
    rows[:, :, at + 7] = _last_year(known, horizon)
    return base, rows.reshape(s * horizon, len(NAMES))


def _rows_at(
    values: Float64Array, columns: Float64Array, origin: int, horizon: int, most: int, rng: np.random.Generator
) -> tuple[Float64Array, Float64Array, Float64Array]:
    """Rows, ratios to the base and weights of some counts after an origin."""
    base, rows = tree_rows(values[:, :origin], columns, horizon)
    came = values[:, origin : origin + horizon]
    born = np.isfinite(values[:, :origin]).sum(axis=1) >= 28
    chosen: Int64Array = np.flatnonzero((np.isfinite(came) & born[:, None]).ravel())
    if len(chosen) > most:
        chosen = np.sort(rng.choice(chosen, most, replace=False))
    flat = base.ravel()[chosen]
    return rows[chosen], came.ravel()[chosen] / flat, flat


def _last_year(known: Float64Array, horizon: int) -> Float64Array:
    """s x horizon: the week around the day 364 days before, over the four weeks that ended 364 days before the origin."""
    s, n = known.shape
    if n < MEMORY:
        return np.full((s, horizon), np.nan)
    before = _mean(known[:, n - 364 - 28 : n - 364])
    out = np.full((s, horizon), np.nan)
    for ahead in range(horizon):
        middle = n - 364 + ahead
        out[:, ahead] = _ratio(_mean(known[:, middle - 3 : min(middle + 4, n)]), before)
    return out


def _mean(values: Float64Array) -> Float64Array:
    known = np.isfinite(values)
    found: Float64Array = np.where(known, values, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return found


def _ratio(above: Float64Array, below: Float64Array) -> Float64Array:
    found: Float64Array = np.clip((above + 0.1) / (below + 0.1), 0.05, 20.0)
    return found
