"""How a score went, told from what was stored: the last changes only."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from features.store.predictions import ShownPrediction
from serving.score_history import MOST, ScorePoint, score_history
from tests.serving.stored_desk import Desk

AT = datetime(2024, 4, 3, 12, 0, tzinfo=UTC)


class Stored:
    """The predictions of one ticket as the store gives them."""

    def __init__(self, *rows: ShownPrediction) -> None:
        self.rows = rows

    def shown(self, ticket_id: str, target: str, until: datetime, most: int) -> list[ShownPrediction]:
        assert (until, ticket_id, target) == (AT, "T1", "resolution")
        return list(self.rows[-most:])


def row(minute: int, **values: Any) -> ShownPrediction:
    plain = {"state": "running", "probability": None, "due_at": None, "bundle_version": None, "reasons": None}
    return ShownPrediction(scored_at=AT - timedelta(minutes=60 - minute), **{**plain, **values})


def point(minute: int, **values: Any) -> ScorePoint:
    plain = {"state": "running", "probability": None, "due_at": None, "bundle_version": None, "reasons": ()}
    return ScorePoint(scored_at=AT - timedelta(minutes=60 - minute), **{**plain, **values})


def test_points_say_what_was_stored() -> None:
    told = {"probability": 0.25, "bundle_version": "breach v1", "due_at": AT}
    stored = Stored(row(3), row(4, state="paused"), row(9, **told, reasons='["late", "again"]'))
    assert score_history(stored, "T1", AT) == [
        point(3),
        point(4, state="paused"),
        point(9, **told, reasons=("late", "again")),
    ]
    assert score_history(Stored(), "T1", AT) == []


def test_only_the_last_changes_are_told() -> None:
    assert score_history(Stored(row(2), row(6), row(8)), "T1", AT, most=2) == [point(6), point(8)]
    assert len(score_history(Stored(*[row(1)] * (MOST + 1)), "T1", AT)) == MOST


def test_the_api_tells_how_a_score_went_to_those_who_may_see_the_ticket(tmp_path: Path, prepared_desk: Path) -> None:
    desk = Desk(prepared_desk, tmp_path)
    recorder, queue = desk.service.recorder, desk.service.standing.queue
    assert recorder is not None
    assert queue is not None
    assert recorder.step() is True
    row = queue.rows[0]
    found = desk.client().get("/api/v1/scores", params={"ticket_id": row.ticket_id}).json()
    assert [(point["verdict_state"], point["probability"]) for point in found["scores"]] == [(row.clock.state, None)]
    assert desk.client().get("/api/v1/scores", params={"ticket_id": "nobody"}).status_code == 404
    assert desk.client().get("/api/v1/scores", params={"ticket_id": "a\0b"}).status_code == 422
    desk.close()
