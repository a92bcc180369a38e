"""Will a new outage begin: simple rules, logistic regressions, boosted trees and their mean, each calibrated, one of them served.

A bundle holds all of them, so that whoever asks sees the rules beside the model. JSON and LightGBM's text, nothing that
runs code when it is read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from features.outages.checks import CheckRules
from features.outages.columns import RULES, OutageColumns, column_names
from models.boosting import BoostingMember, BoostingParameters, fit_boosting
from models.calibration import Calibration, fit_platt
from models.clipping import TrainingRange, fit_range
from models.linear import LinearMember, fit_linear
from models.scales import Float64Array, logit, sigmoid
from sla.instants import Int64Array

FORMAT, FORMAT_VERSION = "slacast outage", 1
THREE, FULL, TREES, MEAN = "three-feature logistic", "full logistic", "LightGBM", "mean"
MODELS = (THREE, FULL, TREES, MEAN)
CANDIDATES = (*RULES, *MODELS)
THREE_FEATURES = ("log odds by rate x weekday", "log odds by EWMA", "days since the last outage began")
RATE = "rate: "
MODEL_FILE, TREES_FILE = "manifest.json", "trees.txt"  # the registry finds a bundle by its manifest


class OutageModelError(ValueError):
    """A folder that holds no outage model, or columns that a model does not know."""


class OutageParameters(BaseModel):
    """How the candidates are fitted; chosen on early quarters (docs/outages.md)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    trees: BoostingParameters = BoostingParameters(
        rounds=200, learning_rate=0.04, leaves=8, rows_per_leaf=60, feature_fraction=0.4, lambda_l2=20.0
    )
    evidence: float = Field(default=50.0, gt=0, description="How much all rows weigh against the linear penalty.")
    calibration_share: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="The latest rows, on which a first fit is calibrated; 0: likelihood alone calibrates.",
    )
    least_outages: int = Field(default=15, description="Outages among them at least; else nothing is calibrated.")


@dataclass(frozen=True)
class OutageModel:
    """All candidates, fitted; `served` names the one that answers. Columns as in `names`."""

    names: tuple[str, ...]
    range: TrainingRange
    three: LinearMember
    full: LinearMember
    trees: BoostingMember
    calibrations: Mapping[str, Calibration]
    served: str
    horizon_us: int
    kinds: tuple[str, ...]
    checks: CheckRules  # how outages were told from checks

    def probabilities(self, columns: OutageColumns) -> dict[str, Float64Array]:
        """The calibrated probability of each candidate, n a candidate."""
        return {name: sigmoid(self.calibrations[name].apply(margin)) for name, margin in self._margins(columns).items()}

    def predict(self, columns: OutageColumns) -> Float64Array:
        """The served candidate's probability of an outage within the horizon, n."""
        return self.probabilities(columns)[self.served]

    def attributions(self, columns: OutageColumns) -> Float64Array:
        """n x k: how far each value moves the log odds of the mean; zeros where a rule is served, which needs no columns."""
        if self.served in RULES:
            return np.zeros(columns.values.shape)
        X = self._checked(columns)
        full, trees = self.full.attributions(X), self.trees.attributions(X)
        if self.served == THREE:
            out = np.zeros(X.shape)
            out[:, self._three_places] = self.three.attributions(X[:, self._three_places])
            return out
        return {FULL: full, TREES: trees}.get(self.served, (full + trees) / 3.0)

    def serving(self, candidate: str) -> OutageModel:
        """The same model with another candidate as its answer."""
        return replace(self, served=candidate)

    def told_by(self, checks: CheckRules) -> OutageModel:
        """The same model, whose outages were told from checks by these rules."""
        return replace(self, checks=checks)

    def _margins(self, columns: OutageColumns) -> dict[str, Float64Array]:
        X = self._checked(columns)
        found = {name: logit(columns.rates[:, place]) for place, name in enumerate(RULES)}
        models = [self.three.margin(X[:, self._three_places]), self.full.margin(X), self.trees.margin(X)]
        return found | dict(zip(MODELS, [*models, np.mean(models, axis=0)], strict=True))

    @property
    def _three_places(self) -> list[int]:
        return [self.names.index(name) for name in THREE_FEATURES]

    def _checked(self, columns: OutageColumns) -> Float64Array:
        if columns.names != self.names:
            odd = sorted(set(columns.names) ^ set(self.names))
            raise OutageModelError(
                f"the model was trained on other columns (differing: {odd or 'their order'}): train again"
            )
        return self.range.clip(columns.values)


def told_how(model: OutageModel | None) -> tuple[tuple[str, ...], CheckRules | None]:
    """Which kinds of events are an outage, and the rules that tell outages from checks: the model's, without one the defaults."""
    return (("outage",), None) if model is None else (model.kinds, model.checks)


