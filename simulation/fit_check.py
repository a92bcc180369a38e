"""A fitted desk held against weeks it has not seen: what happened beside what the fit says, with the spread of its runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from features.hands_on import ends
from features.histories import Histories
from simulation.faults import DeskError
from simulation.fitting import Fit, fit_world
from simulation.journeys import Journeys
from simulation.measures import Figures, Lives, Targets, figures_of
from simulation.repetition import Repeat, Span, here
from simulation.world import World
from sla.agreements.agreement_set import AgreementSet
from sla.clocks.replay import verdicts_at
from sla.instants import to_us
from sla.working_time.business_time import BusinessTime

Told = Callable[[str, float], None]
SHOWN = ("tickets", "attainment", "backlog", "median_hours", "mean_lateness_hours")
WARM_UP_WEEKS = 4
TUNED_WEEKS = 4
TUNED_SEEDS = (10_001, 10_002)
SPEEDS, HALVINGS = (0.3, 1.1), 6
TARGET = "resolution"


@dataclass(frozen=True)
class Held:
    """A figure as it was in the unseen weeks, and as the fitted desk has it: mean and the smallest and largest of its runs."""

    figure: str
    real: float
    simulated: float
    low: float
    high: float

    @property
    def is_within(self) -> bool:
        """Whether what happened is among what the runs show."""
        return self.low <= self.real <= self.high


@dataclass(frozen=True)
class Promises:
    """What the agreements promise on the desk's tickets: working minutes by priority, on one calendar."""

    targets: Targets
    calendar: BusinessTime
    priorities: tuple[str, ...]


@dataclass(frozen=True)
class CheckedFit:
    """A fit on the earlier weeks, held against the later ones."""

    fit: Fit
    targets: Targets
    cut: datetime
    weeks: int
    held: tuple[Held, ...]


def promises(events: pd.DataFrame, agreements: AgreementSet, costs: dict[str, float]) -> Promises:
    """Return what is usually promised on tickets of each priority. ValueError where no ticket has a resolution target."""
    if TARGET not in agreements.clocks:
        raise DeskError("the agreements promise no resolution, so there is nothing to simulate against")
    histories = Histories.from_events(events, agreements)
    last = ends(histories)
    verdicts = verdicts_at(histories.log, agreements, TARGET, last.ticket, last.at_us)
    priority = histories.states_at(last.ticket, last.at_us, "priority")
    has = (verdicts.target_us > 0) & (verdicts.calendar >= 0) & (priority != None)  # noqa: E711 (elementwise)
    if not has.any():
        raise DeskError("no ticket of this history has a resolution target with a priority; do the agreements fit it?")
    calendar = agreements.business_times[int(np.bincount(verdicts.calendar[has]).argmax())]
    every = pd.Series(verdicts.target_us[has] / 60e6, index=priority[has].astype(str))
    names = tuple(sorted(name for name in every.index.unique() if name))
    least = min(costs.values())
    usual = [float(every[[name]].mode().iloc[0]) for name in names]
    return Promises(Targets(tuple(usual), tuple(costs.get(name, least) for name in names)), calendar, names)


def checked_fit(
    events: pd.DataFrame,
    told_promises: Promises,
    weeks: int,
    runs: int,
    told: Told = lambda _step, _share: None,
    repeat: Repeat = here,
) -> CheckedFit:
    """Return a desk fitted on all but the last weeks, held against those. ValueError where too little is left."""
    hours = told_promises.calendar
    end = (events["event_at"].max()).to_pydatetime()
    cut = end - timedelta(weeks=weeks)
    told("fitting", 0.0)
    fit = fit_world(events, calendar_text(hours), hours, cut)
    targets = for_priorities(told_promises, fit.world)
    told("how much of a shift goes to tickets", 0.0)
    fit = with_speed(fit, events[events["recorded_at"] < pd.Timestamp(cut)], hours, targets, cut)
    real = real_figures(events, hours, targets, fit.world.priorities, (to_us(cut), to_us(end)))
    span, step = Span(cut - timedelta(weeks=WARM_UP_WEEKS), weeks, WARM_UP_WEEKS), "the fitted desk in the unseen weeks"
    found = repeat(fit.world, targets, range(runs), span, told=lambda share: told(step, share))
    return CheckedFit(fit, targets, cut, weeks, tuple(_held(name, real, found) for name in SHOWN))


