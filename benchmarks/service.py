"""How quick the running service is: a real uvicorn on the loopback address in a process of its own, with a trained model.

    python -m benchmarks.service [--small] [--open 100000] [--events 2000000] [--seconds 60] [--mlflow-uri URI] [--rules]

A made-up desk whose log ends now (benchmarks/_open_desk.py), over SQLite and, where the tests' own server can start, over
PostgreSQL. A breach model is trained on a smaller log of the same desk, unless --mlflow-uri names a store whose `breach`
has a champion for it, or --rules leaves it out. Client and server share the machine. The last line is one JSON object:

    start_seconds              until /readyz says ready and, with a model, the queue has its probabilities
    ready_seconds              until /readyz says ready, perhaps by the rules alone
    tick_seconds               from the clock to stored scores with reasons, median of ticks over all open tickets
    tick_all_new_seconds       the same of the first tick, which stores a score of every open ticket
    queue_during_ticks_p99_ms  how long a page of the queue took meanwhile
    postgres_...               the same over PostgreSQL
"""

from __future__ import annotations

import argparse
import json
import os
import random
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._open_desk import fill, train
from benchmarks._running_service import Client, serving
from tests.features.postgres_server import CannotStartError, postgres

BATCH = 500
TICK_SECONDS = 10.0
Figures = dict[str, float | int]


def main() -> None:
    """Measure, print, and end with one line of JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--small", action="store_true", help="2,000 open tickets, 40,000 events, a minute")
    parser.add_argument("--open", type=int, default=100_000)
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long mixed requests are sent")
    parser.add_argument("--mlflow-uri", default=None)
    parser.add_argument("--rules", action="store_true", help="no model")
    parser.add_argument("--sqlite-only", action="store_true")
    given = parser.parse_args()
    if given.small:
        given.open, given.events, given.seconds = 2_000, 40_000, 5.0
    print(json.dumps(figures(given)))


def figures(given: argparse.Namespace) -> Figures:
    """All figures; those of PostgreSQL only where its server can start."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        mlflow_uri = None if given.rules else given.mlflow_uri or train(folder)
        said("the model is trained" if mlflow_uri else "the rules serve alone")
        found = _over(f"sqlite:///{folder / 'desk.db'}", folder, mlflow_uri, given)
        found["ingest_sqlite_per_second"] = found.pop("ingest_per_second")
        if not given.sqlite_only:
            try:
                with postgres() as address:
                    there = _over(address, folder, mlflow_uri, given)
            except CannotStartError as error:
                said(f"no PostgreSQL here: {error}")
            else:
                found["ingest_postgres_per_second"] = there.pop("ingest_per_second")
                found |= {f"postgres_{key}": value for key, value in there.items() if key != "has_model"}
    return {**found, "has_model": int(mlflow_uri is not None)}


def said(what: str) -> None:
    """Nothing; the progress is printed."""
    print(f"{datetime.now(UTC):%H:%M:%S} {what}", flush=True)


def _over(url: str, folder: Path, mlflow_uri: str | None, given: argparse.Namespace) -> Figures:
    """The figures over one store, filled here."""
    fill(url, folder, given.open, given.events)
    said(f"{url.partition(':')[0]}: the store is filled")
    measured: Figures = {}
    with serving(url, folder, mlflow_uri, TICK_SECONDS) as service:
        measured |= {"ready_seconds": service.ready_seconds, "start_seconds": service.start_seconds}
        measured |= _ticks(service, 1 if given.small else 4)
        said(f"{measured}")
    with serving(url, folder, mlflow_uri) as service:
        for part in (_reading, _scoring, _lag, lambda client: _mixed(client, given.seconds), _ingest):
            measured |= part(service)
            service = service.another()  # uvicorn closes connections that were idle for five seconds
            said(f"{measured}")
        measured["rss_mib"] = service.rss_mib()
    return measured


def _ticks(service: Client, ticks: int) -> Figures:
    """How long ticks took until their scores were stored, and pages of the queue meanwhile."""
    took: list[float] = []
    waits: list[float] = []
    until = time.monotonic() + (ticks + 2) * (TICK_SECONDS + 120)  # on a machine that is busy with other things
    sum_before = count_before = 0.0
    while len(took) <= ticks and time.monotonic() < until:
        waits.append(service.ask("GET", "/api/v1/queue?team=team%201")[2])
        summed, count = service.metrics("slacast_storing_seconds_sum", "slacast_storing_seconds_count")
        if count > count_before:
            took.append((summed - sum_before) / (count - count_before))
            sum_before, count_before = summed, count
        time.sleep(0.03)
    if len(took) < 2:
        raise RuntimeError(f"after {ticks + 2} ticks only {len(took)} were stored")
    return {
        "tick_all_new_seconds": round(max(took[:2]), 2),
        "tick_seconds": round(float(np.median(took[1:])), 2),
        "queue_during_ticks_p99_ms": _milliseconds(waits, 99),
    }


