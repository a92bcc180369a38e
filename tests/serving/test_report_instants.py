"""Instants of a written queue are told in one way, whatever zone they came in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from serving.reports.columns import iso

AT = datetime(2016, 5, 16, 8, 0, tzinfo=UTC)
ZONES = [UTC, ZoneInfo("UTC"), timezone(timedelta(0), "other"), timezone(timedelta(hours=2)), ZoneInfo("Europe/Berlin")]


@pytest.mark.parametrize("zone", ZONES)
def test_an_instant_is_written_in_utc_with_parts_of_a_second_only_where_there_are_some(zone):
    assert iso(AT.astimezone(zone)) == "2016-05-16T08:00:00Z"
    assert iso((AT + timedelta(microseconds=5)).astimezone(zone)) == "2016-05-16T08:00:00.000005Z"


def test_no_instant_is_nothing():
    assert iso(None) is None
