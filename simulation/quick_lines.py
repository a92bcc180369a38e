"""Lines of the quick desk: tickets that wait for one team, ordered once when they join or weighed at every pick.

A policy of the quick desk makes one line a team. `Opened` and `Ranked` keep a heap of numbers fixed beforehand. `Weighed` keeps the columns of what waits side
by side, so that a choice (`choose(queue) -> index`) is a few operations on arrays, however many wait.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from typing import NamedTuple, Protocol, TypeAlias

import numpy as np

from features.waiting import Waiting
from simulation.quick_world import Floats, QuickWorld

_COLUMNS = 10


Choice: TypeAlias = Callable[[Waiting], int]


class Belief(NamedTuple):
    """What a policy believes of every ticket of a world, n rows: lognormal work (minutes) and the chance of a detour first."""

    log_mean: Floats
    log_sd: Floats
    detour_share: Floats


class QuickLine(Protocol):
    """Tickets that wait for one team."""

    def join(self, ticket: int, due: float, response_due: float) -> None:
        """Add a ticket; due times in minutes of its own clock (`response_due` inf once given)."""
        ...

    def pick(self, at: float, at_working: float) -> int:
        """Return the next ticket and drop it, -1 if none waits; the instant on both clocks."""
        ...

    @property
    def waiting(self) -> Sequence[object]:
        """What waits: empty when nothing does. The same object for the whole life of a line: the desk's loop holds on to it."""
        ...


QuickPolicy: TypeAlias = Callable[[QuickWorld, int, Belief], QuickLine]


class Opened:
    """A line in the order of opening, which is that of the tickets' numbers."""

    def __init__(self) -> None:
        self.waiting: list[int] = []

    def join(self, ticket: int, due: float, response_due: float) -> None:
        """Add a ticket."""
        heappush(self.waiting, ticket)

    def pick(self, at: float, at_working: float) -> int:
        """Return the ticket opened first, or -1."""
        return heappop(self.waiting) if self.waiting else -1


class Ranked:
    """A line in the order of fixed ranks, by ticket; the smallest goes first, of equals the one opened first.

    What is compared at every move of the heap is a ticket's place in that order: whole numbers, in less time than ranks and ties.
    """

    def __init__(self, ranks: Floats) -> None:
        order = np.argsort(ranks, kind="stable")
        places = np.empty(len(order), dtype=np.int64)
        places[order] = np.arange(len(order))
        self._places, self._tickets = places.tolist(), order.tolist()
        self.waiting: list[int] = []

    def join(self, ticket: int, due: float, response_due: float) -> None:
        """Add a ticket."""
        heappush(self.waiting, self._places[ticket])

    def pick(self, at: float, at_working: float) -> int:
        """Return the ticket of the smallest rank, or -1."""
        return self._tickets[heappop(self.waiting)] if self.waiting else -1


class Weighed:
    """A line in which every pick weighs all that wait."""

    def __init__(self, world: QuickWorld, team: int, belief: Belief, choose: Choice) -> None:
        self._choose = choose
        self._agents = world.plan.teams[team].agents
        expected = np.exp(belief.log_mean + belief.log_sd**2 / 2)
        fixed = (
            world.target,
            world.weight,
            belief.log_mean,
            belief.log_sd,
            expected,
            belief.detour_share,
            world.opened,
        )
        self._fixed = np.column_stack(fixed)
        self._is_always = world.is_always_open.astype(np.float64)
        self._table = np.zeros((_COLUMNS, 64))
        self.waiting: list[int] = []

    def join(self, ticket: int, due: float, response_due: float) -> None:
        """Add a ticket."""
        count = len(self.waiting)
        if count == self._table.shape[1]:
            self._table = np.concatenate([self._table, np.zeros_like(self._table)], axis=1)
        table = self._table
        table[0, count] = due
        table[1, count] = response_due
        table[2:9, count] = self._fixed[ticket]
        table[9, count] = self._is_always[ticket]
        if response_due == np.inf:
            table[7, count] = 0.0
        self.waiting.append(ticket)

    def pick(self, at: float, at_working: float) -> int:
        """Return the chosen ticket, or -1."""
        count = len(self.waiting)
        if count < 2:
            return self.waiting.pop() if count else -1
        table = self._table[:, :count]
        now = at_working + table[9] * (at - at_working)
        left = table[:2] - now
        index = self._choose(Waiting(left[0], left[1], *_columns(table), self._agents))
        ticket = self.waiting[index]
        last = self.waiting.pop()
        if index < count - 1:
            self.waiting[index] = last
            table[:, index] = table[:, count - 1]
        return ticket


def _columns(table: Floats) -> tuple[Floats, Floats, Floats, Floats, Floats, Floats, Floats]:
    return table[2], table[3], table[4], table[5], table[6], table[7], table[8]


def first_come_first_served(world: QuickWorld, team: int, belief: Belief) -> QuickLine:
    """Return a line by opening (FIFO)."""
    return Opened()


def priority_then_opened(world: QuickWorld, team: int, belief: Belief) -> QuickLine:
    """Return a line by priority and within it by opening: what most desks do."""
    return Ranked(world.priority * 1e9 + world.opened)


def weighed(choose: Choice) -> QuickPolicy:
    """Return the policy that asks `choose(queue)` for the index of the ticket to take at every pick."""
    return lambda world, team, belief: Weighed(world, team, belief, choose)
