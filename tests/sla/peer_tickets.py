"""Tickets in the answer keys of other systems, told to our clocks: their events as ours, their conventions as our policies."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sla.agreements.agreement_set import AgreementSet
from sla.clocks.ticket_clocks import replay_ticket
from sla.clocks.verdict import Verdict
from sla.clocks.verdicts import VerdictState
from sla.events import TicketEvent
from sla.instants import from_us, to_us
from sla.working_time.calendar_errors import CalendarError
from tests.sla.peer_vectors import business_time, instant

Vector = dict[str, Any]
STANDS = [{"status": "waiting"}, {"status": "closed"}]
PEER_EVENTS: dict[str, dict[str, str]] = {
    "customer_contact": {"kind": "commented", "actor_kind": "customer"},
    "agent_contact": {"kind": "commented", "actor_kind": "agent"},
    "first_response": {"kind": "updated", "attributes.first_response": "yes"},
    "pause": {"kind": "status", "status": "waiting"},
    "resume": {"kind": "status", "status": "open"},
    "close": {"kind": "status", "status": "closed"},
    "reopen": {"kind": "status", "status": "open"},
    "sla_unmatched": {"kind": "updated", "attributes.agreement": "none"},
    "sla_attached": {"kind": "updated", "attributes.agreement": "sla"},
    "ola_attached": {"kind": "updated", "attributes.agreement": "ola"},
}
METRICS = {"first_response": "first_response", "update": "next_response", "resolution": "resolution"}
RULES: dict[str, dict[str, Any]] = {
    "first_response": {"stop": {"attributes.first_response": "yes"}},
    "next_response": {
        "stop": {"kind": "commented", "actor_kind": "agent"},
        "stays_stopped": {"attributes.none": "ever"},
    },
    "resolution": {"stop": {"status": "closed"}},
}


def _agreements(vector: Vector, targets: list[dict[str, Any]], **policies: Any) -> AgreementSet:
    spec = business_time(vector["calendar"]).spec.model_dump(mode="json", by_alias=True, exclude_none=True)
    text = {"slacast": 1, "policies": policies, "calendars": {"peer": spec}}
    agreement = {"name": "peer", "owner": "peer", "calendar": "peer", "targets": targets}
    return AgreementSet.model_validate({**text, "agreements": [agreement]})


def _goal(length: str) -> list[dict[str, Any]]:
    return [{"applies_to": {"attributes.agreement": {"not": "none"}}, "within": length}]


def _events(vector: Vector, created: datetime) -> list[TicketEvent]:
    opening = {"kind": "created", "status": "open"}
    if any(event["type"] in ("sla_attached", "ola_attached") for event in vector.get("events", [])):
        opening["attributes.agreement"] = "none"  # until then
    known = [("", created, opening)]
    known += [("", at, values) for at, values in _hold(vector, created)]
    known += [
        (event["type"], instant(event["at"]), PEER_EVENTS[event["type"]])
        for event in vector.get("events", [])
        if "at" in event
    ]
    # Peers list what is recorded in one save together; our ids give such ties their order.
    return [
        TicketEvent("T", f"{number:03d}", to_us(at), to_us(at), values) for number, (_, at, values) in enumerate(known)
    ]


def _hold(vector: Vector, created: datetime) -> list[tuple[datetime, dict[str, str]]]:
    """A pause of so many working seconds without an instant: it is put at the very beginning."""
    seconds = sum(event["seconds"] for event in vector.get("events", []) if event["type"] == "hold_seconds")
    if not seconds:
        return []
    resumed = business_time(vector["calendar"]).due(created, seconds)
    return [(created, PEER_EVENTS["pause"]), (resumed, PEER_EVENTS["resume"])]


def ticket(vector: Vector) -> dict[str, Any]:
    created = instant(vector["created"])
    pausing = vector.get("pause_applies_to", [])
    targets = [
        {
            "metric": METRICS[name],
            "goals": _goal(f"{seconds} s"),
            **RULES[METRICS[name]],
            **({"pause": STANDS} if name in pausing else {}),
        }
        for name, seconds in vector["targets"].items()
    ]
    attached = any(event["type"] == "ola_attached" for event in vector.get("events", []))
    known = _agreements(vector, targets, retroactive_start=not attached)
    events = _events(vector, created)
    at = instant(vector["now"]) if "now" in vector else max(from_us(event.at_us) for event in events)
    answers: dict[str, Any] = {}
    verdicts: dict[str, list[Verdict]] = {}
    for name in vector["targets"]:
        verdicts[name] = replay_ticket(events, known, at, targets=[METRICS[name]], earlier=True)
        answers |= _answers(name, verdicts[name])
    dues = [answers[f"{name}_due"] for name in vector["targets"] if answers.get(f"{name}_due") is not None]
    answers["next_due"] = min(dues, default=None)
    answers["paused_s"] = verdicts["resolution"][-1].paused_seconds if "resolution" in verdicts else None
    answers["status"] = _status({name: found[-1] for name, found in verdicts.items()})
    for name in METRICS:
        answers.setdefault(f"{name}_due", None)
    return answers


def _answers(name: str, verdicts: list[Verdict]) -> dict[str, Any]:
    current = verdicts[-1]
    runs = current.stopped_at is None and current.started_at is not None and "paused" not in current.state.words
    answers: dict[str, Any] = {f"{name}_due": current.due_at if runs else None}
    ended = [verdict for verdict in verdicts if verdict.stopped_at is not None]
    if ended:
        # Of several exchanges the longest is reported.
        longest = max(ended, key=lambda verdict: verdict.elapsed_seconds)
        remaining = longest.remaining_seconds or 0.0
        answers |= {
            f"{name}_elapsed_s": longest.elapsed_seconds,
            f"{name}_elapsed_minutes_floor": longest.elapsed_seconds // 60,
            f"{name}_remaining_s": remaining,
            f"{name}_overrun_s": -remaining if longest.is_breached else None,
            f"{name}_breached": longest.is_breached,
        }
    return answers


def _status(verdicts: dict[str, Verdict]) -> str:
    if any(verdict.is_breached for verdict in verdicts.values()):
        return "failed"
    if any(verdict.state is VerdictState.PAUSED for verdict in verdicts.values()):
        return "paused"
    return next(
        (f"{name}_due" for name, verdict in verdicts.items() if verdict.state is VerdictState.RUNNING), "fulfilled"
    )


def _marked(vector: Vector, seconds: float, at: datetime) -> Verdict:
    """A clock that begins at a marked instant, with pauses from before it in force."""
    begin = instant(vector["start"])
    target = {
        "metric": "counted",
        "start": {"attributes.mark": "start"},
        "stop": {"attributes.mark": "stop"},
        "pause": STANDS,
        "goals": _goal(f"{seconds} s"),
    }
    marks = [
        (begin, {"kind": "created", "attributes.mark": "start"}),
        *((instant(event["at"]), PEER_EVENTS[event["type"]]) for event in vector.get("events", [])),
    ]
    events = [
        TicketEvent("T", f"{number:03d}", to_us(when), to_us(when), values)
        for number, (when, values) in enumerate(marks)
    ]
    (verdict,) = replay_ticket(events, _agreements(vector, [target]), at)
    return verdict


def elapsed_paused(vector: Vector) -> dict[str, Any]:
    return {"seconds": _marked(vector, 1, instant(vector["end"])).elapsed_seconds}


def add_paused(vector: Vector) -> dict[str, Any]:
    last = max([instant(vector["start"]), *(instant(event["at"]) for event in vector.get("events", []))])
    return {"at": _marked(vector, vector["seconds"], last).due_at}


def _glpi(vector: Vector, offset_s: float) -> Verdict:
    amount, unit, created = vector["target"]["amount"], vector["target"]["unit"], instant(vector["created"])
    calendar = business_time(vector["calendar"]).spec
    if unit == "day":
        rule = "roll_end_of_day" if vector["target"].get("end_of_working_day") else "roll_by_closing"
        calendar, length = calendar.model_copy(update={"day_rule": rule}), f"{amount} working days"
    else:
        length = f"{amount * (60 if unit == 'minute' else 3600) + offset_s} s"
    target: dict[str, Any] = {"metric": "resolution", "goals": [{"within": length}]}
    if vector.get("pauses_apply", True):
        target["pause"] = {"status": "waiting"}
    agreement = {"name": "peer", "owner": "peer", "calendar": "peer", "targets": [target]}
    known = AgreementSet.model_validate({"slacast": 1, "calendars": {"peer": calendar}, "agreements": [agreement]})
    marks = [(created, {"kind": "created", "status": "open"})]
    for begin, end in vector.get("pauses", []):
        marks += [(instant(begin), PEER_EVENTS["pause"]), (instant(end), PEER_EVENTS["resume"])]
    events = [
        TicketEvent("T", f"{number:03d}", to_us(at), to_us(at), values) for number, (at, values) in enumerate(marks)
    ]
    (verdict,) = replay_ticket(events, known, max(at for at, _ in marks))
    return verdict


def glpi_target(vector: Vector) -> dict[str, Any]:
    verdict = _glpi(vector, 0)
    answers = {"due": verdict.due_at, "paused_s": verdict.paused_seconds}
    offset_s = vector.get("escalation_offset")
    if offset_s is not None and vector["target"]["unit"] == "day" and verdict.due_at is not None:
        answers["escalation_at"] = business_time(vector["calendar"]).due(verdict.due_at, offset_s)
    elif offset_s is not None:
        answers["escalation_at"] = _glpi(vector, offset_s).due_at
    return answers


OPERATIONS: dict[str, Callable[[Vector], dict[str, Any]]] = {
    "ticket": ticket,
    "elapsed_paused": elapsed_paused,
    "add_paused": add_paused,
    "glpi_target": glpi_target,
}


def differences(vector: Vector) -> list[str]:
    """What we answer otherwise than the peer, in words; a wrong answer of the peer's that its key corrects counts as ours."""
    try:
        answers = OPERATIONS[vector["op"]](vector)
    except CalendarError as error:
        return [f"we refuse it: {error}"]
    found = []
    for key, expected in vector["expect"].items():
        # Where a key gives the answer under our convention beside the peer's, ours must be that.
        answer = answers.get(key.removesuffix("_close_convention"))
        if not _agrees(answer, expected):
            found.append(f"{key}: we say {answer}, the peer {expected}")
    return found


