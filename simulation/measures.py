"""What a simulated desk reaches: attainment, breaches, penalty, backlog, occupancy, from a desk that writes down no events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulation.calendars import world_calendars
from simulation.desk import Desk
from simulation.dispatch import Dispatch, priority_then_fifo
from simulation.events import TicketJournal
from simulation.seats import Seat
from simulation.tickets import Ticket
from simulation.world import World
from sla.instants import DAY_US, SECOND_US, to_us
from sla.working_time.business_time import BusinessTime

MINUTE_US = 60 * SECOND_US
Instants = NDArray[np.int64]


@dataclass(frozen=True)
class Targets:
    """What is promised: working minutes to the resolution by priority, in the order of World.priorities, and what a breach costs."""

    minutes: tuple[float, ...]
    weights: tuple[float, ...] = (20.0, 8.0, 3.0, 1.0)

    def __post_init__(self) -> None:
        if len(self.minutes) != len(self.weights):
            raise ValueError(
                f"{len(self.minutes)} targets and {len(self.weights)} weights; expected one each a priority"
            )


@dataclass(frozen=True)
class Figures:
    """What a desk reached over some weeks; shares between 0 and 1. Tickets count by when they were opened; cancelled ones do not."""

    tickets: float
    attainment: float
    breaches: float
    penalty: float
    mean_lateness_hours: float
    backlog: float  # open tickets, mean of one look a day, twelve hours after the hour of the begin
    open_at_end: float
    occupancy: float
    median_hours: float  # working hours to the resolution, of those resolved


FIGURES = tuple(Figures.__dataclass_fields__)


class Ledger(TicketJournal):
    """In place of the journal of events: tickets, and when their clocks stood still."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.tickets: list[Ticket] = []
        self.pauses: list[tuple[str, int, int]] = []
        self._stands_since: dict[str, int] = {}

    def created(self, ticket: Ticket) -> None:
        """Note a new ticket."""
        self.tickets.append(ticket)

    def write(self, ticket: Ticket, at_us: int, kind: str, actor_kind: str) -> None:
        """Note when a clock stops and goes on."""
        if ticket.status in ("waiting", "resolved"):
            self._stands_since.setdefault(ticket.ticket_id, at_us)
        elif ticket.ticket_id in self._stands_since:
            self.pauses.append((ticket.ticket_id, self._stands_since.pop(ticket.ticket_id), at_us))

    def still_paused(self, end_us: int) -> list[tuple[str, int, int]]:
        """Pauses that had no end by an instant."""
        return [(ticket_id, since_us, end_us) for ticket_id, since_us in self._stands_since.items()]


class MeasuredDesk(Desk):
    """A desk that keeps figures instead of events."""

    def __init__(self, world: World, seed: int, start: datetime, dispatch: Dispatch = priority_then_fifo) -> None:
        self.staffed_us = 0
        super().__init__(world, seed, start, dispatch)
        self.ledger = Ledger(world)
        self._journal = self.ledger

    def run_until(self, at: datetime) -> None:
        """Let everything happen up to an instant."""
        self._run(to_us(at))

    def _on_shift_start(self, seat: Seat, close_us: int) -> None:
        self.staffed_us += close_us - self._now_us
        super()._on_shift_start(seat, close_us)


def measured(
    world: World,
    targets: Targets,
    seed: int,
    start: datetime,
    weeks: int,
    dispatch: Dispatch = priority_then_fifo,
    warm_up_weeks: int = 2,
) -> Figures:
    """Return what a desk reaches in so many weeks after a warm-up from an empty desk; the same for the same seed."""
    desk = MeasuredDesk(world, seed, start, dispatch)
    begin, end = start + timedelta(weeks=warm_up_weeks), start + timedelta(weeks=warm_up_weeks + weeks)
    desk.run_until(begin)
    staffed_us, handled_us = desk.staffed_us, sum(ticket.handled_us for ticket in desk.ledger.tickets)
    desk.run_until(end)
    handled_us = sum(ticket.handled_us for ticket in desk.ledger.tickets) - handled_us
    hours = world_calendars(world)[world.desk_hours]
    return figures(
        desk.ledger, targets, (to_us(begin), to_us(end)), hours, handled_us / max(1, desk.staffed_us - staffed_us)
    )


