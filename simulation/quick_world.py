"""Desks for studies of dispatch: what luck decides beforehand about every ticket, as columns.

A study compares policies on thousands of weeks, so a ticket here is a row of numbers and not an object, and time is minutes from a
Monday's midnight without zones: `working_minutes` is the only calendar (Monday to Friday 8 to 18, or around the clock).
Everything is drawn before the desk moves; two policies meet the same tickets (common random numbers).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

WEEK_MINUTES = 7 * 1440
_OPEN, _LONG, _DAYS = 480, 600, 5  # opens at 8, for ten hours, five days
_WEEKDAYS = (1.25, 1.1, 1.05, 1.0, 0.95, 0.15, 0.1)
_HOURS = (1, 1, 1, 1, 1, 2, 4, 12, 24, 30, 30, 26, 20, 24, 26, 24, 20, 14, 8, 5, 4, 3, 2, 1)


@dataclass(frozen=True)
class Team:
    """Seats of a team; around the clock, or Monday to Friday 8 to 18."""

    agents: int
    is_always_open: bool = False


@dataclass(frozen=True)
class DeskPlan:
    """What a studied desk is like. The defaults are an invented service desk of 30 seats, not anybody's.

    Minutes throughout; shares and targets by priority 1 to 4. `load` is offered work over capacity, in every team.
    The log work time of a ticket varies within its category by `seen_sd` that its marks tell (in a way that must be learned)
    and `unseen_sd` that nothing tells.
    """

    load: float = 0.95
    weeks: int = 12
    teams: tuple[Team, ...] = (Team(3), Team(4), Team(5), Team(6), Team(8), Team(4, True))
    priority_shares: tuple[float, ...] = (0.04, 0.16, 0.50, 0.30)
    weights: tuple[float, ...] = (20.0, 8.0, 3.0, 1.0)
    response_targets: tuple[float, ...] = (30.0, 60.0, 240.0, 480.0)
    targets: tuple[float, ...] = (240.0, 480.0, 960.0, 2400.0)
    targets_always: tuple[float, ...] = (240.0, 720.0, 1920.0, 5760.0)
    work: float = 50.0
    category_factors: tuple[float, ...] = (0.4, 0.55, 0.7, 0.85, 1.0, 1.2, 1.6, 2.4)
    priority_factors: tuple[float, ...] = (1.6, 1.3, 1.0, 0.8)
    seen_sd: float = 0.5
    unseen_sd: float = 0.87
    misrouted_share: float = 0.12
    misrouted_work: float = 12.0
    asked_shares: tuple[float, float] = (0.12, 0.35)  # of the easiest and the hardest category
    asked_work: float = 10.0
    answer_median: float = 20 * 60.0
    answer_sd: float = 1.0
    burst_share: float = 0.10
    burst_size: float = 25.0
    burst_sd: float = 0.8
    burst_lasts: float = 60.0
    burst_work_factor: float = 0.5


@dataclass(frozen=True)
class QuickWorld:
    """The tickets of a desk in the order of opening; n rows, minutes.

    `marks` is n x k: what is known at opening (team, category, priority, burst, and three marks of the text), for learning.
    """

    plan: DeskPlan
    opened: Floats
    team: Integers
    first_team: Integers  # another one where misrouted
    priority: Integers  # 0 is the most urgent
    category: Integers
    work: Floats
    is_asked: NDArray[np.bool_]
    answer: Floats  # minutes of real time until the customer answers
    target: Floats
    response_target: Floats
    weight: Floats
    marks: Floats

    def __len__(self) -> int:
        """Return how many tickets there are."""
        return len(self.opened)

    @property
    def end(self) -> float:
        """Minute at which the study ends."""
        return float(self.plan.weeks * WEEK_MINUTES)

    @property
    def is_always_open(self) -> NDArray[np.bool_]:
        """Whether a ticket's clock runs around the clock, n: that of the team it belongs to."""
        return np.array([team.is_always_open for team in self.plan.teams])[self.team]


def working_minutes(at: Floats) -> Floats:
    """Return the minutes that were open (Monday to Friday 8 to 18) from minute 0 to each instant."""
    week, rest = np.divmod(at, WEEK_MINUTES)
    day, minute = np.divmod(rest, 1440)
    today = np.where(day < _DAYS, np.clip(minute - _OPEN, 0, _LONG), 0.0)
    return np.asarray(week * _DAYS * _LONG + np.minimum(day, _DAYS) * _LONG + today)


def is_open(at: Floats) -> NDArray[np.bool_]:
    """Return whether a day team is there at each instant."""
    day, minute = np.divmod(np.mod(at, WEEK_MINUTES), 1440)
    return np.asarray((day < _DAYS) & (minute >= _OPEN) & (minute < _OPEN + _LONG))


def draw_world(plan: DeskPlan, seed: int) -> QuickWorld:
    """Return the tickets of a desk; the same for the same plan and seed."""
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(8,))))
    parts = [_team_inflow(plan, number, rng) for number in range(len(plan.teams))]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    order = np.argsort(columns["opened"], kind="stable")
    return _with_fates(plan, {name: column[order] for name, column in columns.items()}, rng)


