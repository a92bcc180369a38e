"""A bundle is what it was when saved, or it is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models.bundle import BundleError, bundle_digest, load_bundle, save_bundle
from models.bundle_files import digest_of
from models.reference import Reference, reference_rows
from models.scales import logit
from tests.models.builders import SPEC, row, small_bundle, small_matrix


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_bundle(tmp_path / "bundle", small_bundle())
    return tmp_path / "bundle"


def changed(folder: Path, **changes: object) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_loaded_bundle_predicts_bit_for_bit_what_the_saved_one_did(folder: Path) -> None:
    X = small_matrix(300, seed=9)
    loaded = load_bundle(folder, version="breach v7")
    assert np.array_equal(loaded.predict(X), small_bundle().predict(X))
    assert loaded.version == "breach v7"
    assert loaded.target == "resolution"
    assert loaded.spec == SPEC


def test_the_same_data_and_seed_give_the_same_bytes(tmp_path: Path) -> None:
    save_bundle(tmp_path / "one", small_bundle(seed=5))
    save_bundle(tmp_path / "two", small_bundle(seed=5))
    save_bundle(tmp_path / "other", small_bundle(seed=6))
    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert all((tmp_path / "one" / f).read_bytes() == (tmp_path / "two" / f).read_bytes() for f in files)
    assert bundle_digest(tmp_path / "one") != bundle_digest(tmp_path / "other")


def test_a_bundle_holds_text_only(folder: Path) -> None:
    for path in folder.iterdir():
        assert path.suffix in (".json", ".txt")
        path.read_bytes().decode("utf-8")


@pytest.mark.parametrize("file", ["boosting.txt", "linear.json", "calibration.json", "range.json", "features.json"])
def test_an_altered_file_is_refused_by_name(folder: Path, file: str) -> None:
    content = (folder / file).read_text()
    (folder / file).write_text(content.replace("0", "1", 1))
    with pytest.raises(BundleError, match=rf"{file} was altered after training"):
        load_bundle(folder)


@pytest.mark.parametrize("file", ["boosting.txt", "linear.json", "calibration.json", "range.json", "features.json"])
def test_a_missing_file_is_refused_by_name(folder: Path, file: str) -> None:
    (folder / file).unlink()
    with pytest.raises(BundleError, match=rf"{file} is missing"):
        load_bundle(folder)


def test_a_folder_that_is_no_bundle_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="slacast train breach"):
        load_bundle(tmp_path)


def test_a_manifest_that_was_cut_off_is_refused(folder: Path) -> None:
    path = folder / "manifest.json"
    path.write_text(path.read_text()[:100])
    with pytest.raises(BundleError, match="not JSON"):
        load_bundle(folder)


@pytest.mark.parametrize("changes", [{"format": "other"}, {"format_version": 1}, {"format_version": None}])
def test_an_unknown_format_is_refused(folder: Path, changes: dict[str, object]) -> None:
    changed(folder, **changes)
    with pytest.raises(BundleError, match="is unknown here; this program reads 'slacast-breach-bundle' version 2"):
        load_bundle(folder)


def test_an_unknown_fingerprint_of_features_is_refused(folder: Path) -> None:
    changed(folder, spec_fingerprint="0123456789abcdef")
    with pytest.raises(BundleError, match=r"trained on 0123456789abcdef.*train again"):
        load_bundle(folder)


def test_a_manifest_that_omits_a_needed_file_is_refused(folder: Path) -> None:
    files = json.loads((folder / "manifest.json").read_text())["files"]
    for name in ("range.json", "boosting.txt", "features.json"):
        changed(folder, files={key: value for key, value in files.items() if key != name})
        with pytest.raises(BundleError, match=f"does not list {name}"):
            load_bundle(folder)


def test_swapped_columns_are_refused_and_named() -> None:
    X = small_matrix(3)[["is_half_used", "share_used", *SPEC.names[2:]]]
    with pytest.raises(BundleError, match=r"column 0 is 'is_half_used', expected 'share_used'"):
        small_bundle().predict(X)


def test_missing_and_unknown_columns_are_refused_and_named() -> None:
    X = small_matrix(3).rename(columns={"handovers": "hand_overs"})
    with pytest.raises(BundleError, match=r"missing features \['handovers'\], unknown features \['hand_overs'\]"):
        small_bundle().predict(X)


def test_missing_and_never_seen_values_are_scored() -> None:
    unknown = row(team_backlog=np.nan, priority_place=np.nan, handovers=np.nan)
    assert 0 < small_bundle().predict(unknown)[0] < 1


def test_no_rows_give_no_probabilities() -> None:
    bundle = small_bundle()
    assert bundle.predict(small_matrix(5).iloc[:0]).shape == (0,)
    assert bundle.contributions(small_matrix(5).iloc[:0]).shape == (0, len(SPEC.names))


def test_values_outside_the_training_range_are_scored_as_its_edge() -> None:
    bundle = small_bundle()
    edge = float(bundle.range.high[SPEC.names.index("team_backlog")])
    assert bundle.predict(row(team_backlog=1e9)) == bundle.predict(row(team_backlog=edge))


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("upper_slope", [1.0, 1.5])
def test_contributions_and_baseline_add_up_to_the_log_odds(exact: bool, upper_slope: float) -> None:
    bundle, X = small_bundle(), small_matrix(200, seed=11)
    bundle = replace(bundle, calibration=replace(bundle.calibration, upper_slope=upper_slope))
    total = bundle.contributions(X, exact=exact).sum(axis=1) + bundle.baseline(exact=exact)
    assert np.allclose(total, bundle.log_odds(X), atol=1e-9)
    assert np.allclose(bundle.log_odds(X), logit(bundle.predict(X)), atol=1e-9)
    assert (bundle.predict(X) > 0.6).any()
    assert (bundle.predict(X) < 0.4).any()


def test_a_bundle_keeps_how_much_more_counts_above_one_half(tmp_path: Path) -> None:
    bundle, X = small_bundle(), small_matrix(50, seed=14)
    steep = replace(bundle, calibration=replace(bundle.calibration, upper_slope=1.5))
    save_bundle(tmp_path / "steep", steep)
    loaded = load_bundle(tmp_path / "steep")
    assert loaded.calibration.upper_slope == 1.5
    assert np.array_equal(loaded.predict(X), steep.predict(X))
    assert (loaded.predict(X) >= bundle.predict(X)).all()
    assert (loaded.predict(X) > bundle.predict(X)).any()


def test_cheap_contributions_agree_with_exact_ones() -> None:
    bundle, X = small_bundle(), small_matrix(500, seed=12)
    cheap, exact = bundle.contributions(X), bundle.contributions(X, exact=True)
    assert np.corrcoef(cheap.ravel(), exact.ravel())[0, 1] > 0.95


def test_a_row_alone_scores_as_in_a_batch() -> None:
    bundle, X = small_bundle(), small_matrix(50, seed=13)
    assert np.array_equal(bundle.predict(X), np.concatenate([bundle.predict(X.iloc[[i]]) for i in range(50)]))


def rewritten(folder: Path, name: str, content: str) -> None:
    """A file with other content and the manifest that fits it: hashes find nothing wrong."""
    (folder / name).write_text(content)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][name] = digest_of(content.encode())
    (folder / "manifest.json").write_text(json.dumps(manifest))


def test_a_bundle_that_says_something_else_than_when_it_was_saved_is_refused(folder: Path) -> None:
    calibration = json.loads((folder / "calibration.json").read_text())
    rewritten(folder, "calibration.json", json.dumps({**calibration, "shift": calibration["shift"] + 1e-6}))
    with pytest.raises(BundleError, match=r"other probabilities here than where it was trained, by up to .*e-07"):
        load_bundle(folder)


def test_rounding_on_another_processor_is_no_reason_to_refuse(folder: Path) -> None:
    calibration = json.loads((folder / "calibration.json").read_text())
    rewritten(folder, "calibration.json", json.dumps({**calibration, "shift": calibration["shift"] + 1e-12}))
    load_bundle(folder)


def test_a_bundle_from_before_there_was_a_reference_is_still_read(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["files"]["reference.json"]
    (folder / "reference.json").unlink()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert load_bundle(folder).predict(small_matrix(3)).shape == (3,)


def test_reference_rows_span_the_range_and_come_back_as_they_were() -> None:
    rows = reference_rows(small_bundle().range)
    reference = Reference(rows, small_bundle().predict(pd.DataFrame(rows, columns=SPEC.names)))
    again = Reference.from_json(json.loads(json.dumps(reference.to_json())))
    assert np.array_equal(again.values, rows, equal_nan=True)
    assert again.difference(reference.probability) == 0.0
    assert len(np.unique(reference.probability)) > 10  # the rows tell models apart
    assert again.difference(np.array([0.5])) == again.difference(reference.probability * np.nan) == float("inf")
