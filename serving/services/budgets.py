"""Availability against the promise: what is left of the error budget, how fast it burns, how long it will last."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from serving.services.standing import Budget, Burn
from sla.agreements.agreement_set import AgreementSet
from sla.agreements.catalogue import Service
from sla.instants import DAY_US, SECOND_US, Int64Array
from sla.services.availability import Availability, availability
from sla.services.error_budget import (
    DAY,
    BurnRateRule,
    burn_rates,
    error_budget,
    proportional_rules,
    seconds_to_exhaustion,
    workbook_rules,
)
from sla.services.service_history import ServiceHistory
from sla.working_time.business_time import BusinessTime

DAYS_SHOWN = 30


@dataclass(frozen=True)
class Measured:
    """A service's availability in the period that ends at an instant, in each of the last days, and its budget."""

    share: float | None
    outages: int
    mttr_seconds: float | None
    mtbf_seconds: float | None
    lost_minutes_by_day: tuple[float, ...]
    budget: Budget | None


def rules_for(period_days: int) -> tuple[BurnRateRule, ...]:
    """The two-window rules of a period: those of the Site Reliability Workbook for 28 and 30 days, in proportion for others."""
    return workbook_rules(period_days * DAY) if period_days in (28, 30) else proportional_rules(period_days * DAY)


def measured(history: ServiceHistory, service: Service, agreements: AgreementSet, at_us: int) -> Measured:
    """How available a service of the catalogue was, within its service hours; planned maintenance counts as available."""
    rules = rules_for(service.availability_days)
    lengths = [service.availability_days * DAY, DAY, *(one.long_seconds for one in rules)]
    lengths += [one.short_seconds for one in rules]
    starts = np.concatenate([at_us - np.array(lengths, np.int64) * SECOND_US, days_until(at_us)[0]])
    ends = np.concatenate([np.full(len(lengths), at_us), days_until(at_us)[1]])
    found = availability(history, starts, ends, hours=hours_of(service, agreements))
    by_day = found.lost_us[len(lengths) :] / SECOND_US / 60
    return Measured(
        _number(found.share[0]),
        int(found.outages_begun[0]),
        _number(found.mttr_seconds[0]),
        _number(found.mtbf_seconds[0]),
        tuple(round(float(minutes), 2) for minutes in by_day),
        _budget(found, service, rules),
    )


def hours_of(service: Service, agreements: AgreementSet) -> BusinessTime | None:
    """The service hours; None: around the clock."""
    if service.hours is None:
        return None
    return agreements.business_times[agreements.calendar_names.index(service.hours)]


def days_until(at_us: int) -> tuple[Int64Array, Int64Array]:
    """The last 30 UTC days, the oldest first; the last one, of today, ends at the instant."""
    today = (at_us - 1) // DAY_US
    starts = (today - np.arange(DAYS_SHOWN - 1, -1, -1)) * DAY_US
    return starts, np.minimum(starts + DAY_US, at_us)


def _budget(found: Availability, service: Service, rules: tuple[BurnRateRule, ...]) -> Budget | None:
    total, lost = found.measured_us / SECOND_US, found.lost_us / SECOND_US
    if service.availability_percent is None or not total[0] > 0:
        return None
    objective, period = service.availability_percent / 100, service.availability_days * DAY
    budget = error_budget(objective, float(total[0]), float(min(lost[0], total[0])))
    rates = burn_rates(lost, total, objective)
    long, short = rates[2 : 2 + len(rules)], rates[2 + len(rules) : 2 + 2 * len(rules)]
    burns = tuple(
        Burn(
            rule.severity,
            rule.factor,
            rule.long_seconds,
            rule.short_seconds,
            _number(over_long),
            _number(over_short),
            bool(rule.fires(over_long, over_short)),
        )
        for rule, over_long, over_short in zip(rules, long, short, strict=True)
    )
    left = float(seconds_to_exhaustion(budget.remaining / budget.allowed, rates[1], period))
    return Budget(
        objective,
        float(service.availability_days),
        service.hours,
        budget.total,
        budget.allowed,
        budget.lost,
        budget.remaining / budget.allowed,
        _number(rates[1]),
        burns,
        left if np.isfinite(left) else None,
    )


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
