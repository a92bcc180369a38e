"""How long it takes to make features: all snapshots of the public incident log, 100,000 open tickets at one instant, the store.

    python -m benchmarks.features [--large [EVENTS]]

Reads ../shared/data/uci-incidents if it is there and says so if it is not. With --large also logs of 100,000 events and ten
times as many each, up to EVENTS (ten million): see benchmarks/_large.py. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks import _large
from benchmarks.import_speed import store_figures
from features.histories import Histories
from features.pipeline import build
from features.snapshots import Snapshots, event_snapshots, grid_snapshots, open_snapshots
from features.sources.mapping import load_mapping
from features.sources.reading import read
from features.spec import FeatureSpec
from sla.agreements.agreement_set import AgreementSet
from sla.agreements.loading import load_agreements
from sla.instants import DAY_US

ROOT = Path(__file__).resolve().parents[1]
UCI_LOG = ROOT.parent / "shared" / "data" / "uci-incidents" / "incident_event_log.zip"
EXAMPLE = ROOT / "examples" / "uci-incidents"
SNAPSHOTS = 117_000
OPEN_TICKETS = 100_000
START = pd.Timestamp("2024-01-01", tz="UTC")


def main() -> None:
    """Measure, print, and end with one line of JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--large", nargs="?", type=int, const=_large.LARGEST, metavar="EVENTS")
    asked = parser.parse_args()
    agreements = load_agreements(EXAMPLE / "agreements.yaml")
    measured: dict[str, float | int | None] = {}
    if UCI_LOG.exists():
        measured |= _uci(agreements)
    else:
        print(f"{UCI_LOG.name} is absent: put the public log into ../shared/data/uci-incidents to measure it")
    measured |= _open_tickets(agreements)
    stored = store_figures()
    names = ("sqlite_events_per_second", "postgres_events_per_second")
    measured |= {name: stored[name] for name in names if name in stored}
    if asked.large is not None:
        measured |= _large.measure(asked.large)
    print(json.dumps(measured))


def _uci(agreements: AgreementSet) -> dict[str, float | int]:
    """Snapshots at creation, at every later event, and on a thin grid, until about 117,000; best of three."""
    events = read(UCI_LOG, load_mapping(EXAMPLE / "mapping.yaml")).events
    spec = FeatureSpec.from_histories(Histories.from_events(events, agreements))
    best, rows = np.inf, 0
    for _ in range(3):
        began = time.perf_counter()
        histories = Histories.from_events(events, agreements)
        at_events = event_snapshots(histories)
        grid = grid_snapshots(histories, seed=1, one_in=100)
        snapshots = Snapshots.concatenated(
            [at_events, grid.take(np.arange(min(len(grid), SNAPSHOTS - len(at_events))))]
        )
        indexed = time.perf_counter()
        rows = len(build(histories, snapshots, spec))
        ended = time.perf_counter()
        print(f"histories and snapshots {indexed - began:.2f} s, features {ended - indexed:.2f} s, {rows} rows")
        best = min(best, ended - began)
    return {"uci_snapshots": rows, "uci_columns": len(spec.features), "uci_seconds": round(best, 3)}


def _open_tickets(agreements: AgreementSet) -> dict[str, float | int]:
    """A made-up log with 100,000 tickets open at its end: the first scoring builds the indices, later ones use them."""
    histories = Histories.from_events(_made_up_events(3 * OPEN_TICKETS, OPEN_TICKETS), agreements)
    spec = FeatureSpec.from_histories(histories)
    at_us = histories.last_known_us + 1_000_000
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        live = open_snapshots(histories, at_us)
        rows = len(build(histories, live, spec))
        seconds.append(time.perf_counter() - began)
        print(f"{rows} open tickets of {len(histories.ticket_ids)}, {len(histories.steps)} events: {seconds[-1]:.2f} s")
        at_us += 30_000_000
    return {
        "open_tickets": rows,
        "open_100k_seconds": round(min(seconds[1:]), 3),
        "open_100k_first_seconds": round(seconds[0], 3),
    }


def _made_up_events(tickets: int, left_open: int) -> pd.DataFrame:
    """Four events a ticket over 120 days: opened, assigned, passed on, resolved; the last ones are not resolved yet."""
    rng = np.random.default_rng(1)
    opened = np.sort(rng.integers(0, 120 * DAY_US, tickets))
    gaps = rng.exponential(DAY_US / 2, (tickets, 3)).astype(np.int64)
    at_us = np.minimum(
        opened[:, None] + np.cumsum(np.concatenate([np.zeros((tickets, 1), np.int64), gaps], axis=1), axis=1),
        125 * DAY_US,
    )
    kept = np.ones((tickets, 4), np.bool_)
    kept[tickets - left_open :, 3] = False
    ids = np.char.add("T", np.char.zfill(np.arange(tickets).astype(str), 8))
    ticket = np.repeat(ids, 4)[kept.ravel()]
    size = len(ticket)
    number = np.tile(np.arange(4), tickets)[kept.ravel()]
    at = START + pd.to_timedelta(at_us.ravel()[kept.ravel()], unit="us")
    texts = {
        "event_id": np.char.add(np.char.add(ticket, "/"), number.astype(str)),
        "ticket_id": ticket,
        "kind": np.array(["created", "assigned", "updated", "status"])[number],
        "status": np.array(["new", "open", "open", "resolved"])[number],
        "priority": np.repeat(rng.choice(["1", "2", "3", "4"], tickets, p=[0.02, 0.05, 0.83, 0.1]), 4)[kept.ravel()],
        "team": np.char.add("team ", rng.integers(0, 80, size).astype(str)),
        "assignee": np.char.add("person ", rng.integers(0, 500, size).astype(str)),
        "category": np.char.add("category ", rng.integers(0, 60, size).astype(str)),
        "attributes.location": np.char.add("place ", rng.integers(0, 200, size).astype(str)),
    }
    frame = pd.DataFrame({name: pd.Series(values, dtype="str") for name, values in texts.items()})
    return frame.assign(event_at=at, recorded_at=at)


if __name__ == "__main__":
    main()
