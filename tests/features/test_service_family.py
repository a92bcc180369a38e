"""What a ticket is told of its service, and that a log without service events is told nothing of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from features.histories import Histories
from features.major_incidents import top_priorities
from features.pipeline import build
from features.selection import FAMILIES
from features.snapshots import Snapshots, event_snapshots
from features.spec import FeatureSpec
from sla.agreements.loading import parse_agreements
from tests.features.desk_logs import START, agreements, busy_log, busy_services, frame, full_spec, service_frame

DAY = 24 * 60
START_US = START.value // 1000
TICKET = {"ticket": "A", "minute": 0, "status": "new", "priority": "low", "service": "mail"}


def _row(minute: float, services: list[tuple], *rows: dict, target: str = "resolution") -> pd.Series:
    """The features of ticket A at a minute."""
    found = Histories.from_events(frame([TICKET, *rows]), agreements(), service_frame(services))
    at_us = np.array([START_US + int(minute * 60_000_000)])
    return build(found, Snapshots(np.array([0]), at_us, np.zeros(1, np.int8)), full_spec(), target).iloc[0]


def _service_names(spec: FeatureSpec) -> set[str]:
    return {feature.name for feature in spec.features if feature.family == "service"}


def test_an_outage_of_the_ticket_s_own_service_is_seen():
    outage = [("mail", 30, 0, "outage", "start"), ("mail", 50, 0, "outage", "end"), ("vpn", 60, 0, "outage", "start")]
    on, over = _row(40, outage), _row(80, outage)
    assert (on["service_outage_now"], over["service_outage_now"]) == (1, 0)
    assert on["service_hours_since_outage_began"] == pytest.approx(10 / 60)
    assert over["service_hours_since_outage_ended"] == pytest.approx(0.5)
    assert (over["service_outages_1d"], over["service_outages_30d"]) == (1, 1)


def test_an_outage_long_ago_and_none_at_all_look_the_same():
    old = [("mail", -40 * DAY, 0, "outage", "start"), ("mail", -40 * DAY + 5, 0, "outage", "end")]
    row, none = _row(40, old), _row(40, [])
    for name in ("service_hours_since_outage_began", "service_hours_since_outage_ended", "service_outages_30d"):
        assert row[name] == none[name]
    assert none["service_hours_since_outage_began"] == 720


def test_an_announced_change_is_ahead_and_then_it_has_been():
    change = [("mail", 600, -5000, "change", "point")]
    before, after = _row(590, change), _row(610, change)
    assert (before["service_change_ahead_1d"], before["service_changes_1d"]) == (1, 0)
    assert (after["service_change_ahead_1d"], after["service_changes_1d"]) == (0, 1)


def test_a_ticket_without_a_service_is_told_nothing():
    bare = {"ticket": "A", "minute": 1, "service": ""}
    row = _row(40, [("mail", 30, 0, "outage", "start")], bare)
    assert row[sorted(_service_names(full_spec()))].isna().all()


def test_tickets_of_the_service_are_compared_with_what_is_usual():
    others = [
        {"ticket": f"B{n}", "minute": 5, "status": "new", "priority": "high", "service": "mail"} for n in range(3)
    ]
    row = _row(40, [], *others)
    assert row["service_open_major"] == 3
    assert row["service_inflow_2h"] == 4  # its own arrival counts
    assert row["service_open_ratio"] == 4.0  # three others where usually there are none
    assert row["service_reopened_7d"] == 0


def test_a_reopened_ticket_of_the_service_is_counted():
    other = {"ticket": "B", "priority": "high", "service": "mail"}
    rows = [other | {"minute": m, "status": s} for m, s in ((1, "new"), (2, "resolved"), (3, "open"))]
    assert _row(40, [], *rows)["service_reopened_7d"] == 1


def test_without_service_events_there_is_no_column_about_them():
    bare = Histories.from_events(busy_log(7, tickets=60, events=300), agreements())
    names = _service_names(FeatureSpec.from_histories(bare))
    assert names == {
        "service_open_ratio",
        "service_open_major",
        "service_inflow_2h",
        "service_inflow_ratio",
        "service_reopened_7d",
    }


def test_only_kinds_of_events_of_services_that_tickets_name_make_columns():
    tickets = busy_log(7, tickets=60, events=300)
    mail = service_frame([("mail", 0, 0, "change", "point"), ("mail", 5, 0, "check", "point")])
    known = _service_names(FeatureSpec.from_histories(Histories.from_events(tickets, agreements(), mail)))
    assert {"service_changes_1d", "service_change_ahead_1d"} <= known
    assert "service_outage_now" not in known
    other = service_frame([("payroll", 0, 0, "outage", "start")])
    unknown = _service_names(FeatureSpec.from_histories(Histories.from_events(tickets, agreements(), other)))
    assert "service_outage_now" not in unknown


def test_tickets_that_name_no_service_make_no_column():
    rows = [{"ticket": f"T{n}", "minute": n, "status": "new", "priority": "high", "team": "desk"} for n in range(9)]
    assert _service_names(FeatureSpec.from_histories(Histories.from_events(frame(rows), agreements()))) == set()


@pytest.mark.parametrize("family", [family for family in FAMILIES if family != "text"])  # no encoder, no column
def test_each_family_can_be_had_alone(family):
    found = Histories.from_events(busy_log(7, tickets=40, events=200), agreements(), busy_services(7))
    spec = FeatureSpec.from_histories(found, families=(family,))
    whole = FeatureSpec.from_histories(found)
    alone = build(found, event_snapshots(found), spec)
    assert alone.columns.tolist() == [one.name for one in whole.features if one.family == family]
    together = build(found, event_snapshots(found), whole)
    pd.testing.assert_frame_equal(alone, together[alone.columns], check_exact=True)


def test_no_feature_counts_longer_than_thirty_days():
    """The same desk with its past repeated a year earlier: nothing may tell the age of the log but rates and lengths of work."""
    tickets, services = busy_log(5, tickets=10, events=80), busy_services(5)
    old_tickets = tickets.assign(
        ticket_id="old " + tickets["ticket_id"],
        event_id="old " + tickets["event_id"],
        **{name: tickets[name] - pd.Timedelta(days=364) for name in ("event_at", "recorded_at")},
    )
    ends = old_tickets.groupby("ticket_id").tail(1)
    closed = ends.assign(
        event_id=ends["event_id"] + " closed",
        status="closed",
        **{name: old_tickets["recorded_at"].max() + pd.Timedelta(minutes=1) for name in ("event_at", "recorded_at")},
    )
    spec = full_spec()
    short = Histories.from_events(tickets, agreements(), services)
    long = Histories.from_events(pd.concat([tickets, old_tickets, closed], ignore_index=True), agreements(), services)
    snapshots = event_snapshots(short)
    moved = Snapshots(
        np.searchsorted(long.ticket_ids, short.ticket_ids)[snapshots.ticket], snapshots.at_us, snapshots.kind
    )
    one, other = build(short, snapshots, spec), build(long, moved, spec)
    ageless = [feature.name for feature in spec.features if feature.family != "history"]
    pd.testing.assert_frame_equal(one[ageless], other[ageless], check_exact=True)


@pytest.mark.parametrize(
    ("goals", "expected"),
    [
        ("- {applies_to: {priority: P2}, within: 1 h}\n          - {applies_to: {priority: [P1, P0]}, within: 30 min}", ("P0", "P1")),
        ("- {applies_to: {priority: P1}, within: 3 working days}\n          - {applies_to: {priority: P2}, within: 20 h}", ("P2",)),
        ("- {applies_to: {priority: P1}, within: 4 h}\n          - {applies_to: {priority: P2}, within: 4 h}", ()),
        ("- {applies_to: {priority: P1}, within: 4 h}\n          - {default: true, within: 8 h}", ("P1",)),
        ("- {applies_to: {priority: P1}, within: 8 h}\n          - {applies_to: {customer: acme}, within: 2 h}", ()),
        ("- {default: true, within: 4 h}", ()),
    ],
)  # fmt: skip
def test_major_are_the_priorities_that_are_promised_the_shortest_time(goals, expected):
    text = f"""
slacast: 1
calendars: {{always: {{time_zone: UTC, always_open: true}}}}
agreements:
  - name: desk
    owner: someone
    calendar: always
    targets:
      - metric: resolution
        goals:
          {goals}
"""
    assert top_priorities(parse_agreements(text, source="test")) == expected
