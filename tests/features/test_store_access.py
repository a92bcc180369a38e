"""Keys, sessions, the audit log and kept answers, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from features.store import ConflictError, Store, StoreError
from features.store.access_keys import AccessKey, StoredSession
from features.store.audit import Change, audit_note
from features.store.engine import writing
from features.store.idempotency import AnsweredError, KeptAnswer, answer_note
from tests.serving.real_desk import frame_of

NOW = datetime(2026, 5, 18, 8, tzinfo=UTC)
DAY = timedelta(days=1)


def key(prefix: str = "abc", **values: object) -> AccessKey:
    given = {"name": "desk", "role": "dispatcher", "hashed": "$argon2$x", "created_at": NOW, "created_by": "ada"}
    return AccessKey(**{"prefix": prefix, **given, **values})  # type: ignore[arg-type]


def event(number: int = 0, **values: object) -> dict[str, object]:
    given = {"event_id": f"e{number}", "ticket_id": "T1", "event_at": NOW, "recorded_at": NOW, "kind": "created"}
    return {**given, **values}


def change(**values: object) -> Change:
    return Change(**{"at": NOW, "actor": "ada", "action": "tried", "subject": "x", **values})  # type: ignore[arg-type]


def test_a_key_is_found_by_its_prefix_as_it_was_stored(store: Store) -> None:
    made = key(teams=("Netz, Büro",), services=("Mail",), expires_at=NOW + DAY)
    assert store.access_keys.has_any() is False
    store.access_keys.add(made)
    assert store.access_keys.find("abc") == made
    assert store.access_keys.find("ab") is None
    assert store.access_keys.all() == [made]
    assert store.access_keys.has_any() is True


def test_a_key_is_valid_until_it_expires_or_is_revoked(store: Store) -> None:
    store.access_keys.add(key(expires_at=NOW + DAY))
    found = store.access_keys.find("abc")
    assert found is not None
    assert [found.is_valid(at) for at in (NOW, NOW + DAY - timedelta(microseconds=1), NOW + DAY)] == [True, True, False]
    store.access_keys.revoke("abc", NOW, "bob")
    revoked = store.access_keys.find("abc")
    assert revoked is not None
    assert revoked.is_valid(NOW) is False
    assert store.access_keys.has_any() is True


def test_a_prefix_names_one_key_and_a_key_is_revoked_once(store: Store) -> None:
    store.access_keys.add(key())
    with pytest.raises(StoreError, match="already; make another"):
        store.access_keys.add(key())
    store.access_keys.revoke("abc", NOW, "bob")
    with pytest.raises(StoreError, match="was revoked at 2026-05-18"):
        store.access_keys.revoke("abc", NOW, "bob")
    with pytest.raises(StoreError, match="there is no key 'nope'"):
        store.access_keys.revoke("nope", NOW, "bob")


def test_making_and_revoking_a_key_is_in_the_audit_log_without_its_hash(store: Store) -> None:
    store.access_keys.add(key(), origin="127.0.0.1")
    store.access_keys.revoke("abc", NOW + DAY, "bob")
    revoked, made = (entry.change for entry in store.audit.read())
    assert (made.action, made.actor, made.subject, made.origin) == ("key created", "ada", "abc", "127.0.0.1")
    assert made.after is not None
    assert made.after["role"] == "dispatcher"
    assert (revoked.action, revoked.actor, revoked.before) == ("key revoked", "bob", made.after)
    assert "argon2" not in str(store.audit.read())


@pytest.mark.parametrize("table", ["audit", "access_keys", "key_revocations"])
def test_the_database_refuses_to_change_what_was_recorded(store: Store, table: str) -> None:
    store.access_keys.add(key())
    store.access_keys.revoke("abc", NOW, "bob")
    first = {"audit": "actor", "access_keys": "role", "key_revocations": "revoked_by"}[table]
    for statement in (f"UPDATE {table} SET {first} = 'mallory'", f"DELETE FROM {table}"):  # noqa: S608
        with pytest.raises(StoreError, match="append-only"), writing(store._engine) as connection:
            connection.execute(text(statement))


def test_the_audit_log_is_read_newest_first_in_pages_and_by_who_what_and_when(store: Store) -> None:
    for number in range(5):
        store.audit.append(change(at=NOW + number * DAY, subject=str(number), actor="ada" if number % 2 else "bob"))
    newest = store.audit.read(limit=2)
    assert [entry.change.subject for entry in newest] == ["4", "3"]
    assert [one.change.subject for one in store.audit.read(before_number=newest[-1].number)] == ["2", "1", "0"]
    assert [one.change.subject for one in store.audit.read(actor="ada")] == ["3", "1"]
    assert [one.change.subject for one in store.audit.read(since=NOW + DAY, until=NOW + 2 * DAY)] == ["2", "1"]
    assert store.audit.read(action="nothing") == []


def test_what_was_before_and_after_comes_back_as_it_was(store: Store) -> None:
    said = change(before={"a": None, "ü": [1, 2.5]}, after={}, origin="::1")
    store.audit.append(said)
    assert store.audit.read()[0].change == said


def test_a_note_is_stored_exactly_if_the_append_is(store: Store) -> None:
    note = audit_note(lambda report: change(after={"inserted": report.inserted}))
    store.append_ticket_events(frame_of([event()]), "test", notes=[note])
    assert store.audit.read()[0].change.after == {"inserted": 1}
    store.append_ticket_events(frame_of([event(2)]), "test")
    with pytest.raises(ConflictError):
        store.append_ticket_events(frame_of([event(2, kind="updated")]), "test", notes=[note])
    with pytest.raises(ZeroDivisionError):
        store.append_ticket_events(frame_of([event(1)]), "test", notes=[lambda connection, report: 1 / 0])  # type: ignore[list-item,return-value]
    assert store.last_sequence() == 2
    assert len(store.audit.read()) == 1


def kept(**values: object) -> KeptAnswer:
    given = {"caller": "abc", "key": "k1", "digest": "d", "status": 201, "body": "{}", "at": NOW}
    return KeptAnswer(**{**given, **values})  # type: ignore[arg-type]


def test_an_answer_is_kept_two_days_for_its_caller_and_key(store: Store) -> None:
    store.append_ticket_events(frame_of([event()]), "test", notes=[answer_note(lambda report: kept())])
    assert store.idempotency.find("abc", "k1", NOW) == kept()
    assert store.idempotency.find("other", "k1", NOW) is None
    assert store.idempotency.find("abc", "k1", NOW + 2 * DAY) is None
    later = answer_note(lambda report: kept(at=NOW + 2 * DAY, status=200))
    store.append_ticket_events(frame_of([event(1)]), "test", notes=[later])
    assert store.idempotency.find("abc", "k1", NOW + 2 * DAY) == kept(at=NOW + 2 * DAY, status=200)


def test_a_key_answered_meanwhile_stores_nothing(store: Store) -> None:
    note = answer_note(lambda report: kept())
    store.append_ticket_events(frame_of([event()]), "test", notes=[note])
    with pytest.raises(AnsweredError):
        store.append_ticket_events(frame_of([event(1)]), "test", notes=[note])
    assert store.last_sequence() == 1


def session(digest: str = "d1", **values: object) -> StoredSession:
    given = {"holder": {"name": "Ada"}, "begun_at": NOW, "expires_at": NOW + DAY}
    return StoredSession(**{"digest": digest, **given, **values})  # type: ignore[arg-type]


def test_a_session_lives_until_it_ends_or_expires(store: Store) -> None:
    store.sessions.begin(session(), change(action="logged in"))
    assert store.sessions.find("d1", NOW) == session()
    assert store.sessions.find("d1", NOW + DAY) is None
    assert store.sessions.end("d1", change(action="logged out")) is True
    assert store.sessions.end("d1", change(action="logged out")) is False
    assert store.sessions.find("d1", NOW) is None
    assert [entry.change.action for entry in store.audit.read()] == ["logged out", "logged in"]


def test_expired_sessions_are_removed_when_another_begins(store: Store) -> None:
    store.sessions.begin(session(), change())
    store.sessions.begin(session("d2", begun_at=NOW + DAY, expires_at=NOW + 2 * DAY), change())
    assert store.sessions.find("d1", NOW) is None
    assert store.sessions.find("d2", NOW + DAY) is not None
