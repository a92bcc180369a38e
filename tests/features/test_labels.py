"""How clocks ended, and since when that was known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.histories import Histories
from features.labels import breach_labels
from features.outcomes import is_undecided
from features.snapshots import Snapshots, event_snapshots
from sla.instants import NEVER_US
from tests.features.desk_logs import START, agreements, histories, logs

START_US = START.value // 1000
MINUTE_US = 60_000_000


def _label(found: Histories, **options) -> tuple[int, float | None]:
    """The label of the first ticket's first snapshot, and since which minute it was known."""
    labels = breach_labels(found, event_snapshots(found).take(np.array([0])), "resolution", **options)
    known_us = int(labels.known_us[0])
    return int(labels.breached[0]), None if known_us == NEVER_US else (known_us - START_US) / MINUTE_US


NEW = {"ticket": "A", "minute": 0, "status": "new", "priority": "high"}  # three hours around the clock
LATER = {"ticket": "Z", "minute": 3000, "status": "new", "priority": "high"}


def test_a_promise_kept_is_known_from_the_record_that_stopped_the_clock():
    assert _label(histories(NEW, {"ticket": "A", "minute": 100, "delay": 7, "status": "resolved"}, LATER)) == (0, 107.0)


def test_a_broken_promise_is_known_just_after_it_was_due():
    label, minute = _label(histories(NEW, {"ticket": "A", "minute": 400, "status": "resolved"}, LATER))
    assert label == 1
    assert minute == pytest.approx(180.0, abs=1e-6)


def test_a_ticket_still_open_within_its_time_has_no_label():
    assert _label(histories(NEW, {"ticket": "A", "minute": 60, "status": "open"})) == (-1, None)


def test_a_ticket_still_open_beyond_its_time_is_broken():
    assert _label(histories(NEW, LATER))[0] == 1


def test_a_ticket_without_an_agreement_has_no_label():
    assert _label(histories(NEW | {"priority": "none"}, {"ticket": "A", "minute": 60, "status": "closed"})) == (
        -1,
        None,
    )


def test_a_reopening_takes_the_label_back_until_the_next_end():
    found = histories(
        NEW,
        {"ticket": "A", "minute": 60, "status": "resolved"},
        {"ticket": "A", "minute": 90, "status": "open"},
        {"ticket": "A", "minute": 120, "status": "resolved"},
        LATER,
    )
    assert _label(found, as_of_us=START_US + 80 * MINUTE_US) == (0, 60.0)
    assert _label(found, as_of_us=START_US + 100 * MINUTE_US) == (-1, None)
    assert _label(found) == (0, 120.0)


def test_a_kept_promise_can_be_held_unknown_until_the_ticket_is_closed():
    rows = [NEW, {"ticket": "A", "minute": 60, "status": "resolved"}, LATER]
    assert _label(histories(*rows), met_is_final_when="closed") == (-1, None)
    rows.append({"ticket": "A", "minute": 900, "status": "closed"})
    assert _label(histories(*rows), met_is_final_when="closed") == (0, 900.0)


@pytest.mark.parametrize(
    ("rows", "is_censored"),
    [
        ([NEW, {"ticket": "A", "minute": 60, "status": "open"}], True),
        ([NEW, {"ticket": "A", "minute": 60, "status": "waiting", "waiting_on": "customer"}, LATER], True),
        ([NEW, {"ticket": "A", "minute": 60, "status": "resolved"}, LATER], False),
        ([NEW, LATER], False),  # broken by now, though still open
        ([NEW, {"ticket": "A", "minute": 60, "status": "cancelled"}, LATER], False),
        ([NEW | {"priority": "none"}, LATER], False),
    ],
)
def test_a_label_is_censored_only_while_an_outcome_can_still_come(rows, is_censored):
    found = histories(*rows)
    labels = breach_labels(found, event_snapshots(found).take(np.array([0])), "resolution")
    assert bool(labels.is_censored[0]) is is_censored


def test_a_promise_kept_that_waits_for_the_closing_is_censored():
    found = histories(NEW, {"ticket": "A", "minute": 60, "status": "resolved"}, LATER)
    labels = breach_labels(found, event_snapshots(found).take(np.array([0])), "resolution", None, "closed")
    assert (int(labels.breached[0]), bool(labels.is_censored[0])) == (-1, True)


def test_an_unknown_convention_is_refused():
    with pytest.raises(ValueError, match='expected "stopped" or "closed"'):
        _label(histories(NEW), met_is_final_when="resolved")


def test_only_clocks_that_run_or_wait_unbroken_are_undecided():
    found = histories(
        NEW,
        {"ticket": "A", "minute": 100, "status": "waiting", "waiting_on": "customer"},
        {"ticket": "A", "minute": 300, "status": "open"},
        {"ticket": "A", "minute": 500, "status": "open"},
    )
    assert is_undecided(found, event_snapshots(found), "resolution").tolist() == [True, True, True, False]


@settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
@given(logs(), st.integers(0, 4 * 24 * 60), st.sampled_from(["stopped", "closed"]))
def test_labels_as_of_an_instant_are_those_of_the_log_as_it_was_then(frame, minute, final):
    whole = Histories.from_events(frame, agreements())
    at = START + pd.Timedelta(minutes=minute)
    at_us = at.value // 1000 + 999_999  # records of one instant count within microseconds of it
    past = Histories.from_events(frame[frame["recorded_at"] <= at], agreements())
    snapshots = event_snapshots(past)
    place = {ticket_id: number for number, ticket_id in enumerate(whole.ticket_ids)}
    moved = np.array([place[past.ticket_ids[number]] for number in snapshots.ticket], np.int64)
    then = breach_labels(past, snapshots, "resolution", at_us, final)
    now = breach_labels(whole, Snapshots(moved, snapshots.at_us, snapshots.kind), "resolution", at_us, final)
    assert now.breached.tolist() == then.breached.tolist()
    assert now.known_us.tolist() == then.known_us.tolist()
    assert now.is_censored.tolist() == then.is_censored.tolist()
    assert not (now.is_censored & (now.breached >= 0)).any()
    later = breach_labels(whole, Snapshots(moved, snapshots.at_us, snapshots.kind), "resolution", None, final)
    known = later.known_by(at_us)
    assert later.breached[known].tolist() == then.breached[known].tolist()
