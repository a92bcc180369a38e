"""What happens to a ticket's service, in plain loops over service events and tickets."""

from __future__ import annotations

import itertools
import math

from tests.features.slow_desk import DAY_US, HOUR_US, Happening, SlowDesk, Step

MONTH_US = 30 * DAY_US
NAMES = (
    "service_outage_now", "service_hours_since_outage_began", "service_hours_since_outage_ended",
    "service_outages_1d", "service_outages_7d", "service_outages_30d",
    "service_degradation_now", "service_degradations_1d", "service_degradations_7d", "service_degradations_30d",
    "service_maintenance_now", "service_maintenance_ahead_1d",
    "service_changes_1d", "service_changes_7d", "service_change_ahead_1d", "service_alerts_1d",
    "service_open_ratio", "service_open_major", "service_inflow_2h", "service_inflow_ratio", "service_reopened_7d",
)  # fmt: skip


def slow_service(desk: SlowDesk, ticket: str, steps: list[Step], before_us: int) -> dict[str, float]:
    """The service family of one ticket; missing where it names no service."""
    service = steps[-1].get("service")
    if not service:
        return dict.fromkeys(NAMES, math.nan)
    row = _of_events([one for one in desk.happenings if one.service == service], before_us)
    return row | _of_tickets(desk, ticket, service, before_us)


def _of_events(happenings: list[Happening], before_us: int) -> dict[str, float]:
    seen = [one for one in happenings if one.known_us < before_us]
    row: dict[str, float] = {}
    for kind in ("outage", "degradation", "maintenance"):
        row[f"service_{kind}_now"] = _goes_on([one for one in seen if one.kind == kind])
    for kind, windows in (("outage", (1, 7, 30)), ("degradation", (1, 7, 30)), ("change", (1, 7)), ("alert", (1,))):
        for days in windows:
            row[f"service_{kind}s_{days}d"] = sum(
                one.kind == kind and one.phase != "end" and one.known_us >= before_us - days * DAY_US for one in seen
            )
    for kind in ("maintenance", "change"):
        row[f"service_{kind}_ahead_1d"] = any(
            one.kind == kind
            and one.phase != "end"
            and one.recorded_us < one.at_us
            and one.recorded_us < before_us <= one.at_us < before_us + DAY_US
            for one in happenings
        )
    for word, without in (("began", "end"), ("ended", "start")):
        instants = [one.at_us for one in seen if one.kind == "outage" and one.phase != without]
        row[f"service_hours_since_outage_{word}"] = min(before_us - max(instants, default=0), MONTH_US) / HOUR_US
    return row


def _goes_on(happenings: list[Happening]) -> bool:
    going_on = 0
    for one in sorted(happenings, key=lambda one: (one.known_us, one.phase == "end", one.at_us, one.event_id)):
        going_on = max(going_on + {"start": 1, "end": -1, "point": 0}[one.phase], 0)
    return going_on > 0


def _of_tickets(desk: SlowDesk, ticket: str, service: str, before_us: int) -> dict[str, float]:
    now = [one for one in _open(desk, service, before_us) if one[0] != ticket]
    usual = sum(len(_open(desk, service, before_us - week * 7 * DAY_US)) for week in (1, 2, 3, 4)) / 4
    month = _came(desk, service, before_us - 28 * DAY_US, before_us) / 28
    return {
        "service_open_ratio": (len(now) + 1) / (usual + 1),
        "service_open_major": sum(step.get("priority") == "high" for _, step in now),
        "service_inflow_2h": _came(desk, service, before_us - 2 * HOUR_US, before_us),
        "service_inflow_ratio": (_came(desk, service, before_us - DAY_US, before_us) + 1) / (month + 1),
        "service_reopened_7d": _reopened(desk, service, before_us - 7 * DAY_US, before_us),
    }


def _open(desk: SlowDesk, service: str, before_us: int) -> list[tuple[str, Step]]:
    found = []
    for ticket in desk.tickets():
        steps = desk.steps_until(ticket, before_us - 1)
        if steps and steps[-1].is_open and steps[-1].get("service") == service:
            found.append((ticket, steps[-1]))
    return found


def _came(desk: SlowDesk, service: str, from_us: int, before_us: int) -> int:
    count = 0
    for steps in desk.steps.values():
        was_here = False
        for step in steps:
            is_here = step.is_open and step.get("service") == service
            count += from_us <= step.known_us < before_us and is_here and not was_here
            was_here = is_here
    return count


def _reopened(desk: SlowDesk, service: str, from_us: int, before_us: int) -> int:
    count = 0
    for steps in desk.steps.values():
        for was, step in itertools.pairwise(steps):
            back = step.is_open and not was.is_open and step.get("service") == service
            count += back and from_us <= step.known_us < before_us
    return count
