"""Which ticket next: breaches and penalties of the suggested order beside what desks do, on a simulated desk.

    python -m benchmarks.dispatch [--seeds 20] [--loads 0.7,0.8,0.9,0.95,1.0,1.05,1.1] [--processes 2] [--keep FILE]

`--keep` writes each seed's figures to a file as soon as they are known, and a later run of the same code goes on from there.

The desk is `DeskPlan()`: 30 invented seats, 12 weeks of which 2 to 10 are measured; what is open at the end counts as late if it
is. All policies meet the same tickets of the same seeds; changes are paired by seed, with 95 % intervals (Student). Work times
are learned at each load from the history of another seed, never from the tickets judged. Full information knows the work of all
that waits, not the future: a yardstick, not a bound. The last line is one JSON object: `vs_priority`, `vs_edf`,
`vs_edf_overdue_last` (change of resolution breaches, -0.6 = 60 % fewer), `penalty_vs_priority`, `vs_category_means`,
`followed_half` (against priority), `p1_points_worse`, `lateness_hours_worse`, `gap_closed` (each by load) and `events_per_second`
(first come, first served, processor time, the best of five runs). The guard is on. `p1_points_worse_interrupting`: the same desk where
a ticket of priority 1 that finds nobody free interrupts work on priority 3 or 4, at a loss of five minutes; all else is without that.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from models import dispatch
from models.dispatch import followed, savable_first
from simulation.quick_desk import Interruption, Run, run_desk
from simulation.quick_lines import Belief, QuickPolicy, first_come_first_served, priority_then_opened, weighed
from simulation.quick_world import WEEK_MINUTES, DeskPlan, QuickWorld, draw_world
from training.work_time import fit_work_time

FIRST_SEED = 3000
HISTORY_SEED = 90_001
CATEGORY, PRIORITY, BURST = 1, 2, 3  # columns of the marks
FROM, UNTIL = 2 * WEEK_MINUTES, 10 * WEEK_MINUTES
FIGURES = ("breaches %", "P1 %", "penalty", "mean late h", "p99 late h", "response %", "open at end")
BREACHES, P1, PENALTY, MEAN_LATE = range(4)

Figures: TypeAlias = NDArray[np.float64]  # seeds x figures
Believer: TypeAlias = Callable[[QuickWorld], Belief]


@lru_cache(maxsize=1)
def believers(load: float) -> dict[str, Believer]:
    """Return what policies may believe of a world's tickets, learned from the history of another seed: learned, category, known."""
    history = draw_world(DeskPlan(load=load), HISTORY_SEED)
    model = fit_work_time(history.marks, history.work, (CATEGORY, PRIORITY, BURST))
    detoured = (history.first_team != history.team) | history.is_asked
    shares = np.bincount(history.category, weights=detoured) / np.bincount(history.category)

    def learned(world: QuickWorld) -> Belief:
        belief = model.belief(world.marks)
        return Belief(belief.log_mean, belief.log_sd, shares[world.category])

    def category(world: QuickWorld) -> Belief:
        belief = model.categories.belief(world.marks)
        return Belief(belief.log_mean, belief.log_sd, shares[world.category])

    def known(world: QuickWorld) -> Belief:
        return Belief(np.log(world.work), np.zeros(len(world)), np.zeros(len(world)))

    return {"learned": learned, "category": category, "known": known}


def policies(seed: int) -> dict[str, tuple[QuickPolicy, str]]:
    """Return every policy with the belief it is given, by name."""
    follows = np.random.default_rng(seed)
    half = followed(savable_first(), dispatch.priority_then_opened, lambda: bool(follows.random() < 0.5))
    return {
        "first come, first served": (first_come_first_served, "category"),
        "priority": (priority_then_opened, "category"),
        "earliest due": (weighed(dispatch.earliest_due), "category"),
        "earliest due, overdue last": (weighed(dispatch.earliest_due_overdue_last), "category"),
        "suggested, category means": (weighed(savable_first()), "category"),
        "suggested": (weighed(savable_first()), "learned"),
        "suggested, followed half": (weighed(half), "learned"),
        "suggested, P1 interrupts": (weighed(savable_first()), "learned"),
        "full information": (weighed(dispatch.moore_hodgson), "known"),
    }


