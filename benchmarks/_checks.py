"""Made checks of web sites in any number, as an Upptime monitor writes them down, and how long they take to become histories."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as csv

from features.importing import import_file
from features.outages.ledger import Ledger
from features.store import open_store

MAPPING = Path(__file__).resolve().parents[1] / "examples" / "service-checks" / "mapping.yaml"
BEGIN_SECONDS, EVERY_SECONDS, SERVICES, MONITORS = 1_700_000_000, 300, 500, 10
ROUNDS_AT_ONCE = 2_000


def write_checks(path: Path, rows: int, seed: int = 0) -> int:
    """How many checks were written as CSV: of 500 services every five minutes, one of 2,000 the first of an outage."""
    rng = np.random.default_rng(seed)
    service = np.arange(SERVICES)
    names = pa.array([f"service {number:04d}" for number in service])
    sites = pa.array([f"site {number % MONITORS}" for number in service])
    rounds, left = -(-rows // SERVICES), np.zeros(SERVICES, np.int64)
    with path.open("wb") as file:
        for first in range(0, rounds, ROUNDS_AT_ONCE):
            count = min(ROUNDS_AT_ONCE, rounds - first)
            is_down = np.zeros((count, SERVICES), np.bool_)
            for number in range(count):
                begins = (rng.random(SERVICES) < 0.0005) & (left == 0)
                left[begins] = rng.integers(1, 12, int(begins.sum()))
                is_down[number] = left > 0
                left = np.maximum(left - 1, 0)
            at = BEGIN_SECONDS + (first + np.arange(count))[:, None] * EVERY_SECONDS + service % 60
            table = {
                "service": names.take(pa.array(np.tile(service, count))),
                "epoch": pa.array(at.reshape(-1)),
                "ms": pa.array(rng.lognormal(5, 0.3, count * SERVICES).astype(np.int64), mask=is_down.reshape(-1)),
                "status": pa.array(["up", "down"]).take(pa.array(is_down.reshape(-1).astype(np.int64))),
                "site": sites.take(pa.array(np.tile(service, count))),
                "code": pa.array(np.full(count * SERVICES, 200), mask=is_down.reshape(-1)),
            }
            csv.write_csv(pa.table(table), file, csv.WriteOptions(include_header=first == 0, quoting_style="none"))
    return rounds * SERVICES


def import_seconds(rows: int) -> dict[str, float]:
    """Seconds on the clock, and of the processor, from a file of so many checks to stored events, and from the store to histories."""
    with tempfile.TemporaryDirectory(prefix="checks-") as scratch:
        path = Path(scratch) / "checks.csv"
        written = write_checks(path, rows)
        began, busy = time.perf_counter(), time.process_time()
        with open_store(f"sqlite:///{scratch}/checks.db") as store:
            import_file(path, MAPPING, store)
            imported = time.perf_counter()
            events = store.service_events()
            read = time.perf_counter()
            ledger = Ledger.of(events)
        ended, busy = time.perf_counter(), time.process_time() - busy
    print(
        f"{written:,} checks of {len(ledger.names)} services, {len(ledger.outages.begin_us):,} outages: imported in "
        f"{imported - began:.1f} s, read back in {read - imported:.1f} s, histories in {ended - read:.1f} s; {busy:.1f} s of processor time",
        flush=True,
    )
    return {"checks": float(written), "check_import_seconds": ended - began, "check_import_cpu_seconds": busy}
