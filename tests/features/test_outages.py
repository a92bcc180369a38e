"""Rows, labels and columns of outages: what was known when, and nothing that came later."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmarks._planted import BEGIN, planted
from features.outages.checks import CheckRules, outages_from_checks
from features.outages.columns import RULES, outage_columns
from features.outages.ledger import Ledger
from features.outages.rows import labelled, outage_rows, rows_at
from features.schema import conform_service_events
from sla.instants import DAY_US, NEVER_US
from tests.features.builders import MONDAY, service_event, service_events

MIDNIGHT_US = MONDAY.normalize().value // 1000
DAY_MINUTES = 1440


def _checks(*rows: tuple[str, float, str], site: str = "monitor") -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["service", "minute", "attributes.status"])
    at = (MONDAY + pd.to_timedelta(frame.pop("minute"), unit="min")).astype("datetime64[us, UTC]")
    frame = frame.assign(event_at=at, kind="check", phase="point", event_id=[f"c{n}" for n in range(len(frame))])
    return conform_service_events(frame.assign(**{"attributes.site": site}))


def _minutes(events: pd.DataFrame, column: str = "event_at") -> list[tuple[str, str, float]]:
    minutes = (events[column] - MONDAY).dt.total_seconds() / 60
    return sorted(zip(events["service"], events["phase"], minutes, strict=True), key=lambda row: row[2])


RULES_OF_CHECKS = CheckRules(least_seconds=120, merge_seconds=600, together_seconds=60)


def test_failed_checks_are_an_outage_until_a_good_one():
    found = outages_from_checks(_checks(("a", 0, "up"), ("a", 10, "down"), ("a", 30, "up")), RULES_OF_CHECKS)
    assert _minutes(found) == [("a", "start", 10), ("a", "end", 30)]


def test_an_outage_is_recorded_when_the_rules_can_know_of_it():
    found = outages_from_checks(_checks(("a", 0, "up"), ("a", 10, "down"), ("a", 30, "up")), RULES_OF_CHECKS)
    assert _minutes(found, "recorded_at") == [("a", "start", 12), ("a", "end", 42)]


def test_a_short_failure_is_no_outage():
    assert outages_from_checks(_checks(("a", 0, "up"), ("a", 10, "down"), ("a", 11, "up")), RULES_OF_CHECKS).empty


def test_flapping_is_one_outage():
    rows = [("a", 10, "down"), ("a", 15, "up"), ("a", 20, "down"), ("a", 25, "up"), ("a", 60, "down")]
    found = outages_from_checks(_checks(*rows), RULES_OF_CHECKS)
    assert _minutes(found) == [("a", "start", 10), ("a", "end", 25), ("a", "start", 60)]


def test_if_all_targets_fail_at_once_the_monitor_failed():
    rows = [(name, minute, word) for name in "abc" for minute, word in ((0, "up"), (10, "down"), (30, "up"))]
    assert outages_from_checks(_checks(*rows), RULES_OF_CHECKS).empty
    two_of_four = [row for row in rows if row[0] != "c"] + [("c", 0, "up"), ("d", 0, "up")]
    assert set(outages_from_checks(_checks(*two_of_four), RULES_OF_CHECKS)["service"]) == {"a", "b"}


def _ledger(*records: dict) -> Ledger:
    return Ledger.of(service_events(*records))


def _outage(day: float, length_minutes: float = 30, service: str = "mail", **values: object) -> list[dict]:
    minute = (day * DAY_MINUTES) - 480  # MONDAY is 08:00
    return [
        service_event(service, minute, **values),
        service_event(service, minute + length_minutes, phase="end", event_id=f"{service} end {minute}"),
    ]


def test_a_row_says_whether_an_outage_begins_within_the_horizon():
    ledger = _ledger(*_outage(0), *_outage(2.5), *_outage(6))
    rows = outage_rows(ledger)
    days = ((rows.at_us - MIDNIGHT_US) // DAY_US).tolist()
    assert dict(zip(days, rows.label.tolist(), strict=True)) | {6: 0} == {1: 0, 2: 1, 3: 0, 4: 0, 5: 0, 6: 0}


def test_a_label_is_known_a_day_after_the_horizon_and_not_before_its_record():
    late = {"recorded_at": MONDAY + pd.Timedelta(days=20)}
    ledger = _ledger(*_outage(0), *_outage(2.5), *_outage(4.5, **late), *_outage(30))
    rows = outage_rows(ledger)
    known = dict(zip((rows.at_us - MIDNIGHT_US) // DAY_US, (rows.known_us - MIDNIGHT_US) / DAY_US, strict=True))
    assert known[2] == 4
    assert known[4] == pytest.approx(20 + 8 / 24)


def test_a_service_that_is_down_is_not_asked_about():
    ledger = _ledger(*_outage(0), *_outage(2.5, length_minutes=2 * DAY_MINUTES), *_outage(9))
    days = set(((outage_rows(ledger).at_us - MIDNIGHT_US) // DAY_US).tolist())
    assert days & {1, 2, 3, 4, 5, 6} == {1, 2, 5, 6}


def test_a_row_in_an_outage_that_was_recorded_late_has_no_label():
    late = {"recorded_at": MONDAY + pd.Timedelta(days=4)}
    ledger = _ledger(*_outage(0), *_outage(2.5, length_minutes=2 * DAY_MINUTES, **late), *_outage(9))
    asked = labelled(ledger, np.zeros(1, np.int64), np.array([MIDNIGHT_US + 3 * DAY_US]), DAY_US)
    assert np.isnan(asked.label[0])
    assert asked.known_us[0] == NEVER_US


def test_a_target_that_was_down_for_most_of_four_weeks_is_dead():
    weeks = [record for week in range(3) for record in _outage(7 * week + 0.5, length_minutes=6.9 * DAY_MINUTES)]
    days = set(((outage_rows(_ledger(*weeks, *_outage(60))).at_us - MIDNIGHT_US) // DAY_US).tolist())
    assert not days & set(range(22, 30))
    assert 58 in days


def test_an_alert_acted_on_leaves_no_label_where_no_outage_came():
    acted = service_event(minute=3 * DAY_MINUTES, kind="alert", phase="point", event_id="acted")
    acted |= {"attributes.acted_on": "yes"}
    rows = outage_rows(_ledger(*_outage(0), acted, *_outage(9)))
    label = dict(zip(((rows.at_us - MIDNIGHT_US) // DAY_US).tolist(), rows.label.tolist(), strict=True))
    assert np.isnan(label[3])
    assert label[2] == label[4] == 0


def test_a_target_nobody_checks_any_more_is_not_asked_about():
    rows = [("a", day * DAY_MINUTES, "up") for day in range(6)] + [("b", day * DAY_MINUTES, "up") for day in range(20)]
    ledger = Ledger.of(_checks(*rows))
    of_a = outage_rows(ledger).at_us[outage_rows(ledger).service == 0]
    assert (of_a.max() - MIDNIGHT_US) // DAY_US == 8


def test_deleting_the_future_changes_no_row_and_no_column():
    events, _ = planted(services=6, days=60, seed=3)
    checks = _checks(*[(f"service {n % 6:03d}", n * 97.0, "down" if n % 13 == 0 else "up") for n in range(800)])
    checks["event_at"] = checks["event_at"] - (MONDAY - BEGIN)
    checks["recorded_at"] = checks["event_at"]
    both = pd.concat([events, checks.assign(event_id=checks["event_id"] + "check")], ignore_index=True)
    cut_us = BEGIN.value // 1000 + 41 * DAY_US + 7 * 3_600_000_000
    whole = Ledger.of(both)
    known = whole.known_by(cut_us, both)
    every, seen = rows_at(whole, cut_us), rows_at(known, cut_us)
    assert [whole.names[n] for n in every.service] == [known.names[n] for n in seen.service]
    now, then = outage_columns(whole, every), outage_columns(known, seen)
    np.testing.assert_array_equal(now.rates, then.rates)
    np.testing.assert_array_equal(now.values, then.values)
    old, new = outage_rows(known), outage_rows(whole, until_us=cut_us)
    np.testing.assert_array_equal(old.at_us, new.at_us)
    mature = new.known_us <= cut_us
    np.testing.assert_array_equal(old.label[mature], new.label[mature])


def test_the_rules_are_probabilities_that_rise_with_outages():
    often = [record for day in range(1, 50, 2) for record in _outage(day, service="often")]
    seldom = _outage(1, service="seldom")
    ledger = _ledger(*often, *seldom)
    rates = outage_columns(ledger, rows_at(ledger, MIDNIGHT_US + 50 * DAY_US)).rates
    assert rates.shape == (2, len(RULES))
    assert (rates > 0).all()
    assert (rates < 1).all()
    assert (rates[0] > rates[1]).all()


def test_a_longer_horizon_is_more_likely_to_see_an_outage():
    ledger = _ledger(*_outage(1), *_outage(9))
    rows = rows_at(ledger, MIDNIGHT_US + 20 * DAY_US)
    assert (outage_columns(ledger, rows, 7 * DAY_US).rates > outage_columns(ledger, rows).rates).all()
