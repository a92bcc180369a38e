"""Which tickets are looked at, and when."""

from __future__ import annotations

import numpy as np
import pytest

from features.histories import Histories
from features.snapshots import SnapshotKind, event_snapshots, grid_snapshots, open_snapshots, ordinals
from tests.features.desk_logs import START, agreements, busy_log, histories

START_US = START.value // 1000
MINUTE_US = 60_000_000


def _seen(found, snapshots) -> list[tuple[str, float, int]]:
    return [
        (str(found.ticket_ids[ticket]), (at_us - START_US) / MINUTE_US, int(kind))
        for ticket, at_us, kind in zip(snapshots.ticket, snapshots.at_us, snapshots.kind, strict=True)
    ]


def test_a_ticket_is_looked_at_when_it_is_known_and_after_each_record_that_leaves_it_open():
    found = histories(
        {"ticket": "A", "minute": 10, "delay": 5, "status": "new"},
        {"ticket": "A", "minute": 30, "status": "open"},
        {"ticket": "A", "minute": 60, "status": "resolved"},
        {"ticket": "A", "minute": 90, "status": "open"},
    )
    assert _seen(found, event_snapshots(found)) == [
        ("A", 15.0, SnapshotKind.CREATED),
        ("A", 30.0, SnapshotKind.EVENT),
        ("A", 90.0, SnapshotKind.EVENT),
    ]


def test_records_of_one_second_give_one_snapshot_after_the_last():
    found = histories(
        {"ticket": "A", "minute": 0, "status": "new"},
        {"ticket": "A", "minute": 30, "team": "desk"},
        {"ticket": "A", "minute": 30, "team": "network"},
    )
    snapshots = event_snapshots(found)
    assert len(snapshots) == 2
    assert found.states_at(snapshots.ticket, snapshots.at_us, "team").tolist() == [None, "network"]


def test_the_first_snapshot_shows_the_first_record_alone():
    found = histories(
        {"ticket": "A", "minute": 0, "status": "new"},
        {"ticket": "A", "minute": 0, "status": "resolved"},
        {"ticket": "B", "minute": 0, "status": "new"},
        {"ticket": "B", "minute": 0, "status": "new"},
    )
    snapshots = event_snapshots(found)
    assert _seen(found, snapshots) == [("A", 0.0, SnapshotKind.CREATED), ("B", 0.0, SnapshotKind.CREATED)]


def test_open_tickets_at_an_instant_are_those_open_as_known_then():
    found = histories(
        {"ticket": "A", "minute": 0, "status": "new"},
        {"ticket": "B", "minute": 0, "status": "resolved"},
        {"ticket": "C", "minute": 50, "status": "new"},
        {"ticket": "D", "minute": 10, "status": "new"},
        {"ticket": "D", "minute": 20, "delay": 100, "status": "closed"},
    )
    assert [row[0] for row in _seen(found, open_snapshots(found, START_US + 40 * MINUTE_US))] == ["A", "D"]


def test_a_record_that_comes_late_fills_the_past_and_never_overwrites_what_happened_after_it():
    found = histories(
        {"ticket": "A", "minute": 0, "status": "new"},
        {"ticket": "A", "minute": 30, "team": "network"},
        {"ticket": "A", "minute": 10, "delay": 60, "team": "desk", "category": "mail"},
    )
    ticket, at_us = np.array([0, 0]), START_US + np.array([40, 80]) * MINUTE_US
    assert found.states_at(ticket, at_us, "team").tolist() == ["network", "network"]
    assert found.states_at(ticket, at_us, "category").tolist() == [None, "mail"]


def test_grid_snapshots_of_a_ticket_do_not_depend_on_other_tickets_or_on_later_records():
    frame = busy_log(4)
    whole = Histories.from_events(frame, agreements())
    alone = Histories.from_events(frame[frame["ticket_id"] == "T3"], agreements())
    ours = [row for row in _seen(whole, grid_snapshots(whole, 5, 4)) if row[0] == "T3"]
    assert ours[: len(_seen(alone, grid_snapshots(alone, 5, 4)))] == _seen(alone, grid_snapshots(alone, 5, 4))
    assert len(ours) > 3
    assert _seen(whole, grid_snapshots(whole, 6, 4)) != _seen(whole, grid_snapshots(whole, 5, 4))


@pytest.mark.parametrize("one_in", [1, 6])
def test_the_grid_takes_one_instant_of_every_block(one_in):
    found = histories(
        {"ticket": "A", "minute": 0, "status": "new"}, {"ticket": "B", "minute": 60 * 48, "status": "new"}
    )
    rows = [row for row in _seen(found, grid_snapshots(found, 1, one_in)) if row[0] == "A"]
    assert abs(len(rows) - 48 / one_in) <= 1
    assert all(minute % 60 == 0 for _, minute, _ in rows)


def test_snapshots_of_a_ticket_are_counted_in_order_of_time():
    found = ordinals(np.array([3, 1, 3, 3, 9, 1]), np.array([50, 7, 20, 50, 1, 8]))
    assert found.tolist() == [2, 1, 1, 3, 1, 2]
    assert len(ordinals(np.zeros(0, np.int64), np.zeros(0, np.int64))) == 0
