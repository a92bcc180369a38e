"""The backtest on the simulated desk: nobody is asked about what they could know, and the page tells what was found."""

from __future__ import annotations

import itertools
import json
import re
import shutil
import warnings
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.snapshots import open_snapshots
from sla.agreements.agreement_set import AgreementSet
from tests.training.builders import small_settings
from training.assessment import assess
from training.backtest import BacktestRequest, BacktestResponse, backtest_breach, origins
from training.building import HistoryRows
from training.judgement import BASE_RATE, MODEL
from training.looks import desk_calendar, queue_snapshots, working_instants
from training.plan import TrainingError
from training.questions import Questions
from training.report.page import html_report
from training.sibling import sibling_at
from training.splits import instant

AGREEMENTS = Path(__file__).resolve().parents[2] / "examples" / "demo" / "agreements.yaml"
DAY_US = 86_400_000_000


@pytest.fixture(scope="module")
def request_(
    events: pd.DataFrame, agreements: AgreementSet, migrated_database: Path, tmp_path_factory: pytest.TempPathFactory
) -> BacktestRequest:
    folder = tmp_path_factory.mktemp("backtest")
    shutil.copyfile(migrated_database, folder / "mlflow.db")
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    return BacktestRequest(events, agreements, uri, folder, every_days=5, folds=2, settings=small_settings())


@pytest.fixture(scope="module")
def response(request_: BacktestRequest) -> BacktestResponse:
    told: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # marks do not reach fixtures of a module
        answer = backtest_breach(request_, told.append)
    assert told == list(answer.seconds)
    return answer


def test_every_question_lies_in_the_window_after_the_origin_whose_model_answers_it(response: BacktestResponse) -> None:
    edges = [*(round(origin.timestamp() * 1e6) for origin in response.origins), round(response.until.timestamp() * 1e6)]
    rows, fold = response.answered.rows, response.answered.fold
    assert set(np.unique(fold)) == {0, 1}
    for one in (0, 1):
        assert (rows.at_us[fold == one] > edges[one]).all()
        assert (rows.at_us[fold == one] <= edges[one + 1]).all()
    assert (rows.at_us <= rows.known_us).all()


def test_deleting_everything_after_a_window_changes_no_answer_in_it(
    events: pd.DataFrame, agreements: AgreementSet, source: HistoryRows, request_: BacktestRequest
) -> None:
    (origin, _), _ = origins(source, request_)
    end = instant(origin + 3 * DAY_US)
    past = events[(events["event_at"] <= end) & (events["recorded_at"] <= end)]
    said = []
    for part in (source, HistoryRows.of(past, agreements, "resolution", 8, 0)):
        sibling = sibling_at(part, origin, small_settings(), 0)
        asked = Questions.of(
            part, sibling.spec, desk_calendar(part.histories, part.verdicts), origin, origin + 3 * DAY_US
        )
        ids = part.histories.ticket_ids[asked.rows.ticket]
        answers = sibling.predict(asked.rows)[MODEL]
        said.append(dict(zip(zip(ids, asked.rows.at_us, asked.rows.kind, strict=True), answers, strict=True)))
    whole, cut = said
    assert 0 < len(cut) < len(whole)  # of fewer the outcome is known
    assert all(whole[question] == answer for question, answer in cut.items())


def test_the_queue_holds_whoever_was_open_at_each_working_hour(source: HistoryRows) -> None:
    calendar = desk_calendar(source.histories, source.verdicts)
    middle = source.end_us - 20 * DAY_US
    instants = working_instants(calendar, middle, middle + 2 * DAY_US)
    assert len(instants) > 0
    assert calendar.is_open(instants).all()
    found = queue_snapshots(source.histories, instants)
    for at in instants.tolist():
        assert set(found.ticket[found.at_us == at]) == set(open_snapshots(source.histories, at).ticket)


def test_landmarks_are_asked_when_the_clock_has_just_passed_their_share(response: BacktestResponse) -> None:
    marks = response.answered.where(~np.isnan(response.answered.share))
    assert len(marks) > 20
    assert (marks.rows.share_used >= marks.share - 1e-9).all()
    assert np.isclose(marks.rows.share_used, marks.share, atol=1e-4).mean() > 0.8  # a record may put a clock beyond


