"""Faults of events sent to be scored: each is named by its place, and nothing is refused without one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from features.schema import TICKET_VOCABULARIES
from serving.api.score_bodies import EventIn, TicketIn
from serving.api.score_faults import score_faults
from serving.api.scoring import events_log
from serving.problems import ProblemError
from tests.serving.stored_desk import Desk

AT = datetime(2024, 4, 3, 10, tzinfo=UTC)
# Of each vocabulary two words, none, and one that is not in it.
words = {name: st.sampled_from([*of[:2], "opne", None]) for name, of in TICKET_VOCABULARIES.items() if name != "kind"}
events = st.builds(
    EventIn,
    event_at=st.just(AT),
    recorded_at=st.sampled_from([None, AT, AT - timedelta(seconds=1)]),
    event_id=st.sampled_from([None, "e1", "e2", "e3"]),
    kind=st.sampled_from(["created", "updated", "creatd"]),
    **words,
)


@given(st.lists(st.lists(events, min_size=1, max_size=2), min_size=1, max_size=2))
def test_what_is_refused_is_named_and_what_is_taken_has_no_faults(sent: list[list[EventIn]]) -> None:
    tickets = [TicketIn(ticket_id=f"T{place}", events=one) for place, one in enumerate(sent)]
    faults = score_faults(tickets)
    if faults:
        with pytest.raises(ProblemError) as refused:
            events_log(tickets)
        assert refused.value.faults == faults
    else:
        assert len(events_log(tickets).at_us) == sum(map(len, sent))
    for fault in faults:
        ticket, event, name = fault.pointer.removeprefix("#/tickets/").replace("events/", "").split("/")
        value = getattr(tickets[int(ticket)].events[int(event)], name)
        assert value is not None
        assert (value.isoformat() if isinstance(value, datetime) else repr(value)) in fault.detail


def test_all_faults_of_a_request_are_told_with_what_was_there_and_what_was_expected(desk: Desk) -> None:
    at = AT.isoformat()
    good = {"event_id": "a", "event_at": at, "status": "open"}
    bad = {"event_id": "a", "event_at": at, "recorded_at": "2024-04-03T09:00:00+00:00", "waiting_on": "god"}
    client: TestClient = desk.client()
    answer = client.post(
        "/api/v1/score",
        json={"tickets": [{"ticket_id": "A", "events": [good]}, {"ticket_id": "B", "events": [good, bad]}]},
    )
    assert answer.status_code == 422
    told = answer.json()
    assert told["detail"] == "4 faults in the request; see errors."
    assert {fault["pointer"]: (fault["found"], fault["expected"]) for fault in told["errors"]} == {
        "#/tickets/1/events/0/event_id": ("'a', as in #/tickets/0/events/0", "an id of its own, or none"),
        "#/tickets/1/events/1/waiting_on": (
            "'god'",
            f"one of {', '.join(word or 'an empty text' for word in TICKET_VOCABULARIES['waiting_on'])}",
        ),
        "#/tickets/1/events/1/event_id": ("'a', as in #/tickets/0/events/0", "an id of its own, or none"),
        "#/tickets/1/events/1/recorded_at": (
            "2024-04-03T09:00:00+00:00",
            "not before event_at, 2024-04-03T10:00:00+00:00",
        ),
    }


def test_what_a_check_of_ours_says_stands_without_the_words_of_the_library(desk: Desk) -> None:
    tickets = [{"ticket_id": "A", "events": [{"event_at": "2024"}]}]
    (fault,) = desk.client().post("/api/v1/score", json={"tickets": tickets}).json()["errors"]
    assert fault["pointer"] == "#/tickets/0/events/0/event_at"
    assert fault["detail"].startswith("is a number (2024); expected a date and time with offset")


def test_an_id_that_is_taken_by_one_that_was_made_up_is_refused_too() -> None:
    made_up = f"T/{AT:%Y%m%dT%H%M%S%f}/000"
    tickets = [
        TicketIn(ticket_id="T", events=[EventIn(event_at=AT)]),
        TicketIn(ticket_id="U", events=[EventIn(event_at=AT, event_id=made_up)]),
    ]
    with pytest.raises(ProblemError, match="occur twice"):
        events_log(tickets)
