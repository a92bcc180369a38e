"""How the clock of the target stands at the instant: time used and left, pauses, due time."""

from __future__ import annotations

import numpy as np

from features.declaration import Feature, Settings
from features.view import HOUR_US, FloatArray, View
from sla.clocks.replay import VerdictState
from sla.instants import NEVER_US, BoolArray

FAMILY = "clock"
_PAUSED = (VerdictState.PAUSED, VerdictState.PAUSED_AND_BREACHED)
MOST_HOURS = 24.0 * 366

_MEANINGS = {
    "target_hours": ("working hours", "the time that was promised", "How strict is the promise?"),
    "elapsed_hours": ("working hours", "time the clock has run", "How much is used?"),
    "remaining_hours": ("working hours", "time left until the promise is broken", "How much is left?"),
    "share_used": ("share", "time run over time promised", "How much is used?"),
    "paused_hours": ("working hours", "time the clock stood still", "How long was it out of our hands?"),
    "paused_share": ("share", "time it stood still over time since the clock started, both in working time", "Is it mostly out of our hands?"),
    "is_clock_paused": ("0 or 1", "the clock stands still", "Does time count against us now?"),
    "due_in_hours": ("hours", "wall-clock time until due; if paused, were it resumed now", "When is it due?"),
    "closed_hours_until_due": ("hours", "time until due in which the calendar is closed", "Does a night or weekend come first?"),
    "started_hours_ago": ("hours", "wall-clock time since the clock started", "How old is the promise?"),
    "is_half_used": ("0 or 1", "at least 50 % of the time is used", "Which warnings were passed?"),
    "is_three_quarters_used": ("0 or 1", "at least 75 % of the time is used", "Which warnings were passed?"),
    "is_nearly_used": ("0 or 1", "at least 90 % of the time is used", "Which warnings were passed?"),
}  # fmt: skip
_WARNINGS = {
    "warnings_passed": ("warnings", "warnings of the agreement that the clock has passed", "Which warnings were passed?"),
    "hours_to_next_warning": ("working hours", "time the clock has to run until the agreement's next warning; the promise itself is the last one", "When will we be warned?"),
}  # fmt: skip


def declared(settings: Settings) -> tuple[Feature, ...]:
    """The features of this family; those of warnings where the agreements have any."""
    meanings = _MEANINGS | _WARNINGS if settings.has_warnings else _MEANINGS
    return tuple(Feature(name, FAMILY, *rest) for name, rest in meanings.items())


def values(view: View) -> dict[str, FloatArray | BoolArray]:
    """The columns of this family, by name; missing where no agreement applies or the clock has not started."""
    verdicts = view.verdicts
    runs = (verdicts.target_us >= 0) & (verdicts.state != VerdictState.NOT_STARTED)
    target = np.where(runs, verdicts.target_us / HOUR_US, np.nan)
    elapsed = verdicts.elapsed_us / HOUR_US
    paused = verdicts.paused_us / HOUR_US
    remaining = verdicts.remaining_us / HOUR_US
    share = np.divide(elapsed, target, out=np.full(len(target), np.nan), where=target > 0)
    total = elapsed + paused
    due_in = _hours_to_due(view)
    columns: dict[str, FloatArray | BoolArray] = {
        "target_hours": target,
        "elapsed_hours": elapsed,
        "remaining_hours": remaining,
        "share_used": share,
        "paused_hours": paused,
        "paused_share": np.divide(paused, total, out=np.zeros(len(total)), where=total > 0),
        "is_clock_paused": verdicts.is_in(*_PAUSED),
        "due_in_hours": due_in,
        "closed_hours_until_due": due_in - remaining,
        "started_hours_ago": view.hours_since(verdicts.started_us),
        "is_half_used": share >= 0.5,
        "is_three_quarters_used": share >= 0.75,
        "is_nearly_used": share >= 0.9,
    }
    if view.settings.has_warnings:
        columns |= _warnings(view)
    return columns if runs.all() else {name: np.where(runs, column, np.nan) for name, column in columns.items()}


def _hours_to_due(view: View) -> FloatArray:
    due_us = view.verdicts.due_us
    known = (due_us >= 0) & (due_us != NEVER_US)
    hours = np.where(known, np.where(known, due_us - view.at_us, 0) / HOUR_US, np.nan)
    limited: FloatArray = np.clip(hours, -MOST_HOURS, MOST_HOURS)
    return limited


def _warnings(view: View) -> dict[str, FloatArray]:
    """Warnings passed, and working hours to the next: of the shares of the target at which the goal in force warns."""
    terms = view.histories.agreements.clock(view.target).terms
    most = max((len(term.warnings) for term in terms), default=0)
    shares = np.full(
        (len(terms) + 1, most + 1), np.inf
    )  # the last row is for no term; the promise comes after all warnings
    for term in terms:
        shares[term.index, : len(term.warnings)] = term.warnings
        shares[term.index, len(term.warnings)] = 1.0
    verdicts = view.verdicts
    warned_us = shares[verdicts.term] * verdicts.target_us[:, None]
    is_passed = verdicts.elapsed_us[:, None] >= warned_us
    ahead_us = np.where(is_passed, np.inf, warned_us - verdicts.elapsed_us[:, None]).min(axis=1, initial=np.inf)
    return {
        "warnings_passed": (is_passed & (shares[verdicts.term] < 1.0)).sum(axis=1).astype(np.float64),
        "hours_to_next_warning": np.where(np.isfinite(ahead_us), ahead_us, 0.0) / HOUR_US,
    }
