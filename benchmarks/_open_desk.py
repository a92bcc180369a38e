"""A made-up desk with many open tickets, and a model trained on its log, for measuring the running service.

Two years of tickets that are over, and many that were opened in the last two weeks and are still open, until now: most of
their clocks run, so that the model is asked about most of them. Run as a program it trains on a smaller log of the same
desk, in a process of its own, so that what training leaves in memory is measured with nobody.
"""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from benchmarks._large_log import EVENTS_A_TICKET, SPAN_DAYS, Course, write_export
from features.importing import import_file
from features.store import open_store
from sla.instants import DAY_US, to_us

ROOT = Path(__file__).resolve().parents[1]
MEAN_GAP_US = 3 * DAY_US // 2
OPEN_DAYS = 14
ROWS_OF_OPEN = 5.2
"""How many rows an open ticket has so far, on average: the rest lies ahead."""
TRAINING_EVENTS = 40_000
AGREEMENTS = """\
slacast: 1
name: Made-up desk
time_zone: Europe/Berlin
calendars:
  office: {time_zone: Europe/Berlin, hours: {mon-fri: [["08:00", "18:00"]]}}
  around_the_clock: {time_zone: Europe/Berlin, always_open: true}
agreements:
  - name: Tickets
    kind: SLA
    owner: Service desk manager
    policies: {priority_change: recompute}
    targets:
      - metric: resolution
        pause: {status: waiting, waiting_on: customer}
        policies: {reopen: run_on, stop_at: last}
        warnings: [75%, 90%]
        goals:
          - {applies_to: {priority: 1}, within: 240 h, calendar: around_the_clock}
          - {applies_to: {priority: 2}, within: 300 h, calendar: around_the_clock}
          - {applies_to: {priority: 3}, within: 90 working hours, calendar: office}
          - {default: true, within: 120 working hours, calendar: office}
      - metric: first_response
        policies: {first_response: any_action}
        warnings: [75%]
        goals:
          - {applies_to: {priority: 1}, within: 24 h, calendar: around_the_clock}
          - {default: true, within: 16 working hours, calendar: office}
"""


def fill(url: str, folder: Path, open_tickets: int, events: int) -> None:
    """Nothing; afterwards the store holds about so many events, of which so many tickets are open, and the agreements."""
    now_us = to_us(datetime.now(UTC))
    over = max(events - round(open_tickets * ROWS_OF_OPEN), 1000)
    finished = Course(now_us - (SPAN_DAYS + 20) * DAY_US, SPAN_DAYS, 0.0, MEAN_GAP_US, now_us)
    opened = Course(now_us - OPEN_DAYS * DAY_US, OPEN_DAYS, 1.0, MEAN_GAP_US, now_us, first_number=90_000_000)
    with open_store(url) as store:
        for rows, course in ((over, finished), (round(open_tickets * EVENTS_A_TICKET), opened)):
            import_file(*write_export(folder, rows, course=course), store)
        store.save_agreements(AGREEMENTS, datetime.now(UTC))


def train(folder: Path) -> str:
    """The address of an MLflow store whose `breach` has a champion, trained on a smaller log of the same desk."""
    mlflow_uri, url = f"sqlite:///{folder / 'mlflow.db'}", f"sqlite:///{folder / 'lessons.db'}"
    environment = {
        "SLACAST_DATABASE_URL": url,
        "SLACAST_MLFLOW_URI": mlflow_uri,
        "SLACAST_VAR_DIR": str(folder / "var"),
        "PYTHONPATH": str(ROOT),
    }
    commands = [
        [sys.executable, "-m", "benchmarks._open_desk", url, str(folder)],
        [sys.executable, str(ROOT / "slacast.py"), "train", "breach"],
        # The gate may keep a model out that learned from made-up luck; how quick it is does not depend on that.
        [sys.executable, str(ROOT / "slacast.py"), "models", "promote", "breach", "1", "--reason", "to be measured"],
    ]
    for command in commands:
        done = subprocess.run(command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True)
        if done.returncode and "already" not in done.stderr:
            raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return mlflow_uri


if __name__ == "__main__":
    fill(sys.argv[1], Path(sys.argv[2]), 2_000, TRAINING_EVENTS)
