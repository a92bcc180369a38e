"""Tickets of several askers in one state: of each asker what his own log says alone, to the last bit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.apart import apart, apart_name, asker_of
from features.families import declared
from features.histories import Histories, log_of
from features.keys import are_alone
from features.live import LiveHistories
from features.spec import FeatureSpec
from sla.events import EventLog
from tests.features.desk_logs import agreements, busy_log, full_spec, logs

RULES, SPEC = agreements(), full_spec()


def check(askers: list[EventLog], at_us: int) -> int:
    """How many rows were found to be the same."""
    together = apart(askers, RULES)
    snapshots = together.open_snapshots(at_us)
    names = together.ticket_ids(snapshots).tolist()
    alone = [LiveHistories(RULES).with_logs([log]) for log in askers]
    expected = {
        apart_name(asker, ticket_id): (asker, place)
        for asker, histories in enumerate(alone)
        for place, ticket_id in enumerate(histories.ticket_ids(histories.open_snapshots(at_us)).tolist())
    }
    assert sorted(names) == sorted(expected)
    for target in ("resolution", "first_response"):
        found, verdicts = together.matrix(snapshots, SPEC, target), together.verdicts(snapshots, target)
        for asker, histories in enumerate(alone):
            mine = histories.open_snapshots(at_us)
            own, own_verdicts = histories.matrix(mine, SPEC, target), histories.verdicts(mine, target)
            rows = [row for row, name in enumerate(names) if expected[name][0] == asker]
            places = [expected[names[row]][1] for row in rows]
            pd.testing.assert_frame_equal(
                found.iloc[rows].reset_index(drop=True), own.iloc[places].reset_index(drop=True), check_exact=True
            )
            for name in vars(own_verdicts).keys() - {"begin_row"}:  # a place in the log, which is another one
                column = getattr(own_verdicts, name)
                np.testing.assert_array_equal(getattr(verdicts, name)[rows], column[places], err_msg=name)
    return len(names)


@settings(deadline=None, max_examples=15, suppress_health_check=list(HealthCheck))
@given(st.lists(logs(tickets=3, events=10), min_size=2, max_size=4), st.integers(0, 9))
def test_each_ticket_has_the_features_and_clocks_that_it_has_among_its_askers_alone(
    frames: list[pd.DataFrame], eighths: int
) -> None:
    askers = [log_of(frame) for frame in frames]
    known_us = np.sort(np.concatenate([log.known_us for log in askers]))
    check(askers, int(known_us[min(len(known_us) * eighths // 8, len(known_us) - 1)]) + 1)


def test_busy_desks_that_use_the_same_ids_teams_and_instants_know_nothing_of_one_another() -> None:
    askers = [log_of(busy_log(seed)) for seed in (3, 3, 4, 5)]
    last_us = max(int(log.known_us.max()) for log in askers)
    assert check(askers, last_us) > len(askers)
    # What they would see of one another, were they not apart: the test would find it.
    mixed = LiveHistories(RULES).with_logs([askers[0], askers[2]])
    own = LiveHistories(RULES).with_logs([askers[0]])
    assert not mixed.matrix(mixed.open_snapshots(last_us), SPEC).equals(own.matrix(own.open_snapshots(last_us), SPEC))


def test_the_families_that_look_at_others_may_be_missing() -> None:
    chosen = replace(SPEC.settings, families=("clock",))
    clocks = FeatureSpec(declared(chosen), chosen)
    askers = [log_of(busy_log(seed)) for seed in (1, 2)]
    at_us = max(int(log.known_us.max()) for log in askers)
    together = apart(askers, RULES)
    found = together.matrix(together.open_snapshots(at_us), clocks)
    everything = together.matrix(together.open_snapshots(at_us), SPEC)
    pd.testing.assert_frame_equal(found, everything[list(clocks.columns)], check_exact=True)
    assert len(found) > 1


@pytest.mark.parametrize("ticket_id", ["INC1", "0001/INC1", "", "a/b"])
def test_a_name_tells_whose_ticket_it_is(ticket_id: str) -> None:
    assert asker_of(apart_name(17, ticket_id)) == (17, ticket_id)


def test_names_are_in_the_order_of_askers_and_then_of_ids() -> None:
    named = [(asker, ticket_id) for asker in (0, 2, 10) for ticket_id in ("A", "B", "b")]
    assert sorted(named) == [asker_of(name) for name in sorted(apart_name(*one) for one in reversed(named))]


def test_tickets_are_alone_where_no_asker_sent_two() -> None:
    one, two = (log_of(busy_log(seed)) for seed in (3, 4))
    single, other = (log.of_tickets(np.array([0])) for log in (one, two))
    several = [([single], True), ([one], False), ([single, other, single], True), ([single, two], False)]
    for askers, expected in several:
        (log, *_over) = apart(askers, RULES).logs()
        assert are_alone(Histories.from_log(log, RULES)) == expected, len(askers)
    assert are_alone(Histories.from_log(single, RULES))
    assert not are_alone(Histories.from_log(one, RULES))
