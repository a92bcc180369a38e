"""However events arrive, the store ends the same."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.store import Store, appending, open_store
from tests.features.builders import event, events

words = st.sampled_from([None, "", "Ann", "Bob", "Łucja; \"quoted\", 'twice'\n"])
records = st.builds(
    lambda ticket, minute, ordinal, late, values: {
        **event(ticket, minute, ordinal, **values),
        "recorded_at": event(ticket, minute + late)["event_at"],
    },
    st.sampled_from(["T1", "T2", "T3"]),
    st.integers(0, 5),
    st.integers(1, 3),
    st.integers(0, 3),
    st.fixed_dictionaries(
        {"assignee": words, "attributes.title": words, "status": st.sampled_from([None, "new", "open", "resolved"])}
    ),
)
logs = st.lists(records, min_size=1, max_size=12, unique_by=lambda record: record["event_id"])
few = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@lru_cache(maxsize=1)
def migrated_file() -> Path:
    path = Path(tempfile.mkdtemp()) / "store.db"
    open_store(f"sqlite:///{path}").close()
    return path


@contextmanager
def new_store() -> Iterator[Store]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.db"
        shutil.copy(migrated_file(), path)
        with open_store(f"sqlite:///{path}") as store:
            yield store


def content(store: Store) -> pd.DataFrame:
    frame = store.ticket_events()
    return frame[sorted(frame.columns)].sort_values("event_id").reset_index(drop=True)


def stored_at_once(log: list[dict[str, Any]]) -> pd.DataFrame:
    with new_store() as store:
        store.append_ticket_events(events(*log), "test")
        return content(store)


@few
@given(log=logs, data=st.data())
def test_any_order_and_any_overlapping_batches_end_the_same(log: list[dict[str, Any]], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(log))
    with new_store() as store:
        for _ in range(3):
            batch = data.draw(
                st.lists(st.sampled_from(shuffled), min_size=1, unique_by=lambda record: record["event_id"])
            )
            store.append_ticket_events(events(*batch), "part")
        store.append_ticket_events(events(*shuffled), "whole")
        again = store.append_ticket_events(events(*log), "again")
        assert (again.inserted, again.duplicates) == (0, len(log))
        pd.testing.assert_frame_equal(content(store), stored_at_once(log))


@few
@given(log=logs, batch_rows=st.integers(1, 4), stop_after=st.integers(1, 3))
def test_an_append_interrupted_anywhere_and_repeated_ends_the_same(
    log: list[dict[str, Any]], batch_rows: int, stop_after: int
) -> None:
    calls = 0

    def interrupt(_message: str, _done: int, _total: int) -> None:
        nonlocal calls
        calls += 1
        if calls == stop_after:
            raise KeyboardInterrupt

    usual = appending.BATCH_ROWS
    appending.BATCH_ROWS = batch_rows
    try:
        with new_store() as store:
            try:
                store.append_ticket_events(events(*log), "test", progress=interrupt)
            except KeyboardInterrupt:
                assert store.last_sequence() == 0
            store.append_ticket_events(events(*log), "test")
            pd.testing.assert_frame_equal(content(store), stored_at_once(log))
    finally:
        appending.BATCH_ROWS = usual


@few
@given(log=logs, chunk_rows=st.integers(1, 5))
def test_reading_on_from_the_last_sequence_misses_and_repeats_nothing(
    log: list[dict[str, Any]], chunk_rows: int
) -> None:
    with new_store() as store:
        seen, read = 0, []
        for start in range(0, len(log), chunk_rows):
            store.append_ticket_events(events(*log[start : start + chunk_rows]), "test")
            last = store.last_sequence()
            read += store.ticket_events(since_sequence=seen, up_to_sequence=last)["event_id"].tolist()
            seen = last
        assert read == [record["event_id"] for record in log]
