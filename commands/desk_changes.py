"""What is to be different about a simulated desk, read from words of the command line; and the policies it may be worked by."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from simulation.changes import Change, OutageAhead
    from simulation.policies import Policy

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
POLICY_NAMES = ("priority", "fifo", "due", "overdue-last", "suggested")
MOST_PROCESSES = 8


def change_of(
    factors: tuple[float, float, float],
    shrinkage: float | None,
    people: Sequence[str],
    shifts: Sequence[str],
    hours: str | None,
    policy: str,
    outage: str | None,
    helping: Sequence[str] = (),
    calendars: Path | None = None,
) -> Change:
    """Return the change that the words mean; `factors` are those of arrivals, handling, targets. typer.BadParameter for words that mean none."""
    from simulation.changes import Change

    if policy not in POLICY_NAMES:
        raise typer.BadParameter(f"--policy {policy!r} is none of {', '.join(POLICY_NAMES)}")
    return Change(
        *factors,
        shrinkage=shrinkage,
        people=dict(people_of(text) for text in people) or None,
        shifts=tuple(shift_of(text) for text in shifts),
        hours=hours,
        policy=policy,
        outage=outage_of(outage) if outage else None,
        helping=tuple(helping_of(text) for text in helping),
        calendars=None if calendars is None else calendars_of(calendars),
    )


def calendars_of(file: Path) -> dict[str, Any]:
    """Return the calendars of a YAML file by name, each as written in an agreements file."""
    import yaml

    try:
        found = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise typer.BadParameter(f"--calendars {file} cannot be read: {error}") from error
    if not isinstance(found, dict) or not found or not all(isinstance(one, dict) for one in found.values()):
        raise typer.BadParameter(
            f"--calendars {file} holds no calendars by name, such as desk: {{hours: {{mon-sat: [['08:00', '20:00']]}}}}"
        )
    return {str(name): one for name, one in found.items()}


def people_of(text: str) -> tuple[str, int]:
    """Return the team and how many more of `TEAM=N`."""
    team, _, number = text.rpartition("=")
    try:
        return team, int(number)
    except ValueError as error:
        raise typer.BadParameter(f"--people {text!r} is not TEAM=N with a whole number, such as Network=2") from error


def shift_of(text: str) -> tuple[str, str]:
    """Return whose shift is to be which, of `TEAM=10:00-18:30 mon-fri`."""
    whose, sign, shift = text.rpartition("=")
    if not (sign and whose and shift):
        raise typer.BadParameter(
            f"--shift {text!r} is not TEAM=SHIFT (or a shift's name in place of the team), such as 'Network=10:00-18:30 mon-fri'"
        )
    return whose, shift


def helping_of(text: str) -> tuple[str, str]:
    """Return who helps whom, of `TEAM=OTHER`."""
    team, sign, other = text.partition("=")
    if not (sign and team and other):
        raise typer.BadParameter(f"--help-of {text!r} is not TEAM=OTHER, such as Identity=Workplace")
    return team, other


def outage_of(text: str) -> OutageAhead:
    """Return the outage of `SERVICE@WEEKDAY,HOUR,MINUTES`, and perhaps the tickets an hour and the week."""
    from simulation.changes import OutageAhead

    service, _, rest = text.rpartition("@")
    try:
        day, hour, minutes, *more = rest.split(",")
        rate, week = [*more, "30", "1"][:2] if len(more) < 2 else more
        return OutageAhead(service, int(week), WEEKDAYS.index(day), float(hour), float(minutes), float(rate))
    except ValueError as error:
        raise typer.BadParameter(
            f"--outage {text!r} is not SERVICE@WEEKDAY,HOUR,MINUTES, such as VPN@tue,10,180 (after them tickets an hour, and the week)"
        ) from error


def policies(guard: float) -> Mapping[str, Policy]:
    """Return every policy by its name; the suggested order as the live queue has it, with this guard."""
    from models.dispatch import GainSettings, earliest_due_overdue_last, savable_first
    from simulation.policies import POLICIES, Weighing

    return {
        **POLICIES,
        "overdue-last": Weighing(earliest_due_overdue_last, log_still_needed),
        "suggested": Weighing(savable_first(GainSettings(guard=guard)), log_still_needed),
    }


def log_still_needed(
    log_mean: NDArray[np.float64], log_sd: NDArray[np.float64], spent: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the mean of the log of the minutes still to come, as the live queue believes it."""
    from models.work_time import WorkBelief, still_needed

    return still_needed(WorkBelief(log_mean, log_sd), spent).log_mean


def processes() -> int:
    """Return how many processes simulate at once: one a core, within reason."""
    return min(
        MOST_PROCESSES, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
