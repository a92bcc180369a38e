"""What a bundle meets since it was trained: only what it has not learned from, told by week, and a planted change is found."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import slacast
from features.store import open_store
from models.bundle import BreachBundle, load_bundle
from tests.training.conftest import AGREEMENTS, TrainedDesk
from training.building import HistoryRows
from training.drift import SHARE_KNOWN, drift_report
from training.plan import TrainingError
from training.splits import maturity

pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:sqlalchemy.exc.SADeprecationWarning")


@pytest.fixture(scope="module")
def bundle(trained_desk: TrainedDesk) -> BreachBundle:
    return load_bundle(trained_desk.response.bundle, version="breach v1")


@pytest.fixture(scope="module")
def source(trained_desk: TrainedDesk) -> HistoryRows:
    return HistoryRows.of(trained_desk.events, trained_desk.agreements, "resolution", 16, 0)


def test_weeks_tell_what_was_expected_of_tickets_opened_since_and_what_came(
    source: HistoryRows, bundle: BreachBundle
) -> None:
    found = drift_report(source, bundle, weeks=2)
    rows = source.labelled
    since_us, until_us = (int(at.timestamp() * 1e6) for at in (found.since, found.until))
    assert found.since >= bundle.manifest.window.known_until
    assert found.rows == int((rows.is_event & (rows.at_us > since_us) & (rows.at_us <= until_us)).sum())
    first = rows.is_first & (rows.at_us > since_us) & (rows.at_us <= until_us)
    part = source.take(np.flatnonzero(first))
    said = bundle.predict(pd.DataFrame(part.described(bundle.spec, bundle.text).X, columns=bundle.spec.names))
    known = part.labelled.breached >= 0
    assert found.weeks[0].tickets > 0
    assert sum(one.tickets for one in found.weeks) == len(part.labelled)
    assert sum(one.expected for one in found.weeks) == pytest.approx(said.sum())
    assert sum(one.expected_of_known for one in found.weeks) == pytest.approx(said[known].sum())
    assert sum(one.came for one in found.weeks) == (part.labelled.breached == 1).sum()
    closed_us = min(until_us, source.end_us - maturity(rows, source.end_us, SHARE_KNOWN))
    counts = known & (part.labelled.opened_us <= closed_us)
    p, missed = said[counts], part.labelled.breached[counts] == 1
    assert 0 < counts.sum() < known.sum()
    assert found.surprise == pytest.approx((missed.sum() - p.sum()) / np.sqrt((p * (1 - p)).sum()))
    assert not found.weeks[-1].is_closed
    assert "not closed" in found.text()


def test_a_model_that_says_too_much_is_off_and_one_that_meets_strange_values_drifts(
    source: HistoryRows, bundle: BreachBundle
) -> None:
    honest = drift_report(source, bundle)
    loud = replace(bundle, calibration=replace(bundle.calibration, kind="platt", slope=1.0, shift=3.0))
    found = drift_report(source, loud)
    assert found.surprise < honest.surprise
    assert found.is_off
    assert "clearly fewer breaches came than expected" in found.verdict
    place = bundle.spec.names.index("team_open")
    high = bundle.range.high.copy()
    high[place] = bundle.range.low[place] + 0.5
    strange = drift_report(source, replace(bundle, range=replace(bundle.range, high=high)))
    assert strange.drifts[0].name == "team_open"
    assert "team_open most" in strange.verdict
    assert "train again" in strange.verdict
    assert "team_open" in strange.text()
    assert {one.name for one in strange.drifts} - {one.name for one in honest.drifts} == {"team_open"}


def test_where_nothing_happened_since_it_says_so(trained_desk: TrainedDesk, bundle: BreachBundle) -> None:
    past = HistoryRows.of(trained_desk.past, trained_desk.agreements, "resolution", 16, 0)
    with pytest.raises(
        TrainingError, match=r"until which breach v1 knows all; 50 are needed\. Import what has happened"
    ):
        drift_report(past, bundle)


def test_the_command_reads_registry_and_store_and_ends_with_one_where_it_drifts(
    trained_desk: TrainedDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copyfile(trained_desk.folder / "mlflow.db", tmp_path / "mlflow.db")
    address = f"sqlite:///{tmp_path / 'slacast.db'}"
    with open_store(address) as store:
        store.append_ticket_events(trained_desk.events, "test")
    for name, value in {"MLFLOW_URI": f"sqlite:///{tmp_path / 'mlflow.db'}", "VAR_DIR": str(tmp_path)}.items():
        monkeypatch.setenv(f"SLACAST_{name}", value)
    words = ["drift", "--store", address, "--agreements", str(AGREEMENTS), "--weeks", "2", "--json"]
    done = CliRunner().invoke(slacast.app, words)
    told: dict[str, Any] = json.loads(done.stdout)
    assert told["version"] == "breach v1"
    assert len(told["weeks"]) == 2
    is_found = any(one["word"] == "drifts" for one in told["features"]) or abs(told["surprise"] or 0.0) >= 3
    assert done.exit_code == int(is_found)
