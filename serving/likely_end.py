"""When a ticket's clock will likely stop, as instants and as time on the clock; and what of it the model never saw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from models.bundle import BreachBundle
from serving.estimates import Estimates
from sla.agreements.agreement_set import AgreementSet
from sla.clocks.verdicts import VerdictArrays, VerdictState
from sla.instants import SECOND_US, Int64Array, from_us, to_us
from sla.working_time.business_time import BusinessTime
from sla.working_time.calendar_errors import NeverOpen

HOUR_US, HOUR_SECONDS = 3_600_000_000.0, 3600.0
NAMES = ("early", "middle", "late")


@dataclass(frozen=True, slots=True)
class LikelyEnd:
    """Of 100 tickets like this, 10 end by the early instant, 50 by the middle, 90 by the late one.

    The seconds are those that the clock will still run until then; it stands still while it is paused. `or_later` names the
    ends that lie beyond the longest times seen in training: told are these times, and the true ends are later.
    """

    early_at: datetime
    middle_at: datetime
    late_at: datetime
    early_working_seconds: float
    middle_working_seconds: float
    late_working_seconds: float
    or_later: tuple[str, ...] = ()


def likely_ends(
    estimates: Estimates, verdicts: VerdictArrays, agreements: AgreementSet, at: datetime, places: Int64Array
) -> list[LikelyEnd | None]:
    """When the clocks of the snapshots at some places will likely stop; None where one is decided, or no model with a range was asked.

    It agrees with the risk: the time on the clock comes from the same model, shifted to the same probability. A promise
    whose clock never waits ends when that time is over; for others the range of opening hours has the waits in it.
    What no number can be told of (infinite hours, as bundles without a longest time may say) has no end either.
    What was asked some time before `at` is counted from then, but nothing is likely to end before `at`.
    """
    bundle, at_us = estimates.bundle, to_us(at)
    if bundle is None:
        return [None] * len(places)
    hours, agreement = estimates.finish_hours(places), verdicts.agreement[places].tolist()
    pauses = {one: _may_pause(agreements, one, bundle.target) for one in set(agreement)}
    may_pause = np.array([pauses[one] for one in agreement], np.bool_)[:, None]
    working = np.maximum(hours[:, :3], 0.0)
    opening = np.where(may_pause, hours[:, 3:6], working)
    is_told = np.isfinite(hours[:, :3]) & np.isfinite(opening)
    is_most = (hours[:, :3] >= hours[:, [6]]) | (may_pause & (hours[:, 3:6] >= hours[:, [7]]))
    clocks = verdicts.calendar[places], estimates.asked_us[places], verdicts.state[places] == VerdictState.RUNNING
    columns = (is_told.all(axis=1), working, opening, is_most, *clocks)
    ends: list[LikelyEnd | None] = []
    for told, on_clock, ahead, most, calendar, asked_us, runs in zip(*(one.tolist() for one in columns), strict=True):
        times = agreements.business_times[calendar] if told else None
        instants = _instants(times, asked_us, ahead) if times else None
        if times is None or instants is None:
            ends.append(None)
            continue
        early_at, middle_at, late_at = (max(at, instant) for instant in instants)
        since = times.elapsed_between(asked_us, max(at_us, asked_us)) / SECOND_US if runs else 0.0
        early, middle, late = (max(each * HOUR_SECONDS - since, 0.0) for each in on_clock)
        or_later = tuple(name for name, is_least in zip(NAMES, most, strict=True) if is_least)
        ends.append(LikelyEnd(early_at, middle_at, late_at, early, middle, late, or_later))
    return ends


def _instants(times: BusinessTime, asked_us: int, hours: Sequence[float]) -> list[datetime] | None:
    """When so many hours of a calendar's opening time are over; None where that is later than it knows, in decades."""
    try:
        return [from_us(times.due_after(asked_us, round(each * HOUR_US))) for each in hours]
    except NeverOpen:
        return None


def likely_end(
    estimates: Estimates, verdicts: VerdictArrays, agreements: AgreementSet, at: datetime
) -> LikelyEnd | None:
    """The same of a ticket that is alone; None where there is none."""
    return likely_ends(estimates, verdicts, agreements, at, np.arange(1))[0] if len(estimates.row) else None


def _may_pause(agreements: AgreementSet, agreement: int, metric: str) -> bool:
    targets = agreements.agreements[agreement].targets
    return any(target.pause is not None for target in targets if target.metric == metric.split(":")[0])


def unseen(bundle: BreachBundle | None, facts: Mapping[str, str]) -> tuple[str, ...]:
    """A sentence for each fact that no ticket had in training, such as a new team: what the model says of it rests on less."""
    if bundle is None:
        return ()
    return tuple(
        f"{name.removeprefix('attributes.').capitalize()} {facts[name]!r} was not seen in training: "
        "its history is that of the whole desk."
        for name, texts in bundle.manifest.seen.items()
        if facts.get(name) and facts[name] not in texts
    )
