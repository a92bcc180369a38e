"""`slacast report availability`: a service, or some of which enough must work, by windows of any kind, zone and service hours."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from features.store import open_store
from slacast import app
from tests.serving.service_builders import frame, happened

CATALOGUE = """
slacast: 1
calendars:
  always: {time_zone: UTC, always_open: true}
  office: {time_zone: Europe/Berlin, hours: {mon-fri: [["08:00", "18:00"]]}}
services:
  A: {availability_percent: 99, depends_on: [B]}
  B: {}
agreements:
  - {name: desk, owner: someone, calendar: always, targets: [{metric: resolution, goals: [{default: true, within: 8 h}]}]}
"""
AT = datetime(2026, 4, 15, 12, tzinfo=UTC)
OUTAGES = (
    ("A", datetime(2026, 3, 1, tzinfo=UTC), 1),
    ("B", datetime(2026, 3, 1, tzinfo=UTC), 1),
    ("A", datetime(2026, 3, 28, 22, 30, tzinfo=UTC), 60),  # 23:30 in Berlin, on the eve of the 23-hour Sunday
    ("B", datetime(2026, 3, 28, 23, tzinfo=UTC), 60),  # half of it together with A
    ("A", datetime(2026, 4, 1, 7, 30, tzinfo=UTC), 120),  # 09:30 to 11:30 in Berlin, on a Wednesday
)


@pytest.fixture
def store(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/desk.db"
    with open_store(url) as opened:
        opened.append_service_events(
            frame([row for one in OUTAGES for row in happened(one[0], "outage", *one[1:])]), "test"
        )
        opened.save_agreements(CATALOGUE, AT)
    return url


def report(store: str, *words: str) -> list[dict[str, Any]]:
    done = CliRunner().invoke(
        app, ["report", "availability", "--store", store, "--as-of", AT.isoformat(), "--json", *words]
    )
    assert done.exit_code == 0, done.output
    windows: list[dict[str, Any]] = json.loads(done.stdout)["windows"]
    return windows


MARCH = ("--from", "2026-03-28", "--to", "2026-03-29", "--by", "day")


def test_days_are_those_of_the_zone(store: str) -> None:
    berlin = report(store, "--service", "A", *MARCH, "--zone", "Europe/Berlin")
    assert [one["lost_minutes"] for one in berlin] == [30, 30]
    assert [one["measured_minutes"] for one in berlin] == [24 * 60, 23 * 60]
    assert [one["outages"] for one in berlin] == [1, 0]
    assert [one["lost_minutes"] for one in report(store, "--service", "A", *MARCH)] == [60, 0]


@pytest.mark.parametrize(("needed", "lost"), [("1", 30), ("2", 90)])
def test_of_several_services_as_many_must_work_as_are_needed(store: str, needed: str, lost: float) -> None:
    both = report(store, "--service", "A", "--service", "B", "--needed", needed, *MARCH)
    assert sum(one["lost_minutes"] for one in both) == lost
    if needed == "2":
        assert both == report(store, "--service", "A", "--service", "B", *MARCH)
        assert both == report(store, "--service", "A", "--with-needs", *MARCH)


def test_months_within_service_hours_end_at_the_instant_and_are_held_to_the_promise(store: str) -> None:
    words = ("--service", "A", "--from", "2026-04-01", "--to", "2026-06-30", "--zone", "Europe/Berlin")
    (april,) = report(store, *words, "--hours", "office")
    # 1 to 14 April has ten working days of ten hours; on the 15th it is 14:00 in Berlin.
    assert (april["measured_minutes"], april["lost_minutes"]) == ((10 * 10 + 6) * 60, 120)
    assert april["availability"] == pytest.approx(1 - 2 / 106)
    assert april["budget_left"] == pytest.approx(1 - 2 / 1.06)
    assert report(store, *words, "--hours", "office", "--objective", "98")[0]["budget_left"] > 0


def test_rolling_windows_end_on_each_day(store: str) -> None:
    words = ("--by", "rolling", "--rolling-days", "2", "--from", "2026-03-28", "--to", "2026-03-30")
    assert [one["lost_minutes"] for one in report(store, "--service", "A", *words)] == [60, 60, 0]


def test_people_read_a_line_a_window(store: str) -> None:
    words = ["--service", "A", "--from", "2026-04-01", "--to", "2026-04-30", "--zone", "Europe/Berlin"]
    done = CliRunner().invoke(app, ["report", "availability", "--store", store, "--as-of", AT.isoformat(), *words])
    assert "Availability of A by month, Europe/Berlin, around the clock, promised 99 %" in done.stdout
    assert "2026-04-01 00:00 to 2026-04-15 14:00: 99.4" in done.stdout
    assert "120.0 minutes lost, 1 outage began; kept" in done.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--service", "C"), "no service is called 'C'; known are: A, B"),
        (("--service", "A", "--by", "hour"), "'hour' is no kind of window"),
        (("--service", "A", "--hours", "night"), "no calendar is called 'night'; known are: always, office"),
        (("--service", "A", "--needed", "2"), "2 of 1 services are needed"),
        (("--service", "A", "--objective", "100"), "expected percent between 0 and 100"),
        (("--service", "A", "--zone", "Mars/Base"), "Mars/Base"),
    ],
)
def test_what_is_not_known_is_named(store: str, words: tuple[str, ...], said: str) -> None:
    dates = ["--from", "2026-04-01", "--to", "2026-04-30"]
    done = CliRunner().invoke(
        app, ["report", "availability", "--store", store, "--as-of", AT.isoformat(), *dates, *words]
    )
    assert done.exit_code in (1, 2)
    assert said in " ".join(done.output.replace("│", " ").split())
