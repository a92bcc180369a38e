"""How many events a second the store takes and gives back, and how long a night of predictions takes.

    python -m benchmarks.import_speed

Made-up events as an export has them (25 columns, five events a ticket). CPU time, because other work on the machine would
count as wall time; for PostgreSQL, whose server works in other processes, wall time. As a yardstick the same rows go
through the bare driver, `sqlite3.executemany` into one table with the same indices, in the same run. PostgreSQL is measured
where the tests' own server can start. Best of three. The last line is one JSON object.
"""

from __future__ import annotations

import json
import sqlite3
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from features.schema import conform_ticket_events
from features.store import Store, open_store
from tests.features.postgres_server import CannotStartError, postgres

TICKETS, EVENTS_A_TICKET = 40_000, 5
PREDICTIONS = 100_000
ROUNDS = 3
START = pd.Timestamp("2024-01-01", tz="UTC")


def main() -> None:
    """Measure, print, and end with one line of JSON."""
    print(json.dumps(store_figures()))


def store_figures() -> dict[str, float | int]:
    """All figures of this script; those of PostgreSQL only where its server can start."""
    events = made_up_events()
    measured: dict[str, float | int] = {"events": len(events)}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(ROUNDS):
            _keep(measured, _sqlite(events, Path(folder), number))
    measured["ratio_to_raw"] = round(measured["sqlite_events_per_second"] / measured["raw_events_per_second"], 2)
    try:
        for _ in range(ROUNDS):
            with postgres() as url, open_store(url) as store:
                _keep(measured, _postgres(events, store))
    except CannotStartError as error:
        print(f"no PostgreSQL here: {error}")
    return measured


def made_up_events() -> pd.DataFrame:
    """Events in the order of tickets; a third of the attributes have many values."""
    rng = np.random.default_rng(1)
    size = TICKETS * EVENTS_A_TICKET
    number = np.tile(np.arange(EVENTS_A_TICKET), TICKETS)
    gaps = rng.integers(60, 86_400, size) * 1_000_000
    at_us = np.repeat(rng.integers(0, 120 * 86_400, TICKETS) * 1_000_000, EVENTS_A_TICKET) + np.cumsum(gaps) % 10**12
    at = START + pd.to_timedelta(at_us, unit="us")
    ticket = pd.Series(np.char.mod("INC%07d", np.repeat(np.arange(TICKETS), EVENTS_A_TICKET)), dtype="str")
    stamps = pd.Series(at.strftime("%Y%m%dT%H%M%S%f"), dtype="str")
    texts: dict[str, pd.Series] = {
        "event_id": ticket + "/" + stamps + "/" + pd.Series(np.char.mod("%03d", number), dtype="str"),
        "ticket_id": ticket,
        "kind": _chosen(np.array(["created", "assigned", "updated", "commented", "status"]), number),
        "status": _chosen(np.array(["new", "open", "open", "open", "resolved"]), number),
        "actor_kind": _chosen(np.array(["customer", "system", "agent", "agent", "agent"]), number),
    }
    several = {
        "priority": 4,
        "service": 40,
        "category": 60,
        "team": 80,
        "assignee": 300,
        "customer": 5_000,
        "channel": 4,
    }
    free = {"location": 200, "symptom": 500, "subcategory": 250, "impact": 3, "urgency": 3, "opener": 200}
    for name, values in (*several.items(), *((f"attributes.{name}", values) for name, values in free.items())):
        of_ticket = np.repeat(rng.integers(0, values, TICKETS), EVENTS_A_TICKET)
        texts[name] = _chosen(np.char.mod(f"{name} %d", np.arange(values)), of_ticket)
    return conform_ticket_events(pd.DataFrame({**texts, "event_at": at}))


def _chosen(values: np.ndarray, codes: np.ndarray) -> pd.Series:
    return pd.Series(pd.array(values.astype(object), dtype="str").take(codes))


