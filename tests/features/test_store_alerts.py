"""The store of alerts: nothing that was decided is lost, and of two who decide one is heard. On SQLite and PostgreSQL."""

from __future__ import annotations

import pytest

from features.store import Store, StoreError
from features.store.alerts import DEAD, DELIVERED, FAILED, OutpacedError
from tests.features.stored_alerts import NOON, alerts, at, attempted, raised, waiting


def test_an_alert_is_sent_until_it_is_delivered_or_given_up(store: Store) -> None:
    assert raised(store, "a", "b", "c", due=0) == 3
    assert raised(store, "a", due=0) == 0
    assert waiting(store, "mail", 0) == [(0, "a"), (0, "b"), (0, "c")]
    assert waiting(store, "mail", -1) == []
    attempted(store, 1, DELIVERED, 1)
    attempted(store, 2, FAILED, 1, retry_at=at(5))
    attempted(store, 3, FAILED, 1, retry_at=at(2))
    assert waiting(store, "mail", 1) == []
    assert waiting(store, "mail", 5) == [(1, "b"), (1, "c")]
    attempted(store, 2, DEAD, 5)
    attempted(store, 3, DELIVERED, 5)
    assert waiting(store, "mail", 99) == []
    assert [key for _, key in waiting(store, "chat", 99)] == ["a", "b", "c"]
    assert store.alerts.still_to_send() == 3
    assert list(store.alerts.deliveries(2)["state"]) == [FAILED, DEAD]
    assert list(store.alerts.dead_letters()["alert_id"]) == [2]


def test_what_is_to_be_sent_is_stored_exactly_if_the_alert_is(store: Store) -> None:
    with pytest.raises(StoreError, match="missing"):
        store.alerts.append(alerts("a").assign(message=None), [["mail"]], due_at=NOON)
    assert store.alerts.still_to_send() == 0
    assert store.alerts.append(alerts("a"), [["mail", "mail", "chat"]], due_at=NOON, after_id=0).inserted == 1
    assert store.alerts.still_to_send() == 2


def test_of_two_who_decided_by_the_same_past_only_one_is_heard(store: Store) -> None:
    store.alerts.append(alerts("a"), [["mail"]], due_at=NOON, after_id=0)
    with pytest.raises(OutpacedError, match="up to 1 are stored, not up to 0"):
        store.alerts.append(alerts("b"), [["mail"]], due_at=NOON, after_id=0)
    assert store.alerts.last_id() == 1
    assert list(store.alerts.after(0)["key"]) == ["a"]


def test_what_alerts_stand_is_read_without_the_whole_past(store: Store) -> None:
    for minute, subject, event in (
        (0, "T1", "raised"),
        (1, "T1", "recovered"),
        (2, "T2", "raised"),
        (9, "T3", "recovered"),
    ):
        row = alerts(f"{subject} {event}").assign(subject=subject, event=event, raised_at=at(minute))
        store.alerts.append(row)
    assert list(store.alerts.standing(at(5), ["recovered"])["subject"]) == ["T2", "T3"]
    assert list(store.alerts.recent(2, None, ["raised", "recovered"])["alert_id"]) == [4, 3]
    assert list(store.alerts.recent(2, 3, ["raised"])["alert_id"]) == [1]
    assert store.alerts.recent(2, 3, ["never"]).empty
