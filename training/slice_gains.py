"""Whether a model serves every part of the desk: its gain over the rules, slice by slice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from models.scales import Float64Array
from sla.instants import Int64Array
from training.bootstrap import Interval, brier_gain, paired_differences

HALF_OF_95 = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True)
class SliceGain:
    """The model's gain in Brier score over each rules baseline in one slice: positive where the model is better."""

    column: str
    value: str
    tickets: int
    breaches: int
    gains: Mapping[str, Interval]

    @property
    def name(self) -> str:
        """Such as `team Network`."""
        return f"{self.column} {self.value}"


def slice_gains(
    codes: Mapping[str, Int64Array],
    texts: Mapping[str, Sequence[str]],
    y: Float64Array,
    ticket: Int64Array,
    day: Int64Array,
    probabilities: Mapping[str, Float64Array],
    model: str,
    *,
    least_tickets: int,
    least_breaches: int,
    draws: int = 200,
    seed: int = 0,
) -> list[SliceGain]:
    """The gains in every slice with enough tickets and breaching tickets. `codes` holds a column's code of each row, -1 for none.

    Brier, not AUC: inside one slice a table hardly ranks, but it knows the slice's rate, and that is what can go wrong.
    """
    found = []
    for column, code in codes.items():
        for value in np.unique(code).tolist():
            rows = np.flatnonzero(code == value)
            tickets, breaches = len(np.unique(ticket[rows])), len(np.unique(ticket[rows][y[rows] > 0]))
            if tickets < least_tickets or breaches < least_breaches:
                continue
            part = {name: values[rows] for name, values in probabilities.items()}
            gains = paired_differences(y[rows], part, model, day[rows], brier_gain, draws=draws, seed=seed)
            found.append(SliceGain(column, _text(texts.get(column, ()), value), tickets, breaches, gains))
    return found


def surely_worse(slices: Sequence[SliceGain], margin: float) -> list[tuple[SliceGain, str]]:
    """The slices in which the model is surely worse than a rules baseline by more than `margin`, with that baseline.

    Among forty comparisons one in forty fails by chance, so intervals are widened to 95 % for all of them together
    (Bonferroni 1936; the resampled 95 % interval is stretched as a normal one would be).
    """
    comparisons = sum(len(one.gains) for one in slices)
    stretch = NormalDist().inv_cdf(1 - 0.025 / max(comparisons, 1)) / HALF_OF_95
    return [
        (one, rule)
        for one in slices
        for rule, gain in one.gains.items()
        if gain.value + stretch * (gain.high - gain.value) < -margin
    ]


def _text(texts: Sequence[str], code: int) -> str:
    if code < 0:
        return "none"
    return texts[code] if code < len(texts) else f"number {code}"
