"""Services made of others: when the whole is asked about, and what its parts make likely."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.outages.columns import RULES, outage_columns
from features.outages.groups import group_ledger
from features.outages.ledger import Ledger
from features.outages.rows import outage_rows, rows_at
from features.outages.wholes import Groups
from features.schema import conform_service_events
from sla.instants import DAY_US
from tests.features.builders import MONDAY
from tests.features.group_events import (
    BEGIN_US,
    MINUTE_US,
    PAIR,
    at_once,
    events_of,
    known_of_all,
    told_of,
)
from training.evaluation import evaluate


def test_an_end_recorded_before_its_beginning_waits_for_it():
    found = ("A", "outage", 10, 30, 50, 30), ("B", "outage", 20, 60, 20, 60)
    assert told_of("Pair", PAIR, *found) == [(20, 30, 50, 50)]


# ---- who is asked about


def test_a_group_is_asked_about_from_when_enough_parts_are_known_and_while_enough_are_watched():
    days = [("A", day) for day in range(12)] + [("B", day) for day in range(4, 24)] + [("C", day) for day in range(24)]
    frame = pd.DataFrame(days, columns=["service", "day"])
    at = (MONDAY + pd.to_timedelta(frame.pop("day"), unit="D")).astype("datetime64[us, UTC]")
    frame = frame.assign(event_at=at, recorded_at=at, kind="check", phase="point", event_id=[f"c{n}" for n in range(len(frame))])  # fmt: skip
    events = conform_service_events(frame.assign(**{"attributes.status": "up", "attributes.site": frame["service"]}))
    groups: Groups = {"Both": (2, ("A", "B")), "One": (1, ("A", "B")), "Lost": (2, ("A", "nowhere"))}
    ledger = group_ledger(Ledger.of(events), events, groups)
    assert ledger is not None
    assert ledger.names == ("Both", "One")
    rows = outage_rows(ledger)
    day = (rows.at_us - BEGIN_US) / DAY_US  # midnights; Monday begins at eight
    spans = [(round(float(day[rows.service == n].min()), 2), round(float(day[rows.service == n].max()), 2)) for n in range(2)]  # fmt: skip
    assert spans == [(5.67, 13.67), (1.67, 22.67)]


def test_a_part_that_is_not_known_yet_does_not_keep_a_group_watched():
    """A is checked for six days; of B nothing is recorded before an outage on day twenty."""
    rows = [("A", 1440 * day, "check") for day in range(6)] + [("B", 1440 * 20, "outage")]
    frame = pd.DataFrame(rows, columns=["service", "minute", "kind"])
    at = (MONDAY + pd.to_timedelta(frame.pop("minute"), unit="min")).astype("datetime64[us, UTC]")
    frame = frame.assign(event_at=at, recorded_at=at, phase="point", event_id=[f"c{n}" for n in range(len(frame))])
    frame["attributes.status"] = frame["kind"].map({"check": "up"})
    events = conform_service_events(frame)
    ledger = group_ledger(Ledger.of(events), events, PAIR)
    assert ledger is not None
    asked = [day for day in range(1, 25) if len(rows_at(ledger, BEGIN_US + day * DAY_US))]
    assert asked == [*range(1, 9), *range(21, 25)]


def test_a_group_that_is_down_is_not_asked_about():
    events = events_of(*known_of_all("A", "B"), at_once("A", 2000, 6000), at_once("B", 3000, 5000), at_once("A", 9000, 9001))  # fmt: skip
    ledger = group_ledger(Ledger.of(events), events, PAIR)
    assert ledger is not None
    asked = [len(rows_at(ledger, BEGIN_US + minute * MINUTE_US)) for minute in (2900, 3500, 4500, 5500)]
    assert asked == [1, 0, 0, 1]


# ---- what is said


def failing(days: int, *, together: bool, pairs: int = 30, seed: int = 0) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Pairs whose parts fail on about one of twenty days: on the same days, or each on its own."""
    rng = np.random.default_rng(seed)
    found, groups = [], {}
    for pair in range(pairs):
        names = f"{pair:02d} left", f"{pair:02d} right"
        groups[f"pair {pair:02d}"] = (1, names)
        found += known_of_all(*names)
        comes = rng.random((days, 1 if together else 2)) < 0.05
        start = rng.integers(60, 1300, (days, 1 if together else 2))
        for day in range(days):
            for place, name in enumerate(names):
                at = 0 if together else place
                if comes[day, at]:
                    low = day * 1440 + int(start[day, at]) + place * together * 3
                    found.append(at_once(name, low, low + 30))
    return events_of(*found), groups


