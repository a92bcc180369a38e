"""Tickets that are sent with their events to be scored: as the queue has them, nothing stored, every fault by its place."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from starlette.testclient import TestClient

from models.bundle import FINISH_COLUMNS, BreachBundle
from models.finish import FinishModel
from models.scales import Float64Array
from serving.workplace import score_once
from tests.models.hazard_builders import member
from tests.serving.builders import by_ticket
from tests.serving.real_desk import AT, fitted_bundle, random_events
from tests.serving.stored_desk import Desk

EVENTS = random_events(30)


@pytest.fixture
def scoring(desk: Desk) -> TestClient:
    return desk.client()


def sent(ticket_id: str) -> dict[str, Any]:
    names = ("event_id", "kind", "status", "waiting_on", "priority", "team", "assignee", "actor_kind")
    events = [
        {name: row[name] for name in names if isinstance(row[name], str)}
        | {name: row[name].isoformat() for name in ("event_at", "recorded_at")}
        | {"attributes": {"title": row["attributes.title"]}}
        for row in EVENTS[EVENTS.ticket_id == ticket_id].to_dict("records")
    ]
    return {"ticket_id": ticket_id, "events": events}


def test_tickets_sent_with_their_events_get_the_verdicts_of_the_queue(desk: Desk, scoring: TestClient) -> None:
    before = desk.store.last_sequence()
    queue = score_once(desk.settings, AT)
    ids = sorted(EVENTS.ticket_id.unique())
    found = scoring.post(
        "/api/v1/score", json={"as_of": AT.isoformat(), "tickets": [sent(ticket_id) for ticket_id in ids]}
    ).json()
    assert [ticket["ticket_id"] for ticket in found["tickets"]] == [row.ticket_id for row in queue.rows]
    rows = by_ticket(queue)
    for ticket in found["tickets"]:
        row = rows[ticket["ticket_id"]]
        assert ticket["verdict_state"] == row.clock.state
        assert ticket["remaining_working_seconds"] == row.clock.remaining_working_seconds
        assert ticket["reasons"] == list(row.reasons)
    assert {ticket["ticket_id"] for ticket in found["not_scored"]} == set(ids) - set(rows)
    assert desk.store.last_sequence() == before


def test_the_least_that_can_be_sent_is_enough(scoring: TestClient) -> None:
    body = {
        "tickets": [
            {
                "ticket_id": "X",
                "events": [
                    {"event_at": "2024-04-03T14:00:00+02:00", "kind": "created", "status": "open", "priority": "1"}
                ],
            }
        ]
    }
    found = scoring.post("/api/v1/score", json=body).json()
    assert found["as_of"] == "2024-04-03T12:30:00Z"
    assert found["tickets"][0]["share_used"] == 0.125


def test_a_finished_or_future_ticket_is_not_scored_and_the_answer_says_why(scoring: TestClient) -> None:
    at = "2024-04-03T10:00:00Z"
    body = {
        "tickets": [
            {"ticket_id": "done", "events": [{"event_at": at, "status": "closed"}]},
            {"ticket_id": "later", "events": [{"event_at": "2024-04-04T10:00:00Z", "status": "open"}]},
        ]
    }
    found = scoring.post("/api/v1/score", json=body).json()
    assert found["tickets"] == []
    assert {item["ticket_id"]: item["why"] for item in found["not_scored"]} == {
        "done": "it is not open at this instant",
        "later": "none of its events is known at this instant",
    }


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({}, "#/tickets"),
        ({"tickets": []}, "#/tickets"),
        ({"tickets": [{"ticket_id": "A", "events": []}]}, "#/tickets/0/events"),
        (
            {"tickets": [{"ticket_id": "A", "events": [{"event_at": "2024-04-03T10:00:00"}]}]},
            "#/tickets/0/events/0/event_at",
        ),
        (
            {"tickets": [{"ticket_id": "A", "events": [{"event_at": "2024-04-03T10:00:00Z", "colour": "red"}]}]},
            "#/tickets/0/events/0/colour",
        ),
        (
            {"tickets": [{"ticket_id": "A", "events": [{"event_at": "2024-04-03T10:00:00Z", "status": "opne"}]}]},
            "#/tickets/0/events/0/status",
        ),
        ({"tickets": [sent("T001"), sent("T001")]}, "#/tickets/1/ticket_id"),
        (
            {
                "tickets": [
                    {
                        "ticket_id": "A",
                        "events": [{"event_at": "2024-04-03T10:00:00Z", "recorded_at": "2024-04-03T09:00:00Z"}],
                    }
                ]
            },
            "#/tickets/0/events/0/recorded_at",
        ),
    ],
)
def test_what_is_wrong_with_a_request_is_named_by_its_place(
    scoring: TestClient, body: dict[str, Any], where: str
) -> None:
    answer = scoring.post("/api/v1/score", json=body)
    assert answer.status_code == 422
    assert where in [fault["pointer"] for fault in answer.json()["errors"]], answer.json()


@pytest.mark.parametrize("hours", [np.inf, 1e9])
def test_an_end_that_nobody_can_name_is_left_out_and_the_others_are_told(
    desk: Desk, scoring: TestClient, monkeypatch: pytest.MonkeyPatch, hours: float
) -> None:
    """Bundles of older versions set no most to what a range may say."""
    finish = FinishModel(member(), member())
    assert not np.isfinite(finish.longest_hours).any()

    def told(_bundle: BreachBundle, X: pd.DataFrame) -> Float64Array:
        found = np.tile([1.0, 2.0, 3.0] * 2 + [np.inf] * 2, (len(X), 1))
        found[0, [FINISH_COLUMNS.index(name) for name in ("working_90", "opening_90")]] = hours
        return found

    monkeypatch.setattr(BreachBundle, "finish_values", told)
    scorer: Any = desk.service.source
    scorer.use(replace(fitted_bundle(EVENTS), finish=finish))
    body = {"as_of": AT.isoformat(), "tickets": [sent(ticket_id) for ticket_id in EVENTS.ticket_id.unique()]}
    answer = scoring.post("/api/v1/score", json=body)
    assert answer.status_code == 200, answer.text
    undecided = [ticket["likely_end"] for ticket in answer.json()["tickets"] if ticket["probability"] is not None]
    assert undecided.count(None) == 1
    assert len(undecided) > 2


def test_too_many_tickets_and_no_json_at_all_are_refused(desk: Desk, scoring: TestClient) -> None:
    tickets = [
        {"ticket_id": str(number), "events": [{"event_at": "2024-04-03T10:00:00Z"}]}
        for number in range(desk.settings.max_score_tickets + 1)
    ]
    assert scoring.post("/api/v1/score", json={"tickets": tickets}).status_code == 413
    assert scoring.post("/api/v1/score", content=b"{nope").status_code == 422
