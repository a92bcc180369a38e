"""The sequence family: what it tells of a ticket's course, without a look at the future or at other tickets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.declaration import Settings
from features.families import sequence
from features.histories import Histories
from features.pipeline import build
from features.snapshots import Snapshots, event_snapshots
from features.spec import FeatureSpec
from tests.features.desk_logs import agreements, busy_log, logs

AGREEMENTS = agreements()
VOCABULARIES = {"status": ("open", "new", "resolved"), "assignee": ("ann", "bob"), "attributes.place": ("north",)}
SETTINGS = replace(
    Settings((sequence.FAMILY,), {}, (), (), (), ()),
    vocabularies=VOCABULARIES,
    sequence_columns=("status", "assignee"),
)
SPEC = FeatureSpec(sequence.declared(SETTINGS), SETTINGS)
HOUR_US = 3_600_000_000


def _course(*records: tuple[str, str, str | None]) -> Histories:
    """One ticket: instant, status, assignee."""
    from tests.features.builders import conform_ticket_events

    frame = pd.DataFrame(records, columns=["event_at", "status", "assignee"])
    frame["event_at"] = pd.to_datetime(frame["event_at"], utc=True)
    frame["recorded_at"] = frame["event_at"]
    frame["ticket_id"], frame["kind"], frame["priority"] = "T1", "updated", "low"
    frame["event_id"] = [f"e{place}" for place in range(len(frame))]
    return Histories.from_events(conform_ticket_events(frame), AGREEMENTS)


STORY = _course(
    ("2024-04-02T08:00Z", "new", None),
    ("2024-04-02T09:00Z", "open", "bob"),
    ("2024-04-02T12:00Z", "waiting", "ann"),
    ("2024-04-03T06:00Z", "open", "eve"),
)


def _at(histories: Histories, instant: str) -> pd.Series:
    at_us = np.array([pd.Timestamp(instant).value // 1000])
    return build(histories, Snapshots(np.array([0]), at_us, np.zeros(1, np.int8)), SPEC).iloc[0]


def test_it_tells_the_last_values_and_the_gaps_between_them():
    now = _at(STORY, "2024-04-03T08:00Z")
    assert [now["status_rank"], now["status_rank_1_back"], now["status_rank_2_back"], now["status_rank_3_back"]] == [
        0.0,  # open
        3.0,  # waiting is not in the vocabulary: the rank of what is seldom seen
        0.0,
        1.0,
    ]
    assert [now["gap_now_hours"], now["gap_1_hours"], now["gap_2_hours"], now["gap_3_hours"]] == [2, 18, 3, 1]
    assert np.isnan(now["gap_4_hours"])
    assert now["steps_so_far"] == 4
    assert np.isnan(now["attributes.place_rank" if "attributes.place_rank" in now else "place_rank"])


def test_it_counts_how_often_and_how_long_ago_each_value_was_held():
    now = _at(STORY, "2024-04-03T08:00Z")
    assert (now["status_times_0"], now["status_since_0"]) == (2, 2)
    assert (now["status_times_1"], now["status_since_1"]) == (1, 24)
    assert (now["status_times_2"], now["assignee_values_seen"]) == (0, 3)
    assert np.isnan(now["status_since_2"])


def test_the_week_and_the_age_at_work_are_those_of_the_ticket_s_calendar():
    now = _at(STORY, "2024-04-03T08:00Z")  # Wednesday 10:00 in Berlin, opened on Tuesday at 10:00
    assert (now["local_day"], now["local_time"], now["opened_hours_into_week"]) == (2, 10, 34)
    assert now["working_hours_since_opening"] == 9  # seven on Tuesday without lunch, two on Wednesday


def test_before_the_second_record_there_is_nothing_to_look_back_to():
    first = _at(STORY, "2024-04-02T08:30Z")
    assert np.isnan(first[["gap_1_hours", "status_rank_1_back", "assignee_rank", "assignee_since_0"]]).all()
    assert first["steps_so_far"] == 1


def test_what_tells_the_story_is_learned_from_the_log():
    spec = FeatureSpec.from_histories(
        Histories.from_events(busy_log(1, tickets=40, events=400), AGREEMENTS), ["sequence"]
    )
    assert spec.settings.families == ("sequence",)
    assert "status" in spec.settings.sequence_columns
    assert set(spec.settings.sequence_columns) <= set(spec.settings.vocabularies)
    assert FeatureSpec.from_json(spec.to_json()) == spec


def test_it_is_off_unless_asked_for():
    histories = Histories.from_events(busy_log(1), AGREEMENTS)
    assert not any(one.family == sequence.FAMILY for one in FeatureSpec.from_histories(histories).features)


@settings(deadline=None, max_examples=12, suppress_health_check=list(HealthCheck))
@given(logs(), st.data())
def test_neither_the_future_nor_other_tickets_change_it(frame, data):
    histories = Histories.from_events(frame, AGREEMENTS)
    snapshots = event_snapshots(histories)
    if not len(snapshots):
        return
    row = data.draw(st.integers(0, len(snapshots) - 1))
    one = snapshots.take(np.array([row]))
    expected = build(histories, one, SPEC)
    pd.testing.assert_frame_equal(build(histories, snapshots, SPEC).iloc[[row]].reset_index(drop=True), expected)
    at = pd.Timestamp(int(one.at_us[0]), unit="us", tz="UTC")
    own = frame["ticket_id"] == histories.ticket_ids[one.ticket[0]]
    alone = Histories.from_events(frame[own & (frame["event_at"] <= at) & (frame["recorded_at"] <= at)], AGREEMENTS)
    again = build(alone, Snapshots(np.array([0]), one.at_us, one.kind), SPEC)
    pd.testing.assert_frame_equal(again, expected, check_exact=True)
