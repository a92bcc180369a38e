"""Outages of services and of what is made of them, for tests: minutes of one morning, each known at a minute."""

from __future__ import annotations

from typing import Any, TypeAlias

import pandas as pd

from features.outages.ledger import Ledger
from features.outages.spans import spans_of
from features.outages.wholes import Groups, Whole, outages_of_whole
from sla.instants import NEVER_US, SECOND_US
from tests.features.builders import MONDAY, service_events

MINUTE_US = 60 * SECOND_US
BEGIN_US = MONDAY.value // 1000
Lasting: TypeAlias = tuple[str, str, int, int, int, int]  # service, kind, from and until which minute, known when
GROUPS: Groups = {"Pair": (1, ("A", "B")), "Site": (2, ("Pair", "C", "D")), "All": (2, ("Site", "A"))}
PAIR: Groups = {"Pair": (1, ("A", "B"))}
LENGTH = 400  # minutes
KINDS = ("outage", "maintenance")


def events_of(*found: Lasting) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    for number, (service, kind, low, high, known, end_known) in enumerate(found):
        for phase, at, recorded in (("start", low, known), ("end", high, end_known)):
            rows.append(
                {
                    "event_id": f"{number} {phase}",
                    "service": service,
                    "kind": kind,
                    "phase": phase,
                    "event_at": MONDAY + pd.Timedelta(minutes=at),
                    "recorded_at": MONDAY + pd.Timedelta(minutes=recorded),
                }
            )
    return service_events(*rows)


def known_of_all(*services: str) -> list[Lasting]:
    """A short degradation of each, so that all are known of."""
    return [(name, "degradation", -10, -9, -10, -9) for name in services]


def at_once(service: str, low: int, high: int, kind: str = "outage") -> Lasting:
    return service, kind, low, high, low, high


def told_of(group: str, groups: Groups, *found: Lasting, wait: int = 0) -> list[tuple[float, float, float, float]]:
    """What is told of a group, in minutes; inf for never."""
    return all_told(groups, *found, wait=wait)[group]


def all_told(groups: Groups, *found: Lasting, wait: int) -> dict[str, list[tuple[float, float, float, float]]]:
    events = events_of(*known_of_all("A", "B", "C", "D"), *found)
    ledger = Ledger.of(events)
    place = {name: number for number, name in enumerate(ledger.names)}
    maintenance = spans_of(events, "maintenance", place)
    out = {}
    for group in groups:
        told = outages_of_whole(Whole.of(group, groups, place), ledger.outages, maintenance, wait * MINUTE_US)
        out[group] = [
            (_minute(one.begin_us), _minute(one.end_us), _minute(one.known_us), _minute(one.end_known_us))
            for one in told
        ]
    return out


def _minute(at_us: int) -> float:
    return float("inf") if at_us == NEVER_US else (at_us - BEGIN_US) / MINUTE_US


# ---- where everything is recorded when it happens, the outages are those of counting minutes
