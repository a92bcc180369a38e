"""When a ticket will end, as the registered remaining-time model says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from features.histories import Histories
from features.pipeline import build
from features.snapshots import event_snapshots
from features.spec import FeatureSpec
from models.registry import RegistryAnswer
from models.remaining_time import RemainingTimeModel, RemainingTimeParameters, fit_remaining_time
from serving.remaining_time import RemainingTimeChampion
from serving.service import Service
from tests.serving.real_desk import AT, agreements, random_events
from tests.serving.stored_desk import Desk


@pytest.fixture(scope="module")
def model() -> RemainingTimeModel:
    """It has learned that every ticket takes 48 hours more."""
    histories = Histories.from_events(random_events(30), agreements())
    spec = FeatureSpec.from_histories(histories, families=("sequence",))
    rows = build(histories, event_snapshots(histories), spec)
    small = RemainingTimeParameters(trees=2)
    return replace(fit_remaining_time(rows, np.full(len(rows), 48.0), spec, small), version="remaining-time v1")


class Registry:
    """Answers what it is told to."""

    def __init__(self) -> None:
        self.answer = RegistryAnswer(Path("somewhere"), "remaining-time v1", 1, "served")

    def __call__(self, *_asked: object, **_named: object) -> RegistryAnswer:
        return self.answer


@pytest.fixture
def service(prepared_desk: Path, tmp_path: Path) -> Iterator[Service]:
    desk = Desk(prepared_desk, tmp_path)
    yield desk.service
    desk.close()


def test_an_open_ticket_is_told_when_it_ends_and_a_finished_one_is_not(
    service: Service, model: RemainingTimeModel, tmp_path: Path
) -> None:
    from tests.serving.builders import client_of

    ends = RemainingTimeChampion("x", tmp_path, ask=Registry(), load=lambda _path, version: model)
    told = replace(service, ends=ends)
    client = client_of(told)
    queue = told.standing.queue
    assert queue is not None
    open_id = queue.rows[0].ticket_id
    first = client.get(f"/api/v1/tickets/{open_id}")
    assert first.json()["expected_end"] is None  # no model was looked for yet
    assert ends.poll() is False
    found = client.get(f"/api/v1/tickets/{open_id}", headers={"If-None-Match": first.headers["etag"]})
    assert found.status_code == 200  # another model is news
    end = found.json()["expected_end"]
    assert end["version"] == "remaining-time v1"
    assert end["hours_ahead"] == pytest.approx(48.0, rel=0.05)
    assert end["ends_at"] > AT.isoformat()
    opened = {row.ticket_id for row in queue.rows}
    over = next(one for one in random_events(30)["ticket_id"].unique() if one not in opened)
    assert client.get(f"/api/v1/tickets/{over}").json()["expected_end"] is None


def test_a_bad_model_is_refused_and_the_last_one_stays_until_the_champion_is_taken_away(
    model: RemainingTimeModel, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def load(_path: Path, version: str) -> RemainingTimeModel:
        if version != "remaining-time v1":
            raise ValueError("half of the file is missing")
        return model

    registry = Registry()
    ends = RemainingTimeChampion("x", tmp_path, ask=registry, load=load)
    ends.poll()
    assert ends.version == "remaining-time v1"
    registry.answer = RegistryAnswer(Path("somewhere"), "remaining-time v2", 2, "served")
    ends.poll()
    ends.poll()
    assert ends.version == "remaining-time v1"
    assert caplog.text.count("remaining-time v2 was refused: half of the file is missing") == 1
    registry.answer = RegistryAnswer(None, None, None, "MLflow is away", is_reachable=False)
    ends.poll()
    assert ends.version == "remaining-time v1"
    registry.answer = RegistryAnswer(None, None, None, "no such alias")
    ends.poll()
    assert ends.version is None
