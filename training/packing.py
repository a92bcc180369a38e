"""From a fitted model to the bundle on disk, with a manifest from which the training can be repeated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from models.blend import Blend
from models.bundle import BreachBundle, bundle_digest, save_bundle
from models.bundle_texts import MEMBER_FILES
from models.manifest import Judgement, Manifest, MemberEntry, TrainingWindow
from training.finishing import finish_model
from training.fitting import Fitted
from training.plan import Plan, RowSource
from training.registration import store_bundle
from training.rehearsal import CalibrationAnswer
from training.rows import Rows
from training.splits import Periods, instant

LIBRARIES = ("lightgbm", "numpy", "pandas", "scikit-learn")
PEOPLE = ("assignee", "customer")
MOST_SEEN = 2_000


@dataclass(frozen=True)
class Packed:
    """A bundle on disk, and what is logged about it."""

    folder: Path
    digest: str
    calibration_why: str
    params: Mapping[str, Any]
    tags: Mapping[str, str]
    example: pd.DataFrame


def judgement_entry(periods: Periods, tickets: int, metrics: Mapping[str, float]) -> Judgement:
    """The judgement as the manifest tells it."""
    rounded = {name: round(value, 6) for name, value in metrics.items()}
    return Judgement(cut=instant(periods.cut_us), until=instant(periods.until_us), tickets=tickets, metrics=rounded)


def pack(
    fitted: Fitted,
    blend: Blend,
    answer: CalibrationAnswer,
    train: Rows,
    source: RowSource,
    periods: Periods,
    judgement: Judgement,
    plan: Plan,
) -> Packed:
    """The packed bundle: written to `var_dir/bundles/NAME-DIGEST`, so that equal trainings meet in one folder."""
    parameters = plan.settings.model_dump(mode="json")
    members = fitted.served(blend)
    manifest = Manifest(
        name=plan.name,
        target=plan.target,
        spec_fingerprint=train.spec.fingerprint,
        agreements_version=source.agreements_version,
        data_fingerprint=source.data_fingerprint,
        seed=plan.seed,
        parameters=parameters,
        members=tuple(MemberEntry(kind=m.kind, file=MEMBER_FILES[m.kind], share=share) for m, share in members),
        window=_window(train, periods),
        judgement=judgement,
        libraries={name: version(name) for name in LIBRARIES},
        seen=_seen(train, source),
        files={},
    )
    finish = finish_model(fitted, train, blend, answer.calibration, answer.levels)
    bundle = BreachBundle(
        manifest, train.spec, fitted.range, answer.calibration, members, finish=finish, text=train.text
    )
    stored = store_bundle(plan.var_dir, bundle.name, lambda folder: _saved(folder, bundle))
    return Packed(
        stored.folder,
        stored.digest,
        answer.why,
        _params(manifest, parameters, periods),
        {
            "target": plan.target,
            "spec_fingerprint": manifest.spec_fingerprint,
            "agreements_version": manifest.agreements_version,
            "data_fingerprint": manifest.data_fingerprint,
            "bundle_digest": stored.digest,
            "calibration": answer.why,
        },
        pd.DataFrame(train.X[:5], columns=train.spec.names),
    )


def _seen(train: Rows, source: RowSource) -> dict[str, tuple[str, ...]]:
    """The values of each column by which histories are kept; not of people, who come and go, nor of columns with very many."""
    columns = sorted({column for key in train.spec.settings.keys for column in key} - set(PEOPLE))
    texts = {column: tuple(sorted(filter(None, source.texts.get(column, ())))) for column in columns}
    return {column: values for column, values in texts.items() if 0 < len(values) <= MOST_SEEN}


def _window(train: Rows, periods: Periods) -> TrainingWindow:
    return TrainingWindow(
        opened_from=instant(int(train.opened_us.min())),
        opened_until=instant(int(train.opened_us.max())),
        known_until=instant(periods.end_us),
        tickets=train.ticket_count(),
        rows=len(train),
        breach_rate=round(_breach_rate(train.where(train.is_first)), 6),
    )


def _breach_rate(first: Rows) -> float:
    return float(np.average(first.y, weights=first.stands_for)) if len(first) else 0.0


def _saved(folder: Path, bundle: BreachBundle) -> str:
    save_bundle(folder, bundle)
    return bundle_digest(folder)


def _params(manifest: Manifest, parameters: Mapping[str, Any], periods: Periods) -> dict[str, Any]:
    flat = _flattened(parameters, "")
    return {
        **flat,
        "seed": manifest.seed,
        "target": manifest.target,
        "cut": instant(periods.cut_us).isoformat(),
        "judged_until": instant(periods.until_us).isoformat(),
        "known_until": instant(periods.end_us).isoformat(),
        "maturity_hours": round(periods.maturity_us / 3.6e9, 1),
        "training_tickets": manifest.window.tickets,
        "training_rows": manifest.window.rows,
        **{f"served_share.{member.kind}": round(member.share, 6) for member in manifest.members},
    }


def _flattened(values: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            flat |= _flattened(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat
