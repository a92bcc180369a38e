"""Error budgets and burn rates of a service-level objective (a share, such as 0.999).

Source of the arithmetic: Site Reliability Workbook, chapter 5 (alerting on SLOs): a burn rate of 1 uses up exactly the
budget of the period; an alert wants a high rate over a long window, and over a short one so that it ends when the trouble does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sla.instants import SECOND_US, BoolArray, Int64Array
from sla.services.service_history import ServiceError

FloatArray: TypeAlias = NDArray[np.float64]
Severity: TypeAlias = Literal["page", "ticket"]
HOUR: Final = 3600
DAY: Final = 24 * HOUR


def check_objective(objective: float) -> float:
    """Return the objective; ServiceError unless it is a share below 1 and above 0."""
    if not 0 < objective < 1:
        hint = f", write {objective / 100:g} for {objective:g} %" if 1 < objective < 100 else ""
        raise ServiceError(
            f"objective {objective:g} is no share between 0 and 1{hint}: at 1 there is no budget to burn"
        )
    return objective


@dataclass(frozen=True)
class ErrorBudget:
    """What an objective allows to go wrong and what did, in one unit: seconds, events or slices."""

    objective: float
    total: float
    lost: float

    @property
    def allowed(self) -> float:
        """Return how much may be lost."""
        return self.total * (1 - self.objective)

    @property
    def remaining(self) -> float:
        """Return how much may still be lost; negative when the budget is overspent."""
        return self.allowed - self.lost

    @property
    def used_share(self) -> float:
        """Return the share of the budget that is used, 1 when it is gone."""
        return self.lost / self.allowed

    @property
    def attained(self) -> float:
        """Return the indicator: the share that was not lost."""
        return 1 - self.lost / self.total

    @property
    def burn_rate(self) -> float:
        """Return the lost share over the share that may be lost."""
        return (self.lost / self.total) / (1 - self.objective)


def error_budget(objective: float, total: float, lost: float = 0.0) -> ErrorBudget:
    """Return the budget of an objective over a total; ServiceError where the numbers make no sense."""
    if not total > 0 or lost < 0 or lost > total:
        raise ServiceError(f"{lost:g} lost of {total:g}: expected a total above 0 and a loss between 0 and it")
    return ErrorBudget(check_objective(objective), total, lost)


def burn_rates(lost: ArrayLike, total: ArrayLike, objective: float, minimum: float = 0.0) -> FloatArray:
    """Return lost share over allowed share for each pair; NaN where the total is 0 or below the minimum to judge by."""
    lost, total = np.broadcast_arrays(np.asarray(lost, np.float64), np.asarray(total, np.float64))
    enough = (total > 0) & (total >= minimum)
    rates = np.full(total.shape, np.nan)
    np.divide(lost, total * (1 - check_objective(objective)), out=rates, where=enough)
    return rates


def counts_within(event_us: Int64Array, at_us: Int64Array, window_seconds: int) -> Int64Array:
    """Return the number of events (sorted instants) in `(at - window, at]` for each instant."""
    until = np.searchsorted(event_us, at_us, side="right")
    return until - np.searchsorted(event_us, np.asarray(at_us) - window_seconds * SECOND_US, side="right")


@dataclass(frozen=True)
class BurnRateRule:
    """Alert when the burn rate over a long and over a short window both exceed the factor."""

    severity: Severity
    long_seconds: int
    short_seconds: int
    factor: float
    hold_seconds: int = 0  # how long the condition must hold

    def fires(self, long_rate: ArrayLike, short_rate: ArrayLike) -> BoolArray:
        """Return whether the rule alerts; never where a rate is NaN, that is where there were too few events."""
        above_long = np.asarray(long_rate, np.float64) > self.factor
        return np.asarray(above_long & (np.asarray(short_rate, np.float64) > self.factor))


def burn_rate_factor(period_seconds: float, budget_percent: float, long_seconds: float) -> float:
    """Return the burn rate that uses up a percentage of a period's budget within a long window."""
    return budget_percent / 100 * period_seconds / long_seconds


_WORKBOOK: Final[tuple[tuple[Severity, float, int, int], ...]] = (
    ("page", 2, HOUR, 300),
    ("page", 5, 6 * HOUR, 1800),
    ("ticket", 10, DAY, 2 * HOUR),
    ("ticket", 10, 3 * DAY, 6 * HOUR),
)


def workbook_rules(period_seconds: int) -> tuple[BurnRateRule, ...]:
    """Return the four rules of the Site Reliability Workbook: 2 % in 1 h, 5 % in 6 h, 10 % in 1 d, 10 % in 3 d.

    They are meant for periods of 28 or 30 days; ServiceError for another, where `proportional_rules` can be used.
    """
    if period_seconds not in (28 * DAY, 30 * DAY):
        raise ServiceError(
            f"the workbook's alert windows are for periods of 28 or 30 days, not {period_seconds / DAY:g}: use "
            "proportional_rules, or give windows of your own"
        )
    return tuple(
        BurnRateRule(severity, long, short, burn_rate_factor(period_seconds, percent, long))
        for severity, percent, long, short in _WORKBOOK
    )


def proportional_rules(period_seconds: int) -> tuple[BurnRateRule, ...]:
    """Return four rules whose windows grow with the period; each would exhaust the budget in period over factor.

    For 28 days the long windows are 1 h, 6 h, 1 d and 4 d, with factors 14, 7, 2 and 1; windows are whole minutes.
    """
    parts: tuple[tuple[Severity, int, int, float, int], ...] = (
        ("page", HOUR, 300, 14, 120),
        ("page", 6 * HOUR, 1800, 7, 900),
        ("ticket", DAY, 2 * HOUR, 2, HOUR),
        ("ticket", 4 * DAY, 6 * HOUR, 1, 3 * HOUR),
    )

    def scaled(seconds: int) -> int:
        return max(round(seconds * period_seconds / (28 * DAY) / 60), 1) * 60

    return tuple(
        BurnRateRule(severity, scaled(long), scaled(short), factor, scaled(hold))
        for severity, long, short, factor, hold in parts
    )


def seconds_to_exhaustion(remaining_share: ArrayLike, burn_rate: ArrayLike, period_seconds: float) -> FloatArray:
    """Return how long the rest of a budget lasts at a burn rate; 0 when it is gone, infinite when nothing burns."""
    remaining = np.maximum(np.asarray(remaining_share, np.float64), 0.0)
    rate = np.asarray(burn_rate, np.float64)
    lasting = np.divide(
        remaining * period_seconds, rate, out=np.full(np.broadcast(remaining, rate).shape, np.inf), where=rate > 0
    )
    return np.where(np.isnan(rate), np.nan, np.where(remaining == 0, 0.0, lasting))


def bad_slices_until_missed(objective: float, slices: int, usual_ratio: float, bad_ratio: float) -> float:
    """Return how many slices at a bad ratio, the others at the usual one, bring the mean down to the objective."""
    if not bad_ratio < usual_ratio:
        raise ServiceError(f"bad ratio {bad_ratio:g} is not below the usual {usual_ratio:g}: swap them")
    return max(slices * (usual_ratio - check_objective(objective)) / (usual_ratio - bad_ratio), 0.0)
