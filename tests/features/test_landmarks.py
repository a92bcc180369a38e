"""When the running clock passes a share of its target, as known then."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.histories import Histories
from features.landmarks import share_snapshots
from features.snapshots import SnapshotKind
from sla.clocks.replay import verdicts_at
from sla.clocks.verdicts import VerdictState
from tests.features.desk_logs import START, agreements, histories, logs

START_US = START.value // 1000
MINUTE_US = 60_000_000
NEW = {"ticket": "A", "minute": 0, "status": "new", "priority": "high"}  # three hours around the clock
LATER = {"ticket": "Z", "minute": 9000, "status": "closed"}


def _minutes(found: Histories, share: float, target: str = "resolution") -> list[float]:
    """At which minutes ticket A passes the share."""
    snapshots = share_snapshots(found, target, [share])[share]
    assert set(snapshots.kind.tolist()) <= {SnapshotKind.SHARE}
    return ((snapshots.at_us[snapshots.ticket == 0] - START_US) / MINUTE_US).tolist()


def test_a_clock_that_runs_on_passes_each_share_once():
    found = histories(NEW, LATER)
    assert {share: _minutes(found, share) for share in (0.1, 0.5, 0.9)} == {0.1: [18.0], 0.5: [90.0], 0.9: [162.0]}


def test_closed_hours_do_not_count():
    low = NEW | {"priority": "low"}  # five working hours from Friday 07:00 in Berlin: open 08 to 12 and 13 to 18
    assert _minutes(histories(low, LATER), 0.9) == [60 + 5 * 60 + 30]


def test_a_pause_moves_the_instant():
    found = histories(
        NEW,
        {"ticket": "A", "minute": 60, "status": "waiting", "waiting_on": "customer"},
        {"ticket": "A", "minute": 200, "status": "open", "waiting_on": ""},
        LATER,
    )
    assert _minutes(found, 0.1) == [18.0]
    assert _minutes(found, 0.5) == [230.0]


def test_a_ticket_that_ends_before_has_none():
    assert _minutes(histories(NEW, {"ticket": "A", "minute": 80, "status": "resolved"}, LATER), 0.5) == []


def test_a_record_that_makes_the_share_used_at_once_is_the_instant():
    low = NEW | {"priority": "low"}
    found = histories(low, {"ticket": "A", "minute": 170, "priority": "high"}, LATER)
    assert _minutes(found, 0.9) == [170.0]


def test_what_is_recorded_later_does_not_move_it():
    found = histories(
        NEW, {"ticket": "A", "minute": 60, "delay": 100, "status": "waiting", "waiting_on": "customer"}, LATER
    )
    assert _minutes(found, 0.5) == [90.0]


def test_nothing_is_passed_after_the_end_of_the_log():
    found = histories(NEW, {"ticket": "Z", "minute": 60, "status": "closed"})
    assert _minutes(found, 0.1) == [18.0]
    assert _minutes(found, 0.5) == []


@pytest.mark.parametrize("share", [0.0, 1.0, -0.5, float("nan")])
def test_a_share_outside_the_target_is_refused(share):
    with pytest.raises(ValueError, match="between 0 and 1"):
        share_snapshots(histories(NEW), "resolution", [share])


@settings(deadline=None, max_examples=25, suppress_health_check=list(HealthCheck))
@given(logs(tickets=3, events=14), st.sampled_from([0.1, 0.5, 0.9]), st.sampled_from(["resolution", "first_response"]))
def test_each_ticket_is_looked_at_first_when_a_minute_by_minute_look_finds_the_share_used(frame, share, target):
    found = Histories.from_events(frame, agreements())
    snapshots = share_snapshots(found, target, [share])[share]
    for ticket in range(len(found.ticket_ids)):
        mine = snapshots.at_us[snapshots.ticket == ticket]
        seen = _by_the_minute(found, ticket, share, target)
        assert len(mine) == 0 if seen is None else abs(int(mine.min()) - seen) <= MINUTE_US


def _by_the_minute(found: Histories, ticket: int, share: float, target: str) -> int | None:
    steps = found.steps
    mine = steps.known_us[steps.offsets[ticket] : steps.offsets[ticket + 1]]
    last_of_second = mine[np.append(mine[1:] // 1_000_000 > mine[:-1] // 1_000_000, True)]
    first, last = int(mine[0]), found.last_known_us
    minutes = np.arange(first - first % MINUTE_US, last + 1, MINUTE_US)
    instants = np.unique(np.concatenate([last_of_second, minutes[minutes >= first]]))
    then = verdicts_at(found.log, found.agreements, target, np.full(len(instants), ticket), instants)
    passed = (then.state == VerdictState.RUNNING) & (then.elapsed_us >= np.ceil(share * then.target_us))
    return int(instants[passed][0]) if passed.any() else None
