"""Whether the model's probabilities need a correction, decided on predictions it made before it knew the outcomes.

A calibrator fitted on one recent week turned an ECE of .03 into .13 on a real log, because that week was unusual. So: the
most recent closed window has at least four weeks and enough tickets, its predictions come from a model trained before it,
and the correction is adopted only if it lowers the log loss on the two later weeks that it has not seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict

from models.calibration import Calibration, fit_platt, fit_shift, log_loss_each
from training.fitting import ModelSettings, fit_members
from training.rows import Rows, ticket_weights
from training.splits import WEEK_US, judged, learnable


class CalibrationSettings(BaseModel):
    """Windows and minimum numbers for a correction."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fit_weeks: int = 4
    check_weeks: int = 2
    least_training_weeks: int = 4
    least_tickets: int = 2000
    least_gain: float = 0.001  # nats of log loss per row on the later window


@dataclass(frozen=True)
class CalibrationAnswer:
    """The correction, identity where none helped, and why in words."""

    calibration: Calibration
    why: str


def recalibrate(
    rows: Rows, cut_us: int, maturity_us: int, model: ModelSettings, settings: CalibrationSettings, seed: int
) -> CalibrationAnswer:
    """The correction learned from rolling-origin predictions on the weeks before `cut` whose outcomes are known."""
    closed_us = cut_us - maturity_us
    check_us = closed_us - settings.check_weeks * WEEK_US
    fit_us = check_us - settings.fit_weeks * WEEK_US
    train = rows.where(learnable(rows, fit_us, maturity_us))
    known = rows.where((rows.breached >= 0) & (rows.known_us <= cut_us))
    window = known.where(judged(known, fit_us, cut_us) & (known.opened_us <= check_us))
    later = known.where(judged(known, check_us, cut_us) & (known.opened_us <= closed_us))
    refusal = _refusal(train, window, later, fit_us - settings.least_training_weeks * WEEK_US, settings)
    if refusal:
        return CalibrationAnswer(Calibration(), f"no correction: {refusal}")
    fitted = fit_members(train, model, seed)
    weight = ticket_weights(window.ticket) if model.every_ticket_counts_once else np.ones(len(window))
    margin, later_margin = fitted.margin(window.X), fitted.margin(later.X)
    plain = log_loss_each(later_margin, later.y).mean()
    gains = {
        candidate: float(plain - log_loss_each(candidate.apply(later_margin), later.y).mean())
        for candidate in (fit_shift(margin, window.y, weight), fit_platt(margin, window.y, weight))
    }
    best = max(gains, key=lambda candidate: gains[candidate])
    if gains[best] < settings.least_gain:
        return CalibrationAnswer(
            Calibration(),
            f"no correction: the best one ({best.kind}) would change log loss by {-gains[best]:+.4f} on later weeks",
        )
    return CalibrationAnswer(
        best,
        f"{best.kind} (slope {best.slope:.2f}, shift {best.shift:+.2f}) lowered log loss by {gains[best]:.4f} on later weeks",
    )


def _refusal(train: Rows, window: Rows, later: Rows, opened_by_us: int, settings: CalibrationSettings) -> str | None:
    if len(train) == 0 or train.opened_us.min() > opened_by_us:
        return f"less than {settings.least_training_weeks} weeks of history before the window"
    tickets = window.ticket_count()
    if tickets < settings.least_tickets:
        return f"{tickets} closed tickets in the window, {settings.least_tickets} needed"
    if any(not 0 < part.y.sum() < len(part) for part in (train, window, later)):
        return "breaches are missing in one of its windows"
    return None
