"""How quick the running service is: a real uvicorn on the loopback address in a process of its own.

    python -m benchmarks.service [--small] [--open 100000] [--events 2000000] [--mlflow-uri URI] [--seconds 60]

A made-up log that ends today, over SQLite; ingest over PostgreSQL too where the tests' own server can start. Without
--mlflow-uri (a store whose `breach` has a champion for these agreements) the rules score alone, and `has_model` says so.
Client and server share the machine. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from prometheus_client.parser import text_string_to_metric_families

from benchmarks._large_log import EVENTS_A_TICKET, SPAN_DAYS, write_export
from features.importing import import_file
from features.store import open_store
from sla.instants import DAY_US, to_us
from tests.features.postgres_server import CannotStartError, postgres

ROOT = Path(__file__).resolve().parents[1]
AGREEMENTS = ROOT / "examples" / "uci-incidents" / "agreements.yaml"
BATCH = 500
Figures = dict[str, float | int]


def main() -> None:
    """Measure, print, and end with one line of JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--small", action="store_true", help="2,000 open tickets, 40,000 events, a few seconds")
    parser.add_argument("--open", type=int, default=100_000)
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long mixed requests are sent")
    parser.add_argument("--mlflow-uri", default=None)
    given = parser.parse_args()
    if given.small:
        given.open, given.events, given.seconds = 2_000, 40_000, 5.0
    print(json.dumps(figures(given.open, given.events, given.seconds, given.mlflow_uri)))


def figures(open_tickets: int, events: int, seconds: float, mlflow_uri: str | None) -> Figures:
    """All figures; those of PostgreSQL only where its server can start."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        url = f"sqlite:///{folder / 'desk.db'}"
        _fill(url, folder, open_tickets, events)
        with serving(url, folder, mlflow_uri) as service:
            measured = {"start_seconds": service.start_seconds, **_reading(service), **_scoring(service)}
            measured |= _lag(service) | _mixed(service, seconds)
            measured["ingest_sqlite_per_second"] = _ingest(service)
            service = service.another()
            measured["tick_seconds"] = service.metric("slacast_scoring_seconds")
            measured["rss_mib"] = service.rss_mib()
        try:
            with postgres() as address:
                with open_store(address) as store:
                    store.save_agreements(AGREEMENTS.read_text(encoding="utf-8"), datetime.now(UTC))
                with serving(address, folder, None) as service:
                    measured["ingest_postgres_per_second"] = _ingest(service)
        except CannotStartError as error:
            print(f"no PostgreSQL here: {error}")
    return {**measured, "has_model": int(mlflow_uri is not None)}


def _fill(url: str, folder: Path, open_tickets: int, events: int) -> None:
    share = min(open_tickets / (events / EVENTS_A_TICKET), 1.0)
    start_us = to_us(datetime.now(UTC)) - (SPAN_DAYS + 30) * DAY_US  # the last ticket's events take some days
    export, mapping = write_export(folder, events, open_share=share, start_us=start_us)
    with open_store(url) as store:
        import_file(export, mapping, store)
        store.save_agreements(AGREEMENTS.read_text(encoding="utf-8"), datetime.now(UTC))
    print("the store is filled", flush=True)


class Client:
    """A keep-alive connection to the service, and what is known of its process."""

    def __init__(self, port: int, process: subprocess.Popen[bytes], start_seconds: float) -> None:
        self.port, self.process, self.start_seconds = port, process, start_seconds
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, bytes, float, str | None]:
        """Status, body, seconds and ETag of an answer."""
        sent = None if body is None else json.dumps(body)
        began = time.perf_counter()
        self._connection.request(method, path, sent, {"Content-Type": "application/json", **headers})
        answer = self._connection.getresponse()
        said = answer.read()
        return answer.status, said, time.perf_counter() - began, answer.headers["ETag"]

    def another(self) -> Client:
        """A connection of its own, for another thread."""
        return Client(self.port, self.process, self.start_seconds)

    def metric(self, name: str) -> float:
        """A figure of /metrics; of scorings the mean."""
        said = self.ask("GET", "/metrics")[1].decode()
        found = {sample.name: sample.value for family in text_string_to_metric_families(said) for sample in family.samples}  # fmt: skip
        if name == "slacast_scoring_seconds":
            return round(found["slacast_scoring_seconds_sum"] / max(found["slacast_scoring_seconds_count"], 1), 3)
        return found[name]

    def rss_mib(self) -> int:
        """Resident memory of the service, as Linux tells it."""
        said = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        return round(int(said.partition("VmRSS:")[2].split()[0]) / 1024)


@contextmanager
def serving(url: str, folder: Path, mlflow_uri: str | None) -> Iterator[Client]:
    """The service over a store, ready; stopped at the end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    settings = {
        "SLACAST_DATABASE_URL": url,
        "SLACAST_VAR_DIR": str(folder / "var"),
        "SLACAST_MLFLOW_URI": mlflow_uri or f"sqlite:///{folder / 'mlflow.db'}",
        "SLACAST_USE_MODEL": str(mlflow_uri is not None),
        "SLACAST_LOG_LEVEL": "warning",
    }
    began = time.perf_counter()
    command = [sys.executable, str(ROOT / "slacast.py"), "serve", "--port", str(port)]
    process = subprocess.Popen(command, cwd=folder, env={**os.environ, **settings})
    try:
        _wait_until_ready(port, process)
        yield Client(port, process, round(time.perf_counter() - began, 2))
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def _wait_until_ready(port: int, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        time.sleep(0.05)
    raise RuntimeError(f"the service ended with {process.returncode}")


def _reading(service: Client) -> Figures:
    paths = [f"/api/v1/queue?team=team%20{number % 20}&priority={number % 4 + 1}" for number in range(200)]
    times = [service.ask("GET", path)[2] for path in paths]
    _, page, _, etag = service.ask("GET", "/api/v1/queue")
    same = [service.ask("GET", "/api/v1/queue", **{"If-None-Match": etag or ""}) for _ in range(50)]
    tickets = [row["ticket_id"] for row in json.loads(page)["tickets"]]
    pages = [service.ask("GET", f"/tickets/{ticket}", Accept="text/html")[2] for ticket in tickets]
    return {
        "open_tickets": int(service.metric("slacast_open_tickets")),
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


def _ingest(service: Client, batches: int = 40) -> int:
    service = service.another()  # uvicorn closes connections that were idle for five seconds
    prepared = [_events(f"in{os.getpid()}x{number}", BATCH) for number in range(batches)]
    began = time.perf_counter()
    for batch in prepared:
        status = service.ask("POST", "/api/v1/events", batch)[0]
        if status != 201:
            raise RuntimeError(f"a batch was answered {status}")
    return round(batches * BATCH / (time.perf_counter() - began))


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
