"""The agreements of examples/uci-incidents on the real log, and the log's own flag."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sla.agreements.loading import load_agreements
from sla.clocks.replay import ClockTable, VerdictState, replay
from sla.clocks.ticket_clocks import replay_ticket
from sla.instants import DAY_US, from_us
from sla.working_time.business_time import compile_calendar
from sla.working_time.calendars import CalendarSpec
from sla.working_time.working_days import WorkingDays
from tests.sla.test_scalar_and_vector import figures, row_figures
from tests.sla.uci_log import ZONE, event_log, instant_us, needs_log, raw_rows

AGREEMENTS = Path(__file__).resolve().parents[2] / "examples" / "uci-incidents" / "agreements.yaml"
pytestmark = needs_log()


@cache
def table() -> ClockTable:
    log = event_log()
    return replay(log, load_agreements(AGREEMENTS), int(log.known_us.max()) + 30 * DAY_US)


def breach_share(chosen: NDArray[np.bool_]) -> float:
    rows = table().rows_of("resolution")
    return round(float(table().verdicts.is_breached[rows][chosen].mean()), 3)


def opened() -> NDArray[np.object_]:
    log = event_log()
    return np.array(
        [f"{from_us(int(at)).astimezone(ZONE):%Y-%m-%d}" for at in log.at_us[log.offsets[:-1]]], dtype=object
    )


def test_breach_shares_by_month_are_those_of_the_study():
    days = opened()[table().ticket[table().rows_of("resolution")]]
    shares = {
        month: breach_share(np.array([day.startswith(month) for day in days]))
        for month in ("2016-03", "2016-04", "2016-05")
    }
    assert shares == {"2016-03": 0.284, "2016-04": 0.161, "2016-05": 0.167}


def test_breach_shares_by_priority_are_those_of_the_study():
    log, rows = event_log().filled(), table().rows_of("resolution")
    tickets = table().ticket[rows]
    column = log.columns["priority"]
    priority = column.codes[log.offsets[1:] - 1][tickets]
    in_time = opened()[tickets] <= "2016-05-31"
    shares = {text: breach_share(in_time & (priority == code)) for code, text in enumerate(column.values)}
    assert shares == {"1": 0.736, "2": 0.52, "3": 0.2, "4": 0.118}
    assert int(in_time.sum()) == 24_644


def test_every_ticket_has_both_clocks_and_nothing_runs_for_ever():
    log = event_log()
    for name in ("resolution", "first_response"):
        rows = table().rows_of(name)
        assert rows.size == log.ticket_ids.size == 24_918
        assert set(table().verdicts.state[rows].tolist()) == {VerdictState.MET, VerdictState.BREACHED}


def test_single_tickets_say_the_same_as_the_table():
    log, agreements = event_log(), load_agreements(AGREEMENTS)
    rows = table().rows_of("resolution")
    for index in range(0, log.ticket_ids.size, 500):
        (verdict,) = replay_ticket(
            log.events_of(log.ticket_ids[index]), agreements, from_us(table().as_of_us), targets=["resolution"]
        )
        assert row_figures(table().verdicts, int(rows[index])) == figures(verdict)


def test_the_logs_own_flag_follows_business_days_from_opening_to_closing():
    """More than 6 business days (priority 3) or 14 (priority 4), or priority 1 or 2, is a breach for at least 99.0 %."""
    last = {row["number"]: row for row in raw_rows()}
    days = WorkingDays(
        compile_calendar(CalendarSpec(time_zone="Europe/Berlin", hours={"mon-fri": [["00:00", "24:00"]]}))
    )
    begin = days.local_day(np.array([instant_us(row["opened_at"]) for row in last.values()]))
    end = days.local_day(np.array([instant_us(row["closed_at"]) for row in last.values()]))
    allowed = np.array([{"1": -1, "2": -1, "3": 6, "4": 14}[row["priority"][0]] for row in last.values()])
    breached = days.count(begin, end) > allowed
    flag = np.array([row["made_sla"] == "false" for row in last.values()])
    agreement = float((breached == flag).mean())
    assert len(last) == 24_918
    assert agreement >= 0.990, agreement


def test_the_flag_was_read_from_the_closed_rows():
    closed = [row for row in raw_rows() if row["incident_state"] == "Closed"]
    assert {row["made_sla"] for row in closed} == {"true", "false"}
    assert datetime.strptime(closed[0]["closed_at"], "%d/%m/%Y %H:%M").year == 2016  # noqa: DTZ007 - only the year is looked at
