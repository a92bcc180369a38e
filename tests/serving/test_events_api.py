"""POST /api/v1/events: what is acknowledged is stored, once, whole; what is not says why."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pandas as pd
import pytest
from starlette.testclient import TestClient

from features.store import StoreError
from serving.access.roles import Role
from tests.serving.builders import is_problem
from tests.serving.real_desk import AT
from tests.serving.stored_desk import Desk, event

EVENTS = "/api/v1/events"
LINES = {"Content-Type": "application/x-ndjson"}


@pytest.fixture
def client(desk: Desk) -> TestClient:
    return desk.client()


def stored(desk: Desk, *tickets: str) -> pd.DataFrame:
    return desk.store.ticket_events(ticket_ids=list(tickets))


def faults(answer: Any, status: int = 422) -> dict[str, str]:
    return {one["pointer"]: one["detail"] for one in is_problem(answer, status)["errors"]}


def test_one_event_an_array_and_lines_are_stored_alike(desk: Desk, client: TestClient) -> None:
    before = desk.store.last_sequence()
    one = client.post(EVENTS, json=event(1))
    many = client.post(EVENTS, json=[event(2), event(3)])
    lines = client.post(EVENTS, content="\n".join([json.dumps(event(4)), "", json.dumps(event(5))]), headers=LINES)
    assert [answer.status_code for answer in (one, many, lines)] == [201, 201, 201]
    assert [answer.json()["inserted"] for answer in (one, many, lines)] == [1, 2, 2]
    assert lines.json()["last_sequence"] == before + 5 == desk.store.last_sequence()
    assert stored(desk, "N1", "N2", "N3", "N4", "N5")["event_id"].tolist() == [f"new-{n}" for n in range(1, 6)]


def test_every_field_is_stored_as_it_was_sent(desk: Desk, client: TestClient) -> None:
    sent = event(
        1,
        recorded_at="2024-04-03T14:25:00.123456+02:00",
        status="waiting",
        waiting_on="customer",
        priority="1",
        service="Mail",
        category="",
        team="Desk",
        assignee=None,
        customer="Zoë",
        channel="phone",
        actor_kind="agent",
        attributes={"title": "Druckér \u202eRTL 🖨\ufe0f\x1b[31m\t", "none": None},
    )
    assert client.post(EVENTS, json=sent).status_code == 201
    (row,) = stored(desk, "N1").to_dict("records")
    assert row["recorded_at"] == pd.Timestamp("2024-04-03T12:25:00.123456Z")
    for name in (
        "status",
        "waiting_on",
        "priority",
        "service",
        "category",
        "team",
        "customer",
        "channel",
        "actor_kind",
    ):
        assert row[name] == sent[name]
    assert pd.isna(row["assignee"])
    assert row["attributes.title"] == sent["attributes"]["title"]
    assert "attributes.none" not in row or pd.isna(row["attributes.none"])


def test_the_same_events_again_are_duplicates_and_are_stored_once(desk: Desk, client: TestClient) -> None:
    batch = [event(number) for number in range(5)]
    assert client.post(EVENTS, json=batch[:3]).json()["inserted"] == 3
    again = client.post(EVENTS, json=batch[::-1])
    assert (again.status_code, again.json()["inserted"], again.json()["duplicates"]) == (201, 2, 3)
    third = client.post(EVENTS, json=[*batch, batch[0]])
    assert (third.status_code, third.json()["inserted"], third.json()["duplicates"]) == (200, 0, 6)
    assert len(stored(desk, *(f"N{number}" for number in range(5)))) == 5


def test_an_event_without_recorded_at_was_known_when_it_came_also_when_it_comes_again(desk: Desk) -> None:
    now = [AT]
    object.__setattr__(desk.service, "clock", lambda: now[0])
    client = desk.client()
    late = event(1, event_at=(AT - timedelta(hours=5)).isoformat(), kind="updated")
    assert client.post(EVENTS, json=late).status_code == 201
    now[0] = AT + timedelta(hours=2)
    again = client.post(EVENTS, json=[late, event(2)]).json()
    assert (again["inserted"], again["duplicates"]) == (1, 1)
    assert stored(desk, "N1")["recorded_at"].tolist() == [pd.Timestamp(AT)]
    assert stored(desk, "N2")["recorded_at"].tolist() == [pd.Timestamp(now[0])]


def test_an_id_with_other_content_is_refused_and_nothing_of_the_request_is_stored(
    desk: Desk, client: TestClient
) -> None:
    client.post(EVENTS, json=event(1, kind="updated", priority="2"))
    before = desk.store.last_sequence()
    problem = is_problem(client.post(EVENTS, json=[event(2), event(1, kind="updated", priority="3")]), 409)
    assert "priority is stored as '2', now '3'" in problem["detail"]
    assert desk.store.last_sequence() == before
    assert stored(desk, "N2").empty


@pytest.mark.parametrize(
    ("at", "means"),
    [
        ("2024-04-03T10:00:00Z", "2024-04-03T10:00:00Z"),
        ("2024-04-03t10:00z", "2024-04-03T10:00:00Z"),
        ("2024-04-03 12:00:00.5+02:00", "2024-04-03T10:00:00.5Z"),
        ("2024-04-03T10:00:00.123456789-00:00", "2024-04-03T10:00:00.123456Z"),
    ],
)
def test_an_instant_with_its_offset_is_read_to_the_microsecond(
    desk: Desk, client: TestClient, at: str, means: str
) -> None:
    assert client.post(EVENTS, json=event(1, event_at=at)).status_code == 201
    assert stored(desk, "N1")["event_at"].tolist() == [pd.Timestamp(means)]


def test_clocks_may_differ_by_minutes_but_a_fact_does_not_lie_in_the_future(desk: Desk, client: TestClient) -> None:
    soon = AT + timedelta(minutes=4)
    assert client.post(EVENTS, json=event(1, event_at=soon.isoformat())).status_code == 201
    assert stored(desk, "N1")["recorded_at"].tolist() == [pd.Timestamp(soon)]
    later = (AT + timedelta(minutes=6)).isoformat()
    assert "SLACAST_MAX_FUTURE_SECONDS" in faults(client.post(EVENTS, json=event(2, event_at=later)))["#/event_at"]
    assert "#/recorded_at" in faults(client.post(EVENTS, json=event(3, recorded_at=later)))
    before = (AT - timedelta(minutes=11)).isoformat()
    assert "not before event_at" in faults(client.post(EVENTS, json=event(4, recorded_at=before)))["#/recorded_at"]


def test_the_same_idempotency_key_gives_the_same_answer(desk: Desk, client: TestClient) -> None:
    sent = {"headers": {"Idempotency-Key": "k-1"}, "content": json.dumps([event(1)])}
    first = client.post(EVENTS, **sent)  # type: ignore[arg-type]
    client.post(EVENTS, json=event(2))
    again = client.post(EVENTS, **sent)  # type: ignore[arg-type]
    assert (again.status_code, again.json()) == (first.status_code, first.json()) == (201, first.json())
    other = client.post(EVENTS, headers={"Idempotency-Key": "k-1"}, json=[event(3)])
    assert "came with another request before" in is_problem(other, 422)["detail"]
    assert stored(desk, "N3").empty
    is_problem(client.post(EVENTS, headers={"Idempotency-Key": ""}, json=[event(3)]), 422)


def test_an_idempotency_key_belongs_to_its_sender_its_kind_of_events_and_two_days(desk: Desk) -> None:
    now = [AT]
    object.__setattr__(desk.service, "clock", lambda: now[0])
    desk.add_keys(Role.DISPATCHER, Role.ADMIN)
    desk.app.state.gate.clock = lambda: now[0]
    one, other = desk.client(Role.DISPATCHER), desk.client(Role.ADMIN)
    key = {"Idempotency-Key": "k-3", "Content-Type": "application/json"}
    body = json.dumps(event(1))
    assert one.post(EVENTS, headers=key, content=body).status_code == 201
    assert other.post(EVENTS, headers=key, json=event(2)).status_code == 201
    for changed in ({"url": f"{EVENTS}?of=service_events"}, {"url": EVENTS, "headers": {**key, **LINES}}):
        assert "another request" in is_problem(one.post(**{"headers": key, **changed}, content=body), 422)["detail"]  # type: ignore[arg-type]
    now[0] = AT + timedelta(days=2) - timedelta(seconds=1)
    assert one.post(EVENTS, headers=key, content=body).json()["inserted"] == 1  # as it was answered first
    now[0] = AT + timedelta(days=2)
    assert one.post(EVENTS, headers=key, json=event(3)).json()["inserted"] == 1


def test_of_two_that_come_at_once_with_one_idempotency_key_one_is_stored(
    desk: Desk, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = {"headers": {"Idempotency-Key": "k-4"}, "content": json.dumps([event(1)])}
    first = client.post(EVENTS, **sent)  # type: ignore[arg-type]
    find, looked = type(desk.store.idempotency).find, []

    def too_early(self: Any, *given: Any) -> Any:
        """What the second finds that looks just before the first is stored."""
        looked.append(given)
        return None if len(looked) == 1 else find(self, *given)

    monkeypatch.setattr(type(desk.store.idempotency), "find", too_early)
    again = client.post(EVENTS, **sent)  # type: ignore[arg-type]
    assert (again.status_code, again.json()) == (201, first.json())
    assert len(looked) == 2
    assert [entry.change.after for entry in desk.store.audit.read(action="events stored")] == [
        {"inserted": 1, "duplicates": 0, "last_sequence": first.json()["last_sequence"]}
    ]


def test_known_events_sent_twice_in_a_request_keep_the_instant_they_were_known(desk: Desk) -> None:
    now = [AT]
    object.__setattr__(desk.service, "clock", lambda: now[0])
    client = desk.client()
    dated = event(1, kind="updated", recorded_at=AT.isoformat())
    late = event(2, event_at=(AT - timedelta(hours=5)).isoformat(), kind="updated")
    assert client.post(EVENTS, json=[dated, late]).status_code == 201
    now[0] = AT + timedelta(hours=2)
    again = client.post(EVENTS, json=[dated, dated, late]).json()
    assert (again["inserted"], again["duplicates"]) == (0, 3)
    assert stored(desk, "N2")["recorded_at"].tolist() == [pd.Timestamp(AT)]


def test_a_refused_request_does_not_use_up_its_idempotency_key(client: TestClient) -> None:
    key = {"Idempotency-Key": "k-2"}
    is_problem(client.post(EVENTS, headers=key, json=event(1, status="opne")), 422)
    assert client.post(EVENTS, headers=key, json=event(1, status="open")).status_code == 201


def test_when_the_store_fails_nothing_is_acknowledged_and_the_inside_stays_inside(
    desk: Desk, client: TestClient
) -> None:
    def fails(*_given: Any, **_named: Any) -> None:
        raise StoreError("postgresql://ada:hunter2@db/desk: the disk is full")

    desk.store.append_ticket_events = fails  # type: ignore[method-assign,assignment]
    answer = client.post(EVENTS, json=event(1))
    assert "hunter2" not in json.dumps(is_problem(answer, 503))
    assert answer.headers["retry-after"] == "5"


def test_the_scorer_finds_new_events_at_its_next_look(desk: Desk, client: TestClient) -> None:
    client.post(EVENTS, json=event(1, status="open", priority="1", team="Desk"))
    assert desk.service.ticker.step() is True
    assert client.get("/api/v1/tickets/N1").json()["facts"]["priority"] == "1"


def test_service_events_are_stored_too_and_may_be_announced(desk: Desk, client: TestClient) -> None:
    later = (AT + timedelta(days=3)).isoformat()
    down = {"event_id": "m1", "service": "Mail", "event_at": later, "kind": "maintenance", "phase": "start"}
    slow = {**down, "event_id": "l1", "event_at": AT.isoformat(), "kind": "latency", "phase": "point", "value": 812.5}
    answer = client.post(f"{EVENTS}?of=service_events", json=[down, slow])
    assert (answer.status_code, answer.json()["inserted"]) == (201, 2)
    found = desk.store.service_events()
    assert found["recorded_at"].tolist() == [pd.Timestamp(AT)] * 2 or found["event_at"].tolist()[0] > pd.Timestamp(AT)
    assert found["value"].tolist()[1] == 812.5
    again = client.post(f"{EVENTS}?of=service_events", json=[down, slow]).json()
    assert (again["inserted"], again["duplicates"]) == (0, 2)
    bad = faults(client.post(f"{EVENTS}?of=service_events", json=[{**down, "event_id": "m2", "phase": "begin", "value": "much"}]))  # fmt: skip
    assert set(bad) == {"#/0/phase", "#/0/value"}
