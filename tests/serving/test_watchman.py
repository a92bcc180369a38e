"""What is decided at each look: nothing twice, by one of two, at a pace, and never at the tick's cost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from features.store.repository import Store
from serving.alerting.watchman import Pace, Watchman
from serving.queue import Queue
from tests.serving.alert_receivers import rules_for
from tests.serving.builders import busy_desk
from tests.serving.real_desk import AT, agreements


def test_a_restart_tells_nothing_twice(store: Store, queue: Queue) -> None:
    rules = rules_for({"kind": "slack", "url_from": "HOOK"}, max_per_hour=3)
    assert Watchman(rules, agreements(), store.alerts).after_tick(queue) == 3
    stored = store.alerts.last_id()
    assert stored > 3  # the others are held back
    assert Watchman(rules, agreements(), store.alerts).after_tick(queue) == 0
    assert store.alerts.last_id() == stored
    again = Watchman(rules, agreements(), store.alerts)
    assert again.after_tick(queue, AT + timedelta(hours=1)) == 4  # three more, and how many were held back
    last = store.alerts.recent(9, None, ["summary"])["message"].item()
    assert f"{stored - 3} more alerts of Late were held back in the hour from Wed 3 Apr 14:00 CEST" in last


def test_of_two_that_look_at_once_one_tells(store: Store, queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    rules = rules_for({"kind": "slack", "url_from": "HOOK"})
    one, other = Watchman(rules, agreements(), store.alerts), Watchman(rules, agreements(), store.alerts)
    one._remember_what_is_stored(AT)
    monkeypatch.setattr(one, "_remember_what_is_stored", lambda _at: None)
    sent = other.after_tick(queue)
    assert sent > 0
    assert one.after_tick(queue) == 0
    assert store.alerts.still_to_send() == sent


def test_what_is_told_of_another_instant_is_sent_by_the_clock_of_those_who_send_it(store: Store, queue: Queue) -> None:
    """A queue as of some instant (`--as-of`) says nothing of when its alerts may go."""
    rules = rules_for({"kind": "slack", "url_from": "HOOK"})
    later = AT + timedelta(days=3)
    assert Watchman(rules, agreements(), store.alerts, clock=lambda: later).after_tick(queue) > 0
    (channel,) = rules.channels
    assert store.alerts.waiting(channel, later - timedelta(seconds=1)) == []
    assert store.alerts.waiting(channel, later) != []


def test_a_large_desk_rests_between_two_looks() -> None:
    seconds, done = [0.0], []

    def look() -> None:
        seconds[0] += 2.0
        done.append(seconds[0])

    pace = Pace(10.0, lambda: seconds[0])
    assert pace.take_turn(look)
    seconds[0] = 21.9
    assert not pace.take_turn(look)
    seconds[0] = 22.0
    assert pace.take_turn(look)
    assert done == [2.0, 24.0]


def test_what_fails_is_shown_and_decided_again_and_never_stops_the_tick(store: Store, queue: Queue) -> None:
    watchman = Watchman(rules_for({"kind": "slack", "url_from": "HOOK"}), agreements(), store.alerts)

    def lost(_connection: Any) -> None:
        raise ValueError("the lease is another's")

    assert watchman.after_tick(queue, conditions=[lost]) == 0
    assert watchman.problem == "Alerts are not told: ValueError: the lease is another's"
    assert store.alerts.last_id() == 0
    assert watchman.after_tick(busy_desk()) == 0
    assert "alerts need a scored queue" in str(watchman.problem)
    assert watchman.after_tick(queue) > 0
    assert watchman.problem is None
