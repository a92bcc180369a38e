"""Work in the background: again and again, at once when it is woken, and never at its end because one round failed."""

from __future__ import annotations

import logging
import threading

import pytest

from serving.background import Loop, Trouble


class Counted:
    """A step that counts itself and can be waited for."""

    def __init__(self) -> None:
        self.rounds, self.failure = 0, ""
        self.was_done = threading.Event()

    def __call__(self) -> None:
        self.rounds += 1
        self.was_done.set()
        if self.failure:
            raise RuntimeError(self.failure)

    def waited(self) -> bool:
        """True where it was done once more."""
        found = self.was_done.wait(30)
        self.was_done.clear()
        return found


def alive(name: str) -> bool:
    return any(thread.name == f"slacast-{name}" for thread in threading.enumerate())


def test_it_begins_at_once_is_woken_and_ends_with_its_thread() -> None:
    step = Counted()
    loop = Loop("counting", step, lambda: 3600.0)
    assert not loop.is_running
    loop.start()
    assert step.waited()
    assert loop.is_running
    assert alive("counting")
    loop.wake()
    assert step.waited()
    assert loop.stop() is True
    assert (step.rounds, loop.is_running, loop.is_stopping, alive("counting")) == (2, False, True, False)
    assert loop.stop() is False
    loop.start()
    assert step.waited()
    assert not loop.is_stopping
    loop.stop()


def test_one_that_begins_waiting_does_nothing_before_it_is_woken_or_the_time_has_come() -> None:
    step = Counted()
    loop = Loop("waiting", step, lambda: 3600.0, begins_waiting=True)
    loop.start()
    assert loop.stop() is True
    assert step.rounds == 0
    loop = Loop("waiting", step, lambda: 0.001, begins_waiting=True)
    loop.start()
    assert step.waited()
    loop.stop()


def test_it_goes_on_after_a_round_that_failed_and_says_each_fault_once(caplog: pytest.LogCaptureFixture) -> None:
    step = Counted()
    step.failure = "boom"
    loop = Loop("failing", step, lambda: 0.001)
    loop.start()
    while step.rounds < 3:
        assert step.waited()
    step.failure = "bang"
    while step.rounds < 6:
        assert step.waited()
    step.failure = ""
    while step.rounds < 9:
        assert step.waited()
    step.failure = "bang"
    while step.rounds < 12:
        assert step.waited()
    loop.stop()
    said = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    assert [words.rpartition(": ")[2] for words in said] == ["boom", "bang", "bang"]


def test_a_stop_waits_for_a_step_no_longer_than_it_may() -> None:
    begun, may_end = threading.Event(), threading.Event()

    def slow() -> None:
        begun.set()
        may_end.wait(60)

    loop = Loop("slow", slow, lambda: 3600.0)
    loop.start()
    assert begun.wait(30)
    loop.stop(timeout_seconds=0.01)
    assert alive("slow")
    may_end.set()
    for thread in threading.enumerate():
        if thread.name == "slacast-slow":
            thread.join(30)  # a stop that came in the middle of the step is seen without waiting for an hour
    assert not alive("slow")


def test_trouble_is_said_anew_when_it_is_over_or_another(caplog: pytest.LogCaptureFixture) -> None:
    trouble = Trouble("Nothing works")
    assert trouble.words is None
    for fault in (OSError("a"), OSError("a"), OSError("b")):
        assert trouble.met(fault) == f"Nothing works: OSError: {fault}" == trouble.words
    trouble.over()
    assert trouble.words is None
    trouble.met(OSError("b"))
    assert [record.getMessage()[-1] for record in caplog.records] == ["a", "b", "b"]
    assert all(record.exc_info for record in caplog.records)
