from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest

from features.sources.mapping import load_mapping
from features.sources.reading import read
from simulation.demo import HISTORY_START, LIVE_START, demo_desk, demo_history
from simulation.export import COLUMNS, export_table, write_export

MAPPING = Path(__file__).parents[2] / "examples" / "demo" / "mapping.yaml"


@pytest.fixture(scope="module")
def events() -> pd.DataFrame:
    return demo_desk().events_until(HISTORY_START + timedelta(days=45))


def assert_comes_back(events: pd.DataFrame, path: Path) -> None:
    write_export(events, path)
    result = read(path, load_mapping(MAPPING))
    assert result.rejections == ()
    assert result.rows_read == len(events)
    found = result.events.sort_values("event_id", ignore_index=True)
    expected = events.sort_values("event_id", ignore_index=True)
    pd.testing.assert_frame_equal(found[expected.columns], expected)
    assert set(found.columns) == set(expected.columns)


def test_an_import_of_the_export_gives_the_same_events(events, tmp_path):
    assert_comes_back(events, tmp_path / "tickets.csv")


def test_a_packed_export_is_read_as_well(events, tmp_path):
    assert_comes_back(events.head(500), tmp_path / "tickets.csv.gz")


def test_the_hour_that_comes_twice_in_october_is_written_apart_and_read_apart(events, tmp_path):
    two = events[events["kind"] == "created"].head(2).copy()
    instants = pd.DatetimeIndex(["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"]).as_unit("us")
    two["event_at"] = two["recorded_at"] = instants
    assert export_table(two)["Happened"].tolist() == ["2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00"]
    write_export(two, tmp_path / "october.csv")
    found = read(tmp_path / "october.csv", load_mapping(MAPPING)).events
    assert found.sort_values("ticket_id")["event_at"].tolist() == list(instants)


def test_a_longer_export_repeats_the_ids_of_a_shorter_one(events):
    shorter = demo_desk().events_until(HISTORY_START + timedelta(days=20))
    assert set(shorter["event_id"]) < set(events["event_id"])


def test_the_export_reads_as_a_ticket_system_writes(events):
    table = export_table(events)
    assert list(table.columns) == list(COLUMNS.values())
    first = table.iloc[0]
    assert first["Entry"] == "Opened"
    assert first["State"] == "New"
    assert first["Assigned to"] == "-"
    assert first["Happened"].startswith("2026-01-05T0")
    assert first["Happened"].endswith("+01:00")
    assert set(table["State"]) == {
        "New",
        "In progress",
        "Waiting for customer",
        "Waiting for supplier",
        "Resolved",
        "Closed",
        "Cancelled",
    }


def test_what_the_export_has_no_word_for_is_refused(events):
    odd = events.head(5).assign(priority="9")
    with pytest.raises(ValueError, match=r"no word for some values of \['Priority'\]"):
        export_table(odd)


def test_the_history_ends_where_life_begins():
    history = demo_history(months=1)
    assert history["recorded_at"].max() <= LIVE_START.replace(month=2, day=2)
    assert history["recorded_at"].max() > LIVE_START.replace(month=2, day=2) - timedelta(days=3)
