"""How a service stands, in the words of an alert."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from serving.services.standing import Budget, ServiceStanding
from serving.wording import percent, wall_time


@dataclass(frozen=True)
class ServiceWords:
    """What is so of a service: a probability or a burn rate, and a sentence."""

    value: float
    words: str


def risk_words(standing: ServiceStanding, above: float, horizon_hours: float) -> ServiceWords | None:
    """The risk of a new outage where it is at least `above` and may be told."""
    risk = standing.risk
    if risk is None or risk.is_untouched or risk.probability < above or standing.state == "down":
        return None
    likely = f"a new outage within {horizon_hours:g} h is likely, {percent(risk.probability)}"
    return ServiceWords(risk.probability, f"{likely}: {risk.words}".rstrip(": ."))


def burn_words(standing: ServiceStanding, windows: Literal["page", "ticket"]) -> ServiceWords | None:
    """The quickest burn of the error budget that fires; of the quick windows alone for `page`."""
    budget = standing.budget
    firing = [burn for burn in budget.firing if windows == "ticket" or burn.severity == "page"] if budget else []
    if budget is None or not firing:
        return None
    burn = max(firing, key=lambda one: one.factor)
    rate = burn.long_rate or 0.0
    over = f"over {wall_time(burn.long_seconds)} and {burn.short_rate or 0.0:.1f} over {wall_time(burn.short_seconds)}"
    limit = f"both above {burn.factor:g}"
    return ServiceWords(
        rate, f"its error budget burns {rate:.1f} times as fast as it lasts {over}, {limit}; {_left(budget)}"
    )


def _left(budget: Budget) -> str:
    if budget.remaining_share <= 0:
        return f"nothing is left of the budget of {budget.period_days:g} days"
    gone = (
        ""
        if not budget.exhausted_in_seconds
        else f", gone in {wall_time(budget.exhausted_in_seconds)} at the rate of the last day"
    )
    return f"{percent(budget.remaining_share)} of the budget of {budget.period_days:g} days is left{gone}"