def _sqlite(events: pd.DataFrame, folder: Path, number: int) -> dict[str, float]:
    file = folder / f"store{number}.db"
    with open_store(f"sqlite:///{file}") as store:
        imported = _seconds(time.process_time, lambda: store.append_ticket_events(events, "benchmark"))
        read = _seconds(time.process_time, lambda: store.ticket_events())
        again = _seconds(time.process_time, lambda: store.append_ticket_events(events, "benchmark"))
        night, quiet_night = (_night(store, hour, time.process_time) for hour in (0, 1))
    raw = _raw_seconds(file, folder / f"raw{number}.db")
    rates = {"sqlite": imported, "read": read, "again": again, "raw": raw}
    found = {f"{name}_events_per_second": round(len(events) / seconds) for name, seconds in rates.items()}
    print(f"SQLite, CPU: {found}, 100,000 predictions {night:.2f} s, unchanged {quiet_night:.2f} s")
    return {**found, "predictions_100k_seconds": round(night, 3), "unchanged_100k_seconds": round(quiet_night, 3)}


def _postgres(events: pd.DataFrame, store: Store) -> dict[str, float]:
    imported = _seconds(time.perf_counter, lambda: store.append_ticket_events(events, "benchmark"))
    read = _seconds(time.perf_counter, lambda: store.ticket_events())
    night = _night(store, 0, time.perf_counter)
    rates = {"postgres": imported, "postgres_read": read}
    found = {f"{name}_events_per_second": round(len(events) / seconds) for name, seconds in rates.items()}
    print(f"PostgreSQL, wall: {found}, 100,000 predictions {night:.2f} s")
    return {**found, "postgres_predictions_100k_seconds": round(night, 3)}


def _night(store: Store, hour: int, clock: Callable[[], float]) -> float:
    at = START + pd.Timedelta(days=200, hours=hour)
    size = np.arange(PREDICTIONS)
    frame = pd.DataFrame(
        {
            "ticket_id": pd.Series(np.char.mod("INC%07d", size), dtype="str"),
            "target": pd.Series("resolution", index=size, dtype="str"),
            "is_shadow": False,
            "scored_at": pd.Series(at, index=size).astype("datetime64[us, UTC]"),
            "snapshot_at": pd.Series(at, index=size).astype("datetime64[us, UTC]"),
            "bundle_version": pd.Series("breach v1", index=size, dtype="str"),
            "state": pd.Series("running", index=size, dtype="str"),
            "probability": size / PREDICTIONS,
            "reasons": pd.Series(
                np.char.mod('["silent for %d h", "two teams", "due at night"]', size % 90), dtype="str"
            ),
        }
    )
    return _seconds(clock, lambda: store.predictions.append(frame))


def _raw_seconds(store: Path, file: Path) -> float:
    """The stored rows, as tuples in memory, through the bare driver with the same durability."""
    source = sqlite3.connect(store)
    names = [row[1] for row in source.execute("PRAGMA table_info(ticket_events)")][1:]
    rows = source.execute(f"SELECT {', '.join(names)} FROM ticket_events ORDER BY sequence").fetchall()  # noqa: S608
    source.close()
    bare = sqlite3.connect(file, isolation_level=None)
    bare.execute("PRAGMA journal_mode = WAL")
    bare.execute("PRAGMA synchronous = FULL")
    bare.execute(f"CREATE TABLE events (sequence INTEGER PRIMARY KEY, {', '.join(f'{name} BIGINT' for name in names)})")
    bare.execute("CREATE UNIQUE INDEX identity ON events (ticket_id, event_at, ordinal)")
    began = time.process_time()
    bare.execute("BEGIN IMMEDIATE")
    bare.executemany(f"INSERT INTO events ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})", rows)  # noqa: S608
    bare.execute("COMMIT")
    seconds = time.process_time() - began
    bare.close()
    return seconds


def _seconds(clock: Callable[[], float], work: Callable[[], object]) -> float:
    began = clock()
    work()
    return clock() - began


def _keep(best: dict[str, float | int], found: dict[str, float]) -> None:
    for name, value in found.items():
        better = min if name.endswith("100k_seconds") else max
        best[name] = better(best.get(name, value), value)


if __name__ == "__main__":
    main()
