from __future__ import annotations

import os
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError

from features.schema import SchemaError, empty_ticket_events
from features.store import ConflictError, Store, StoreError, bulk, open_store, tables
from features.store.engine import make_engine, reading, writing
from tests.features.builders import event, events, service_event, service_events, with_sorted_attributes

ROOT = Path(__file__).resolve().parents[2]
NOON = datetime(2024, 3, 4, 12, tzinfo=UTC)


def test_events_come_back_as_they_were_stored(store: Store) -> None:
    frame = events(
        event(
            "T1",
            0,
            0,
            kind="created",
            status="new",
            priority="2",
            **{"attributes.title": 'Ärger, "quoted"', "attributes.zone": "1"},
        ),
        event("T1", 5, status="waiting", waiting_on="customer", assignee="Ann"),
        event("T2", 1, assignee="", recorded_at=pd.Timestamp("2024-03-04T09:00:00Z"), **{"attributes.zone": ""}),
    )
    store.append_ticket_events(frame, "test")
    pd.testing.assert_frame_equal(store.ticket_events(), with_sorted_attributes(frame))


def test_events_without_any_attribute_stay_beside_those_with_some(store: Store) -> None:
    frame = events(
        event("T1", 0, **{"attributes.b": "x", "attributes.a": "y"}),
        event("T1", 1),
        event("T1", 2),
        event("T1", 3, **{"attributes.b": "z"}),
    )
    store.append_ticket_events(frame, "test")
    pd.testing.assert_frame_equal(store.ticket_events(), with_sorted_attributes(frame))


def test_an_empty_store_gives_an_empty_frame_with_all_columns(store: Store) -> None:
    pd.testing.assert_frame_equal(store.ticket_events(), empty_ticket_events())
    assert store.last_sequence() == 0
    assert store.append_ticket_events(empty_ticket_events(), "test").inserted == 0


def test_service_events_come_back_as_they_were_stored(store: Store) -> None:
    frame = service_events(
        service_event("mail", 0, severity="major"), service_event("web", 1, kind="latency", phase="point", value=12.5)
    )
    store.append_service_events(frame, "test")
    pd.testing.assert_frame_equal(store.service_events(), frame)
    assert list(store.service_events(services=["web"])["value"]) == [12.5]
    assert store.last_service_sequence() == 2


def test_announced_maintenance_is_known_before_it_happens(store: Store) -> None:
    announced = service_event("mail", 600, kind="maintenance", recorded_at=pd.Timestamp("2024-03-04T08:00:00Z"))
    store.append_service_events(service_events(announced), "test")
    assert len(store.service_events(until=datetime(2024, 3, 4, 9, tzinfo=UTC))) == 1


def test_appending_twice_is_appending_once(store: Store) -> None:
    frame = events(event("T1", 0), event("T1", 5))
    first = store.append_ticket_events(frame, "test")
    again = store.append_ticket_events(frame, "test")
    assert (first.inserted, first.duplicates, first.first_sequence) == (2, 0, 1)
    assert (again.inserted, again.duplicates, again.first_sequence) == (0, 2, 0)
    assert len(store.ticket_events()) == 2


def test_another_content_under_the_same_id_refuses_the_whole_append(store: Store) -> None:
    store.append_ticket_events(events(event("T1", 5, status="open")), "test")
    with pytest.raises(ConflictError, match=r"status is stored as 'open', now 'closed'") as caught:
        store.append_ticket_events(events(event("T0", 1), event("T1", 5, status="closed"), event("T2", 1)), "test")
    assert "nothing was imported" in str(caught.value)
    assert list(store.ticket_events()["ticket_id"]) == ["T1"]


def test_of_two_creations_of_a_ticket_the_first_known_stays(store: Store) -> None:
    created = event("T1", 0, 0, kind="created", status="new")
    store.append_ticket_events(events(created), "test")
    report = store.append_ticket_events(events({**created, "status": "open"}), "test")
    assert (report.inserted, report.duplicates, report.kept) == (0, 0, 1)
    assert list(store.ticket_events()["status"]) == ["new"]


def test_a_frame_that_breaks_the_contract_is_refused(store: Store) -> None:
    with pytest.raises(SchemaError, match="occur twice"):
        store.append_ticket_events(pd.concat([events(event("T1")), events(event("T1"))], ignore_index=True), "test")


def test_readers_can_ask_for_what_is_new(store: Store) -> None:
    store.append_ticket_events(events(event("T1", 0)), "test")
    seen = store.last_sequence()
    store.append_ticket_events(events(event("T1", 0), event("T2", 1)), "test")
    assert list(store.ticket_events(since_sequence=seen)["ticket_id"]) == ["T2"]
    assert store.ticket_events(since_sequence=seen, up_to_sequence=seen).empty


def test_reading_until_an_instant_sees_neither_later_nor_later_recorded_events(store: Store) -> None:
    late = event("T2", 1, recorded_at=pd.Timestamp("2024-03-04T13:00:00Z"))
    store.append_ticket_events(events(event("T1", 0), late, event("T3", 300)), "test")
    assert list(store.ticket_events(until=NOON)["ticket_id"]) == ["T1"]


def test_reading_some_tickets_reads_no_others(store: Store) -> None:
    store.append_ticket_events(events(event("T1", 0), event("T2", 1), event("T3", 2)), "test")
    assert set(store.ticket_events(ticket_ids=["T3", "T1", "never"])["ticket_id"]) == {"T1", "T3"}
    assert store.ticket_events(ticket_ids=[]).empty
    assert store.ticket_count() == 3


