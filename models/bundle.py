"""The served model as a folder of text files: what the service loads, and the only form in which models travel.

    manifest.json     format, versions, training window, judgement, sha256 of every other file
    features.json     the ordered feature specification
    range.json        smallest, usual and largest training value of every feature
    calibration.json  two numbers
    boosting.txt      LightGBM's text format
    linear.json       coefficients of the logistic regression

Nothing is pickled. What is unknown, incomplete or altered is refused with a sentence that says what to do.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import ValidationError

from features.spec import FeatureSpec, SpecError
from models import boosting, linear
from models.boosting import BoostingMember
from models.calibration import Calibration
from models.clipping import TrainingRange
from models.linear import LinearMember
from models.manifest import FORMAT, FORMAT_VERSION, Manifest
from models.scales import Float64Array, sigmoid

Member = BoostingMember | LinearMember
MANIFEST = "manifest.json"
FEATURES = "features.json"
MEMBER_FILES = {boosting.KIND: "boosting.txt", linear.KIND: "linear.json"}


class BundleError(ValueError):
    """A bundle that cannot be used, or rows that do not fit it; the text says why and what to do."""


@dataclass(frozen=True)
class BreachBundle:
    """A loaded breach model: rows in the order of `spec` in, probability that an open, unbreached clock ends in breach out."""

    manifest: Manifest
    spec: FeatureSpec
    range: TrainingRange
    calibration: Calibration
    members: tuple[tuple[Member, float], ...]  # with their share of the log odds
    version: str = ""

    @property
    def name(self) -> str:
        """The model's name in the registry."""
        return self.manifest.name

    @property
    def target(self) -> str:
        """The metric whose breach is predicted, such as `resolution`."""
        return self.manifest.target

    def predict(self, X: pd.DataFrame) -> Float64Array:
        """Probability of breach, n, each in (0, 1). Columns must be those of `spec`, in that order: anything else is refused."""
        return sigmoid(self.log_odds(X))

    def log_odds(self, X: pd.DataFrame) -> Float64Array:
        """Calibrated log odds of breach, n."""
        return self.calibration.apply(self._margin(self._values(X)))

    def contributions(self, X: pd.DataFrame, *, exact: bool = False) -> Float64Array:
        """n x k signed contributions to the calibrated log odds; row sums plus the baseline are the log odds.

        Cheap path attributions by default; `exact` gives Shapley values for about 20 times the time.
        """
        values = self._values(X)
        total = np.zeros(values.shape)
        for member, share in self.members:
            part = member.exact_attributions(values)[0] if exact else member.attributions(values)
            total += share * part
        return self.calibration.slope * total

    def baseline(self, *, exact: bool = False) -> float:
        """Calibrated log odds before any feature is looked at."""
        row = np.array([self.range.usual])
        parts = (
            share * (member.exact_attributions(row)[1] if exact else member.baseline) for member, share in self.members
        )
        return self.calibration.slope * float(sum(parts)) + self.calibration.shift

    def _margin(self, values: Float64Array) -> Float64Array:
        total = np.zeros(len(values))
        if len(values):
            for member, share in self.members:
                total += share * member.margin(values)
        return total

    def _values(self, X: pd.DataFrame) -> Float64Array:
        check_columns(list(X.columns), self.spec)
        return self.range.clip(X.to_numpy(dtype=np.float64))


def check_columns(columns: list[str], spec: FeatureSpec) -> None:
    """Nothing, or a BundleError naming the first column that is not where the model expects it.

    LightGBM itself scores swapped columns silently, and wrongly.
    """
    names = spec.names
    if columns == names:
        return
    missing = [name for name in names if name not in columns]
    extra = [name for name in columns if name not in names]
    if missing or extra:
        raise BundleError(
            f"the rows do not fit the model: missing features {missing[:5]}, unknown features {extra[:5]}. "
            "Build them with the bundle's own specification: features.pipeline.build(..., spec=bundle.spec)."
        )
    place = next(i for i, (found, wanted) in enumerate(zip(columns, names, strict=True)) if found != wanted)
    raise BundleError(
        f"the rows' columns are in another order than the model's: column {place} is {columns[place]!r}, "
        f"expected {names[place]!r}. Reorder them: X[bundle.spec.names]."
    )


