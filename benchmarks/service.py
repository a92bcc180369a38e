"""How quick the running service is: a real uvicorn on the loopback address in a process of its own, with a trained model.

    python -m benchmarks.service [--quick | --small] [--open 100000] [--events 2000000] [--seconds 60] [--mlflow-uri URI] [--rules]

A made-up desk whose log ends now (benchmarks/_open_desk.py), over SQLite and, where the tests' own server can start, over
PostgreSQL. A breach model is trained on a smaller log of the same desk, unless --mlflow-uri names a store whose `breach`
has a champion for it, or --rules leaves it out. Client and server share the machine. Every step ends after a while, however
busy the machine is. After the second start it is waited until the scores of the start are stored. The last line is one JSON object:

    start_seconds              until /readyz says ready and, with a model, the queue has its probabilities
    ready_seconds              until /readyz says ready, perhaps by the rules alone
    restart_seconds            as start_seconds, of a start that goes on from what the one before knew (docs/operations.md)
    restart_ready_seconds      as ready_seconds, of the same
    tick_seconds               from the clock to stored scores with reasons, median of ticks over all open tickets, a minute apart
    tick_slowest_seconds       the slowest of these: now and then a value that all tickets share crosses a threshold of the model
    tick_all_new_seconds       the same of the first tick, which stores a score of every open ticket
    queue_during_ticks_p99_ms  how long a page of the queue took meanwhile
    mixed_processor_ms         time of the processor that the service needed for one of the mixed requests, ticks included
    ..._processor_seconds      time of the processor until ready and scored
    rss_mib                    resident memory of the second process when all but ingest was asked
    first_rss_mib              the same of the process that was started first, after its ticks
    ingest_rss_mib             the same right after ingest, which adds half as many open tickets again
    postgres_...               the same over PostgreSQL
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._mixed_requests import events, mixed, ticket
from benchmarks._open_desk import fill, train
from benchmarks._running_service import Client, serving
from tests.features.postgres_server import CannotStartError, postgres

BATCH = 500
STEP_SECONDS = 30.0
"""After so long a step asks no more, if it has asked five times."""
Figures = dict[str, float | int | None]


@dataclass(frozen=True)
class Size:
    """How much is measured: open tickets, stored events, ticks and what lies between them, and how long mixed requests are sent."""

    open: int = 100_000
    events: int = 2_000_000
    ticks: int = 3
    tick_seconds: float = 60.0
    seconds: float = 60.0


QUICK, SMALL = Size(20_000, 400_000, 2, 10.0, 15.0), Size(2_000, 40_000, 1, 10.0, 5.0)


def main() -> None:
    """Measure, print, and end with one line of JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--small", action="store_true", help="2,000 open tickets, 40,000 events")
    parser.add_argument("--quick", action="store_true", help="20,000 open tickets, 400,000 events")
    parser.add_argument("--open", type=int)
    parser.add_argument("--events", type=int)
    parser.add_argument("--seconds", type=float, help="how long mixed requests are sent")
    parser.add_argument("--mlflow-uri", default=None)
    parser.add_argument("--rules", action="store_true", help="no model")
    parser.add_argument("--sqlite-only", action="store_true")
    given = parser.parse_args()
    chosen = SMALL if given.small else QUICK if given.quick else Size()
    size = replace(
        chosen,
        open=given.open or chosen.open,
        events=given.events or chosen.events,
        seconds=given.seconds or chosen.seconds,
    )
    print(json.dumps(figures(size, given)))


