"""The judgement of a model on tickets it could not know: its figures beside every baseline, and how sure the difference is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from models import boosting, linear
from models.blend import Blend
from models.calibration import Calibration
from models.rules import fit_rate_table, share_cells
from models.scales import Float64Array, sigmoid
from training.bootstrap import Interval, auc, brier_gain, paired_differences
from training.evaluation import Scores, evaluate
from training.fitting import Fitted
from training.rows import Labelled, Rows

MODEL = "model"
TREES = "boosted trees alone"
LINEAR = "logistic regression"
GROUP_TABLE = "team x priority table"
SHARE_RULE = "share used + priority"
BASE_RATE = "base rate"
RULES = (SHARE_RULE, GROUP_TABLE)


@dataclass(frozen=True)
class SetResult:
    """All models on one set of snapshots. Gains are model minus other: AUC up and Brier down are both positive."""

    key: str  # prefix of its metrics: first, prefix, grid
    title: str
    tickets: int
    scores: Mapping[str, Scores]
    auc_gain: Mapping[str, Interval]
    brier_gain: Mapping[str, Interval]

    def named(self) -> dict[str, float]:
        """Flat figures, such as `first.auc`, `first.rules_auc`, `first.gain_low`."""
        figures = {f"{self.key}.{name}": value for name, value in self.scores[MODEL].named().items()}
        short = {TREES: "trees", LINEAR: "linear", GROUP_TABLE: "group", SHARE_RULE: "rules", BASE_RATE: "base"}
        for model, prefix in short.items():
            for name in ("auc", "ap", "brier", "log_loss", "ece"):
                figures[f"{self.key}.{prefix}_{name}"] = getattr(self.scores[model], name)
        if self.auc_gain:
            figures[f"{self.key}.gain_low"] = self.auc_gain[GROUP_TABLE].low
            figures[f"{self.key}.gain"] = self.auc_gain[GROUP_TABLE].value
        return {name: value for name, value in figures.items() if np.isfinite(value)}


def predictions(
    train: Rows, test: Rows, fitted: Fitted, blend: Blend, calibration: Calibration
) -> dict[str, Float64Array]:
    """The probabilities of the model and of every baseline for the test rows, each learned from the training rows alone."""
    margins = fitted.margins(test.X)
    return {
        MODEL: sigmoid(calibration.apply(blend.margin(margins))),
        TREES: sigmoid(margins[boosting.KIND]),
        LINEAR: sigmoid(margins[linear.KIND]),
        **rule_predictions(train, test),
    }


def rule_predictions(train: Labelled, test: Labelled) -> dict[str, Float64Array]:
    """The probabilities of both tables and the base rate for the test rows, learned from the events among the training rows."""
    events = train.where(train.is_event)
    weight = events.weights()
    share = fit_rate_table(share_cells(events.share_used), events.priority, events.y, weight)
    group = fit_rate_table(events.priority, events.team, events.y, weight)
    return {
        GROUP_TABLE: group.predict(test.priority, test.team),
        SHARE_RULE: share.predict(share_cells(test.share_used), test.priority),
        BASE_RATE: np.full(len(test), share.base_rate),
    }


def judge_sets(test: Rows, probabilities: Mapping[str, Float64Array], *, draws: int, seed: int) -> list[SetResult]:
    """The results at first events, at all events, and at instants between events; sets without rows are left out."""
    sets = (
        ("first", "first event", test.is_first),
        ("prefix", "every event while open", test.is_event),
        ("grid", "between events", ~test.is_event),
    )
    return [
        set_result(
            key, title, test.where(mask), {name: values[mask] for name, values in probabilities.items()}, draws, seed
        )
        for key, title, mask in sets
        if mask.any()
    ]


def set_result(
    key: str, title: str, rows: Labelled, probabilities: Mapping[str, Float64Array], draws: int, seed: int
) -> SetResult:
    """The result of all models on one set of rows."""
    scores = {name: evaluate(rows.y, values) for name, values in probabilities.items()}
    ranked = {name: values for name, values in probabilities.items() if name != BASE_RATE}
    auc_gain = paired_differences(rows.y, ranked, MODEL, rows.opened_day, auc, draws=draws, seed=seed)
    brier = paired_differences(rows.y, probabilities, MODEL, rows.opened_day, brier_gain, draws=draws, seed=seed)
    return SetResult(key, title, rows.ticket_count(), scores, auc_gain, brier)
