"""POST /api/v1/staffing and POST /api/v1/simulations: docs/api.md."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from commands.desk_changes import calendars_of
from serving.access.roles import Role
from serving.jobs.kinds import JobOrder
from serving.jobs.planning import SIMULATE, SimulateArguments
from serving.settings import Settings
from slacast import app
from tests.serving.builders import is_problem
from tests.serving.stored_desk import Desk

STAFFING, SIMULATIONS = "/api/v1/staffing", "/api/v1/simulations"
CALLS = {"contacts": 100, "interval_seconds": 1800, "handling_seconds": 180, "answer_seconds": 20, "share": 0.8}


@pytest.fixture
def guarded(prepared_desk: Path, tmp_path: Path) -> Desk:
    found = Desk(prepared_desk, tmp_path, requests_per_second=1e6)
    found.add_keys()
    return found


def test_phones_are_staffed_and_every_number_says_how(guarded: Desk) -> None:
    answer = guarded.client(Role.PLANNER).post(STAFFING, json={**CALLS, "shrinkage": 0.3})
    assert answer.status_code == 200
    found = answer.json()
    assert (found["agents"], found["scheduled"], found["formula"]) == (14, 20, "Erlang C")
    assert round(found["service_level"], 3) == 0.888
    assert len(found["steps"]) == 6
    impatient = guarded.client(Role.MANAGER).post(STAFFING, json={**CALLS, "patience_seconds": 60}).json()
    assert impatient["formula"] == "Erlang A"
    assert impatient["agents"] < 14


def test_who_does_not_plan_may_not_ask_and_numbers_without_sense_are_named(guarded: Desk) -> None:
    assert guarded.client(Role.READER).post(STAFFING, json=CALLS).status_code == 403
    assert guarded.client(Role.SCIENTIST).post(SIMULATIONS, json={}).status_code == 403
    planner = guarded.client(Role.PLANNER)
    problem = is_problem(planner.post(STAFFING, json={**CALLS, "contacts": 100_000}), 422)
    assert "over 1000 erlangs" in problem["errors"][0]["detail"]
    assert is_problem(planner.post(STAFFING, json={**CALLS, "share": 2}), 422)["errors"][0]["pointer"] == "#/share"
    assert is_problem(planner.post(SIMULATIONS, json={"arrivals": 0}), 422)["errors"][0]["pointer"] == "#/arrivals"


def test_a_simulation_is_a_job_and_sent_again_with_its_key_the_same(guarded: Desk) -> None:
    planner = guarded.client(Role.PLANNER)
    body = {"people": {"Network": 2}, "outage": {"service": "VPN"}}
    started = [planner.post(SIMULATIONS, json=body, headers={"Idempotency-Key": "one"}) for _ in range(2)]
    assert [answer.status_code for answer in started] == [202, 202]
    job = started[0].json()
    assert job["kind"] == "simulate"
    assert job["arguments"]["people"] == {"Network": 2}
    assert started[1].json()["job_id"] == job["job_id"]
    assert started[0].headers["Location"] == f"/api/v1/jobs/{job['job_id']}"


def test_what_the_job_runs_is_a_command_that_reads_all_of_it(tmp_path: Path) -> None:
    given = SimulateArguments.model_validate(
        {
            "people": {"=evil --json": -2},
            "outage": {"service": "VPN, main", "weekday": "tue", "hour": 9.5},
            "shrinkage": 0.2,
            "shifts": {"Network": "10:00-18:30 mon-fri"},
            "help_of": {"Identity": ["Network", "Desk"]},
            "calendars": {"desk": {"hours": {"mon-sat": [["08:00", "20:00"]]}}},
        }
    )
    words = SIMULATE.command(given, JobOrder(tmp_path, Settings(), "somebody"))
    assert words[:2] == ["simulate", "--arrivals=1.0"]
    assert "--people==evil --json=-2" in words
    assert "--outage=VPN, main@tue,9.5,180,30,1" in words
    assert [word for word in words if word.startswith("--help-of")] == [
        "--help-of=Identity=Network",
        "--help-of=Identity=Desk",
    ]
    assert f"--calendars={tmp_path / 'calendars.yaml'}" in words
    assert calendars_of(tmp_path / "calendars.yaml") == given.calendars
    assert "--shift=Network=10:00-18:30 mon-fri" in words
    empty = f"--store=sqlite:///{tmp_path}/empty.db"
    found = CliRunner().invoke(app, [*words, empty, "--agreements=examples/demo/agreements.yaml"])
    assert found.exit_code == 1
    assert found.output.strip().splitlines()[-1].startswith("slacast: ")