def save_bundle(folder: Path, bundle: BreachBundle) -> Manifest:
    """The manifest as written, with hashes of all files; the folder is made if need be. Same bundle, same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    contents: dict[str, str] = {
        FEATURES: bundle.spec.to_json() + "\n",
        "range.json": _json(bundle.range.to_json()),
        "calibration.json": _json(dataclasses.asdict(bundle.calibration)),
    }
    for member, _share in bundle.members:
        text = member.text() if isinstance(member, BoostingMember) else _json(member.to_json())
        contents[MEMBER_FILES[member.kind]] = text
    hashes = {name: _hash(text.encode()) for name, text in sorted(contents.items())}
    manifest = bundle.manifest.model_copy(update={"files": hashes})
    contents[MANIFEST] = _json(manifest.model_dump(mode="json"))
    for name, text in contents.items():
        (folder / name).write_bytes(text.encode())
    return manifest


def load_bundle(folder: Path, *, version: str | None = None) -> BreachBundle:
    """The bundle in a folder, all checks passed. `version` is what the registry calls it ("breach v3"); else its first hash digits."""
    manifest = _read_manifest(folder)
    texts = {name: _read_checked(folder, name, digest) for name, digest in manifest.files.items()}
    spec = _read_spec(folder, texts, manifest)
    members = tuple((_read_member(folder, entry.kind, entry.file, texts), entry.share) for entry in manifest.members)
    limits = TrainingRange.from_json(_parsed(folder, "range.json", texts))
    line = Calibration(**_parsed(folder, "calibration.json", texts))
    for member, _share in members:
        _check_width(folder, member, len(spec.names))
    return BreachBundle(
        manifest, spec, limits, line, members, version or f"{manifest.name} {bundle_digest(folder)[:8]}"
    )


def bundle_digest(folder: Path) -> str:
    """The sha256 of the manifest, which holds the hashes of everything else: equal digests are equal models."""
    return _hash((folder / MANIFEST).read_bytes())


def _read_manifest(folder: Path) -> Manifest:
    path = folder / MANIFEST
    if not path.is_file():
        raise BundleError(f"{folder} is not a model bundle: it has no {MANIFEST}. Train one: slacast train breach.")
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as fault:
        raise BundleError(
            f"{path} is not JSON ({fault}). The bundle is damaged: train again or copy it again."
        ) from fault
    found = (data.get("format"), data.get("format_version")) if isinstance(data, dict) else (None, None)
    if found != (FORMAT, FORMAT_VERSION):
        raise BundleError(
            f"{path}: format {found[0]!r} version {found[1]!r} is unknown here; this program reads {FORMAT!r} version "
            f"{FORMAT_VERSION}. Use the program that wrote it, or train again."
        )
    try:
        return Manifest.model_validate(data)
    except ValidationError as fault:
        raise BundleError(f"{path} is not a valid manifest: {fault}") from fault


def _read_checked(folder: Path, name: str, digest: str) -> str:
    path = folder / name
    if not path.is_file():
        raise BundleError(f"{folder}: {name} is missing, though the manifest lists it. Copy the whole folder again.")
    content = path.read_bytes()
    if _hash(content) != digest:
        raise BundleError(
            f"{path} was altered after training: its sha256 is {_hash(content)[:12]}..., the manifest says {digest[:12]}.... "
            "Copy the bundle again from the registry, or train again."
        )
    return content.decode()


def _parsed(folder: Path, name: str, texts: Mapping[str, str]) -> Any:
    if name not in texts:
        raise BundleError(f"{folder}: the manifest does not list {name}, which every bundle needs. Train again.")
    return json.loads(texts[name])


def _read_spec(folder: Path, texts: Mapping[str, str], manifest: Manifest) -> FeatureSpec:
    if FEATURES not in texts:
        raise BundleError(f"{folder}: the manifest does not list {FEATURES}, which every bundle needs. Train again.")
    try:
        spec = FeatureSpec.from_json(texts[FEATURES])
    except SpecError as fault:
        raise BundleError(f"{folder / FEATURES}: {fault}") from fault
    if spec.fingerprint != manifest.spec_fingerprint:
        raise BundleError(
            f"{folder}: the feature specification has fingerprint {spec.fingerprint}, the model was trained on "
            f"{manifest.spec_fingerprint}. The features of this program are not those of the model: train again."
        )
    return spec


def _read_member(folder: Path, kind: str, file: str, texts: Mapping[str, str]) -> Member:
    if kind == boosting.KIND:
        if file not in texts:
            raise BundleError(f"{folder}: the manifest does not list {file}, which its members need. Train again.")
        return BoostingMember.from_text(texts[file])
    return LinearMember.from_json(_parsed(folder, file, texts))


def _check_width(folder: Path, member: Member, count: int) -> None:
    width = member.feature_count if isinstance(member, BoostingMember) else len(member.coefficient)
    if width != count:
        raise BundleError(f"{folder}: the {member.kind} member reads {width} features, the specification has {count}.")


def _json(data: Any) -> str:
    return json.dumps(data, indent=1, sort_keys=True, allow_nan=False, ensure_ascii=False) + "\n"


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