def mean_effort(plan: DeskPlan) -> float:
    """Return the mean minutes of a team that a ticket costs, detours and bursts included."""
    categories = np.array(plan.category_factors)
    work = plan.work * categories.mean() * float(np.dot(plan.priority_shares, plan.priority_factors))
    work *= 1 - plan.burst_share * (1 - plan.burst_work_factor)
    asked = float(_asked_share(plan).mean())
    return float(work) + plan.misrouted_share * plan.misrouted_work + asked * plan.asked_work


def steady(plan: DeskPlan) -> DeskPlan:
    """Return the same plan without bursts, detours and questions: nothing but arrivals and work."""
    return replace(plan, misrouted_share=0.0, asked_shares=(0.0, 0.0), burst_share=0.0)


def _asked_share(plan: DeskPlan) -> Floats:
    return np.linspace(*plan.asked_shares, len(plan.category_factors))


def _team_inflow(plan: DeskPlan, number: int, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
    team = plan.teams[number]
    open_minutes = plan.weeks * (WEEK_MINUTES if team.is_always_open else _DAYS * _LONG)
    expected = plan.load * team.agents * open_minutes / mean_effort(plan)
    plain = _instants(plan, int(rng.poisson(expected * (1 - plan.burst_share))), rng)
    sizes = _burst_sizes(plan, expected * plan.burst_share, rng)
    begins = np.repeat(_instants(plan, len(sizes), rng), sizes)
    burst = begins + rng.exponential(plan.burst_lasts / 2, len(begins))
    categories = len(plan.category_factors)
    count = len(plain) + len(burst)
    return {
        "opened": np.concatenate([plain, burst]),
        "team": np.full(count, number),
        "is_burst": np.repeat([False, True], [len(plain), len(burst)]),
        "category": np.concatenate(
            [rng.integers(0, categories, len(plain)), np.repeat(rng.integers(0, categories, len(sizes)), sizes)]
        ),
    }


def _burst_sizes(plan: DeskPlan, expected: float, rng: np.random.Generator) -> Integers:
    count = int(rng.poisson(expected / plan.burst_size))
    sizes = np.exp(np.log(plan.burst_size) - plan.burst_sd**2 / 2 + plan.burst_sd * rng.standard_normal(count))
    return np.asarray(np.maximum(1, np.round(sizes)), dtype=np.int64)


def _instants(plan: DeskPlan, count: int, rng: np.random.Generator) -> Floats:
    """Return instants that follow the pattern of the week and the day."""
    rate = np.outer(_WEEKDAYS, _HOURS).ravel()
    hour = rng.choice(len(rate), size=count, p=rate / rate.sum())
    return rng.integers(0, plan.weeks, count) * float(WEEK_MINUTES) + (hour + rng.random(count)) * 60.0


def _with_fates(plan: DeskPlan, drawn: dict[str, NDArray[Any]], rng: np.random.Generator) -> QuickWorld:
    count, team, category = len(drawn["opened"]), drawn["team"], drawn["category"]
    priority = rng.choice(len(plan.weights), size=count, p=plan.priority_shares)
    text = rng.standard_normal((count, 3))
    factor = np.asarray(plan.category_factors)[category] * np.asarray(plan.priority_factors)[priority]
    factor = factor * np.where(drawn["is_burst"], plan.burst_work_factor, 1.0)
    seen = plan.seen_sd * _told(text)
    spread = seen - np.log(np.mean(np.exp(seen))) + plan.unseen_sd * rng.standard_normal(count)
    log_work = np.log(plan.work * factor) - plan.unseen_sd**2 / 2 + spread
    is_lost = rng.random(count) < plan.misrouted_share
    wrong = (team + rng.integers(1, max(2, len(plan.teams)), count)) % len(plan.teams)
    always = np.array([one.is_always_open for one in plan.teams])[team]
    targets = np.where(always, np.asarray(plan.targets_always)[priority], np.asarray(plan.targets)[priority])
    return QuickWorld(
        plan=plan,
        opened=drawn["opened"],
        team=team,
        first_team=np.where(is_lost, wrong, team),
        priority=priority,
        category=category,
        work=np.exp(log_work),
        is_asked=rng.random(count) < _asked_share(plan)[category],
        answer=plan.answer_median * np.exp(plan.answer_sd * rng.standard_normal(count)),
        target=targets,
        response_target=np.asarray(plan.response_targets)[priority],
        weight=np.asarray(plan.weights)[priority],
        marks=np.column_stack([team, category, priority, drawn["is_burst"], text]).astype(np.float64),
    )


def _told(text: Floats) -> Floats:
    """Return what the marks of the text tell of log work time, standard normal in scale: a bend, a step and a crossing."""
    bend = np.abs(text[:, 0]) - np.sqrt(2 / np.pi)
    step = np.where(text[:, 1] > 0.5, 1.0, -0.4463) * 0.8
    crossing = text[:, 0] * text[:, 2] * 0.5
    raw = bend + step + crossing
    return np.asarray(raw / 0.9477)