@pytest.mark.parametrize("together", [True, False])
def test_a_pair_is_as_likely_to_fail_as_its_parts_do_together(together: bool) -> None:
    """Both kinds of pairs have parts that fail equally often: multiplying them would say the same of both."""
    events, groups = failing(320, together=together, pairs=60)
    services = Ledger.of(events)
    ledger = group_ledger(services, events, groups)
    assert ledger is not None
    rows = outage_rows(ledger)
    known = ~np.isnan(rows.label) & (rows.at_us > BEGIN_US + 200 * DAY_US)
    base, days = rows.label[known].mean(), (rows.at_us[known] - BEGIN_US) / DAY_US
    usual = outage_columns(services, outage_rows(services)).rates[:, 0].mean()
    assert base > 0.04 if together else base < 0.003
    # Twenty days of the rate of all services are added to what its own past says, and fade.
    expected = ((days * base + 20 * usual) / (days + 20)).mean()
    for rule, more in (("service rate", expected), ("rate x weekday", base)):
        said = outage_columns(ledger, rows).rates[known, RULES.index(rule)]
        assert said.mean() == pytest.approx(more, abs=0.006)
    rate = outage_columns(ledger, rows).rates[known, RULES.index("service rate")]
    assert evaluate(rows.label[known], rate).ece < 0.02
    parts = outage_rows(services)
    assert parts.label[~np.isnan(parts.label)].mean() == pytest.approx(0.05, abs=0.005)


def test_nothing_is_said_of_other_services_that_is_not_said_without_the_group():
    events, groups = failing(60, together=True, pairs=3)
    ledger = Ledger.of(events)
    before = outage_columns(ledger, outage_rows(ledger))
    own = events_of(("pair 00", "outage", 700, 720, 700, 720), ("pair 00", "change", 900, 901, 900, 901))
    with_own = pd.concat([events, own.assign(event_id=own["event_id"] + " own")], ignore_index=True)
    found = group_ledger(Ledger.of(with_own), with_own, groups)
    assert found is not None
    begun = found.outages.begin_us[found.outages.service == 0]
    assert begun.tolist().count(BEGIN_US + 700 * MINUTE_US) == 1
    group_ledger(ledger, events, groups)
    after = outage_columns(ledger, outage_rows(ledger))
    np.testing.assert_array_equal(before.values, after.values)


def test_outages_around_a_group_are_those_of_services_each_counted_once():
    found = [at_once(name, 2000 + 100 * number, 2300) for number, name in enumerate(("A", "B", "C"))]
    events = events_of(*known_of_all("A", "B", "C"), *found)
    ledger = group_ledger(Ledger.of(events), events, PAIR)
    assert ledger is not None
    columns = outage_columns(ledger, rows_at(ledger, BEGIN_US + 5000 * MINUTE_US))
    assert np.expm1(columns.values[0, columns.names.index("outages around in 7 days")]) == pytest.approx(3)
    assert np.expm1(columns.values[0, columns.names.index("outages in 7 days")]) == pytest.approx(1)


def test_what_is_usual_for_all_services_is_that_of_services_not_of_groups():
    """A group of which little is known leans on the rate of all services, whatever the groups are."""
    events, groups = failing(60, together=True, pairs=6)
    ledger = Ledger.of(events)
    few, many = (group_ledger(ledger, events, dict(list(groups.items())[:count])) for count in (1, 6))
    assert few is not None
    assert many is not None
    at_us = (MONDAY.normalize() + timedelta(days=40)).value // 1000
    one, all_of_them = (outage_columns(found, rows_at(found, at_us)) for found in (few, many))
    np.testing.assert_array_equal(one.rates[0], all_of_them.rates[0])
    np.testing.assert_array_equal(one.values[0], all_of_them.values[0])
