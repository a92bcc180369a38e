"""What the tests of alerts are made of: rules without a file, tickets as the rules see them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from serving.alerting.deciding import Plan, decide
from serving.alerting.memory import Event, Memory, Notice
from serving.alerting.rules import AlertRules
from serving.alerting.sight import ClockSight, Sight
from serving.text_column import TextColumn
from sla.agreements.catalogue import Service
from sla.instants import NEVER_US, SECOND_US, to_us
from tests.serving.real_desk import AT, agreements

MINUTE_US = 60 * SECOND_US
START_US = to_us(AT)  # 14:30 on a Wednesday in Berlin, whose office is open from 8 to 18
DESK = {"desk": {"kind": "slack", "url_from": "HOOK"}}


def rules_of(*rules: Mapping[str, Any], max_per_hour: int = 1_000) -> AlertRules:
    """A file of these rules, each a risk rule above 60 % unless told otherwise."""
    written = []
    for number, rule in enumerate(rules or ({},)):
        kind = rule.get("kind", "risk")
        defaults = {"name": f"rule {number}", "kind": kind, "channels": ["desk"], "max_per_hour": 1_000}
        written.append({**defaults, **({"above": 0.6, "recovers_below": 0.4} if kind == "risk" else {}), **rule})
    return AlertRules.model_validate(
        {"slacast_alerts": 1, "max_per_hour": max_per_hour, "channels": DESK, "rules": written}
    )


def plan_of(*rules: Mapping[str, Any], **values: Any) -> Plan:
    return Plan(rules_of(*rules, **values), agreements())


def sight_of(minute: float, tickets: Mapping[str, Mapping[str, Any]]) -> Sight:
    """The tickets at so many minutes after the start. Of each: probability, share (used of the target), breached (minutes ago), texts."""
    at_us = START_US + round(minute * MINUTE_US)
    found = list(tickets.values())
    late = [ticket.get("breached") for ticket in found]
    clock = ClockSight(
        np.array([ticket.get("share", 0.5) for ticket in found], np.float64),
        np.array([ago is not None for ago in late], np.bool_),
        np.array([NEVER_US if ago is None else at_us - round(ago * MINUTE_US) for ago in late], np.int64),
        np.array([ticket.get("term", 0) for ticket in found], np.int32),
        ((0.5, 0.75), ()),
    )
    names = ("priority", "service", "category", "team", "assignee", "customer", "status", "waiting_on")
    return Sight(
        at_us,
        np.array(list(tickets), object),
        {name: TextColumn.of([ticket.get(name, "") for ticket in found]) for name in names},
        np.array([ticket.get("probability", np.nan) for ticket in found], np.float64),
        {"resolution": clock, "first_response": clock},
        {"ERP": Service(criticality="critical")},
    )


class Desk:
    """Decides at instants one after the other and remembers, as the service does."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.memory = plan, Memory()
        self.all: list[Notice] = []

    def at(self, minute: float, **tickets: Mapping[str, Any] | float) -> list[tuple[str, str]]:
        """The notices of an instant as (event, subject); a ticket that is given as a number has that probability."""
        seen = {name: {"probability": one} if isinstance(one, int | float) else one for name, one in tickets.items()}
        notices = decide(self.plan, self.memory, sight_of(minute, seen))
        self.memory.remember(notices)
        self.all += notices
        return [(notice.event.value, notice.subject) for notice in notices]

    def raised_us(self, rule: str | None = None) -> list[int]:
        return [one.at_us for one in self.all if one.event is Event.RAISED and rule in (None, one.rule)]
