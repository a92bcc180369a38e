"""Service events carried as codes are stored like the frame of texts that says the same, and are held to the same contract."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.coded_events import CodedEvents, CodedServiceEvents
from features.importing import import_file
from features.schema import SchemaError, validate_service_events
from features.sources.mapping import parse_mapping
from features.sources.reading import read
from features.sources.result import frame_of
from features.store import Store, open_store
from sla.columns import Column
from sla.event_ids import EventIds

MAPPING = """\
kind: service_events
time_zone: UTC
duplicates: keep
columns: {service: name, event_at: at, recorded_at: known, kind: what, value: ms}
attributes: {status: status, site: site}
"""
ROWS = """\
name,at,known,what,ms,status,site
web,2024-03-04 09:00,,check,120,up,one
Mail,2024-03-04 09:00,2024-03-04 09:05,check,0.5,down,
web,2024-03-04 09:00,,check,-3,down,one
web!,2024-03-04 09:00,,check,,up,two
web,2024-03-03 09:00,2024-03-01 09:00,maintenance,,,
Mail,2024-03-04 09:00,2024-03-04 09:05,check,0,,
"""


def read_of(folder: Path, rows: str) -> CodedEvents | pd.DataFrame:
    (folder / "a.csv").write_text(rows, encoding="utf-8")
    return read(folder / "a.csv", parse_mapping(MAPPING)).found


@pytest.fixture
def found(tmp_path: Path) -> CodedServiceEvents:
    coded = read_of(tmp_path, ROWS)
    assert isinstance(coded, CodedServiceEvents)
    return coded


@pytest.mark.parametrize("batch_rows", [2, 100])
def test_codes_and_their_frame_are_stored_alike(
    found: CodedServiceEvents, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch_rows: int
) -> None:
    monkeypatch.setattr("features.store.appending.BATCH_ROWS", batch_rows)
    frame = frame_of(found)
    validate_service_events(frame)
    assert frame["event_id"].tolist() == [
        "Mail/check/point/20240304T090000000000/001",
        "Mail/check/point/20240304T090000000000/002",
        "web!/check/point/20240304T090000000000/001",
        "web/check/point/20240304T090000000000/001",
        "web/check/point/20240304T090000000000/002",
        "web/maintenance/point/20240303T090000000000/001",
    ]
    assert frame["value"].tolist()[:2] == [0.5, 0]
    done = store.append_service_events(found, "codes")
    # Attributes come back in alphabetical order.
    pd.testing.assert_frame_equal(store.service_events(), frame[[*frame.columns[:-2], *sorted(frame.columns[-2:])]])
    assert (done.inserted, store.append_service_events(frame, "texts").duplicates) == (len(frame), len(frame))
    with open_store(f"sqlite:///{tmp_path / 'other.db'}") as other:
        other.append_service_events(frame, "texts")
        assert other.append_service_events(found, "codes").duplicates == len(found) == 6


def test_rows_whose_ids_need_a_text_come_as_a_frame_and_are_stored_all_the_same(tmp_path: Path, store: Store) -> None:
    head, row = ROWS.splitlines()[:2]
    many = "\n".join([head, *[row] * 1001]) + "\n"
    slash = "\n".join([head, row.replace("web", "a/b"), row]) + "\n"
    for rows, count in ((many, 1001), (slash, 2)):
        events = read_of(tmp_path, rows)
        assert isinstance(events, pd.DataFrame)
        assert events["event_id"].is_unique
        assert len(events) == count
    (tmp_path / "mapping.yaml").write_text(MAPPING, encoding="utf-8")
    report = import_file(tmp_path / "a.csv", tmp_path / "mapping.yaml", store)
    assert report.stored is not None
    assert report.stored.inserted == 2


def with_column(name: str, column: Column) -> Callable[[CodedServiceEvents], CodedServiceEvents]:
    return lambda events: replace(events, columns={**events.columns, name: column})


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (with_column("service", Column(np.full(6, -1, np.int32), ())), "'service' is missing in 6 of 6 rows"),
        (with_column("service", Column(np.zeros(6, np.int32), ("",))), "'service' is missing in 6 of 6 rows"),
        (with_column("phase", Column(np.zeros(6, np.int32), ("half",))), r"'phase' holds \['half'\]"),
        (lambda events: replace(events, ids=EventIds.of(["a"] * 6)), "some ids are texts"),
        (
            lambda events: replace(events, at_us=events.at_us * 0, ids=EventIds(np.zeros(6, np.int16))),
            "2 event ids occur twice",
        ),
    ],
)  # fmt: skip
def test_events_that_break_the_contract_are_refused(
    found: CodedServiceEvents, store: Store, wrong: Callable[[CodedServiceEvents], CodedServiceEvents], words: str
) -> None:
    with pytest.raises(SchemaError, match=words):
        store.append_service_events(wrong(found), "wrong")
    assert store.last_service_sequence() == 0
