from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.schema import conform_ticket_events
from features.volumes.counts import LEVELS, Series, VolumeCounts, VolumeError, count_tickets
from features.volumes.day_columns import COLUMNS, day_columns
from features.volumes.openings import learnable, weekdays
from features.volumes.planned import Outlook, PlannedEvent, day_number, read_planned_events

START = pd.Timestamp("2026-03-20T00:00", tz="UTC")
ZONE = "Europe/Berlin"  # clocks go forward on 29 March 2026


def events(rows):
    frame = pd.DataFrame(
        {
            "event_id": [f"e{number}" for number in range(len(rows))],
            "ticket_id": [row[0] for row in rows],
            "event_at": [START + pd.Timedelta(minutes=row[1]) for row in rows],
            "recorded_at": [START + pd.Timedelta(minutes=row[1] + row[2]) for row in rows],
            "kind": [row[3] for row in rows],
            "team": pd.array([row[4] for row in rows], dtype="str"),
            "service": pd.array([row[5] for row in rows], dtype="str"),
        }
    )
    return conform_ticket_events(frame)


def slow_counts(frame, until, zone):
    """One ticket after the other, with the standard library's time zones."""
    known = frame[(frame["event_at"] <= until) & (frame["recorded_at"] <= until)]
    today = until.astimezone(__import__("zoneinfo").ZoneInfo(zone)).date()
    found: dict[tuple[str, str, date, int], int] = {}
    for _, rows in known.groupby("ticket_id"):
        rows = rows.sort_values(["event_at", "recorded_at", "event_id"])
        created = rows[rows["kind"] == "created"]
        if created.empty:
            continue
        local = created["event_at"].iloc[0].tz_convert(zone)
        if local.date() >= today:
            continue
        slot = local.hour * 2 + local.minute // 30
        for level in ("all", "service", "team"):
            words = [] if level == "all" else [word for word in rows[level] if isinstance(word, str) and word]
            subject = "" if level == "all" else (words[0] if words else "(none)")
            key = (level, subject, local.date(), slot)
            found[key] = found.get(key, 0) + 1
    return found


ticket = st.tuples(
    st.sampled_from([f"t{number}" for number in range(12)]),
    st.integers(0, 14 * 1440),
    st.integers(0, 3 * 1440),
    st.sampled_from(["created", "updated"]),
    st.sampled_from([None, "", "Network", "Desk"]),
    st.sampled_from([None, "Mail", "VPN"]),
)


@settings(max_examples=25, deadline=None)
@given(rows=st.lists(ticket, min_size=1, max_size=30), minute=st.integers(2 * 1440, 16 * 1440))
def test_counts_are_those_of_counting_one_ticket_after_the_other(rows, minute):
    frame, until = events(rows), (START + pd.Timedelta(minutes=minute)).to_pydatetime()
    slow = slow_counts(frame, until, ZONE)
    try:
        counts = count_tickets(frame, until, zone=ZONE)
    except VolumeError:
        assert not slow
        return
    fast = {}
    for place, one in enumerate(counts.series):
        for day, slot in np.argwhere(counts.by_half_hour[place]):
            if one.level in ("all", "service", "team"):
                at = date(1970, 1, 1) + timedelta(days=int(counts.first_day + day))
                fast[one.level, one.subject, at, int(slot)] = int(counts.by_half_hour[place, day, slot])
    levels = {one.level for one in counts.series}  # a level of nothing but (none) is left out
    assert fast == {key: value for key, value in slow.items() if key[0] in levels}
    assert all(key[1] == "(none)" for key in slow if key[0] not in levels)
    for _, places in counts.levels():
        assert (counts.counts[places].sum(axis=0) == counts.counts[0]).all()


@settings(max_examples=15, deadline=None)
@given(rows=st.lists(ticket, min_size=1, max_size=30), minute=st.integers(3 * 1440, 10 * 1440))
def test_what_is_recorded_later_changes_no_count(rows, minute):
    frame, until = events(rows), (START + pd.Timedelta(minutes=minute)).to_pydatetime()
    known = frame[(frame["event_at"] <= until) & (frame["recorded_at"] <= until)].reset_index(drop=True)
    answers = []
    for one in (frame, known):
        try:
            counts = count_tickets(one, until, zone=ZONE)
            answers.append((counts.series, counts.counts.tolist(), counts.first_day))
        except VolumeError as fault:
            answers.append(str(fault))
    assert answers[0] == answers[1]


def test_many_subjects_keep_the_most_frequent_and_sum_up_the_rest():
    rows = [(f"t{n}", n, 0, "created", f"team {n if n < 300 else 0}", None) for n in range(400)]
    counts = count_tickets(events(rows), datetime(2026, 3, 25, tzinfo=UTC))
    teams = [one.subject for one in counts.series if one.level == "team"]
    assert len(teams) == 200
    assert "(others)" in teams
    assert counts.counts[counts.place("team", "team 0")].sum() == 101
    with pytest.raises(
        VolumeError, match=r"no volume of team 'Nobody': there are the levels all, team; of team: \(others\)"
    ):
        counts.place("team", "Nobody")


