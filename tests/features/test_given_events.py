from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from itertools import zip_longest
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from features import given_events
from features.given_events import log_of_given
from features.histories import log_of
from features.schema import TICKET_COLUMNS, SchemaError, conform_ticket_events
from sla.events import EventLog

AT = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
ZONES = (UTC, timezone(timedelta(hours=2)), timezone(-timedelta(hours=9, minutes=30)))
GOOD: dict[str, Any] = {
    "event_id": "e",
    "ticket_id": "T",
    "event_at": AT,
    "recorded_at": AT,
    "kind": "created",
    "status": "open",
}


def instants() -> st.SearchStrategy[datetime]:
    minutes = st.integers(0, 4)
    return st.builds(
        lambda ahead, zone: (AT + timedelta(minutes=ahead)).astimezone(zone), minutes, st.sampled_from(ZONES)
    )


def texts(*values: str) -> st.SearchStrategy[str | None]:
    return st.sampled_from([*values, None])


@st.composite
def an_event(draw: st.DrawFn) -> dict[str, Any]:
    at = draw(instants())
    return {
        "event_id": draw(st.text("abc", min_size=1, max_size=6)),
        "ticket_id": draw(st.sampled_from(["T1", "T2", "ü"])),
        "event_at": at,
        "recorded_at": at + timedelta(seconds=draw(st.integers(0, 90))),
        "kind": draw(st.sampled_from(["created", "updated", "commented"])),
        "status": draw(texts("open", "waiting")),
        "waiting_on": draw(texts("", "customer")),
        "team": draw(texts("", "a", "Ä", "b")),
    } | draw(st.dictionaries(st.sampled_from(["attributes.title", "attributes."]), texts("", "x"), max_size=2))


FAULTS = st.sampled_from(
    [
        {},
        {},
        {"kind": None},
        {"kind": "eaten"},
        {"kind": ""},
        {"status": ""},
        {"status": "asleep"},
        {"waiting_on": "godot"},
        {"actor_kind": "robot"},
        {"event_id": ""},
        {"event_id": "twice"},
        {"event_id": None},
        {"ticket_id": ""},
        {"ticket_id": None},
        {"recorded_at": None},
        {"event_at": None},
        {"recorded_at": AT - timedelta(microseconds=1)},
        {"colour": "red"},
        {"team": 7},
        {"event_at": AT.replace(tzinfo=None)},
    ]
)


def slowly(events: list[dict[str, Any]]) -> EventLog:
    """As a frame, in so many words."""
    names = [*TICKET_COLUMNS, *sorted({name for event in events for name in event} - set(TICKET_COLUMNS))]
    frame = pd.DataFrame({name: pd.Series([event.get(name) for event in events], dtype=object) for name in names})
    for name in ("event_at", "recorded_at"):
        if any(at is not None and at.tzinfo is None for at in frame[name].dropna()):
            raise SchemaError(f"{name} has no time zone")
        frame[name] = pd.to_datetime(frame[name], utc=True)
    return log_of(conform_ticket_events(frame))


def is_same(one: EventLog, other: EventLog) -> bool:
    arrays = ("ticket_ids", "offsets", "at_us", "recorded_us", "event_ids")
    return (
        all(np.array_equal(getattr(one, name), getattr(other, name)) for name in arrays)
        and list(one.columns) == list(other.columns)
        and all(
            column.values == other.columns[name].values
            and column.codes.dtype == other.columns[name].codes.dtype
            and np.array_equal(column.codes, other.columns[name].codes)
            for name, column in one.columns.items()
        )
    )


@given(st.lists(an_event(), max_size=6), st.lists(FAULTS, max_size=2))
@example([GOOD, GOOD | {"event_id": "f"}], [])
@example([], [])
@example([GOOD], [{"event_at": AT.replace(tzinfo=None)}])
@settings(max_examples=60, deadline=None)
def test_given_events_are_what_a_frame_of_them_would_be(
    events: list[dict[str, Any]], faults: list[dict[str, Any]]
) -> None:
    events = [event | fault for event, fault in zip_longest(events, faults[: len(events)], fillvalue={})]
    try:
        expected = slowly(events)
    except SchemaError:
        with pytest.raises(SchemaError):
            log_of_given(events)
    else:
        assert is_same(log_of_given(events), expected)


def test_good_events_never_become_a_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object) -> None:
        raise AssertionError("a frame was made")

    monkeypatch.setattr(given_events, "conform_ticket_events", refuse)
    later = GOOD | {"event_id": "f", "kind": "updated", "attributes.title": "x", "recorded_at": AT + timedelta(hours=1)}
    assert log_of_given([later, GOOD]).at_us.size == 2


def test_a_fault_is_told_as_everywhere() -> None:
    with pytest.raises(SchemaError, match=r"column 'status' holds \['asleep'\], expected one of \['new', 'open'"):
        log_of_given([GOOD | {"status": "asleep"}])
    with pytest.raises(SchemaError, match="recorded_at must not be earlier"):
        log_of_given([GOOD | {"recorded_at": AT - timedelta(seconds=1)}])
    with pytest.raises(SchemaError, match="has no time zone: write its offset"):
        log_of_given([GOOD | {"recorded_at": AT.replace(tzinfo=None)}])
