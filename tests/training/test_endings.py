"""How long a clock still ran: on the clock, in opening hours, and only as far as was known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.schema import conform_ticket_events
from simulation.demo import demo_history
from sla.agreements.loading import load_agreements, parse_agreements
from sla.clocks.replay import verdicts_at
from sla.clocks.verdicts import VerdictState
from training.building import HistoryRows
from training.rows import Known

AGREEMENTS = Path(__file__).resolve().parents[2] / "examples" / "demo" / "agreements.yaml"
HOUR_US = 3_600_000_000


@pytest.fixture(scope="module")
def events() -> pd.DataFrame:
    return demo_history(months=1)


@pytest.fixture(scope="module", params=["resolution", "first_response"])
def source(events: pd.DataFrame, request: pytest.FixtureRequest) -> HistoryRows:
    return HistoryRows.of(events, load_agreements(AGREEMENTS), request.param, 8, 0)


def test_what_a_clock_still_ran_is_what_it_shows_at_the_end_less_what_it_showed(source: HistoryRows) -> None:
    rows, histories = source.labelled, source.histories
    end = np.full(len(rows), histories.last_known_us)
    log = histories.log.unfilled()
    now = verdicts_at(log, histories.agreements, source.target, rows.ticket, rows.at_us)
    last = verdicts_at(log, histories.agreements, source.target, rows.ticket, end)
    same = last.started_us == now.started_us
    assert same.mean() > 0.9
    assert np.array_equal(rows.worked_us[same], (last.elapsed_us - now.elapsed_us)[same])
    stopped = np.isin(last.state, (VerdictState.MET, VerdictState.BREACHED)) & (last.stopped_us <= end)
    assert np.array_equal(rows.has_stopped[same], stopped[same])
    assert 0 < rows.has_stopped.sum() < len(rows)


def test_a_clock_breaks_exactly_where_it_runs_longer_than_it_had_left(source: HistoryRows) -> None:
    rows, left_us = source.labelled, source.verdicts.remaining_us
    ends = source.histories
    target_us = verdicts_at(
        ends.log.unfilled(), ends.agreements, source.target, rows.ticket, np.full(len(rows), ends.last_known_us)
    ).target_us
    kept_target = (target_us == source.verdicts.target_us) & (rows.breached >= 0)
    ran_over = rows.worked_us > left_us
    assert (ran_over == (rows.breached == 1))[kept_target].mean() > 0.995  # the rest: grace, and clocks set to zero


def test_opening_time_until_the_end_holds_the_pauses_too(source: HistoryRows) -> None:
    rows = source.labelled
    assert (rows.open_us >= rows.worked_us - 1).mean() > 0.99
    assert (rows.open_us <= np.maximum(source.histories.last_known_us - rows.at_us, 0)).all()


def test_opening_time_is_counted_until_the_clock_stopped_and_not_until_the_log_ends(source: HistoryRows) -> None:
    rows, histories = source.labelled, source.histories
    end = np.full(len(rows), histories.last_known_us)
    log = histories.log.unfilled()
    last = verdicts_at(log, histories.agreements, source.target, rows.ticket, end)
    asked = np.flatnonzero(rows.has_stopped & (last.started_us == source.verdicts.started_us))
    assert len(asked) > 50
    for place in asked[:: len(asked) // 50].tolist():
        times = histories.agreements.business_times[int(source.verdicts.calendar[place])]
        stopped_us = max(int(last.stopped_us[place]), int(rows.at_us[place]))
        assert rows.open_us[place] == times.elapsed_between(int(rows.at_us[place]), stopped_us)


AFRESH = """
slacast: 1
calendars:
  always: {time_zone: UTC, hours: {mon-sun: [["00:00", "24:00"]]}}
policies: {priority_change: restart}
agreements:
  - name: Desk
    calendar: always
    targets:
      - metric: resolution
        goals:
          - {applies_to: {priority: "1"}, within: 4 h}
          - {default: true, within: 8 h}
