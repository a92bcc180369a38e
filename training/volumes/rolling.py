"""Rolling origins: what each candidate would have said of the days after many past days, from what was counted by then."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from features.volumes.counts import VolumeCounts
from features.volumes.planned import Outlook
from models.scales import Float64Array
from models.volumes.candidates import CANDIDATES, FALLBACK, Origin, candidates
from models.volumes.regression import RegressionParameters
from models.volumes.trees import VolumeTrees, fit_trees
from sla.instants import Int64Array


@dataclass(frozen=True)
class RolledVolumes:
    """What came (o x s x h, NaN where nothing is known) after each origin, and what each candidate had said (o x s x h)."""

    origins: Int64Array  # the first day that was forecast
    came: Float64Array
    said: dict[str, Float64Array]

    def known_by(self, day: int) -> RolledVolumes:
        """The same with what came from `day` on unknown, and origins after it left out."""
        kept = self.origins < day
        target = self.origins[kept, None] + np.arange(self.came.shape[2])[None, :]
        came = np.where((target < day)[:, None, :], self.came[kept], np.nan)
        return RolledVolumes(self.origins[kept], came, {name: said[kept] for name, said in self.said.items()})

    def errors(self, name: str) -> Float64Array:
        """o x s x h: what came less what was said."""
        return self.came - self.said[name]

    def wape(self, name: str) -> float:
        """The sum of absolute errors of all series below and with the whole, over what came."""
        return float(np.nansum(np.abs(self.errors(name))) / max(np.nansum(self.came), 1.0))


def past_origins(counts: VolumeCounts, *, horizon: int, most: int, step_days: int, least_days: int = 56) -> Int64Array:
    """The origins to judge at, oldest first: the last from which a whole step is known, and steps back from there."""
    last = counts.end_day - min(horizon, max(counts.days // 4, 1))
    found = last - step_days * np.arange(most)
    return np.sort(found[found - counts.first_day >= least_days])


def roll_volumes(
    counts: VolumeCounts,
    outlook: Outlook,
    origins: Int64Array,
    *,
    horizon: int,
    parameters: RegressionParameters | None = None,
    seed: int = 0,
    told: Callable[[int, int], None] = lambda _done, _of: None,
) -> RolledVolumes:
    """All candidates at all origins. LightGBM is fitted once, on what was counted before the first of them."""
    if not len(origins):
        none = np.zeros((0, len(counts.series), horizon))
        return RolledVolumes(origins, none, {FALLBACK: none})
    trees = trees_at(Origin.of(counts.before(int(origins[0])), outlook, horizon), seed=seed)
    parts: list[dict[str, Float64Array]] = []
    for number, day in enumerate(origins):
        parts.append(candidates(Origin.of(counts.before(int(day)), outlook, horizon), trees, parameters))
        told(number + 1, len(origins))
    names = [name for name in CANDIDATES if all(name in part for part in parts)]
    came = np.stack([_after(counts, outlook, int(day), horizon) for day in origins])
    return RolledVolumes(origins, came, {name: np.stack([part[name] for part in parts]) for name in names})


def trees_at(origin: Origin, *, seed: int = 0) -> VolumeTrees | None:
    """LightGBM fitted to what was known at an origin; None where that is too little."""
    return fit_trees(origin.values, origin.columns, origin.horizon, seed=seed)


def only(rolled: RolledVolumes, names: Sequence[str]) -> RolledVolumes:
    """The same with these candidates alone."""
    return replace(rolled, said={name: rolled.said[name] for name in names})


def _after(counts: VolumeCounts, outlook: Outlook, day: int, horizon: int) -> Float64Array:
    """s x horizon: the counts from a day on, as they came; NaN for gaps and for days not yet counted."""
    out = np.full((len(counts.series), horizon), np.nan)
    begin = day - counts.first_day
    known = counts.counts[:, begin : begin + horizon]
    out[:, : known.shape[1]] = known
    gap = _gaps(counts, outlook)[begin : begin + horizon]
    out[:, : len(gap)][:, gap] = np.nan
    return out


def _gaps(counts: VolumeCounts, outlook: Outlook) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    from features.volumes.openings import gap_days

    return gap_days(counts, outlook)
