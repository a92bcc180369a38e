"""The live champion is asked honestly: only about tickets that it cannot have learned from."""

from __future__ import annotations

import shutil
import warnings
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from models.registry import champion
from tests.training.builders import DAY_US, SyntheticSource, small_plan, synthetic_source
from training.challenge import Exam, challenge
from training.lifecycle import TrainResponse, train_from
from training.plan import Plan
from training.rows import Rows
from training.settings import TrainingSettings
from training.steps import Steps

pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:sqlalchemy.exc.SADeprecationWarning")


def until_day(source: SyntheticSource, days: int) -> SyntheticSource:
    """The log as it ends after some days: later tickets and outcomes are not in it."""
    end_us = int(source.labelled.opened_us.min()) + days * DAY_US
    past = source.take(np.flatnonzero(source.labelled.at_us <= end_us))
    breached, known_us, *rest = past.labels(end_us)
    return replace(past, labelled=past.labelled.relabelled(breached, known_us, *rest), end_us=end_us)


@dataclass(frozen=True)
class Reign:
    """A champion that was trained when the log had 70 of its 90 days."""

    source: SyntheticSource
    response: TrainResponse
    plan: Plan


@pytest.fixture(scope="module")
def reign(migrated_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Reign:
    folder = tmp_path_factory.mktemp("reign")
    shutil.copyfile(migrated_database, folder / "mlflow.db")
    source = synthetic_source(tickets=3000)
    plan = small_plan(folder, f"sqlite:///{folder / 'mlflow.db'}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # marks do not reach fixtures of a module
        response = train_from(until_day(source, 70), plan, Steps(lambda _step: None))
    assert response.promoted
    return Reign(source, response, plan)


def exam_after(reign: Reign, day: int, mine: float = 0.3) -> Exam:
    rows = reign.source.rows(reign.source.end_us)
    start_us = int(rows.opened_us.min())
    places = np.flatnonzero(rows.opened_us > start_us + day * DAY_US)
    test = rows.where(rows.opened_us > start_us + day * DAY_US)
    return Exam(reign.source, places, test, np.full(len(test), mine))


def never(_settings: TrainingSettings, _seed: int, _rows: Rows) -> np.ndarray:
    raise AssertionError("nobody should be trained")


def test_where_there_are_new_tickets_the_champion_itself_is_asked_about_them_alone(reign: Reign) -> None:
    exam = exam_after(reign, 50)
    found = challenge(exam, reign.plan, never)
    new = exam.rows.where(exam.rows.is_event & (exam.rows.opened_us > until_day(reign.source, 70).end_us))
    assert found.champion == "breach v1"
    assert found.tickets == new.ticket_count() < exam.rows.ticket_count()
    assert "when it had learned the last it knows" in found.basis
    assert found.auc is not None
    assert found.auc.high < 0  # one probability for all is no match


def test_without_new_tickets_the_same_settings_are_not_compared_and_that_is_said(reign: Reign) -> None:
    exam = exam_after(replace(reign, source=until_day(reign.source, 72)), 50)
    found = challenge(exam, reign.plan, never)
    assert found.auc is None
    assert "trained with the same settings, so there is nothing to compare" in found.basis


def test_without_new_tickets_other_settings_meet_a_model_of_the_champions_trained_at_the_cut(reign: Reign) -> None:
    exam = exam_after(replace(reign, source=until_day(reign.source, 72)), 50)
    changed = reign.plan.settings.model_copy(update={"grid_one_in": 32})
    asked: list[tuple[TrainingSettings, int]] = []

    def at_cut(settings: TrainingSettings, seed: int, rows: Rows) -> np.ndarray:
        asked.append((settings, seed))
        return np.where(rows.y > 0, 0.9, 0.1)

    found = challenge(exam, replace(reign.plan, settings=changed), at_cut)
    assert [(settings.grid_one_in, seed) for settings, seed in asked] == [(16, 0)]
    assert "each with its own settings" in found.basis
    assert found.auc is not None
    assert found.auc.value == pytest.approx(-0.5)


def test_without_a_champion_there_is_nobody_to_beat(reign: Reign, tmp_path: Path) -> None:
    found = challenge(
        exam_after(reign, 50), replace(reign.plan, tracking_uri=f"sqlite:///{tmp_path / 'none.db'}"), never
    )
    assert (found.champion, found.auc) == ("no champion serves yet", None)


def test_a_champion_that_cannot_be_loaded_is_not_compared(
    reign: Reign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = champion(reign.plan.tracking_uri)
    assert answer.path is not None
    shutil.copytree(answer.path, tmp_path / "bundle")
    (tmp_path / "bundle" / "range.json").unlink()
    monkeypatch.setattr("training.challenge.champion", lambda *_, **__: replace(answer, path=tmp_path / "bundle"))
    found = challenge(exam_after(reign, 50), reign.plan, never)
    assert "cannot be loaded" in found.basis
    assert found.auc is None


def test_a_model_surely_worse_than_the_champion_becomes_challenger_with_the_reason(
    reign: Reign, tmp_path: Path
) -> None:
    """The same log later, but settings that learn next to nothing: better than the rules, worse than who serves."""
    shutil.copyfile(reign.plan.var_dir / "mlflow.db", tmp_path / "mlflow.db")
    boosting = reign.plan.settings.model.boosting.model_copy(update={"rounds": 2, "learning_rate": 0.5, "leaves": 3})
    weak = reign.plan.settings.model_copy(
        update={
            "model": reign.plan.settings.model.model_copy(update={"boosting": boosting, "blend": {"boosting": 1.0}})
        }
    )
    lenient = weak.model_copy(update={"gate": weak.gate.model_copy(update={"largest_loss_to_linear": 1.0})})
    plan = replace(reign.plan, tracking_uri=f"sqlite:///{tmp_path / 'mlflow.db'}", settings=lenient)
    response = train_from(reign.source, plan, Steps(lambda _step: None))
    assert not response.promoted
    assert "surely worse than the champion: AUC -" in response.why
    assert "over breach v1: tickets opened after" in response.why
    assert champion(plan.tracking_uri).number == 1
