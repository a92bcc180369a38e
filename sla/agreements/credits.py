"""What broken promises cost: penalties of single tickets and service credits of a period."""

from __future__ import annotations

from collections.abc import Sequence

from sla.agreements.targets import Penalty, ServiceCredit
from sla.instants import SECOND_US

HOUR_US = 3600 * SECOND_US


def penalty_of(penalty: Penalty, overdue_us: int) -> float:
    """The penalty for a clock that exceeded its target and grace by so much working time (0 or less: nothing is owed).

    Each started hour counts whole; the cap is the most that one clock can cost.
    """
    if overdue_us <= 0:
        return 0.0
    started_hours = -(-overdue_us // HOUR_US)
    owed = penalty.per_breach + penalty.per_started_hour * started_hours
    return owed if penalty.cap is None else min(owed, penalty.cap)


def service_credit_percent(credits_agreed: Sequence[ServiceCredit], met: int, breached: int) -> float:
    """The share of the periodic fee to be credited, in percent, when so many clocks met their target and so many did not.

    The highest credit among the limits that were missed; exact fractions are compared, nothing is rounded. Tickets
    without agreement and cancelled clocks belong to neither count.
    """
    total = met + breached
    if total == 0:
        return 0.0
    missed = [agreed.credit_percent for agreed in credits_agreed if 100 * met < agreed.below_percent * total]
    return max(missed, default=0.0)
