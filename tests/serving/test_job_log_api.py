"""What a job says while it works, over HTTP: its log and the stream of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from features.store.jobs import JobEnd
from serving.access.roles import Role
from serving.api import job_log
from serving.jobs.output import LOG
from tests.serving.builders import is_problem
from tests.serving.job_desk import JOBS, ended, until, worker, working_desk
from tests.serving.stored_desk import Desk


@pytest.fixture
def working(prepared_desk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    with working_desk(prepared_desk, tmp_path, monkeypatch) as found:
        yield found


def test_the_stream_tells_lines_steps_and_the_end(working: Desk) -> None:
    client = working.client(Role.SCIENTIST)
    address = client.post(JOBS, json={"kind": "train"}).headers["Location"]
    until(worker(working), lambda: ended(client.get(address).json()))
    answer = client.get(f"{address}/log/stream")
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    parts = answer.text.strip().split("\n\n")
    assert parts[0].splitlines()[1:] == ["data: [  0.0 s] reading the events", "data: [  0.1 s] building features 40 %"]
    event, data = parts[-1].splitlines()
    assert event == "event: end"
    assert json.loads(data.removeprefix("data: ")) == {"state": "succeeded", "step": "building features", "progress": 1.0, "problem": None}  # fmt: skip
    offset = parts[0].splitlines()[0].removeprefix("id: ")
    again = client.get(f"{address}/log/stream", headers={"Last-Event-ID": offset})
    assert again.text.startswith("event: end")


def test_the_stream_follows_a_job_that_runs_and_ends_by_itself(working: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    client = working.client(Role.SCIENTIST)
    number = client.post(JOBS, json={"kind": "train", "arguments": {"seed": 7}}).json()["job_id"]
    until(worker(working), lambda: client.get(f"{JOBS}/{number}").json()["step"] == "waiting")
    monkeypatch.setattr(job_log, "STREAM_SECONDS", 0.3)
    monkeypatch.setattr(job_log, "LOOK_SECONDS", 0.05)
    text = client.get(f"{JOBS}/{number}/log/stream").text
    assert text.count("event: step") == 1  # told once, not at every look
    assert '"state": "running", "step": "waiting"' in text
    assert "event: end" not in text


def test_a_log_that_is_elsewhere_or_was_removed_is_a_404_with_its_place(working: Desk) -> None:
    client = working.client(Role.SCIENTIST)
    number = client.post(JOBS, json={"kind": "train"}).json()["job_id"]
    assert client.get(f"{JOBS}/{number}/log").text == ""  # it waits
    working.store.jobs.claim("elsewhere:1:ab", is_short=False, most_running=1)
    working.store.jobs.end(number, "elsewhere:1:ab", JobEnd(state="succeeded"))
    found = client.get(f"{JOBS}/{number}").json()
    assert (found["state"], found["has_log"]) == ("succeeded", False)
    assert "elsewhere:1:ab" in is_problem(client.get(f"{JOBS}/{number}/log"), 404)["detail"]


def test_a_log_shows_no_secret(working: Desk) -> None:
    client = working.client(Role.SCIENTIST)
    number = client.post(JOBS, json={"kind": "train"}).json()["job_id"]
    folder = worker(working).output(number).folder
    folder.mkdir(parents=True)
    (folder / LOG).write_text("postgresql://ada:hunter2@db/slacast\nBearer abcdef\n")
    assert client.get(f"{JOBS}/{number}/log").text == "postgresql://ada:***@db/slacast\nBearer ***\n"
