"""How a ticket stands in one word, and which part of the queue it belongs to, by its clock and the probability of breach."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

HOUR_SECONDS = 3600.0


class Risk(StrEnum):
    """How a ticket stands, in one word. `no_clock`: no resolution clock runs: no agreement matches, or it has not started."""

    ON_TRACK = "on_track"
    SOME_RISK = "some_risk"
    HIGH_RISK = "high_risk"
    BREACHED = "breached"
    PAUSED = "paused"
    PAUSED_AND_BREACHED = "paused_and_breached"
    NO_CLOCK = "no_clock"

    @property
    def shape(self) -> str:
        """The sign that stands beside the word, so that colour is never alone."""
        return _SIGNS[self][0]

    @property
    def word(self) -> str:
        """The word people read."""
        return _SIGNS[self][1]

    @property
    def severity(self) -> int:
        """Rank for sorting: higher is worse."""
        return _SIGNS[self][2]


_SIGNS = {
    Risk.ON_TRACK: ("●", "On track", 2),
    Risk.SOME_RISK: ("◆", "Some risk", 3),
    Risk.HIGH_RISK: ("▲", "High risk", 4),
    Risk.BREACHED: ("✕", "Breached", 6),
    Risk.PAUSED: ("‖", "Paused", 1),
    Risk.PAUSED_AND_BREACHED: ("‖✕", "Paused, breached", 5),
    Risk.NO_CLOCK: ("○", "No clock", 0),
}
LATE = frozenset({Risk.BREACHED, Risk.PAUSED_AND_BREACHED})
WAITING = frozenset({Risk.PAUSED, Risk.PAUSED_AND_BREACHED})


class Group(StrEnum):
    """The three parts of the queue, in the order they are shown."""

    SAVE_NOW = "save_now"
    SAFE_FOR_NOW = "safe_for_now"
    LATE_OR_LOST = "late_or_lost"

    @property
    def word(self) -> str:
        """The group's heading."""
        return {"save_now": "Save now", "safe_for_now": "Safe for now", "late_or_lost": "Late or lost"}[self.value]

    @property
    def rank(self) -> int:
        """0 for the group shown first."""
        return list(Group).index(self)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Where the words begin. Probabilities, shares of the target used, and working hours left."""

    high_risk_from: float = 0.5
    some_risk_from: float = 0.2
    rules_high_risk_from: float = 0.8
    rules_some_risk_from: float = 0.5
    save_within_working_hours: float = 16.0

    def by_model(self, probability: float) -> Risk:
        """The word for a probability of breach."""
        return _word(probability, self.some_risk_from, self.high_risk_from)

    def by_rules(self, share_used: float) -> Risk:
        """The word for the share of the target already used, when there is no probability."""
        return _word(share_used, self.rules_some_risk_from, self.rules_high_risk_from)


def _word(value: float, some_from: float, high_from: float) -> Risk:
    if value >= high_from:
        return Risk.HIGH_RISK
    return Risk.SOME_RISK if value >= some_from else Risk.ON_TRACK


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """One target of a ticket at the queue's instant. `state` is a verdict state in lower case; durations are seconds.

    `due_at` of a paused clock is the instant it would be due if it went on now. Times left are negative once overdue.
    """

    target: str
    agreement: str = ""
    state: str
    due_at: datetime | None = None
    breached_at: datetime | None = None
    target_seconds: float | None = None
    elapsed_seconds: float | None = None
    remaining_working_seconds: float | None = None
    remaining_wall_seconds: float | None = None

    @property
    def share_used(self) -> float | None:
        """Elapsed working time over target; above 1 once breached; None without a target."""
        if self.target_seconds is None or self.elapsed_seconds is None:
            return None
        return self.elapsed_seconds / self.target_seconds if self.target_seconds > 0 else 1.0


def risk_words(clock: Clock, probability: float | None, thresholds: Thresholds) -> tuple[Risk, Risk]:
    """The risk shown and the risk by the rules alone. What is already decided (breached, paused) no model can overrule."""
    fixed = {"breached": Risk.BREACHED, "paused_and_breached": Risk.PAUSED_AND_BREACHED, "paused": Risk.PAUSED}
    if clock.state in fixed:
        return fixed[clock.state], fixed[clock.state]
    share = clock.share_used
    if share is None or clock.state != "running":
        return Risk.NO_CLOCK, Risk.NO_CLOCK
    by_rules = thresholds.by_rules(share)
    return (by_rules if probability is None else thresholds.by_model(probability)), by_rules


def group_of(risk: Risk, clock: Clock, thresholds: Thresholds) -> Group:
    """The group of a ticket: late whatever else, then what still can and must be saved, then the rest."""
    if risk in LATE:
        return Group.LATE_OR_LOST
    if risk is Risk.HIGH_RISK or (risk in (Risk.ON_TRACK, Risk.SOME_RISK) and is_due_soon(clock, thresholds)):
        return Group.SAVE_NOW
    return Group.SAFE_FOR_NOW


def is_due_soon(clock: Clock, thresholds: Thresholds) -> bool:
    """True for a clock with no more working time left than a dispatcher should let pass."""
    left = clock.remaining_working_seconds
    return left is not None and left <= thresholds.save_within_working_hours * HOUR_SECONDS
