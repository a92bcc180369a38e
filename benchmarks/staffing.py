"""Staffing and what-if: the textbook call centre, and how long a comparison of a 40-agent desk takes.

    python -m benchmarks.staffing [--runs 20] [--weeks 8] [--processes 2]

The desk is the demo's, with its people two and a half times over (40) and its inflow likewise. A what-if is `runs` runs of the baseline
and `runs` of the desk with two more people, in so many processes; their start is in its seconds. The same baseline is compared with
the suggested order, and with teams that take any ticket of another when they have none, at four fifths of their speed. The fit is that of a desk whose parameters are known, held against four
weeks it has not seen. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from commands.desk_changes import policies
from simulation.changes import Change
from simulation.demo_world import demo_world
from simulation.desk import Desk
from simulation.fit_check import checked_fit, promises
from simulation.measures import Targets
from simulation.repetition import repetition
from simulation.staffing import Demand, Promise, staffing
from simulation.what_if import baseline, compared
from simulation.world import World
from sla.agreements.loading import load_agreements

AGENTS = 40
TARGETS = Targets((240.0, 480.0, 1440.0, 3600.0))
START = datetime(2026, 1, 5, tzinfo=ZoneInfo("Europe/Berlin"))
COSTS = {"1": 20.0, "2": 8.0, "3": 3.0, "4": 1.0}
AGREEMENTS = Path(__file__).resolve().parents[1] / "examples" / "demo" / "agreements.yaml"


def desk_of_forty() -> World:
    """Return the demo's desk, two and a half times over."""
    world = demo_world()
    agents = tuple(replace(agent, name=f"{agent.name} {copy}") for copy in range(3) for agent in world.agents)[:AGENTS]
    factor = AGENTS / len(world.agents)
    return replace(world, agents=agents, arrivals=replace(world.arrivals, per_day=world.arrivals.per_day * factor))


def sharing(world: World) -> dict[str, Change]:
    """Return orders and sharing: an idle team takes any ticket of the others, a quarter slower."""
    every = tuple((team, other) for team in world.teams for other in world.teams if team != other)
    return {
        "suggested": Change(policy="suggested"),
        "priority, idle teams help": Change(helping=every),
        "suggested, idle teams help": Change(policy="suggested", helping=every),
    }


def processor_time() -> float:
    """Return the seconds of processor time of this process and those it started and that have ended."""
    return sum(os.times()[:4])


def main() -> None:
    """Print the measures; the last line is JSON."""
    parser = argparse.ArgumentParser(description="Staffing and what-if.")
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--weeks", type=int, default=8)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    phones = staffing(Demand(100, 1800, 180), Promise(20, 0.8, shrinkage=0.3))
    print("\n".join(phones.steps))
    world, begin, worked = desk_of_forty(), time.perf_counter(), processor_time()
    with repetition(options.processes) as repeat:
        locked = baseline(world, TARGETS, START, options.weeks, range(options.runs), repeat=repeat)
        found = compared(world, TARGETS, locked, Change(people={"Workplace": 2}), repeat=repeat)
    seconds, processor_seconds = time.perf_counter() - begin, processor_time() - worked
    shared = {}
    with repetition(options.processes) as repeat:
        for name, change in sharing(world).items():
            changes = compared(world, TARGETS, locked, change, policies=policies(0.003), repeat=repeat)
            late = next(one for one in changes if one.figure == "breaches")
            print(f"{name:34}{late.before:8.1f} late {late.after:8.1f}  {late.change:+.1f} +- {late.half_interval:.1f}")
            shared[name] = round(late.change / late.before, 3)
    for one in found:
        print(f"{one.figure:22}{one.before:10.2f}{one.after:10.2f}{one.change:+10.3f} +- {one.half_interval:.3f}")
    events = Desk(demo_world(), 3, START).events_until(START + timedelta(weeks=16))
    begin = time.perf_counter()
    checked = checked_fit(events, promises(events, load_agreements(AGREEMENTS), COSTS), 4, 10)
    fit_seconds = time.perf_counter() - begin
    for held in checked.held:
        print(f"{held.figure:22}{held.real:10.2f}{held.simulated:10.2f}  {held.low:.2f} to {held.high:.2f}")
    print(
        json.dumps(
            {
                "agents": phones.agents,
                "scheduled": phones.scheduled,
                "service_level": round(phones.service_level, 4),
                "occupancy": round(phones.occupancy, 4),
                "waiting_share": round(phones.waiting_share, 4),
                "what_if_seconds": round(seconds, 1),
                "what_if_processor_seconds": round(processor_seconds, 1),
                "breaches_against_priority": shared,
                "fit_seconds": round(fit_seconds, 1),
                "held_within": sum(held.is_within for held in checked.held),
                "held": len(checked.held),
            }
        )
    )


if __name__ == "__main__":
    main()
