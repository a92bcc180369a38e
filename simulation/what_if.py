"""What if: a desk with something changed against the same desk as it is, on the same luck.

Every run of the changed desk meets the tickets, absences and answers of the baseline's run with the same seed (common random
numbers), so their difference is the change and little else. A baseline is locked: it names the desk, the promises and the seeds it was
made with, and refuses to be compared with others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from math import isfinite
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import t as student

from simulation.changes import WARM_UP_WEEKS, Change, changed
from simulation.faults import DeskError
from simulation.measures import FIGURES, Figures, Targets
from simulation.policies import POLICIES, Policy
from simulation.repetition import Repeat, Span, here
from simulation.world import World

Told = Callable[[str, float], None]
FIRST_SEED = 1


@dataclass(frozen=True)
class Baseline:
    """A locked baseline: the figures of each seed, and of what they are."""

    fingerprint: str
    start: datetime
    weeks: int
    seeds: tuple[int, ...]
    runs: tuple[Figures, ...]


class Lock(NamedTuple):
    """A baseline with the instant by which its desk was known: fitted from that, the desk is the same however the history goes on."""

    known_at: datetime
    baseline: Baseline

    def refuse_other(self, weeks: int, runs: int) -> None:
        """Nothing, or DeskError where it was made with other weeks, runs or seeds than are asked for."""
        locked = self.baseline
        if (locked.weeks, len(locked.seeds)) != (weeks, runs):
            raise DeskError(
                f"the baseline has {len(locked.seeds)} runs of {locked.weeks} weeks, asked for are {runs} of {weeks}: ask for as many, or make a new one"
            )
        if locked.seeds != seeds_of(runs):
            raise DeskError(
                f"the baseline has the luck of the seeds {', '.join(map(str, locked.seeds))}; expected {FIRST_SEED} to {runs}: make a new one"
            )


@dataclass(frozen=True)
class Difference:
    """A figure of both desks and the change with half its 95 % interval, paired by seed; `is_sure`: the interval is clear of zero."""

    figure: str
    before: float
    after: float
    change: float
    half_interval: float

    @property
    def is_sure(self) -> bool:
        """Whether the change is more than luck."""
        return abs(self.change) > self.half_interval


def seeds_of(runs: int) -> tuple[int, ...]:
    """Return the seeds of so many runs."""
    return tuple(range(FIRST_SEED, FIRST_SEED + runs))


def baseline(
    world: World,
    targets: Targets,
    start: datetime,
    weeks: int,
    seeds: Sequence[int],
    told: Told = lambda _step, _share: None,
    repeat: Repeat = here,
) -> Baseline:
    """Return the locked baseline: the desk as it is, by priority and opening, once a seed."""
    step = "the desk as it is"
    runs = repeat(world, targets, seeds, Span(start, weeks, WARM_UP_WEEKS), told=lambda share: told(step, share))
    return Baseline(fingerprint(world, targets, start, weeks), start, weeks, tuple(seeds), tuple(runs))


def compared(
    world: World,
    targets: Targets,
    locked: Baseline,
    change: Change,
    told: Told = lambda _step, _share: None,
    policies: Mapping[str, Policy] = POLICIES,
    repeat: Repeat = here,
) -> list[Difference]:
    """Return every figure before and after the change. ValueError if the baseline is one of another desk."""
    if fingerprint(world, targets, locked.start, locked.weeks) != locked.fingerprint:
        raise DeskError(
            "the baseline was made of another desk, other promises or another span: the history, the agreements or the priority weights are not what they were; make a new one"
        )
    if change.policy not in policies:
        raise DeskError(f"there is no policy {change.policy!r}; there are {', '.join(sorted(policies))}")
    other, promised = changed(world, targets, change, locked.start)
    step, span = "the desk with the change", Span(locked.start, locked.weeks, WARM_UP_WEEKS)
    runs = repeat(other, promised, locked.seeds, span, policies[change.policy], told=lambda share: told(step, share))
    return differences(locked.runs, runs)


def differences(before: Sequence[Figures], after: Sequence[Figures]) -> list[Difference]:
    """Return the paired differences of the figures of runs with the same seeds, in the same order."""
    found = []
    for name in FIGURES:
        was, is_now = (np.array([getattr(run, name) for run in runs]) for runs in (before, after))
        moved = is_now - was
        count = len(moved)
        half = float(student.ppf(0.975, count - 1) * moved.std(ddof=1) / np.sqrt(count)) if count > 1 else float("inf")
        found.append(Difference(name, float(was.mean()), float(is_now.mean()), float(moved.mean()), half))
    return found


def fingerprint(world: World, targets: Targets, start: datetime, weeks: int) -> str:
    """Return sixteen letters that differ when the desk, the promises or the span differ."""
    text = repr((world, targets, start.isoformat(), weeks))
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def baseline_document(locked: Baseline) -> dict[str, Any]:
    """Return a locked baseline as plain values, to be kept in a file."""
    return {**asdict(locked), "start": locked.start.isoformat()}


def kept_baseline(document: Mapping[str, Any]) -> Baseline:
    """Return the locked baseline of a document as `baseline_document` makes it. DeskError where it is none."""
    try:
        runs = tuple(Figures(**{name: float(run[name]) for name in FIGURES}) for run in document["runs"])
        seeds = tuple(int(seed) for seed in document["seeds"])
        start = datetime.fromisoformat(document["start"])
        found = Baseline(str(document["fingerprint"]), start, int(document["weeks"]), seeds, runs)
    except (KeyError, TypeError, ValueError) as error:
        raise DeskError(f"this is no kept baseline ({type(error).__name__}: {error}); make a new one") from error
    if found.start.tzinfo is None or not all(isfinite(value) for run in runs for value in asdict(run).values()):
        raise DeskError("this is no kept baseline (its start has no offset, or a figure is no number); make a new one")
    if len(runs) != len(seeds) or len(runs) < 2:
        raise DeskError(f"this is no kept baseline ({len(seeds)} seeds, {len(runs)} runs); make a new one")
    return found


def lock_document(lock: Lock) -> dict[str, Any]:
    """Return a lock as plain values: the baseline's document and `as_of`."""
    return {"as_of": lock.known_at.isoformat(), **baseline_document(lock.baseline)}


def kept_lock(document: object) -> Lock:
    """Return the lock of a document as `lock_document` makes it. DeskError where it is none."""
    if not isinstance(document, Mapping):
        raise DeskError("this is no kept baseline (expected an object with as_of, fingerprint, seeds and runs)")
    try:
        known_at = datetime.fromisoformat(document["as_of"])
    except (KeyError, TypeError, ValueError) as error:
        raise DeskError(f"this is no kept baseline ({type(error).__name__}: {error}); make a new one") from error
    if known_at.tzinfo is None:
        raise DeskError(f"this is no kept baseline (as_of {document['as_of']!r} has no offset); make a new one")
    return Lock(known_at, kept_baseline(document))


def as_document(found: Sequence[Difference]) -> list[dict[str, Any]]:
    """Return the differences as plain values."""
    return [{**asdict(one), "is_sure": one.is_sure} for one in found]
