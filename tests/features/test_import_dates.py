from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.sources.dates import UNREADABLE, Instants, read_instants
from features.sources.table import Coded


def read(texts: list[str], *formats: str, zone: str = "UTC") -> Instants:
    codes = np.arange(len(texts), dtype=np.int32)
    return read_instants(Coded(codes, np.array(texts, dtype=object)), formats or ("iso",), zone)


def instant(text: str, *formats: str, zone: str = "UTC") -> str | None:
    at_us = int(read([text], *formats, zone=zone).at_us[0])
    return None if at_us == UNREADABLE else str(np.datetime64(at_us, "us").astype("datetime64[s]"))


@pytest.mark.parametrize(
    ("text", "written", "zone", "expected"),
    [
        ("29/2/2016 01:16", "%d/%m/%Y %H:%M", "UTC", "2016-02-29T01:16:00"),
        ("29/2/2016 01:16", "%d/%m/%Y %H:%M", "Europe/Berlin", "2016-02-29T00:16:00"),
        ("2024-03-04", "iso", "Europe/Berlin", "2024-03-03T23:00:00"),
        ("2024-03-04 10:00", "iso", "Europe/Berlin", "2024-03-04T09:00:00"),
        ("2024-03-04T10:00:00Z", "iso", "Europe/Berlin", "2024-03-04T10:00:00"),
        ("2024-03-04T10:00:00+05:30", "iso", "Europe/Berlin", "2024-03-04T04:30:00"),
        ("04.03.2024 10:00 -0800", "%d.%m.%Y %H:%M %z", "Europe/Berlin", "2024-03-04T18:00:00"),
        ("1709546400", "epoch_seconds", "Europe/Berlin", "2024-03-04T10:00:00"),
        ("1709546400000", "epoch_milliseconds", "Europe/Berlin", "2024-03-04T10:00:00"),
    ],
)
def test_formats_offsets_and_zones(text: str, written: str, zone: str, expected: str) -> None:
    assert instant(text, written, zone=zone) == expected


@pytest.mark.parametrize(
    "text", ["", "soon", "31/2/2024 10:00", "4/3/24", "1900-01-01", "2100-01-01", "9999-12-31 23:59", "0001-01-01"]
)
def test_what_is_no_instant_is_unreadable(text: str) -> None:
    assert instant(text, "iso", "%d/%m/%Y %H:%M") is None


def test_several_formats_are_tried_in_their_order() -> None:
    assert instant("04/03/2024", "%d/%m/%Y", "%m/%d/%Y") == "2024-03-04T00:00:00"
    assert instant("04/03/2024", "%m/%d/%Y", "%d/%m/%Y") == "2024-04-03T00:00:00"
    assert instant("25/12/2024", "%m/%d/%Y", "%d/%m/%Y") == "2024-12-25T00:00:00"


@pytest.mark.parametrize(
    ("zone", "local", "expected", "in_gap", "ambiguous"),
    [
        ("Europe/Berlin", "2024-03-31 02:30", "2024-03-31T01:30:00", 1, 0),  # 02:30 does not exist: it is 03:30
        ("Europe/Berlin", "2024-03-31 03:00", "2024-03-31T01:00:00", 0, 0),
        ("Europe/Berlin", "2024-10-27 02:30", "2024-10-27T00:30:00", 0, 1),  # happened twice: the first
        ("Europe/Dublin", "2024-10-27 01:30", "2024-10-27T00:30:00", 0, 1),  # summer is standard time there
        ("Australia/Lord_Howe", "2024-10-06 02:10", "2024-10-05T15:40:00", 1, 0),  # a gap of half an hour
        ("Pacific/Apia", "2011-12-30 12:00", "2011-12-30T22:00:00", 1, 0),  # a whole day that never was
        ("UTC", "2024-03-31 02:30", "2024-03-31T02:30:00", 0, 0),
    ],
)
def test_local_times_across_changes_of_the_clock(
    zone: str, local: str, expected: str, in_gap: int, ambiguous: int
) -> None:
    assert instant(local, zone=zone) == expected
    read_back = read([local], zone=zone)
    assert (read_back.in_gap, read_back.ambiguous) == (in_gap, ambiguous)


@given(
    local=st.datetimes(datetime(1971, 1, 2), datetime(2037, 12, 30)),  # noqa: DTZ001 - local times have no zone
    zone=st.sampled_from(
        ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/Sao_Paulo"]
    ),
)
def test_local_times_agree_with_the_standard_library(local: datetime, zone: str) -> None:
    expected = local.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC)
    at_us = int(read([local.isoformat(sep=" ")], zone=zone).at_us[0])
    assert at_us == (expected - datetime(1970, 1, 1, tzinfo=UTC)) // (datetime.resolution)


def test_a_missing_text_is_not_an_unreadable_one() -> None:
    column = Coded(np.array([0, -1], dtype=np.int32), np.array(["never"], dtype=object))
    assert read_instants(column, ("iso",), "UTC").is_missing.tolist() == [False, True]
