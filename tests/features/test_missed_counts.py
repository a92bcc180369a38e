"""Missed resolutions by day and series: on the local day of the breach, in the series their opening counts in, as far as known."""

from datetime import timedelta

import numpy as np
import pandas as pd

from features.schema import conform_ticket_events
from features.volumes.breaches import breached_counts
from features.volumes.counts import count_tickets
from sla.agreements.loading import parse_agreements
from sla.instants import EPOCH

ZONE = "Europe/Berlin"  # clocks go forward on 29 March 2026


BREACHES = parse_agreements(
    """
slacast: 1
name: desk
time_zone: Europe/Berlin
calendars: {office: {time_zone: Europe/Berlin, hours: {mon-fri: [["08:00", "18:00"]]}}}
agreements:
  - name: desk
    owner: someone
    calendar: office
    targets: [{metric: resolution, goals: [{default: true, within: 4 working hours}]}]
""",
    source="test desk",
)


def lived(ticket, opened, ended=None, recorded=None):
    rows = [(ticket, opened, "created", "open", opened)]
    rows += [] if ended is None else [(ticket, ended, "status", "resolved", recorded or ended)]
    return rows


def test_a_missed_resolution_counts_on_the_local_day_of_the_breach_as_far_as_known():
    rows = [
        *lived("kept", "2026-03-23T09:00Z", "2026-03-23T11:00Z"),
        *lived("late", "2026-03-23T09:00Z", "2026-03-25T09:00Z"),  # due on Monday at 14:00
        *lived("overnight", "2026-03-23T15:00Z"),  # two of four hours left: due on Tuesday
        *lived("weekend", "2026-03-27T16:30Z"),  # due on Monday at 11:30, summer time
        *lived("told late", "2026-03-24T07:00Z", "2026-03-24T09:00Z", "2026-03-30T09:00Z"),
        *lived("not yet due", "2026-03-27T16:59Z"),
    ]
    frame = pd.DataFrame(rows, columns=["ticket_id", "event_at", "kind", "status", "recorded_at"])
    frame["event_id"] = [f"e{place}" for place in range(len(frame))]
    for name in ("event_at", "recorded_at"):
        frame[name] = pd.to_datetime(frame[name], utc=True).astype("datetime64[us, UTC]")
    events_ = conform_ticket_events(frame)

    def told(at):
        counts = count_tickets(events_, pd.Timestamp(at).to_pydatetime(), zone=ZONE)
        found = breached_counts(events_, BREACHES, pd.Timestamp(at).to_pydatetime(), counts)[0]
        days = [
            str((EPOCH + timedelta(days=counts.first_day + place)).date()) for place in np.flatnonzero(found).tolist()
        ]
        return dict(zip(days, found[found > 0].tolist(), strict=True))

    assert told("2026-03-29T12:00Z") == {
        "2026-03-23": 1.0,
        "2026-03-24": 2.0,
    }  # overnight, and what is not known to be solved
    assert told("2026-03-31T12:00Z") == {"2026-03-23": 1.0, "2026-03-24": 1.0, "2026-03-30": 2.0}


def test_a_missed_resolution_counts_in_the_series_its_opening_counts_in():
    rows = [
        ("a", "2026-03-23T09:00Z", "created", "open", "Desk", "1"),
        ("a", "2026-03-23T10:00Z", "assigned", "open", "Network", "2"),  # held by Network when it was missed
        ("b", "2026-03-23T09:00Z", "created", "open", None, "2"),  # first known of by Network
        ("b", "2026-03-23T10:00Z", "assigned", "open", "Network", "2"),
        ("c", "2026-03-24T09:00Z", "created", "open", None, "2"),  # never in a team
        ("d", "2026-03-24T09:00Z", "created", "open", "Desk", "2"),
        ("d", "2026-03-24T10:00Z", "status", "resolved", "Desk", "2"),
    ]
    frame = pd.DataFrame(rows, columns=["ticket_id", "event_at", "kind", "status", "team", "priority"])
    frame["event_id"] = [f"e{place}" for place in range(len(frame))]
    frame["recorded_at"] = frame["event_at"]
    for name in ("event_at", "recorded_at"):
        frame[name] = pd.to_datetime(frame[name], utc=True).astype("datetime64[us, UTC]")
    events_, at = conform_ticket_events(frame), pd.Timestamp("2026-03-26T12:00Z").to_pydatetime()
    counts = count_tickets(events_, at, zone=ZONE)
    found = dict(zip((one.name for one in counts.series), breached_counts(events_, BREACHES, at, counts), strict=True))
    assert {name: days.tolist() for name, days in found.items()} == {
        "": [2.0, 1.0, 0.0],
        "team:(none)": [0.0, 1.0, 0.0],
        "team:Desk": [1.0, 0.0, 0.0],
        "team:Network": [1.0, 0.0, 0.0],
        "priority:1": [1.0, 0.0, 0.0],
        "priority:2": [1.0, 1.0, 0.0],
    }


def test_a_rare_team_is_counted_among_the_others_with_its_missed_resolutions(monkeypatch):
    monkeypatch.setattr("features.volumes.counts.MOST_SUBJECTS", 2)
    rows = [(f"t{place}", "2026-03-23T09:00Z", team) for place, team in enumerate(("Desk", "Desk", "Network", "Mail"))]
    frame = pd.DataFrame(rows, columns=["ticket_id", "event_at", "team"]).assign(kind="created", status="open")
    frame["event_id"], frame["recorded_at"] = frame["ticket_id"], frame["event_at"]
    for name in ("event_at", "recorded_at"):
        frame[name] = pd.to_datetime(frame[name], utc=True).astype("datetime64[us, UTC]")
    events_, at = conform_ticket_events(frame), pd.Timestamp("2026-03-25T12:00Z").to_pydatetime()
    counts = count_tickets(events_, at, zone=ZONE)
    assert [one.subject for one in counts.series] == ["", "(others)", "Desk"]
    assert breached_counts(events_, BREACHES, at, counts).sum(axis=1).tolist() == [4.0, 2.0, 2.0]
