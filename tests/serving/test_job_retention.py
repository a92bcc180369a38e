"""Logs of jobs are removed some time after the job ended, never before, and never unsaid."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from features.store import Store, StoreError, open_store
from features.store.jobs import SUCCEEDED, JobEnd, Jobs
from serving.jobs.retention import ACTION, LogRetention
from serving.jobs.runner import JobRunner
from serving.settings import Settings
from sla.instants import to_us
from tests.serving.job_desk import KINDS, PROGRAM, asked
from tests.serving.stored_desk import Desk

NOW = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def store(prepared_desk: Path, tmp_path: Path) -> Iterator[Store]:
    (tmp_path / "desk.db").write_bytes(prepared_desk.read_bytes())
    with open_store(f"sqlite:///{tmp_path / 'desk.db'}") as opened:
        yield opened


def ended(store: Store, at: datetime | None) -> int:
    """A job that ended at an instant, None: that runs; its log is here."""
    number = asked(store)
    then = Jobs(store.jobs._engine, now_us=lambda _connection: to_us(at or NOW))
    assert then.claim("me", is_short=False, most_running=10**6) is not None
    if at is not None:
        assert then.end(number, "me", JobEnd(state=SUCCEEDED, result={"auc": 0.8}))
    return number


def folder(where: Path, number: int) -> Path:
    found = where / str(number)
    found.mkdir(parents=True)
    (found / "log.txt").write_text("[  0.0 s] reading the events\n")
    return found


def retention(store: Store, where: Path, days: float = 90.0) -> LogRetention:
    return LogRetention(where, store.jobs, store.audit, days, lambda: NOW)


def test_those_of_jobs_that_ended_long_ago_go_and_all_others_stay(store: Store, tmp_path: Path) -> None:
    chance = random.Random(5)
    ages = [chance.choice((None, 90.0, chance.uniform(0, 200))) for _ in range(40)]
    numbers = {ended(store, None if age is None else NOW - age * DAY): age for age in ages}
    for number in numbers:
        folder(tmp_path / "jobs", number)
    strangers = [folder(tmp_path / "jobs", 10**6), tmp_path / "jobs" / "7-notes", tmp_path / "jobs" / "notes"]
    for stranger in strangers[1:]:
        stranger.mkdir()
    old = sorted(number for number, age in numbers.items() if age is not None and age > 90)
    assert 5 < len(old) < 35
    assert retention(store, tmp_path / "jobs").remove(NOW) == len(old)
    left = {int(found.name) for found in (tmp_path / "jobs").iterdir() if found.name.isdecimal()}
    assert left == set(numbers) - set(old) | {10**6}
    assert all(stranger.is_dir() for stranger in strangers)
    assert all(store.jobs.find(number).result == {"auc": 0.8} for number in old)
    (entry,) = store.audit.read(action=ACTION)
    assert (entry.change.actor, entry.change.at, entry.change.after) == ("slacast", NOW, {"jobs": old})


def test_more_than_are_asked_for_at_once_go_in_one_turn(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.jobs.retention._AT_ONCE", 3)
    for _ in range(8):
        folder(tmp_path / "jobs", ended(store, NOW - 91 * DAY))
    assert retention(store, tmp_path / "jobs").remove(NOW) == 8
    assert [len(entry.change.after["jobs"]) for entry in store.audit.read(action=ACTION)] == [2, 3, 3]


def test_nothing_is_removed_that_the_audit_log_does_not_tell_of(store: Store, tmp_path: Path) -> None:
    kept = folder(tmp_path / "jobs", ended(store, NOW - 91 * DAY))

    class Full:
        def append(self, _change: object) -> None:
            raise StoreError("the disk is full")

    with pytest.raises(StoreError):
        LogRetention(tmp_path / "jobs", store.jobs, Full(), 90, lambda: NOW).remove(NOW)
    assert kept.is_dir()


def test_nothing_is_removed_where_logs_are_to_be_kept_or_there_are_none(store: Store, tmp_path: Path) -> None:
    assert retention(store, tmp_path / "nowhere").turn() == 0
    kept = folder(tmp_path / "jobs", ended(store, NOW - 3650 * DAY))
    assert retention(store, tmp_path / "jobs", days=0).turn() == 0
    assert kept.is_dir()


def test_a_service_that_does_jobs_looks_once_an_hour(store: Store, tmp_path: Path) -> None:
    settings = Settings(database_url=f"sqlite:///{tmp_path}/desk.db", var_dir=tmp_path)
    keeper = retention(store, tmp_path / "jobs")
    jobs = JobRunner(store.jobs, settings, kinds=KINDS, program=PROGRAM, tidy=keeper.turn)
    first, second = (ended(store, NOW - 91 * DAY) for _ in range(2))
    folder(tmp_path / "jobs", first)
    jobs.step()
    assert not jobs.output(first).is_here
    folder(tmp_path / "jobs", second)
    jobs.step()
    assert jobs.output(second).is_here  # not an hour has passed
    keeper._next_seconds = 0.0
    jobs.step()
    assert not jobs.output(second).is_here
    assert jobs.problem is None


def test_the_service_keeps_them_as_its_settings_say(prepared_desk: Path, tmp_path: Path) -> None:
    assert Settings().job_logs_days == 90
    desk = Desk(prepared_desk, tmp_path, job_logs_days=2)
    today = datetime.now(UTC)
    old, young = (folder(tmp_path / "jobs", ended(desk.store, today - days * DAY)) for days in (3, 1))
    desk.service.jobs.step()
    assert (old.is_dir(), young.is_dir()) == (False, True)
    desk.close()
