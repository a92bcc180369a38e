"""What tickets tell of services: opened for one, reopened, become a major incident."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from features.histories import log_of
from features.knowledge import Steps
from features.major_incidents import top_priorities
from sla.agreements.agreement_set import AgreementSet
from sla.events import OVER, EventLog
from sla.instants import BoolArray, Int64Array

TICKET_OPENED, TICKET_REOPENED, MAJOR_INCIDENT = "created", "reopened", "major"
_READ = ("kind", "status", "priority", "service")
BLOCK_ROWS = 250_000
"""About so many events are looked through at a time: steps of all tickets of a large desk need more memory than what they tell."""


def service_tickets(events: pd.DataFrame, agreements: AgreementSet | None) -> pd.DataFrame:
    """`told_by_tickets` of canonical ticket events; without agreements no priority makes a major incident."""
    return told_by_tickets([log_of(events)] if len(events) else [], agreements)


def told_by_tickets(logs: Sequence[EventLog], agreements: AgreementSet | None) -> pd.DataFrame:
    """One row a happening: `kind` (created, reopened or major), `service`, `recorded_at` since when it is known.

    A ticket is reopened when it is open and was known to be over, and a major incident when it is open with a priority that is
    promised the shortest time and was not before; both count for the service that it names then. Each ticket lies whole
    in one of the logs.
    """
    majors = () if agreements is None else top_priorities(agreements)
    found = [part for log in logs for block in log.blocks(BLOCK_ROWS) for part in _told(block, majors)]
    kind, service, at_us = (
        np.concatenate([part[place] for part in found]) if found else np.zeros(0, dtype)
        for place, dtype in enumerate((object, object, np.int64))
    )
    recorded_at = pd.Series(at_us.view("datetime64[us]")).dt.tz_localize("UTC")
    return pd.DataFrame({"kind": kind, "service": service, "recorded_at": recorded_at})


def _told(
    log: EventLog, majors: tuple[str, ...]
) -> list[
    tuple[np.ndarray[tuple[int], np.dtype[np.object_]], np.ndarray[tuple[int], np.dtype[np.object_]], Int64Array]
]:
    raw = log.unfilled()
    columns = {name: raw.columns[name] for name in _READ if name in raw.columns}
    if not {"kind", "service"} <= columns.keys():
        return []
    steps = Steps.of(replace(raw, columns=columns, as_recorded=None))

    def holds(name: str, words: Sequence[str]) -> BoolArray:
        if name not in columns:
            return np.zeros(len(steps), np.bool_)
        return np.isin(steps.codes[name], [code for code, word in enumerate(columns[name].values) if word in words])

    is_over = holds("status", OVER)
    is_open = ~is_over
    is_major = is_open & holds("priority", majors)
    happened = {
        TICKET_OPENED: holds("kind", ("created",)),
        TICKET_REOPENED: is_open & steps.previous(is_over, False),
        MAJOR_INCIDENT: is_major & ~steps.previous(is_major, False),
    }
    names = np.array([*columns["service"].values, ""], object)[steps.codes["service"]]
    rows = {kind: np.flatnonzero(marks & (names != "")) for kind, marks in happened.items()}
    return [(np.full(len(at), kind, object), names[at], steps.known_us[at]) for kind, at in rows.items()]
