"""The rules that tell outages from checks at their borders: which monitor, how many targets live, one target that flaps; and labels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from features.outages.checks import CheckRules, outages_from_checks
from features.outages.ledger import Ledger
from features.outages.rows import outage_rows
from features.schema import conform_service_events
from sla.instants import DAY_US
from tests.features.builders import MONDAY, service_event, service_events

DAY_MINUTES = 1440
MIDNIGHT_US = MONDAY.normalize().value // 1000
RULES = CheckRules(least_seconds=120, merge_seconds=600, together_seconds=60)
FAILS = ((0.0, "up"), (10.0, "down"), (30.0, "up"))
WORKS = ((0.0, "up"), (30.0, "up"))


def checks(monitor: str, **targets: tuple[tuple[float, str], ...]) -> pd.DataFrame:
    """Checks of targets by one monitor: minutes since MONDAY, and what was found."""
    rows = [(name, minute, word) for name, found in targets.items() for minute, word in found]
    frame = pd.DataFrame(rows, columns=["service", "minute", "attributes.status"])
    at = (MONDAY + pd.to_timedelta(frame.pop("minute"), unit="min")).astype("datetime64[us, UTC]")
    ids = [f"{monitor} {number}" for number in range(len(frame))]
    values = {"event_at": at, "kind": "check", "phase": "point", "event_id": ids, "attributes.site": monitor}
    return conform_service_events(frame.assign(**values))


def failed(*frames: pd.DataFrame) -> set[str]:
    """The services that had an outage."""
    return set(outages_from_checks(pd.concat(frames, ignore_index=True), RULES)["service"])


def test_three_of_many_targets_failed_by_themselves() -> None:
    assert failed(checks("m", a=FAILS, b=FAILS, c=FAILS, d=WORKS)) == set()
    assert failed(checks("m", a=FAILS, b=FAILS, c=FAILS, d=WORKS, e=WORKS)) == {"a", "b", "c"}


def test_targets_of_another_monitor_say_nothing_of_this_one() -> None:
    assert failed(checks("m", a=FAILS, b=FAILS), checks("n", c=FAILS)) == {"a", "b", "c"}
    assert failed(checks("m", a=FAILS, b=FAILS, c=FAILS), checks("n", d=WORKS, e=WORKS)) == set()


def test_targets_that_nobody_checks_any_more_are_not_counted_among_the_live_ones() -> None:
    long_ago = ((-9.0 * DAY_MINUTES, "up"),)
    assert failed(checks("m", a=FAILS, b=FAILS, c=FAILS, d=long_ago, e=long_ago)) == set()


def test_a_target_that_flaps_is_one_target() -> None:
    flapping = ((0.0, "up"), (10.0, "down"), (10.2, "up"), (10.4, "down"), (10.6, "up"), (10.8, "down"), (30.0, "up"))
    assert failed(checks("m", a=flapping, b=WORKS, c=WORKS)) == {"a"}


def test_what_begins_a_little_later_than_the_rest_is_no_failure_of_the_monitor() -> None:
    later = ((0.0, "up"), (12.0, "down"), (30.0, "up"))
    assert failed(checks("m", a=FAILS, b=FAILS, c=later)) == {"a", "b", "c"}


def labels(ledger: Ledger) -> dict[int, float]:
    """The label of each day of the first service."""
    rows = outage_rows(ledger)
    mine = rows.service == 0
    return dict(zip(((rows.at_us[mine] - MIDNIGHT_US) // DAY_US).tolist(), rows.label[mine].tolist(), strict=True))


def test_a_day_that_was_not_watched_to_its_end_has_no_label() -> None:
    stops = tuple((float(day * DAY_MINUTES), "up") for day in range(6))
    goes_on = tuple((float(day * DAY_MINUTES), "up") for day in range(20))
    found = labels(Ledger.of(checks("m", a=stops, b=goes_on)))
    assert [found[day] for day in (2, 3, 4)] == [0, 0, 0]
    assert np.isnan([found[day] for day in (5, 6, 7, 8)]).all()


@pytest.mark.parametrize(("acted_minute", "expected"), [(0, np.nan), (59, np.nan), (60, 1), (75, 1)])
def test_a_day_counts_where_somebody_acted_once_the_outage_was_there_and_not_where_before(
    acted_minute: int, expected: float
) -> None:
    acted = service_event(minute=3 * DAY_MINUTES + acted_minute, kind="alert", phase="point", event_id="acted")
    rows = [
        service_event(minute=0),
        service_event(minute=20, phase="end"),
        acted | {"attributes.acted_on": "yes"},
        service_event(minute=3 * DAY_MINUTES + 60),
        service_event(minute=3 * DAY_MINUTES + 90, phase="end"),
        service_event(minute=9 * DAY_MINUTES, kind="change", phase="point"),
    ]
    found = labels(Ledger.of(service_events(*rows)))
    assert (found[2], found[4]) == (0, 0)
    assert found[3] == pytest.approx(expected, nan_ok=True)


def test_rows_of_another_hour_are_labelled_from_there_and_leave_out_what_is_down_then() -> None:
    six = (6 - MONDAY.hour) * 60
    rows = [
        service_event(minute=0),
        service_event(minute=20, phase="end"),
        service_event(minute=3 * DAY_MINUTES + six - 30),
        service_event(minute=3 * DAY_MINUTES + six + 30, phase="end"),
        service_event(minute=5 * DAY_MINUTES + six - 60),
        service_event(minute=5 * DAY_MINUTES + six - 40, phase="end"),
        service_event(minute=9 * DAY_MINUTES, kind="change", phase="point"),
    ]
    ledger = Ledger.of(service_events(*rows))
    found = outage_rows(ledger, hour=6)
    assert (found.at_us % DAY_US == DAY_US // 4).all()
    assert found.at_us.max() <= ledger.until_us
    by_day = dict(zip(((found.at_us - MIDNIGHT_US) // DAY_US).tolist(), found.label.tolist(), strict=True))
    assert 3 not in by_day, "it is down at six"
    assert (by_day[2], by_day[4], by_day[5]) == (1, 1, 0)
