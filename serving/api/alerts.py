"""GET /api/v1/alerts."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Annotated, Any, Literal

import pandas as pd
from fastapi import APIRouter, Depends, Query, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from serving.access.caller import Caller
from serving.access.decisions import Demand, Guarded
from serving.access.roles import Permission
from serving.alerting.memory import SENT, Event
from serving.alerting.rules import SERVICE_KINDS
from serving.api.problem_schemas import problems
from serving.service import service_of

router = APIRouter(tags=["alerts"], route_class=Guarded)
_NUMBER = Query(ge=1, le=2**53, description="The `next_before` of the page before.")
_EXAMPLE: dict[str, Any] = {
    "is_on": True,
    "problem": "Alerts are not told: StoreError: the disk is full; nothing was stored",
    "alerts": [
        {
            "number": 812,
            "id": "5d0c6f5a8f0a4f0e9a3a1c2b7d8e9f00",
            "rule": "Likely to be late",
            "subject_kind": "ticket",
            "subject": "INC0016968",
            "event": "raised",
            "raised_at": "2026-07-06T08:15:00Z",
            "severity": "warning",
            "message": "INC0016968 is likely to miss its resolution target, 64 %: priority 2, Network, nobody's yet (Likely to be late)",
            "value": 0.64,
            "ticket_ids": ["INC0016968"],
        }
    ],
    "next_before": 812,
    "held_back_in_the_last_hour": 12,
    "still_to_send": 1,
    "dead_letters": [
        {"number": 790, "channel": "pager", "given_up_at": "2026-07-06T07:02:11Z", "detail": "answered 500"}
    ],
}


class AlertLine(BaseModel):
    """One notice. `id` is its idempotency key; the same subject and rule mark what belongs together."""

    number: int
    id: str
    rule: str
    subject_kind: Literal["ticket", "service", "team", "customer", "rule"]
    subject: str
    event: Literal["raised", "recovered", "summary"] = Field(
        description="`summary`: how many were held back in an hour."
    )
    raised_at: AwareDatetime = Field(description="By the desk's clock.")
    severity: str
    message: str
    value: float | None = Field(
        description="Of the worst ticket its probability or share of the target used; of a service its probability of an outage or its burn rate."
    )
    ticket_ids: list[str] = Field(description="The worst ten tickets, the worst first; none of a service's own alerts.")


class DeadLetter(BaseModel):
    """A notice that was given up on a channel."""

    number: int = Field(description="Of the alert.")
    channel: str
    given_up_at: AwareDatetime
    detail: str = Field(description="What the last attempt met.")


class AlertPage(BaseModel):
    """A page of alerts, newest first, and how their delivery stands."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    is_on: bool = Field(description="Whether this process has alert rules; another one may.")
    problem: str | None = Field(description="Why no alerts are told at present, if so.")
    alerts: list[AlertLine]
    next_before: int | None = Field(description="Pass as `before` for the next page; null on the last.")
    held_back_in_the_last_hour: int = Field(description="Alerts beyond the bounds, by the desk's clock.")
    still_to_send: int = Field(description="Deliveries that wait, for the first or another attempt.")
    dead_letters: list[DeadLetter] = Field(
        description="The last hundred that were given up. Only for callers who see all teams and services."
    )


@router.get("/alerts", responses=problems(401, 403, 422, 429, 503), summary="What was told, held back and given up")
def read_alerts(
    request: Request,
    caller: Annotated[Caller, Depends(Demand(Permission.READ))],
    before: Annotated[int | None, _NUMBER] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> AlertPage:
    """The alerts, newest first. Callers who see some teams or services get those whose tickets they may all see."""
    service = service_of(request)
    alerts = service.written().alerts
    found = alerts.recent(limit + 1, before, [event.value for event in SENT])
    rows = found.iloc[:limit].to_dict("records")
    sees_all = caller.scope.is_everything
    lines = [_line(row) for row in rows if sees_all or _is_seen(row, caller)]
    dead = alerts.dead_letters() if sees_all else pd.DataFrame()
    return AlertPage(
        is_on=service.watchman is not None,
        problem=service.watchman.problem if service.watchman else None,
        alerts=lines,
        next_before=int(rows[-1]["alert_id"]) if len(found) > limit else None,
        held_back_in_the_last_hour=alerts.count(Event.HELD.value, service.clock() - timedelta(hours=1)),
        still_to_send=alerts.still_to_send(),
        dead_letters=[
            DeadLetter(
                number=row["alert_id"],
                channel=row["channel"],
                given_up_at=row["attempted_at"],
                detail=row["detail"] or "",
            )
            for row in dead.to_dict("records")
        ],
    )


def _line(row: dict[Any, Any]) -> AlertLine:
    details = json.loads(row["details"])
    named = {
        name: row[name] for name in ("rule", "subject_kind", "subject", "event", "raised_at", "severity", "message")
    }
    return AlertLine(
        number=row["alert_id"],
        id=row["key"],
        value=details["value"],
        ticket_ids=[ticket["ticket_id"] for ticket in details["tickets"]],
        **named,
    )


def _is_seen(row: dict[Any, Any], caller: Caller) -> bool:
    """True where every ticket it tells of is known and may be seen; of a service, where the service may."""
    details = json.loads(row["details"])
    if details["kind"] in SERVICE_KINDS:
        return not caller.scope.teams and caller.scope.holds("", row["subject"])
    tickets = details["tickets"]
    are_all_named = 0 < details["ticket_count"] == len(tickets)
    return are_all_named and all(caller.scope.holds(ticket["team"], ticket["service"]) for ticket in tickets)
