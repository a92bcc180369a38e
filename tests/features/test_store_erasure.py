"""Erasing personal data: it is gone from every table and from the file, all else stays, and nobody else may change a row."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import pandas as pd
import pytest
from sqlalchemy.exc import DBAPIError

from features.schema import conform_ticket_events
from features.store import StoreError, open_store
from features.store.audit import Change
from features.store.backup import back_up
from features.store.deviation_notes import DeviationNote
from features.store.engine import make_engine
from features.store.erasure import CHANGED, GONE, erase_customer, erase_older
from features.store.marks import ASSIGNED, Mark, SavedView
from features.store.migration import up_to_date
from features.store.tables import metadata

AT = datetime(2026, 5, 1, tzinfo=UTC)
NAME, SECRET = "Ada Byron", "my passport is lost, call Ada"
HOLD_NOTHING_OF_CUSTOMERS = {
    "audit", "imports", "service_events", "agreements", "outcomes", "outbox", "forecasts", "access_keys", "key_revocations", "sessions",
    "idempotency", "leases", "jobs", "suggestions", "reading_marks",
}  # fmt: skip
NOT_APPEND_ONLY = {"marks", "saved_views", "deviation_notes"}  # erasing changes them too, and so may others


def filled(url: str) -> None:
    rows = [
        _event("A1", 0, customer=NAME, kind="created", **{"attributes.title": SECRET}),
        _event("A1", 1, kind="assigned", assignee="Grace"),
        _event("B1", 0, customer="Someone else", kind="created", **{"attributes.title": "Printer"}),
        _event("B2", 0, customer="Another", kind="created", assignee=NAME, **{"attributes.title": f"for {NAME}"}),
    ]
    frame = pd.DataFrame(rows)
    for name in ("event_at", "recorded_at"):
        frame[name] = pd.to_datetime(frame[name], utc=True).astype("datetime64[us, UTC]")
    with open_store(url) as store:
        store.append_ticket_events(conform_ticket_events(frame), "test")
        said = {"target": "resolution", "is_shadow": False, "scored_at": AT, "snapshot_at": AT, "state": "running"}
        store.predictions.append(_frame([{**said, "ticket_id": one, "probability": 0.5, "reasons": f'["{SECRET} {one}"]'} for one in ("A1", "B1")]))  # fmt: skip
        store.feedback.append(_frame([{"key": one, "ticket_id": one, "given_at": AT, "given_by": "Grace", "verdict": "helpful", "comment": f"{SECRET} {one}"} for one in ("A1", "B1")]))  # fmt: skip
        store.alerts.append(_frame([{"key": one, "rule": "r", "subject_kind": "ticket", "subject": one, "event": "raised", "raised_at": AT, "message": f"{SECRET} {one}"} for one in ("A1", "B1")]))  # fmt: skip


def _frame(rows: list[dict]) -> pd.DataFrame:
    frame = pd.DataFrame(rows)
    for name in ("scored_at", "snapshot_at", "given_at", "raised_at"):
        if name in frame:
            frame[name] = frame[name].astype("datetime64[us, UTC]")
    return frame


def _event(ticket_id: str, ordinal: int, **values: str) -> dict:
    at = AT + timedelta(hours=ordinal)
    return {"event_id": f"{ticket_id}-{ordinal}", "ticket_id": ticket_id, "event_at": at, "recorded_at": at, **values}


def everything(url: str) -> str:
    engine = make_engine(url)
    with engine.connect() as connection:
        found = [str(connection.execute(table.select()).all()) for table in metadata.sorted_tables]
    engine.dispose()
    return "\n".join(found)


def test_a_customer_is_gone_everywhere_and_the_rest_stays(url: str):
    filled(url)
    with open_store(url) as store:
        before = store.ticket_events()
    with up_to_date(url) as engine:
        erased = erase_customer(engine, NAME, "erased-1", AT, "tester")
    assert erased.tickets == 1
    assert erased.mentions == 2  # a colleague of that name, and another's title: for a person to decide
    with open_store(url) as store:
        after = store.ticket_events()
        a1 = after["ticket_id"] == "A1"
        assert after.loc[a1, "customer"].dropna().tolist() == ["erased-1"]
        assert after.loc[a1, "attributes.title"].isna().all()
        kept = ["event_id", "ticket_id", "event_at", "recorded_at", "kind", "assignee"]
        pd.testing.assert_frame_equal(after[kept], before[kept])
        pd.testing.assert_frame_equal(after[~a1], before[~a1])
        reasons = store.predictions.in_force(AT).set_index("ticket_id")["reasons"]
        assert pd.isna(reasons["A1"])
        assert SECRET in reasons["B1"]
        comments = store.feedback.read().set_index("ticket_id")["comment"]
        assert pd.isna(comments["A1"])
        assert SECRET in comments["B1"]
        assert store.alerts.read(subject="A1")["message"].tolist() == [GONE]
        (entry,) = store.audit.read(action="customer erased")
        assert NAME not in str(entry)
        assert entry.change.after == {"tickets": 1, "texts": 1, "mentions": 2}
    assert f"{SECRET} A1" not in everything(url)


def test_the_name_itself_goes_where_nobody_else_bears_it(tmp_path: Path):
    path = tmp_path / "store.db"
    url = f"sqlite:///{path}"
    filled(url)
    with up_to_date(url) as engine:
        erase_customer(engine, "Someone else", "erased-2", AT, "tester")
    assert "Someone else" not in everything(url)
    on_disk = b"".join(one.read_bytes() for one in tmp_path.iterdir())
    assert b"Someone else" not in on_disk  # nor in what SQLite has freed


def test_old_tickets_lose_their_people_and_texts(url: str):
    filled(url)
    with up_to_date(url) as engine:
        assert erase_older(engine, AT + timedelta(minutes=30), AT, "tester").tickets == 2  # A1 had news later
        assert erase_older(engine, AT + timedelta(minutes=30), AT, "tester").texts == 0
    with open_store(url) as store:
        after = store.ticket_events().set_index("event_id")
    assert after.loc["B1-0", "customer"] == GONE
    assert after.loc["B2-0", "assignee"] == GONE
    assert after.loc["A1-0", "customer"] == NAME


def test_who_is_not_there_is_not_erased_and_nothing_changes(url: str):
    filled(url)
    before = everything(url)
    with up_to_date(url) as engine, pytest.raises(StoreError, match="no event names the customer"):
        erase_customer(engine, "ada byron", "erased-1", AT, "tester")
    assert everything(url) == before


@pytest.mark.parametrize("fails", [False, True])
def test_afterwards_the_tables_are_append_only_as_before(url: str, fails: bool):
    filled(url)
    with up_to_date(url) as engine:
        name = "nobody" if fails else NAME
        try:
            erase_customer(engine, name, "erased-1", AT, "tester")
        except StoreError:
            assert fails
        for table in (*CHANGED, "audit"):
            with engine.connect() as connection:
                is_empty = connection.execute(metadata.tables[table].select().limit(1)).first() is None
            column = next(iter(metadata.tables[table].primary_key.columns))
            change = metadata.tables[table].update().values({column.name: column})
            if not is_empty:  # SQLite asks its triggers for each row
                with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
                    connection.execute(change)


def test_of_every_table_it_is_decided_whether_it_holds_personal_data():
    assert set(metadata.tables) == set(CHANGED) | HOLD_NOTHING_OF_CUSTOMERS | NOT_APPEND_ONLY


def test_marks_and_saved_views_forget_with_the_rest(url: str):
    filled(url)
    with open_store(url) as store:
        change = Change(at=AT, actor="tester", action="tickets assigned", subject="B2")
        store.marks.add([Mark(ticket_id="B2", kind=ASSIGNED, made_by="tester", made_at=AT, text=NAME)], change)
        note = DeviationNote(
            ticket_id="A1", target="resolution", made_by="tester", made_at=AT, cause=SECRET, action=SECRET, owner=NAME
        )
        store.deviation_notes.add(note, replace(change, action="deviation noted"))
        store.deviation_notes.add(replace(note, ticket_id="B2"), replace(change, action="deviation noted"))
        store.saved_views.save(SavedView("tester", "one", urlencode({"customer": NAME})), AT)
        store.saved_views.save(SavedView("tester", "two", "customer=Another"), AT)
        store.saved_views.save(SavedView("tester", "typed", "sort=due&customer=Ada%20Byron"), AT)
        store.saved_views.save(SavedView("tester", f"for {NAME}", "status=open"), AT)
        store.saved_views.save(SavedView("tester", "alike", urlencode({"customer": "Ada-Byron"})), AT)
    with up_to_date(url) as engine:
        erase_customer(engine, NAME, "erased-1", AT, "tester")
    with open_store(url) as store:
        assert [view.name for view in store.saved_views.of("tester")] == ["alike", "two"]
        held = store.deviation_notes.holding()
        assert (held["A1", "resolution"].cause, held["A1", "resolution"].owner) == ("", "")
        assert held["B2", "resolution"].owner == NAME
        assert f"for {NAME}" not in str(store.audit.read())
        assert NAME in [mark.text for mark in store.marks.since(0)[1]]  # her ticket is A1; B2 was assigned to her
    with up_to_date(url) as engine:
        erase_older(engine, AT + timedelta(days=1000), AT, "tester")
    with open_store(url) as store:
        assert [mark.text for mark in store.marks.since(0)[1]] == [""]
        assert {(note.cause, note.action, note.owner) for note in store.deviation_notes.holding().values()} == {
            ("", "", "")
        }


def test_a_backup_of_a_store_in_use_is_whole_and_opens(tmp_path: Path):
    url = f"sqlite:///{tmp_path / 'store.db'}"
    filled(url)
    copy = tmp_path / "copy.db"
    with open_store(url) as store, up_to_date(url) as engine:
        assert back_up(engine, copy) > 0
        filled_later = _event("C1", 0, kind="created")
        frame = pd.DataFrame([filled_later])
        for name in ("event_at", "recorded_at"):
            frame[name] = frame[name].astype("datetime64[us, UTC]")
        store.append_ticket_events(conform_ticket_events(frame), "test")
        with pytest.raises(StoreError, match="exists already"):
            back_up(engine, copy)
    with open_store(f"sqlite:///{copy}") as restored, open_store(url) as store:
        assert restored.last_sequence() == 4
        assert store.last_sequence() == 5
        pd.testing.assert_frame_equal(restored.ticket_events(), store.ticket_events(up_to_sequence=4))


def test_a_backup_that_cannot_be_written_leaves_nothing_under_its_name(tmp_path: Path):
    url = f"sqlite:///{tmp_path / 'store.db'}"
    filled(url)
    target = tmp_path / "nowhere" / "copy.db"
    with up_to_date(url) as engine, pytest.raises(StoreError, match="the backup failed"):
        back_up(engine, target)
    assert not target.exists()
