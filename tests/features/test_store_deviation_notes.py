"""Notes on missed targets: the last holds, all are kept, and each is one line of the audit log."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from features.store import Store, open_store
from features.store.audit import Change
from features.store.deviation_notes import DeviationNote

AT = datetime(2026, 5, 1, tzinfo=UTC)
NOTE = DeviationNote(ticket_id="INC/1", target="resolution", made_by="Mara", made_at=AT, cause="no part in stock")
CHANGE = Change(at=AT, actor="Mara", action="deviation noted", subject="INC/1")


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with open_store(url) as opened:
        yield opened


def test_the_last_note_on_a_clock_holds_and_those_before_it_are_kept(store: Store) -> None:
    assert store.deviation_notes.last_number() == 0
    later = replace(NOTE, made_at=AT + timedelta(days=1), action="keep two", owner="Ö. Ito", due_on=date(2026, 6, 1))
    done = replace(later, made_at=AT + timedelta(days=40), is_done=True, made_by="Bo")
    other = replace(NOTE, target="first_response")
    for note in (NOTE, other, later, done):
        assert store.deviation_notes.add(note, CHANGE)
    assert store.deviation_notes.holding() == {("INC/1", "resolution"): done, ("INC/1", "first_response"): other}
    assert store.deviation_notes.history("INC/1", "resolution") == [NOTE, later, done]
    assert store.deviation_notes.history("INC", "resolution") == []
    assert store.deviation_notes.last_number() == 4
    assert len(store.audit.read()) == 4


def test_a_note_that_says_the_same_is_not_stored_whoever_sends_it(store: Store) -> None:
    assert store.deviation_notes.add(NOTE, CHANGE)
    assert not store.deviation_notes.add(replace(NOTE, made_by="Bo", made_at=AT + timedelta(days=1)), CHANGE)
    assert store.deviation_notes.holding() == {NOTE.key: NOTE}
    assert len(store.audit.read()) == 1
