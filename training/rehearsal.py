"""The rehearsal: a model trained weeks ago predicts the weeks since, whose outcomes are known by now.

From its predictions two things are decided that no figure of training data can decide. How much each member of the model
has to say. And whether probabilities need a correction: a calibrator fitted on one recent week turned an ECE of .03 into .13
on a real log, because that week was unusual; so the most recent closed window has at least four weeks and enough tickets,
and the correction is adopted only if it lowers the log loss on two later weeks that it has not seen. Where few tickets have an outcome, rolling folds of the history there is decide
about the members instead (training/rolling_folds.py): one window of few tickets is luck.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from models import boosting, hazard, linear
from models.blend import Blend
from models.calibration import Calibration, fit_platt, fit_shift
from models.finish import Levels
from models.hazard_columns import NEEDED
from training.finishing import levels_of
from training.fitting import KINDS, Fitted, ModelSettings, fit_members
from training.rolling_folds import Played, folds_played, surely_better, unfinished
from training.rows import Known, Rows
from training.splits import WEEK_US, judged, learnable

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
MOSTLY_LINEAR = (Blend.of({boosting.KIND: 0.3, linear.KIND: 0.7}), Blend.even(linear.KIND))
"""Further candidates where few tickets have an outcome: trees need many of them, a line does with few."""


class RehearsalSettings(BaseModel):
    """Windows and minimum numbers of the rehearsal."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fit_weeks: int = 4
    check_weeks: int = 2
    least_training_weeks: int = 4
    least_tickets_to_blend: int = 200
    most_tickets_for_folds: int = 2000  # with an outcome; up to so many, rolling folds choose the blend
    least_tickets: int = 2000
    least_tickets_for_levels: int = 200
    least_gain: float = 0.001  # nats of log loss per row
    upper_slope: float = Field(default=1.2, gt=0.0)  # log odds above zero count so much: decision 17

    @property
    def uncorrected(self) -> Calibration:
        """What is served where the rehearsal finds nothing better."""
        return Calibration(upper_slope=self.upper_slope)


@dataclass(frozen=True)
class Rehearsal:
    """The window to fit on and the later one to check on; or, in `refusal`, why there can be none."""

    window: Played | None
    later: Played | None
    refusal: str = ""
    fitted: Fitted | None = None
    has_hazard: bool = True
    folds: Callable[[], tuple[Played, ...]] | None = None  # where few tickets have an outcome; trains when it is called

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
    has_hazard = set(NEEDED) <= set(rows.spec.names)
    folds = None
    if rows.where(learnable(rows, cut_us, maturity_us)).ticket_count() <= settings.most_tickets_for_folds:
        folds = partial(folds_played, rows, cut_us, closed_us, maturity_us, model, seed, labels)
    check_us = closed_us - settings.check_weeks * WEEK_US
    fit_us = check_us - settings.fit_weeks * WEEK_US
    train = rows.where(learnable(rows, fit_us, maturity_us))
    known = rows.where((rows.breached >= 0) & (rows.known_us <= cut_us))
    window = known.where(judged(known, fit_us, cut_us) & (known.opened_us <= check_us))
    later = known.where(judged(known, check_us, cut_us) & (known.opened_us <= closed_us))
    refusal = ""
    if len(train) == 0 or train.opened_us.min() > fit_us - settings.least_training_weeks * WEEK_US:
        refusal = f"less than {settings.least_training_weeks} weeks of history before the window"
    elif any(not 0 < part.y.sum() < len(part) for part in (train, window, later)):
        refusal = "one of its windows has no breach, or nothing else"
    if refusal:
        return Rehearsal(None, None, refusal, None, has_hazard, folds)
    fitted = fit_members(train, model, seed, censored=unfinished(rows, fit_us, maturity_us, labels))
    window_played, later_played = (Played.of(fitted, part, model) for part in (window, later))
    return Rehearsal(window_played, later_played, "", fitted, has_hazard, folds)


def chosen_blend(rehearsal: Rehearsal, model: ModelSettings, settings: RehearsalSettings) -> Blend:
    """The blend: as set, else the candidate with the least log loss over both windows, or the default.

    Where few tickets have an outcome: the one that is surely better than the default over rolling folds.
    """
    if model.blend is not None:
        return Blend.of(model.blend)
    candidates = CANDIDATES if rehearsal.has_hazard else WITHOUT_HAZARD
    if rehearsal.folds is not None:
        every, plain = (*candidates, *MOSTLY_LINEAR), settings.uncorrected
        return surely_better(rehearsal.folds(), every, rehearsal.default, plain, settings.least_gain)
    window, later = rehearsal.window, rehearsal.later
    if window is None or later is None or window.tickets < settings.least_tickets_to_blend:
        return rehearsal.default
    rows = len(window.y), len(later.y)
    losses = {
        blend: float(np.average([part.log_loss(blend, settings.uncorrected) for part in (window, later)], weights=rows))
        for blend in candidates
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
