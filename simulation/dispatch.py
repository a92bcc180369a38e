"""Which ticket next: the order in which a team's free agents take waiting tickets.

A policy is a function that returns an empty line for one team (`Dispatch`). Most need only a rank that is fixed while a ticket
waits (`ranked`); what looks at the whole queue at every pick is a choice (`chosen`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from typing import Protocol, TypeAlias

from simulation.tickets import Ticket

Rank: TypeAlias = Callable[[Ticket], tuple[int, ...]]
Choice: TypeAlias = Callable[[Sequence[Ticket], int, int], int]


class Line(Protocol):
    """Tickets that wait for one team."""

    def join(self, ticket: Ticket) -> None:
        """Add a ticket; it stays until picked or until its token changes (cancelled, moved, joined anew)."""
        ...

    def pick(self, at_us: int, agents: int) -> Ticket | None:
        """Return the next ticket and drop it, or None if nobody waits; `agents` of the team are on shift now."""
        ...


Dispatch: TypeAlias = Callable[[], Line]


class RankedLine:
    """A line in the order of a rank taken when a ticket joins; the smallest goes first, equals as they came."""

    def __init__(self, rank: Rank) -> None:
        self._rank = rank
        self._heap: list[tuple[tuple[int, ...], int, int, Ticket]] = []
        self._joined = 0

    def join(self, ticket: Ticket) -> None:
        """Add a ticket."""
        self._joined += 1
        heappush(self._heap, (self._rank(ticket), self._joined, ticket.token, ticket))

    def pick(self, at_us: int, agents: int) -> Ticket | None:
        """Return the ticket of the smallest rank, or None."""
        while self._heap:
            _, _, token, ticket = heappop(self._heap)
            if ticket.token == token:
                return ticket
        return None


class ChosenLine:
    """A line in which every pick weighs all that wait."""

    def __init__(self, choose: Choice) -> None:
        self._choose = choose
        self._waiting: list[tuple[int, Ticket]] = []

    def join(self, ticket: Ticket) -> None:
        """Add a ticket."""
        self._waiting.append((ticket.token, ticket))

    def pick(self, at_us: int, agents: int) -> Ticket | None:
        """Return the chosen ticket, or None."""
        self._waiting = [(token, ticket) for token, ticket in self._waiting if ticket.token == token]
        if not self._waiting:
            return None
        return self._waiting.pop(self._choose([ticket for _, ticket in self._waiting], at_us, agents))[1]


def ranked(rank: Rank) -> Dispatch:
    """Return the policy that takes the ticket of the smallest rank first."""
    return lambda: RankedLine(rank)


def chosen(choose: Choice) -> Dispatch:
    """Return the policy that asks `choose(waiting, at_us, agents)` for the index of the ticket to take, at every pick."""
    return lambda: ChosenLine(choose)


def fifo() -> Line:
    """Return a line that is worked first come, first served, by opening."""
    return RankedLine(lambda ticket: (ticket.opened_us,))


def priority_then_fifo() -> Line:
    """Return a line worked by priority, and within it first come, first served: what most desks do."""
    return RankedLine(lambda ticket: (ticket.priority, ticket.opened_us))


def earliest_due(due_us: Callable[[Ticket], int]) -> Dispatch:
    """Return the policy that takes what is due first (EDF); `due_us(ticket)` is asked when the ticket joins the line."""
    return ranked(lambda ticket: (due_us(ticket), ticket.opened_us))
