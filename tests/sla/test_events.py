"""The event log: one order, one meaning of missing, and nothing from the future."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sla.events import NEVER_US, Column, EventLog, TicketEvent

NAN = float("nan")


def small() -> EventLog:
    return EventLog.from_columns(
        ["b", "a", "a", "a"],
        [5, 30, 10, 10],
        [5, 30, 40, 10],
        ["b/1", "a/3", "a/2", "a/1"],
        {
            "kind": ["created", "updated", "updated", "created"],
            "status": ["new", None, "waiting", "open"],
            "team": ["x", NAN, "", "y"],
        },
    )


def test_rows_are_ordered_by_ticket_instant_and_event_id():
    log = small()
    assert log.ticket_ids.tolist() == ["a", "b"]
    assert log.offsets.tolist() == [0, 3, 4]
    assert log.event_ids.tolist() == ["a/1", "a/2", "a/3", "b/1"]


def test_missing_is_no_news_and_empty_is_known_to_be_empty():
    team = small().columns["team"]
    assert [team.value(row) for row in range(4)] == ["y", "", None, "x"]


def test_states_are_carried_forward_inside_a_ticket_and_kinds_are_not():
    log = small().filled()
    assert [log.columns["team"].value(row) for row in range(4)] == ["y", "", "", "x"]
    assert [log.columns["status"].value(row) for row in range(4)] == ["open", "waiting", "waiting", "new"]
    assert [log.columns["kind"].value(row) for row in range(4)] == ["created", "updated", "updated", "created"]


def test_filling_twice_changes_nothing_and_the_log_as_recorded_is_kept():
    log = small()
    filled = log.filled()
    assert filled.filled() is filled
    assert filled.unfilled() is log


def test_a_log_at_an_instant_holds_what_had_happened_and_was_recorded():
    log = small()
    assert log.visible(10).event_ids.tolist() == ["a/1", "b/1"]
    assert log.visible(40).event_ids.tolist() == ["a/1", "a/2", "a/3", "b/1"]
    assert log.visible(0).ticket_ids.tolist() == ["a", "b"]
    # The late row's status must not be carried into a log in which it was not known yet.
    seen = log.filled().visible(30)
    assert [seen.columns["status"].value(row) for row in range(2)] == ["open", "open"]


def test_events_of_a_ticket_come_back_as_they_were():
    events = [
        TicketEvent("t", "1", 1, 2, {"kind": "created", "team": ""}),
        TicketEvent("t", "2", 3, 3, {"status": "open"}),
    ]
    assert EventLog.from_events(events).filled().events_of("t") == events
    with pytest.raises(KeyError):
        EventLog.from_events(events).events_of("u")


def test_blocks_share_the_arrays_and_keep_the_order():
    log = small().filled()
    block = log.block(1, 2)
    assert block.ticket_ids.tolist() == ["b"]
    assert block.offsets.tolist() == [0, 1]
    assert block.unfilled().event_ids.tolist() == ["b/1"]
    assert np.shares_memory(block.at_us, log.at_us)


@given(st.lists(st.integers(1, 5), max_size=9), st.integers(1, 7))
def test_a_log_falls_into_blocks_of_whole_tickets(counts: list[int], rows: int):
    tickets = [f"t{place}" for place, count in enumerate(counts) for _ in range(count)]
    at_us = np.arange(len(tickets))
    log = EventLog.from_columns(tickets, at_us, at_us, [f"e{at}" for at in at_us], {"status": tickets})
    blocks = list(log.blocks(rows))
    assert [name for block in blocks for name in block.ticket_ids] == log.ticket_ids.tolist()
    assert [text for block in blocks for text in block.event_ids] == log.event_ids.tolist()
    assert all(len(block.ticket_ids) for block in blocks)
    assert all(len(block.at_us) < rows + max(counts) for block in blocks)
    assert len(blocks) <= len(tickets) // rows + 1


def test_an_empty_log_is_a_log():
    log = EventLog.from_columns([], [], [], [], {"status": []})
    assert list(log.blocks(10)) == []
    assert (log.ticket_ids.size, log.offsets.tolist()) == (0, [0])
    assert log.filled().visible(NEVER_US).at_us.size == 0


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"at_us": [1]}, "at_us has 1 rows, ticket_ids has 2"),
        ({"columns": {"status": ["new"]}}, "status has 1 rows"),
        ({"ticket_ids": ["a", None]}, "row 1 has no ticket id"),
    ],
)
def test_arrays_that_do_not_fit_are_refused_by_name(parts: dict[str, object], words: str):
    whole = {"ticket_ids": ["a", "a"], "at_us": [1, 2], "recorded_us": [1, 2], "event_ids": ["1", "2"], "columns": {}}
    with pytest.raises(ValueError, match=words):
        EventLog.from_columns(**(whole | parts))  # type: ignore[arg-type]


def test_codes_follow_sorted_text():
    assert Column.from_values(["b", None, "a"]).values == ("a", "b")
    assert Column.from_values(np.array(["b", None, "a"], dtype=object)).codes.tolist() == [1, -1, 0]


def test_a_packed_log_says_the_same_in_fewer_bytes():
    at_us = [3, 1, 2, 9]
    columns = {"status": ["open", None, "resolved", "new"], "team": [f"team {n}" for n in range(4)]}
    log = EventLog.from_columns(["b", "a", "a", "b"], at_us, at_us, ["1", "2", "3", "4"], columns)
    packed = log.packed()
    assert packed.columns["team"].codes.dtype == np.int8
    assert packed.recorded_us is packed.at_us
    everything = np.arange(2)
    for again in (packed.of_tickets(everything), packed.filled().unfilled().of_tickets(everything)):
        assert again.columns["status"].codes.dtype == np.int32
        assert [again.events_of(name) for name in ("a", "b")] == [log.events_of(name) for name in ("a", "b")]
    for name in ("status", "team"):
        assert (packed.filled().columns[name].codes == log.filled().columns[name].codes).all()


@given(st.lists(st.integers(-1, 9), max_size=25))
def test_a_compact_column_says_the_same_with_no_text_that_is_not_used(codes: list[int]):
    column = Column(np.array(codes, np.int32), tuple("abcdefghij"))
    compact = column.compact()
    assert compact.codes.dtype == np.int32
    assert [None if code < 0 else compact.values[code] for code in compact.codes] == [
        None if code < 0 else column.values[code] for code in codes
    ]
    assert list(compact.values) == sorted({column.values[code] for code in codes if code >= 0})


@pytest.mark.parametrize(("texts", "kind"), [(128, np.int8), (129, np.int16), (32_769, np.int32)])
def test_packed_codes_hold_every_text_of_their_column(texts: int, kind: type):
    codes = np.arange(-1, texts, dtype=np.int32)
    packed = Column(codes, tuple(f"{number:06d}" for number in range(texts))).packed()
    assert packed.codes.dtype == kind
    assert (packed.unpacked().codes == codes).all()
