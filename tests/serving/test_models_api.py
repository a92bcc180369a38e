"""GET /api/v1/models: every model that slacast registered, and none of others."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from models.registry import quiet_mlflow
from models.versions import ModelVersion, RegisteredModel, RegistryError
from serving.api import models as models_api
from tests.serving.builders import is_problem
from tests.serving.stored_desk import Desk
from training.promotion import promote

pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:sqlalchemy.exc.SADeprecationWarning")
SINCE = datetime(2026, 5, 1, tzinfo=UTC)
OURS, WHY = {"bundle_digest": "d1"}, "the rate of each weekday is as good, so it serves"


@pytest.fixture(scope="module")
def registry(two_versions: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Beside breach v1 and v2: an outage model, one of another target, and two that are not ours."""
    path = tmp_path_factory.mktemp("registry") / "mlflow.db"
    shutil.copyfile(two_versions / "mlflow.db", path)
    client = quiet_mlflow().MlflowClient(f"sqlite:///{path}", f"sqlite:///{path}")
    for name, tags in (
        ("outage", {**OURS, "why": WHY}),
        ("breach-first_response", {**OURS, "target": "first_response"}),
        ("churn", {}),
        ("their's", OURS),
    ):
        client.create_registered_model(name)
        for _ in range(3 if name == "outage" else 1):
            client.create_model_version(name, "file:///nowhere", tags=tags)
    promote(f"sqlite:///{path}", "outage", 1, reason="the first", at=SINCE)
    return f"sqlite:///{path}"


@pytest.fixture
def desk(prepared_desk: Path, registry: str, tmp_path: Path) -> Iterator[Desk]:
    found = Desk(prepared_desk, tmp_path, mlflow_uri=registry, use_model=True)
    yield found
    found.close()


def listed(desk: Desk, **asked: Any) -> dict[str, Any]:
    answer = desk.client().get("/api/v1/models", params=asked)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def chosen(desk: Desk, **values: Any) -> None:
    """The desk goes on with other settings."""
    settings = desk.settings.model_copy(update=values)
    object.__setattr__(desk, "service", replace(desk.service, settings=settings))
    desk._app = None


def test_all_of_ours_are_told_that_of_the_queue_first_and_none_of_others(desk: Desk) -> None:
    found = listed(desk)
    assert [one["name"] for one in found["models"]] == ["breach", "breach-first_response", "outage"]
    assert found["problem"] is None
    breach, response, outage = found["models"]
    assert [one["target"] for one in found["models"]] == ["resolution", "first_response", ""]
    assert [one["number"] for one in breach["versions"]] == [2, 1]
    assert breach["aliases"] == {"champion": 1, "challenger": 2}
    assert [one["gate"] for one in breach["versions"]] == ["failed", "passed"]
    assert datetime.fromisoformat(outage["champion_since"]) == SINCE
    assert (response["aliases"], response["champion_since"]) == ({}, None)
    assert outage["versions"][0]["gate_reason"] == WHY


def test_the_newest_versions_are_told_and_those_that_carry_an_alias(desk: Desk) -> None:
    outage = listed(desk, versions=1)["models"][2]
    assert [(one["number"], one["aliases"]) for one in outage["versions"]] == [(3, []), (1, ["champion"])]
    assert [one["number"] for one in listed(desk, versions=2)["models"][2]["versions"]] == [3, 2, 1]
    for refused in (0, 201, "all"):
        is_problem(desk.client().get("/api/v1/models", params={"versions": refused}), 422)


def test_the_model_that_settings_name_is_the_first(desk: Desk) -> None:
    chosen(desk, model_name="outage")
    assert [one["name"] for one in listed(desk)["models"]] == ["outage", "breach", "breach-first_response"]


def test_figures_that_are_no_number_are_left_out(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    version = ModelVersion(
        "breach", 3, SINCE, ("champion",), "r1", {"gate": "passed"}, {"pr_auc": 0.41, "bad": math.nan}
    )
    monkeypatch.setattr(
        models_api, "all_registered", lambda *_: [RegisteredModel("breach", (version,), {"champion": 3}, {})]
    )
    (model,) = listed(desk)["models"]
    assert model["versions"][0]["metrics"] == {"pr_auc": 0.41}


def test_a_registry_that_cannot_be_asked_or_holds_nothing_is_a_sentence(
    desk: Desk, migrated_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copyfile(migrated_database, tmp_path / "empty.db")
    for uri, words in (
        (f"sqlite:///{tmp_path}/empty.db", "There is no model yet. Train one: slacast train breach."),
        (f"sqlite:///{tmp_path}/nothing.db", "there is no model yet: "),
    ):
        chosen(desk, mlflow_uri=uri)
        found = listed(desk)
        assert (found["models"], found["problem"][: len(words)]) == ([], words)

    def gone(*_given: Any) -> None:
        raise RegistryError("MLflow at ... is gone")

    monkeypatch.setattr(models_api, "all_registered", gone)
    assert listed(desk)["problem"] == "MLflow at ... is gone"
