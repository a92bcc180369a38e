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


def finish_model(
    fitted: Fitted, train: Rows, blend: Blend, calibration: Calibration, levels: tuple[Levels, Levels] | None
) -> FinishModel | None:
    """The model of finishing times of what was fitted to `train`; None where features do not tell the time left.

    `levels` are those of a rehearsal (on the clock, in opening hours). Without one the levels on the clock are read from
    the training rows: many clocks stop at once, and no range of nominal levels is right about them. Those of opening time,
    which has few such ends, then stay nominal: on two April cuts of a real log training rows made them too narrow.
    """
    if levels is not None:
        return fitted.finish(*levels)
    finish = fitted.finish()
    if finish is None:
        return None
    log_odds = calibration.apply(blend.margin(fitted.margins(train.X)))
    return fitted.finish(levels_of(fitted, finish, train, log_odds)[0], QUANTILES)


def levels_of(fitted: Fitted, finish: FinishModel, rows: Rows, log_odds: Float64Array) -> tuple[Levels, Levels]:
    """The conformal levels that rows speak for, on the clock and in opening hours; every ticket counts the same."""
    values, weight = fitted.range.clip(rows.X), rows.weights()
    said = stopped_by(np.asarray(rows.worked_us / HOUR_US), *finish.working_survival(values, log_odds))
    said_open = stopped_by(np.asarray(rows.open_us / HOUR_US), *finish.opening_survival(values))
    return (
        conformal_levels(said, rows.has_stopped, weight),
        conformal_levels(said_open, rows.has_stopped, weight),
    )
