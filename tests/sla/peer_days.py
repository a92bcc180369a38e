"""How the answer keys of other systems count working days: their rules in words, and which of ours each one is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import date
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from sla.instants import to_us
from sla.working_time.working_days import DAY_RULES as OUR_RULES
from sla.working_time.working_days import WorkingDays
from tests.sla.peer_vectors import Answer, Vector, agrees, business_time, instant, vectors

# How the peers that we know describe the way they add working days.
DAY_RULES = {
    "next day that has business hours, same clock time, then roll to the next (previous) open moment": "same_time",
    "adding N business days: first roll an unworked start to the next worked day's opening, then step; "
    "a start outside hours rolls to opening (business_time semantics)": "roll_first",
}
EDGES: dict[str, dict[str, bool]] = {
    "first": {},
    "both": {"inclusive": True},
    "last": {"inclusive": True, "after_first": True},
}


def elapsed_days(vector: Vector) -> Answer:
    days = WorkingDays(business_time(vector["calendar"]))
    start, end = to_us(instant(vector["start"])), to_us(instant(vector["end"]))
    fraction = float(days.elapsed_days(np.array([start]), np.array([end]))[0])
    return {"days_fraction": fraction, "whole_days": int(fraction)}


def add_days(vector: Vector) -> Answer:
    rule = day_rule(vector)
    if rule is None:
        return {"at": None, "date": None, "days": None}
    return _added(vector, rule)


def _added(vector: Vector, rule: str) -> Answer:
    working = business_time(vector["calendar"])
    at = WorkingDays(working).add(instant(vector["start"]), vector["days"], rule)
    return {"at": at, "date": at.astimezone(ZoneInfo(working.zone)).date().isoformat()}


def day_rule(vector: Vector) -> str | None:
    """Our name for the rule in which a vector adds working days; None when no rule of ours gives all its peer's answers."""
    if vector["rule"] in DAY_RULES and not vector.get("end_of_day"):
        return DAY_RULES[vector["rule"]]
    return _identified()[vector["rule"], bool(vector.get("end_of_day"))]


@cache
def _identified() -> dict[tuple[str, bool], str | None]:
    """For each rule as peers put it: the first of ours that gives every answer there is under it, all or nothing."""
    by_rule: dict[tuple[str, bool], list[Vector]] = defaultdict(list)
    for vector in vectors():
        if vector["op"] == "add_days":
            by_rule[vector["rule"], bool(vector.get("end_of_day"))].append(vector)
    return {
        rule: next((name for name in OUR_RULES if all(agrees(vector, _added(vector, name)) for vector in those)), None)
        for rule, those in by_rule.items()
    }


def days_between(vector: Vector) -> Answer:
    first, last = date.fromisoformat(vector["start"]), date.fromisoformat(vector["end"])
    days = WorkingDays(business_time(vector["calendar"]))
    if "rule" in vector:
        return {"days": days.between(first, last, **EDGES[counted_edges()[vector["rule"]] or "first"])}
    return {"days": days.between(first, last, inclusive=bool(vector.get("inclusive")))}


@cache
def counted_edges() -> dict[str, str | None]:
    """For each way of counting that a peer puts in words: which edges it counts, if one way gives all its answers."""
    by_rule: dict[str, list[Vector]] = defaultdict(list)
    for vector in vectors():
        if vector["op"] == "days_between" and "rule" in vector:
            by_rule[vector["rule"]].append(vector)
    return {
        rule: next((name for name in EDGES if all(_counts(vector, name) for vector in those)), None)
        for rule, those in by_rule.items()
    }


def _counts(vector: Vector, edges: str) -> bool:
    first, last = date.fromisoformat(vector["start"]), date.fromisoformat(vector["end"])
    days = WorkingDays(business_time(vector["calendar"]))
    return days.between(first, last, **EDGES[edges]) == vector["expect"]["days"]


DAY_OPERATIONS: dict[str, Callable[[Vector], Any]] = {
    "elapsed_days": elapsed_days,
    "add_days": add_days,
    "days_between": days_between,
}
