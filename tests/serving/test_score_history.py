"""How a score went, read from what was stored: in order, without the challenger's, the last changes only."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from serving import score_history as history_module
from serving.score_history import ScorePoint, score_history
from tests.serving.stored_desk import Desk

AT = datetime(2024, 4, 3, 12, 0, tzinfo=UTC)


class Stored:
    """Predictions in chunks of two rows, as they were stored."""

    def __init__(self, *rows: dict[str, Any]) -> None:
        self.rows = rows

    def chunks(self, *, until: datetime, ticket_ids: list[str], target: str) -> Iterator[pd.DataFrame]:
        assert (until, ticket_ids, target) == (AT, ["T1"], "resolution")
        for begin in range(0, len(self.rows), 2):
            frame = pd.DataFrame(self.rows[begin : begin + 2])
            for name in ("scored_at", "due_at"):
                frame[name] = pd.to_datetime(frame[name], utc=True)
            yield frame


def row(minute: int, **values: Any) -> dict[str, Any]:
    plain = {"state": "running", "probability": None, "due_at": None, "bundle_version": None, "reasons": None}
    return {"scored_at": AT - timedelta(minutes=60 - minute), "is_shadow": False, **plain, **values}


def point(minute: int, **values: Any) -> ScorePoint:
    plain = {"state": "running", "probability": None, "due_at": None, "bundle_version": None, "reasons": ()}
    return ScorePoint(scored_at=AT - timedelta(minutes=60 - minute), **{**plain, **values})


def test_points_are_in_order_and_of_what_was_shown() -> None:
    told = {"probability": 0.25, "bundle_version": "breach v1", "due_at": AT}
    stored = Stored(row(9, **told, reasons='["late", "again"]'), row(3), row(5, is_shadow=True), row(4, state="paused"))
    assert score_history(stored, "T1", AT) == [
        point(3),
        point(4, state="paused"),
        point(9, **told, reasons=("late", "again")),
    ]


def test_only_the_last_changes_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_module, "MOST", 2)
    assert score_history(Stored(row(8), row(2), row(6)), "T1", AT) == [point(6), point(8)]
    assert score_history(Stored(), "T1", AT) == []


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
