"""The log's own flag `made_sla`, recomputed from working days alone."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import date, datetime

import numpy as np
import pytest

from sla.working_time.opening_windows import day_number
from sla.working_time.working_days import WorkingDays
from tests.sla.calendar_examples import OFFICE, compiled
from tests.sla.uci_log import LOG


def _day(text: str) -> int:
    return day_number(date(*reversed([int(part) for part in text.split(" ")[0].split("/")])))


@pytest.mark.skipif(not LOG.is_file(), reason=f"{LOG.name} is not there ({LOG.parent.name} under ../shared/data)")
def test_the_flag_of_the_log_is_a_count_of_working_days_from_opening_to_closing() -> None:
    last: dict[str, dict[str, str]] = {}
    with zipfile.ZipFile(LOG) as archive:
        name = next(member for member in archive.namelist() if member.endswith(".csv"))
        for row in csv.DictReader(io.TextIOWrapper(archive.open(name), "utf-8")):
            last[row["number"]] = row
    rows = list(last.values())
    opened, closed = (np.array([_day(row[key]) for row in rows], np.int64) for key in ("opened_at", "closed_at"))
    priority = np.array([int(row["priority"][0]) for row in rows])
    days = WorkingDays(compiled(OFFICE)).count(opened, closed)
    breached = np.select([priority <= 2, priority == 3], [np.full(len(rows), True), days > 6], days > 14)
    flagged = np.array([row["made_sla"] != "true" for row in rows])
    assert len(rows) == 24_918
    assert np.mean(breached == flagged) >= 0.990


def test_a_date_of_the_log_is_day_month_year() -> None:
    assert _day("29/2/2016 01:16") == day_number(datetime(2016, 2, 29).date())  # noqa: DTZ001 - only its date
