"""Jobs over HTTP: docs/api.md, POST /api/v1/jobs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest

from commands.training_options import Trainable
from serving.access.roles import Permission, Role
from serving.access.tokens import Token
from serving.api import asking, job_log
from serving.api.asking import MOST_WAITING, asked
from serving.jobs.catalogue import KINDS
from serving.jobs.kinds import JobKind, JobOrder
from serving.jobs.process import SLACAST
from serving.jobs.runner import JobRunner
from serving.problems import ProblemError
from tests.serving import job_desk
from tests.serving.builders import is_problem
from tests.serving.job_desk import JOBS, TestArguments, ended, until, worker, working_desk
from tests.serving.stored_desk import HASHES, TOKENS, Desk


@pytest.fixture
def working(prepared_desk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    with working_desk(prepared_desk, tmp_path, monkeypatch) as found:
        yield found


def test_a_scientist_starts_a_training_and_sees_what_became_of_it(working: Desk) -> None:
    client = working.client(Role.SCIENTIST)
    started = client.post(JOBS, json={"kind": "train", "arguments": {"model": "breach"}})
    assert started.status_code == 202
    job = started.json()
    assert (job["state"], job["kind"], job["about"], job["seconds"]) == ("waiting", "train", "Train a model", None)
    assert job["arguments"]["target"] == "resolution"
    assert job["asked_by"] == f"key {TOKENS[Role.SCIENTIST].prefix} (scientist)"
    address = started.headers["Location"]
    assert address == f"{JOBS}/{job['job_id']}"
    done = until(worker(working), lambda: ended(client.get(address).json()))
    assert (done["state"], done["progress"], done["problem"]) == ("succeeded", 1.0, None)
    assert done["result"]["who"] == job["asked_by"]
    assert done["has_log"]
    assert done["seconds"] >= 0
    log = client.get(f"{address}/log")
    assert log.headers["content-type"] == "text/plain; charset=utf-8"
    assert log.text.splitlines()[0] == "[  0.0 s] reading the events"
    rest = client.get(f"{address}/log?offset={log.headers['X-Next-Offset']}")
    assert rest.text == ""
    (listed,) = client.get(JOBS).json()["jobs"]
    assert (listed["job_id"], listed["result"]) == (job["job_id"], None)
    (entry,) = working.client(Role.ADMIN).get("/api/v1/audit?action=job asked for").json()["entries"]
    assert (entry["actor"], entry["subject"]) == (job["asked_by"], f"job {job['job_id']}")
    assert entry["after"]["arguments"]["model"] == "breach"


def test_what_a_kind_does_not_take_is_named(working: Desk) -> None:
    client = working.client(Role.SCIENTIST)
    for body, pointer in (
        ({"kind": "train", "arguments": {"sed": 1}}, "#/arguments/sed"),
        ({"kind": "train", "arguments": {"target": "--help"}}, "#/arguments/target"),
        ({"kind": "train", "arguments": {"as_of": "2026-05-01T00:00:00"}}, "#/arguments/as_of"),
        ({"kind": "train", "arguments": {"model": "outage", "tuned": True}}, "#/arguments"),
        ({"kind": "train", "arguments": {"model": "work-time", "cut": "2026-05-01T00:00:00Z"}}, "#/arguments"),
        ({"kind": "train", "arguments": {"model": "work-time", "seed": 3}}, "#/arguments"),
        ({"kind": "train", "arguments": {"model": "volume", "cut": "2026-05-01T00:00:00Z"}}, "#/arguments"),
        ({"kind": "backtest", "arguments": {"every_days": 0}}, "#/arguments/every_days"),
        ({"kind": "format the disk"}, "#/"),
        ({}, "#/"),
    ):
        faults = is_problem(client.post(JOBS, json=body), 422)["errors"]
        assert [fault["pointer"] for fault in faults] == [pointer], body
    assert client.get(JOBS).json()["jobs"] == []


def test_whatever_the_command_trains_a_job_trains_too() -> None:
    field = KINDS["train"].arguments.model_fields["model"]
    assert sorted(get_args(field.annotation)) == sorted(Trainable)


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_each_kind_is_started_by_the_roles_that_may_alone(working: Desk, kind: JobKind) -> None:
    for role in Role:
        answer = working.client(role).post(JOBS, json={"kind": kind.name, "arguments": kind.example()})
        if kind.is_listed and role.may(kind.permission) and role.may(Permission.ASK_JOBS):
            assert answer.status_code == 202, (role, answer.text)
        else:
            is_problem(answer, 403 if kind.is_listed or not role.may(Permission.ASK_JOBS) else 422)


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_the_command_line_of_each_kind_is_one_that_slacast_takes(working: Desk, kind: JobKind, tmp_path: Path) -> None:
    import click
    import typer.main

    import slacast

    order = JobOrder(tmp_path, working.settings, "Ada")
    words = kind.command(kind.arguments.model_validate(kind.example()), order)
    command: Any = typer.main.get_command(slacast.app)
    while hasattr(command, "commands"):
        command, words = command.commands[words[0]], words[1:]
    assert command.make_context("slacast", words, parent=click.Context(command)).params


def test_a_key_of_some_teams_starts_nothing_about_all_of_them_and_sees_its_own_jobs_alone(working: Desk) -> None:
    narrow = Token("narrow22", TOKENS[Role.READER].secret)
    working.add_key(narrow, HASHES[Role.READER], role="scientist", teams=("Network",))
    client = working.client(token=narrow.text)
    assert "all tickets" in is_problem(client.post(JOBS, json={"kind": "train"}), 403)["detail"]
    other = working.client(Role.SCIENTIST).post(JOBS, json={"kind": "train"}).json()["job_id"]
    assert client.get(JOBS).json()["jobs"] == []
    for path in (f"{JOBS}/{other}", f"{JOBS}/{other}/log", f"{JOBS}/{other}/log/stream"):
        is_problem(client.get(path), 404)
    is_problem(client.post(f"{JOBS}/{other}/cancel"), 404)


def test_the_same_idempotency_key_is_the_same_job(working: Desk) -> None:
    client = working.client(Role.SCIENTIST)
    body = {"kind": "train", "arguments": {"seed": 1}}
    first, again = (client.post(JOBS, json=body, headers={"Idempotency-Key": "monday"}) for _ in range(2))
    assert first.json()["job_id"] == again.json()["job_id"]
    assert again.status_code == 202
    other = client.post(JOBS, json={"kind": "train"}, headers={"Idempotency-Key": "monday"})
    is_problem(other, 422)
    mine = working.client(Role.ADMIN).post(JOBS, json=body, headers={"Idempotency-Key": "monday"})
    assert mine.json()["job_id"] != first.json()["job_id"]
    assert len(client.get(JOBS).json()["jobs"]) == 2


def test_a_job_is_cancelled_once_by_those_who_may_start_its_kind(working: Desk) -> None:
    client = working.client(Role.SCIENTIST)
    number = client.post(JOBS, json={"kind": "train", "arguments": {"seed": 7}}).json()["job_id"]
    until(worker(working), lambda: client.get(f"{JOBS}/{number}").json()["step"] == "waiting")
    is_problem(working.client(Role.PLANNER).post(f"{JOBS}/{number}/cancel"), 403)
    told = working.client(Role.ADMIN).post(f"{JOBS}/{number}/cancel")
    assert (told.status_code, told.json()["is_cancelling"]) == (200, True)
    assert client.post(f"{JOBS}/{number}/cancel").status_code == 200  # again, while it ends
    done = until(worker(working), lambda: ended(client.get(f"{JOBS}/{number}").json()))
    assert (done["state"], done["is_cancelling"]) == ("cancelled", False)
    assert "cancelled" in is_problem(client.post(f"{JOBS}/{number}/cancel"), 409)["detail"]
    (entry,) = working.client(Role.ADMIN).get("/api/v1/audit?action=job cancelled").json()["entries"]
    assert entry["actor"].endswith("(admin)")
    waiting = client.post(JOBS, json={"kind": "train"}).json()["job_id"]
    assert client.post(f"{JOBS}/{waiting}/cancel").json()["state"] == "cancelled"
    is_problem(client.post(f"{JOBS}/999/cancel"), 404)


def test_nothing_is_sent_again_while_a_job_stands_as_it_did(working: Desk) -> None:
    client = working.client(Role.SCIENTIST)
    address = client.post(JOBS, json={"kind": "train"}).headers["Location"]
    for path in (address, JOBS):
        tag = {"If-None-Match": client.get(path).headers["etag"]}
        assert client.get(path, headers=tag).status_code == 304
    until(worker(working), lambda: ended(client.get(address).json()))
    assert client.get(path, headers=tag).status_code == 200


def test_jobs_are_paged_and_narrowed_by_kind(working: Desk) -> None:
    client = working.client(Role.SCIENTIST)
    numbers = [client.post(JOBS, json={"kind": kind}).json()["job_id"] for kind in ("train", "tune", "train")]
    first = client.get(f"{JOBS}?limit=2").json()
    assert [job["job_id"] for job in first["jobs"]] == numbers[:0:-1]
    second = client.get(f"{JOBS}?limit=2&before={first['next_before']}").json()
    assert [job["job_id"] for job in second["jobs"]] == numbers[:1]
    assert second["next_before"] is None
    assert [job["job_id"] for job in client.get(f"{JOBS}?kind=tune").json()["jobs"]] == [numbers[1]]


def test_no_more_jobs_wait_than_may(working: Desk) -> None:
    admin = working.client(Role.ADMIN)
    for _ in range(MOST_WAITING):
        assert admin.post(JOBS, json={"kind": "train"}).status_code == 202
    refused = admin.post(JOBS, json={"kind": "train"})
    assert "50 jobs wait already" in is_problem(refused, 429)["detail"]
    assert refused.headers["Retry-After"] == "60"


def test_the_real_command_line_runs_as_a_job(working: Desk) -> None:
    migrate = JobKind(
        name="migrate",
        about="Migrate",
        permission=Permission.TRAIN,
        arguments=TestArguments,
        command=lambda _given, _order: ["migrate"],
    )
    caller = replace(_local(), name="Ada")
    doing = JobRunner(working.store.jobs, working.settings, kinds={"migrate": migrate}, program=SLACAST)
    wish = asking.Request(working.service, caller, working.app.state.gate.clock(), None, {})
    job = asked(wish, migrate, TestArguments())
    done = until(doing, lambda: (found := working.store.jobs.find(job.job_id)) and not found.is_open and found, 60)
    assert (done.state, done.problem) == ("succeeded", None)
    assert done.result.endswith("desk.db is up to date")


def test_in_the_background_a_job_begins_when_it_is_asked_for(working: Desk) -> None:
    client = working.client(Role.SCIENTIST)
    doing = worker(working)
    doing.start()
    time.sleep(0.2)  # it looks, finds nothing, and rests
    began = time.monotonic()
    address = client.post(JOBS, json={"kind": "train"}).headers["Location"]
    while ended(client.get(address).json()) is None and time.monotonic() - began < 20:
        time.sleep(0.02)
    assert client.get(address).json()["state"] == "succeeded"


def test_a_store_that_is_away_is_a_503(working: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from features.store import StoreError

    def away(*_given: object, **_values: object) -> None:
        raise StoreError("the database is away")

    monkeypatch.setattr(working.store.jobs, "add", away)
    monkeypatch.setattr(working.store.jobs, "find", away)
    client = working.client(Role.SCIENTIST)
    is_problem(client.post(JOBS, json={"kind": "train"}), 503)
    is_problem(client.get(f"{JOBS}/1"), 503)
    with pytest.raises(ProblemError):
        job_log.output_of(working.service, _local(), 1)


def _local() -> Any:
    from serving.access.caller import LOCAL

    return LOCAL


def test_the_kinds_of_the_tests_are_not_those_of_the_service() -> None:
    assert not set(job_desk.KINDS) & set(KINDS)