def made(whole, first=date(2026, 1, 5)):
    return VolumeCounts((Series("all", ""),), day_number(first), np.asarray(whole, np.float64)[None, :])


def test_a_day_without_tickets_among_busy_ones_is_a_gap_and_weekends_are_closed():
    whole = np.tile([40, 42, 38, 41, 39, 0, 0], 10)
    whole[31] = 0
    found = learnable(made(whole), Outlook())
    assert np.isnan(found.values[0, 31])
    assert found.is_closed.tolist() == [False] * 5 + [True] * 2
    assert found.notes == (
        "1 days without a single ticket where many were expected are taken for gaps and not learned from: 2026-02-05",
    )
    assert found.shut(Outlook(), day_number(date(2026, 3, 16)), 7).tolist() == [False] * 5 + [True] * 2


def test_a_quiet_desk_has_days_without_tickets_and_no_gaps():
    whole = np.random.default_rng(0).poisson(1.0, 70)
    whole[0] = 1
    assert (whole == 0).sum() > 15
    assert np.isfinite(learnable(made(whole), Outlook()).values).all()


def test_a_count_far_out_of_line_is_cut_and_said_but_not_on_days_with_a_reason():
    whole = np.tile([40.0, 42, 38, 41, 39, 20, 10], 10)
    whole[45], whole[52] = 400, 400
    release = PlannedEvent(name="5.0", kind="release", first=date(2026, 2, 26))
    found = learnable(made(whole), Outlook(events=(release,)))
    assert found.values[0, 45] < 100
    assert found.values[0, 52] == 400
    assert "the farthest: all on 2026-02-19, 400 cut to" in found.notes[0]


def test_a_desk_that_closes_on_holidays_expects_nothing_on_the_next():
    whole = np.tile([40.0, 42, 38, 41, 39, 20, 10], 10)
    first = day_number(date(2026, 1, 5))
    whole[10] = 0
    found = learnable(made(whole), Outlook({first + 10: "a", first + 75: "b"}))
    assert found.closed_on_holidays
    assert not found.notes
    assert found.shut(Outlook({first + 75: "b"}), first + 70, 7).tolist() == [False] * 5 + [True, False]


def test_columns_name_working_days_of_the_month_and_neighbours_of_holidays():
    first = day_number(date(2026, 4, 1))
    outlook = Outlook({day_number(date(2026, 4, 3)): "Good Friday", day_number(date(2026, 4, 6)): "Easter Monday"})
    working = np.array([True] * 5 + [False] * 2)
    table = pd.DataFrame(day_columns(first, 30, first + 10, outlook, working), columns=list(COLUMNS))
    table.index = [date(2026, 4, 1) + timedelta(days=n) for n in range(30)]
    on = {name: [day.day for day in table.index[table[name] == 1.0]] for name in COLUMNS}
    assert on["working day 1 of the month"] == [1]
    assert on["working day 3 of the month"] == [7]
    assert on["working day 1 before the month ends"] == [30]
    assert on["day after a holiday"] == [4, 5, 7]
    assert on["day before a holiday"] == [2, 4, 5]
    assert table["trend"].tolist()[10:] == [0.0] * 20
    assert weekdays(first, 3).tolist() == [2, 3, 4]


def test_planned_events_are_read_from_both_formats(tmp_path):
    yaml = tmp_path / "planned.yaml"
    yaml.write_text(
        "- {name: '5.0', kind: release, from: 2026-05-04, until: 2026-05-08, level: service, subject: Mail}\n"
        "- {name: spring, kind: campaign, from: 2026-05-04, factor: 1.4}\n"
    )
    table = tmp_path / "planned.csv"
    table.write_text(
        "name,kind,from,until,level,subject,factor\n5.0,release,2026-05-04,2026-05-08,service,Mail,\nspring,campaign,2026-05-04,,,,1.4\n"
    )
    assert read_planned_events(yaml) == read_planned_events(table)
    assert read_planned_events(yaml)[1].factor == 1.4


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- {name: a, kind: b, from: soon}", r"entry 1 \(a\): from: .*found 'soon'"),
        ("- {name: a, kind: b, from: 2026-05-04, until: 2026-05-01}", "until 2026-05-01 lies before from 2026-05-04"),
        ("- {name: a, kind: b, from: 2026-05-04, level: team}", "a level needs a subject"),
        ("- {name: a, kind: b, from: 2026-05-04, level: moon, subject: x}", "level 'moon' is none of all, service"),
        ("- {name: a, kind: b, from: 2026-05-04, size: 3}", "size: Extra inputs"),
        ("name: a", "holds no list of planned events"),
    ],
)
def test_faults_in_planned_events_are_told_with_file_entry_and_key(tmp_path, text, words):
    path = tmp_path / "planned.yaml"
    path.write_text(text)
    with pytest.raises(VolumeError, match=words):
        read_planned_events(path)


def test_levels_are_those_of_the_contract():
    assert set(LEVELS) <= set(events([("a", 1, 0, "created", None, None)]).columns)
