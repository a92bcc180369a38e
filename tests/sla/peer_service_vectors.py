"""How our availability and budgets answer the answer keys of other systems."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sla.instants import SECOND_US
from sla.services.availability import availability
from sla.services.error_budget import (
    bad_slices_until_missed,
    burn_rate_factor,
    error_budget,
    proportional_rules,
    workbook_rules,
)
from sla.services.service_history import ServiceError, ServiceHistory, ServiceState

Vector = dict[str, Any]
STATES = {0: ServiceState.AVAILABLE, 1: ServiceState.AVAILABLE, 2: ServiceState.DOWN, 99: ServiceState.UNKNOWN}
SEVERITIES = {"page": "critical", "ticket": "warning"}  # the peers' words for them


def _history(events: list[Vector]) -> ServiceHistory:
    changes = [event for event in events if event["type"] == "state"]
    planned = [event for event in events if event["type"] == "downtime"]
    current = [STATES[event["state"]] for event in events if event["type"] == "current_state"]
    return ServiceHistory.from_changes(
        np.array([change["time"] * SECOND_US for change in changes], np.int64),
        np.array([STATES[change["state"]] for change in changes], np.int8),
        np.array([STATES[change["previous"]] for change in changes], np.int8),
        current=current[0] if current else None,
        maintenance=(
            np.array([downtime["start"] * SECOND_US for downtime in planned], np.int64),
            np.array([downtime["end"] * SECOND_US for downtime in planned], np.int64),
        ),
    )


def available(vector: Vector) -> Vector:
    start, end = (np.array([second * SECOND_US], np.int64) for second in vector["window"])
    percent = 100 * float(availability(_history(vector["events"]), start, end).share[0])
    return {"ok_percent": round(percent, 4)}


def refused(run: Callable[[Vector], object]) -> Callable[[Vector], Vector]:
    def attempt(vector: Vector) -> Vector:
        try:
            run(vector)
        except ServiceError:
            return {"error": True}
        return {"error": False}

    return attempt


def factor(vector: Vector) -> Vector:
    value = burn_rate_factor(vector["period_s"], vector["budget_percent"], vector["long_window_s"])
    if vector["period_s"] >= 28 * 86_400:  # a week needs windows of its own; these are the workbook's
        rules = {(rule.long_seconds, rule.short_seconds): rule.factor for rule in workbook_rules(vector["period_s"])}
        assert abs(rules[vector["long_window_s"], vector["short_window_s"]] - value) < 1e-9
    budget = error_budget(vector["objective_percent"] / 100, total=100)
    return {"factor": value, "error_budget_percent": round(budget.allowed, 9)}


def window(vector: Vector) -> Vector:
    """The rule of ours whose windows the peer names."""
    expected = vector["expect"]
    for rule in proportional_rules(vector["period_s"]):
        if (rule.long_seconds, rule.short_seconds) == (expected["long_window_s"], expected["short_window_s"]):
            return {
                "severity": SEVERITIES[rule.severity],
                "for_s": rule.hold_seconds,
                "long_window_s": rule.long_seconds,
                "short_window_s": rule.short_seconds,
                "factor": rule.factor,
            }
    return dict.fromkeys(expected)


def report(vector: Vector) -> Vector:
    good, bad = vector.get("good"), vector.get("bad")
    if "sli" in vector:
        good, bad = vector["sli"], 1 - vector["sli"]
    total = (good or 0) + (bad or 0)
    if total == 0 or ("min_events" in vector and total < vector["min_events"]):
        return {"valid": False}
    budget = error_budget(vector["objective"], total, bad)
    minutes = error_budget(vector["objective"], vector["window_s"] / 60, vector["window_s"] / 60 * bad / total)
    return {
        "valid": True,
        "sli": round(budget.attained, 9),
        "gap": round(budget.attained - vector["objective"], 9),
        "error_budget": round(1 - vector["objective"], 9),
        "burn_rate": round(budget.burn_rate, 1),
        "error_minutes": round(minutes.lost, 9),
        "error_budget_minutes": round(minutes.allowed, 9),
        "error_budget_remaining_minutes": round(minutes.remaining, 9),
        "alert": budget.burn_rate > vector["burn_rate_threshold"],
    }


def budget(vector: Vector) -> Vector:
    objective, slices = vector["objective"], vector.get("window_s", 0) / vector.get("slice_s", 60)
    answer: Vector = {"slices": slices, "bad_slices_allowed": round(slices * (1 - objective), 6)}
    total = vector.get("total_events", vector.get("window_s"))
    allowed = round(error_budget(objective, total).allowed, 6)
    answer |= {"bad_events_allowed": allowed, "seconds_allowed": allowed}
    if "attack_ratio" in vector:
        minutes = bad_slices_until_missed(objective, int(slices), vector["normal_ratio"], vector["attack_ratio"])
        answer["attack_minutes"] = round(minutes, 1)
    return answer


SERVICE_OPERATIONS: dict[str, Callable[[Vector], Vector]] = {
    "availability": available,
    "availability_error": refused(available),
    "burn_rate_factor": factor,
    "burn_rate_window": window,
    "burn_rate_error": refused(lambda vector: workbook_rules(vector["period_s"])),
    "slo_report": report,
    "budget": budget,
}
