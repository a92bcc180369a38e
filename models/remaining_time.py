"""How long until a ticket ends, in wall-clock hours: the median of what became of tickets at the same point of their course.

A model is a folder of JSON, nothing pickled: what it reads (features.json), and the forest that finds such tickets with what
became of those it remembers (forest.json).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from features.spec import FeatureSpec
from models.bundle import BundleError, check_columns
from models.remaining_time_forest import RemainingTimeForest, grow_forest
from models.scales import Float64Array

FORMAT: Literal["slacast-remaining-time"] = "slacast-remaining-time"
FORMAT_VERSION: Literal[2] = 2
MANIFEST, FEATURES, FOREST = "manifest.json", "features.json", "forest.json"
AGE = "hours_since_opening"  # the feature that tells how old a ticket is; without it all lives are counted from the row


class RemainingTimeParameters(BaseModel):
    """How the trees are grown: chosen on the validation part of a public help desk log (docs/remaining-time.md)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    trees: int = Field(default=100, ge=1)
    rows_per_leaf: int = Field(default=20, ge=1)
    most_rows: int = Field(default=20_000, ge=1)  # of more, so many are drawn: all of them are kept in the model


class RemainingTimeManifest(BaseModel):
    """What the model says about itself. It holds no clock time: the same data and seed give the same bytes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["slacast-remaining-time"] = FORMAT
    format_version: Literal[2] = FORMAT_VERSION
    name: str
    spec_fingerprint: str
    agreements_version: str
    data_fingerprint: str
    seed: int
    parameters: RemainingTimeParameters
    tickets: int
    rows: int
    known_until: AwareDatetime
    metrics: dict[str, float]  # of a sibling, judged on tickets opened after its training ended
    libraries: dict[str, str]
    files: dict[str, str]  # name -> sha256


@dataclass(frozen=True)
class RemainingTimeModel:
    """A forest that remembers tickets; rows in the order of `spec` in, hours until the ticket ends out."""

    spec: FeatureSpec
    forest: RemainingTimeForest
    manifest: RemainingTimeManifest | None = None  # of a model that was written to a folder
    version: str = ""

    def predict(self, X: pd.DataFrame) -> Float64Array:
        """Hours until the ticket ends, n, none negative. Columns must be those of `spec`, in that order."""
        check_columns(list(X.columns), self.spec)
        return self.forest.predict(X.to_numpy(dtype=np.float64), _age_hours(X))


def fit_remaining_time(
    X: pd.DataFrame,
    hours: Float64Array,
    spec: FeatureSpec,
    parameters: RemainingTimeParameters,
    *,
    seed: int = 0,
) -> RemainingTimeModel:
    """A model fitted to n rows and the hours that were left at each; the same rows and seed give the same text."""
    check_columns(list(X.columns), spec)
    if len(X) > parameters.most_rows:
        kept = np.sort(np.random.default_rng(seed).choice(len(X), parameters.most_rows, replace=False))
        X, hours = X.iloc[kept], hours[kept]
    forest = grow_forest(
        X.to_numpy(dtype=np.float64),
        _age_hours(X),
        np.asarray(hours, np.float64),
        trees=parameters.trees,
        rows_per_leaf=parameters.rows_per_leaf,
        seed=seed,
    )
    return RemainingTimeModel(spec, forest)


def _age_hours(X: pd.DataFrame) -> Float64Array:
    ages = X[AGE].to_numpy(dtype=np.float64) if AGE in X.columns else np.zeros(len(X))
    return np.nan_to_num(ages, nan=0.0)


def save_remaining_time(folder: Path, model: RemainingTimeModel, manifest: RemainingTimeManifest) -> str:
    """The digest of the model as written: equal digests are equal models. The folder is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    contents = {FEATURES: model.spec.to_json() + "\n", FOREST: model.forest.to_json()}
    hashes = {name: _hash(text.encode()) for name, text in sorted(contents.items())}
    complete = manifest.model_copy(update={"files": hashes})
    contents[MANIFEST] = _json(complete.model_dump(mode="json"))
    for name, text in contents.items():
        (folder / name).write_bytes(text.encode())
    return _hash(contents[MANIFEST].encode())


def load_remaining_time(folder: Path, *, version: str | None = None) -> RemainingTimeModel:
    """The model in a folder, all checks passed. Raises BundleError for what is unknown, incomplete or altered."""
    manifest = _read_manifest(folder)
    texts = {name: _checked(folder, name, digest) for name, digest in manifest.files.items()}
    missing = [name for name in (FEATURES, FOREST) if name not in texts]
    if missing:
        raise BundleError(f"{folder}: the manifest does not list {missing}. Train again.")
    spec = FeatureSpec.from_json(texts[FEATURES])
    if spec.fingerprint != manifest.spec_fingerprint:
        raise BundleError(
            f"{folder}: the feature specification has fingerprint {spec.fingerprint}, the model was trained on "
            f"{manifest.spec_fingerprint}. The features of this program are not those of the model: train again."
        )
    return RemainingTimeModel(spec, _forest(folder, texts[FOREST], len(spec.names)), manifest, version or manifest.name)


def _read_manifest(folder: Path) -> RemainingTimeManifest:
    path = folder / MANIFEST
    if not path.is_file():
        raise BundleError(f"{folder} holds no model: it has no {MANIFEST}. Train one: slacast train remaining-time.")
    try:
        return RemainingTimeManifest.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, ValidationError) as fault:
        raise BundleError(
            f"{path} is not the manifest of a {FORMAT} model, version {FORMAT_VERSION}: {fault}. Train again."
        ) from fault


def _checked(folder: Path, name: str, digest: str) -> str:
    path = folder / name
    if not path.is_file():
        raise BundleError(f"{folder}: {name} is missing, though the manifest lists it. Copy the whole folder again.")
    content = path.read_bytes()
    if _hash(content) != digest:
        raise BundleError(
            f"{path} was altered after training. Copy the folder again from the registry, or train again."
        )
    return content.decode()


def _forest(folder: Path, text: str, count: int) -> RemainingTimeForest:
    try:
        forest = RemainingTimeForest.from_json(text)
    except (ValueError, KeyError, TypeError) as fault:
        raise BundleError(f"{folder}: {FOREST} is not a forest: {fault!r}. Train again.") from fault
    if forest.width != count:
        raise BundleError(f"{folder}: the forest reads {forest.width} features, the specification has {count}.")
    forest.prepare()
    return forest


def _json(data: Any) -> str:
    return json.dumps(data, indent=1, sort_keys=True, allow_nan=False, ensure_ascii=False) + "\n"


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
