"""A bundle with a hazard member: saved, loaded, explained, and its range in step with its risk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.declaration import Feature, Settings
from features.spec import FeatureSpec
from models.blend import Blend
from models.bundle import FINISH_COLUMNS, BreachBundle, BundleError, load_bundle, save_bundle
from models.calibration import Calibration
from models.clipping import fit_range
from models.finish import FinishModel
from models.manifest import MemberEntry
from models.shape import ShapeParameters, fit_shape
from tests.models.builders import small_bundle
from tests.models.hazard_builders import NAMES, clocks, member

SPEC = FeatureSpec(
    tuple(Feature(name, "clock", "hours", f"the {name}", "How much is left?") for name in NAMES),
    Settings((), {}, (), (), (), ()),
)


def bundle() -> BreachBundle:
    base = small_bundle()
    entries = (MemberEntry(kind="hazard", file="hazard.json", share=1.0),)
    manifest = base.manifest.model_copy(update={"members": entries, "spec_fingerprint": SPEC.fingerprint})
    finish = FinishModel(member(), member(seed=1), (0.12, 0.45, 0.9), (0.1, 0.5, 0.88))
    limits, line = fit_range(clocks().X), Calibration("platt", 0.9, 0.1)
    assert Blend.even("hazard").share("hazard") == 1.0
    return BreachBundle(manifest, SPEC, limits, line, ((member(), 1.0),), "breach v1", finish)


def asked(rows: int = 200) -> pd.DataFrame:
    return pd.DataFrame(clocks(seed=31).X[:rows], columns=list(NAMES))


def test_a_loaded_bundle_says_the_same_risk_and_range(tmp_path: Path) -> None:
    save_bundle(tmp_path, bundle())
    loaded = load_bundle(tmp_path)
    assert np.array_equal(loaded.predict(asked()), bundle().predict(asked()))
    pd.testing.assert_frame_equal(loaded.finish_hours(asked()), bundle().finish_hours(asked()), check_exact=True)
    assert loaded.finish is not None
    assert loaded.finish.levels == (0.12, 0.45, 0.9)
    assert loaded.finish.longest_hours == (np.inf, np.inf)
    assert loaded.finish.shape is None


def test_a_loaded_bundle_keeps_the_shape_of_its_range_and_the_most_it_may_say(tmp_path: Path) -> None:
    plain = bundle()
    assert plain.finish is not None
    made = clocks()
    shape = fit_shape(
        made.X, made.hours, made.has_stopped, np.ones(len(made.X)), list(NAMES), ShapeParameters(rounds=20), seed=0
    )
    saved = replace(plain, finish=replace(plain.finish, shape=shape, longest_hours=(30.0, 20.0)))
    save_bundle(tmp_path, saved)
    loaded = load_bundle(tmp_path)
    hours = loaded.finish_hours(asked())
    pd.testing.assert_frame_equal(hours, saved.finish_hours(asked()), check_exact=True)
    assert (hours["working_90"] == hours["working_most"]).any()
    assert (hours.filter(like="working").max(axis=1) == hours["working_most"]).all()
    assert np.allclose(hours["opening_most"], asked()["remaining_hours"].clip(30.0, loaded.range.high[0]), rtol=1e-5)
    assert (hours["opening_90"] <= hours["opening_most"]).all()
    unbound = replace(saved.finish, longest_hours=(np.inf, np.inf)) if saved.finish else None
    assert not np.allclose(
        replace(saved, finish=unbound).finish_hours(asked())["working_90"], plain.finish_hours(asked())["working_90"]
    )


def test_a_row_alone_is_told_the_same_as_among_many_whatever_was_asked_before() -> None:
    model, rows = bundle(), asked(150)
    risk, hours = model.predict(rows), model.finish_hours(rows)  # too many at once for their answers to be kept
    for place in range(40):
        alone, other = rows.iloc[[place]], rows.iloc[[place + 1]]
        told = model.contributions(alone)
        assert np.array_equal(model.predict(alone), risk[[place]])
        assert np.array_equal(model.predict(other), risk[[place + 1]])
        np.testing.assert_allclose(
            model.finish_hours(alone), hours.iloc[[place]], rtol=1e-12
        )  # Newton ends with the last
        assert np.array_equal(model.contributions(alone), told)
        assert np.isclose(told.sum() + model.baseline(), model.log_odds(alone)[0])


def test_a_range_rises_and_opening_hours_are_at_least_those_of_the_clock() -> None:
    hours = bundle().finish_hours(asked())
    assert tuple(hours.columns) == FINISH_COLUMNS
    working, opening = hours.iloc[:, :3].to_numpy(), hours.iloc[:, 3:6].to_numpy()
    assert (np.diff(working, axis=1) >= 0).all()
    assert (opening >= working).all()


def test_the_median_lies_beyond_the_time_left_where_the_risk_says_so() -> None:
    risk, hours = bundle().predict(asked()), bundle().finish_hours(asked())
    left = asked()["remaining_hours"].clip(upper=bundle().range.high[0])
    clear = np.abs(risk - 0.55) > 1e-6  # the level that is called one half is 0.45
    assert np.array_equal((hours["working_50"] > left * (1 + 1e-9))[clear], (risk > 0.55)[clear])


@pytest.mark.parametrize("exact", [False, True])
def test_contributions_add_up_to_the_calibrated_log_odds(exact: bool) -> None:
    total = bundle().contributions(asked(), exact=exact).sum(axis=1) + bundle().baseline(exact=exact)
    assert np.allclose(total, bundle().log_odds(asked()), atol=1e-9)


@pytest.mark.parametrize(
    "file", ["hazard-risk.txt", "hazard-time.txt", "hazard.json", "opening-risk.txt", "finish.json"]
)
def test_a_missing_or_altered_part_is_refused_by_name(tmp_path: Path, file: str) -> None:
    save_bundle(tmp_path, bundle())
    (tmp_path / file).write_text((tmp_path / file).read_text().replace("0", "1", 1))
    with pytest.raises(BundleError, match=rf"{file} was altered after training"):
        load_bundle(tmp_path)
    (tmp_path / file).unlink()
    with pytest.raises(BundleError, match=rf"{file} is missing"):
        load_bundle(tmp_path)


def test_a_model_without_a_range_says_so() -> None:
    with pytest.raises(BundleError, match="no range of finishing times"):
        replace(bundle(), finish=None).finish_hours(asked())


def test_a_row_that_does_not_tell_its_time_left_still_has_a_risk() -> None:
    X = asked(3)
    X.iloc[0, 0] = np.nan
    assert np.isfinite(bundle().predict(X)).all()
