"""Working time of 1 million random intervals over two years, and of due times, beside what else there is for Python.

The calendar has two windows a day, holidays of a German state and the clock changes of Berlin. Ours starts from int64
arrays and includes compiling the calendar and building its table, each time anew. The others get samples, because they take
one pair at a time; their set-up is not counted. Where they can answer the same question their answers are compared.

Prints what it measured; the last line is one JSON object: elapsed_per_second, due_per_second (intervals a second on one core),
vs_timegrid, vs_businesstimedelta and the like (how many times faster an interval is), scalar_microseconds (one pair of ints),
long_over_short (cost of intervals of months over that of intervals of hours), build_milliseconds.
Run: python -m benchmarks.business_time
"""

from __future__ import annotations

import datetime as dt
import gc
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.business_time_peers import PEERS
from sla.instants import DAY_US, SECOND_US, to_us
from sla.working_time import zone_offsets
from sla.working_time.business_time import BusinessTime, compile_calendar
from sla.working_time.calendars import CalendarSpec

INTERVALS = 1_000_000
REPEATS = 7
FIRST = dt.datetime(2024, 1, 1, tzinfo=ZoneInfo("Europe/Berlin"))
DAYS = 731
SPEC = CalendarSpec.model_validate(
    {
        "time_zone": "Europe/Berlin",
        "hours": {"mon-fri": [["08:00", "18:00"]]},
        "breaks": {"mon-fri": [["12:00", "13:00"]]},
        "holidays": {"country": "DE", "subdivision": "BY"},
    }
)

Int64Array = NDArray[np.int64]


def best(run: Callable[[], object]) -> float:
    """Return the shortest of several runs, in seconds of processor time.

    One thread works, and the claim is about one core: what else the machine does is not to count.
    """
    times = []
    for _ in range(REPEATS):
        gc.collect()
        begin = time.process_time()
        run()
        times.append(time.process_time() - begin)
    return min(times)


def fresh() -> BusinessTime:
    """Return the calendar compiled anew, nothing remembered of its zone."""
    zone_offsets.zone_offsets.cache_clear()
    zone_offsets._year.cache_clear()
    return compile_calendar(SPEC)


def intervals(rng: np.random.Generator, longest_us: int | None = None) -> tuple[Int64Array, Int64Array]:
    """Return starts and ends; both anywhere in the two years, or not more than `longest_us` apart."""
    begin = to_us(FIRST)
    one = begin + rng.integers(0, DAYS * DAY_US, INTERVALS)
    other = begin + rng.integers(0, DAYS * DAY_US, INTERVALS)
    if longest_us is not None:
        other = np.minimum(one + rng.integers(0, longest_us, INTERVALS), begin + DAYS * DAY_US)
    return np.minimum(one, other), np.maximum(one, other)


def scalar_microseconds(ask: Callable[[int, int], int], first: Sequence[int], second: Sequence[int]) -> float:
    """Return the microseconds one call takes, the loop around it included, on pairs spread over the two years."""

    rounds = 2

    def loop() -> None:
        for _ in range(rounds):
            for a, b in zip(first, second, strict=True):
                ask(a, b)

    return best(loop) / (rounds * len(first)) * 1e6


def main() -> dict[str, float | None]:
    """Return what was measured, after printing it."""
    rng = np.random.default_rng(20240101)
    starts, ends = intervals(rng)
    fresh().elapsed_us(starts, ends)  # loads the holidays of the country, once a process

    elapsed_seconds = best(lambda: fresh().elapsed_us(starts, ends))
    amounts = rng.integers(0, 200 * 3600 * SECOND_US, INTERVALS)
    due_seconds = best(lambda: fresh().due_us(starts, amounts))
    span = np.array([starts.min(), ends.max()])
    build_seconds = best(lambda: fresh().elapsed_us(span[:1], span[1:]))
    working = fresh()
    near = intervals(rng, 8 * 3600 * SECOND_US)
    short, long = best(lambda: working.elapsed_us(*near)), best(lambda: working.elapsed_us(starts, ends))
    count = 20_000  # distinct pairs: more than the processor's cache holds
    one, other, some = starts[:count].tolist(), ends[:count].tolist(), amounts[:count].tolist()
    scalar = scalar_microseconds(working.elapsed_between, one, other)
    scalar_due = scalar_microseconds(working.due_after, one, some)

    print(f"elapsed: {INTERVALS / elapsed_seconds / 1e6:8.1f} million intervals a second, table included")
    print(f"due:     {INTERVALS / due_seconds / 1e6:8.1f} million a second, table included")
    print(f"build:   {build_seconds * 1e3:8.1f} ms for the calendar and its table")
    print(f"long:    {long / short:8.2f} times the cost of intervals of hours, for intervals of months")
    print(f"one pair of ints: elapsed {scalar:.2f} us, due {scalar_due:.2f} us")

    result: dict[str, float | None] = {
        "elapsed_per_second": round(INTERVALS / elapsed_seconds),
        "due_per_second": round(INTERVALS / due_seconds),
        "scalar_microseconds": round(scalar, 3),
        "scalar_due_microseconds": round(scalar_due, 3),
        "long_over_short": round(long / short, 2),
        "build_milliseconds": round(build_seconds * 1e3, 2),
    }
    for name, peer in PEERS.items():
        result[f"vs_{name}"] = _against(name, peer, working, starts, ends, elapsed_seconds / INTERVALS)
    return result


def _against(
    name: str,
    peer: Callable[[BusinessTime, Int64Array, Int64Array], tuple[float, float, str]],
    working: BusinessTime,
    starts: Int64Array,
    ends: Int64Array,
    ours_seconds: float,
) -> float | None:
    try:
        seconds, agreeing, note = peer(working, starts, ends)
    except ImportError as error:
        print(f"{name}: not compared, {error.name} is not installed (make setup, or pip install '.[bench]')")
        return None
    print(f"{name}: {seconds * 1e6:.3f} us each, {seconds / ours_seconds:,.0f} times ours; {agreeing:.1%} agree{note}")
    return round(seconds / ours_seconds, 1)


if __name__ == "__main__":
    print(json.dumps(main()))
