"""A ticket on its way through the desk, and the itinerary that luck has planned for it."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple


class Ending(IntEnum):
    """What an agent does at the end of a stint of work."""

    RESOLVE = 0
    NOTE = 1  # writes a progress note and goes on
    HAND_OVER = 2  # it belongs to another team
    ASK_CUSTOMER = 3
    ASK_SUPPLIER = 4


class Stint(NamedTuple):
    """Hands-on work in one team, and what comes after it."""

    team: int  # index into World.teams
    work_us: int  # of an agent of speed 1
    ending: Ending
    delay_us: int  # working time until it is back (or noticed by the next team)


class Place(IntEnum):
    """Where a ticket is. Only QUEUED tickets can be picked, only what nobody works on can be cancelled."""

    UNNOTICED = 0  # handed over, the new team has not seen it yet
    QUEUED = 1
    WORKED = 2
    WAITING = 3  # for the customer or a supplier
    RESOLVED = 4
    CLOSED = 5
    CANCELLED = 6


_DONE = Place.RESOLVED


class Ticket:
    """One ticket: what was said when it came in, its itinerary, and where it is now."""

    __slots__ = (
        "assignee",
        "cancel_at_us",
        "category",
        "channel",
        "chase_us",
        "customer",
        "handled_us",
        "is_raised",
        "opened_us",
        "ordinal",
        "paused_us",
        "place",
        "priority",
        "recorded_us",
        "reopen_us",
        "resolved_us",
        "rework_us",
        "service",
        "started_us",
        "status",
        "step",
        "stints",
        "stood_us",
        "subcategory",
        "team",
        "ticket_id",
        "title",
        "token",
        "waiting_on",
        "waiting_since_us",
        "written_by",
        "written_us",
    )

    def __init__(self, ticket_id: str, opened_us: int, recorded_us: int, priority: int, stints: list[Stint]) -> None:
        self.ticket_id = ticket_id
        self.opened_us = opened_us
        self.recorded_us = recorded_us
        self.priority = priority  # index into World.priorities
        self.stints = stints
        self.service = self.category = self.subcategory = self.title = self.customer = self.channel = ""
        self.written_by = "customer"
        self.team = stints[0].team
        self.step = 0
        self.place = Place.UNNOTICED
        self.status = "new"  # as in docs/data-contract.md
        self.assignee = ""
        self.token = 0  # counts moves, so that a queue knows a stale entry
        self.handled_us = 0  # hands-on time so far
        self.started_us = -1  # first picked up
        self.resolved_us = -1
        self.paused_us = 0  # wall time spent waiting
        self.stood_us = 0  # desk hours in which its clock stood still: while it waited, or was thought to be solved
        self.waiting_on = ""  # "customer" or "supplier" while it waits for them
        self.waiting_since_us = -1
        self.written_us = -1  # the last event, and its place among those of the same instant
        self.ordinal = 0
        self.cancel_at_us = -1
        self.chase_us = -1  # minutes of customer hours until the customer calls again; -1 never
        self.is_raised = False
        self.reopen_us = -1
        self.rework_us = 0

    @property
    def is_open(self) -> bool:
        """Return whether work or an answer is still owed."""
        return self.place < _DONE
