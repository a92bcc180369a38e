"""What lasts: beginnings and ends of outages, degradations and maintenance, put together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sla.instants import NEVER_US, BoolArray, Int64Array


@dataclass(frozen=True)
class Spans:
    """Spans sorted by service (a place among the names) and beginning; NEVER_US where the end is not known."""

    service: Int64Array
    begin_us: Int64Array
    end_us: Int64Array
    known_us: Int64Array  # when the beginning was recorded, or happened, whichever is later
    end_known_us: Int64Array

    def where(self, chosen: BoolArray) -> Spans:
        """The chosen spans."""
        return Spans(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))


def spans_of(events: pd.DataFrame, kind: str, place: Mapping[str, int]) -> Spans:
    """Each beginning with the first end after it that no other beginning took; overlapping ones share their service's order.

    `events` are canonical service events; a point is a span without length.
    """
    found = events[events["kind"] == kind]
    begins, ends = found[found["phase"] != "end"], found[found["phase"] != "start"]
    service, at_us, known_us = _sorted(begins, place)
    e_service, e_us, e_known_us = _sorted(ends, place)
    end_us, end_known_us = np.full(len(at_us), NEVER_US), np.full(len(at_us), NEVER_US)
    taken = 0
    for number in range(len(at_us)):  # two sorted lists, merged
        while taken < len(e_us) and (e_service[taken], e_us[taken]) < (service[number], at_us[number]):
            taken += 1
        if taken < len(e_us) and e_service[taken] == service[number]:
            end_us[number], end_known_us[number] = e_us[taken], e_known_us[taken]
            taken += 1
    return Spans(service, at_us, end_us, known_us, end_known_us)


def _sorted(events: pd.DataFrame, place: Mapping[str, int]) -> tuple[Int64Array, Int64Array, Int64Array]:
    service, at_us = places_of(events["service"], place), us_of(events["event_at"])
    order = np.lexsort((at_us, service))
    known_us = np.maximum(us_of(events["recorded_at"]), at_us)
    return service[order], at_us[order], known_us[order]


def places_of(services: pd.Series[str], place: Mapping[str, int]) -> Int64Array:
    """The place of each row's service."""
    places: Int64Array = np.asarray(services.map(place), dtype=np.int64)
    return places


def us_of(instants: pd.Series[pd.Timestamp]) -> Int64Array:
    """Aware instants as microseconds since 1970 UTC."""
    values: Int64Array = instants.dt.tz_convert("UTC").to_numpy("datetime64[us]").view("int64")
    return values
