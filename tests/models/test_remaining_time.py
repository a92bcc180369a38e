"""The remaining-time model: what it answers, how it travels, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.declaration import Feature, Settings
from features.spec import FeatureSpec
from models.bundle import BundleError
from models.remaining_time import (
    RemainingTimeManifest,
    RemainingTimeModel,
    RemainingTimeParameters,
    fit_remaining_time,
    load_remaining_time,
    save_remaining_time,
)

NAMES = ("hours_since_opening", "steps_so_far", "noise")
SPEC = FeatureSpec(
    tuple(Feature(name, "sequence", "hours", name, name) for name in NAMES), Settings((), {}, (), (), (), ())
)
PARAMETERS = RemainingTimeParameters(trees=30)


def _rows(count: int = 1500, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Tickets last 100 hours, or 300 if their second feature says so."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({name: rng.random(count) for name in NAMES})
    X["hours_since_opening"] *= 100
    X["steps_so_far"] = rng.integers(0, 2, count).astype(float)
    return X, np.where(X["steps_so_far"] > 0, 300.0, 100.0) - X["hours_since_opening"].to_numpy()


def _manifest(model: RemainingTimeModel) -> RemainingTimeManifest:
    return RemainingTimeManifest(
        name="remaining-time",
        spec_fingerprint=model.spec.fingerprint,
        agreements_version="a",
        data_fingerprint="d",
        seed=0,
        parameters=PARAMETERS,
        tickets=1,
        rows=1,
        known_until=datetime(2024, 1, 1, tzinfo=UTC),
        metrics={},
        libraries={},
        files={},
    )


@pytest.fixture(scope="module")
def model() -> RemainingTimeModel:
    X, hours = _rows()
    return fit_remaining_time(X, hours, SPEC, PARAMETERS)


def test_it_learns_how_long_tickets_last(model):
    X, hours = _rows(seed=1)
    off = np.abs(model.predict(X) - hours).mean()
    assert off < 15 < np.abs(np.median(hours) - hours).mean()


def test_no_answer_is_negative_and_no_rows_make_no_answers(model):
    X, _ = _rows(50)
    assert (model.predict(X * 1e6) >= 0).all()
    assert model.predict(X.iloc[:0]).shape == (0,)


def test_one_row_is_answered_as_among_many(model):
    X, _ = _rows(20)
    assert model.predict(X.iloc[[7]])[0] == model.predict(X)[7]


def test_the_same_rows_and_seed_give_the_same_bytes(tmp_path: Path):
    X, hours = _rows(300)
    digests = []
    for folder, seed in (("a", 0), ("b", 0), ("c", 1)):
        fitted = fit_remaining_time(X, hours, SPEC, PARAMETERS, seed=seed)
        digests.append(save_remaining_time(tmp_path / folder, fitted, _manifest(fitted)))
    assert digests[0] == digests[1] != digests[2]


def test_a_loaded_model_has_worked_out_what_the_first_question_needs(model, tmp_path: Path):
    save_remaining_time(tmp_path, model, _manifest(model))
    loaded = load_remaining_time(tmp_path).forest
    ready = set(vars(loaded))
    loaded.predict(np.zeros((1, loaded.width)), np.zeros(1))
    assert set(vars(loaded)) == ready


def test_it_says_the_same_after_a_journey_and_holds_no_pickle(model, tmp_path: Path):
    X, _ = _rows(100, seed=2)
    save_remaining_time(tmp_path, model, _manifest(model))
    assert np.array_equal(load_remaining_time(tmp_path).predict(X), model.predict(X))
    assert {path.suffix for path in tmp_path.iterdir()} == {".json"}


def test_swapped_columns_are_refused(model):
    X, _ = _rows(5)
    with pytest.raises(BundleError, match="another order"):
        model.predict(X[list(reversed(NAMES))])


@pytest.mark.parametrize(("file", "said"), [("forest.json", "altered"), ("manifest.json", "not the manifest")])
def test_an_altered_file_is_refused(model, tmp_path: Path, file: str, said: str):
    save_remaining_time(tmp_path, model, _manifest(model))
    (tmp_path / file).write_text((tmp_path / file).read_text().replace("width", "wodth").replace("seed", "sead"))
    with pytest.raises(BundleError, match=said):
        load_remaining_time(tmp_path)


def test_a_missing_file_and_an_empty_folder_are_refused(model, tmp_path: Path):
    with pytest.raises(BundleError, match=r"no manifest\.json"):
        load_remaining_time(tmp_path)
    save_remaining_time(tmp_path, model, _manifest(model))
    (tmp_path / "forest.json").unlink()
    with pytest.raises(BundleError, match=r"forest\.json is missing"):
        load_remaining_time(tmp_path)


@pytest.mark.parametrize("change", ["width", "rows", "no trees"])
def test_a_forest_that_does_not_fit_is_refused_though_its_hash_is_right(model, tmp_path: Path, change: str):
    forest = model.forest
    if change == "width":
        forest = replace(forest, width=7)
    elif change == "rows":
        forest = replace(forest, life_hours=forest.life_hours[:-1])
    else:
        forest = replace(forest, trees=())
    altered = replace(model, forest=forest)
    save_remaining_time(tmp_path, altered, _manifest(altered))
    with pytest.raises(BundleError, match=r"reads 7 features" if change == "width" else "not a forest"):
        load_remaining_time(tmp_path)


def test_of_more_rows_than_it_may_keep_some_are_drawn_by_the_seed():
    X, hours = _rows(400)
    few = PARAMETERS.model_copy(update={"most_rows": 150})
    first, again, other = (fit_remaining_time(X, hours, SPEC, few, seed=seed).forest.left_hours for seed in (0, 0, 1))
    assert len(np.unique(first)) == len(first) == 150  # no row twice
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert first.min() < np.quantile(hours, 0.2) < np.quantile(hours, 0.8) < first.max()
    every = fit_remaining_time(X, hours, SPEC, PARAMETERS.model_copy(update={"most_rows": 400})).forest.left_hours
    assert np.array_equal(every, hours)


def test_without_the_age_a_ticket_is_told_what_was_left_of_others():
    X, _ = _rows(300)
    features = tuple(one for one in SPEC.features if one.name != "hours_since_opening")
    spec = FeatureSpec(features, SPEC.settings)
    rows = X[list(spec.names)]
    model = fit_remaining_time(rows, np.full(300, 9.0), spec, PARAMETERS)
    assert model.predict(rows) == pytest.approx(np.full(300, 9.0))
