"""A model as it would have been trained at an instant of the past: the same settings, only what was known then."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.spec import FeatureSpec
from models.blend import Blend
from models.calibration import Calibration
from models.scales import Float64Array
from training.building import HistoryRows
from training.fitting import Fitted, fit_members
from training.judgement import predictions
from training.plan import TrainingError
from training.rehearsal import CalibrationAnswer, chosen_blend, recalibrate, rehearse
from training.rows import Rows
from training.settings import TrainingSettings
from training.splits import censored, instant, learnable, maturity

LEAST_TICKETS = 50


@dataclass(frozen=True)
class Sibling:
    """What was fitted at `cut`, and the rows it learned from: baselines learn from the same."""

    cut_us: int
    maturity_us: int
    train: Rows
    fitted: Fitted
    blend: Blend
    answer: CalibrationAnswer

    @property
    def calibration(self) -> Calibration:
        """The correction of the blend's log odds."""
        return self.answer.calibration

    @property
    def spec(self) -> FeatureSpec:
        """The features that were chosen then."""
        return self.train.spec

    def predict(self, rows: Rows) -> dict[str, Float64Array]:
        """The probabilities of the model and of every baseline; rows have the features of `spec`."""
        return predictions(self.train, rows, self.fitted, self.blend, self.calibration)


def sibling_at(
    source: HistoryRows, cut_us: int, settings: TrainingSettings, seed: int, like: Sibling | None = None
) -> Sibling:
    """The sibling trained at a cut. Raises TrainingError if too little was known.

    `like` is an earlier sibling whose blend and calibration are kept: the rehearsal that chooses them costs as much as the model.
    """
    past = source.take(np.flatnonzero(source.labelled.at_us <= cut_us))
    known = past.rows(cut_us).relabelled(*past.labels(cut_us))
    age = maturity(known, cut_us)
    train = known.where(learnable(known, cut_us, age))
    breaches = int(train.y.sum())
    if train.ticket_count() < LEAST_TICKETS or breaches == 0 or breaches == len(train):
        raise TrainingError(
            f"too little was known on {instant(cut_us):%Y-%m-%d %H:%M} UTC to train a model: {train.ticket_count()} tickets with outcomes, "
            f"{breaches} of {len(train)} snapshots end in breach; needed are {LEAST_TICKETS} tickets and both outcomes. "
            "Begin later: --from."
        )
    young = known.where(censored(known, cut_us, age))
    fitted = fit_members(train, settings.model, seed, censored=young)
    if like is not None:
        return Sibling(cut_us, age, train, fitted, like.blend, like.answer)
    rehearsal = rehearse(known, cut_us, cut_us - age, age, settings.model, settings.rehearsal, seed, past.labels)
    blend = chosen_blend(rehearsal, settings.model, settings.rehearsal)
    return Sibling(cut_us, age, train, fitted, blend, recalibrate(rehearsal, blend, settings.rehearsal))
