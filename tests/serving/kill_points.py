"""Work that is killed again and again, at a point of it that chance picks: each time in a fork of a process that has all it needs."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import struct
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

import pandas as pd

from features.schema import conform_ticket_events
from features.store import Store, open_store
from serving.lease import ScorerLease
from serving.recorder import Recorder
from serving.score_journal import ScoreJournal
from serving.scorer import Scorer
from tests.serving.real_desk import AT, agreements

_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["serving.app", "serving.workplace", "tests.serving.kill_points"])
_TOLD = struct.Struct("<Ib")
MEASURED = 5
"""So many lives are measured: the first stores more than those after it, and a busy machine may stop any of them for a while."""
Tell = Callable[[int], None]
Work = Callable[[Store, int, Tell, Tell], None]
"""Begins with a number, says which it begins and which it has done, and never ends by itself."""


class Told:
    """What work said before it was killed: the numbers begun and done, in order."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.done: list[int] = []


def killed(work: Work, url: str, times: int, seed: int) -> Told:
    """What was told over all of `times` lives of the work on the store; each goes on after the last number that was begun.

    A life ends at any point of what it begins first or of the next after that: the first lives show how long that takes.
    """
    with _PROCESSES.Pool(1) as nursery:  # of one thread and without a connection, so that it can be forked
        told = Told()
        told.begun, told.done = nursery.apply(_lives, (work, url, times, seed))
        return told


def _lives(work: Work, url: str, times: int, seed: int) -> tuple[list[int], list[int]]:
    chance, lasting = random.Random(seed), list[float]()
    begun: list[int] = []
    done: list[int] = []
    with open_store(url) as store:
        for _ in range(times):
            store._engine.dispose()  # a connection belongs to one process
            wait = chance.uniform(0, 2 * median(lasting)) if len(lasting) == MEASURED else None
            said, lasted = _life(work, store, max(begun, default=0) + 1, wait)
            if len(lasting) < MEASURED:
                lasting.append(lasted)
            for number, is_done in said:
                (done if is_done else begun).append(number)
    return begun, done


def _life(work: Work, store: Store, first: int, wait: float | None) -> tuple[list[tuple[int, int]], float]:
    """What was told, and how long it lived from its first word; None: until its second."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            work(store, first, lambda n: _tell(writing, n, 0), lambda n: _tell(writing, n, 1))
        finally:
            os._exit(1)
    os.close(writing)
    with open(reading, "rb", buffering=0) as said:
        told = said.read(_TOLD.size)
        began = time.monotonic()
        if wait is None:
            told += said.read(_TOLD.size)
        else:
            time.sleep(wait)
        lasted = time.monotonic() - began
        os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        assert os.WIFSIGNALED(status), "the work ended by itself"
        return list(_TOLD.iter_unpack(told + said.readall())), lasted


def _tell(writing: int, number: int, is_done: int) -> None:
    os.write(writing, _TOLD.pack(number, is_done))


def batch(number: int, size: int = 40) -> list[dict[str, Any]]:
    """A batch with events of many tickets, all named by the batch."""
    at = datetime(2026, 5, 4, 9, tzinfo=UTC) + timedelta(seconds=number)
    return [
        {
            "event_id": f"K{number}/{place}",
            "ticket_id": f"K{number}-{place % 7}",
            "event_at": at.isoformat(),
            "kind": "created" if place < 7 else "commented",
            "attributes": {"title": f"batch {number} 🙂 \u202e {place}"},
        }
        for place in range(size)
    ]


def frame_of_batch(number: int) -> pd.DataFrame:
    """The same as the store takes it."""
    frame = pd.DataFrame(batch(number))
    title = [one["title"] for one in frame.pop("attributes")]
    return conform_ticket_events(
        frame.assign(event_at=pd.to_datetime(frame["event_at"]), **{"attributes.title": title})
    )


def taking_in(store: Store, first: int, begins: Tell, is_done: Tell) -> None:
    """Stores batch after batch, as a request does."""
    for number in range(first, first + 10_000):
        frame = frame_of_batch(number)
        begins(number)
        store.append_ticket_events(frame, "test")
        is_done(number)


def instant(number: int) -> datetime:
    """When the scoring of that number is."""
    return AT + number * timedelta(minutes=11)


def recording(store: Store, first: int, begins: Tell, is_done: Tell) -> None:
    """Scores and stores again and again, as a scorer does that was started anew."""
    scorer = Scorer(store, agreements())
    recorder = Recorder(ScorerLease(store.leases, 5, holder="one"), [ScoreJournal(store.predictions, 0.01)])
    scorer.read_news()
    for number in range(first, first + 10_000):
        recorder.publish(scorer.score(instant(number)))
        begins(number)
        assert recorder.step(), recorder.problem
        is_done(number)
