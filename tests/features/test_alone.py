"""A ticket of which nothing but itself is known goes a short way, and gets the features that the long way gives."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings

from features.histories import Histories
from features.live import LiveHistories
from features.outcomes import Outcomes, is_without_end
from features.pipeline import build
from features.service_histories import ServiceHistories
from features.snapshots import SnapshotKind, Snapshots, open_snapshots
from features.view import View
from sla.instants import DAY_US
from tests.features.desk_logs import agreements, busy_log, frame, full_spec, logs

RULES, SPEC = agreements(), full_spec()
MINUTE_US = 60_000_000
STRANGER = {"ticket": "zz", "minute": 600 * 24 * 60, "delay": 0, "status": "open", "team": "network", "priority": "low"}
"""A ticket that is opened after everything: nobody knows of it yet, but it takes the short way from the others."""


def looked_at(histories: Histories, ticket: str) -> Snapshots:
    """Snapshots of the ticket after each of its records, and some time after."""
    place = int(np.flatnonzero(histories.ticket_ids == ticket)[0])
    steps = histories.steps
    known_us = steps.known_us[steps.offsets[place] : steps.offsets[place + 1]]
    later = [0, 1_000_000, 17 * MINUTE_US, DAY_US // 3, 9 * DAY_US]
    at_us = np.concatenate([known_us + wait_us for wait_us in later])
    return Snapshots(np.full(len(at_us), place), at_us, np.full(len(at_us), SnapshotKind.LIVE, np.int8))


def rows(events: pd.DataFrame, ticket: str, target: str) -> pd.DataFrame:
    histories = Histories.from_events(events, RULES)
    return build(histories, looked_at(histories, ticket), SPEC, target)


@settings(deadline=None, max_examples=12, suppress_health_check=list(HealthCheck))
@given(logs(tickets=4, events=24))
def test_a_ticket_alone_has_the_features_it_has_beside_one_that_nobody_knows_yet(events: pd.DataFrame) -> None:
    for ticket in events["ticket_id"].unique().tolist():
        alone = events[events["ticket_id"] == ticket].reset_index(drop=True)
        beside = pd.concat([alone, frame([STRANGER])], ignore_index=True)
        for target in ("resolution", "first_response"):
            pd.testing.assert_frame_equal(rows(alone, ticket, target), rows(beside, ticket, target), check_exact=True)


@pytest.mark.parametrize("target", ["resolution", "first_response"])
def test_tickets_of_one_record_each_have_the_rows_that_they_have_beside_one_of_two(target: str) -> None:
    """Where every ticket has one record nothing came before any, and what follows from that is not worked out."""
    events, later = busy_log(11), STRANGER | {"minute": 601 * 24 * 60, "status": "waiting"}
    firsts = events.sort_values(["recorded_at", "event_id"]).groupby("ticket_id").head(1)
    silent = firsts.assign(team=None, assignee=None, status=None)
    late = firsts.assign(recorded_at=firsts["recorded_at"] + pd.Timedelta(minutes=7))
    for some in (firsts, silent, late, *(firsts.iloc[[place]] for place in range(4))):
        alone = some.reset_index(drop=True)
        beside = pd.concat([alone, frame([STRANGER, later])], ignore_index=True)
        mine, among = Histories.from_events(alone, RULES), Histories.from_events(beside, RULES)
        assert (mine.steps.has_one_each, among.steps.has_one_each) == (True, False)
        for ticket in alone["ticket_id"].tolist():
            found, wanted = (build(one, looked_at(one, ticket), SPEC, target) for one in (mine, among))
            pd.testing.assert_frame_equal(found, wanted, check_exact=True)


def test_what_is_cleared_or_unknown_is_not_named() -> None:
    events = busy_log(11).iloc[:3]
    for texts, is_named in (
        (["", "network", None], {False: 2, True: 1}),
        (["desk", "network", None], {False: 1, True: 2}),
    ):
        histories = Histories.from_events(events.assign(ticket_id=["a", "b", "c"], team=texts), RULES)
        assert Counter(histories.is_named("team").tolist()) == is_named


@pytest.mark.parametrize("target", ["resolution", "first_response"])
def test_one_snapshot_has_the_row_that_it_has_among_many(target: str) -> None:
    events = busy_log(5)
    for ticket in events["ticket_id"].unique().tolist()[:5]:
        alone = events[events["ticket_id"] == ticket].reset_index(drop=True)
        histories = Histories.from_events(alone, RULES)
        snapshots = looked_at(histories, ticket)
        among = build(histories, snapshots, SPEC, target).to_numpy()
        for place in range(0, len(snapshots), 3):
            fresh = LiveHistories.of(alone, RULES)
            found = fresh.matrix(snapshots.take(np.array([place])), SPEC, target).to_numpy()
            np.testing.assert_array_equal(found[0], among[place])


def test_no_clock_has_ended_only_where_nothing_would_be_summed() -> None:
    """Without ends the sums of outcomes are nothing; with them the long way is gone, and both happen."""
    seen: Counter[bool] = Counter()
    events = busy_log(7)
    for ticket in events["ticket_id"].unique().tolist()[:4]:
        story = events[events["ticket_id"] == ticket].sort_values("recorded_at").reset_index(drop=True)
        for known in range(1, len(story) + 1):
            histories = Histories.from_events(story.iloc[:known], RULES)
            snapshots = looked_at(histories, ticket)
            assert View(histories, snapshots, SPEC.settings, "resolution").is_each_alone
            revisions = Outcomes.of(histories, "resolution").revisions
            for at_us in np.unique(snapshots.at_us).tolist():
                is_empty = is_without_end(histories, "resolution", at_us)
                assert not is_empty or not revisions.amounts[revisions.at_us < at_us].any()
                seen[is_empty] += 1
    assert min(seen[True], seen[False]) > 5


def test_a_desk_of_nobody_else_gives_what_the_histories_give_themselves() -> None:
    histories, services = Histories.from_events(busy_log(9), RULES), ServiceHistories.none()
    own = ((histories, 1),)
    long_way = histories.among(own, services)
    assert long_way.desk == ()
    long_way.desk = own
    snapshots = open_snapshots(histories, int(np.median(histories.steps.known_us)))
    assert len(snapshots) >= 5
    for target in ("resolution", "first_response"):
        found = build(histories.among(own, services), snapshots, SPEC, target)
        pd.testing.assert_frame_equal(found, build(long_way, snapshots, SPEC, target), check_exact=True)
        assert found["team_open"].max() > 1


def test_histories_among_others_are_looked_at_on_their_desk() -> None:
    histories, others = Histories.from_events(busy_log(9), RULES), Histories.from_events(busy_log(10), RULES)
    for desk in (((others, 1),), ((histories, -1),), ((histories, 1), (others, 1))):
        assert histories.among(desk, ServiceHistories.none()).desk == desk
