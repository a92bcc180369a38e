"""When a clock will stop: quantiles of the time ahead, on the clock and in opening hours, in step with the risk of breach."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.hazard import WITHIN, HazardMember
from models.intervals import quantiles_hours
from models.scales import Float64Array
from models.shape import ShapeModel

QUANTILES = (0.1, 0.5, 0.9)
STEPS = 25
LARGEST_STEP, LARGEST_SHIFT, NEAR = 10.0, 40.0, 1e-10
BEYOND = 1.0 + 1e-6
"""The time left times this is beyond it, whatever the last digits of both."""
Levels = tuple[float, float, float]


@dataclass(frozen=True)
class FinishModel:
    """Two hazard models: of the time on the clock, and of opening hours of its calendar until it stops, pauses included.

    `shape` says where on the clock a ticket ends, given its risk, and has as much to say there as the first hazard model:
    it is sharper once training saw long tickets end, and too quick before.
    `longest_hours` is how long clocks were seen to go on in training, in both times: no quantile lies beyond it, except
    where the time left is longer still. A quantile that stands there says "longer than that".

    `levels` and `opening_levels` are what each model must call 10, 50 and 90 % so that it is right so often: conformal
    numbers, read from tickets it had not seen (training/rehearsal.py).
    """

    working: HazardMember
    opening: HazardMember
    levels: Levels = QUANTILES
    opening_levels: Levels = QUANTILES
    shape: ShapeModel | None = None
    longest_hours: tuple[float, float] = (np.inf, np.inf)

    def working_hours(self, X: Float64Array, log_odds: Float64Array) -> Float64Array:
        """n x 3 quantiles of the time the clock will still run, for rows and their log odds of breach.

        The hazards of a row are raised or lowered together until the clock outlives its time left exactly as likely as
        the breach model says. So the quantile at a level lies beyond the time left where the risk is above one minus the level.
        """
        found = quantiles_hours(*self.working_survival(X, log_odds), self.levels)
        return np.asarray(np.minimum(found, self.most_hours(X)[:, :1]))

    def opening_hours(self, X: Float64Array) -> Float64Array:
        """n x 3 quantiles of the opening time until the clock stops."""
        found = quantiles_hours(*self.opening_survival(X), self.opening_levels)
        return np.asarray(np.minimum(found, self.most_hours(X)[:, 1:]))

    def most_hours(self, X: Float64Array) -> Float64Array:
        """n x 2: the most that may be said of the time on the clock and of opening time, by what was seen in training.

        Never less than the time left, so that a risk above one half is told by a median beyond it.
        """
        return np.asarray(np.maximum(self.working.ends_hours(X)[:, [WITHIN - 1]] * BEYOND, self.longest_hours))

    def working_survival(self, X: Float64Array, log_odds: Float64Array) -> tuple[Float64Array, Float64Array]:
        """n x intervals: the log probability of outliving each, as shifted, and where each ends, in hours on the clock."""
        scores, ends = self.working.scores(X), self.working.ends_hours(X)
        if self.shape is None:
            return _survival_log(_shifted(scores, log_odds)), ends
        both = _shifted(np.concatenate([scores, self.shape.scores(X)]), np.tile(log_odds, 2))
        mean = (both[: len(X)] + both[len(X) :]) / 2.0
        return _survival_log(_shifted(mean, log_odds)), ends

    def opening_survival(self, X: Float64Array) -> tuple[Float64Array, Float64Array]:
        """The same for opening time."""
        return _survival_log(self.opening.scores_alone(X)), self.opening.ends_hours(X)


def shift_to(scores: Float64Array, log_odds: Float64Array) -> Float64Array:
    """What to add to the n x intervals log odds of stopping, so that all are outlived with the given log odds; n.

    Newton's method on the logarithm of the summed hazards, which is concave and rising; clipped where a probability is
    so near 0 or 1 that no finite shift reaches it. Each row stops by itself: it gets the same in any company.
    """
    wanted = np.log(np.maximum(np.logaddexp(0.0, -log_odds), 1e-300))  # log of minus the log probability of breach
    shift, is_moving = np.zeros(len(scores)), np.ones(len(scores), np.bool_)
    for _ in range(STEPS if len(scores) else 0):
        moved = scores + shift[:, None]
        hazards = np.logaddexp(0.0, moved)
        total = np.maximum(hazards.sum(axis=1), 1e-300)
        slope = np.maximum(-np.expm1(-hazards).sum(axis=1) / total, 1e-9)  # the probabilities of stopping
        step = np.where(is_moving, _within((wanted - np.log(total)) / slope, LARGEST_STEP), 0.0)
        shift = _within(shift + step, LARGEST_SHIFT)
        is_moving = np.abs(step) >= NEAR
        if not is_moving.any():
            break
    return shift


def _within(values: Float64Array, most: float) -> Float64Array:
    """What np.clip gives for -most to most; of few values that takes five times as long."""
    return np.asarray(np.minimum(np.maximum(values, -most), most))


def _shifted(scores: Float64Array, log_odds: Float64Array) -> Float64Array:
    return np.asarray(scores + shift_to(scores[:, :WITHIN], log_odds)[:, None])


def conformal_levels(
    said: Float64Array, is_end: NDArray[np.bool_], weight: Float64Array, sooner: Float64Array | None = None
) -> Levels:
    """The levels at which tickets really had stopped in 10, 50 and 90 of 100 cases.

    `said` is the probability a model gave each clock to have stopped by the time it did, or, where not `is_end`, by the
    time until which it is known to have run: such a clock counts as censored (Kaplan and Meier 1958). `sooner` is the
    probability to have stopped before that time: less where many stop at one instant, else the same (None: everywhere).

    A range holds its ends, so the outer levels count such an instant whole. The middle one counts half of it, as a median
    must (the mid-distribution; Parzen 2004): else levels call a sound model too quick, the more the more clocks stop at once.
    """
    if not len(said):
        return QUANTILES
    half = said if sooner is None else np.where(is_end, (said + sooner) / 2.0, said)
    outer, inner = _levels(said, is_end, weight), _levels(half, is_end, weight)
    low, middle, high = outer[0], inner[1], outer[2]
    return (low, max(middle, low), max(high, middle))


def _levels(said: Float64Array, is_end: NDArray[np.bool_], weight: Float64Array) -> list[float]:
    order = np.lexsort((~is_end, said))  # at equal values ends come before those still running
    mass = weight[order]
    at_risk = mass.sum() - np.cumsum(mass) + mass
    left = np.cumprod(np.where(is_end[order], 1.0 - mass / np.maximum(at_risk, 1e-12), 1.0))
    found = np.interp(QUANTILES, 1.0 - left, said[order], left=0.0, right=QUANTILES[-1])
    return [float(one) for one in np.clip(found, 0.005, 0.995)]


def _survival_log(scores: Float64Array) -> Float64Array:
    return np.asarray(-np.cumsum(np.logaddexp(0.0, scores), axis=1))
