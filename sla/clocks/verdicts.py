"""What can be said of a clock at an instant, as arrays over many tickets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from sla.instants import NEVER_US, BoolArray, Int64Array


class VerdictState(IntEnum):
    """The state of a clock at an instant; a clock that stopped late is BREACHED and has a stop."""

    NOT_STARTED = 0
    RUNNING = 1
    PAUSED = 2
    MET = 3
    BREACHED = 4
    PAUSED_AND_BREACHED = 5
    CANCELLED = 6
    NO_AGREEMENT = 7

    @property
    def words(self) -> str:
        """The state as people read it."""
        return self.name.lower().replace("_", " ")


@dataclass(frozen=True)
class VerdictArrays:
    """Verdicts of m queries. Instants and lengths are int64 microseconds; NEVER_US stands for an instant there is none of.

    `state`: VerdictState. `target_us`: length of the target, -1 without agreement. `elapsed_us`, `paused_us`: working time
    run and waited in the current measurement. `remaining_us`: target less elapsed, negative when late (0 without agreement).
    `started_us`: when the current measurement began. `due_us`: when the target is used up: of a breached clock the past
    instant at which it was; of a stopped one when it would have been; of a waiting one when it will be if it resumes now.
    `breached_us`: the last instant at which the target, with its grace, was not exceeded, NEVER_US when it is not breached;
    so a clock that nothing stopped or paused is late at every t > breached_us. A clock that was stopped in time and counts
    on after a reopening can have a breach before the reopening was known: it is a verdict about all that is known at the query.
    `stopped_us`: when it stopped or was cancelled. `agreement`, `calendar`: index in the file, -1 none. `term`: index of
    the deciding goal in the clock, -1 none. `begin_row`: the row of the log the current measurement began at, -1 none.
    """

    state: NDArray[np.int8]
    target_us: Int64Array
    elapsed_us: Int64Array
    paused_us: Int64Array
    remaining_us: Int64Array
    started_us: Int64Array
    due_us: Int64Array
    breached_us: Int64Array
    stopped_us: Int64Array
    agreement: NDArray[np.int32]
    calendar: NDArray[np.int32]
    term: NDArray[np.int32]
    begin_row: Int64Array

    def __len__(self) -> int:
        return int(self.state.size)

    @classmethod
    def blank(cls, size: int, state: VerdictState) -> VerdictArrays:
        """Verdicts that say nothing but the given state."""
        never = np.full(size, NEVER_US, dtype=np.int64)
        zero = np.zeros(size, dtype=np.int64)
        none = np.full(size, -1, dtype=np.int32)
        return cls(
            state=np.full(size, state, dtype=np.int8),
            target_us=np.full(size, -1, dtype=np.int64),
            elapsed_us=zero,
            paused_us=zero.copy(),
            remaining_us=zero.copy(),
            started_us=never,
            due_us=never.copy(),
            breached_us=never.copy(),
            stopped_us=never.copy(),
            agreement=none,
            calendar=none.copy(),
            term=none.copy(),
            begin_row=np.full(size, -1, dtype=np.int64),
        )

    @classmethod
    def of_rows(cls, rows: Sequence[Sequence[int]]) -> VerdictArrays:
        """Verdicts from one sequence of figures each, in the order of the arrays."""
        if not rows:
            return cls.blank(0, VerdictState.NOT_STARTED)
        columns = zip(_KINDS, zip(*rows, strict=True), strict=True)
        return cls(*(np.array(column, kind) for kind, column in columns))

    def place(self, where: Int64Array | BoolArray, other: VerdictArrays) -> None:
        """Write other verdicts into these at the given positions."""
        for name in _NAMES:
            getattr(self, name)[where] = getattr(other, name)

    def take(self, where: Int64Array | BoolArray) -> VerdictArrays:
        """The verdicts at the given positions."""
        return VerdictArrays(*(getattr(self, name)[where] for name in _NAMES))

    @classmethod
    def joined(cls, parts: Sequence[VerdictArrays]) -> VerdictArrays:
        """The parts one after the other."""
        if not parts:
            return cls.blank(0, VerdictState.NOT_STARTED)
        return cls(**{item.name: np.concatenate([getattr(part, item.name) for part in parts]) for item in fields(cls)})

    def is_in(self, *states: VerdictState) -> BoolArray:
        """Whether each is in one of these states; one comparison a state, as np.isin takes a hundred times as long."""
        found = np.zeros(len(self.state), np.bool_)
        for state in states:
            found |= self.state == state
        return found

    @property
    def is_breached(self) -> BoolArray:
        """Whether the promise is broken, running, waiting or stopped."""
        return self.is_in(VerdictState.BREACHED, VerdictState.PAUSED_AND_BREACHED)

    @property
    def is_undecided(self) -> BoolArray:
        """Whether the clock runs or waits, and its promise is neither kept nor broken yet."""
        return self.is_in(VerdictState.RUNNING, VerdictState.PAUSED)


_NAMES = tuple(item.name for item in fields(VerdictArrays))
_KINDS = tuple(getattr(VerdictArrays.blank(0, VerdictState.NOT_STARTED), name).dtype for name in _NAMES)