def figures(run: Run) -> list[float]:
    """Return the FIGURES of the measured weeks of a run."""
    world = run.world
    rows = (world.opened >= FROM) & (world.opened < UNTIL)
    lateness = run.lateness[rows] / 60
    is_late, urgent = lateness > 0, world.priority[rows] == 0
    responded = (run.response_elapsed > world.response_target)[rows]
    return [
        100 * float(is_late.mean()),
        100 * float(is_late[urgent].mean()),
        float(world.weight[rows][is_late].sum()),
        float(lateness.mean()),
        float(np.quantile(lateness, 0.99)),
        100 * float(responded.mean()),
        float(np.isinf(run.resolved[rows]).sum()),
    ]


def study(load: float, seed: int) -> tuple[dict[str, list[float]], float]:
    """Return FIGURES of every policy at a load, and the seconds of processor time that took."""
    begin = time.process_time()
    known = believers(load)
    world = draw_world(DeskPlan(load=load), seed)
    beliefs = {name: believe(world) for name, believe in known.items()}
    found = {}
    for name, (policy, belief) in policies(seed).items():
        rule = Interruption() if name.endswith("interrupts") else None
        found[name] = figures(run_desk(world, policy, beliefs[belief], rule))
    return found, time.process_time() - begin


class Kept:
    """What is known of each load and seed: a line of JSON each in a file, so that a run that was broken off is not lost.

    Lines of other code than this one's are left alone and not believed.
    """

    def __init__(self, path: Path | None) -> None:
        self._path, self._code = path, code_fingerprint()
        self._known: dict[tuple[float, int], dict[str, list[float]]] = {}
        for line in path.read_text().splitlines() if path is not None and path.exists() else ():
            row = json.loads(line)
            if row["code"] == self._code:
                self._known[row["load"], row["seed"]] = row["found"]

    def missing(self, load: float, seeds: Sequence[int]) -> list[int]:
        """Return the seeds of which nothing is known at a load."""
        return [seed for seed in seeds if (load, seed) not in self._known]

    def add(self, load: float, seed: int, found: dict[str, list[float]]) -> None:
        """Keep the figures of a seed."""
        self._known[load, seed] = found
        if self._path is not None:
            with self._path.open("a") as file:
                file.write(json.dumps({"code": self._code, "load": load, "seed": seed, "found": found}) + "\n")

    def table(self, load: float, seeds: Sequence[int]) -> dict[str, Figures]:
        """Return seeds x FIGURES of every policy at a load."""
        rows = [self._known[load, seed] for seed in seeds]
        return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def code_fingerprint() -> str:
    """Return sixteen letters that differ when the code that makes the figures differs."""
    root = Path(__file__).resolve().parents[1]
    names: tuple[str, ...] = (
        "benchmarks/dispatch.py",
        "features/waiting.py",
        "models/dispatch.py",
        "models/work_time.py",
    )
    names += ("simulation/quick_desk.py", "simulation/quick_lines.py", "simulation/quick_world.py")
    text = b"".join((root / name).read_bytes() for name in (*names, "training/work_time.py"))
    return hashlib.blake2b(text, digest_size=8).hexdigest()


def studied(load: float, seeds: Sequence[int], pool: ProcessPoolExecutor, kept: Kept) -> None:
    """Work out the seeds that are missing at a load, several at once, and keep each when it is known."""
    missing = kept.missing(load, seeds)
    spent = 0.0
    for seed, (found, seconds) in zip(missing, pool.map(study, [load] * len(missing), missing), strict=True):
        kept.add(load, seed, found)
        spent += seconds
    if missing:
        print(f"load {load:g}: {len(missing)} seeds in {spent:.0f} s of processor time", file=sys.stderr, flush=True)


