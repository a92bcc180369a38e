"""Learning how much hands-on work a ticket needs, from tickets handled before."""

from __future__ import annotations

from collections.abc import Sequence

import lightgbm as lgb
import numpy as np

from models.work_time import CategoryMeans, Floats, WorkTimeModel, category_means

_LATER_SHARE = 0.25
_PARAMETERS = {
    "objective": "regression",
    "learning_rate": 0.06,
    "num_leaves": 15,
    "min_data_in_leaf": 40,
    "feature_fraction": 0.9,
    "lambda_l2": 5.0,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "seed": 8,
    "verbosity": -1,
}


def fit_work_time(X: Floats, minutes: Floats, columns: Sequence[int], rounds: int = 150) -> WorkTimeModel:
    """Return a model of hands-on minutes from n handled tickets in the order of their handling.

    `columns` are those of `X` whose values make a group (category, priority ...). The trees learn what the groups' means leave,
    on the earlier three quarters; the last quarter decides how far they are trusted and how wide the belief is. Then the means and
    trees are learned anew from everything. ValueError if minutes are not positive.
    """
    if len(minutes) < 8 or not (np.isfinite(minutes) & (minutes > 0)).all():
        raise ValueError(
            f"hands-on minutes of {len(minutes)} tickets, smallest {np.min(minutes, initial=np.inf):g}: expected at least 8, all above 0; "
            "leave out tickets without recorded work"
        )
    logs = np.log(minutes)
    cut = len(logs) - max(2, int(_LATER_SHARE * len(logs)))
    earlier = category_means(X[:cut], logs[:cut], columns)
    learned = np.asarray(_boosted(X[:cut], logs[:cut], earlier, rounds).predict(X[cut:], num_threads=1))
    rest = logs[cut:] - earlier.belief(X[cut:]).log_mean
    trust = float(np.clip(np.dot(learned, rest) / max(float(np.dot(learned, learned)), 1e-12), 0.0, 1.0))
    log_sd = float(np.sqrt(np.mean((rest - trust * learned) ** 2)))
    return WorkTimeModel(
        category_means(X, logs, columns), _boosted(X, logs, category_means(X, logs, columns), rounds), trust, log_sd
    )


def _boosted(X: Floats, logs: Floats, categories: CategoryMeans, rounds: int) -> lgb.Booster:
    """Return trees for what the groups' means leave of the log."""
    rest = logs - categories.belief(X).log_mean
    data = lgb.Dataset(X, label=rest, params={"verbosity": -1}, free_raw_data=True)
    return lgb.train(_PARAMETERS, data, num_boost_round=rounds)
