"""What luck has in store for the tickets of one day: what they are about, how much work they hide, what will come between.

Everything is drawn before the desk touches the ticket, so that two dispatch policies (or two staffings) meet the same tickets.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from simulation.arrivals import Inflow
from simulation.days import Day
from simulation.luck import Concern, stream
from simulation.tickets import Ending, Stint, Ticket
from simulation.world import Customer, Misrouting, Topic, World
from sla.instants import SECOND_US

ASKING_SHARE = 0.25  # of the hands-on work comes before the question to customer or supplier


class Luck(NamedTuple):
    """One ticket's random numbers: shares are uniform from 0 to 1, scores standard normal."""

    marks: list[float]  # topic, customer, channel, title, priority
    recording: float
    work: float
    route: list[float]  # wrong team first?, sent back?
    route_scores: list[float]  # wasted work, unnoticed time of up to three hand-overs
    waits: list[float]  # question to the customer?, to the supplier?
    wait_scores: list[float]
    after: list[float]  # cancelled?, chased?, raised?, reopened?
    after_scores: list[float]  # when, for the first, second and fourth


def drawn(seed: int, day: int, count: int) -> list[Luck]:
    """Return the luck of a day's tickets, from one stream a concern."""
    route, waits, after = (stream(seed, c, day) for c in (Concern.ROUTE, Concern.WAITS, Concern.AFTERWARDS))
    columns = (
        stream(seed, Concern.MARKS, day).random((count, 5)),
        stream(seed, Concern.RECORDING, day).standard_normal(count),
        stream(seed, Concern.WORK, day).standard_normal(count),
        route.random((count, 2)),
        route.standard_normal((count, 4)),
        waits.random((count, 2)),
        waits.standard_normal((count, 2)),
        after.random((count, 4)),
        after.standard_normal((count, 3)),
    )
    return [Luck(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]


class Fates:
    """Tickets with their itineraries, a day at a time."""

    def __init__(self, world: World, seed: int) -> None:
        self._world = world
        self._seed = seed
        self._everyday = _edges([topic.weight for topic in world.topics])
        self._customers = _edges([customer.weight for customer in world.customers])
        self._channels = _edges([channel.weight for channel in world.channels])
        outages = [*(one.topic for one in world.outages), *(one.topic for one in world.planned)]
        self._outages = tuple(outages)
        self._priorities = {id(topic): _edges(topic.priority_shares) for topic in (*world.topics, *outages)}
        self._teams = {name: index for index, name in enumerate(world.teams)}
        self._number = world.first_ticket_number

    def tickets(self, day: Day, inflow: Inflow) -> list[Ticket]:
        """Return the day's tickets in order of opening, numbered on from the last call."""
        lucks = drawn(self._seed, day.number, len(inflow.opened_us))
        coming = zip(inflow.opened_us.tolist(), inflow.failure.tolist(), lucks, strict=True)
        return [self._ticket(opened_us, self._topic(inflow, cause, luck), luck) for opened_us, cause, luck in coming]

    def _topic(self, inflow: Inflow, cause: int, luck: Luck) -> Topic:
        if cause >= 0:
            return self._outages[inflow.failures[cause].outage]
        return self._world.topics[_pick(self._everyday, luck.marks[0])]

    def _ticket(self, opened_us: int, topic: Topic, luck: Luck) -> Ticket:
        world = self._world
        customer = world.customers[_pick(self._customers, luck.marks[1])]
        channel = world.channels[_pick(self._channels, luck.marks[2])]
        title = topic.titles[int(luck.marks[3] * len(topic.titles))]
        minutes = topic.work.minutes(luck.work) * title.work_factor
        recorded_us = opened_us + (_whole_us(channel.recording.minutes(luck.recording)) if channel.recording else 0)
        priority = _pick(self._priorities[id(topic)], luck.marks[4])
        stints = self._itinerary(topic, customer, luck, minutes)
        ticket = Ticket(f"INC{self._number:07d}", opened_us, recorded_us, priority, stints)
        self._number += 1
        ticket.service, ticket.category, ticket.subcategory = topic.service, topic.category, topic.subcategory
        ticket.title, ticket.customer = title.text, customer.name
        ticket.channel, ticket.written_by = channel.name, channel.actor_kind
        self._plan_afterwards(ticket, topic.reopen_share, minutes, luck)
        return ticket

    def _itinerary(self, topic: Topic, customer: Customer, luck: Luck, minutes: float) -> list[Stint]:
        """Return the stints: perhaps a wrong team first, perhaps a question, then the work with its notes."""
        team = self._teams[topic.team]
        stints = self._detour(topic.misrouting, team, luck)
        asks_supplier = luck.waits[1] < topic.ask_supplier_share
        if asks_supplier or luck.waits[0] < topic.ask_customer_share:
            wait = topic.supplier if asks_supplier else customer.answer
            ending = Ending.ASK_SUPPLIER if asks_supplier else Ending.ASK_CUSTOMER
            delay_us = _whole_us(wait.minutes(luck.wait_scores[int(asks_supplier)]))
            stints.append(Stint(team, _whole_us(minutes * ASKING_SHARE), ending, delay_us))
            minutes *= 1 - ASKING_SHARE
        return stints + noted(team, _whole_us(minutes), self._world.afterwards.note_every_minutes)

    def _detour(self, misroutings: tuple[Misrouting, ...], team: int, luck: Luck) -> list[Stint]:
        """Return the stints in wrong teams: none for most tickets, one or, when it bounces, three."""
        left = luck.route[0]
        for misrouting in misroutings:
            if left < misrouting.share:
                wrong = self._teams[misrouting.team]
                wasted_us = _whole_us(misrouting.wasted.minutes(luck.route_scores[0]))
                unnoticed_us = [_whole_us(misrouting.unnoticed.minutes(score)) for score in luck.route_scores[1:]]
                path = [Stint(wrong, wasted_us, Ending.HAND_OVER, unnoticed_us[0])]
                if luck.route[1] < misrouting.bounce_share:
                    path.append(Stint(team, wasted_us // 2, Ending.HAND_OVER, unnoticed_us[1]))
                    path.append(Stint(wrong, wasted_us // 2, Ending.HAND_OVER, unnoticed_us[2]))
                return path
            left -= misrouting.share
        return []

    def _plan_afterwards(self, ticket: Ticket, reopen_share: float, minutes: float, luck: Luck) -> None:
        afterwards, (cancel, chase, raising, reopen) = self._world.afterwards, luck.after
        if cancel < afterwards.cancel_share:
            ticket.cancel_at_us = ticket.opened_us + _whole_us(afterwards.patience.minutes(luck.after_scores[0]))
        if chase < afterwards.chase_share:
            ticket.chase_us = _whole_us(afterwards.chase_after.minutes(luck.after_scores[1]))
            ticket.is_raised = raising < afterwards.raised_share
        if reopen < reopen_share:
            ticket.reopen_us = _whole_us(afterwards.reopen_after.minutes(luck.after_scores[2]))
            ticket.rework_us = _whole_us(minutes * afterwards.rework_factor)


def noted(team: int, work_us: int, note_every_minutes: float) -> list[Stint]:
    """Return work up to the solution, with a progress note after every so many hands-on minutes."""
    every_us = _whole_us(note_every_minutes)
    notes = (work_us - 1) // every_us
    last_us = work_us - notes * every_us
    return [Stint(team, every_us, Ending.NOTE, 0)] * notes + [Stint(team, last_us, Ending.RESOLVE, 0)]


def _whole_us(minutes: float) -> int:
    """Return minutes as microseconds, in whole seconds, at least one: an event must not tie with its cause."""
    return max(1, round(minutes * 60)) * SECOND_US


def _edges(weights: Sequence[float]) -> list[float]:
    """Return where each choice ends on the line from 0 to 1."""
    total = sum(weights)
    return [edge / total for edge in accumulate(weights)]


def _pick(edges: list[float], share: float) -> int:
    return min(bisect_right(edges, share), len(edges) - 1)
