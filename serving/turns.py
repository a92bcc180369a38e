"""Work that several threads ask for at once, done in turns: what waits while one turn goes on is done together in the next.

Much of the time that a question takes does not depend on how much is asked. Whoever asks alone is answered in his own
thread, at once, and waits for nobody. (Servers of models call it dynamic batching; here no thread of its own waits for
a batch to fill.)
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

log = logging.getLogger(__name__)
W = TypeVar("W")
A = TypeVar("A")


@dataclass(eq=False)
class _Asked(Generic[W, A]):
    """A wish, and what became of it once `told`: its turn to answer itself and others, an answer, or neither: it is answered alone."""

    wish: W
    kind: Hashable
    told: threading.Event = field(default_factory=threading.Event)
    has_turn: bool = False
    answers: list[A] = field(default_factory=list)  # one or none


class Turns(Generic[W, A]):
    """Answers wishes; those of one kind that wait for the same turn are given to `answered` together, `most` at a time.

    `answered` gives one answer a wish, in order, each the same in any company. Where it fails on several together, each is
    asked about alone, so that a failure reaches only whose it is. Turns are taken in the order in which was asked.
    """

    def __init__(self, answered: Callable[[Sequence[W]], Sequence[A]], most: int) -> None:
        self._answered, self._most = answered, most
        self._lock = threading.Lock()
        self._is_taken = False
        self._waiting: deque[_Asked[W, A]] = deque()

    @property
    def waiting(self) -> int:
        """How many wait for a turn."""
        return len(self._waiting)

    def answer(self, wish: W, kind: Hashable = None) -> A:
        """The answer to a wish; raises what asking about it alone raises."""
        mine: _Asked[W, A] = _Asked(wish, kind)
        with self._lock:
            if self._is_taken:
                self._waiting.append(mine)
            else:
                self._is_taken = mine.has_turn = True
        if not mine.has_turn:
            mine.told.wait()
        if not mine.has_turn:
            return mine.answers[0] if mine.answers else self._alone(mine)
        try:
            return self._together(mine)
        finally:
            self._pass_on()

    def _together(self, mine: _Asked[W, A]) -> A:
        others = self._joining(mine)
        if not others:
            return self._alone(mine)
        found: Sequence[A] = ()
        try:
            found = self._each([mine.wish, *(other.wish for other in others)])
        except Exception:
            log.warning(
                "%d wishes could not be answered together, so each is answered alone", len(others) + 1, exc_info=True
            )
        finally:  # whatever happens, nobody waits for ever
            for place, other in enumerate(others, 1):
                other.answers += found[place : place + 1]
                other.told.set()
        return found[0] if found else self._alone(mine)

    def _joining(self, mine: _Asked[W, A]) -> list[_Asked[W, A]]:
        """Those that wait and can be answered with mine; they wait for no turn of their own."""
        with self._lock:
            others = [one for one in self._waiting if one.kind == mine.kind][: self._most - 1]
            for other in others:
                self._waiting.remove(other)
        return others

    def _alone(self, mine: _Asked[W, A]) -> A:
        return self._each([mine.wish])[0]

    def _each(self, wishes: Sequence[W]) -> Sequence[A]:
        answers = self._answered(wishes)
        if len(answers) != len(wishes):
            raise ValueError(f"{len(answers)} answers to {len(wishes)} wishes")
        return answers

    def _pass_on(self) -> None:
        with self._lock:
            following = self._waiting.popleft() if self._waiting else None
            self._is_taken = following is not None
        if following is not None:
            following.has_turn = True
            following.told.set()
