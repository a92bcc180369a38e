"""Agents at work: who is on shift until when, with which ticket at hand."""

from __future__ import annotations

from simulation.tickets import Ticket
from simulation.world import Agent, World
from sla.instants import SECOND_US


class Seat:
    """One agent's state at the desk."""

    __slots__ = (
        "absent_share",
        "began_us",
        "free_since_us",
        "helping_speed",
        "index",
        "left_us",
        "name",
        "shift",
        "speed",
        "teams",
        "ticket",
        "until_us",
    )

    def __init__(self, index: int, agent: Agent, teams: tuple[int, ...]) -> None:
        self.index, self.name, self.teams = index, agent.name, teams
        self.shift, self.speed, self.absent_share = agent.shift, agent.speed, agent.absent_share
        self.helping_speed = agent.speed * agent.helping_speed
        self.until_us = -1  # end of the present shift window; in the past = off shift
        self.free_since_us = -1
        self.ticket: Ticket | None = None
        self.left_us = 0  # of the stint at hand, at the last start or end of a shift
        self.began_us = 0  # when this stretch of work began

    def needed_us(self, work_us: int, team: int) -> int:
        """Return how long this agent needs for a team's work that takes an agent of speed 1 `work_us`, in whole seconds, at least one."""
        speed = self.speed if team == self.teams[0] else self.helping_speed
        return max(1, round(work_us / speed / SECOND_US)) * SECOND_US


def seats_of(world: World) -> list[Seat]:
    """Return a seat for every agent of a world; ValueError for an unknown team or shift, or a speed that is not positive."""
    teams = {name: index for index, name in enumerate(world.teams)}
    seats = []
    for index, agent in enumerate(world.agents):
        unknown = [name for name in agent.teams if name not in teams]
        if unknown or not agent.teams:
            raise ValueError(
                f"agent {agent.name!r} works in {unknown or 'no team'}; the teams of this world are {list(world.teams)}"
            )
        if agent.shift not in world.calendars:
            raise ValueError(
                f"agent {agent.name!r} has shift {agent.shift!r}; the calendars of this world are {sorted(world.calendars)}"
            )
        if agent.speed <= 0 or agent.helping_speed <= 0:
            raise ValueError(
                f"agent {agent.name!r} has speed {agent.speed} and helping speed {agent.helping_speed}; both must be above 0 "
                "(1 = as fast as the work times say, and as fast on other teams' tickets)"
            )
        seats.append(Seat(index, agent, tuple(teams[name] for name in agent.teams)))
    return seats