def fit_outage_model(
    columns: OutageColumns,
    y: Float64Array,
    at_us: Int64Array,
    parameters: OutageParameters,
    *,
    horizon_us: int,
    kinds: tuple[str, ...],
    seed: int = 0,
) -> OutageModel:
    """All candidates fitted to n labelled rows, if asked calibrated on the latest by a first fit to the earlier; the mean is served.

    Same rows and seed, same model. Both outcomes must occur.
    """
    final = _fitted(columns, y, parameters, horizon_us, kinds, seed)
    if not parameters.calibration_share:
        return final
    cut_us = np.quantile(at_us, 1 - parameters.calibration_share)
    early, late = at_us < cut_us - horizon_us, at_us >= cut_us
    if y[late].sum() < parameters.least_outages or y[early].sum() < parameters.least_outages:
        return final
    first = _fitted(columns.where(early), y[early], parameters, horizon_us, kinds, seed)
    margins = first._margins(columns.where(late))
    even = np.ones(int(late.sum()))
    return replace(final, calibrations={name: fit_platt(margin, y[late], even) for name, margin in margins.items()})


def outage_frame(columns: OutageColumns) -> pd.DataFrame:
    """The columns as a frame: values under their names, rates as `rate: ...`."""
    rates = pd.DataFrame(columns.rates, columns=[RATE + name for name in RULES])
    return pd.concat([pd.DataFrame(columns.values, columns=list(columns.names)), rates], axis=1)


def outage_frame_columns(frame: pd.DataFrame) -> OutageColumns:
    """The columns that `outage_frame` made a frame of."""
    names = tuple(str(name) for name in frame.columns if not str(name).startswith(RATE))
    return OutageColumns(
        names, frame[list(names)].to_numpy(np.float64), frame[[RATE + name for name in RULES]].to_numpy(np.float64)
    )


def save_outage_model(folder: Path, model: OutageModel) -> str:
    """The digest of the model as written; equal digests are equal models."""
    folder.mkdir(parents=True, exist_ok=True)
    trees = model.trees.text()
    data = {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "served": model.served,
        "horizon_us": model.horizon_us,
        "kinds": list(model.kinds),
        "checks": model.checks.model_dump(mode="json"),
        "names": list(model.names),
        "range": model.range.to_json(),
        "three": model.three.to_json(),
        "full": model.full.to_json(),
        "calibrations": {name: [one.kind, one.slope, one.shift] for name, one in model.calibrations.items()},
        "trees_sha256": _hash(trees),
    }
    text = json.dumps(data, indent=1, sort_keys=True, allow_nan=False) + "\n"
    (folder / TREES_FILE).write_bytes(trees.encode())
    (folder / MODEL_FILE).write_bytes(text.encode())
    return _hash(text)


def load_outage_model(folder: Path) -> OutageModel:
    """The model in a folder. Raises OutageModelError for what is missing, unknown or altered."""
    path = folder / MODEL_FILE
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        trees = (folder / TREES_FILE).read_bytes().decode()
    except (OSError, ValueError) as fault:
        raise OutageModelError(f"{folder} holds no outage model ({fault}). Train one: slacast train outage") from fault
    if (data.get("format"), data.get("version")) != (FORMAT, FORMAT_VERSION):
        raise OutageModelError(f"{path} is not of the format {FORMAT!r}, version {FORMAT_VERSION}: train again")
    if _hash(trees) != data["trees_sha256"]:
        raise OutageModelError(
            f"{folder / TREES_FILE} was altered after training: copy the folder again, or train again"
        )
    found = _from_json(data, trees)
    if found.names != column_names():
        odd = sorted(set(found.names) ^ set(column_names())) or "their order"
        raise OutageModelError(f"{folder} was trained on other columns than this slacast makes ({odd}): train again")
    return found


def _from_json(data: Mapping[str, Any], trees: str) -> OutageModel:
    return OutageModel(
        tuple(data["names"]),
        TrainingRange.from_json(data["range"]),
        LinearMember.from_json(data["three"]),
        LinearMember.from_json(data["full"]),
        BoostingMember.from_text(trees),
        {name: Calibration(*values) for name, values in data["calibrations"].items()},
        data["served"],
        int(data["horizon_us"]),
        tuple(data["kinds"]),
        CheckRules.model_validate(data["checks"]),
    )


def _fitted(
    columns: OutageColumns,
    y: Float64Array,
    parameters: OutageParameters,
    horizon_us: int,
    kinds: tuple[str, ...],
    seed: int,
) -> OutageModel:
    inside = fit_range(columns.values)
    X, even = inside.clip(columns.values), np.ones(len(y))
    places = [columns.names.index(name) for name in THREE_FEATURES]
    plain = [f"c{place}" for place in range(len(columns.names))]
    three = fit_linear(X[:, places], y, even, evidence=parameters.evidence)
    full = fit_linear(X, y, even, evidence=parameters.evidence)
    trees = fit_boosting(X, y, even, plain, parameters.trees, seed=seed)
    as_it_is = {name: Calibration() for name in CANDIDATES}
    return OutageModel(columns.names, inside, three, full, trees, as_it_is, MEAN, horizon_us, kinds, CheckRules())


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
