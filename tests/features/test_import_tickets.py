"""Rows as ticket events: ids, creations, states, rejected rows, refused files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.importing import import_file
from features.schema import validate_ticket_events
from features.sources.faults import SourceError
from features.sources.mapping import parse_mapping
from features.sources.reading import read
from features.sources.result import ImportResult
from features.store import open_store
from tests.features.builders import MAPPING, ROWS, written

LENIENT = MAPPING + "rejected_share_limit: 0.9\n"
SNAPSHOTS = """\
time_zone: UTC
missing: ["?"]
columns: {ticket_id: t, event_at: at, opened_at: opened, order: n, status: s, assignee: who, kind: k, priority: p}
attributes: {where: place}
cleared: {assignee: ["?"]}
states: {N: new, A: open, W: {status: waiting, waiting_on: supplier}, "-100": null, "*": resolved}
values: {kind: {c: commented, "*": updated}, priority: {high: 1, low: null}}
"""


def result(folder: Path, rows: str, mapping: str = MAPPING) -> ImportResult:
    found = read(written(folder, rows), parse_mapping(mapping, "mapping.yaml"))
    validate_ticket_events(found.events)
    return found


def snapshot_rows(*rows: str) -> str:
    return "\n".join(["t,at,opened,n,s,who,k,p,place", *rows]) + "\n"


def column(found: ImportResult, name: str) -> list[Any]:
    return found.events[name].astype(object).where(found.events[name].notna(), None).tolist()


def test_each_row_becomes_an_event_with_the_mapped_state(tmp_path: Path) -> None:
    found = result(tmp_path, ROWS)
    assert column(found, "ticket_id") == ["T1", "T1", "T1", "T2"]
    assert column(found, "status") == ["new", "open", "resolved", "new"]
    assert column(found, "event_id")[0] == "T1/20240304T080000000000/001"
    assert found.rows_read == 4


def test_a_creation_happens_at_the_opening_and_is_known_with_the_first_row(tmp_path: Path) -> None:
    found = result(
        tmp_path,
        snapshot_rows(
            "T1,2024-03-04 08:10,2024-03-04 08:00,0,N,?,,high,here",
            "T1,2024-03-04 08:20,2024-03-04 08:00,1,A,Ann,,high,here",
        ),
        SNAPSHOTS,
    )
    created = found.events.iloc[0]
    assert (created["kind"], created["event_id"]) == ("created", "T1/20240304T080000000000/000")
    assert created["event_at"] == pd.Timestamp("2024-03-04T08:00Z")
    assert created["recorded_at"] == pd.Timestamp("2024-03-04T08:10Z")
    assert (created["status"], created["priority"], created["attributes.where"]) == ("new", "1", "here")
    assert len(found.events) == 3


def test_an_opening_after_the_first_row_moves_to_that_row_and_is_counted(tmp_path: Path) -> None:
    found = result(tmp_path, snapshot_rows("T1,2024-03-04 08:10,2024-03-04 09:00,0,N,?,,high,here"), SNAPSHOTS)
    assert found.events["event_at"].eq(pd.Timestamp("2024-03-04T08:10Z")).all()
    assert found.quality.opened_after_first_row == 1


def test_states_words_cleared_and_missing_values(tmp_path: Path) -> None:
    rows = [
        f"T1,2024-03-04 08:{10 + k},2024-03-04 08:10,{k},{s},{who},{kind},{p},{place}"
        for k, (s, who, kind, p, place) in enumerate(
            [
                ("N", "?", "", "high", "?"),
                ("W", "Ann", "c", "low", "here"),
                ("-100", "?", "x", "?", " here "),
                ("Z", "", "c", "high", "there"),
            ]
        )
    ]
    found = result(tmp_path, snapshot_rows(*rows), SNAPSHOTS)
    events = found.events[found.events["kind"] != "created"]
    kept = {name: events[name].astype(object).where(events[name].notna(), None).tolist() for name in events.columns}
    assert kept["status"] == ["new", "waiting", None, "resolved"]
    assert kept["waiting_on"] == ["", "supplier", None, ""]
    assert kept["assignee"] == ["", "Ann", "", None]
    assert kept["kind"] == ["updated", "commented", "updated", "commented"]
    assert kept["priority"] == ["1", None, None, "1"]
    assert kept["attributes.where"] == [None, "here", "here", "there"]


def test_values_that_differ_only_in_blanks_around_them_are_one(tmp_path: Path) -> None:
    found = result(tmp_path, ROWS.replace("T1,2024-03-04 09:30", " T1 ,2024-03-04 09:30"))
    assert found.quality.subjects == 2
    assert column(found, "ticket_id") == ["T1", "T1", "T1", "T2"]


def test_rows_of_the_same_minute_keep_the_logs_own_order(tmp_path: Path) -> None:
    rows = [f"T1,2024-03-04 08:10,2024-03-04 08:10,{k},{s},?,,high,here" for k, s in ((7, "Z"), (5, "N"), (6, "A"))]
    found = result(tmp_path, snapshot_rows(*rows), SNAPSHOTS)
    assert column(found, "status") == ["new", "new", "open", "resolved"]
    assert [event_id[-3:] for event_id in column(found, "event_id")] == ["000", "006", "007", "008"]


def test_an_order_that_repeats_or_has_many_digits_still_gives_one_id_an_event(tmp_path: Path) -> None:
    rows = [f"T1,2024-03-04 08:10,2024-03-04 08:10,{k},{s},?,,high,here" for k, s in ((2, "N"), (2, "A"), (1200, "Z"))]
    assert column(result(tmp_path, snapshot_rows(*rows), SNAPSHOTS), "status") == ["new", "new", "open", "resolved"]
    rows = [f"T1,2024-03-04 08:10,2024-03-04 08:10,{k},{s},?,,high,here" for k, s in ((998, "N"), (1200, "A"))]
    assert column(result(tmp_path, snapshot_rows(*rows), SNAPSHOTS), "status") == ["new", "new", "open"]


@pytest.mark.parametrize(
    ("rows", "reason", "example"),
    [
        (
            ROWS.replace("09:30", "9h30"),
            "column 'changed' has an unreadable date",
            "row 3, column 'changed': '2024-03-04 9h30'",
        ),
        (ROWS.replace("2024-03-04 09:30", ""), "column 'changed' has no date", "row 3, column 'changed': ''"),
        (ROWS.replace("2024-03-04 09:30", "1024-03-04 09:30"), "unreadable date", "'1024-03-04 09:30'"),
        (ROWS.replace("T2", ""), "no ticket id", "row 4, column 'ticket': ''"),
        (
            ROWS.replace("T2,", ""),
            "another number of fields than the header",
            "row 4: 2 fields in '2024-03-04 09:00,New'",
        ),
        (ROWS.replace("New\nT1", '"New",x\nT1', 1), "another number of fields", "row 2: 4 fields"),
    ],
)
def test_a_bad_row_is_left_out_counted_and_explained(tmp_path: Path, rows: str, reason: str, example: str) -> None:
    found = result(tmp_path, rows, LENIENT)
    (rejection,) = found.rejections
    assert reason in rejection.reason
    assert example in rejection.examples[0]
    assert (found.rows_read, found.rows_rejected, len(found.events)) == (4, 1, 3)


def test_every_row_is_an_event_a_rejection_or_a_duplicate(tmp_path: Path) -> None:
    rows = ROWS + ROWS.splitlines()[1] + "\nT3,never,New\n,2024-03-04 10:00,New\nT4\n\nT5,2024-03-04 12:00,New\n"
    found = result(tmp_path, rows, LENIENT)
    assert found.rows_read == len(found.events) + found.rows_rejected + len(found.duplicate_rows) == 9
    assert [one.count for one in found.rejections] == [1, 1, 1]
    assert found.duplicate_rows == (6,)


def test_identical_rows_can_be_kept(tmp_path: Path) -> None:
    found = result(tmp_path, ROWS + ROWS.splitlines()[1] + "\n", MAPPING + "duplicates: keep\n")
    assert len(found.events) == 5


def test_rows_are_told_apart_from_lines(tmp_path: Path) -> None:
    found = result(
        tmp_path, 'ticket,changed,state,note\nT1,2024-03-04 08:00,New,"two\nlines"\nT2,never,New,x\n', LENIENT
    )
    assert found.rejections[0].examples[0].startswith("row 3 (line 4), column 'changed'")


def test_too_many_bad_rows_refuse_the_file(tmp_path: Path) -> None:
    with pytest.raises(
        SourceError, match=r"1 of 4 rows would be rejected, more than the limit of 1\.0%; nothing was imported"
    ) as caught:
        result(tmp_path, ROWS.replace("09:30", "9h30"))
    assert "expected a date from 1970 to 2099 as 'iso'" in str(caught.value)
    assert "row 3, column 'changed': '2024-03-04 9h30'" in str(caught.value)
    with pytest.raises(SourceError, match="4 of 4 rows"):
        result(tmp_path, ROWS, MAPPING + "rejected_share_limit: 1\ndates: '%H:%M %Y'\n")


def test_an_unknown_state_refuses_the_file(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        result(tmp_path, ROWS.replace("Open", "Opened"))
    said = str(caught.value)
    assert "tickets.csv, row 3, column 'state': 'Opened' (1 row) is not in the mapping under `states`" in said
    assert "Did you mean 'Open'?" in said
    assert "`Opened: null` means no news" in said


def test_a_state_column_without_a_table_must_speak_our_words(tmp_path: Path) -> None:
    plain = MAPPING.replace(
        "states: {New: new, Open: open, Waiting for customer: {status: waiting, waiting_on: customer}, Done: resolved}",
        "",
    )
    with pytest.raises(SourceError, match="'New' is no status; expected one of new, open"):
        result(tmp_path, ROWS, plain)
    assert len(result(tmp_path, ROWS.lower().replace("done", "resolved"), plain).events) == 4


def test_an_order_that_is_no_number_is_rejected(tmp_path: Path) -> None:
    rows = snapshot_rows(
        *(f"T{k},2024-03-04 08:10,2024-03-04 08:10,{k},N,?,,high,here" for k in range(3)),
        "T9,2024-03-04 08:10,2024-03-04 08:10,first,N,?,,high,here",
    )
    assert (
        result(tmp_path, rows, SNAPSHOTS + "rejected_share_limit: 0.5\n").rejections[0].reason
        == "the order within the ticket is no number"
    )


def test_columns_that_nothing_mentions_are_named(tmp_path: Path) -> None:
    rows = "\n".join(
        f"{line},{extra}" for line, extra in zip(ROWS.strip().splitlines(), ["mood", *"abcd"], strict=True)
    )
    assert result(tmp_path, rows).unmapped_columns == ("mood",)
    assert result(tmp_path, rows, MAPPING + "ignore: {mood: who knows}\n").unmapped_columns == ()


def test_a_dry_run_stores_nothing(tmp_path: Path) -> None:
    mapping = written(tmp_path, MAPPING, "mapping.yaml")
    database = tmp_path / "store.db"
    report = import_file(written(tmp_path), mapping, f"sqlite:///{database}", dry_run=True)
    assert report.stored is None
    assert not database.exists()
    assert "Dry run: nothing was stored." in report.text()


def test_an_import_stores_tells_and_reports(tmp_path: Path) -> None:
    mapping = written(tmp_path, MAPPING, "mapping.yaml")
    told: list[str] = []
    report = import_file(
        written(tmp_path),
        mapping,
        f"sqlite:///{tmp_path / 'store.db'}",
        progress=lambda message, _done, _total: told.append(message),
    )
    assert told == ["reading tickets.csv", "reading tickets.csv", "storing events"]
    assert report.to_dict()["stored"]["inserted"] == 4
    assert "4 new events" in report.text()
    again = import_file(written(tmp_path), mapping, f"sqlite:///{tmp_path / 'store.db'}")
    assert "0 new events, 4 known already" in again.text()


def test_a_faulty_file_leaves_the_store_as_it_was(tmp_path: Path) -> None:
    mapping = written(tmp_path, MAPPING, "mapping.yaml")
    with open_store(f"sqlite:///{tmp_path / 'store.db'}") as store:
        import_file(written(tmp_path), mapping, store)
        with pytest.raises(SourceError):
            import_file(written(tmp_path, ROWS + "T3,2024-03-04 12:00,Exploded\n"), mapping, store)
        assert store.last_sequence() == 4


texts = st.sampled_from(["N", "A", "W", "Z"])
changes = st.lists(st.tuples(st.sampled_from(["T1", "T2"]), st.integers(0, 4), texts), min_size=1, max_size=10)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(log=changes, start=st.integers(0, 9), data=st.data())
def test_exports_that_overlap_or_come_in_another_order_end_as_one_whole_export(
    tmp_path_factory: pytest.TempPathFactory, log: list[tuple[str, int, str]], start: int, data: st.DataObject
) -> None:
    """Windows of one log, as a nightly export of the last days gives them: the events of the rows are the same."""
    counter: dict[str, int] = {}
    rows = []
    for ticket, minute, state in sorted(log, key=lambda change: change[1]):
        counter[ticket] = counter.get(ticket, -1) + 1
        rows.append(f"{ticket},2024-03-04 08:1{minute},2024-03-04 08:00,{counter[ticket]},{state},?,,high,here")
    folder = tmp_path_factory.mktemp("exports")
    window = data.draw(st.permutations(rows[min(start, len(rows) - 1) :]))
    mapping = parse_mapping(SNAPSHOTS)
    with open_store(f"sqlite:///{folder / 'store.db'}") as store:
        for name, lines in (("window.csv", window), ("whole.csv", data.draw(st.permutations(rows)))):
            store.append_ticket_events(read(written(folder, snapshot_rows(*lines), name), mapping).events, name)
        stored = store.ticket_events()
    whole = read(written(folder, snapshot_rows(*rows), "again.csv"), mapping).events
    of_rows = [
        frame[frame["kind"] != "created"].sort_values("event_id").reset_index(drop=True) for frame in (stored, whole)
    ]
    pd.testing.assert_frame_equal(of_rows[0], of_rows[1])
    assert set(stored["event_id"]) == set(whole["event_id"])
