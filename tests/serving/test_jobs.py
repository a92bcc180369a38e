"""Whoever does the jobs: each runs in a process of its own, tells how far it is, and its end is told as it was."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from commands import starter
from features.store import Store, StoreError, open_store
from features.store.audit import Change
from features.store.jobs import StoredJob
from serving.jobs import process, runner
from serving.jobs.output import LOG, JobOutput, shown
from serving.jobs.runner import JobRunner
from serving.settings import Settings
from sla.instants import from_us
from tests.serving.job_desk import KINDS, PROGRAM, asked, until

ROOT = Path(__file__).parents[2]


@pytest.fixture
def store(prepared_desk: Path, tmp_path: Path) -> Iterator[Store]:
    (tmp_path / "desk.db").write_bytes(prepared_desk.read_bytes())
    with open_store(f"sqlite:///{tmp_path / 'desk.db'}") as opened:
        yield opened


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("ROOT", str(ROOT))
    monkeypatch.setattr(runner, "RENEW_SECONDS", 0.0)
    return Settings(database_url=f"sqlite:///{tmp_path / 'desk.db'}", var_dir=tmp_path, lease_seconds=1)


@pytest.fixture
def jobs(store: Store, settings: Settings) -> Iterator[JobRunner]:
    found = JobRunner(store.jobs, settings, kinds=KINDS, program=PROGRAM)
    yield found
    found.stop()


def ended(store: Store, jobs: JobRunner, number: int) -> StoredJob:
    def over() -> StoredJob | None:
        found = store.jobs.find(number)
        return None if found is None or found.is_open else found

    found = until(jobs, over)
    assert isinstance(found, StoredJob)
    return found


def running_with(store: Store, jobs: JobRunner, number: int, step: str) -> StoredJob:
    def tells() -> StoredJob | None:
        found = store.jobs.find(number)
        return found if found is not None and (found.step or "").startswith(step) else None

    found = until(jobs, tells)
    assert isinstance(found, StoredJob)
    return found


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def gone(pid: int) -> bool:
    deadline = time.monotonic() + 10
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not is_alive(pid)


def test_a_job_runs_with_the_settings_of_the_service_in_the_name_of_who_asked(
    store: Store, jobs: JobRunner, settings: Settings
) -> None:
    number = asked(store)
    done = ended(store, jobs, number)
    assert (done.state, done.exit_code, done.problem) == ("succeeded", 0, None)
    assert done.result == {"who": "Ada", "store": settings.database_url, "nice": min(os.nice(0) + 10, 19)}
    assert (done.step, done.progress) == ("building features", 1.0)
    assert jobs.output(number).log().text.splitlines()[0] == "[  0.0 s] reading the events"


def test_what_is_no_json_is_told_as_text_without_its_secrets(store: Store, jobs: JobRunner) -> None:
    assert ended(store, jobs, asked(store, "text")).result == "AUC 0.81\nslk_abcdefgh_***"


def test_a_command_that_fails_says_why_in_its_own_words(store: Store, jobs: JobRunner) -> None:
    failed, crashed = (ended(store, jobs, asked(store, doing)) for doing in ("fail", "crash"))
    assert (failed.state, failed.exit_code) == ("failed", 1)
    assert failed.problem == "there are no events to learn from"
    assert crashed.problem == "RuntimeError: postgresql://ada:***@host/db is gone"
    impossible = ended(store, jobs, asked(store, "impossible"))
    assert impossible.problem == "It could not be started: there is nothing to do it with"
    unknown = ended(store, jobs, asked(store, kind="of tomorrow"))
    assert "knows no jobs of the kind 'of tomorrow'" in str(unknown.problem)
    assert ended(store, jobs, asked(store, speed="no such argument")).state == "failed"


def test_one_long_job_runs_at_once_and_a_short_one_beside_it(store: Store, jobs: JobRunner) -> None:
    first, second = asked(store, "wait"), asked(store)
    quick = asked(store, kind="quick")
    running_with(store, jobs, first, "waiting")
    assert ended(store, jobs, quick).state == "succeeded"
    waits = store.jobs.find(second)
    assert waits is not None
    assert waits.state == "waiting"
    store.jobs.cancel(first, Change(at=from_us(0), actor="Ada", action="job cancelled", subject="1"))
    assert ended(store, jobs, second).state == "succeeded"


def test_cancelling_ends_the_process_and_all_it_started(store: Store, jobs: JobRunner) -> None:
    number = asked(store, "family")
    child = int(str(running_with(store, jobs, number, "child").step).split()[1])
    assert is_alive(child)
    store.jobs.cancel(number, Change(at=from_us(0), actor="Ada", action="job cancelled", subject="1"))
    done = ended(store, jobs, number)
    assert (done.state, done.problem, done.exit_code) == ("cancelled", "cancelled while it ran", -signal.SIGTERM)
    assert gone(child)


def test_a_process_that_does_not_listen_is_killed(
    store: Store, jobs: JobRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "GRACE_SECONDS", 0.2)
    number = asked(store, "stubborn")
    running_with(store, jobs, number, "not listening")
    store.jobs.cancel(number, Change(at=from_us(0), actor="Ada", action="job cancelled", subject="1"))
    assert ended(store, jobs, number).exit_code == -signal.SIGKILL


def test_a_log_without_end_ends_the_job(store: Store, jobs: JobRunner) -> None:
    done = ended(store, jobs, asked(store, "flood"))
    assert done.state == "failed"
    assert "wrote more than 16,777,216 bytes" in str(done.problem)


def test_a_service_that_stops_ends_its_jobs_and_says_so(store: Store, jobs: JobRunner) -> None:
    number = asked(store, "family")
    child = int(str(running_with(store, jobs, number, "child").step).split()[1])
    jobs.stop()
    done = store.jobs.find(number)
    assert done is not None
    assert (done.state, done.problem) == ("interrupted", "The service was stopped; start it again.")
    assert gone(child)


def test_a_service_that_stops_while_the_store_is_gone_ends_its_jobs_all_the_same(
    store: Store, jobs: JobRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "GRACE_SECONDS", 0.5)
    number = asked(store, "family")
    child = int(str(running_with(store, jobs, number, "child").step).split()[1])

    def gone_away(*_given: Any) -> None:
        raise StoreError("the database is away")

    with monkeypatch.context() as away:
        away.setattr(store.jobs, "renew", gone_away)
        jobs.stop()
        assert gone(child)
        assert jobs.problem == "Jobs cannot be looked after: StoreError: the database is away"
    jobs.stop()
    found = store.jobs.find(number)
    assert found is not None
    assert found.state == "interrupted"


def test_a_job_whose_service_was_killed_ends_and_is_marked_by_the_next(
    store: Store, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = asked(store, "family")
    code = (
        "import sys; from tests.serving.test_jobs import one_that_is_killed; "
        f"one_that_is_killed({settings.database_url!r}, {str(tmp_path)!r})"
    )
    service = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            found = store.jobs.find(number)
            if found is not None and (found.step or "").startswith("child"):
                break
            time.sleep(0.05)
        assert found is not None
        child = int(str(found.step).split()[1])
    finally:
        service.kill()
        service.wait()
    assert gone(child)
    following = JobRunner(store.jobs, settings, kinds=KINDS, program=PROGRAM)
    monkeypatch.setattr(runner, "_LOOK_SECONDS", 0.0)
    done = ended(store, following, number)
    assert done.state == "interrupted"
    assert "ended without a word" in str(done.problem)


def one_that_is_killed(url: str, folder: str) -> None:
    with open_store(url) as opened:
        doing = JobRunner(opened.jobs, Settings(database_url=url, var_dir=folder), kinds=KINDS, program=PROGRAM)
        while True:
            doing.step()
            time.sleep(0.05)


def test_a_job_that_others_took_for_lost_is_ended(store: Store, jobs: JobRunner) -> None:
    number = asked(store, "family")
    child = int(str(running_with(store, jobs, number, "child").step).split()[1])
    time.sleep(0.05)
    assert store.jobs.interrupt_silent("another", 0.0) == [number]
    jobs.step()
    assert gone(child)
    found = store.jobs.find(number)
    assert found is not None
    assert found.state == "interrupted"


def test_while_the_store_is_away_jobs_go_on_and_their_end_is_told_afterwards(
    store: Store, jobs: JobRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = asked(store, "answer")
    jobs.step()

    def away(*_given: object, **_values: object) -> None:
        raise StoreError("the database is away")

    for name in ("renew", "end", "claim"):
        monkeypatch.setattr(store.jobs, name, away)
    until_failed = time.monotonic() + 10
    while jobs.problem is None and time.monotonic() < until_failed:
        jobs.step()
    assert jobs.problem == "Jobs cannot be looked after: StoreError: the database is away"
    monkeypatch.undo()
    monkeypatch.setenv("ROOT", str(ROOT))
    assert ended(store, jobs, number).state == "succeeded"
    assert jobs.problem is None


def test_whoever_is_told_of_ends_hears_of_those_that_succeeded_alone(store: Store, settings: Settings) -> None:
    heard: list[int] = []
    telling = JobRunner(store.jobs, settings, kinds=KINDS, program=PROGRAM, ended=lambda job: heard.append(job.job_id))
    good, bad = asked(store), asked(store, "fail")
    ended(store, telling, bad)
    ended(store, telling, good)
    assert heard == [good]


def test_the_secrets_of_the_service_stay_with_it(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACAST_SESSION_SECRET", "s" * 40)
    monkeypatch.setenv("SLACAST_OIDC_CLIENT_SECRET", "c" * 40)
    monkeypatch.setenv("SLACAST_AGREEMENTS", "/elsewhere.yaml")
    found = process.environment_of(Settings(var_dir=settings.var_dir, agreements="/here.yaml"), "Ada")
    assert "s" * 40 not in found.values()
    assert "c" * 40 not in found.values()
    assert found["SLACAST_AGREEMENTS"] == "/here.yaml"
    assert starter.FOLLOWS == process.FOLLOWS


def test_a_log_is_read_in_whole_lines_while_it_grows(tmp_path: Path) -> None:
    output = JobOutput(tmp_path)
    assert (output.is_here, output.log().text, output.step()) == (False, "", (None, None))
    (tmp_path / LOG).write_bytes("[  0.0 s] größer 🙂\n[  1.0 s] counting 7".encode())
    first = output.log(is_growing=True)
    assert first.text == "[  0.0 s] größer 🙂\n"
    rest = output.log(first.next_offset, is_growing=False)
    assert rest.text == "[  1.0 s] counting 7"
    assert output.log(rest.next_offset).text == ""
    assert output.log(2, 4).next_offset == 6
    assert output.step() == ("counting 7", None)
    (tmp_path / LOG).write_text("[  1.0 s] counting 107 %\n")
    assert output.step() == ("counting", 1.0)


def test_what_moves_a_cursor_is_not_shown() -> None:
    assert shown("  1 %\r 50 %\r100 %\n\x1b[31mred\x07\r\nend\t.") == "100 %\n[31mred\nend\t."
