"""Marks and saved views on both kinds of database: what holds is the last of each, and the same again is nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest

from features.store import Store
from features.store.audit import Change
from features.store.faults import StoreError
from features.store.marks import ACKNOWLEDGED, ASSIGNED, MOST_VIEWS, SEEN, SNOOZED, Mark, SavedView
from sla.instants import from_us

AT = from_us(1_700_000_000_000_000)


def mark(kind: str, ticket: str = "INC1", by: str = "Ada", **values: object) -> Mark:
    return Mark(**{"ticket_id": ticket, "kind": kind, "made_by": by, "made_at": AT, **values})  # type: ignore[arg-type]


def change(action: str) -> Change:
    return Change(at=AT, actor="Ada", action=action, subject="2 tickets")


def test_marks_are_read_in_order_from_where_one_was(store: Store) -> None:
    until = AT + timedelta(hours=4)
    first = [mark(SNOOZED, until_at=until), mark(SNOOZED, "INC2", until_at=until)]
    assert store.marks.add(first, change("snoozed")) == 2
    number, found = store.marks.since(0)
    assert found == first
    assert store.marks.add([mark(ASSIGNED, text="B. Ito")], change("assigned")) == 1
    assert store.marks.since(number)[1] == [mark(ASSIGNED, text="B. Ito")]
    assert [entry.change.action for entry in store.audit.read()] == ["assigned", "snoozed"]


def test_the_same_again_is_nothing_and_not_audited(store: Store) -> None:
    assert store.marks.add([mark(ACKNOWLEDGED)], change("once")) == 1
    again = [mark(ACKNOWLEDGED, by="Bo", made_at=AT + timedelta(hours=1)), mark(ACKNOWLEDGED)]
    assert store.marks.add(again, change("again")) == 0
    assert len(store.audit.read()) == 1
    assert store.marks.add([mark(SEEN)], change("seen")) == 1
    assert store.marks.add([mark(SEEN, by="Bo")], change("seen by another")) == 1  # a person's own
    assert store.marks.add([mark(ASSIGNED, text="C"), mark(ASSIGNED, "INC2")], change("two")) == 2


def test_a_saved_view_is_changed_given_up_and_bounded(store: Store) -> None:
    assert store.saved_views.save(SavedView("Ada", "VIP", "customer=Acme"), AT)
    assert not store.saved_views.save(SavedView("Ada", "VIP", "customer=Acme"), AT, "10.0.0.1")
    assert store.saved_views.save(SavedView("Ada", "VIP", "customer=Beta"), AT)
    assert store.saved_views.of("Ada") == [SavedView("Ada", "VIP", "customer=Beta")]
    assert store.saved_views.of("Bo") == []
    assert store.saved_views.save(SavedView("Ada", "VIP", ""), AT, "10.0.0.2")
    told = [entry.change for entry in store.audit.read()]
    assert [(one.actor, one.action, one.origin) for one in told] == [
        ("Ada", "view given up", "10.0.0.2"),
        ("Ada", "view saved", None),
        ("Ada", "view saved", None),
    ]
    assert "Acme" not in str(told)  # the audit log cannot be erased
    assert store.saved_views.of("Ada") == []
    for number in range(MOST_VIEWS):
        store.saved_views.save(SavedView("Ada", f"view {number:02}", "sort=due"), AT)
    with pytest.raises(StoreError, match="give one up"):
        store.saved_views.save(SavedView("Ada", "one more", "sort=due"), AT)
