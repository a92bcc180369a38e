"""The rehearsal: a model trained weeks ago predicts the weeks since, whose outcomes are known by now.

From its predictions two things are decided that no figure of training data can decide. How much each member of the model
has to say. And whether probabilities need a correction: a calibrator fitted on one recent week turned an ECE of .03 into .13
on a real log, because that week was unusual; so the most recent closed window has at least four weeks and enough tickets,
and the correction is adopted only if it lowers the log loss on two later weeks that it has not seen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from models import boosting, hazard, linear
from models.blend import Blend
from models.calibration import Calibration, fit_platt, fit_shift, log_loss_each
from models.finish import Levels
from models.hazard_columns import NEEDED
from models.scales import Float64Array
from training.finishing import levels_of
from training.fitting import KINDS, Fitted, ModelSettings, fit_members
from training.rows import Known, Rows
from training.splits import WEEK_US, censored, judged, learnable

TREES_ALONE = Blend.even(boosting.KIND)
DEFAULT = Blend.of({boosting.KIND: 0.7, hazard.KIND: 0.3})
"""On a real log this blend was better than either on four cuts (decision 17); logistic regression suffers most from drift."""
CANDIDATES = (
    DEFAULT,
    Blend.even(boosting.KIND, hazard.KIND),
    TREES_ALONE,
    Blend.even(hazard.KIND),
    Blend.of({boosting.KIND: 0.4, hazard.KIND: 0.4, linear.KIND: 0.2}),
    Blend.even(*KINDS),
    Blend.even(boosting.KIND, linear.KIND),
)
WITHOUT_HAZARD = (
    TREES_ALONE,
    Blend.of({boosting.KIND: 0.75, linear.KIND: 0.25}),
    Blend.even(boosting.KIND, linear.KIND),
)
"""For rows whose features do not tell the time left. The first of each is the default."""


class RehearsalSettings(BaseModel):
    """Windows and minimum numbers of the rehearsal."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fit_weeks: int = 4
    check_weeks: int = 2
    least_training_weeks: int = 4
    least_tickets_to_blend: int = 200
    least_tickets: int = 2000
    least_tickets_for_levels: int = 200
    least_gain: float = 0.001  # nats of log loss per row
    upper_slope: float = Field(default=1.2, gt=0.0)  # log odds above zero count so much: decision 17

    @property
    def uncorrected(self) -> Calibration:
        """What is served where the rehearsal finds nothing better."""
        return Calibration(upper_slope=self.upper_slope)


@dataclass(frozen=True)
class Played:
    """Predictions for rows of one window: log odds by kind of member, outcomes, weights."""

    margins: Mapping[str, Float64Array]
    y: Float64Array
    weight: Float64Array
    tickets: int
    rows: Rows

    def log_loss(self, blend: Blend, calibration: Calibration) -> float:
        """The mean log loss of a row."""
        losses = log_loss_each(calibration.apply(blend.margin(self.margins)), self.y)
        return float(np.average(losses, weights=self.rows.stands_for))


@dataclass(frozen=True)
class Rehearsal:
    """The window to fit on and the later one to check on; or, in `refusal`, why there can be none."""

    window: Played | None
    later: Played | None
    refusal: str = ""
    fitted: Fitted | None = None
    has_hazard: bool = True

    @property
    def default(self) -> Blend:
        """The blend where nothing speaks for another one."""
        return DEFAULT if self.has_hazard else TREES_ALONE


@dataclass(frozen=True)
class CalibrationAnswer:
    """The correction, identity where none helped, and why in words; and the conformal levels of the range (models/finish.py)."""

    calibration: Calibration
    why: str
    levels: tuple[Levels, Levels] | None = None  # on the clock, and in opening hours


