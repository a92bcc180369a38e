"""What luck has in store for the tickets of one day: what they are about, how much work they hide, what will come between.

Everything is drawn before the desk touches the ticket, so that two dispatch policies (or two staffings) meet the same tickets.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulation.arrivals import Inflow, topics_of
from simulation.days import Day
from simulation.luck import Concern, stream
from simulation.tickets import Ending, Stint, Ticket
from simulation.world import Misrouting, World
from sla.instants import SECOND_US

ASKING_SHARE = 0.25  # of the hands-on work comes before the question to customer or supplier
Choices = NDArray[np.int64]
Floats = NDArray[np.float64]


class Fates:
    """Tickets with their itineraries, a day at a time."""

    def __init__(self, world: World, seed: int) -> None:
        self._world = world
        self._seed = seed
        self._topics = topics_of(world)
        self._everyday = _edges([topic.weight for topic in world.topics])
        self._customers = _edges([customer.weight for customer in world.customers])
        self._channels = _edges([channel.weight for channel in world.channels])
        self._priorities = [_edges(topic.priority_shares) for topic in self._topics]
        self._teams = {name: index for index, name in enumerate(world.teams)}
        self._number = world.first_ticket_number

    def tickets(self, day: Day, inflow: Inflow) -> list[Ticket]:
        """Return the day's tickets in order of opening, numbered on from the last call."""
        draws = _Draws(self._seed, day.number, len(inflow.opened_us))
        topics = self._topics_of(inflow, draws.marks[:, 0])
        customers = _pick(self._customers, draws.marks[:, 1])
        channels = _pick(self._channels, draws.marks[:, 2])
        return [
            self._ticket(draws, row, int(topics[row]), int(customers[row]), int(channels[row]), int(opened_us))
            for row, opened_us in enumerate(inflow.opened_us)
        ]

    def _topics_of(self, inflow: Inflow, share: Floats) -> Choices:
        outage = np.array([failure.outage for failure in inflow.failures] + [0], dtype=np.int64)[inflow.failure]
        return np.where(inflow.failure >= 0, len(self._world.topics) + outage, _pick(self._everyday, share))

    def _ticket(
        self, draws: _Draws, row: int, topic_index: int, customer: int, channel_index: int, opened_us: int
    ) -> Ticket:
        topic = self._topics[topic_index]
        title = topic.titles[min(int(draws.marks[row, 3] * len(topic.titles)), len(topic.titles) - 1)]
        minutes = topic.work.minutes(draws.work[row]) * title.work_factor
        stints = self._itinerary(draws, row, topic_index, customer, minutes)
        channel = self._world.channels[channel_index]
        recorded_us = opened_us + (
            _whole_us(channel.recording.minutes(draws.recording[row])) if channel.recording else 0
        )
        priority = int(_pick(self._priorities[topic_index], draws.marks[row, 4]))
        ticket = Ticket(f"INC{self._number:07d}", opened_us, recorded_us, priority, stints)
        self._number += 1
        ticket.service, ticket.category, ticket.subcategory = topic.service, topic.category, topic.subcategory
        ticket.title, ticket.customer = title.text, self._world.customers[customer].name
        ticket.channel = channel.name
        ticket.written_by = channel.actor_kind
        self._afterwards(draws, row, ticket, topic.reopen_share, minutes)
        return ticket

    def _itinerary(self, draws: _Draws, row: int, topic_index: int, customer: int, minutes: float) -> list[Stint]:
        """Return the stints: perhaps a wrong team first, perhaps a question, then the work with its notes."""
        topic, waits = self._topics[topic_index], draws.waits[row]
        team = self._teams[topic.team]
        stints = self._detour(topic.misrouting, team, draws.route[row], draws.route_scores[row])
        asks_supplier = waits[1] < topic.ask_supplier_share
        if asks_supplier or waits[0] < topic.ask_customer_share:
            wait = topic.supplier if asks_supplier else self._world.customers[customer].answer
            ending = Ending.ASK_SUPPLIER if asks_supplier else Ending.ASK_CUSTOMER
            delay_us = _whole_us(wait.minutes(draws.wait_scores[row, int(asks_supplier)]))
            stints.append(Stint(team, _whole_us(minutes * ASKING_SHARE), ending, delay_us))
            minutes *= 1 - ASKING_SHARE
        return stints + noted(team, _whole_us(minutes), self._world.afterwards.note_every_minutes)

    def _detour(self, misroutings: tuple[Misrouting, ...], team: int, share: Floats, scores: Floats) -> list[Stint]:
        left = float(share[0])
        for misrouting in misroutings:
            if left < misrouting.share:
                wrong = self._teams[misrouting.team]
                wasted_us = _whole_us(misrouting.wasted.minutes(scores[0]))
                path = [Stint(wrong, wasted_us, Ending.HAND_OVER, _whole_us(misrouting.unnoticed.minutes(scores[1])))]
                if share[1] < misrouting.bounce_share:
                    path.append(
                        Stint(
                            team, wasted_us // 2, Ending.HAND_OVER, _whole_us(misrouting.unnoticed.minutes(scores[2]))
                        )
                    )
                    path.append(
                        Stint(
                            wrong, wasted_us // 2, Ending.HAND_OVER, _whole_us(misrouting.unnoticed.minutes(scores[3]))
                        )
                    )
                return path
            left -= misrouting.share
        return []

    def _afterwards(self, draws: _Draws, row: int, ticket: Ticket, reopen_share: float, minutes: float) -> None:
        world, after, scores = self._world.afterwards, draws.after[row], draws.after_scores[row]
        if after[0] < world.cancel_share:
            ticket.cancel_at_us = ticket.opened_us + _whole_us(world.patience.minutes(scores[0]))
        if after[1] < world.chase_share:
            ticket.chase_us = _whole_us(world.chase_after.minutes(scores[1]))
            ticket.is_raised = bool(after[2] < world.raised_share)
        if after[3] < reopen_share:
            ticket.reopen_us = _whole_us(world.reopen_after.minutes(scores[2]))
            ticket.rework_us = _whole_us(minutes * world.rework_factor)


