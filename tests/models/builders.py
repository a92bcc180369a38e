"""A small bundle whose truth is known: risk rises with the used share and with hand-overs, falls when assigned."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pandas as pd

from features.declaration import Feature, Settings
from features.spec import FeatureSpec
from models.boosting import BoostingParameters, fit_boosting
from models.bundle import BreachBundle
from models.calibration import Calibration
from models.clipping import fit_range
from models.linear import fit_linear
from models.manifest import Manifest, MemberEntry, TrainingWindow
from models.scales import sigmoid

FEATURES = (
    Feature("share_used", "clock", "share", "time run over time promised", "How much is used?"),
    Feature("is_half_used", "clock", "0 or 1", "at least 50 % of the time is used", "How much is used?"),
    Feature("handovers", "path", "times", "moves from one team to another", "Is it being passed around?"),
    Feature("is_assigned", "static", "0 or 1", "someone is assigned", "Does anyone own it?"),
    Feature("team_backlog", "load", "tickets", "other open tickets with the same team", "How busy is the team?"),
    Feature(
        "priority_place", "static", "place", "place of the ticket's priority (0 = first)", "Does the priority matter?"
    ),
)
SPEC = FeatureSpec(FEATURES, Settings((), {"priority": ("1 - Critical", "2 - High", "3 - Moderate")}, (), (), (), ()))
NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


def small_matrix(rows: int = 2000, seed: int = 3) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    share = rng.random(rows)
    X = np.column_stack(
        [
            share,
            share >= 0.5,
            rng.poisson(1.0, rows),
            rng.random(rows) < 0.6,
            np.where(rng.random(rows) < 0.2, np.nan, rng.gamma(3.0, 10.0, rows)),
            rng.integers(0, 3, rows),
        ]
    )
    return pd.DataFrame(X.astype(np.float64), columns=SPEC.names)


def small_labels(X: pd.DataFrame, seed: int = 4) -> np.ndarray:
    margin = -3.0 + 3.0 * X["share_used"] + 1.0 * X["handovers"] - 1.0 * X["is_assigned"]
    rng = np.random.default_rng(seed)
    return (rng.random(len(X)) < sigmoid(margin.to_numpy())).astype(np.float64)


def small_bundle(seed: int = 0) -> BreachBundle:
    frame = small_matrix()
    y, limits = small_labels(frame), fit_range(frame.to_numpy())
    X, weight = limits.clip(frame.to_numpy()), np.ones(len(frame))
    parameters = BoostingParameters(
        rounds=30, learning_rate=0.2, rows_per_leaf=20, lambda_l2=1.0, feature_fraction=0.7, threads=1
    )
    members = ((fit_boosting(X, y, weight, SPEC.names, parameters, seed=seed), 0.6), (fit_linear(X, y, weight), 0.4))
    return BreachBundle(_manifest(), SPEC, limits, Calibration("platt", 0.9, 0.1), members, "breach v1")


def row(**values: float) -> pd.DataFrame:
    """One row of usual values, but for those given."""
    usual = {
        "share_used": 0.3,
        "is_half_used": 0,
        "handovers": 1,
        "is_assigned": 1,
        "team_backlog": 25,
        "priority_place": 1,
    }
    return pd.DataFrame([{**usual, **values}], columns=SPEC.names).astype(np.float64)


def rescaled(bundle: BreachBundle, **changes: object) -> BreachBundle:
    return replace(bundle, **changes)  # type: ignore[arg-type]


def _manifest() -> Manifest:
    return Manifest(
        name="breach",
        target="resolution",
        spec_fingerprint=SPEC.fingerprint,
        agreements_version="agreements-1",
        data_fingerprint="data-1",
        seed=0,
        parameters={},
        members=(
            MemberEntry(kind="boosting", file="boosting.txt", share=0.6),
            MemberEntry(kind="linear", file="linear.json", share=0.4),
        ),
        window=TrainingWindow(
            opened_from=NOON, opened_until=NOON, known_until=NOON, tickets=2000, rows=2000, breach_rate=0.3
        ),
        judgement=None,
        libraries={},
        files={},
    )
