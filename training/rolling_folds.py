"""Rolling folds of a short history: which members may speak where few tickets have an outcome yet.

One window of few tickets is luck. So the younger half of the tickets is cut into folds, each is asked of members that have learned
from what was known when it began (Tashman, Out-of-sample tests of forecasting accuracy, 2000), and another blend is taken
only if it is surely better over all of them, by days, since tickets of one day share their fate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from models.blend import Blend
from models.calibration import Calibration, log_loss_each
from models.scales import Float64Array
from training.bootstrap import blocks_of
from training.fitting import Fitted, ModelSettings, fit_members
from training.rows import Int64Array, Known, Rows
from training.splits import censored, judged, learnable

FOLDS = 3
LEAST_TICKETS = 50
"""Tickets with an outcome that the members of a fold learn from."""
SURE_ERRORS = 2.0
"""Standard errors that a gain must be from zero."""


@dataclass(frozen=True)
class Played:
    """Predictions for rows of one window: log odds by kind of member, outcomes, weights."""

    margins: Mapping[str, Float64Array]
    y: Float64Array
    weight: Float64Array
    tickets: int
    rows: Rows

    @classmethod
    def of(cls, fitted: Fitted, rows: Rows, model: ModelSettings) -> Played:
        """What fitted members say of rows whose outcomes are known by now."""
        return cls(fitted.margins(rows.X), rows.y, rows.weights(model.weighting), rows.ticket_count(), rows)

    def log_loss(self, blend: Blend, calibration: Calibration) -> float:
        """The mean log loss of a row."""
        return float(np.average(self.losses(blend, calibration), weights=self.rows.stands_for))

    def losses(self, blend: Blend, calibration: Calibration) -> Float64Array:
        """The log loss of each row."""
        return log_loss_each(calibration.apply(blend.margin(self.margins)), self.y)


def folds_played(
    rows: Rows,
    cut_us: int,
    closed_us: int,
    maturity_us: int,
    model: ModelSettings,
    seed: int,
    labels: Callable[[int], Known] | None = None,
) -> tuple[Played, ...]:
    """The folds, oldest first, as played by members that knew what was known when each began; none where there is too little.

    Outcomes are those known by `cut`, of tickets opened until `closed`. The trees are grown from one seed.
    """
    known = rows.where((rows.breached >= 0) & (rows.known_us <= cut_us) & (rows.opened_us <= closed_us))
    quick = model.model_copy(update={"repeats": 1})
    found = []
    for begins_us, ends_us in _periods(known, closed_us):
        train = rows.where(learnable(rows, begins_us, maturity_us))
        asked = known.where(judged(known, begins_us, cut_us) & (known.opened_us <= ends_us))
        if train.ticket_count() < LEAST_TICKETS or not 0 < train.y.sum() < len(train) or not len(asked):
            continue
        young = unfinished(rows, begins_us, maturity_us, labels)
        found.append(Played.of(fit_members(train, quick, seed, censored=young, for_range=False), asked, model))
    return tuple(found)


def _periods(known: Rows, closed_us: int) -> Iterator[tuple[int, int]]:
    """When each fold begins and ends: equal numbers of tickets of the younger half."""
    opened_us: Int64Array = np.sort(known.opened_us[np.unique(known.ticket, return_index=True)[1]])
    places = [len(opened_us) * (FOLDS + part) // (2 * FOLDS) for part in range(FOLDS)]
    begins = [int(opened_us[place]) for place in places] if len(opened_us) else []
    return zip(begins, [*begins[1:], closed_us], strict=False)


def unfinished(rows: Rows, at_us: int, maturity_us: int, labels: Callable[[int], Known] | None) -> Rows | None:
    """The rows of tickets without an outcome to learn from at an instant, labelled as known then; None without `labels`."""
    if labels is None:
        return None
    then = rows.relabelled(*labels(at_us))
    return then.where(censored(then, at_us, maturity_us))


def surely_better(
    folds: Sequence[Played], candidates: Sequence[Blend], default: Blend, calibration: Calibration, least_gain: float
) -> Blend:
    """The candidate with the least log loss over the folds, if it beats the default surely and by `least_gain` a row."""
    if not folds:
        return default
    gains = {blend: _gain(folds, blend, default, calibration) for blend in candidates}
    best = max(gains, key=lambda blend: gains[blend][0])
    gain, error = gains[best]
    return best if gain >= max(least_gain, SURE_ERRORS * error) else default


def _gain(folds: Sequence[Played], blend: Blend, default: Blend, calibration: Calibration) -> tuple[float, float]:
    """How much less log loss a row has than under the default, and the standard error of that by days of opening."""
    less = np.concatenate([one.losses(default, calibration) - one.losses(blend, calibration) for one in folds])
    weight = np.concatenate([one.rows.stands_for for one in folds])
    block, blocks = blocks_of(np.concatenate([one.rows.opened_day for one in folds]))
    gain = float(np.average(less, weights=weight))
    of_days = np.bincount(block, weight * (less - gain), blocks)
    scale = blocks / max(blocks - 1, 1)
    return gain, float(np.sqrt(scale * np.square(of_days).sum()) / weight.sum()) if blocks > 1 else np.inf
