"""Rows from real histories: the simulated desk, whole and cut off."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.histories import Histories
from features.pipeline import build
from features.snapshots import open_snapshots
from models.blend import Blend
from models.bundle import load_bundle
from models.calibration import Calibration
from models.reasons import reasons
from sla.agreements.agreement_set import AgreementSet
from tests.training.builders import small_settings
from training.breach import TrainRequest, train_breach
from training.building import HistoryRows, data_fingerprint
from training.finishing import finish_model
from training.fitting import fit_members
from training.lifecycle import TrainResponse
from training.splits import censored, instant, learnable

AGREEMENTS = Path(__file__).resolve().parents[2] / "examples" / "demo" / "agreements.yaml"
DAY_US = 86_400_000_000


@pytest.fixture(scope="module")
def cut_us(source: HistoryRows) -> int:
    opened = source.labelled.opened_us
    return int(opened.min() + (source.end_us - opened.min()) * 2 // 3)


def test_every_row_is_a_clock_that_can_still_be_kept_or_broken(source: HistoryRows) -> None:
    rows = source.labelled
    assert len(rows) > 1000
    assert (rows.at_us <= rows.known_us).all()  # a row whose outcome was known already would be no question
    assert (rows.share_used <= 1.0).all()
    assert set(np.unique(rows.kind)) == {0, 1, 2}


def test_deleting_everything_after_the_cut_changes_no_bit_of_the_judged_model(
    events: pd.DataFrame, agreements: AgreementSet, source: HistoryRows, cut_us: int
) -> None:
    cut = instant(cut_us)
    past = events[(events["event_at"] <= cut) & (events["recorded_at"] <= cut)]
    assert 0 < len(past) < len(events)
    texts = []
    for part in (source, HistoryRows.of(past, agreements, "resolution", 8, 0)):
        rows = part.rows(cut_us).relabelled(*part.labels(cut_us))
        train = rows.where(learnable(rows, cut_us, 3 * DAY_US))
        young = rows.where(censored(rows, cut_us, 3 * DAY_US))
        fitted = fit_members(train, small_settings().model, 0, censored=young)
        finish = finish_model(fitted, train, Blend.even("boosting", "hazard"), Calibration(), None)
        assert finish is not None
        trees = (fitted.members["boosting"].text(), finish.working.texts(), finish.opening.texts())
        assert train.text is not None
        words = train.text.to_npz_bytes()
        texts.append((len(train), trees, fitted.members["linear"].to_json(), finish.levels, words))
    assert texts[0] == texts[1]


def test_a_fingerprint_of_data_depends_on_every_event_but_not_on_their_order(events: pd.DataFrame) -> None:
    some = events.head(500)
    assert data_fingerprint(some) == data_fingerprint(some.sample(frac=1, random_state=1))
    assert data_fingerprint(some) != data_fingerprint(some.iloc[1:])
    changed = some.copy()
    changed.loc[changed.index[0], "team"] = "Another team"
    assert data_fingerprint(some) != data_fingerprint(changed)


@pytest.fixture(scope="module")
def response(
    events: pd.DataFrame, agreements: AgreementSet, migrated_database: Path, tmp_path_factory: pytest.TempPathFactory
) -> TrainResponse:
    import shutil
    import warnings

    folder = tmp_path_factory.mktemp("demo")
    shutil.copyfile(migrated_database, folder / "mlflow.db")
    request = TrainRequest(events, agreements, f"sqlite:///{folder / 'mlflow.db'}", folder, settings=small_settings())
    told: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # marks do not reach fixtures of a module; test_lifecycle runs with warnings as errors
        answer = train_breach(request, told.append)
    assert told == list(answer.seconds)
    return answer


def test_training_from_events_judges_on_tickets_after_the_cut(response: TrainResponse, source: HistoryRows) -> None:
    rows = source.labelled
    after = np.unique(rows.ticket[(rows.opened_us > response.cut.timestamp() * 1e6) & (rows.breached >= 0)])
    assert 0 < response.results[0].tickets <= len(after)
    assert response.metrics["prefix.auc"] > 0.6
    assert "team x priority table" in response.text()


def test_a_training_leaves_a_page_that_compares_tickets_at_the_same_point_of_their_clock(
    response: TrainResponse,
) -> None:
    assert 0 < response.metrics["landmark.auc10"] < 1
    folder = response.bundle.parents[1] / "mlflow"
    page = next(folder.rglob("report.html")).read_text(encoding="utf-8")
    assert "At the same point of the clock" in page
    assert "At the top of the queue" not in page  # a backtest's


def test_a_ticket_of_an_unknown_team_category_and_priority_is_scored_and_explained(
    events: pd.DataFrame, agreements: AgreementSet, response: TrainResponse
) -> None:
    bundle = load_bundle(response.bundle)
    last = events["recorded_at"].max()
    stranger = (
        events[events["kind"] == "created"]
        .tail(1)
        .assign(
            event_id="STRANGER/1",
            ticket_id="STRANGER",
            event_at=last,
            recorded_at=last,
            team="A new team",
            category="A new category",
            assignee="A new colleague",
        )
    )
    histories = Histories.from_events(pd.concat([events, stranger], ignore_index=True), agreements)
    snapshots = open_snapshots(histories, histories.last_known_us)
    row = int(np.flatnonzero(histories.ticket_ids[snapshots.ticket] == "STRANGER")[0])
    X = build(histories, snapshots, bundle.spec, bundle.target, text=bundle.text)
    assert 0 < bundle.predict(X)[row] < 1
    assert reasons(bundle, X.iloc[[row]])[0]


def test_a_cut_without_history_before_it_is_refused(
    events: pd.DataFrame, agreements: AgreementSet, tmp_path: Path
) -> None:
    from training.breach import TrainingError

    cut = datetime(2026, 1, 6, tzinfo=UTC) + timedelta(hours=1)
    request = TrainRequest(
        events, agreements, f"sqlite:///{tmp_path / 'mlflow.db'}", tmp_path, cut=cut, settings=small_settings()
    )
    with pytest.raises(TrainingError, match=r"too little to learn from: \d+ tickets with outcomes known on 2026-01-06"):
        train_breach(request)
