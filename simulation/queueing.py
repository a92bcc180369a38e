"""Textbook queues in steady state: what the desk must reproduce where their assumptions hold.

Loads are in erlangs (mean arrivals during one mean work time), times in the unit of `work` (mean hands-on time).
Sources: Erlang 1917; Palm 1957 and Garnett, Mandelbaum, Reiman 2002 (Erlang A); Pollaczek 1930; Cobham 1954.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Waiting:
    """What a customer may expect: the share that waits at all, the mean wait of everybody, the share that gives up."""

    waiting_share: float
    mean_wait: float
    abandoned_share: float = 0.0


def erlang_c(agents: int, load: float, work: float) -> Waiting:
    """Return the wait of M/M/c: Poisson arrivals, exponential work, patient customers, first come first served.

    ValueError if the load is not below the number of agents: then the queue grows without end.
    """
    _check_stable(agents, load)
    blocked = _erlang_b(agents, load)
    waiting = blocked / (1 - load / agents * (1 - blocked))
    return Waiting(waiting, waiting * work / (agents - load))


def within(agents: int, load: float, work: float, limit: float) -> float:
    """Return the share of M/M/c customers who wait at most `limit` (the service level of a call centre)."""
    return 1 - erlang_c(agents, load, work).waiting_share * math.exp(-(agents - load) * limit / work)


def erlang_a(agents: int, load: float, work: float, patience: float) -> Waiting:
    """Return the wait of M/M/c+M: as M/M/c, but customers give up after an exponential patience of this mean.

    Always stable. The wait of those who give up counts until they do.
    """
    states = states_of_erlang_a(agents, load, work, patience)
    queue = states[agents:]
    mean_length = float(np.dot(np.arange(len(queue)), queue))
    mean_wait = mean_length * work / load  # Little's law
    return Waiting(float(queue.sum()), mean_wait, mean_wait / patience)


def states_of_erlang_a(agents: int, load: float, work: float, patience: float) -> NDArray[np.float64]:
    """Return the share of time with 0, 1, 2 ... customers in M/M/c+M, as far as it counts."""
    logs = [0.0]
    for present in range(1, agents + 1):
        logs.append(logs[-1] + math.log(load / present))
    while logs[-1] > max(logs) - 35 or len(logs) < agents + 10:
        logs.append(logs[-1] + math.log(load / (agents + (len(logs) - agents) * work / patience)))
    states = np.exp(np.array(logs) - max(logs))
    return np.asarray(states / states.sum())


def single_server(load: float, work: float, work_cv2: float) -> Waiting:
    """Return the wait of M/G/1: one agent, any work distribution with this squared coefficient of variation."""
    _check_stable(1, load)
    return Waiting(load, work * load / (1 - load) * (1 + work_cv2) / 2)


def by_priority(agents: int, loads: Sequence[float], work: float) -> list[Waiting]:
    """Return the wait of each class of M/M/c with priorities that do not interrupt, most urgent first, all with the same mean work."""
    waiting = erlang_c(agents, sum(loads), work).waiting_share
    found, above = [], 0.0
    for load in loads:
        below = above + load / agents
        found.append(Waiting(waiting, waiting * work / agents / ((1 - above) * (1 - below))))
        above = below
    return found


def _erlang_b(agents: int, load: float) -> float:
    blocked = 1.0
    for busy in range(1, agents + 1):
        blocked = load * blocked / (busy + load * blocked)
    return blocked


def _check_stable(agents: int, load: float) -> None:
    if not 0 < load < agents:
        raise ValueError(
            f"a load of {load:g} erlangs on {agents} agents has no steady state; it must be above 0 and below the number of agents"
        )
