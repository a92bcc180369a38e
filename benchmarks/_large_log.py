"""A made-up export of any size, as a ticketing tool writes one, made column by column.

The desk of `simulation/` decides every single piece of work; this one only draws numbers, so that ten million events
take half a minute. Every row shows the whole ticket as it was then. About 8.3 rows a ticket over two years: opened, handed
over, waiting, answered, resolved; one ticket in fifty stays open.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from sla.instants import DAY_US, SECOND_US

EVENTS_A_TICKET = 8.3
SPAN_DAYS = 730
BLOCK_TICKETS = 100_000
START_US = pd.Timestamp("2022-01-03", tz="UTC").value // 1000
STATES = np.array(["New", "In progress", "Waiting for user", "Waiting for vendor", "Resolved"])
MAPPING = """\
time_zone: Europe/Berlin
columns:
  ticket_id: number
  event_at: changed_at
  order: change_number
  kind: change
  status: state
  priority: priority
  service: service
  category: category
  team: team
  assignee: assignee
  customer: caller
  channel: channel
  actor_kind: changed_by
attributes: {location: location, impact: impact}
states:
  New: new
  In progress: open
  Waiting for user: {status: waiting, waiting_on: customer}
  Waiting for vendor: {status: waiting, waiting_on: supplier}
  Resolved: resolved
"""
VALUES = {
    "priority": 4,
    "service": 60,
    "category": 80,
    "team": 120,
    "assignee": 2_000,
    "caller": 40_000,
    "channel": 4,
    "location": 200,
    "impact": 3,
}
"""How many values each column has."""
OF_TICKET = ("service", "category", "caller", "channel", "location", "impact")
"""Columns that keep their value through a ticket's life."""


@dataclass(frozen=True)
class Course:
    """How the desk's tickets go: from when on and over how many days they are opened, what happens how often, until when."""

    start_us: int = START_US
    span_days: int = SPAN_DAYS
    open_share: float = 0.02
    mean_gap_us: int = DAY_US // 3
    until_us: int | None = None  # later rows are left out
    first_number: int = 0


def write_export(folder: Path, events: int, seed: int = 1, course: Course | None = None) -> tuple[Path, Path]:
    """The Parquet file of an export with about `events` rows over two years, and the mapping that reads it, both in `folder`."""
    course = course or Course()
    rng = np.random.default_rng(seed)
    tickets = max(round(events / EVENTS_A_TICKET), 1)
    opened_us = np.sort(rng.integers(0, course.span_days * DAY_US // SECOND_US, tickets)) * SECOND_US + course.start_us
    export, mapping = folder / f"export-{course.first_number}-{events}.parquet", folder / "mapping.yaml"
    mapping.write_text(MAPPING, encoding="utf-8")
    writer = None
    for first in range(0, tickets, BLOCK_TICKETS):
        block = _block(rng, first + course.first_number, opened_us[first : first + BLOCK_TICKETS], course)
        if course.until_us is not None:
            block = block.filter(pc.less_equal(pc.cast(block["changed_at"], pa.int64()), course.until_us))
        writer = writer or pq.ParquetWriter(export, block.schema)
        writer.write_table(block)
    assert writer is not None
    writer.close()
    return export, mapping


def _block(rng: np.random.Generator, first: int, opened_us: NDArray[np.int64], course: Course) -> pa.Table:
    """The rows of some tickets, numbered from `first`."""
    counts = 3 + rng.poisson(EVENTS_A_TICKET - 3, len(opened_us))
    ticket = np.repeat(np.arange(len(opened_us)), counts)
    number = np.arange(len(ticket)) - np.repeat(np.cumsum(counts) - counts, counts)
    gaps_us = (rng.exponential(course.mean_gap_us, len(ticket)).astype(np.int64) // SECOND_US + 1) * SECOND_US
    gaps_us[number == 0] = 0
    since_us = np.cumsum(gaps_us)
    at_us = opened_us[ticket] + since_us - np.repeat(since_us[np.cumsum(counts) - counts], counts)
    is_last = number == counts[ticket] - 1
    stays_open = (rng.random(len(opened_us)) < course.open_share)[ticket]
    state = np.where(number == 0, 0, rng.choice([1, 1, 1, 2, 3], len(ticket)))
    state[is_last & ~stays_open] = 4
    change = np.where(number == 0, 0, np.where(is_last, 1, rng.integers(1, 5, len(ticket))))
    columns = {
        "number": pa.array(np.char.mod("INC%08d", first + np.arange(len(opened_us)))).take(pa.array(ticket)),
        "changed_at": pa.array(at_us, pa.timestamp("us", tz="UTC")),
        "change_number": pa.array(number),
        "change": _texts(change, ["created", "status", "assigned", "commented", "updated"]),
        "state": _texts(state, STATES.tolist()),
        "changed_by": _texts(rng.integers(0, 3, len(ticket)), ["agent", "customer", "system"]),
    }
    for name, values in VALUES.items():
        of_ticket = _skewed(rng, values, len(opened_us))[ticket]
        moved = np.zeros(len(ticket), np.bool_) if name in OF_TICKET else rng.random(len(ticket)) < 0.2
        codes = np.where(moved, _skewed(rng, values, len(ticket)), of_ticket)
        columns[name] = _texts(codes, [f"{name} {code}" if values > 4 else str(code + 1) for code in range(values)])
    return pa.table(columns)


def _skewed(rng: np.random.Generator, values: int, size: int) -> NDArray[np.int64]:
    """Codes of which low ones are common: a few teams do most of the work."""
    return np.asarray(rng.random(size) ** 2 * values, dtype=np.int64)


def _texts(codes: NDArray[np.int64], texts: list[str]) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), pa.array(texts))