def change(found: dict[str, Figures], name: str, other: str, figure: int) -> tuple[float, float]:
    """Return the relative change of a figure from `other` to `name` (ratio of means) and half its paired 95 % interval."""
    ours, theirs = found[name][:, figure], found[other][:, figure]
    ratio = float(ours.sum() / theirs.sum())
    rest = ours - ratio * theirs  # linearised ratio: its spread over seeds is that of the ratio times their mean
    return ratio - 1, half_interval(rest / theirs.mean())


def half_interval(values: NDArray[np.float64]) -> float:
    """Return half the 95 % interval of a mean; nan for one value."""
    count = len(values)
    return float(student.ppf(0.975, count - 1) * values.std(ddof=1) / np.sqrt(count)) if count > 1 else float("nan")


def gap_closed(found: dict[str, Figures], name: str) -> float:
    """Return the share of breaches between priority and full information that a policy saves."""
    means = {policy: float(rows[:, BREACHES].mean()) for policy, rows in found.items()}
    return (means["priority"] - means[name]) / (means["priority"] - means["full information"])


def events_per_second() -> float:
    """Return events a second of processor time, first come first served, best of five runs."""
    world = draw_world(DeskPlan(), FIRST_SEED)
    speeds = []
    for _ in range(5):
        begin = time.process_time()
        events = run_desk(world, first_come_first_served).events
        speeds.append(events / (time.process_time() - begin))
    return max(speeds)


COMPARISONS = {
    "vs_priority": ("suggested", "priority", BREACHES),
    "vs_edf": ("suggested", "earliest due", BREACHES),
    "vs_edf_overdue_last": ("suggested", "earliest due, overdue last", BREACHES),
    "penalty_vs_priority": ("suggested", "priority", PENALTY),
    "vs_category_means": ("suggested", "suggested, category means", BREACHES),
    "followed_half": ("suggested, followed half", "priority", BREACHES),
}
WORSE = (
    ("p1_points_worse", "suggested", P1),
    ("p1_points_worse_interrupting", "suggested, P1 interrupts", P1),
    ("lateness_hours_worse", "suggested", MEAN_LATE),
)


def report(load: float, found: dict[str, Figures], result: dict[str, dict[str, float]]) -> None:
    """Print the tables of a load and add its figures to the result."""
    print(f"\nload {load:g}: {len(found['priority'])} seeds\n{'':28}" + "".join(f"{name:>13}" for name in FIGURES))
    for name, rows in found.items():
        print(f"{name:28}" + "".join(f"{value:13.2f}" for value in rows.mean(axis=0)))
    for key, (name, other, figure) in COMPARISONS.items():
        moved, half = change(found, name, other, figure)
        print(f"  {key:30}{100 * moved:+7.1f} +- {100 * half:.1f} %")
        result.setdefault(key, {})[str(load)] = round(moved, 4)
    for key, name, figure in WORSE:
        worse = found[name][:, figure] - found["priority"][:, figure]
        print(f"  {key:30}{worse.mean():+7.2f} +- {half_interval(worse):.2f}")
        result.setdefault(key, {})[str(load)] = round(float(worse.mean()), 4)
    result.setdefault("gap_closed", {})[str(load)] = round(gap_closed(found, "suggested"), 4)
    print(f"  gap closed                    {result['gap_closed'][str(load)]:7.3f}", flush=True)


def main() -> None:
    """Print the study; the last line is JSON."""
    parser = argparse.ArgumentParser(description="Dispatch policies on a simulated desk.")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--loads", default="0.7,0.8,0.9,0.95,1.0,1.05,1.1")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    speed = events_per_second()
    print(f"{speed:,.0f} events a second, first come first served")
    result: dict[str, dict[str, float]] = {}
    kept, seeds = Kept(options.keep), range(FIRST_SEED, FIRST_SEED + options.seeds)
    with ProcessPoolExecutor(options.processes, mp_context=get_context("spawn")) as pool:
        for load in (float(text) for text in options.loads.split(",")):
            studied(load, seeds, pool, kept)
            report(load, kept.table(load, seeds), result)
    print(json.dumps({**result, "events_per_second": round(speed), "seeds": options.seeds}))


if __name__ == "__main__":
    main()
