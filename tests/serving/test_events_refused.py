"""POST /api/v1/events: what is refused, with every fault named, and what looks hostile and is not."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from tests.serving.builders import is_problem
from tests.serving.real_desk import AT
from tests.serving.stored_desk import Desk, event
from tests.serving.test_events_api import EVENTS, LINES, faults, stored


@pytest.fixture
def client(desk: Desk) -> TestClient:
    return desk.client()


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


def test_lines_of_blanks_are_no_events_and_the_faults_of_all_lines_are_told(desk: Desk, client: TestClient) -> None:
    body = "\n".join(["  ", json.dumps(event(1)), "\t\r", "{broken", "[", " "])
    errors = is_problem(client.post(EVENTS, content=body, headers=LINES), 422)["errors"]
    assert [one["pointer"] for one in errors] == ["#/3", "#/4"]
    body = "\n".join(["  ", json.dumps(event(1)), "\t\r", " "])
    assert client.post(EVENTS, content=body, headers=LINES).json()["inserted"] == 1


def test_an_event_at_the_last_instant_that_may_lie_ahead_is_stored(desk: Desk, client: TestClient) -> None:
    last = AT + timedelta(seconds=desk.settings.max_future_seconds)
    assert client.post(EVENTS, json=event(1, event_at=last.isoformat())).status_code == 201
    later = event(2, event_at=(last + timedelta(microseconds=1)).isoformat())
    assert "at most" in faults(client.post(EVENTS, json=later))["#/event_at"]


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
        "2024-04-03T10:00:00+05:75",  # Python reads it as +06:15
        "٢٠٢٤-04-03T10:00:00Z",
        "",
        1712138400,
        None,
    ],
)
def test_an_instant_that_could_mean_several_or_none_is_refused(client: TestClient, at: Any) -> None:
    assert list(faults(client.post(EVENTS, json=event(1, event_at=at)))) == ["#/event_at"]


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


def test_a_name_of_an_attribute_that_cannot_be_shown_is_a_fault_where_it_stands(desk: Desk, client: TestClient) -> None:
    before = desk.store.last_sequence()
    names = ("", "a\u0000", "two\nlines", "x" * 101)
    found = is_problem(
        client.post(EVENTS, json=[event(n, attributes={name: "x"}) for n, name in enumerate(names)]), 422
    )
    assert sorted(one["pointer"] for one in found["errors"]) == [f"#/{n}/attributes" for n in range(4)]
    assert all("1 to 100 printable characters" in one["detail"] for one in found["errors"])
    many = [event(n, attributes={f"field {n}-{m}": "x" for m in range(100)}) for n in range(6)]
    assert "different attributes in one request" in faults(client.post(EVENTS, json=many))["#"]
    escaped = faults(client.post(EVENTS, json=event(1, attributes={"a/b~c": 7})))
    assert list(escaped) == ["#/attributes/a~1b~0c"]  # a JSON pointer (RFC 6901)
    assert desk.store.last_sequence() == before


def test_a_value_that_is_no_number_is_named(client: TestClient) -> None:
    good = {"service": "Mail", "event_at": AT.isoformat(), "kind": "latency", "phase": "point"}
    values = (True, "7", 1e301, 12.5, None)
    sent = [{**good, "event_id": f"v{n}", "value": value} for n, value in enumerate(values)]
    assert sorted(faults(client.post(f"{EVENTS}?of=service_events", json=sent))) == ["#/0/value", "#/1/value", "#/2/value"]  # fmt: skip
    without = {**good, "event_id": "v9", "kind": None, "phase": None}
    assert sorted(faults(client.post(f"{EVENTS}?of=service_events", json=without))) == ["#/kind", "#/phase"]


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
