"""The spec names the columns, survives JSON, and knows no log by name."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.declaration import FIRST_TEAM
from features.families import declared
from features.histories import Histories
from features.pipeline import build
from features.selection import is_running_total
from features.snapshots import event_snapshots
from features.spec import FeatureSpec, SpecError, markdown
from tests.features.desk_logs import agreements, busy_log, full_spec, histories


def _busy() -> Histories:
    return Histories.from_events(busy_log(7, tickets=60, events=300), agreements())


def test_the_matrix_has_the_columns_of_the_spec_in_order_as_floats():
    found = _busy()
    spec = FeatureSpec.from_histories(found)
    matrix = build(found, event_snapshots(found), spec)
    assert matrix.columns.tolist() == spec.names
    assert set(matrix.dtypes.astype(str)) == {"float64"}
    assert len(set(spec.names)) == len(spec.names)


def test_keys_and_orders_are_chosen_by_what_the_columns_hold():
    settings = FeatureSpec.from_histories(_busy()).settings
    assert ("team",) in settings.keys
    assert (FIRST_TEAM,) in settings.keys
    assert settings.orders["attributes.floor"] == ("1 - low", "2 - high")
    assert set(settings.orders["priority"]) == {"high", "low", "none"}


def test_a_column_that_renames_another_makes_no_second_key():
    rows = [
        {"ticket": f"T{k}", "minute": k, "status": "new", "category": f"c{k % 3}", "service": f"s{k % 3}"}
        for k in range(30)
    ]
    settings = FeatureSpec.from_histories(histories(*rows)).settings
    assert ("category",) in settings.keys
    assert ("service",) not in settings.keys


def test_a_spec_survives_json_and_keeps_its_fingerprint():
    spec = full_spec()
    again = FeatureSpec.from_json(spec.to_json())
    assert again == spec
    assert again.fingerprint == spec.fingerprint


def test_another_setting_is_another_fingerprint():
    spec = full_spec()
    other = replace(spec, settings=replace(spec.settings, orders={"priority": ("low", "high")}))
    assert other.fingerprint != spec.fingerprint


@pytest.mark.parametrize("text", ["", "{}", "[]", json.dumps({"format": 1}), json.dumps({"format": 99})])
def test_what_is_no_spec_is_refused(text):
    with pytest.raises(SpecError):
        FeatureSpec.from_json(text)


def test_a_family_that_is_switched_off_leaves_no_column():
    found = _busy()
    spec = FeatureSpec.from_histories(found, families=("clock", "static"))
    assert {feature.family for feature in spec.features} == {"static", "clock"}
    assert build(found, event_snapshots(found), spec).columns.tolist() == spec.names


def test_an_unknown_family_is_refused():
    with pytest.raises(SpecError, match="weather"):
        FeatureSpec.from_histories(_busy(), families=("clock", "weather"))


def test_a_spec_of_another_log_works_on_a_log_without_its_columns():
    found = histories({"ticket": "A", "minute": 0, "status": "new", "priority": "high"})
    matrix = build(found, event_snapshots(found), full_spec())
    assert matrix.shape == (1, len(full_spec().names))
    assert np.isnan(matrix["floor_place"].iloc[0])
    assert matrix["team_breach_logit"].iloc[0] == 0.0


def test_a_feature_this_version_does_not_make_is_refused():
    spec = full_spec()
    strange = replace(spec, features=(*spec.features, replace(spec.features[0], name="phase_of_the_moon")))
    found = histories({"ticket": "A", "minute": 0, "status": "new"})
    with pytest.raises(SpecError, match="phase_of_the_moon"):
        build(found, event_snapshots(found), strange)


def test_no_snapshots_make_an_empty_matrix():
    found = histories({"ticket": "A", "minute": 0, "status": "closed"})
    assert build(found, event_snapshots(found), full_spec()).shape == (0, len(full_spec().names))


def test_every_feature_says_what_it_means():
    for feature in full_spec().features:
        assert feature.meaning
        assert feature.unit
        assert feature.question.endswith("?")


def test_the_page_about_features_is_current():
    page = Path(__file__).resolve().parents[2] / "docs" / "features.md"
    assert page.read_text(encoding="utf-8") == markdown(), "run `make docs`"


def test_many_rows_in_threads_are_the_rows_one_by_one(monkeypatch):
    found, again = _busy(), _busy()
    snapshots, spec = event_snapshots(found), full_spec()
    one_thread = build(found, snapshots, spec)
    monkeypatch.setattr("features.families.MANY_ROWS", 0)
    pd.testing.assert_frame_equal(build(again, snapshots, spec), one_thread, check_exact=True)


def test_what_counts_upwards_while_tickets_live_says_nothing_of_what_they_are():
    """Minutes booked so far are numbers that grow; a cost centre is a number too, and stays or changes either way."""
    rows = [
        {
            "ticket": f"T{k}",
            "minute": 10 * k + step,
            "status": "open",
            "attributes.booked": f"{10 * (k % 14) + 5 * step}",
            "attributes.centre": f"{centre}",
        }
        for k in range(120)
        for step, centre in enumerate((100 + k % 15, 100 + (k % 15 if k % 10 else k % 4 * 5)))
    ]
    found = histories(*rows)
    settings = FeatureSpec.from_histories(found).settings
    assert ("attributes.centre",) in settings.keys
    told = {name for key in settings.keys for name in key} | set(settings.orders)
    assert "attributes.booked" not in told
    assert [is_running_total(found, f"attributes.{name}") for name in ("booked", "centre")] == [True, False]
    assert not is_running_total(found, "status")


def test_a_spec_written_before_it_told_who_is_at_work_is_read_with_its_fingerprint() -> None:
    settings = replace(full_spec().settings, present_keys=())
    old = FeatureSpec(declared(settings), settings)
    assert "present_keys" not in old.to_json()
    again = FeatureSpec.from_json(old.to_json())
    assert (again, again.fingerprint) == (old, old.fingerprint)
    assert FeatureSpec.from_json(full_spec().to_json()).settings.present_keys == (("assignee",),)