class _Draws:
    """A day's random numbers, one row a ticket, one stream a concern."""

    def __init__(self, seed: int, day: int, count: int) -> None:
        route, waits, after = (stream(seed, c, day) for c in (Concern.ROUTE, Concern.WAITS, Concern.AFTERWARDS))
        self.marks = stream(seed, Concern.MARKS, day).random((count, 5))
        self.recording = stream(seed, Concern.RECORDING, day).standard_normal(count)
        self.work = stream(seed, Concern.WORK, day).standard_normal(count)
        self.route, self.route_scores = route.random((count, 2)), route.standard_normal((count, 4))
        self.waits, self.wait_scores = waits.random((count, 2)), waits.standard_normal((count, 2))
        self.after, self.after_scores = after.random((count, 4)), after.standard_normal((count, 3))


def noted(team: int, work_us: int, note_every_minutes: float) -> list[Stint]:
    """Return work up to the solution, with a progress note after every so many hands-on minutes."""
    every_us = _whole_us(note_every_minutes)
    notes = (work_us - 1) // every_us
    last_us = work_us - notes * every_us
    return [Stint(team, every_us, Ending.NOTE, 0)] * notes + [Stint(team, last_us, Ending.RESOLVE, 0)]


def _whole_us(minutes: float) -> int:
    """Return minutes as microseconds, in whole seconds, at least one: an event must not tie with its cause."""
    return max(1, round(minutes * 60)) * SECOND_US


def _edges(weights: object) -> Floats:
    total = np.cumsum(np.asarray(weights, dtype=np.float64))
    return np.asarray(total / total[-1])


def _pick(edges: Floats, share: Floats) -> Choices:
    return np.minimum(np.searchsorted(edges, share, side="right"), len(edges) - 1)
