"""Jobs on both kinds of database: each is done by one, and none is forgotten."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, Engine

from features.store import Store
from features.store.audit import Change
from features.store.engine import make_engine
from features.store.jobs import (
    CANCELLED,
    INTERRUPTED,
    RUNNING,
    SUCCEEDED,
    WAITING,
    JobEnd,
    Jobs,
    JobWish,
    QueueFullError,
    StoredJob,
)
from sla.instants import from_us
from tests.features.test_store_leases import SetClock


@pytest.fixture
def engine(store: Store, url: str) -> Iterator[Engine]:
    found = make_engine(url)
    yield found
    found.dispose()


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def jobs(engine: Engine, clock: SetClock) -> Jobs:
    return Jobs(engine, clock)


def change(action: str, number: int = 0) -> Change:
    return Change(at=from_us(0), actor="Ada", action=action, subject=str(number))


def wish(kind: str = "train", *, is_short: bool = False, **arguments: Any) -> JobWish:
    return JobWish(
        kind=kind, arguments=arguments, asked_by="Ada", is_short=is_short, audit=lambda number: change("job", number)
    )


def claimed(jobs: Jobs, holder: str = "one") -> StoredJob:
    found = jobs.claim(holder, is_short=False, most_running=5)
    assert found is not None
    return found


def test_a_job_waits_is_claimed_tells_how_far_it_is_and_ends(jobs: Jobs, clock: SetClock, store: Store) -> None:
    asked = jobs.add(wish(target="resolution 🙂"), 10)
    assert (asked.state, asked.arguments, asked.is_open) == (WAITING, {"target": "resolution 🙂"}, True)
    clock.seconds += 5
    assert claimed(jobs).job_id == asked.job_id
    clock.seconds += 2
    told = jobs.renew(asked.job_id, "one", "growing trees", 0.25)
    assert told is not None
    assert (told.state, told.step, told.progress) == (RUNNING, "growing trees", 0.25)
    assert told.started_at == from_us(1_005_000_000)
    assert told.seen_at == from_us(1_007_000_000)
    assert jobs.end(asked.job_id, "one", JobEnd(state=SUCCEEDED, exit_code=0, result={"auc": 0.8}))
    found = jobs.find(asked.job_id)
    assert found is not None
    assert (found.state, found.result, found.progress, found.exit_code) == (SUCCEEDED, {"auc": 0.8}, 1.0, 0)
    (listed,) = jobs.recent(5)
    assert (listed.job_id, listed.result) == (asked.job_id, None)
    assert [entry.change.subject for entry in store.audit.read()] == [str(asked.job_id)]


def test_of_many_that_claim_at_once_each_job_goes_to_one_and_no_more_run_than_may(engine: Engine) -> None:
    first = Jobs(engine)
    asked = {first.add(wish(), 10).job_id for _ in range(3)}
    got: list[int] = []

    def claim(number: int) -> None:
        found = Jobs(engine).claim(f"holder {number}", is_short=False, most_running=2)
        if found is not None:
            got.append(found.job_id)

    threads = [threading.Thread(target=claim, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == sorted(asked)[:2]  # the oldest, each once
    first.end(got[0], "somebody else", JobEnd(state=SUCCEEDED))
    assert first.claim("late", is_short=False, most_running=2) is None


def test_short_jobs_do_not_wait_behind_long_ones(jobs: Jobs) -> None:
    jobs.add(wish(), 10)
    claimed(jobs)
    quick = jobs.add(wish("promote", is_short=True), 10)
    assert jobs.claim("one", is_short=False, most_running=1) is None
    found = jobs.claim("one", is_short=True, most_running=1)
    assert found is not None
    assert found.job_id == quick.job_id


def test_no_more_wait_than_may(jobs: Jobs) -> None:
    for _ in range(2):
        jobs.add(wish(), 2)
    with pytest.raises(QueueFullError, match="2 jobs wait"):
        jobs.add(wish(), 2)
    assert len(jobs.recent(10)) == 2
    jobs.add(wish(is_short=True), 2)


def test_a_job_whose_note_fails_was_never_asked_for(jobs: Jobs, store: Store) -> None:
    def fails(_connection: Connection, number: int) -> None:
        raise RuntimeError(f"job {number} is refused")

    asked = wish()
    with pytest.raises(RuntimeError, match="refused"):
        jobs.add(JobWish(**{**vars(asked), "notes": [fails]}), 10)
    assert jobs.recent(10) == []
    assert store.audit.read() == []


def test_cancelling_ends_what_waits_at_once_and_tells_who_runs_the_rest(jobs: Jobs, store: Store) -> None:
    first, second = jobs.add(wish(), 10), jobs.add(wish(), 10)
    assert claimed(jobs).job_id == first.job_id
    waiting = jobs.cancel(second.job_id, change("job cancelled", second.job_id))
    assert waiting is not None
    assert (waiting.state, waiting.problem) == (CANCELLED, "cancelled by Ada before it began")
    running = jobs.cancel(first.job_id, change("job cancelled", first.job_id))
    assert running is not None
    assert running.state == RUNNING
    told = jobs.renew(first.job_id, "one", None, None)
    assert told is not None
    assert told.cancel_asked_at is not None
    before = len(store.audit.read())
    assert jobs.cancel(first.job_id, change("job cancelled")) == jobs.find(first.job_id)  # again: nothing new
    jobs.end(first.job_id, "one", JobEnd(state=CANCELLED, problem="cancelled"))
    assert jobs.cancel(first.job_id, change("job cancelled")) == jobs.find(first.job_id)
    assert len(store.audit.read()) == before
    assert jobs.cancel(99, change("job cancelled")) is None
    assert jobs.claim("one", is_short=False, most_running=5) is None


def test_a_job_nobody_is_heard_of_from_is_interrupted_and_its_late_holder_learns_so(
    jobs: Jobs, clock: SetClock
) -> None:
    asked = jobs.add(wish(), 10)
    claimed(jobs, "dead")
    clock.seconds += 29
    assert jobs.interrupt_silent("new", 30) == []
    clock.seconds += 2
    assert jobs.interrupt_silent("dead", 30) == []  # its own are its own business
    assert jobs.interrupt_silent("new", 30) == [asked.job_id]
    found = jobs.find(asked.job_id)
    assert found is not None
    assert found.state == INTERRUPTED
    assert "ended without a word" in str(found.problem)
    assert jobs.renew(asked.job_id, "dead", "woke up", 0.5) is None
    assert not jobs.end(asked.job_id, "dead", JobEnd(state=SUCCEEDED))


def test_a_clock_that_was_set_back_makes_no_job_run_for_ever(jobs: Jobs, clock: SetClock) -> None:
    asked = jobs.add(wish(), 10)
    claimed(jobs, "dead")
    clock.seconds -= 500
    assert jobs.interrupt_silent("new", 30) == [asked.job_id]


def test_jobs_are_listed_newest_first_by_page_kind_and_who(jobs: Jobs) -> None:
    numbers = [jobs.add(wish(kind), 10).job_id for kind in ("train", "tune", "train")]
    assert [job.job_id for job in jobs.recent(2)] == numbers[:0:-1]
    assert [job.job_id for job in jobs.recent(5, before_id=numbers[1])] == numbers[:1]
    assert [job.job_id for job in jobs.recent(5, kinds=["train"])] == [numbers[2], numbers[0]]
    assert jobs.recent(5, asked_by="Bob") == []
