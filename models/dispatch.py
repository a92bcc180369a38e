"""Which waiting ticket next: what attention now rather than later is worth, and the orders it is compared with.

One scoring for the simulated desk and for the service: a function of arrays, one row a waiting ticket of one team's queue.
All times are working minutes of each ticket's own clock. Nothing here knows where the numbers come from.

The suggested order is savable-first: what a minute of work saves, weighed by what a breach costs. It is an index of the kind of
apparent tardiness cost (Vepsalainen and Morton 1987) on the chance that the ticket can still be saved, plus a guard: being late costs
more the later it gets, so nothing waits for ever. Risk alone is not an order: it works on what is already lost.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np
from scipy.special import ndtr

from features.waiting import Floats, Waiting

_FAR_BEHIND = 1e12  # minutes or scores beyond any real one: what must come after everything else
_DETOUR_MINUTES = np.array([[0.0], [72.0]])  # what no detour, and a wrong team or a question first, takes off the clock

Choice: TypeAlias = Callable[[Waiting], int]


@dataclass(frozen=True)
class GainSettings:
    """The dials of the suggested order, each a choice that a manager may see.

    `guard` is what a ticket is worth that is late by one whole target, relative to one that presses and can be saved; it grows with
    the lateness. 0 drops the lost behind (fewest breaches, longest lateness). `response` is what a response in time is worth
    relative to a resolution in time; 0 where no response is agreed. Urgency looks `horizon_share` of the queue's work per agent ahead,
    plus `horizon_minutes`, and falls off beyond it as a power (`tail`): slowly, so that what can wait still goes before what is lost.
    Tickets whose breach costs `urgent_weight` or more count `urgent_factor` times: they are few, and to let them wait saves little.
    """

    guard: float = 0.003
    response: float = 0.0
    horizon_share: float = 0.1
    horizon_minutes: float = 20.0
    tail: float = 2.0
    urgent_factor: float = 3.0
    urgent_weight: float = 20.0


class Gain(NamedTuple):
    """What taking each ticket now is worth a minute, n rows, and its parts (they add up before `weight / expected`)."""

    total: Floats
    saving: Floats
    lateness: Floats
    response: Floats
    late_chance: Floats


def late_if_taken_now(queue: Waiting) -> Floats:
    """Return the chance that each ticket is late even when taken now, n; 1 when overdue."""
    if not queue.detour_share.any():
        return _exceeds(queue, queue.left)
    chance, detoured = _exceeds(queue, queue.left - _DETOUR_MINUTES)
    return np.asarray(chance + queue.detour_share * (detoured - chance))


def horizon_of(queue: Waiting, settings: GainSettings) -> float:
    """Return how many minutes ahead urgency looks: farther the more work waits for each agent."""
    return settings.horizon_share * float(queue.expected.sum()) / max(queue.agents, 1) + settings.horizon_minutes


def gain(
    queue: Waiting, settings: GainSettings, *, horizon: Floats | float | None = None, late: Floats | None = None
) -> Gain:
    """Return the gain of taking each ticket now: highest first is the suggested order.

    Rows of several queues can be weighed at once with the `horizon` of each row's own queue (minutes). `late`: the chance of being
    late although taken now, where more is known of it than the belief about the work.
    """
    if horizon is None:
        horizon = horizon_of(queue, settings)
    if late is None:
        late = late_if_taken_now(queue)
    saving = (1.0 - late) * urgency(queue, settings, horizon)
    lateness = settings.guard * late * np.maximum(0.0, -queue.left) / queue.target
    response = np.zeros(len(late))
    if settings.response:
        in_time = queue.response_left > 0
        response = np.where(in_time, settings.response * np.exp(-np.maximum(queue.response_left, 0.0) / horizon), 0.0)
    total = rate(queue, settings) * (saving + lateness + response)
    return Gain(total, saving, lateness, response, late)


def urgency(queue: Waiting, settings: GainSettings, horizon: Floats | float) -> Floats:
    """Return how much each ticket presses, n: 1 without time to spare, then less the farther it is from its last moment to begin."""
    slack = queue.left - queue.expected
    np.maximum(slack, 0.0, out=slack)
    slack /= horizon * settings.tail
    slack += 1.0
    return np.asarray(slack**-settings.tail)


def rate(queue: Waiting, settings: GainSettings) -> Floats:
    """Return what a breach of each ticket costs a minute of its work, n."""
    factor = np.where(queue.weight >= settings.urgent_weight, settings.urgent_factor, 1.0)
    return np.asarray(factor * queue.weight / queue.expected)


@dataclass(frozen=True)
class SavableFirst:
    """The suggested order as a choice of the next ticket; equals by what is due first. A value, so that other processes can be given it."""

    settings: GainSettings

    def __call__(self, queue: Waiting) -> int:
        """Return the place of the ticket to take."""
        return _first(gain_total(queue, self.settings), queue.left)


def savable_first(settings: GainSettings | None = None) -> Choice:
    """Return the suggested order as a choice of the next ticket; equals by what is due first."""
    return SavableFirst(settings or GainSettings())


def gain_total(queue: Waiting, settings: GainSettings) -> Floats:
    """Return `gain(queue, settings).total` in less time: a simulated desk asks at every pick."""
    if settings.response:
        return gain(queue, settings).total
    late = _late(queue)
    worth = urgency(queue, settings, horizon_of(queue, settings))
    worth *= 1.0 - late
    if settings.guard:
        overdue = np.minimum(queue.left, 0.0)
        overdue /= queue.target
        overdue *= late
        overdue *= settings.guard
        worth -= overdue
    worth *= rate(queue, settings)
    return np.asarray(worth)


def _late(queue: Waiting) -> Floats:
    """Return `late_if_taken_now(queue)`: no time at all is a billionth of a minute, which no work takes."""
    reached = queue.left - _DETOUR_MINUTES
    np.maximum(reached, 1e-9, out=reached)
    np.log(reached, out=reached)
    np.subtract(queue.log_mean, reached, out=reached)
    reached /= np.maximum(queue.log_sd, 1e-9)
    ndtr(reached, out=reached)
    chance, detoured = reached
    detoured -= chance
    detoured *= queue.detour_share
    detoured += chance
    return np.asarray(detoured)


def earliest_due(queue: Waiting) -> int:
    """Return the ticket that is due first (EDF)."""
    return int(np.argmin(queue.left))


def earliest_due_overdue_last(queue: Waiting) -> int:
    """Return the ticket due first among those in time; when all are overdue, the one overdue for longest."""
    return int(np.argmin(np.where(queue.left > 0, queue.left, queue.left + _FAR_BEHIND)))


def least_slack(queue: Waiting) -> int:
    """Return the ticket with the least time left beyond its expected work."""
    return int(np.argmin(queue.left - queue.expected))


def riskiest(queue: Waiting) -> int:
    """Return the ticket most likely to be late if it waits for its turn in the queue: a warning example, not advice."""
    ahead = float(queue.expected.sum()) / max(queue.agents, 1) / 2
    return _first(_exceeds(queue, queue.left - ahead), queue.left)


def moore_hodgson(queue: Waiting) -> int:
    """Return the first ticket of the largest set that can be in time on expected work, by due time (Moore 1968).

    On more than one agent a heuristic: a ticket begins when the work before it, shared by all agents, is done. What cannot be saved
    is dropped longest work per weight first; when nothing can be saved, the cheapest of the lost is taken.
    """
    order = np.argsort(queue.left, kind="stable")
    work, left, weight = queue.expected[order], queue.left[order], queue.weight[order]
    is_kept = work <= left
    burden = work / weight
    while True:
        kept = np.flatnonzero(is_kept)
        if not len(kept):
            return int(order[np.argmin(burden)])
        ends = np.cumsum(work[kept]) / queue.agents + work[kept] * (1 - 1 / queue.agents)
        late = np.flatnonzero(ends > left[kept])
        if not len(late):
            return int(order[kept[0]])
        is_kept[kept[int(np.argmax(burden[kept[: late[0] + 1]]))]] = False


def followed(choice: Choice, habit: Choice, follows: Callable[[], bool]) -> Choice:
    """Return a choice that keeps to `choice` where `follows()`, else to `habit`: advice is not always taken."""
    return lambda queue: (choice if follows() else habit)(queue)


def priority_then_opened(queue: Waiting) -> int:
    """Return the ticket of the highest weight that was opened first."""
    return _first(queue.weight, queue.opened)


def _exceeds(queue: Waiting, minutes: Floats) -> Floats:
    """Return P(work > minutes) of a lognormal belief, as many as `minutes` (... x n); 1 for what is no time at all. An exactly known work has a `log_sd` of 0."""
    reached = np.log(np.maximum(minutes, 1e-9)) - queue.log_mean
    chance = ndtr(-reached / np.maximum(queue.log_sd, 1e-9))
    return np.where(minutes > 0, chance, 1.0)


def _first(score: Floats, tie: Floats) -> int:
    """Return the index of the highest score; of equals the one with the least `tie`."""
    best = int(np.argmax(score))
    equal = np.flatnonzero(score == score[best])
    return best if len(equal) == 1 else int(equal[np.argmin(tie[equal])])
