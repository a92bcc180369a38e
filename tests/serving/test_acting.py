"""When a process acts on its queues: while it holds the lease, asked for often enough, and with nothing forgotten when it fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from features.store.faults import StoreError
from features.store.leases import Lease, LeaseLostError
from serving.champion import NOT_YET
from serving.lease import ScorerLease
from serving.queue import Queue
from serving.recorder import Recorder

NOW = datetime(2024, 4, 3, tzinfo=UTC)


def queue(minute: int, why: str | None = None) -> Queue:
    return Queue((), NOW + timedelta(minutes=minute), rules_only_reason=why)


@dataclass
class Table:
    """The leases of a store, as `holder` has them. `is_gone`: nobody can ask."""

    holder: str = "me"
    is_gone: bool = False
    asked: int = 0
    released: list[Lease] = field(default_factory=list)

    def take(self, name: str, holder: str, seconds: float) -> Lease:
        self.asked += 1
        if self.is_gone:
            raise StoreError("no connection")
        return Lease(name, self.holder, 1, NOW, NOW + timedelta(seconds=seconds))

    def release(self, lease: Lease) -> bool:
        self.released.append(lease)
        return True


@dataclass
class Journal:
    """What was stored, and how often it was told that others may have stored. `fails`: what the next storing does instead."""

    stored: list[Queue] = field(default_factory=list)
    forgot: int = 0
    fails: Callable[[], None] | None = None

    def forget(self) -> None:
        self.forgot += 1

    def store(self, queue: Queue, conditions: Sequence[Callable[[Any], None]]) -> int:
        assert len(conditions) == 1  # the lease
        if self.fails is not None:
            fails, self.fails = self.fails, None
            fails()
        self.stored.append(queue)
        return 1


class Process:
    def __init__(self) -> None:
        self.table, self.journal = Table(), Journal()
        self.lease = ScorerLease(self.table, 30, "me")
        self.recorder = Recorder(self.lease, [self.journal])

    def step(self, told: Queue | None = None) -> bool:
        if told is not None:
            self.recorder.publish(told)
        return self.recorder.step()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    seconds = [1_000.0]
    monkeypatch.setattr("serving.recorder.time", SimpleNamespace(monotonic=lambda: seconds[0]))
    return seconds


@pytest.fixture
def process(clock: list[float]) -> Process:
    return Process()


def test_what_the_rules_say_until_a_model_is_known_is_not_acted_on(process: Process) -> None:
    assert process.step(queue(0, NOT_YET)) is False
    assert process.journal.stored == []
    assert process.step(queue(1, "Rules only: no model is loaded")) is True
    assert process.journal.stored == [queue(1, "Rules only: no model is loaded")]


def test_a_queue_waits_until_it_is_known_whether_its_bundle_is_served_and_is_let_go_if_not(process: Process) -> None:
    said: list[bool | None] = [None]
    asked: list[str | None] = []

    def says_of(version: str | None) -> bool | None:
        asked.append(version)
        return said[0]

    process.recorder = Recorder(process.lease, [process.journal], says_of=says_of)
    rest_seconds = process.recorder._rest_seconds()
    shown = [replace(queue(minute), bundle_version=f"breach v{minute}") for minute in range(4)]
    assert [process.step(shown[0]), process.step()] == [False, False]
    assert process.recorder._rest_seconds() < rest_seconds
    assert process.step(shown[1]) is False  # the newer one waits
    said[0] = True
    assert [process.step(), process.step()] == [True, False]
    assert process.recorder._rest_seconds() == rest_seconds
    said[0] = False
    assert process.step(shown[2]) is False
    said[0] = True
    assert [process.step(), process.step(shown[3])] == [False, True]
    assert process.journal.stored == [shown[1], shown[3]]
    assert asked == ["breach v0", "breach v0", "breach v1", "breach v1", "breach v2", "breach v3"]


def test_the_lease_is_asked_for_again_when_a_third_of_it_has_passed(process: Process, clock: list[float]) -> None:
    for seconds, asked in ((0, 1), (9.9, 1), (0.1, 2), (9.9, 2), (0.1, 3)):
        clock[0] += seconds
        assert process.step(queue(0)) is True
        assert process.table.asked == asked


def test_a_process_that_acts_again_after_another_did_asks_the_store_what_is_there(
    process: Process, clock: list[float]
) -> None:
    process.step(queue(0))
    process.step(queue(1))
    assert process.journal.forgot == 1
    for holder, does_act in (("other", False), ("me", True)):
        process.table.holder = holder
        clock[0] += 10
        assert process.step(queue(2)) is does_act
    assert process.journal.forgot == 2
    assert len(process.journal.stored) == 3


def fails_with(fault: Exception) -> Callable[[], None]:
    def fails() -> None:
        raise fault

    return fails


def test_after_a_failure_the_store_is_asked_what_is_there_and_the_queue_is_stored(process: Process) -> None:
    process.step(queue(0))
    process.journal.fails = fails_with(StoreError("no connection"))  # perhaps after some was stored
    assert process.step(queue(1)) is False
    assert process.step() is True
    assert process.journal.forgot == 2
    assert process.journal.stored == [queue(0), queue(1)]
    assert process.table.asked == 1


def test_a_queue_that_came_while_another_failed_is_the_one_that_is_stored(process: Process) -> None:
    def fails() -> None:
        process.recorder.publish(queue(2))
        raise StoreError("no connection")

    process.journal.fails = fails
    assert process.step(queue(1)) is False
    assert process.step() is True
    assert process.step() is False
    assert process.journal.stored == [queue(2)]


def test_a_lease_that_was_lost_is_asked_for_at_once(process: Process) -> None:
    process.step(queue(0))
    process.journal.fails = fails_with(LeaseLostError("another holds it"))
    process.table.holder = "other"
    assert process.step(queue(1)) is False
    assert process.step() is False
    assert process.table.asked == 2
    assert process.recorder.holder == "other"
    assert process.recorder.problem is None  # it is another's turn: nothing is wrong


def test_a_lease_that_cannot_be_asked_for_is_not_held(process: Process, clock: list[float]) -> None:
    process.step(queue(0))
    process.table.is_gone = True
    clock[0] += 10
    assert process.step(queue(1)) is False
    assert not process.recorder.is_acting
    assert process.step() is False
    assert process.journal.stored == [queue(0)]


@pytest.mark.parametrize(("holder", "released"), [("me", 1), ("other", 0)])
def test_only_a_lease_of_its_own_is_given_back(process: Process, holder: str, released: int) -> None:
    process.table.holder = holder
    process.step(queue(0))
    process.recorder.stop()
    assert len(process.table.released) == released
    assert not process.recorder.is_acting
