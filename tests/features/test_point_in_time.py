"""The proof that no feature looks ahead, and that the fast features are the obvious ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.histories import Histories
from features.pipeline import build
from features.snapshots import Snapshots, event_snapshots, grid_snapshots, open_snapshots
from tests.features.desk_logs import agreements, busy_log, busy_services, full_spec, logs, service_logs
from tests.features.slow_desk import SlowDesk
from tests.features.slow_features import slow_row

AGREEMENTS, SPEC = agreements(), full_spec()
SLOW = settings(deadline=None, max_examples=25, suppress_health_check=list(HealthCheck))


def _rows(histories: Histories, snapshots: Snapshots, target: str = "resolution") -> pd.DataFrame:
    """Features by (ticket id, instant), for whatever numbers the tickets have."""
    matrix = build(histories, snapshots, SPEC, target)
    matrix.index = pd.MultiIndex.from_arrays([histories.ticket_ids[snapshots.ticket].astype(str), snapshots.at_us])
    return matrix.sort_index()


def _all_snapshots(histories: Histories) -> Snapshots:
    return Snapshots.concatenated([event_snapshots(histories), grid_snapshots(histories, seed=3, one_in=9)])


def _moved(snapshots: Snapshots, histories: Histories, others: Histories) -> Snapshots:
    """The same snapshots for other histories, in which tickets may have other numbers."""
    place = {ticket_id: number for number, ticket_id in enumerate(others.ticket_ids)}
    ticket = np.array([place[histories.ticket_ids[number]] for number in snapshots.ticket], np.int64)
    return Snapshots(ticket, snapshots.at_us, snapshots.kind)


@SLOW
@given(logs(), service_logs(), st.sampled_from(["resolution", "first_response"]), st.data())
def test_deleting_the_future_changes_no_feature(frame, services, target, data):
    histories = Histories.from_events(frame, AGREEMENTS, services)
    snapshots = _all_snapshots(histories)
    if not len(snapshots):
        return
    at_us = int(data.draw(st.sampled_from(sorted(set(snapshots.at_us.tolist())))))
    now = snapshots.take(snapshots.at_us == at_us)
    at = pd.Timestamp(at_us, unit="us", tz="UTC")
    expected = _rows(histories, now, target)
    recorded = services["recorded_at"] <= at
    announced = recorded & (services["recorded_at"] < services["event_at"])
    for past, past_services in (
        (frame[frame["event_at"] <= at], services[(services["event_at"] <= at) | announced]),
        (frame[frame["recorded_at"] <= at], services[recorded]),
    ):
        known = Histories.from_events(past, AGREEMENTS, past_services)
        pd.testing.assert_frame_equal(_rows(known, _moved(now, histories, known), target), expected, check_exact=True)
    known = histories.known_by(at_us)
    pd.testing.assert_frame_equal(_rows(known, now, target), expected, check_exact=True)


@SLOW
@given(logs(), service_logs(), st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(frame, services, random):
    first = Histories.from_events(frame, AGREEMENTS, services)
    second = Histories.from_events(_shuffled(frame, random), AGREEMENTS, _shuffled(services, random))
    pd.testing.assert_frame_equal(
        _rows(second, _all_snapshots(second)), _rows(first, _all_snapshots(first)), check_exact=True
    )


def _shuffled(frame: pd.DataFrame, random) -> pd.DataFrame:
    places = list(range(len(frame)))
    random.shuffle(places)
    return frame.iloc[places].reset_index(drop=True)


@SLOW
@given(logs(), service_logs(), st.integers(0, 4 * 24 * 60))
def test_a_live_row_is_the_training_row_of_the_same_instant(frame, services, minute):
    histories = Histories.from_events(frame, AGREEMENTS, services)
    snapshots = event_snapshots(histories)
    if not len(snapshots):
        return
    at_us = int(np.sort(snapshots.at_us)[minute % len(snapshots)])
    trained = _rows(histories, snapshots).xs(at_us, level=1)
    known = histories.known_by(at_us)
    live = _rows(known, open_snapshots(known, at_us)).xs(at_us, level=1)
    pd.testing.assert_frame_equal(live.loc[trained.index], trained, check_exact=True)


@settings(parent=SLOW, max_examples=8)
@given(logs(tickets=4, events=16), service_logs(), st.sampled_from(["resolution", "first_response"]))
def test_a_slow_obvious_implementation_agrees_on_every_feature(frame, services, target):
    _compare_with_slow(frame, services, target, most=6)


@pytest.mark.parametrize(("seed", "target"), [(1, "resolution"), (2, "first_response"), (3, "resolution")])
def test_it_agrees_on_busy_desks_as_well(seed, target):
    _compare_with_slow(busy_log(seed), busy_services(seed), target, most=10)


def _compare_with_slow(frame: pd.DataFrame, services: pd.DataFrame, target: str, most: int) -> None:
    histories = Histories.from_events(frame, AGREEMENTS, services)
    snapshots = _all_snapshots(histories)
    if len(snapshots) > most:
        snapshots = snapshots.take(np.linspace(0, len(snapshots) - 1, most).astype(int))
    fast = build(histories, snapshots, SPEC, target)
    desk = SlowDesk(frame, AGREEMENTS, target, services)
    for row, (ticket, at_us) in enumerate(zip(snapshots.ticket, snapshots.at_us, strict=True)):
        expected = slow_row(desk, SPEC.settings, str(histories.ticket_ids[ticket]), int(at_us))
        found = fast.iloc[row].to_dict()
        assert set(found) == set(expected)
        wrong = {
            name: (found[name], value)
            for name, value in expected.items()
            if found[name] != pytest.approx(value, nan_ok=True, rel=1e-6, abs=1e-6)
        }
        assert wrong == {}, (histories.ticket_ids[ticket], at_us)
