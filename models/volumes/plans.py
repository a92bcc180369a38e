"""What planned events do to volumes: stated by a factor, or learned from earlier events of the kind."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from features.volumes.counts import Series
from features.volumes.planned import Outlook, PlannedEvent
from models.scales import Float64Array

EVIDENCE = 20.0  # tickets' worth of "it does nothing"
LEAST, MOST = 0.1, 10.0


def learned_factors(
    values: Float64Array, series: tuple[Series, ...], first_day: int, outlook: Outlook
) -> dict[str, float]:
    """For each kind with events in the past and no stated factor: what came, over the mean of four same weekdays before.

    A little evidence holds it to 1. An event that touches every series is read off the whole, any other off its own.
    """
    came: dict[str, float] = {}
    usual: dict[str, float] = {}
    for event in outlook.events:
        if event.factor is not None:
            continue
        days = np.flatnonzero(event.days(first_day, values.shape[1]))
        for row in _read_off(event, series):
            for day in days[days >= 28]:
                past = values[row, day - 7 :: -7][:4] if day >= 7 else values[row, :0]
                if np.isfinite(values[row, day]) and np.isfinite(past).any():
                    came[event.kind] = came.get(event.kind, 0.0) + float(values[row, day])
                    usual[event.kind] = usual.get(event.kind, 0.0) + float(np.nanmean(past))
    return {
        kind: float(np.clip((came[kind] + EVIDENCE) / (usual[kind] + EVIDENCE), LEAST, MOST)) for kind in sorted(came)
    }


def planned_factors(
    outlook: Outlook, series: tuple[Series, ...], first_day: int, days: int, learned: Mapping[str, float]
) -> Float64Array:
    """s x days: by what planned events multiply each series; a kind never seen and without a factor does nothing.

    What touches one part alone moves the whole by that part's share only, which reconciling the sums does.
    """
    out = np.ones((len(series), days))
    for event in outlook.events:
        factor = learned.get(event.kind, 1.0) if event.factor is None else event.factor
        at = event.days(first_day, days)
        if factor != 1.0 and at.any():
            out[np.ix_(np.array([event.touches(one) for one in series]), at)] *= factor
    return out


def _read_off(event: PlannedEvent, series: tuple[Series, ...]) -> list[int]:
    places = [place for place, one in enumerate(series) if event.touches(one)]
    return places[:1]