def _reading(service: Client) -> Figures:
    paths = [f"/api/v1/queue?team=team%20{number % 20}&priority={number % 4 + 1}" for number in range(200)]
    times = [service.ask("GET", path)[2] for path in paths]
    _, page, _, etag = service.ask("GET", "/api/v1/queue")
    same = [service.ask("GET", "/api/v1/queue", **{"If-None-Match": etag or ""}) for _ in range(50)]
    tickets = [row["ticket_id"] for row in json.loads(page)["tickets"]]
    pages = [service.ask("GET", f"/tickets/{ticket}", Accept="text/html")[2] for ticket in tickets]
    return {
        "open_tickets": int(service.metrics("slacast_open_tickets")[0]),
        "queue_p50_ms": _milliseconds(times, 50),
        "queue_p99_ms": _milliseconds(times, 99),
        "unchanged_p50_ms": _milliseconds([answer[2] for answer in same if answer[0] == 304], 50),
        "ticket_page_p50_ms": _milliseconds(pages, 50),
    }


def _scoring(service: Client) -> Figures:
    one = {"tickets": [_ticket(0)]}
    times = [service.ask("POST", "/api/v1/score", one)[2] for _ in range(200)]
    many = {"tickets": [_ticket(number) for number in range(1000)]}
    large = [service.ask("POST", "/api/v1/score", many)[2] for _ in range(3)]
    return {
        "score_one_p50_ms": _milliseconds(times, 50),
        "score_one_p99_ms": _milliseconds(times, 99),
        "score_1000_ms": _milliseconds(large, 50),
    }


def _ticket(number: int) -> dict[str, Any]:
    at = (datetime.now(UTC) - timedelta(hours=3)).isoformat()
    return {"ticket_id": f"S{number}", "events": [{"event_at": at, "kind": "created", "status": "open", "priority": "3"}]}  # fmt: skip


def _lag(service: Client) -> Figures:
    """From the sending of an event to the first answer that tells of its ticket."""
    lags = []
    for number in range(20):
        began = time.perf_counter()
        service.ask("POST", "/api/v1/events", _events(f"lag{number}", 1))
        while service.ask("GET", f"/api/v1/tickets/lag{number}-0")[0] != 200:
            time.sleep(0.01)
        lags.append(time.perf_counter() - began)
    return {"event_to_score_p99_seconds": round(float(np.percentile(lags, 99)), 3)}


def _events(name: str, count: int) -> list[dict[str, Any]]:
    at = datetime.now(UTC).isoformat()
    known = {"kind": "created", "status": "open", "priority": "3", "team": "team 1", "attributes": {"title": name}}
    return [{"event_id": f"{name}-{place}", "ticket_id": f"{name}-{place}", "event_at": at, **known} for place in range(count)]  # fmt: skip


def _ingest(service: Client, batches: int = 100) -> Figures:
    prepared = [_events(f"in{os.getpid()}x{number}", BATCH) for number in range(batches)]
    began = time.perf_counter()
    for batch in prepared:
        status = service.ask("POST", "/api/v1/events", batch)[0]
        if status != 201:
            raise RuntimeError(f"a batch was answered {status}")
    return {"ingest_per_second": round(batches * BATCH / (time.perf_counter() - began))}


def _mixed(service: Client, seconds: float, clients: int = 8) -> Figures:
    """Requests a second that several clients get answered, and how many were answered with an error."""
    counted: list[tuple[int, int]] = []
    until = time.monotonic() + seconds

    def work(seed: int) -> None:
        chance, mine, done, wrong = random.Random(seed), service.another(), 0, 0
        while time.monotonic() < until:
            kind = chance.random()
            if kind < 0.6:
                status = mine.ask("GET", f"/api/v1/queue?team=team%20{chance.randrange(20)}")[0]
            elif kind < 0.9:
                status = mine.ask("POST", "/api/v1/score", {"tickets": [_ticket(seed)]})[0]
            else:
                status = mine.ask("POST", "/api/v1/events", _events(f"mix{seed}x{done}", 5))[0]
            done, wrong = done + 1, wrong + (status >= 400)
        counted.append((done, wrong))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done, wrong = (sum(column) for column in zip(*counted, strict=True))
    return {"mixed_per_second": round(done / seconds), "mixed_errors": wrong}


def _milliseconds(seconds: list[float], percentile: float) -> float:
    return round(float(np.percentile(seconds, percentile)) * 1000, 2) if seconds else float("nan")


if __name__ == "__main__":
    main()
