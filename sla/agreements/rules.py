"""When a clock starts, waits, stops and begins anew: what a target says, with the defaults of its metric filled in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sla.agreements.conditions import Clause, Condition, asks_about_event
from sla.agreements.policies import Policies
from sla.agreements.targets import Target

ONCE, EVERY_START, ON_REOPEN = "once", "every_start", "on_reopen"


def _when(**attributes: Any) -> Condition:
    return (Clause.model_validate(attributes),)


OPENED = _when(opened=True)
DONE = _when(status=["resolved", "closed"])
RESOLVED, CLOSED, CANCELLED = _when(status="resolved"), _when(status="closed"), _when(status="cancelled")
AGENT_REPLY = _when(kind="commented", actor_kind="agent")
CUSTOMER_CONTACT = _when(kind="commented", actor_kind="customer")
AGENT_ACTION = _when(actor_kind="agent", opened=False)
FIRST_RESPONSES: dict[str, Condition] = {
    "public_reply": AGENT_REPLY,
    "any_action": AGENT_ACTION,
    "status_change": _when(changed="status", actor_kind="agent"),
    "assignment": _when(changed="assignee"),
}
MERGED = _when(kind="merged")
TEAM_CHANGE = _when(changed="team")
WITH_SUPPLIER = _when(status="waiting", waiting_on="supplier")


@dataclass(frozen=True)
class Rules:
    """When the clock of a target starts, waits, stops, begins anew and is void; None = never (start always has one)."""

    start: Condition
    pause: Condition | None
    runs_while: Condition | None
    stop: Condition | None
    stays_stopped: Condition | None
    reset: Condition | None
    cancel: Condition | None
    repeat: str


def resolve_rules(target: Target, policies: Policies, party: str) -> Rules:
    """The rules of a target with the defaults of its metric and policies filled in."""
    default = _default_rules(target.metric, policies, party)
    stop = target.stop or default.stop
    repeat = target.repeat or default.repeat
    if target.metric not in _DEFAULTS and target.repeat is None and stop is not None and not asks_about_event(stop):
        repeat = ON_REOPEN
    if repeat == ON_REOPEN and policies.reopen == "final":
        repeat = ONCE
    reset = target.reset or default.reset
    if policies.reassign == "restart":
        reset = (reset or ()) + TEAM_CHANGE
    return Rules(
        start=target.start or default.start,
        pause=target.pause or default.pause,
        runs_while=target.runs_while or default.runs_while,
        stop=stop,
        stays_stopped=target.stays_stopped or default.stays_stopped,
        reset=reset,
        cancel=target.cancel or default.cancel,
        repeat=repeat,
    )


def _rules(start: Condition, stop: Condition, repeat: str, **others: Condition | None) -> Rules:
    blank: dict[str, Condition | None] = dict.fromkeys(("pause", "runs_while", "stays_stopped", "reset"))
    return Rules(start=start, stop=stop, repeat=repeat, cancel=CANCELLED, **{**blank, **others})


_DEFAULTS: dict[str, Rules] = {
    "first_response": _rules(OPENED, DONE, ONCE),
    "next_response": _rules(CUSTOMER_CONTACT, AGENT_REPLY, EVERY_START, stays_stopped=DONE),
    "periodic_update": _rules(OPENED, DONE, ON_REOPEN, reset=AGENT_REPLY),
    "resolution": _rules(OPENED, RESOLVED, ON_REOPEN, stays_stopped=CLOSED),
    "team_time": _rules(OPENED, RESOLVED, ON_REOPEN, stays_stopped=CLOSED),
    "supplier_time": _rules(WITH_SUPPLIER, RESOLVED, ON_REOPEN, stays_stopped=CLOSED, runs_while=WITH_SUPPLIER),
}
_CUSTOM = _rules(OPENED, DONE, ONCE)


def _default_rules(metric: str, policies: Policies, party: str) -> Rules:
    rules = _DEFAULTS.get(metric, _CUSTOM)
    if metric == "first_response":
        return replace(rules, stop=FIRST_RESPONSES[policies.first_response] + DONE)
    if metric == "team_time" and policies.ola_start == "assignment":
        held = _when(team=party)
        return replace(rules, start=held, runs_while=held)
    return rules
