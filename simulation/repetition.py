"""One desk several times, once a seed: in this process, or in several, with the same figures in the same order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from multiprocessing import get_context

from simulation.measures import Figures, Targets, measured
from simulation.policies import Policy, by_priority
from simulation.world import World

Told = Callable[[float], None]
FEWEST_RUNS = 4  # fewer are over before another process has begun


@dataclass(frozen=True)
class Span:
    """Which weeks are measured: so many from `start` on, after a warm-up of so many weeks."""

    start: datetime
    weeks: int
    warm_up_weeks: int = 2


def one_run(world: World, targets: Targets, span: Span, policy: Policy, seed: int) -> Figures:
    """Return the figures of one run."""
    return measured(world, targets, seed, span.start, span.weeks, policy(world, targets), span.warm_up_weeks)


@dataclass(frozen=True)
class Repeat:
    """Runs of a desk under a policy, one a seed, in the order of the seeds: in this process, or spread over a pool of others."""

    pool: ProcessPoolExecutor | None = None

    def __call__(
        self,
        world: World,
        targets: Targets,
        seeds: Sequence[int],
        span: Span,
        policy: Policy = by_priority,
        told: Told = lambda _share: None,
    ) -> list[Figures]:
        """Return the figures of each run; `told` hears the share that is done."""
        run = partial(one_run, world, targets, span, policy)
        runs = map(run, seeds) if self.pool is None or len(seeds) < FEWEST_RUNS else self.pool.map(run, seeds)
        told(0.0)
        found = []
        for one in runs:
            found.append(one)
            told(len(found) / len(seeds))
        return found


here = Repeat()


@contextmanager
def repetition(processes: int) -> Iterator[Repeat]:
    """Runs in so many processes at once, started afresh when first needed (OpenMP does not survive a fork); 1: in this one.

    What is simulated must be written down as values (worlds, promises) and policies that can be sent: functions of modules, dataclasses.
    """
    if processes <= 1:
        yield here
        return
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        yield Repeat(pool)
