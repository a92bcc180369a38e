"""Clocks: replay of 1 million tickets and 8 million events with 3 targets each, in one process on two threads.

Prints what it measured; the last line is one JSON object: tickets, events, seconds, peak_mib, slope (of log processor
seconds over log events, from a tenth of the size to all of it: 1 is linear), cpu_seconds, building_seconds (arrays to a
sorted log, by the wall clock; building_cpu_seconds of the processor), clocks.
Run: python benchmarks/clocks.py [TICKETS]
"""

from __future__ import annotations

import json
import math
import resource
import sys
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sla.agreements.agreement_set import AgreementSet
from sla.agreements.loading import parse_agreements
from sla.clocks.replay import replay
from sla.clocks.verdicts import VerdictState
from sla.events import Column, EventLog
from sla.instants import DAY_US, SECOND_US

EVENTS_A_TICKET = 8
MINUTE_US = 60 * SECOND_US
START_US = 1_704_067_200 * SECOND_US  # 2024-01-01
AGREEMENTS = """
slacast: 1
calendars:
  office:
    time_zone: Europe/Berlin
    hours: {mon-fri: [["08:00", "12:00"], ["12:30", "18:00"]]}
    holidays: {country: DE, subdivision: BY}
  around_the_clock: {time_zone: UTC, always_open: true}
policies: {first_response: any_action}
agreements:
  - name: desk
    owner: desk manager
    targets:
      - metric: resolution
        pause: {status: waiting, waiting_on: customer}
        goals:
          - {applies_to: {priority: 1}, within: 8 h, calendar: around_the_clock}
          - {applies_to: {priority: 2}, within: 24 h, calendar: around_the_clock}
          - {applies_to: {priority: 3}, within: 30 h, calendar: office}
          - {default: true, within: 50 h, calendar: office}
      - metric: first_response
        goals:
          - {applies_to: {priority: [1, 2]}, within: 1 h, calendar: around_the_clock}
          - {default: true, within: 4 h, calendar: office}
      - metric: next_response
        pause: {status: waiting, waiting_on: customer}
        goals:
          - {applies_to: {priority: [1, 2]}, within: 2 h, calendar: around_the_clock}
          - {default: true, within: 8 h, calendar: office}
"""


def random_log(tickets: int, rng: np.random.Generator) -> tuple[EventLog, float, float]:
    """A log of `tickets` tickets with 8 events each over two years, a twentieth recorded late, and what it took to sort.

    Seconds by the wall clock and of the processor, from arrays in any order, ticket ids as texts.
    """
    rows = tickets * EVENTS_A_TICKET
    first = np.arange(rows) % EVENTS_A_TICKET == 0
    last = np.arange(rows) % EVENTS_A_TICKET == EVENTS_A_TICKET - 1
    opened = np.repeat(rng.integers(0, 730 * 1440, tickets), EVENTS_A_TICKET)
    gaps = np.where(first, 0, rng.exponential(600, rows).astype(np.int64) + 1)
    gaps = np.cumsum(gaps) - np.repeat(np.cumsum(gaps)[::EVENTS_A_TICKET], EVENTS_A_TICKET)
    at_us = START_US + (opened + gaps) * MINUTE_US
    recorded_us = at_us + np.where(rng.random(rows) < 0.05, rng.integers(0, 600, rows), 0) * MINUTE_US
    status = rng.choice(4, rows, p=[0.45, 0.35, 0.15, 0.05])
    status[first], status[last] = 0, rng.choice(3, tickets, p=[0.1, 0.0, 0.9])
    kind = np.where(first, 0, rng.choice([1, 2], rows))
    columns = {
        "kind": _column(kind, "created", "updated", "commented"),
        "status": _column(status, "open", "waiting", "resolved", "closed"),
        "waiting_on": _column(np.where(status == 1, rng.choice(2, rows, p=[0.8, 0.2]), 2), "customer", "supplier", ""),
        "priority": _column(_sparse(rng, rows, first, 4, 0.03), "1", "2", "3", "4"),
        "team": _column(_sparse(rng, rows, first, 6, 0.1), *(f"team {number}" for number in range(6))),
        "actor_kind": _column(np.where(first, 1, rng.choice(2, rows)), "agent", "customer"),
    }
    order = rng.permutation(rows)  # events arrive in any order
    numbers = np.repeat(np.arange(tickets), EVENTS_A_TICKET)[order]
    names = np.array([f"INC{number:08d}" for number in range(tickets)], dtype=object)[numbers]
    ids = np.arange(rows)[order].astype(object)
    shuffled = {name: column.take(order) for name, column in columns.items()}
    begun, cpu_begun = time.perf_counter(), time.process_time()
    log = EventLog.from_columns(names, at_us[order], recorded_us[order], ids, shuffled)
    return log, time.perf_counter() - begun, time.process_time() - cpu_begun


def _column(codes: NDArray[np.int64], *values: str) -> Column:
    return Column(codes.astype(np.int32), values)


def _sparse(
    rng: np.random.Generator, rows: int, first: NDArray[np.bool_], choices: int, share: float
) -> NDArray[np.int64]:
    """Codes that are news only at the first event and, with some share, later: -1 elsewhere."""
    return np.where(first | (rng.random(rows) < share), rng.integers(0, choices, rows), -1)


def measured(log: EventLog, agreements: AgreementSet) -> tuple[float, float, int]:
    """Seconds of one replay on the wall and of the processors, the carrying forward of states included, and the clocks found."""
    as_of_us = START_US + 800 * DAY_US
    begun, cpu_begun = time.perf_counter(), time.process_time()
    table = replay(log, agreements, as_of_us, threads=2)
    seconds, cpu_seconds = time.perf_counter() - begun, time.process_time() - cpu_begun
    assert VerdictState.BREACHED in table.verdicts.state
    return seconds, cpu_seconds, len(table)


def main(tickets: int = 1_000_000) -> None:
    """Measure a tenth and the whole, print both and the summary."""
    rng = np.random.default_rng(7)
    agreements = parse_agreements(AGREEMENTS)
    small, _, _ = random_log(tickets // 10, rng)
    measured(small, agreements)  # the holidays library and the calendar tables are loaded once in a process
    small_seconds, small_cpu_seconds, _ = measured(small, agreements)
    print(f"{small.at_us.size:,} events: {small_seconds:.2f} s")
    log, building_seconds, building_cpu_seconds = random_log(tickets, rng)
    print(f"{log.at_us.size:,} events: arrays to a sorted log {building_seconds:.2f} s")
    seconds, cpu_seconds, clocks = measured(log, agreements)
    slope = math.log(cpu_seconds / small_cpu_seconds) / math.log(log.at_us.size / small.at_us.size)
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{log.at_us.size:,} events: replay {seconds:.2f} s, {clocks:,} clocks, peak {peak_mib:,.0f} MiB, slope {slope:.2f}"
    )
    summary = {
        "tickets": int(log.ticket_ids.size),
        "events": int(log.at_us.size),
        "targets": len(agreements.clocks),
        "clocks": clocks,
        "seconds": round(seconds, 2),
        "cpu_seconds": round(cpu_seconds, 2),
        "building_seconds": round(building_seconds, 2),
        "building_cpu_seconds": round(building_cpu_seconds, 2),
        "peak_mib": round(peak_mib),
        "slope": round(slope, 3),
    }
    print(json.dumps(summary))


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:2]))
