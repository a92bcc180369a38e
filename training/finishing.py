"""The range of finishing times of a fitted model, with levels from tickets it had not seen where there are enough of them."""

from __future__ import annotations

import numpy as np

from models.blend import Blend
from models.calibration import Calibration
from models.finish import QUANTILES, FinishModel, Levels, conformal_levels
from models.intervals import stopped_by
from models.scales import Float64Array
from training.fitting import HOUR_US, Fitted
from training.rows import Rows

TOWARDS_NOMINAL = 1 / 3
"""How far levels read from training rows are moved back; of 0, .2, a third and a half, the one that April preferred."""


def finish_model(
    fitted: Fitted, train: Rows, blend: Blend, calibration: Calibration, levels: tuple[Levels, Levels] | None
) -> FinishModel | None:
    """The model of finishing times of what was fitted to `train`; None where features do not tell the time left.

    `levels` are those of a rehearsal (on the clock, in opening hours). Without one the levels on the clock are read from
    the training rows: many clocks stop at once, and no range of nominal levels is right about them. Those of opening time,
    which has few such ends, then stay nominal: on two April cuts of a real log training rows made them too narrow.

    A model is a little too sure of rows it has learned from, so levels read there go TOWARDS_NOMINAL of the way back. On the
    same two cuts the 80 % range then held .81 and .79 of what came at events where it had held .78 and .76; .83 in the queue.
    """
    if levels is not None:
        return fitted.finish(*levels)
    finish = fitted.finish()
    if finish is None:
        return None
    log_odds = calibration.apply(blend.margin(fitted.margins(train.X)))
    read = levels_of(fitted, finish, train, log_odds)[0]
    low, middle, high = (one + TOWARDS_NOMINAL * (nominal - one) for one, nominal in zip(read, QUANTILES, strict=True))
    return fitted.finish((low, middle, high), QUANTILES)


def levels_of(fitted: Fitted, finish: FinishModel, rows: Rows, log_odds: Float64Array) -> tuple[Levels, Levels]:
    """The conformal levels that rows speak for, on the clock and in opening hours."""
    values, weight = fitted.range.clip(rows.X), rows.weights()
    return (
        _levels(rows.worked_us / HOUR_US, finish.working_survival(values, log_odds), rows, weight),
        _levels(rows.open_us / HOUR_US, finish.opening_survival(values), rows, weight),
    )


def _levels(
    hours: Float64Array, survival: tuple[Float64Array, Float64Array], rows: Rows, weight: Float64Array
) -> Levels:
    said = stopped_by(hours, *survival)
    sooner = np.where(hours > 0.0, said, 0.0)  # clocks stop at any time, but many without running on at all
    return conformal_levels(said, rows.has_stopped, weight, sooner)
