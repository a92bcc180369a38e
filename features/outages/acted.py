"""Alerts that somebody acted on: what they warned of may have been prevented."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.outages.spans import places_of, us_of
from sla.instants import Int64Array

ACTED = "attributes.acted_on"
YES = ("yes", "true", "1")


@dataclass(frozen=True)
class Acted:
    """Alerts acted on, sorted by service (a place among the names) and instant; `known_us` is when that is known."""

    service: Int64Array
    at_us: Int64Array
    known_us: Int64Array

    @classmethod
    def of(cls, events: pd.DataFrame, place: Mapping[str, int]) -> Acted:
        """Those among canonical service events: alerts with the attribute `acted_on: yes`."""
        chosen = events.iloc[:0]
        if ACTED in events:
            chosen = events[(events["kind"] == "alert") & events[ACTED].isin(YES)]
        service, at_us = places_of(chosen["service"], place), us_of(chosen["event_at"])
        order = np.lexsort((at_us, service))
        known_us = np.maximum(us_of(chosen["recorded_at"]), at_us)
        return cls(service[order], at_us[order], known_us[order])
