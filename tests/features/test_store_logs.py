"""A log read from the store is the log of the stored frame, whatever form ids have."""

from __future__ import annotations

import pandas as pd
import pytest

from features.event_files import coded_log
from features.histories import log_of
from features.live import LiveHistories
from features.schema import conform_ticket_events
from features.store import Store
from sla.events import EventLog
from tests.features.builders import MONDAY
from tests.features.desk_logs import agreements, busy_log


def with_ids(events: pd.DataFrame, *, derived: str) -> pd.DataFrame:
    """The events with ids that their rows tell: all of them, every other one, or none."""
    stamp = events["event_at"].dt.strftime("%Y%m%dT%H%M%S%f")
    number = pd.Series([f"{place % 1000:03d}" for place in range(len(events))], dtype="str")
    told = events["ticket_id"] + "/" + stamp + "/" + number
    every = {"all": 1, "some": 2, "none": len(events) + 1}[derived]
    is_told = pd.Series(range(1, len(events) + 1)) % every == 0
    return events.assign(event_id=told.where(is_told, events["event_id"]).astype("str"))


def assert_same(found: EventLog, expected: EventLog) -> None:
    assert found.ticket_ids.tolist() == expected.ticket_ids.tolist()
    assert found.offsets.tolist() == expected.offsets.tolist()
    assert found.at_us.tolist() == expected.at_us.tolist()
    assert found.recorded_us.tolist() == expected.recorded_us.tolist()
    assert found.event_ids.tolist() == expected.event_ids.tolist()
    assert set(found.columns) >= {name for name, column in expected.columns.items() if column.values}
    for name, column in found.columns.items():
        texts = [None if name not in expected.columns else expected.columns[name].value(row) for row in range(len(column.codes))]  # fmt: skip
        assert [column.value(row) for row in range(len(column.codes))] == texts


@pytest.mark.parametrize("derived", ["all", "some", "none"])
def test_a_log_is_that_of_the_stored_frame(store: Store, derived: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("features.store.logs._CHUNK_ROWS", 17)
    events = with_ids(busy_log(3), derived=derived)
    store.append_ticket_events(events, "test")
    assert_same(store.ticket_event_log(), log_of(store.ticket_events()))
    some = {"since_sequence": 20, "up_to_sequence": 41}
    assert_same(store.ticket_event_log(**some), log_of(store.ticket_events(**some)))


def test_nothing_new_is_a_log_of_nothing(store: Store):
    assert len(store.ticket_event_log().at_us) == 0


@pytest.mark.parametrize("derived", ["all", "some", "none"])
def test_an_event_that_comes_again_with_its_id_as_text_is_known(store: Store, derived: str):
    events = with_ids(busy_log(4), derived=derived)
    store.append_ticket_events(events, "test")
    live = LiveHistories(agreements()).with_logs([store.ticket_event_log()])
    assert live.with_news(store.ticket_events()) is live


def test_events_of_one_instant_follow_their_ids(store: Store):
    at = [MONDAY] * 4
    ids = [f"T1/{MONDAY:%Y%m%dT%H%M%S%f}/{number:03d}" for number in (12, 3, 7)]
    rows = {"event_id": [*ids, "A/own"], "ticket_id": ["T1"] * 4, "kind": ["created", "updated", "updated", "noted"]}
    frame = pd.DataFrame({name: pd.Series(texts, dtype="str") for name, texts in rows.items()})
    events = frame.assign(event_at=at, recorded_at=at)
    store.append_ticket_events(conform_ticket_events(events.iloc[:3].reset_index(drop=True)), "test")
    assert store.ticket_event_log().event_ids.tolist() == sorted(ids)
    store.append_ticket_events(conform_ticket_events(events.iloc[3:].reset_index(drop=True)), "test")
    assert store.ticket_event_log().event_ids.tolist() == ["A/own", *sorted(ids)]


@pytest.mark.parametrize("derived", ["all", "some", "none"])
@pytest.mark.parametrize("chunk_rows", [37, 10_000])
def test_tables_of_codes_are_the_stored_frame(store: Store, derived: str, chunk_rows: int):
    events = with_ids(busy_log(3, tickets=20, events=160), derived=derived)
    store.append_ticket_events(events, "test")
    tables = list(store.ticket_event_tables(chunk_rows=chunk_rows))
    assert [len(table) for table in tables[:-1]] == [chunk_rows] * (len(tables) - 1)
    found, expected = coded_log(tables), log_of(store.ticket_events())
    assert_same(found, expected)
    assert {name: column.values for name, column in found.columns.items()} == {
        name: column.values for name, column in expected.columns.items()
    }
    until = events["recorded_at"].sort_values().iloc[80]
    early = coded_log(list(store.ticket_event_tables(until.to_pydatetime())))
    assert_same(early, log_of(store.ticket_events(until=until.to_pydatetime())))
