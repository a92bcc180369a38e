"""What happens to the service that the ticket names: outages, changes, maintenance, alerts, and how many other tickets name it.

Missing (NaN) where the ticket names no service. Service events count as features/service_histories.py says, other tickets
strictly before the instant. Nothing counts for longer than 30 days, so no column tells the age of the log.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from features.declaration import Feature, Key, Settings
from features.membership import ARRIVED, MAJOR, OPEN, REOPENED, Membership
from features.service_histories import AHEAD, BEGUN, LAST_BEGUN, LAST_ENDED, ON_NOW
from features.view import HOUR_US, FloatArray, View
from sla.instants import DAY_US, Int64Array

FAMILY = "service"
SERVICE: Key = ("service",)
LONGEST_HOURS = 24.0 * 30
WEEKS = 4  # what is usual is the same hour of the week in as many weeks

_WINDOWS = {"outage": (1, 7, 30), "degradation": (1, 7, 30), "change": (1, 7), "alert": (1,)}
"""Days over which beginnings are counted, by kind."""
_QUESTIONS = {
    "outage": "Is the service failing?",
    "degradation": "Is the service failing?",
    "change": "Was or is something changed?",
    "maintenance": "Is work on the service planned?",
    "alert": "Does monitoring see trouble?",
}
_AGO = {"began": LAST_BEGUN, "ended": LAST_ENDED}
_TICKETS = (
    ("service_open_ratio", "ratio", "other open tickets that name the service over what is usual at this hour of the week (last 4 weeks)", "Is the service in trouble?"),
    ("service_open_major", "tickets", "other open tickets of the top priority that name the service", "Is a major incident on?"),
    ("service_inflow_2h", "tickets", "tickets that came to the service in the last 2 hours", "Is the service in trouble?"),
    ("service_inflow_ratio", "ratio", "tickets that came to the service in the last day over the daily mean of the last 28", "Is the service in trouble?"),
    ("service_reopened_7d", "tickets", "tickets of the service that were reopened in the last 7 days", "Do repairs of the service hold?"),
)  # fmt: skip


def declared(settings: Settings) -> tuple[Feature, ...]:
    """The features of this family: only of kinds of service events, and of tickets, that the training log has."""
    events = [feature for kind in settings.service_kinds for feature in _declared_of(kind)]
    tickets = [Feature(name, FAMILY, *rest) for name, *rest in _TICKETS] if settings.counts_service_tickets else []
    return (*events, *(one for one in tickets if one.name != "service_open_major" or settings.has_majors))


def values(view: View) -> dict[str, FloatArray]:
    """The columns of this family, by name."""
    settings, columns = view.settings, dict[str, NDArray[np.generic]]()
    if settings.service_kinds:
        columns |= _of_events(view)
    if settings.counts_service_tickets:
        columns |= _of_tickets(view)
    has_service = view.histories.is_named("service")[view.step]
    return {name: np.where(has_service, column, np.nan) for name, column in columns.items()}


def _declared_of(kind: str) -> Iterator[Feature]:
    question = _QUESTIONS[kind]
    if kind in ("outage", "degradation", "maintenance"):
        yield Feature(f"service_{kind}_now", FAMILY, "0 or 1", f"the service has a known {kind} going on", question)
    if kind == "outage":
        for word in _AGO:
            yield Feature(
                f"service_hours_since_outage_{word}",
                FAMILY,
                "hours",
                f"time since the last known outage of the service {word}, at most 30 days",
                question,
            )
    for days in _WINDOWS.get(kind, ()):
        span = "24 hours" if days == 1 else f"{days} days"
        yield Feature(f"service_{kind}s_{days}d", FAMILY, f"{kind}s", f"{kind}s of the service that began in the last {span}", question)  # fmt: skip
    if kind in ("maintenance", "change"):
        yield Feature(
            f"service_{kind}_ahead_1d", FAMILY, "0 or 1", f"a {kind} of the service is announced for the next 24 hours", question
        )  # fmt: skip


def _of_events(view: View) -> dict[str, NDArray[np.generic]]:
    services = view.histories.services
    found, keys = services.sums, _services(view)[view.step]
    columns = found.columns
    now, *before = view.sums(found.sums, found.timeline, keys, *(days * DAY_US for days in (0, 1, 7, 30)))
    out: dict[str, NDArray[np.generic]] = {}
    for kind in ("outage", "degradation", "maintenance"):
        out[f"service_{kind}_now"] = now[:, columns[kind, ON_NOW]] > 0
    for kind, windows in _WINDOWS.items():
        column = columns[kind, BEGUN]
        for days, then in zip((1, 7, 30), before, strict=True):
            if days in windows:
                out[f"service_{kind}s_{days}d"] = now[:, column] - then[:, column]
    for kind in ("maintenance", "change"):
        out[f"service_{kind}_ahead_1d"] = now[:, columns[kind, AHEAD]] > 0
    for word, what in _AGO.items():
        since_us = now[:, columns["outage", what]]
        hours = np.minimum((view.others_us - since_us) / HOUR_US, LONGEST_HOURS)
        out[f"service_hours_since_outage_{word}"] = hours
    return out


def _services(view: View) -> Int64Array:
    """After each step, the number of the ticket's service among the service histories, counted from 1; 0 for none of them."""
    histories = view.histories
    place_of = {name: place for place, name in enumerate(histories.services.names, start=1)}
    by_code = np.array([*(place_of.get(text, 0) for text in histories.values("service")), 0], np.int64)
    found: Int64Array = by_code[histories.codes("service")]
    return found


def _of_tickets(view: View) -> dict[str, NDArray[np.generic]]:
    held = Membership.of(view.histories, SERVICE)
    keys = held.keys[view.step]

    spans_us = DAY_US // 12, DAY_US, *(7 * DAY_US * week for week in range(1, WEEKS + 1))
    now, two_hours, day, *weeks = view.sums(held.sums, held.timeline, keys, 0, *spans_us)
    others = held.others(now, keys, view.step_before)
    usual = sum(then[:, OPEN] for then in weeks) / WEEKS
    usual_arrivals = (now - weeks[-1])[:, ARRIVED] / (7.0 * WEEKS)
    return {
        "service_open_ratio": (others[:, OPEN] + 1.0) / (usual + 1.0),
        "service_open_major": others[:, MAJOR],
        "service_inflow_2h": (now - two_hours)[:, ARRIVED],
        "service_inflow_ratio": ((now - day)[:, ARRIVED] + 1.0) / (usual_arrivals + 1.0),
        "service_reopened_7d": (now - weeks[0])[:, REOPENED],
    }
