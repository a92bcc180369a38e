"""What-ifs, feedback and the list of models."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from serving.access.roles import Role
from serving.queue import QueueRow
from sla.clocks.what_if import Supposition, what_if
from sla.instants import to_us
from tests.serving.builders import is_problem
from tests.serving.real_desk import AT, agreements, fitted_bundle, frame_of, random_events
from tests.serving.stored_desk import Desk


@pytest.fixture
def scored(desk: Desk) -> Desk:
    """A desk whose tickets a bundle scores."""
    desk.service.source.use(fitted_bundle(random_events(30)), "")  # type: ignore[attr-defined]
    desk.service.ticker._next_tick = 0.0
    assert desk.service.ticker.step()
    return desk


def running(desk: Desk, **values: str) -> QueueRow:
    """A ticket whose clock runs, with these values."""
    rows = [row for row in desk.service.queue()[0].rows if row.clock.state == "running"]
    return next(row for row in rows if all(getattr(row, name) == value for name, value in values.items()))


def asked(client: TestClient, ticket: str, **body: Any) -> dict[str, Any]:
    answer = client.post(f"/api/v1/tickets/{ticket}/what-if", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def resolution(found: dict[str, Any], side: str) -> dict[str, Any]:
    standing: dict[str, Any] = next(pair for pair in found["clocks"] if pair["target"] == "resolution")[side]
    return standing


def test_another_priority_changes_the_due_time_as_the_rules_say(desk: Desk) -> None:
    row = running(desk, priority="3")
    found = asked(desk.client(), row.ticket_id, priority="1")
    assert resolution(found, "actual")["target_seconds"] == 40 * 3600
    assert resolution(found, "supposed")["target_seconds"] == 4 * 3600
    log = desk.service.source.histories
    ((_, histories, _mine),) = log.parts(log.looked_at(row.ticket_id, to_us(AT)))  # type: ignore[arg-type]
    events = [event for event in histories.log.events_of(row.ticket_id) if event.recorded_us <= to_us(AT)]
    at = datetime.fromisoformat(found["at"])
    compared = what_if(events, agreements(), at, Supposition({"priority": "1"}, since=AT))
    expected = next(one.supposed for one in compared if one.supposed.target == "resolution")
    assert datetime.fromisoformat(resolution(found, "supposed")["due_at"]) == expected.due_at
    assert "Rules only" in found["warning"]


def test_the_risk_is_that_of_the_ticket_had_the_change_been_recorded(scored: Desk) -> None:
    row = running(scored, priority="3")
    found = asked(scored.client(), row.ticket_id, priority="1")
    assert found["actual"]["probability"] == pytest.approx(row.probability, abs=1e-6)
    assert found["supposed"]["probability"] != found["actual"]["probability"]
    assert "association" in found["warning"]
    event = {
        "event_id": "now",
        "ticket_id": row.ticket_id,
        "event_at": AT,
        "recorded_at": AT,
        "kind": "updated",
        "priority": "1",
    }
    scored.store.append_ticket_events(frame_of([event]), "test")
    scored.service.source.read_news()  # type: ignore[attr-defined]
    real = scored.service.source.ticket(row.ticket_id, datetime.fromisoformat(found["at"]))
    assert real is not None
    assert real.row is not None
    assert found["supposed"]["probability"] == real.row.probability


def test_nothing_supposed_is_nothing_changed_and_nothing_is_kept(scored: Desk) -> None:
    row = running(scored)
    before = scored.store.last_sequence()
    found = asked(scored.client(), row.ticket_id)
    assert found["actual"] == found["supposed"]
    assert all(pair["actual"] == pair["supposed"] for pair in found["clocks"])
    asked(scored.client(), row.ticket_id, priority="1", team="Elsewhere")
    assert scored.store.last_sequence() == before
    assert asked(scored.client(), row.ticket_id) == found


def test_a_later_instant_is_looked_at_and_an_earlier_one_refused(desk: Desk) -> None:
    row = running(desk, priority="3")
    later = AT + timedelta(days=60)
    found = asked(desk.client(), row.ticket_id, at=later.isoformat())
    assert resolution(found, "actual")["state"] == "breached"
    assert found["actual"]["risk"] == "breached"
    early = {"at": (AT - timedelta(hours=1)).isoformat()}
    problem = is_problem(desk.client().post(f"/api/v1/tickets/{row.ticket_id}/what-if", json=early), 422)
    assert problem["errors"][0]["pointer"] == "#/at"


def test_under_other_agreements_the_model_says_nothing(scored: Desk) -> None:
    row = running(scored)
    found = asked(scored.client(), row.ticket_id, calendars={"office": "office"})
    assert found["supposed"] is None
    assert "model never saw" in found["warning"]
    bad = scored.client().post(f"/api/v1/tickets/{row.ticket_id}/what-if", json={"versions": {"Dusk": "2"}})
    assert 'no agreement is called "Dusk"' in is_problem(bad, 422)["detail"]


@pytest.mark.parametrize(
    "body",
    [{"status": "open"}, {"team": "a\0b"}, {"team": 7}, {"at": "2024-04-04T10:00:00"}, {"team": "x" * 1_001}, [], None],
)
def test_what_cannot_be_supposed_is_named(desk: Desk, body: Any) -> None:
    answer = desk.client().post(f"/api/v1/tickets/{running(desk).ticket_id}/what-if", json=body)
    assert is_problem(answer, 422)["errors"]


def test_only_tickets_of_the_scope_can_be_asked_about(desk: Desk) -> None:
    desk.add_keys(Role.DISPATCHER, teams=("Network",))
    row = running(desk, team="Desk")
    client = desk.client(Role.DISPATCHER)
    for path in ("what-if", "feedback"):
        is_problem(
            client.post(
                f"/api/v1/tickets/{row.ticket_id}/{path}", json={"verdict": "wrong"} if path == "feedback" else {}
            ),
            404,
        )


def test_feedback_is_stored_with_who_gave_it_once_for_a_key(desk: Desk) -> None:
    desk.add_keys(Role.SCIENTIST)
    client, ticket = desk.client(Role.SCIENTIST), running(desk).ticket_id
    url, said = (
        f"/api/v1/tickets/{ticket}/feedback",
        {"verdict": "wrong", "comment": "Ünsinn 🙃", "target": "resolution"},
    )
    first = client.post(url, json=said, headers={"Idempotency-Key": "f1"})
    again = client.post(url, json=said, headers={"Idempotency-Key": "f1"})
    assert [first.status_code, first.json()["inserted"], again.json()["inserted"]] == [201, 1, 0]
    assert first.json()["key"] == again.json()["key"]
    (row,) = desk.store.feedback.read(ticket).to_dict("records")
    assert (row["verdict"], row["comment"], row["target"]) == ("wrong", "Ünsinn 🙃", "resolution")
    assert row["given_by"].endswith("(scientist)")
    assert desk.store.audit.read(action="feedback given")[0].change.subject == ticket
    assert client.post(url, json={"verdict": "helpful"}).json()["inserted"] == 1
    is_problem(client.post(url, json={"verdict": "great"}), 422)
    is_problem(client.post("/api/v1/tickets/none/feedback", json=said), 404)
