"""`slacast simulate` over a store, and phones without one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import joblib
import pandas as pd
import pytest
from typer.testing import CliRunner

from commands.simulation import text_of
from features.store import open_store
from simulation.desk import Desk
from simulation.fit_check import CheckedFit, Promises, checked_fit
from slacast import app
from tests.simulation.test_fitting import PLANTED, START

AGREEMENTS = "examples/demo/agreements.yaml"
AS_OF = "2026-03-02T00:00+01:00"  # the store holds a week more
runner = CliRunner()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    url = f"sqlite:///{tmp_path_factory.mktemp('desk')}/slacast.db"
    with open_store(url) as opened:
        opened.append_ticket_events(Desk(PLANTED, 7, START).events_until(START + timedelta(weeks=9)), "test")
    return url


@pytest.fixture(scope="module", autouse=True)
def fits_once() -> Iterator[None]:
    """Of the same events and promises each command gets the desk that was fitted first, for that takes seconds."""
    fitted: dict[str, CheckedFit] = {}

    def once(events: pd.DataFrame, promises: Promises, weeks: int, runs: int, **more: Any) -> CheckedFit:
        asked = str(joblib.hash((events, promises, weeks, runs)))
        if asked not in fitted:
            fitted[asked] = checked_fit(events, promises, weeks, runs, **more)
        return fitted[asked]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("simulation.fit_check.checked_fit", once)
        yield


def said(*words: str) -> dict[str, object]:
    found = runner.invoke(app, ["simulate", *words, "--json"])
    assert found.exit_code == 0, found.output
    return json.loads(found.stdout)  # type: ignore[no-any-return]


def test_phones_are_staffed_by_formula_without_a_store() -> None:
    found = said("--contacts", "100", "--share", "0.8", "--shrinkage", "0.3")["staffing"]
    assert (found["agents"], found["scheduled"]) == (14, 20)  # type: ignore[index]
    text = runner.invoke(app, ["simulate", "--contacts", "100", "--share", "0.8"]).stdout
    assert "14 people at the desk" in text
    assert "10 erlangs" in text


def test_a_desk_is_fitted_from_the_store_and_asked_what_if(store: str) -> None:
    words = ("--store", store, "--agreements", AGREEMENTS, "--as-of", AS_OF)
    moved = ("--shift", "Second=10:00-18:00 mon-fri", "--hours", "08:00-18:00 mon-fri", "--policy", "suggested")
    more = ("--people", "Second=2", "--arrivals", "1.2", "--outage", "Service@tue,10,180,20,1")
    found = said(*words, *moved, *more, "--weeks", "1", "--runs", "2")
    figures = {one["figure"]: one for one in found["figures"]}  # type: ignore[attr-defined]
    assert figures["tickets"]["change"] > 0
    assert {one["figure"] for one in found["fit"]["held"]} == {  # type: ignore[index]
        "tickets", "attainment", "backlog", "median_hours", "mean_lateness_hours",
    }  # fmt: skip
    assert found["change"]["people"] == {"Second": 2}  # type: ignore[index]
    change = found["change"]
    assert change["shifts"] == [["Second", "10:00-18:00 mon-fri"]]  # type: ignore[index]
    assert (change["hours"], change["policy"]) == ("08:00-18:00 mon-fri", "suggested")  # type: ignore[index]
    assert change["outage"]["tickets_per_hour"] == 20  # type: ignore[index]
    text = text_of(found)  # type: ignore[arg-type]
    assert "Held against 4 weeks it has not seen" in text
    assert "What if, 2 runs of 1 weeks" in text


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--people", "Second"), "is not TEAM=N"),
        (("--outage", "VPN"), "is not SERVICE@WEEKDAY,HOUR,MINUTES"),
        (("--outage", "VPN@tue,10,180,1,2,3"), "is not SERVICE@WEEKDAY,HOUR,MINUTES"),
        (("--shift", "10:00-18:30 mon-fri"), "is not TEAM=SHIFT"),
        (("--policy", "magic"), "is none of priority, fifo, due, overdue-last, suggested"),
    ],
)
def test_a_change_that_is_not_written_as_expected_is_refused(words: tuple[str, str], sentence: str, store: str) -> None:
    found = runner.invoke(
        app, ["simulate", "--store", store, "--agreements", AGREEMENTS, *words, "--runs", "2", "--weeks", "1"]
    )
    assert found.exit_code == 2
    assert sentence in found.output.replace("\n", " ").replace("│", " ")


def test_a_store_without_enough_history_is_told_in_a_sentence(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/few.db"
    with open_store(url) as opened:
        opened.append_ticket_events(Desk(PLANTED, 7, START).events_until(START + timedelta(days=2)), "test")
    found = runner.invoke(app, ["simulate", "--fit", "--store", url, "--agreements", AGREEMENTS])
    assert found.exit_code == 1
    assert "expected at least 100" in found.output


def test_a_baseline_is_locked_between_commands_whatever_comes_later(store: str, tmp_path: Path) -> None:
    kept, desk = tmp_path / "baseline.json", ("--store", store, "--agreements", AGREEMENTS)
    words = (*desk, "--weeks", "1", "--runs", "2", "--baseline", str(kept))
    first = said(*words, "--as-of", AS_OF, "--arrivals", "1.2")
    locked = kept.read_bytes()
    assert json.loads(locked) == first["locked"]
    again = said(*words, "--arrivals", "0.8")  # the store holds a week more, which the locked desk does not know
    assert again["baseline"] == first["baseline"]
    assert [one["before"] for one in again["figures"]] == [one["before"] for one in first["figures"]]  # type: ignore[attr-defined]
    assert again["figures"] != first["figures"]
    assert kept.read_bytes() == locked
    for more, sentence in (
        (("--runs", "3"), "has 2 runs of 1 weeks"),
        (("--as-of", "2026-03-09T00:00+01:00"), "leave --as-of away"),
    ):
        found = runner.invoke(app, ["simulate", *words, *more])
        assert found.exit_code != 0
        assert sentence in found.output.replace("\n", " ")
    kept.write_text("{}", encoding="utf-8")
    assert "holds no baseline" in runner.invoke(app, ["simulate", *words]).output.replace("\n", " ")


def test_whole_calendars_are_put_in_place_of_the_desks(store: str, tmp_path: Path) -> None:
    file = tmp_path / "calendars.yaml"
    file.write_text("desk: {hours: {mon-fri: [['00:00', '24:00']]}}\n", encoding="utf-8")
    desk = (
        "--store",
        store,
        "--agreements",
        AGREEMENTS,
        "--as-of",
        AS_OF,
        "--weeks",
        "1",
        "--runs",
        "2",
    )
    found = said(*desk, "--calendars", str(file))
    assert found["change"]["calendars"] == {"desk": {"hours": {"mon-fri": [["00:00", "24:00"]]}}}  # type: ignore[index]
    figures = {one["figure"]: one for one in found["figures"]}  # type: ignore[attr-defined]
    assert figures["attainment"]["change"] < 0  # promises count at night, when nobody is there
    for text, sentence in (("[1]", "holds no calendars by name"), ("a: [", "cannot be read")):
        file.write_text(text, encoding="utf-8")
        refused = runner.invoke(app, ["simulate", *desk, "--calendars", str(file)])
        assert refused.exit_code != 0
        assert sentence in refused.output.replace("\n", " ").replace("│", " ")