def _agrees(answer: Any, expected: Any) -> bool:
    if isinstance(expected, str) and isinstance(answer, datetime):
        return answer == instant(expected)
    if isinstance(expected, int | float) and isinstance(answer, int | float) and not isinstance(expected, bool):
        return abs(answer - expected) < 1e-6
    return bool(answer == expected)


def convention(vector: Vector) -> str | None:
    """The convention, defined in docs/vectors.md, in which the peer differs from us for this vector; None without one."""
    if vector.get("boundary") == "open" or (vector["op"] == "glpi_target" and _one_opening_later(vector)):
        return "due at the next opening"
    if vector.get("tolerance_s") and _within_tolerance(vector):
        return "whole minutes"
    if vector.get("target", {}).get("unit") == "day":
        return "another day rule"
    if vector.get("policy") or vector.get("peer_semantics") == "wall_clock":
        return "wall clock"
    return None


def _one_opening_later(vector: Vector) -> bool:
    """Whether each instant that differs is the peer's at the next opening and ours at the closing before it."""
    answers, calendar = OPERATIONS[vector["op"]](vector), business_time(vector["calendar"])
    return all(
        _agrees(answers.get(key), expected)
        or (isinstance(answers.get(key), datetime) and _agrees(calendar.next_open(answers[key]), expected))
        for key, expected in vector["expect"].items()
    )


def _within_tolerance(vector: Vector) -> bool:
    answers, tolerance = OPERATIONS[vector["op"]](vector), timedelta(seconds=vector["tolerance_s"])
    for key, expected in vector["expect"].items():
        answer = answers.get(key)
        if isinstance(expected, str) and isinstance(answer, datetime):
            if abs(answer - instant(expected)) > tolerance:
                return False
        elif isinstance(answer, float | int) and abs(answer - expected) > vector["tolerance_s"]:
            return False
    return True
