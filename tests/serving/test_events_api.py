"""POST /api/v1/events: what is acknowledged is stored, once, whole; what is not says why."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from features.store import StoreError
from tests.serving.real_desk import AT
from tests.serving.stored_desk import Desk, event
from tests.serving.test_api import is_problem

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


def test_every_fault_of_every_item_is_named_and_nothing_is_stored(desk: Desk, client: TestClient) -> None:
    before = desk.store.last_sequence()
    bad = [
        event(0),
        event(1, status="opne", priority=3),
        {"ticket_id": "N2", "event_at": "2024-04-03 10:00:00"},
        "no event",
        event(4, attributes={"title": 7}, colour="red"),
        event(5, event_at=(AT + timedelta(days=1)).isoformat()),
    ]
    found = faults(client.post(EVENTS, json=bad))
    assert found == {"#/3": "found a text, expected an object with the event's fields"}
    found = faults(client.post(EVENTS, json=[item for item in bad if isinstance(item, dict)]))
    assert found["#/1/status"].startswith("status: found 'opne', expected one of new, open, waiting")
    assert found["#/1/priority"] == "priority: found '3', expected a text or null"
    assert found["#/2/event_id"] == "event_id: found nothing, expected a text"
    assert "with its offset" in found["#/2/event_at"]
    assert found["#/3/attributes/title"] == "attributes.title: found '7', expected a text or null"
    assert found["#/3/colour"].startswith("colour: found an unknown field, expected one of event_id")
    assert desk.store.last_sequence() == before


def test_a_fault_in_a_line_names_the_line_what_was_there_and_what_was_expected(client: TestClient) -> None:
    body = "\n\n".join([json.dumps(event(1)), "{broken", json.dumps(event(3, kind="thing"))])
    (one,) = is_problem(client.post(EVENTS, content=body, headers=LINES), 422)["errors"]
    assert (one["pointer"], one["detail"][:26]) == ("#/2", "line 3: not JSON at column")
    body = "\n".join([json.dumps(event(1)), "", json.dumps(event(3, kind="thing"))])
    (one,) = is_problem(client.post(EVENTS, content=body, headers=LINES), 422)["errors"]
    assert one["pointer"] == "#/2/kind"
    assert one["detail"].startswith("line 3: kind: found 'thing', expected one of created")
    assert (one["found"], one["expected"][:14]) == ("'thing'", "one of created")


@pytest.mark.parametrize(
    "at",
    [
        "2024-04-03T10:00:00",
        "2024-04-03",
        "yesterday",
        "2024-02-30T10:00:00Z",
        "2024-04-03T10:00:60Z",
        "2024-04-03T25:00:00Z",
        "1969-12-31T23:59:59Z",
        "2024-04-03T10:00:00+99:99",
        "٢٠٢٤-04-03T10:00:00Z",
        "",
        1712138400,
        None,
    ],
)
def test_an_instant_that_could_mean_several_or_none_is_refused(client: TestClient, at: Any) -> None:
    assert list(faults(client.post(EVENTS, json=event(1, event_at=at)))) == ["#/event_at"]


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


HOSTILE = [
    "<script>alert(1)</script>",
    "\x01\x1b[2J\x7f\x85",
    "ab\u202egnirts\u2066",
    "👩‍👩‍👧‍👦🇩🇪",
    "'; DROP TABLE ticket_events; --",
    "=cmd|'/C calc'!A0",
    "Zalgo\u0300\u0301" * 50,
    "x" * 1_048_576,
    "\ufeff\ufffe\uffff",
]


def test_hostile_text_is_stored_letter_by_letter(desk: Desk, client: TestClient) -> None:
    batch = [event(n, attributes={"title": text}, team=text, assignee=text[:400]) for n, text in enumerate(HOSTILE)]
    assert client.post(EVENTS, json=batch).status_code == 201
    found = stored(desk, *(f"N{n}" for n in range(len(HOSTILE))))
    assert found["attributes.title"].tolist() == found["team"].tolist() == HOSTILE
    assert desk.service.ticker.step()
    assert client.get("/api/v1/queue?limit=1000").status_code == 200
    assert client.get("/queue").status_code == 200
    for number in range(len(HOSTILE)):
        assert client.get(f"/tickets/N{number}").status_code == 200


@pytest.mark.parametrize(
    ("field", "text", "says"),
    [
        ("team", "a\0b", "a NUL character"),
        ("event_id", "\0", "a NUL character"),
        ("assignee", "\ud800", "half a surrogate pair"),
        ("ticket_id", "x" * 501, "at most 500 characters"),
        ("event_id", "", "an empty text"),
        ("category", "x" * 1_048_577, "at most 1,048,576 characters"),
    ],
)
def test_what_no_database_can_hold_is_named(client: TestClient, field: str, text: str, says: str) -> None:
    answer = client.post(EVENTS, content=json.dumps(event(1, **{field: text})))
    found = faults(answer)
    assert says in found[f"#/{field}"]
    assert len(answer.content) < 2_000


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"7",
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        b"1" * 10_000,
        b'{"event_at": NaN}',
        b'[{"event_id": 1e400}]',
        b'{"attributes": []}',
        b'{"attributes": {"": "x"}}',
        b'{"attributes": {"a\\u0000": "x"}}',
        b'{"\\u0000": 1}',
    ],
)
@pytest.mark.parametrize("kind", ["application/json", "application/x-ndjson"])
def test_a_body_that_holds_no_events_is_a_problem(client: TestClient, body: bytes, kind: str) -> None:
    is_problem(client.post(EVENTS, content=body, headers={"Content-Type": kind}), 422)


def test_another_content_type_is_refused_with_those_that_are_read(client: TestClient) -> None:
    answer = client.post(EVENTS, content="event_id=1", headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert "application/x-ndjson" in is_problem(answer, 415)["detail"]


def test_too_much_at_once_is_refused_before_it_is_read(prepared_desk: Path, tmp_path: Path) -> None:
    desk = Desk(prepared_desk, tmp_path, max_ingest_bytes=4_000, max_events=3)
    client = desk.client()
    assert client.post(EVENTS, json=[event(n) for n in range(3)]).status_code == 201
    assert "at most 3" in is_problem(client.post(EVENTS, json=[event(n) for n in range(4)]), 413)["detail"]
    is_problem(client.post(EVENTS, content=b" " * 4_001), 413)
    is_problem(client.post(EVENTS, content=(b" " * 500 for _ in range(9))), 413)
    desk.close()


def test_an_id_of_our_own_form_that_says_another_ticket_is_refused(client: TestClient) -> None:
    misleading = event(1, event_id="OTHER/20240403T122000000000/001")
    assert "contradicts" in is_problem(client.post(EVENTS, json=misleading), 422)["detail"]


def test_an_id_twice_in_a_request_with_other_content_names_both(client: TestClient) -> None:
    found = faults(client.post(EVENTS, json=[event(1), event(2), event(1, priority="1")]))
    assert "other content than item 0" in found["#/2/event_id"]


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


_words = st.text(max_size=8)
_values = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), _words, st.lists(_words, max_size=2))
_items = st.dictionaries(
    st.sampled_from(["event_id", "ticket_id", "event_at", "recorded_at", "kind", "status", "team", "attributes", "x"]),
    st.one_of(_values, st.just("2024-04-01T00:00:00Z"), st.just("open"), st.dictionaries(_words, _values, max_size=3)),
    max_size=8,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.one_of(_items, st.lists(_items, max_size=4), _values))
def test_whatever_is_sent_is_stored_or_explained_never_a_failure(client: TestClient, body: Any) -> None:
    answer = client.post(EVENTS, content=json.dumps(body))
    assert answer.status_code in (200, 201, 409, 422)