"""


def test_a_clock_that_is_set_to_zero_runs_on_from_there() -> None:
    """Opened at 8, noted at 9, priority 1 from 10, resolved at 12: at 9 the clock showed an hour, at 12 two since ten."""
    told = (
        (8, "created", "3", "new"),
        (9, "noted", "3", "new"),
        (10, "noted", "1", "new"),
        (12, "noted", "1", "resolved"),
    )
    day = pd.Timestamp("2024-03-05", tz="UTC")
    rows = [
        {"event_id": str(hour), "ticket_id": "T1", "event_at": day + pd.Timedelta(hours=hour), "kind": kind}
        | {"priority": priority, "status": status}
        for hour, kind, priority, status in told
    ]
    source = HistoryRows.of(conform_ticket_events(pd.DataFrame(rows)), parse_agreements(AFRESH), "resolution", 1_000, 0)
    found = source.labelled.where(source.labelled.is_event)
    assert (found.worked_us / HOUR_US).tolist() == pytest.approx([2, 2, 2])
    assert (found.open_us / HOUR_US).tolist() == pytest.approx([4, 3, 2])
    assert found.has_stopped.all()


def test_nothing_is_known_of_the_future(events: pd.DataFrame, source: HistoryRows) -> None:
    cut_us = int(np.median(source.labelled.at_us))
    cut = pd.Timestamp(cut_us, unit="us", tz="UTC")
    past = HistoryRows.of(
        events[(events["event_at"] <= cut) & (events["recorded_at"] <= cut)],
        source.histories.agreements,
        source.target,
        8,
        0,
    )
    early = source.take(np.flatnonzero(source.labelled.at_us <= cut_us))

    def told(part: HistoryRows) -> pd.DataFrame:
        known = part.labels(cut_us)
        frame = pd.DataFrame(known._asdict())
        frame["ticket"] = part.histories.ticket_ids[part.snapshots.ticket]
        frame["at_us"] = part.snapshots.at_us
        return frame

    both = told(early).merge(told(past), on=["ticket", "at_us"], suffixes=("", "_without"))
    assert len(both) > 0.99 * len(early.labelled)  # a log that ends is not looked at after its last record
    for name in Known._fields:
        assert (both[name] == both[f"{name}_without"]).all(), name
    assert (~both["has_stopped"]).any()


AGAIN = """
slacast: 1
calendars:
  always: {time_zone: UTC, hours: {mon-sun: [["00:00", "24:00"]]}}
agreements:
  - name: Desk
    calendar: always
    targets:
      - metric: next_response
        goals: [{default: true, within: 2 h}]
"""


def answered_thrice() -> pd.DataFrame:
    """A customer who asks at 9, 11 and 16 o'clock and is answered at 10, 15 and never; somebody else's note at 12."""
    told = (
        (8, "created", "customer"),
        (9, "commented", "customer"),
        (10, "commented", "agent"),
        (11, "commented", "customer"),
        (12, "noted", "agent"),
        (15, "commented", "agent"),
        (16, "commented", "customer"),
        (17, "noted", "agent"),
    )
    day = pd.Timestamp("2024-03-05", tz="UTC")
    rows = [
        {"event_id": str(hour), "ticket_id": "T1", "event_at": day + pd.Timedelta(hours=hour), "kind": kind}
        | {"actor_kind": actor, "status": "new" if kind == "created" else None}
        for hour, kind, actor in told
    ]
    return conform_ticket_events(pd.DataFrame(rows))


def test_each_promise_that_is_made_again_has_its_own_outcome_and_its_own_end() -> None:
    source = HistoryRows.of(answered_thrice(), parse_agreements(AGAIN), "next_response", 1_000, 0)
    rows = source.labelled
    is_event = rows.is_event
    hour = (rows.at_us[is_event] // HOUR_US) % 24
    found = {
        at: (int(breached), bool(stopped), worked / HOUR_US)
        for at, breached, stopped, worked in zip(
            hour.tolist(),
            rows.breached[is_event],
            rows.has_stopped[is_event],
            rows.worked_us[is_event].tolist(),
            strict=True,
        )
    }
    assert found == {
        9: (0, True, pytest.approx(1)),  # answered after an hour
        11: (1, True, pytest.approx(4)),  # after four, two too late
        12: (1, True, pytest.approx(3)),  # a note is no answer
        16: (-1, False, pytest.approx(1)),  # still open when the log ends, an hour later
        17: (-1, False, pytest.approx(0)),
    }


def test_of_a_promise_that_is_made_again_only_what_was_known_counts() -> None:
    source = HistoryRows.of(answered_thrice(), parse_agreements(AGAIN), "next_response", 1_000, 0)
    noon_us = int(pd.Timestamp("2024-03-05 12:30", tz="UTC").value // 1_000)
    known, hour = source.labels(noon_us), (source.labelled.at_us // HOUR_US) % 24
    first, second = int(np.flatnonzero(hour == 9)[0]), int(np.flatnonzero(hour == 11)[0])
    assert (known.breached[first], known.breached[second]) == (0, -1)
    assert (known.has_stopped[first], known.has_stopped[second]) == (True, False)
    assert known.worked_us[second] == pytest.approx(1.5 * HOUR_US)