def with_speed(fit: Fit, events: pd.DataFrame, hours: BusinessTime, targets: Targets, cut: datetime) -> Fit:
    """Return the fit with the one number that no record tells: how much of a shift goes to tickets (breaks, meetings, other work).

    Sought by halving so that in the last weeks before the cut the fitted desk resolves the middle ticket as fast as the real one did.
    """
    real = real_figures(
        events, hours, targets, fit.world.priorities, (to_us(cut - timedelta(weeks=TUNED_WEEKS)), to_us(cut))
    )
    span = Span(cut - timedelta(weeks=TUNED_WEEKS + WARM_UP_WEEKS), TUNED_WEEKS, WARM_UP_WEEKS)
    low, high = SPEEDS
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        world = at_speed(fit.world, middle)
        runs = here(world, targets, TUNED_SEEDS, span)
        is_slow = float(np.mean([run.median_hours for run in runs])) > real.median_hours
        low, high = (middle, high) if is_slow else (low, middle)
    speed = (low + high) / 2
    note = (
        f"{100 * min(speed, 1.0):.0f} % of a shift goes to tickets: found so that the middle ticket of the last {TUNED_WEEKS} weeks before the "
        f"cut takes {real.median_hours:.1f} working hours, as it did."
    )
    return Fit(at_speed(fit.world, speed), (*fit.notes, note))


def at_speed(world: World, speed: float) -> World:
    """Return the world where everybody gets through so much of an hour's work in an hour."""
    return replace(world, agents=tuple(replace(agent, speed=speed) for agent in world.agents))


def for_priorities(told_promises: Promises, world: World) -> Targets:
    """Return the targets in the order of a world's priorities; one that is never promised anything gets the longest."""
    minutes = dict(zip(told_promises.priorities, told_promises.targets.minutes, strict=True))
    weights = dict(zip(told_promises.priorities, told_promises.targets.weights, strict=True))
    longest, least = max(minutes.values()), min(weights.values())
    return Targets(
        tuple(minutes.get(name, longest) for name in world.priorities),
        tuple(weights.get(name, least) for name in world.priorities),
    )


def real_figures(
    events: pd.DataFrame, hours: BusinessTime, targets: Targets, priorities: Sequence[str], span_us: tuple[int, int]
) -> Figures:
    """Return the figures of what happened, by the measure of the simulated desk; occupancy is not known."""
    end_us = span_us[1]
    tickets = Journeys.of(events, hours, pd.Timestamp(end_us, unit="us", tz="UTC")).tickets
    ended = tickets["ended_at"].astype("datetime64[us, UTC]").astype("int64").to_numpy()
    is_open = tickets["ended_at"].isna().to_numpy()
    lives = Lives(
        np.asarray(tickets["opened_at"].astype("datetime64[us, UTC]").astype("int64"), dtype=np.int64),
        np.where(is_open, end_us, ended),
        tickets["is_resolved"].to_numpy(),
        tickets["is_cancelled"].to_numpy(),
        np.array(
            [priorities.index(name) if name in priorities else len(priorities) - 1 for name in tickets["priority"]]
        ),
    )
    return figures_of(lives, tickets["clock_minutes"].to_numpy(np.float64), targets, span_us, float("nan"))


def calendar_text(hours: BusinessTime) -> dict[str, object]:
    """Return a compiled calendar as it is written in an agreements file."""
    text: dict[str, object] = hours.spec.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return {**text, "time_zone": hours.zone}


def _held(name: str, real: Figures, runs: Sequence[Figures]) -> Held:
    values = np.array([getattr(run, name) for run in runs])
    return Held(name, float(getattr(real, name)), float(values.mean()), float(values.min()), float(values.max()))
