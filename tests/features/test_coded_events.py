"""An import carried as codes is stored like the frame of texts that says the same, and is held to the same contract."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.coded_events import CodedEvents
from features.schema import SchemaError
from features.sources.event_ids import rows_in_order
from features.sources.mapped_table import _is_repeat
from features.sources.mapping import parse_mapping
from features.sources.reading import read
from features.sources.result import frame_of
from features.store import ConflictError, Store, open_store
from sla.columns import Column
from sla.event_ids import EventIds

MAPPING = """\
time_zone: UTC
duplicates: keep
columns: {ticket_id: ticket, event_at: at, order: number, team: team, opened_at: opened}
attributes: {place: place, title: title}
"""
ROWS = """\
ticket,at,number,team,opened,place,title
T2,2024-03-04 09:00,0,desk,2024-03-04 08:00,Bonn,"a ""quoted"" one"
T1!,2024-03-04 09:00,1200,,2024-03-04 08:00,,
T1,2024-03-04 09:00,5,desk,2024-03-04 08:30,Bonn,late
T1,2024-03-04 09:00,4,net,2024-03-04 08:30,Köln,
T1/9,2024-03-04 09:00,2,net,2024-03-04 08:00,Bonn,
T1/9,2024-03-03 09:00,1,desk,2024-03-04 08:00,,
"""


@pytest.fixture
def found(tmp_path: Path) -> CodedEvents:
    (tmp_path / "a.csv").write_text(ROWS, encoding="utf-8")
    coded = read(tmp_path / "a.csv", parse_mapping(MAPPING)).found
    assert isinstance(coded, CodedEvents)
    return coded


@pytest.mark.parametrize("batch_rows", [2, 100])
def test_codes_and_their_frame_are_stored_alike(
    found: CodedEvents, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch_rows: int
) -> None:
    monkeypatch.setattr("features.store.appending.BATCH_ROWS", batch_rows)
    frame = frame_of(found)
    assert frame["event_id"].tolist() == sorted(frame["event_id"])
    assert frame["event_id"].str.endswith("/z000001201").sum() == 1
    done = store.append_ticket_events(found, "codes")
    pd.testing.assert_frame_equal(store.ticket_events(), frame)
    assert (done.inserted, store.append_ticket_events(frame, "texts").duplicates) == (len(frame), len(frame))
    with open_store(f"sqlite:///{tmp_path / 'other.db'}") as other:
        other.append_ticket_events(frame, "texts")
        assert other.append_ticket_events(found, "codes").duplicates == len(found) == 10


def test_other_content_under_a_known_id_is_a_conflict_and_nothing_is_stored(found: CodedEvents, store: Store) -> None:
    store.append_ticket_events(found.part(0, 6), "first")
    team = found.columns["team"]
    moved = replace(found, columns={**found.columns, "team": Column(team.codes, ("front", *team.values[1:]))})
    with pytest.raises(ConflictError, match=r"team is stored as '(desk|net)', now 'front'"):
        store.append_ticket_events(moved, "second")
    assert store.last_sequence() == 6


def with_column(name: str, column: Column) -> Callable[[CodedEvents], CodedEvents]:
    return lambda events: replace(events, columns={**events.columns, name: column})


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (with_column("ticket_id", Column(np.full(10, -1, np.int32), ())), "'ticket_id' is missing in 10 of 10 rows"),
        (with_column("ticket_id", Column(np.zeros(10, np.int32), ("",))), "'ticket_id' is missing in 10 of 10 rows"),
        (with_column("status", Column(np.zeros(10, np.int32), ("gone", "new"))), r"'status' holds \['gone'\]"),
        (lambda events: replace(events, recorded_us=events.at_us - 1), "10 events are recorded before they happened"),
        (
            lambda events: replace(events, at_us=events.at_us * 0, recorded_us=events.at_us, ids=EventIds(np.zeros(10, np.int16))),
            "event ids occur twice",
        ),
    ],
)  # fmt: skip
def test_events_that_break_the_contract_are_refused(
    found: CodedEvents, store: Store, wrong: Callable[[CodedEvents], CodedEvents], words: str
) -> None:
    with pytest.raises(SchemaError, match=words):
        store.append_ticket_events(wrong(found), "wrong")
    assert store.last_sequence() == 0


small = st.integers(0, 3)


@given(st.lists(st.tuples(small, small, st.integers(-1, 1)), max_size=30))
def test_rows_repeat_where_all_columns_do(rows: list[tuple[int, int, int]]) -> None:
    columns = [np.array([row[k] for row in rows], np.int32) for k in range(3)]
    expected = [row in rows[:place] for place, row in enumerate(rows)]
    assert _is_repeat(columns, len(rows)).tolist() == expected


wide = st.sampled_from([0, 7, 2**40, 2**62])


@given(st.lists(st.tuples(small, st.one_of(small, wide), small), max_size=30))
def test_rows_are_ordered_by_the_keys_and_then_stay_as_they_were(rows: list[tuple[int, int, int]]) -> None:
    keys = [np.array([row[k] for row in rows], np.int64) for k in range(3)]
    expected = sorted(range(len(rows)), key=rows.__getitem__)
    assert rows_in_order(*keys).tolist() == expected