def rehearse(
    rows: Rows,
    cut_us: int,
    closed_us: int,
    maturity_us: int,
    model: ModelSettings,
    settings: RehearsalSettings,
    seed: int,
    labels: Callable[[int], Known] | None = None,
) -> Rehearsal:
    """The rehearsal on the weeks before `closed`, with labels known by `cut`.

    `labels` tells what was known of each row at an instant; without it the hazard models learn from mature tickets alone.
    """
    check_us = closed_us - settings.check_weeks * WEEK_US
    fit_us = check_us - settings.fit_weeks * WEEK_US
    train = rows.where(learnable(rows, fit_us, maturity_us))
    known = rows.where((rows.breached >= 0) & (rows.known_us <= cut_us))
    window = known.where(judged(known, fit_us, cut_us) & (known.opened_us <= check_us))
    later = known.where(judged(known, check_us, cut_us) & (known.opened_us <= closed_us))
    has_hazard = set(NEEDED) <= set(rows.spec.names)
    if len(train) == 0 or train.opened_us.min() > fit_us - settings.least_training_weeks * WEEK_US:
        return Rehearsal(
            None,
            None,
            f"less than {settings.least_training_weeks} weeks of history before the window",
            None,
            has_hazard,
        )
    if any(not 0 < part.y.sum() < len(part) for part in (train, window, later)):
        return Rehearsal(None, None, "one of its windows has no breach, or nothing else", None, has_hazard)
    fitted = fit_members(train, model, seed, censored=_censored(rows, fit_us, maturity_us, labels))

    def played(part: Rows) -> Played:
        weight = part.weights(model.weighting)
        return Played(fitted.margins(part.X), part.y, weight, part.ticket_count(), part)

    return Rehearsal(played(window), played(later), "", fitted, has_hazard)


def _censored(rows: Rows, fit_us: int, maturity_us: int, labels: Callable[[int], Known] | None) -> Rows | None:
    if labels is None:
        return None
    then = rows.relabelled(*labels(fit_us))
    return then.where(censored(then, fit_us, maturity_us))


def chosen_blend(rehearsal: Rehearsal, model: ModelSettings, settings: RehearsalSettings) -> Blend:
    """The blend: as set, else the candidate with the least log loss over both windows, or the default."""
    if model.blend is not None:
        return Blend.of(model.blend)
    window, later = rehearsal.window, rehearsal.later
    if window is None or later is None or window.tickets < settings.least_tickets_to_blend:
        return rehearsal.default
    rows = len(window.y), len(later.y)
    losses = {
        blend: float(np.average([part.log_loss(blend, settings.uncorrected) for part in (window, later)], weights=rows))
        for blend in (CANDIDATES if rehearsal.has_hazard else WITHOUT_HAZARD)
    }
    best = min(losses, key=lambda blend: losses[blend])
    return best if losses[rehearsal.default] - losses[best] >= settings.least_gain else rehearsal.default


def recalibrate(rehearsal: Rehearsal, blend: Blend, settings: RehearsalSettings) -> CalibrationAnswer:
    """The correction of a blend that the rehearsal speaks for, and the levels of its range."""
    answer = _corrected(rehearsal, blend, settings)
    return replace(answer, levels=_levels(rehearsal, blend, answer.calibration, settings))


def _levels(
    rehearsal: Rehearsal, blend: Blend, calibration: Calibration, settings: RehearsalSettings
) -> tuple[Levels, Levels] | None:
    """The conformal levels on the clock and in opening hours, from both windows."""
    fitted, parts = rehearsal.fitted, [part for part in (rehearsal.window, rehearsal.later) if part is not None]
    finish = None if fitted is None else fitted.finish()
    if fitted is None or finish is None or sum(part.tickets for part in parts) < settings.least_tickets_for_levels:
        return None
    log_odds = np.concatenate([calibration.apply(blend.margin(part.margins)) for part in parts])
    return levels_of(fitted, finish, parts[0].rows.and_also(parts[1].rows), log_odds)


def _corrected(rehearsal: Rehearsal, blend: Blend, settings: RehearsalSettings) -> CalibrationAnswer:
    """The correction of probabilities alone."""
    window, later = rehearsal.window, rehearsal.later
    if window is None or later is None:
        return CalibrationAnswer(settings.uncorrected, f"no correction: {rehearsal.refusal}")
    if window.tickets < settings.least_tickets:
        why = f"{window.tickets} closed tickets in the window, {settings.least_tickets} needed"
        return CalibrationAnswer(settings.uncorrected, f"no correction: {why}")
    margin, plain = blend.margin(window.margins), later.log_loss(blend, settings.uncorrected)
    candidates = [fit(margin, window.y, window.weight, settings.upper_slope) for fit in (fit_shift, fit_platt)]
    gains = {candidate: plain - later.log_loss(blend, candidate) for candidate in candidates}
    best = max(gains, key=lambda candidate: gains[candidate])
    if gains[best] < settings.least_gain:
        change = f"the best one ({best.kind}) would change log loss by {-gains[best]:+.4f} on later weeks"
        return CalibrationAnswer(settings.uncorrected, f"no correction: {change}")
    line = f"{best.kind} (slope {best.slope:.2f}, shift {best.shift:+.2f})"
    return CalibrationAnswer(best, f"{line} lowered log loss by {gains[best]:.4f} on later weeks")
