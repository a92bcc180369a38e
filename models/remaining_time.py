"""How long until a ticket ends, in wall-clock hours: a mean of boosted trees that each look for the median.

Half of the trees learn hours, half log(1 + hours): the first weigh long tickets as they are, the second do not let them
drown the short ones. A model is a folder of text: LightGBM's own format for each member, JSON for the rest, nothing pickled.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import lightgbm as lgb
import numpy as np
import pandas as pd
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from features.spec import FeatureSpec
from models.bundle import BundleError, check_columns
from models.scales import Float64Array

FORMAT: Literal["slacast-remaining-time"] = "slacast-remaining-time"
FORMAT_VERSION: Literal[1] = 1
MANIFEST, FEATURES = "manifest.json", "features.json"
Scale = Literal["hours", "log"]


class RemainingTimeParameters(BaseModel):
    """How the trees are grown: chosen on the validation part of a public help desk log (docs/remaining-time.md)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rounds: int = Field(default=200, ge=1)
    learning_rate: float = 0.03
    leaves: int = 31
    rows_per_leaf: int = 20
    feature_fraction: float = 1.0
    extra_trees: bool = True
    seeds: int = Field(default=5, ge=1)  # members for each scale
    scales: tuple[Scale, ...] = ("hours", "log")
    threads: int = 1


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RemainingTimeMember(_Part):
    """One booster: its file, and the scale on which it answers."""

    scale: Scale
    file: str


class RemainingTimeManifest(_Part):
    """What the model says about itself. It holds no clock time: the same data and seed give the same bytes."""

    format: Literal["slacast-remaining-time"] = FORMAT
    format_version: Literal[1] = FORMAT_VERSION
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
    members: tuple[RemainingTimeMember, ...]
    files: dict[str, str]  # name -> sha256


@dataclass(frozen=True)
class RemainingTimeModel:
    """Members that answer on their scale; rows in the order of `spec` in, hours until the ticket ends out."""

    spec: FeatureSpec
    members: tuple[tuple[Scale, lgb.Booster], ...]
    manifest: RemainingTimeManifest | None = None  # of a model that was written to a folder
    version: str = ""

    def predict(self, X: pd.DataFrame) -> Float64Array:
        """Hours until the ticket ends, n, none negative. Columns must be those of `spec`, in that order."""
        check_columns(list(X.columns), self.spec)
        values = X.to_numpy(dtype=np.float64)
        total = np.zeros(len(values))
        if len(values):
            for scale, booster in self.members:
                answer = np.asarray(booster.predict(values, num_threads=1), dtype=np.float64)
                total += np.maximum(np.expm1(answer) if scale == "log" else answer, 0.0)
        return total / len(self.members)


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
    values = X.to_numpy(dtype=np.float64)
    members = []
    for scale in parameters.scales:
        answer = np.log1p(hours) if scale == "log" else hours
        for member in range(parameters.seeds):
            data = lgb.Dataset(values, answer, feature_name=spec.names, params={"verbosity": -1})
            native = _native(parameters, seed * 1000 + member)
            booster = lgb.train(native, data, num_boost_round=parameters.rounds)
            members.append((scale, lgb.Booster(model_str=booster.model_to_string())))
    return RemainingTimeModel(spec, tuple(members))


def save_remaining_time(folder: Path, model: RemainingTimeModel, manifest: RemainingTimeManifest) -> str:
    """The digest of the model as written: equal digests are equal models. The folder is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    contents = {FEATURES: model.spec.to_json() + "\n"}
    entries = []
    for place, (scale, booster) in enumerate(model.members, 1):
        file = f"trees-{place:02d}.txt"
        contents[file] = str(booster.model_to_string())
        entries.append(RemainingTimeMember(scale=scale, file=file))
    hashes = {name: _hash(text.encode()) for name, text in sorted(contents.items())}
    complete = manifest.model_copy(update={"members": tuple(entries), "files": hashes})
    contents[MANIFEST] = _json(complete.model_dump(mode="json"))
    for name, text in contents.items():
        (folder / name).write_bytes(text.encode())
    return _hash(contents[MANIFEST].encode())


def load_remaining_time(folder: Path, *, version: str | None = None) -> RemainingTimeModel:
    """The model in a folder, all checks passed. Raises BundleError for what is unknown, incomplete or altered."""
    manifest = _read_manifest(folder)
    texts = {name: _checked(folder, name, digest) for name, digest in manifest.files.items()}
    needed = [FEATURES, *(member.file for member in manifest.members)]
    missing = [name for name in needed if name not in texts]
    if missing or not manifest.members:
        raise BundleError(f"{folder}: the manifest does not list {missing or 'any member'}. Train again.")
    spec = FeatureSpec.from_json(texts[FEATURES])
    if spec.fingerprint != manifest.spec_fingerprint:
        raise BundleError(
            f"{folder}: the feature specification has fingerprint {spec.fingerprint}, the model was trained on "
            f"{manifest.spec_fingerprint}. The features of this program are not those of the model: train again."
        )
    members = tuple((entry.scale, lgb.Booster(model_str=texts[entry.file])) for entry in manifest.members)
    _check_width(folder, [booster for _, booster in members], len(spec.names))
    return RemainingTimeModel(spec, members, manifest, version or manifest.name)


def _native(parameters: RemainingTimeParameters, seed: int) -> dict[str, Any]:
    return {
        "objective": "l1",
        "learning_rate": parameters.learning_rate,
        "num_leaves": parameters.leaves,
        "min_data_in_leaf": parameters.rows_per_leaf,
        "feature_fraction": parameters.feature_fraction,
        "extra_trees": parameters.extra_trees,
        "num_threads": parameters.threads,
        "seed": seed,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }


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


def _check_width(folder: Path, boosters: Sequence[lgb.Booster], count: int) -> None:
    for booster in boosters:
        if booster.num_feature() != count:
            raise BundleError(
                f"{folder}: a member reads {booster.num_feature()} features, the specification has {count}."
            )


def _json(data: Any) -> str:
    return json.dumps(data, indent=1, sort_keys=True, allow_nan=False, ensure_ascii=False) + "\n"


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
