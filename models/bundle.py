"""The served model as a folder of files: what the service loads, and the only form in which models travel.

    manifest.json     format, versions, training window, judgement, sha256 of every other file
    features.json     the ordered feature specification
    range.json        smallest, usual and largest training value of every feature
    calibration.json  three numbers
    boosting.txt      trees, in LightGBM's text format
    linear.json       coefficients of the logistic regression
    hazard.json, hazard-risk.txt, hazard-time.txt      the hazard model: of time on the clock
    opening.json, opening-risk.txt, opening-time.txt   another one: of opening hours until the clock stops
    shape.json, shape.txt   where on the clock a ticket ends, given its risk
    finish.json       what both must call 10, 50 and 90 %, and how long clocks were seen to go on
    text.npz          the text encoder: terms and numbers
    reference.json    a few rows, and what the model said of them when it was saved

Nothing is pickled. What is unknown, incomplete or altered is refused with a sentence that says what to do.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from features.spec import FeatureSpec
from features.text import TextEncoder
from models.bundle_files import FEATURES, MANIFEST, TEXT, BundleError, BundleFiles, as_json, digest_of
from models.bundle_texts import FINISH, Member, finish_texts, member_texts, read_finish, read_member
from models.calibration import Calibration
from models.clipping import TrainingRange
from models.finish import FinishModel
from models.hazard import HazardMember
from models.linear import LinearMember
from models.manifest import Manifest
from models.phrases import Phrasebook
from models.reference import TOLERANCE, Reference, reference_rows
from models.scales import Float64Array, sigmoid
from models.sides import Sides, united
from models.topics import Groups

__all__ = ["BreachBundle", "BundleError", "bundle_digest", "check_columns", "load_bundle", "save_bundle"]

REFERENCE = "reference.json"
FINISH_COLUMNS = (
    *("working_10", "working_50", "working_90", "opening_10", "opening_50", "opening_90"),
    *("working_most", "opening_most"),
)


@dataclass(frozen=True)
class BreachBundle:
    """A loaded breach model: rows in the order of `spec` in, probability that an open, unbreached clock ends in breach out."""

    manifest: Manifest
    spec: FeatureSpec
    range: TrainingRange
    calibration: Calibration
    members: tuple[tuple[Member, float], ...]  # with their share of the log odds
    version: str = ""
    finish: FinishModel | None = None
    text: TextEncoder | None = None

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
        return self.calibration.apply(self._margin(self.inputs(X)))

    def finish_hours(self, X: pd.DataFrame) -> pd.DataFrame:
        """`finish_values` with names: n x 8 in the columns FINISH_COLUMNS."""
        return pd.DataFrame(self.finish_values(X), columns=list(FINISH_COLUMNS), index=X.index)

    def finish_values(self, X: pd.DataFrame) -> Float64Array:
        """When the clock will stop, in hours ahead: 10, 50 and 90 % quantiles, n x 8 in the order of FINISH_COLUMNS.

        `working_*` is time on the clock, in step with `predict`: the median lies beyond the time left where the
        probability of breach is above one half (up to the conformal levels). `opening_*` is opening time of the clock's
        calendar, with the pauses in which the clock stands still: `BusinessTime.due` makes an instant of it. `*_most` is the most
        that training supports: a quantile that stands there means "longer than that". Raises BundleError for a model
        without a range.
        """
        if self.finish is None:
            raise BundleError(f"{self.version or self.name} has no range of finishing times: train again.")
        values = self.inputs(X)
        working = self.finish.working_hours(values, self.calibration.apply(self._margin(values)))
        opening = np.maximum(self.finish.opening_hours(values), working)  # a clock never outruns its calendar
        most = self.finish.most_hours(values)
        most[:, 1] = np.maximum(most[:, 0], most[:, 1])
        return np.concatenate([working, opening, most], axis=1)

    def contributions(self, X: pd.DataFrame, *, exact: bool = False) -> Float64Array:
        """n x k signed contributions to the calibrated log odds; row sums plus the baseline are the log odds.

        Cheap path attributions by default; `exact` gives Shapley values for about 20 times the time.
        """
        values = self.inputs(X)
        total = np.zeros(values.shape)
        for member, share in self.members:
            part = member.exact_attributions(values)[0] if exact else member.attributions(values)
            total += share * part
        baseline = self._exact_baseline if exact else self._path_baseline
        return self.calibration.rises(baseline, baseline + total.sum(axis=1))[:, None] * total

    def baseline(self, *, exact: bool = False) -> float:
        """Calibrated log odds before any feature is looked at."""
        plain = self._exact_baseline if exact else self._path_baseline
        return float(self.calibration.apply(np.array([plain]))[0])

    @cached_property
    def _path_baseline(self) -> float:
        return float(sum(share * member.baseline for member, share in self.members))

    @cached_property
    def _exact_baseline(self) -> float:
        usual = np.array([self.range.usual])
        return float(sum(share * member.exact_attributions(usual)[1] for member, share in self.members))

    def _margin(self, values: Float64Array) -> Float64Array:
        total = np.zeros(len(values))
        if len(values):
            for member, share in self.members:
                total += share * member.margin(values)
        return total

    def inputs(self, X: pd.DataFrame) -> Float64Array:
        """What the members are asked about, n x k: the rows, moved into the range of training. Refuses other columns as `predict` does."""
        if not X.columns.equals(self.spec.columns):
            check_columns(list(X.columns), self.spec)
        return self.range.clip(X.to_numpy(dtype=np.float64))

    @cached_property
    def sides(self) -> Sides | None:
        """The thresholds on whose sides `inputs` lie: rows that crossed none have the probability they had.

        None where an answer may change without them: with a linear member, or with trees that split by categories.
        """
        trees = [member for member, _share in self.members if not isinstance(member, LinearMember)]
        if len(trees) < len(self.members):
            return None
        hazard = next((member for member in trees if isinstance(member, HazardMember)), None)
        try:
            thresholds = united(member.thresholds for member in trees)
            derived = (hazard.interval_values, hazard.interval_thresholds) if hazard else ()
        except ValueError:  # by categories: training makes no such trees, but a registry may hold them
            return None
        return Sides(thresholds, *derived)

    @cached_property
    def phrasebook(self) -> Phrasebook:
        """The words for its features."""
        return Phrasebook(self.spec, self.range)

    @cached_property
    def groups(self) -> Groups:
        """Its features by topic."""
        return Groups.of(self.spec.features)


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
    texts: dict[str, str] = {
        FEATURES: bundle.spec.to_json() + "\n",
        "range.json": as_json(bundle.range.to_json()),
        "calibration.json": as_json(dataclasses.asdict(bundle.calibration)),
        **member_texts([member for member, _share in bundle.members]),
        **finish_texts(bundle.finish),
        REFERENCE: as_json(_reference(bundle).to_json()),
    }
    contents = {name: text.encode() for name, text in texts.items()}
    if bundle.text is not None:
        contents[TEXT] = bundle.text.to_npz_bytes()
    hashes = {name: digest_of(content) for name, content in sorted(contents.items())}
    manifest = bundle.manifest.model_copy(update={"files": hashes})
    contents[MANIFEST] = as_json(manifest.model_dump(mode="json")).encode()
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return manifest


def load_bundle(folder: Path, *, version: str | None = None) -> BreachBundle:
    """The bundle in a folder, all checks passed. `version` is what the registry calls it ("breach v3"); else its first hash digits."""
    files = BundleFiles.read(folder)
    manifest, spec = files.manifest, files.spec()
    finish = read_finish(files) if FINISH in manifest.files else None
    members = tuple((read_member(files, entry.kind, entry.file, finish), entry.share) for entry in manifest.members)
    for member, _share in members:
        if member.feature_count != len(spec.names):
            raise BundleError(
                f"{folder}: the {member.kind} member reads {member.feature_count} features, "
                f"the specification has {len(spec.names)}."
            )
    bundle = BreachBundle(
        manifest,
        spec,
        TrainingRange.from_json(files.parsed("range.json")),
        Calibration(**files.parsed("calibration.json")),
        members,
        version or f"{manifest.name} {bundle_digest(folder)[:8]}",
        finish,
        files.encoder(spec),
    )
    if REFERENCE in manifest.files:
        _check_reference(folder, bundle, Reference.from_json(files.parsed(REFERENCE)))
    return bundle


def bundle_digest(folder: Path) -> str:
    """The sha256 of the manifest, which holds the hashes of everything else: equal digests are equal models."""
    return digest_of((folder / MANIFEST).read_bytes())


def _reference(bundle: BreachBundle) -> Reference:
    rows = reference_rows(bundle.range)
    return Reference(rows, bundle.predict(pd.DataFrame(rows, columns=bundle.spec.names)))


def _check_reference(folder: Path, bundle: BreachBundle, reference: Reference) -> None:
    """Nothing, or a BundleError where the model says something else here than where it was trained."""
    found = bundle.predict(pd.DataFrame(reference.values, columns=bundle.spec.names))
    difference = reference.difference(found)
    if difference > TOLERANCE:
        made_with = ", ".join(f"{name} {version}" for name, version in sorted(bundle.manifest.libraries.items()))
        raise BundleError(
            f"{folder}: the model gives other probabilities here than where it was trained, by up to {difference:.3g}. "
            f"It was made with {made_with or 'unknown libraries'}: install those, or train again."
        )