def figures(
    ledger: Ledger, targets: Targets, span_us: tuple[int, int], hours: BusinessTime, occupancy: float
) -> Figures:
    """Return the figures of the tickets opened within a span; what is open at its end counts as late if it is."""
    end_us = span_us[1]
    lives = _lives(ledger.tickets, end_us)
    elapsed = _elapsed_minutes(ledger, lives.opened_us, lives.ended_us, end_us, hours)
    return figures_of(lives, elapsed, targets, span_us, occupancy)


class Lives(NamedTuple):
    """Tickets as columns: opened, ended (or the end of the span), how, and the place of their priority."""

    opened_us: Instants
    ended_us: Instants
    is_resolved: NDArray[np.bool_]
    is_cancelled: NDArray[np.bool_]
    priority: Instants


def figures_of(
    lives: Lives, elapsed: NDArray[np.float64], targets: Targets, span_us: tuple[int, int], occupancy: float
) -> Figures:
    """Return the figures of tickets whose clocks ran so many minutes."""
    begin_us, end_us = span_us
    opened_us, ended_us, is_resolved, is_cancelled, priority = lives
    rows = (opened_us >= begin_us) & (opened_us < end_us) & ~is_cancelled
    late = np.maximum(elapsed - np.array(targets.minutes)[priority], 0.0)[rows]
    weight = np.array(targets.weights)[priority][rows]
    noons = np.arange(begin_us + DAY_US // 2, end_us, DAY_US)
    left_us = np.where(is_resolved | is_cancelled, ended_us, np.iinfo(np.int64).max)
    backlog = np.searchsorted(np.sort(opened_us), noons) - np.searchsorted(np.sort(left_us), noons)
    solved = elapsed[rows & is_resolved]
    count = max(1, int(rows.sum()))
    return Figures(
        tickets=float(rows.sum()),
        attainment=1 - float((late > 0).sum()) / count,
        breaches=float((late > 0).sum()),
        penalty=float(weight[late > 0].sum()),
        mean_lateness_hours=float(late.sum()) / 60 / count,
        backlog=float(backlog.mean()) if len(noons) else 0.0,
        open_at_end=float((opened_us < end_us).sum() - (left_us <= end_us).sum()),
        occupancy=occupancy,
        median_hours=float(np.median(solved)) / 60 if len(solved) else float("nan"),
    )


def _lives(tickets: Sequence[Ticket], end_us: int) -> Lives:
    opened_us = np.array([ticket.opened_us for ticket in tickets], np.int64)
    resolved_us = np.array([ticket.resolved_us for ticket in tickets], np.int64)
    is_cancelled = np.array([ticket.status == "cancelled" for ticket in tickets], np.bool_)
    is_open = np.array([ticket.is_open for ticket in tickets], np.bool_)
    is_resolved = (resolved_us >= 0) & ~is_open & ~is_cancelled
    cancelled_us = np.array([max(ticket.cancel_at_us, ticket.recorded_us) for ticket in tickets], np.int64)
    ended_us = np.where(is_resolved, resolved_us, np.where(is_cancelled, np.minimum(cancelled_us, end_us), end_us))
    priority = np.array([ticket.priority for ticket in tickets], np.int64)
    return Lives(opened_us, ended_us, is_resolved, is_cancelled, priority)


def _elapsed_minutes(
    ledger: Ledger, opened_us: Instants, ended_us: Instants, end_us: int, hours: BusinessTime
) -> NDArray[np.float64]:
    elapsed_us = hours.elapsed_us(opened_us, np.maximum(ended_us, opened_us)).astype(np.float64)
    places = {ticket.ticket_id: place for place, ticket in enumerate(ledger.tickets)}
    pauses = [*ledger.pauses, *ledger.still_paused(end_us)]
    if pauses:
        place = np.array([places[ticket_id] for ticket_id, _, _ in pauses], np.int64)
        since_us, until_us = (np.array([pause[part] for pause in pauses], np.int64) for part in (1, 2))
        until_us = np.maximum(np.minimum(until_us, ended_us[place]), since_us)
        np.subtract.at(elapsed_us, place, hours.elapsed_us(since_us, until_us))
    return np.asarray(elapsed_us / MINUTE_US)
