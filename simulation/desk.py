"""The desk: a heap of what happens next, and a loop that lets it happen. Same world and seed, same events, byte for byte.

Nothing here is random: luck was drawn in `fates` and `arrivals`. The loop moves tickets between queue, agent and waiting room,
agents through their shifts, and writes down every change as a canonical event, in the order in which the system learns of it.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from heapq import heappop, heappush

import pandas as pd

from simulation.arrivals import Failure, inflow
from simulation.calendars import world_calendars
from simulation.days import Day, days
from simulation.dispatch import Dispatch, priority_then_fifo
from simulation.events import ServiceJournal, TicketJournal
from simulation.fates import Fates, noted
from simulation.happenings import Happening
from simulation.luck import Concern, stream
from simulation.seats import Seat, seats_of
from simulation.tickets import Ending, Place, Stint, Ticket
from simulation.world import World
from sla.instants import DAY_US, SECOND_US, to_us

RAISED_AFTER_US = 120 * SECOND_US  # from the customer's call to the agent's decision


# The loop reads these a million times, and a member of an enumeration costs five times as much as a name.
(DAY, FINISH, SHIFT_END, SHIFT_START, REGISTER, NOTICE, ANSWER, CHASE, RAISE, CANCEL, REOPEN, CLOSE, FAILURE) = (
    Happening
)
(UNNOTICED, QUEUED, WORKED, WAITING, RESOLVED, CLOSED, CANCELLED) = Place
(BY_RESOLVING, BY_NOTING, BY_HANDING_OVER, BY_ASKING_CUSTOMER, _) = Ending


class Desk:
    """A simulated service desk that runs for ever, one `events_until` after the other."""

    def __init__(self, world: World, seed: int, start: datetime, dispatch: Dispatch = priority_then_fifo) -> None:
        start_us = to_us(start)
        hours = world_calendars(world)
        self._world, self._seed = world, seed
        self._seats = seats_of(world)
        self._desk_hours, self._customer_hours = hours[world.desk_hours], hours[world.customer_hours]
        self._shifts = {agent.shift: hours[agent.shift] for agent in world.agents}
        self._days = days(world.zone, self._desk_hours, start_us)
        self._fates = Fates(world, seed)
        self._lines = [dispatch() for _ in world.teams]
        self._staff = [0] * len(world.teams)  # agents on shift now
        self._of_team = [[seat for seat in self._seats if team in seat.teams] for team in range(len(world.teams))]
        self._journal, self._failures = TicketJournal(world), ServiceJournal(world)
        self._heap: list[tuple[int, int, int, object, int]] = []
        self._pushed = 0
        self._now_us = -1
        self.counts: Counter[str] = Counter()  # registered, closed, cancelled
        self._open: dict[str, Ticket] = {}
        self._handlers = tuple(getattr(self, f"_on_{happening.name.lower()}") for happening in Happening)
        self._push(0, DAY, None)

    def events_until(self, at: datetime) -> pd.DataFrame:
        """Return the canonical ticket events recorded after the last call and up to `at`, in the order of recording.

        Any step sizes give the same stream. An instant before the last one gives an empty frame.
        """
        self._run(to_us(at))
        return self._journal.taken()

    def service_events_until(self, at: datetime) -> pd.DataFrame:
        """Return the canonical service events (outages) recorded since the last call of this method and up to `at`."""
        self._run(to_us(at))
        return self._failures.taken()

    @property
    def open_tickets(self) -> tuple[Ticket, ...]:
        """Return the tickets on which work or an answer is owed now, in order of registration."""
        return tuple(ticket for ticket in self._open.values() if ticket.is_open)

    def _run(self, until_us: int) -> None:
        heap, handlers = self._heap, self._handlers
        while heap[0][0] <= until_us:
            self._now_us, happening, _, subject, token = heappop(heap)
            handlers[happening](subject, token)

    def _push(self, at_us: int, happening: Happening, subject: object, token: int = 0) -> None:
        self._pushed += 1
        heappush(self._heap, (at_us, happening, self._pushed, subject, token))

    # Days and shifts

    def _on_day(self, _subject: None, _token: int) -> None:
        day = next(self._days)
        self._push_shifts(day)
        coming = inflow(self._world, self._seed, day)
        for ticket in self._fates.tickets(day, coming):
            self._push(ticket.recorded_us, REGISTER, ticket)
        for failure in coming.failures:
            self._push(failure.start_us, FAILURE, failure)
            self._push(failure.end_us, FAILURE, failure, 1)
        self._push(day.end_us, DAY, None)

    def _push_shifts(self, day: Day) -> None:
        present = stream(self._seed, Concern.ABSENCES, day.number).random(len(self._seats))
        windows = {name: hours.open_windows(day.start_us, day.end_us) for name, hours in self._shifts.items()}
        for seat, luck in zip(self._seats, present.tolist(), strict=True):
            if luck >= seat.absent_share:
                for open_us, close_us in windows[seat.shift]:
                    self._push(open_us, SHIFT_START, seat, close_us)

    def _on_shift_start(self, seat: Seat, close_us: int) -> None:
        seat.until_us = close_us
        for team in seat.teams:
            self._staff[team] += 1
        self._push(close_us, SHIFT_END, seat)
        if seat.ticket is None:
            self._offer(seat)
        else:
            self._work(seat)

    def _on_shift_end(self, seat: Seat, _token: int) -> None:
        if seat.ticket is not None:
            seat.left_us -= self._now_us - seat.began_us
        seat.until_us = -1
        for team in seat.teams:
            self._staff[team] -= 1

    def _on_failure(self, failure: Failure, is_over: int) -> None:
        self._failures.write(failure, self._now_us, bool(is_over))

    # Picking and working

    def _offer(self, seat: Seat) -> None:
        """Let a free agent take the next ticket of the first of their teams that has one."""
        if seat.until_us <= self._now_us:
            return
        for team in seat.teams:
            ticket = self._lines[team].pick(self._now_us, self._staff[team])
            if ticket is not None:
                self._take(seat, ticket)
                return
        seat.free_since_us = self._now_us

    def _take(self, seat: Seat, ticket: Ticket) -> None:
        self._move(ticket, WORKED)
        if ticket.started_us < 0:
            ticket.started_us = self._now_us
        if ticket.assignee != seat.name or ticket.status == "new":
            ticket.assignee, ticket.status = seat.name, "open"
            self._journal.write(ticket, self._now_us, "assigned", "agent")
        seat.ticket = ticket
        seat.left_us = seat.needed_us(ticket.stints[ticket.step].work_us, ticket.team)
        self._work(seat)

    def _work(self, seat: Seat) -> None:
        seat.began_us = self._now_us
        end_us = self._now_us + seat.left_us
        if end_us <= seat.until_us:
            self._push(end_us, FINISH, seat)

    def _on_finish(self, seat: Seat, _token: int) -> None:
        ticket = seat.ticket
        assert ticket is not None  # noqa: S101 - a stint is only scheduled for a ticket at hand
        stint = ticket.stints[ticket.step]
        ticket.handled_us += seat.needed_us(stint.work_us, ticket.team)
        ticket.step += 1
        if stint.ending == BY_NOTING:
            self._journal.write(ticket, self._now_us, "worked", "agent")
            seat.left_us = seat.needed_us(ticket.stints[ticket.step].work_us, ticket.team)
            self._work(seat)
            return
        seat.ticket = None
        if stint.ending == BY_RESOLVING:
            self._resolve(ticket)
        elif stint.ending == BY_HANDING_OVER:
            self._hand_over(ticket, stint)
        else:
            self._ask(ticket, stint)
        self._offer(seat)

    def _resolve(self, ticket: Ticket) -> None:
        now_us = self._now_us
        self._move(ticket, RESOLVED)
        ticket.resolved_us = now_us
        ticket.status = "resolved"
        self._journal.write(ticket, now_us, "status", "agent")
        close_us = now_us + round(self._world.afterwards.close_after_days * DAY_US)
        if ticket.reopen_us >= 0:
            reopen_us = self._customer_hours.due_after(now_us, ticket.reopen_us)
            if reopen_us < close_us:
                self._push(reopen_us, REOPEN, ticket, ticket.token)
                return
        self._push(close_us, CLOSE, ticket, ticket.token)

    def _hand_over(self, ticket: Ticket, stint: Stint) -> None:
        ticket.team = ticket.stints[ticket.step].team
        ticket.assignee = ""
        self._move(ticket, UNNOTICED)
        self._journal.write(ticket, self._now_us, "assigned", "agent")
        self._push(self._desk_hours.due_after(self._now_us, stint.delay_us), NOTICE, ticket, ticket.token)

    def _ask(self, ticket: Ticket, stint: Stint) -> None:
        self._move(ticket, WAITING)
        ticket.waiting_since_us = self._now_us
        ticket.status = "waiting"
        ticket.waiting_on = "customer" if stint.ending == BY_ASKING_CUSTOMER else "supplier"
        self._journal.write(ticket, self._now_us, "status", "agent")
        self._push(self._customer_hours.due_after(self._now_us, stint.delay_us), ANSWER, ticket, ticket.token)

    # Tickets

    def _on_register(self, ticket: Ticket, _token: int) -> None:
        self.counts["registered"] += 1
        self._open[ticket.ticket_id] = ticket
        self._journal.created(ticket)
        self._join(ticket)
        if ticket.cancel_at_us >= 0:
            self._push(max(ticket.cancel_at_us, self._now_us), CANCEL, ticket)
        if ticket.chase_us >= 0:
            self._push(self._customer_hours.due_after(self._now_us, ticket.chase_us), CHASE, ticket)

    def _on_notice(self, ticket: Ticket, token: int) -> None:
        if ticket.token == token:
            self._join(ticket)

    def _on_answer(self, ticket: Ticket, token: int) -> None:
        if ticket.token == token:
            ticket.paused_us += self._now_us - ticket.waiting_since_us
            ticket.stood_us += self._desk_hours.elapsed_between(ticket.waiting_since_us, self._now_us)
            answered_by, ticket.status, ticket.waiting_on = ticket.waiting_on, "open", ""
            self._journal.write(ticket, self._now_us, "status", answered_by)
            self._join(ticket)

    def _on_chase(self, ticket: Ticket, _token: int) -> None:
        if ticket.is_open and ticket.waiting_on != "customer":
            self._journal.write(ticket, self._now_us, "commented", "customer")
            if ticket.is_raised and ticket.priority > 0:
                self._push(self._now_us + RAISED_AFTER_US, RAISE, ticket)

    def _on_raise(self, ticket: Ticket, _token: int) -> None:
        if ticket.is_open:
            ticket.priority -= 1
            self._journal.write(ticket, self._now_us, "priority", "agent")
            if ticket.place == QUEUED:
                self._join(ticket)

    def _on_cancel(self, ticket: Ticket, _token: int) -> None:
        if ticket.is_open and ticket.place != WORKED:
            self._move(ticket, CANCELLED)
            ticket.status, ticket.waiting_on = "cancelled", ""
            self._journal.write(ticket, self._now_us, "status", "customer")
            self._leave(ticket, "cancelled")

    def _on_reopen(self, ticket: Ticket, token: int) -> None:
        if ticket.token == token:
            ticket.stints += noted(ticket.team, ticket.rework_us, self._world.afterwards.note_every_minutes)
            ticket.reopen_us = -1
            ticket.stood_us += self._desk_hours.elapsed_between(ticket.resolved_us, self._now_us)
            ticket.status = "open"
            self._journal.write(ticket, self._now_us, "status", "customer")
            self._join(ticket)

    def _on_close(self, ticket: Ticket, token: int) -> None:
        if ticket.token == token:
            self._move(ticket, CLOSED)
            ticket.status = "closed"
            self._journal.write(ticket, self._now_us, "status", "system")
            self._leave(ticket, "closed")

    def _move(self, ticket: Ticket, place: Place) -> None:
        ticket.place = place
        ticket.token += 1

    def _leave(self, ticket: Ticket, how: str) -> None:
        self.counts[how] += 1
        del self._open[ticket.ticket_id]

    def _join(self, ticket: Ticket) -> None:
        """Put a ticket into its team's line, and let the agent who has been free longest look at it, the team's own first."""
        self._move(ticket, QUEUED)
        team = ticket.team
        self._lines[team].join(ticket)
        free = [seat for seat in self._of_team[team] if seat.ticket is None and seat.until_us > self._now_us]
        if free:
            self._offer(min(free, key=lambda seat: (seat.teams[0] != team, seat.free_since_us, seat.index)))
