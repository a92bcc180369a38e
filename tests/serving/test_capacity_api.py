"""POST /api/v1/staffing and POST /api/v1/simulations: docs/api.md."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

from commands.desk_changes import calendars_of
from serving.access.roles import Role
from serving.jobs.kinds import JobOrder
from serving.jobs.planning import SIMULATE, SimulateArguments
from serving.jobs.process import SLACAST
from serving.jobs.runner import JobRunner
from serving.settings import Settings
from simulation import desk as simulated
from simulation.measures import FIGURES
from slacast import app
from tests.serving.builders import is_problem
from tests.serving.job_desk import until
from tests.serving.stored_desk import Desk
from tests.simulation.test_fitting import PLANTED, START

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


LOCKED: dict[str, Any] = {
    "as_of": "2026-03-02T00:00:00+01:00",
    "fingerprint": "0123456789abcdef",
    "start": "2026-02-02T00:00:00+01:00",
    "weeks": 1,
    "seeds": [1, 2],
    "runs": [dict.fromkeys(FIGURES, 1.0)] * 2,
}


def test_a_baseline_of_other_runs_or_none_at_all_is_refused_where_it_is_sent(guarded: Desk) -> None:
    planner = guarded.client(Role.PLANNER)

    def refused(body: dict[str, Any]) -> str:
        (error,) = is_problem(planner.post(SIMULATIONS, json=body), 422)["errors"]
        assert error["pointer"] == "#/baseline"
        return str(error["detail"])

    asked = {"weeks": 1, "runs": 2, "baseline": LOCKED}
    assert planner.post(SIMULATIONS, json=asked).status_code == 202
    assert "has 2 runs of 1 weeks, asked for are 20 of 8" in refused({"baseline": LOCKED})
    assert "has 2 runs of 1 weeks, asked for are 3 of 1" in refused({**asked, "runs": 3})
    assert "the luck of the seeds 2, 3" in refused({**asked, "baseline": {**LOCKED, "seeds": [2, 3]}})
    assert "no kept baseline (KeyError: 'as_of')" in refused({**asked, "baseline": {}})
    faults = is_problem(planner.post(SIMULATIONS, json={**asked, "weeks": 0}), 422)["errors"]
    assert [fault["pointer"] for fault in faults] == ["#/weeks"]  # of the baseline nothing can be said


@pytest.fixture
def planted(prepared_desk: Path, tmp_path: Path) -> Iterator[Desk]:
    """A service with jobs over a store with nine weeks of a planted desk."""
    found = Desk(prepared_desk, tmp_path, agreements=Path("examples/demo/agreements.yaml").absolute())
    found.store.append_ticket_events(simulated.Desk(PLANTED, 7, START).events_until(START + timedelta(weeks=9)), "test")
    found.add_keys()
    yield found
    found.close()


def test_a_change_is_held_against_the_baseline_of_an_earlier_job_whatever_came_since(planted: Desk) -> None:
    planner = planted.client(Role.PLANNER)
    doing = JobRunner(planted.store.jobs, planted.settings, program=SLACAST)

    def done(**body: Any) -> dict[str, Any]:
        address = planner.post(SIMULATIONS, json={"weeks": 1, "runs": 2, **body}).headers["Location"]
        until(doing, lambda: planner.get(address).json()["state"] not in ("waiting", "running"), 120)
        return planner.get(address).json()  # type: ignore[no-any-return]

    first = done(arrivals=1.2)
    assert first["problem"] is None
    locked = first["result"]["locked"]
    assert (locked["weeks"], locked["seeds"]) == (1, [1, 2])
    late = simulated.Desk(PLANTED, 8, START + timedelta(weeks=8)).events_until(START + timedelta(weeks=9))
    after = pd.Timestamp(locked["as_of"]).tz_convert("UTC").as_unit("us") + pd.Timedelta(seconds=1)
    late = late.assign(ticket_id="late" + late["ticket_id"], event_id="late" + late["event_id"], recorded_at=after)
    planted.store.append_ticket_events(late, "test")
    again = done(arrivals=0.8, baseline=locked)
    assert again["problem"] is None
    before = [[one["before"] for one in job["result"]["figures"]] for job in (first, again)]
    assert before[0] == before[1]
    assert again["result"]["locked"] == locked
    assert again["result"]["figures"] != first["result"]["figures"]


@pytest.mark.parametrize("place", range(2))
def test_the_examples_of_the_description_are_taken(guarded: Desk, place: int) -> None:
    example = SimulateArguments.model_json_schema()["examples"][place]
    assert guarded.client(Role.PLANNER).post(SIMULATIONS, json=example).status_code == 202
