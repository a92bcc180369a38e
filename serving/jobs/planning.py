"""Jobs of the planner: a desk fitted from the history is asked what if, or how many people it takes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, ValidationInfo, field_validator

from serving.access.roles import Permission
from serving.jobs.kinds import JobArguments, JobKind, JobOrder, options

Factor = Annotated[float, Field(gt=0.01, lt=20)]
Name = Annotated[str, Field(min_length=1, max_length=200)]


class OutageArguments(JobArguments):
    """A service that fails on the first such weekday of the simulated weeks, or `week` - 1 weeks later."""

    service: Name
    weekday: Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"] = "tue"
    hour: Annotated[float, Field(ge=0, lt=24)] = 10.0
    minutes: Annotated[float, Field(gt=0, le=10_080)] = 180.0
    tickets_per_hour: Annotated[float, Field(gt=0, le=10_000)] = 30.0
    week: Annotated[int, Field(ge=1, le=26)] = 1


EXAMPLE: dict[str, Any] = {
    "arrivals": 1.1,
    "people": {"Network": 2},
    "shifts": {"Network": "10:00-18:30 mon-fri"},
    "policy": "suggested",
    "outage": {"service": "VPN", "weekday": "tue", "hour": 10, "minutes": 180},
}

_FIGURES = {
    "tickets": 412.0,
    "attainment": 0.91,
    "breaches": 37.0,
    "penalty": 188.0,
    "mean_lateness_hours": 1.4,
    "backlog": 61.2,
    "open_at_end": 58.0,
    "occupancy": 0.78,
    "median_hours": 5.1,
}
EXAMPLE_LOCKED: dict[str, Any] = {
    "handling": 0.9,
    "weeks": 2,
    "runs": 2,
    "baseline": {
        "as_of": "2026-07-06T08:15:00+00:00",
        "fingerprint": "5b0e4c1f9a77d230",
        "start": "2026-06-08T00:00:00+02:00",
        "weeks": 2,
        "seeds": [1, 2],
        "runs": [_FIGURES, _FIGURES | {"breaches": 41.0, "attainment": 0.9}],
    },
}


class SimulateArguments(JobArguments):
    """What is different from the desk as it is; with `staff` instead: how many people that team needs."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE, EXAMPLE_LOCKED]})

    arrivals: Annotated[Factor, Field(description="So many times the tickets.")] = 1.0
    handling: Annotated[Factor, Field(description="So many times the work a ticket.")] = 1.0
    targets: Annotated[Factor, Field(description="So many times the promised time.")] = 1.0
    shrinkage: Annotated[float | None, Field(ge=0, lt=1, description="People are away on this share of days.")] = None
    people: Annotated[
        dict[Name, Annotated[int, Field(ge=-1000, le=1000)]],
        Field(default_factory=dict, max_length=100, description="People more (or, below 0, fewer) by team."),
    ]
    shifts: Annotated[
        dict[Name, Annotated[str, Field(min_length=1, max_length=200)]],
        Field(default_factory=dict, max_length=100, description="Hours by team, such as `10:00-18:30 mon-fri`."),
    ]
    hours: Annotated[
        str | None,
        Field(max_length=200, description="The desk is open, and promises count, such as `08:00-20:00 mon-sat`."),
    ] = None
    calendars: Annotated[
        dict[Name, dict[str, Any]],
        Field(
            default_factory=dict,
            max_length=100,
            description="Whole calendars in place of the desk's of these names, as in an agreements file.",
        ),
    ]
    help_of: Annotated[
        dict[Name, Annotated[list[Name], Field(min_length=1, max_length=100)]],
        Field(default_factory=dict, max_length=100, description="Whom a team helps when it has nothing to do."),
    ]
    policy: Annotated[
        Literal["priority", "fifo", "due", "overdue-last", "suggested"],
        Field(description="Which ticket goes next; `suggested` is the live queue's own order."),
    ] = "priority"
    outage: OutageArguments | None = None
    staff: Annotated[Name | None, Field(description="How many people this team needs.")] = None
    share: Annotated[float, Field(gt=0, lt=1, description="With `staff`: the share of tickets to be in time.")] = 0.9
    confidence: Annotated[float, Field(gt=0, le=1, description="With `staff`: in which share of the runs.")] = 0.9
    weeks: Annotated[int, Field(ge=1, le=26)] = 8
    runs: Annotated[int, Field(ge=2, le=50)] = 20
    baseline: Annotated[
        dict[str, Any] | None,
        Field(
            description="The desk as it is, locked: `locked` of an earlier result. The change is held against it, whatever came since; `weeks` and `runs` must be its own."
        ),
    ] = None

    @field_validator("baseline")
    @classmethod
    def _fits_what_is_asked(cls, given: dict[str, Any] | None, found: ValidationInfo) -> dict[str, Any] | None:
        """The document; a DeskError, which is a ValueError, where it is none or was made with other weeks, runs or seeds."""
        from simulation.what_if import kept_lock  # scipy: only where one is sent

        plan = [
            found.data[name] for name in ("weeks", "runs") if name in found.data
        ]  # away where they are faulty themselves
        if given is not None and len(plan) == 2:
            kept_lock(given).refuse_other(*plan)
        return given


def _words(outage: OutageArguments) -> str:
    numbers = f"{outage.hour:g},{outage.minutes:g},{outage.tickets_per_hour:g},{outage.week}"
    return f"{outage.service}@{outage.weekday},{numbers}"


def _written(given: Mapping[str, Any] | None, order: JobOrder, name: str) -> Path | None:
    """The file that something is written to as JSON, which is YAML too. None where nothing is given."""
    if not given:
        return None
    file = order.folder / name
    file.write_text(json.dumps(given, ensure_ascii=False, indent=2), encoding="utf-8")
    return file


def _simulate(given: SimulateArguments, order: JobOrder) -> list[str]:
    outage = given.outage
    said = options(
        arrivals=given.arrivals,
        handling=given.handling,
        targets=given.targets,
        shrinkage=given.shrinkage,
        people=[f"{team}={count}" for team, count in given.people.items()],
        shift=[f"{team}={hours}" for team, hours in given.shifts.items()],
        hours=given.hours,
        calendars=_written(given.calendars, order, "calendars.yaml"),
        help_of=[f"{team}={other}" for team, others in given.help_of.items() for other in others],
        policy=given.policy,
        outage=None if outage is None else _words(outage),
        staff=given.staff,
        share=given.share,
        confidence=given.confidence,
        weeks=given.weeks,
        runs=given.runs,
        baseline=_written(given.baseline, order, "baseline.json"),
    )
    return ["simulate", *said, "--json"]


SIMULATE = JobKind(
    name="simulate",
    about="Simulate the desk",
    permission=Permission.PLAN,
    arguments=SimulateArguments,
    command=_simulate,
)
