"""Times in the data quality report: a zone that looks wrong, days that are absent, dates written in several ways."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.sources.mapping import parse_mapping
from features.sources.quality import Quality
from features.sources.reading import read
from features.sources.report import notes, report_dict
from features.sources.result import ImportResult

OFFICE_HOURS = [8, 9, 10, 11, 12, 13, 14, 15, 16, 17]


def result(folder: Path, times: list[str], zone: str = "UTC", dates: str = "iso") -> ImportResult:
    rows = "".join(f"T{k},{time}\n" for k, time in enumerate(times))
    (folder / "a.csv").write_text("t,at\n" + rows, encoding="utf-8")
    mapping = f"time_zone: {zone}\ndates: {dates}\nduplicates: keep\ncolumns: {{ticket_id: t, event_at: at}}\n"
    return read(folder / "a.csv", parse_mapping(mapping))


def quality(folder: Path, times: list[str], zone: str = "UTC", dates: str = "iso") -> Quality:
    return result(folder, times, zone, dates).quality


def office(shift: int = 0, ending: str = "") -> list[str]:
    return [f"2024-07-{day:02d} {(hour + shift) % 24:02d}:30{ending}" for day in range(1, 20) for hour in OFFICE_HOURS]


@pytest.mark.parametrize(("shift", "expected"), [(0, 0), (6, 6), (-7, -7), (10, 10)])
def test_the_shift_of_office_hours_is_told_in_hours(tmp_path: Path, shift: int, expected: int) -> None:
    found = quality(tmp_path, office(shift))
    assert found.shift_hours == expected
    assert found.has_odd_hours == (shift != 0)


def test_hours_are_those_of_the_mappings_zone_also_where_texts_have_an_offset(tmp_path: Path) -> None:
    assert quality(tmp_path, office(ending="Z"), "Europe/Berlin").busiest_hours == (10, 20)
    assert quality(tmp_path, office(ending="+02:00"), "Europe/Berlin").busiest_hours == (8, 18)
    assert quality(tmp_path, office(), "Europe/Berlin").busiest_hours == (8, 18)
    text = "\n".join(notes(result(tmp_path, office(ending="Z"), "Australia/Sydney")))
    assert "most rows fall between 18:00 and 4:00 in Australia/Sydney, 10 hours after ordinary office hours" in text


def test_a_handful_of_rows_has_no_office_hours(tmp_path: Path) -> None:
    assert quality(tmp_path, office(6)[:50]).busiest_hours is None


def test_a_busy_desk_may_not_be_silent_for_a_week(tmp_path: Path) -> None:
    def days(rows: int) -> list[str]:
        return [f"2024-07-{day:02d} 12:00" for day in (1, 2, 3, 4, 11, 12) for _ in range(rows)]

    (gap,) = quality(tmp_path, days(30)).gaps
    assert (gap.days, f"{gap.after:%Y-%m-%d}") == (7, "2024-07-04")
    assert quality(tmp_path, days(2)).gaps == ()


def test_every_long_gap_is_told_the_longest_first(tmp_path: Path) -> None:
    found = result(tmp_path, ["2024-01-01", "2024-02-01", "2024-02-02", "2024-05-02"])
    assert [round(gap.days) for gap in found.quality.gaps] == [90, 31]
    assert any("90 days after 2024-02-02, 31 days after 2024-01-01" in note for note in notes(found))
    assert report_dict(found)["quality"]["gaps"][1] == {"days": 31.0, "after": "2024-01-01T00:00:00+00:00"}


def test_dates_written_in_several_ways_are_read_and_counted(tmp_path: Path) -> None:
    times = ["2024-03-04 08:00", "04.03.2024 09:00", "1709546400", "05.03.2024 09:00"]
    found = result(tmp_path, times, dates='[iso, "%d.%m.%Y %H:%M", epoch_seconds]')
    assert found.events["event_at"].dt.strftime("%d %H").tolist() == ["04 08", "04 09", "04 10", "05 09"]
    assert found.quality.date_formats == {"iso": 1, "%d.%m.%Y %H:%M": 2, "epoch_seconds": 1}
    assert any(
        "dates are written in 3 ways: 1 row as 'iso', 2 rows as '%d.%m.%Y %H:%M'" in note for note in notes(found)
    )