def test_chunks_hold_what_one_read_holds(store: Store) -> None:
    store.append_ticket_events(events(*(event("T1", minute) for minute in range(25))), "test")
    chunks = list(store.ticket_event_chunks(chunk_rows=10))
    assert [len(chunk) for chunk in chunks] == [10, 10, 5]
    pd.testing.assert_frame_equal(pd.concat(chunks, ignore_index=True), store.ticket_events())


@pytest.mark.parametrize(
    "statement", ["UPDATE ticket_events SET kind = 1", "DELETE FROM ticket_events", "DELETE FROM words"]
)
def test_stored_events_can_be_neither_changed_nor_deleted(store: Store, url: str, statement: str) -> None:
    store.append_ticket_events(events(event("T1", 0)), "test")
    engine = make_engine(url)
    with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()
    assert len(store.ticket_events()) == 1


def test_the_view_shows_events_in_words(store: Store, url: str) -> None:
    store.append_ticket_events(events(event("T1", 0, status="open", team="Desk")), "test")
    engine = make_engine(url)
    with reading(engine) as connection:
        row = connection.execute(text("SELECT event_id, status, team, priority FROM ticket_events_text")).one()
    engine.dispose()
    assert tuple(row) == (event("T1", 0)["event_id"], "open", "Desk", None)


def test_an_append_that_fails_half_way_leaves_nothing(store: Store) -> None:
    frame = events(*(event("T1", minute) for minute in range(10)))

    def interrupt(_message: str, _done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.append_ticket_events(frame, "test", progress=interrupt)
    assert store.last_sequence() == 0
    assert store.append_ticket_events(frame, "test").inserted == 10


def test_two_writers_take_turns_and_lose_nothing(store: Store, url: str) -> None:
    def write(ticket: str) -> None:
        with open_store(url) as own:
            for minute in range(5):
                own.append_ticket_events(events(event(ticket, minute)), ticket)

    writers = [threading.Thread(target=write, args=(ticket,)) for ticket in ("T1", "T2")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert sorted(store.ticket_events()["ticket_id"]) == ["T1"] * 5 + ["T2"] * 5


def test_opening_at_once_migrates_once(url: str) -> None:
    faults: list[BaseException] = []

    def open_it() -> None:
        try:
            open_store(url).close()
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults


def test_the_migrations_make_the_tables_the_code_expects(store: Store, url: str) -> None:
    engine = make_engine(url)
    with reading(engine) as connection:
        assert compare_metadata(MigrationContext.configure(connection), tables.metadata) == []
        indices = {index["name"]: index["column_names"] for index in inspect(connection).get_indexes("ticket_events")}
    engine.dispose()
    assert indices["ticket_events_identity"] == ["ticket_id", "event_at", "ordinal"]


def test_a_store_of_a_newer_version_is_refused(url: str) -> None:
    open_store(url).close()
    engine = make_engine(url)
    with writing(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(StoreError, match="another version of slacast"):
        open_store(url)


def test_a_large_first_import_ends_as_several_small_ones(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "_WORTH_DEFERRING_ROWS", 10)
    frame = events(*(event(f"T{minute % 7}", minute) for minute in range(95)))
    store.append_ticket_events(frame, "test")
    assert store.append_ticket_events(frame, "test").duplicates == 95
    pd.testing.assert_frame_equal(store.ticket_events(), frame)


def test_an_import_killed_in_the_middle_leaves_nothing_and_can_be_repeated(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path / 'store.db'}"
    script = (
        "import os, sys\n"
        "from features.store import open_store\n"
        "from tests.features.builders import event, events\n"
        "frame = events(*(event('T1', minute) for minute in range(100)))\n"
        f"open_store({address!r}).append_ticket_events(frame, 'test', progress=lambda *_: os._exit(9))\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False
    )
    assert ended.returncode == 9
    with open_store(address) as store:
        assert store.last_sequence() == 0
        assert (
            store.append_ticket_events(events(*(event("T1", minute) for minute in range(100))), "test").inserted == 100
        )


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("mysql://host/name", "not supported"),
        ("no url", "is no database URL"),
        ("sqlite://", "would be lost"),
        ("postgresql://slacast@127.0.0.1:1/none", "no connection"),
    ],
)
def test_an_address_that_leads_nowhere_is_explained(address: str, words: str) -> None:
    with pytest.raises(StoreError, match=words):
        open_store(address)


def test_a_file_that_is_no_database_is_explained(tmp_path: Path) -> None:
    file = tmp_path / "store.db"
    file.write_text("this is text, and long enough to be taken for more than an empty file" * 20)
    with pytest.raises(StoreError, match="not a SQLite database"):
        open_store(f"sqlite:///{file}")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ada:hunter2@host:port/name",
        "postgresql//ada:hunter2@host/name",
        "ada:hunter2@host/name",
        "postgres://ada:hun@ter2@host:x/name",
        "oracle://ada:hunter2@host/name",
        "nonsense+driver://ada:hunter2@host/name",
    ],
)
def test_an_address_that_is_no_database_url_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(StoreError) as found:
        open_store(url)
    fault: BaseException | None = found.value
    assert "expected sqlite:///var/slacast.db" in str(fault)
    while fault is not None:  # a log shows what caused it too
        assert "hunter2" not in str(fault)
        assert "ter2" not in str(fault)
        fault = None if fault.__suppress_context__ and fault.__cause__ is None else fault.__cause__ or fault.__context__
