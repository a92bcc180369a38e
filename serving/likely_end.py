"""When a ticket's clock will likely stop, as instants and as time on the clock; and what of it the model never saw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from models.bundle import BreachBundle
from serving.estimates import Estimates
from sla.agreements.agreement_set import AgreementSet
from sla.clocks.verdicts import VerdictArrays
from sla.instants import from_us, to_us

HOUR_US, HOUR_SECONDS = 3_600_000_000.0, 3600.0


@dataclass(frozen=True, slots=True)
class LikelyEnd:
    """Of 100 tickets like this, 10 end by the early instant, 50 by the middle, 90 by the late one.

    The seconds are those that the clock will still run until then; it stands still while it is paused.
    """

    early_at: datetime
    middle_at: datetime
    late_at: datetime
    early_working_seconds: float
    middle_working_seconds: float
    late_working_seconds: float


def likely_end(
    estimates: Estimates, verdicts: VerdictArrays, agreements: AgreementSet, at: datetime
) -> LikelyEnd | None:
    """When the clock of one snapshot will likely stop; None where it is decided, or no model with a range was asked.

    It agrees with the risk: the time on the clock comes from the same model, shifted to the same probability. A promise
    whose clock never waits ends when that time is over; for others the range of opening hours has the waits in it.
    """
    return likely_ends(estimates, verdicts, agreements, at)[0] if len(estimates.row) else None


def likely_ends(
    estimates: Estimates, verdicts: VerdictArrays, agreements: AgreementSet, at: datetime
) -> list[LikelyEnd | None]:
    """The same of every snapshot; those that the bundle was asked about must have been asked at once."""
    bundle, found = estimates.bundle, [None] * len(estimates.row)
    asked = np.flatnonzero(estimates.row >= 0)
    if bundle is None or bundle.finish is None or not len(asked):
        return list(found)
    frame = next(frame for frame in estimates.features if len(frame))
    hours = bundle.finish_hours(frame.iloc[estimates.row[asked]]).to_numpy()
    ends: list[LikelyEnd | None] = list(found)
    for place, one in zip(asked.tolist(), hours, strict=True):
        working = np.maximum(one[:3], 0.0)
        opening = working if not _may_pause(agreements, int(verdicts.agreement[place]), bundle.target) else one[3:]
        times = agreements.business_times[int(verdicts.calendar[place])]
        instants = [from_us(times.due_after(to_us(at), round(float(each) * HOUR_US))) for each in opening]
        early, middle, late = (float(each) * HOUR_SECONDS for each in working)
        ends[place] = LikelyEnd(instants[0], instants[1], instants[2], early, middle, late)
    return ends


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