def figures(size: Size, given: argparse.Namespace) -> Figures:
    """All figures; those of PostgreSQL are null or absent where its server cannot start."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        mlflow_uri = None if given.rules else given.mlflow_uri or train(folder)
        said("the model is trained" if mlflow_uri else "the rules serve alone")
        found = _over(f"sqlite:///{folder / 'desk.db'}", folder, mlflow_uri, size)
        found["ingest_sqlite_per_second"] = found.pop("ingest_per_second")
        found["ingest_postgres_per_second"] = None
        if not given.sqlite_only:
            try:
                with postgres() as address:
                    there = _over(address, folder, mlflow_uri, size)
            except CannotStartError as error:
                said(f"no PostgreSQL here: {error}")
            else:
                found["ingest_postgres_per_second"] = there.pop("ingest_per_second")
                found |= {f"postgres_{key}": value for key, value in there.items()}
    return {**found, "has_model": int(mlflow_uri is not None)}


def said(what: str) -> None:
    """Nothing; the progress is printed."""
    print(f"{datetime.now(UTC):%H:%M:%S} {what}", flush=True)


def _over(url: str, folder: Path, mlflow_uri: str | None, size: Size) -> Figures:
    """The figures over one store, filled here."""
    engine = url.partition(":")[0]
    fill(url, folder, size.open, size.events)
    said(f"{engine}: the store is filled")
    measured: Figures = {}
    with serving(url, folder, mlflow_uri, size.tick_seconds) as service:
        measured |= {"ready_seconds": service.ready_seconds, "start_seconds": service.start_seconds}
        measured["start_processor_seconds"] = round(service.processor_seconds(), 2)
        said(f"{engine}: started in {service.start_seconds} s")
        measured |= _ticks(service, size.ticks, size.tick_seconds)
        measured["first_rss_mib"] = service.rss_mib()
    with serving(url, folder, mlflow_uri) as service:
        measured |= {"restart_seconds": service.start_seconds, "restart_ready_seconds": service.ready_seconds}
        measured["restart_processor_seconds"] = round(service.processor_seconds(), 2)
        said(f"{engine}: started again in {service.start_seconds} s")
        _settled(service)
        several = partial(mixed, seconds=size.seconds)
        for part in (_reading, _scoring, _lag, several, lambda client: {"rss_mib": client.rss_mib()}, _ingest):
            found = part(service)
            measured |= found
            said(f"{engine}: {found}")
            service = service.another()  # uvicorn closes connections that were idle for five seconds
        measured["ingest_rss_mib"] = service.rss_mib()
    return measured


def _settled(service: Client) -> None:
    """Nothing; what everything said at the start is stored, or much time is over: then it is asked of a service that goes on as it will."""
    until = time.monotonic() + 4 * STEP_SECONDS
    while service.metrics("slacast_storing_seconds_count")[0] < 1 and time.monotonic() < until:
        time.sleep(0.5)
    said("the scores of the start are stored")


def _ticks(service: Client, ticks: int, apart_seconds: float) -> Figures:
    """How long ticks took until their scores were stored, and pages of the queue meanwhile."""
    took: list[float] = []
    meanwhile: list[float] = []
    waits: list[tuple[float, float]] = []  # since the last tick, when it was asked and how long it took
    until = time.monotonic() + (ticks + 1) * (
        apart_seconds + STEP_SECONDS
    )  # on a machine that is busy with other things
    sum_before = count_before = 0.0
    while len(took) <= ticks and (time.monotonic() < until or len(took) < 2):
        waits.append((time.monotonic(), service.ask("GET", "/api/v1/queue?team=team%201")[2]))
        summed, count = service.metrics("slacast_storing_seconds_sum", "slacast_storing_seconds_count")
        if count > count_before:
            took.append((summed - sum_before) / (count - count_before))
            if len(took) > 1:
                meanwhile += [wait for at, wait in waits if at >= time.monotonic() - took[-1]]
            waits, sum_before, count_before = [], summed, count
            said(f"a tick took {took[-1]:.2f} s")
        time.sleep(0.03)
    return {
        "tick_all_new_seconds": round(max(took[:2]), 2),
        "tick_seconds": round(float(np.median(took[1:])), 2),
        "tick_slowest_seconds": round(max(took[1:]), 2),
        "queue_during_ticks_p99_ms": _milliseconds(meanwhile, 99),
    }


def _asked(calls: Iterable[Callable[[], float]]) -> list[float]:
    """The seconds of each call; where they take long only of the first ones."""
    took: list[float] = []
    until = time.monotonic() + STEP_SECONDS
    for call in calls:
        if len(took) >= 5 and time.monotonic() > until:
            break
        took.append(call())
    return took


def _reading(service: Client) -> Figures:
    def queue(number: int) -> float:
        path = f"/api/v1/queue?team=team%20{number % 20}&priority={number // 20 % 4 + 1}"
        return service.ask("GET", path)[2]

    def page_of(ticket: str) -> float:
        return service.ask("GET", f"/tickets/{ticket}", Accept="text/html")[2]

    def unchanged() -> float:
        status, _, seconds, _ = service.ask("GET", "/api/v1/queue", **{"If-None-Match": etag or ""})
        return seconds if status == 304 else float("nan")  # a tick came between

    times = _asked(partial(queue, number) for number in range(200))
    _, page, _, etag = service.ask("GET", "/api/v1/queue")
    same = _asked([unchanged] * 50)
    tickets = [row["ticket_id"] for row in json.loads(page)["tickets"]]
    pages = _asked(partial(page_of, ticket) for ticket in tickets)
    return {
        "open_tickets": int(service.metrics("slacast_open_tickets")[0]),
        "queue_p50_ms": _milliseconds(times, 50),
        "queue_p99_ms": _milliseconds(times, 99),
        "unchanged_p50_ms": _milliseconds([seconds for seconds in same if seconds == seconds], 50),
        "ticket_page_p50_ms": _milliseconds(pages, 50),
    }


def _scoring(service: Client) -> Figures:
    one, many = ({"tickets": [ticket(number) for number in range(count)]} for count in (1, 1000))
    times = _asked([lambda: service.ask("POST", "/api/v1/score", one)[2]] * 200)
    large = _asked([lambda: service.ask("POST", "/api/v1/score", many)[2]] * 5)
    return {
        "score_one_p50_ms": _milliseconds(times, 50),
        "score_one_p99_ms": _milliseconds(times, 99),
        "score_1000_ms": _milliseconds(large, 50),
    }


def _lag(service: Client) -> Figures:
    """From the sending of an event to the first answer that tells of its ticket."""

    def lag(number: int) -> float:
        began = time.perf_counter()
        service.ask("POST", "/api/v1/events", events(f"lag{number}", 1))
        while service.ask("GET", f"/api/v1/tickets/lag{number}-0")[0] != 200:
            time.sleep(0.01)
        return time.perf_counter() - began

    lags = _asked(partial(lag, number) for number in range(20))
    return {"event_to_score_p99_seconds": round(float(np.percentile(lags, 99)), 3)}


def _ingest(service: Client, batches: int = 100) -> Figures:
    prepared = [events(f"in{os.getpid()}x{number}", BATCH) for number in range(batches)]

    def send(batch: list[dict[str, Any]]) -> float:
        status, _, seconds, _ = service.ask("POST", "/api/v1/events", batch)
        if status != 201:
            raise RuntimeError(f"a batch was answered {status}")
        return seconds

    took = _asked(partial(send, batch) for batch in prepared)
    return {"ingest_per_second": round(len(took) * BATCH / sum(took))}


def _milliseconds(seconds: list[float], percentile: float) -> float:
    return round(float(np.percentile(seconds, percentile)) * 1000, 2) if seconds else float("nan")


if __name__ == "__main__":
    main()
