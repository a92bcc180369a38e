"""What is known of services: outages that go on, what begins soon, and nothing before it was known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.schema import empty_service_events
from features.service_histories import AHEAD, BEGUN, LAST_BEGUN, LAST_ENDED, ON_NOW, ServiceHistories
from tests.features.builders import MONDAY, service_event, service_events

MINUTE_US = 60_000_000
MONDAY_US = MONDAY.value // 1000


def _at(minute: float) -> pd.Timestamp:
    return MONDAY + pd.Timedelta(minutes=minute)


def _known(histories: ServiceHistories, kind: str, what: str, minute: float, service: str = "mail") -> int:
    """One sum of one service as known just before a minute."""
    found = histories.sums
    key = np.array([histories.names.index(service) + 1])
    at_us = np.array([MONDAY_US + int(minute * MINUTE_US)])
    return int(found.sums.upto(key, found.timeline.before(at_us))[0, found.columns[kind, what]])


def _outage_on(minute: float, *records: dict) -> int:
    return _known(ServiceHistories.from_events(service_events(*records)), "outage", ON_NOW, minute)


def test_an_outage_goes_on_from_its_beginning_to_its_end():
    rows = service_event(minute=10), service_event(minute=30, phase="end")
    assert [_outage_on(minute, *rows) for minute in (10, 11, 30, 31)] == [0, 1, 1, 0]


def test_of_outages_that_overlap_each_must_end():
    rows = (
        service_event(minute=10),
        service_event(minute=20),
        service_event(minute=30, phase="end"),
        service_event(minute=40, phase="end", severity="major"),
    )
    assert [_outage_on(minute, *rows) for minute in (15, 25, 35, 45)] == [1, 2, 1, 0]


def test_an_end_that_nothing_began_ends_nothing_later():
    rows = service_event(minute=5, phase="end"), service_event(minute=10)
    assert [_outage_on(minute, *rows) for minute in (6, 11)] == [0, 1]


def test_an_outage_counts_from_its_record_and_began_when_it_began():
    late = service_event(minute=10, recorded_at=_at(60))
    histories = ServiceHistories.from_events(service_events(late))
    assert [_known(histories, "outage", BEGUN, minute) for minute in (11, 60, 61)] == [0, 0, 1]
    assert _known(histories, "outage", LAST_BEGUN, 61) == MONDAY_US + 10 * MINUTE_US


def test_a_late_record_about_an_older_outage_does_not_make_it_the_last_one():
    rows = service_event(minute=50), service_event(minute=10, recorded_at=_at(60))
    histories = ServiceHistories.from_events(service_events(*rows))
    assert _known(histories, "outage", LAST_BEGUN, 99) == MONDAY_US + 50 * MINUTE_US


def test_an_outage_without_length_begins_and_ends_at_once():
    histories = ServiceHistories.from_events(service_events(service_event(minute=10, phase="point")))
    assert _known(histories, "outage", ON_NOW, 11) == 0
    assert _known(histories, "outage", BEGUN, 11) == 1
    assert _known(histories, "outage", LAST_ENDED, 11) == MONDAY_US + 10 * MINUTE_US


@pytest.mark.parametrize("kind", ["change", "maintenance"])
def test_what_is_announced_is_ahead_during_the_day_before_it_begins(kind):
    plan = service_event(minute=3000, kind=kind, recorded_at=_at(0))
    histories = ServiceHistories.from_events(service_events(plan))
    asked = (1, 3000 - 1440, 3000 - 1439, 3000, 3001)
    assert [_known(histories, kind, AHEAD, minute) for minute in asked] == [0, 0, 1, 1, 0]
    assert [_known(histories, kind, BEGUN, minute) for minute in (3000, 3001)] == [0, 1]


def test_what_nobody_announced_is_never_ahead():
    histories = ServiceHistories.from_events(service_events(service_event(minute=3000, kind="change")))
    assert [_known(histories, "change", AHEAD, minute) for minute in (2999, 3001)] == [0, 0]


def test_an_announcement_is_known_before_it_begins_and_other_events_are_not():
    rows = (
        service_event(minute=90, kind="maintenance", recorded_at=_at(0)),
        service_event(service="web", minute=90),
    )
    known = ServiceHistories.from_events(service_events(*rows)).known_by(MONDAY_US + 10 * MINUTE_US)
    assert known.names == ("mail",)
    assert _known(known, "maintenance", AHEAD, 10) == 1


def test_only_kinds_that_occur_are_named():
    rows = service_event(kind="alert", phase="point"), service_event(minute=1, kind="check", phase="point")
    assert ServiceHistories.from_events(service_events(*rows)).kinds == ("alert",)


def test_no_events_are_no_services():
    for histories in (ServiceHistories.none(), ServiceHistories.from_events(empty_service_events())):
        assert histories.names == ()
        assert histories.kinds == ()
        found = histories.sums
        assert not found.sums.upto(np.array([0]), found.timeline.before(np.array([MONDAY_US]))).any()


RECORDS = st.lists(
    st.tuples(
        st.sampled_from(["mail", "web"]),
        st.integers(0, 40),
        st.integers(-20, 20),
        st.sampled_from(["outage", "maintenance"]),
        st.sampled_from(["start", "end", "point"]),
    ),
    max_size=14,
)


@settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
@given(RECORDS, st.integers(0, 65), st.randoms(use_true_random=False))
def test_sums_are_those_of_a_loop_over_what_was_known(records, minute, random):
    rows = [
        service_event(service, 100 * at, event_id=f"e{place:02d}", kind=kind, phase=phase, recorded_at=_at(100 * (at + delay)))
        for place, (service, at, delay, kind, phase) in enumerate(records)
    ]  # fmt: skip
    if not rows:
        return
    random.shuffle(rows)
    histories = ServiceHistories.from_events(service_events(*rows))
    for service in histories.names:
        for kind in ("outage", "maintenance"):
            expected = _by_loop(rows, service, kind, _at(100 * minute))
            found = {what: _known(histories, kind, what, 100 * minute, service) for what in expected}
            assert found == expected


def _by_loop(rows: list[dict], service: str, kind: str, now: pd.Timestamp) -> dict[str, int]:
    mine = [row for row in rows if (row["service"], row["kind"]) == (service, kind)]
    seen = [row for row in mine if max(row["event_at"], row["recorded_at"]) < now]
    on_now = 0
    for row in sorted(
        seen,
        key=lambda row: (
            max(row["event_at"], row["recorded_at"]), row["phase"] == "end", row["event_at"], row["event_id"],
        ),
    ):  # fmt: skip
        on_now = max(on_now + {"start": 1, "end": -1, "point": 0}[row["phase"]], 0)
    begun = [row["event_at"].value // 1000 for row in seen if row["phase"] != "end"]
    ended = [row["event_at"].value // 1000 for row in seen if row["phase"] != "start"]
    found = {BEGUN: len(begun), ON_NOW: on_now}
    if kind == "outage":
        return found | {LAST_BEGUN: max(begun, default=0), LAST_ENDED: max(ended, default=0)}
    soon = [
        row for row in mine if row["phase"] != "end" and row["recorded_at"] < row["event_at"]
        and row["recorded_at"] < now <= row["event_at"] < now + pd.Timedelta(days=1)
    ]  # fmt: skip
    return found | {AHEAD: len(soon)}


def test_an_outage_that_took_no_time_is_over() -> None:
    rows = [service_event(minute=5, event_id="b"), service_event(minute=5, phase="end", event_id="a")]
    histories = ServiceHistories.from_events(service_events(*rows))
    assert _known(histories, "outage", ON_NOW, 6) == 0
    assert _known(histories, "outage", BEGUN, 6) == 1
