"""The outage model: written and read back the same, and refused when altered."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks._planted import planted
from features.outages.columns import outage_columns
from features.outages.ledger import Ledger
from features.outages.rows import outage_rows
from models.outage import (
    CANDIDATES,
    MODEL_FILE,
    TREES_FILE,
    OutageModelError,
    OutageParameters,
    fit_outage_model,
    load_outage_model,
    save_outage_model,
)
from sla.instants import DAY_US


@pytest.fixture(scope="module")
def lesson():
    events, _ = planted(services=12, days=90, seed=5)
    ledger = Ledger.of(events)
    rows = outage_rows(ledger)
    rows = rows.where(~np.isnan(rows.label))
    return rows, outage_columns(ledger, rows)


def _fit(lesson, **changed):
    rows, columns = lesson
    parameters = OutageParameters(**changed)
    return fit_outage_model(columns, rows.label, rows.at_us, parameters, horizon_us=DAY_US, kinds=("outage",))


def test_what_is_read_back_says_the_same(lesson, tmp_path):
    model = _fit(lesson).serving("LightGBM")
    digest = save_outage_model(tmp_path / "one", model)
    again = load_outage_model(tmp_path / "one")
    assert (again.served, again.horizon_us, again.kinds) == ("LightGBM", DAY_US, ("outage",))
    for name, said in model.probabilities(lesson[1]).items():
        np.testing.assert_array_equal(again.probabilities(lesson[1])[name], said)
    assert save_outage_model(tmp_path / "two", again) == digest


def test_every_candidate_gives_probabilities(lesson):
    said = _fit(lesson).probabilities(lesson[1])
    assert tuple(said) == CANDIDATES
    assert all(((one > 0) & (one < 1)).all() for one in said.values())


def test_calibration_on_later_rows_never_changes_the_order_of_one_candidate(lesson):
    plain, calibrated = _fit(lesson), _fit(lesson, calibration_share=0.3, least_outages=5)
    assert {one.kind for one in calibrated.calibrations.values()} == {"platt"}
    for name in CANDIDATES:
        order = np.argsort(plain.probabilities(lesson[1])[name], kind="stable")
        assert (np.diff(calibrated.probabilities(lesson[1])[name][order]) >= 0).all()


def test_an_altered_model_is_refused(lesson, tmp_path):
    save_outage_model(tmp_path, _fit(lesson))
    (tmp_path / TREES_FILE).write_text((tmp_path / TREES_FILE).read_text() + " ")
    with pytest.raises(OutageModelError, match="altered"):
        load_outage_model(tmp_path)
    (tmp_path / MODEL_FILE).unlink()
    with pytest.raises(OutageModelError, match="holds no outage model"):
        load_outage_model(tmp_path)


def test_other_columns_are_refused(lesson):
    from dataclasses import replace

    with pytest.raises(OutageModelError, match="other columns"):
        _fit(lesson).predict(replace(lesson[1], names=("x", *lesson[1].names[1:])))
