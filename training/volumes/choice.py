"""Which candidate answers for which series: decided on rolling origins, and never one that four same weekdays beat there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from models.scales import Float64Array
from models.volumes.candidates import CANDIDATES, FALLBACK
from models.volumes.intervals import BUCKETS, bucket_of
from sla.instants import Int64Array
from training.volumes.rolling import RolledVolumes

PRIOR_DAYS = 400.0  # judged days' worth of "as on all series"


@dataclass(frozen=True)
class Choice:
    """For each bucket of days ahead (b) and series (s) the place of its candidate in `names`, and error over the mean of four's."""

    names: tuple[str, ...]
    place: Int64Array  # b x s
    ratio: Float64Array  # b x s, of the chosen; 1 where the fallback is served, NaN where nothing was judged
    pooled: Mapping[str, float]  # of each candidate over all series and days ahead

    def of(self, said: Mapping[str, Float64Array], horizon: int) -> Float64Array:
        """What the chosen candidates say, from what all say (... x s x h)."""
        buckets = bucket_of(horizon)
        stacked = np.stack([said[name] if name in said else said[FALLBACK] for name in self.names])
        out: Float64Array = np.empty_like(stacked[0])
        for ahead in range(horizon):
            place = self.place[min(int(buckets[ahead]), len(self.place) - 1)]
            for candidate in np.unique(place):
                rows = place == candidate
                out[..., rows, ahead] = stacked[candidate][..., rows, ahead]
        return out


def choose(rolled: RolledVolumes, series: int) -> Choice:
    """The choice from what is known of the rolled origins.

    A series' ratio of errors (candidate's over the mean of four's) is shrunk towards that of all series; the least is
    chosen, if the series' own ratio is below 1. Without judged days the fallback is served.
    """
    names = tuple(name for name in CANDIDATES if name in rolled.said)
    horizon = rolled.came.shape[2]
    buckets = bucket_of(horizon)
    fallback = names.index(FALLBACK)
    place = np.full((len(BUCKETS), series), fallback, np.int64)
    ratio = np.full((len(BUCKETS), series), np.nan)
    errors = {name: np.abs(rolled.errors(name)) for name in names}
    last = 0
    for bucket in range(len(BUCKETS)):
        days = buckets == bucket
        if days.any() and len(rolled.origins) and np.isfinite(errors[FALLBACK][:, :, days]).any():
            place[bucket], ratio[bucket] = _chosen(names, {n: one[:, :, days] for n, one in errors.items()})
            last = bucket
        else:
            place[bucket], ratio[bucket] = place[last], ratio[last]
    pooled = {name: _ratio_of_all(errors[name], errors[FALLBACK]) for name in names}
    return Choice(names, place, ratio, pooled)


def _chosen(names: tuple[str, ...], errors: Mapping[str, Float64Array]) -> tuple[Int64Array, Float64Array]:
    base = errors[FALLBACK]
    judged = np.isfinite(base).sum(axis=(0, 2))
    usual = np.nansum(base, axis=(0, 2))
    own = np.stack([np.nansum(errors[name], axis=(0, 2)) / np.maximum(usual, 1e-9) for name in names])
    own = np.where(usual[None, :] > 0, own, 1.0)
    pooled = np.array([_ratio_of_all(errors[name], base) for name in names])
    shrunk = (judged * own + PRIOR_DAYS * pooled[:, None]) / (judged + PRIOR_DAYS)
    shrunk[own >= 1.0] = np.inf
    shrunk[names.index(FALLBACK)] = 1.0
    place = np.argmin(shrunk, axis=0)
    return place, own[place, np.arange(own.shape[1])]


def _ratio_of_all(errors: Float64Array, base: Float64Array) -> float:
    """The mean over series of the ratio of errors, so that small series count as much as large ones."""
    above, below = np.nansum(errors, axis=(0, 2)), np.nansum(base, axis=(0, 2))
    some = below > 0
    return float((above[some] / below[some]).mean()) if some.any() else 1.0