def test_the_pooled_figures_beat_the_base_rate_and_are_told_per_fold(response: BacktestResponse) -> None:
    first = response.assessment.sets[0]
    assert first.key == "first"
    assert first.scores[MODEL].log_loss < first.scores[BASE_RATE].log_loss
    assert [fold.fold for fold in response.assessment.folds] == [0, 1]
    found = response.assessment.named()
    assert {"first.auc", "prefix.brier", "queue.ece", "queue.far50", "lead.far20", "landmark.auc10"} <= set(found)
    assert found["queue.far50"] == response.assessment.queue.far[50].found[MODEL].value  # type: ignore[union-attr]


def test_the_answer_is_a_text_for_people_and_numbers_for_machines(response: BacktestResponse) -> None:
    text = response.text()
    assert "each asked about the window that follows" in text
    assert "the same point of the clock" in text
    data = json.loads(json.dumps(response.to_dict()))
    assert len(data["folds"]) == len(data["origins"]) == 2


def test_the_run_keeps_figures_and_the_report(response: BacktestResponse, request_: BacktestRequest) -> None:
    from models.registry import quiet_mlflow

    client = quiet_mlflow().MlflowClient(request_.tracking_uri)
    run = client.get_run(response.run_id)
    assert run.data.tags["kind"] == "backtest"
    assert run.data.metrics["first.auc"] == pytest.approx(response.assessment.named()["first.auc"])
    assert {"report.html", "report.txt"} <= {file.path for file in client.list_artifacts(response.run_id)}


def test_the_report_fetches_nothing_and_holds_every_figure(response: BacktestResponse) -> None:
    page = response.html
    assert re.findall(r"""(?:src|href)=["'](?!#)""", page) == []
    assert "http" not in page.replace("http-equiv", "")
    assert page.count('<svg class="chart"') >= 10
    for title in ("Does a probability mean what it says?", "At the top of the queue", "For whom is it off?"):
        assert title in page
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page
    assert "nan" not in re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL).lower().replace("finance", "")


def test_the_report_shows_names_as_text_whatever_they_are(response: BacktestResponse) -> None:
    answered = response.answered
    teams = np.where(answered.columns["team"] == answered.columns["team"][0], "<script>alert(1)</script>", "other")
    hostile = replace(answered, columns={"team": teams.astype(object)})
    found = assess(hostile, [0], since_us=response.assessment.since_us, draws=30)
    page = html_report(found, hostile, "<b>title</b>", "about & more")
    assert "<script>" not in page
    assert "<b>title" not in page
    assert "&lt;script&gt;" in page


def test_origins_are_so_many_windows_apart_and_end_where_outcomes_end(
    source: HistoryRows, request_: BacktestRequest
) -> None:
    found, until = origins(source, replace(request_, folds=3, every_days=4))
    assert [later - earlier for earlier, later in itertools.pairwise(found)] == [4 * DAY_US] * 2
    assert until - found[-1] == 4 * DAY_US
    begin = instant(found[0])
    asked = replace(request_, begin=begin, end=begin + timedelta(days=10), folds=None, every_days=4)
    assert len(origins(source, asked)[0]) == 3  # the last window is shorter
    assert origins(source, asked)[1] == found[0] + 10 * DAY_US
    asked = replace(request_, begin=begin, folds=2, every_days=1)
    assert origins(source, asked) == ([found[0], found[0] + DAY_US], found[0] + 2 * DAY_US)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"every_days": 0}, "windows longer than nothing"),
        ({"folds": 0}, "at least one fold"),
        ({"begin": datetime(2026, 6, 1, tzinfo=UTC), "folds": None}, "Choose an earlier --from"),
    ],
)
def test_origins_that_cannot_be_say_what_to_change(
    source: HistoryRows, request_: BacktestRequest, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(TrainingError, match=words):
        origins(source, replace(request_, **changes))


def test_an_origin_before_which_little_was_known_is_refused(source: HistoryRows) -> None:
    with pytest.raises(TrainingError, match="Begin later: --from"):
        sibling_at(source, int(source.labelled.opened_us.min()) + DAY_US, small_settings(), 0)
