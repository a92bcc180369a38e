"""Tickets opened per series and local day, and per half hour of the day, as far as was recorded by an instant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sla.instants import DAY_SECONDS, DAY_US, SECOND_US, Int64Array, to_us
from sla.working_time.zone_offsets import zone_offsets

FloatArray = NDArray[np.float64]
Counts = NDArray[np.uint16]
LEVELS = ("service", "team", "category", "priority")
ALL, NONE = "all", "(none)"
SLOTS = 48  # half hours of a local day
MOST_SUBJECTS = 200
OTHERS = "(others)"


class VolumeError(ValueError):
    """Events or files from which no volumes can be told; the text says why and what to do."""


@dataclass(frozen=True, order=True)
class Series:
    """One series: all tickets, or those of one service, team, category or priority (`subject`)."""

    level: str
    subject: str

    def __str__(self) -> str:
        """`all`, or `team Network`."""
        return f"{self.level} {self.subject}".strip()

    @property
    def name(self) -> str:
        """How the store names its subject: `` for all, else `team:Network`."""
        return "" if self.level == ALL else f"{self.level}:{self.subject}"


@dataclass(frozen=True)
class VolumeCounts:
    """Counts of s series on t whole local days; the first series is the whole, each level's series add up to it.

    `first_day` counts days since 1970-01-01 of the local calendar; `counts` is s x t; `half_hours`, where kept, s x t x 48.
    """

    series: tuple[Series, ...]
    first_day: int
    counts: FloatArray
    zone: str = "UTC"
    half_hours: Counts | None = None

    @property
    def days(self) -> int:
        """How many days were counted."""
        return int(self.counts.shape[1])

    @property
    def by_half_hour(self) -> Counts:
        """The counts by half hour. Raises VolumeError where they were not kept."""
        if self.half_hours is None:
            raise VolumeError("these counts are by day: count the tickets with half_hours=True")
        return self.half_hours

    @property
    def end_day(self) -> int:
        """The first day that was not counted."""
        return self.first_day + self.days

    def before(self, day: int) -> VolumeCounts:
        """What was counted before a day."""
        kept = max(day - self.first_day, 0)
        half_hours = None if self.half_hours is None else self.half_hours[:, :kept]
        return replace(self, counts=self.counts[:, :kept], half_hours=half_hours)

    def levels(self) -> Iterator[tuple[str, Int64Array]]:
        """Each level below the whole with the places of its series."""
        for level in dict.fromkeys(one.level for one in self.series[1:]):
            yield level, np.array([place for place, one in enumerate(self.series) if one.level == level])

    def place(self, level: str, subject: str) -> int:
        """The place of a series. Raises VolumeError, with what there is, for an unknown one."""
        try:
            return self.series.index(Series(level, subject))
        except ValueError:
            known = sorted({one.level for one in self.series})
            among = [one.subject for one in self.series if one.level == level][:10]
            raise VolumeError(
                f"no volume of {level} {subject!r}: there are the levels {', '.join(known)}"
                + (f"; of {level}: {', '.join(among)}" if among else "")
            ) from None


def count_tickets(
    events: pd.DataFrame,
    until: datetime,
    *,
    zone: str = "UTC",
    levels: tuple[str, ...] = LEVELS,
    half_hours: bool = True,
) -> VolumeCounts:
    """Tickets opened per series and local day before the day of `until`, from canonical events recorded by then.

    A ticket counts on the day it was created, under the first service, team, category and priority recorded of it by
    `until`; `(none)` where there is none. A level with more than 200 subjects keeps the most frequent, the rest are
    `(others)`. Raises VolumeError where there is not one whole day.
    """
    until_us = to_us(until)
    tickets = _tickets(events, until_us, levels)
    if not len(tickets):
        raise VolumeError(f"no ticket was created and recorded before {until:%Y-%m-%d %H:%M} UTC: import events first")
    local_s = _local_s(zone, tickets["at_us"].to_numpy(np.int64))
    day = local_s // DAY_SECONDS
    first, end = int(day.min()), int(_local_s(zone, np.array([until_us]))[0] // DAY_SECONDS)
    if end <= first:
        raise VolumeError("the events fill not one whole local day yet: forecasts begin when there is one")
    whole = day < end
    slot = (local_s % DAY_SECONDS) // (DAY_SECONDS // SLOTS)
    series, member = _series(tickets, levels)
    kept = [(codes[whole], places) for codes, places in member]
    days = end - first
    flat = (day[whole] - first) * SLOTS + slot[whole]
    cells = np.zeros((len(series), days * SLOTS), np.uint16 if half_hours else np.int64)
    for codes, places in kept:
        np.add.at(cells, (places[codes], flat), 1)
    shaped = cells.reshape(len(series), days, SLOTS)
    counts = shaped.sum(axis=2, dtype=np.int64).astype(np.float64)
    return VolumeCounts(series, first, counts, zone, shaped if half_hours else None)


def ticket_places(events: pd.DataFrame, until: datetime, counts: VolumeCounts) -> pd.DataFrame:
    """The places of the series that each ticket counts in, one column a level, by ticket id; `until` as in `count_tickets`."""
    levels = tuple(level for level, _ in counts.levels())
    tickets = _tickets(events, to_us(until), levels)
    places = {(one.level, one.subject): place for place, one in enumerate(counts.series)}
    found = pd.DataFrame(index=tickets.index)
    for level in levels:
        words = tickets[level].astype("object").where(tickets[level].notna(), NONE).astype(str)
        others = places.get((level, OTHERS), -1)
        found[level] = [places.get((level, word), others) for word in words]
    return found


def local_day(zone: str, at: datetime) -> int:
    """The local day of an instant, in days since 1970-01-01."""
    return int(_local_s(zone, np.array([to_us(at)]))[0] // DAY_SECONDS)


def local_days(zone: str, at_us: Int64Array) -> Int64Array:
    """The local day of each instant, in days since 1970-01-01."""
    return _local_s(zone, at_us) // DAY_SECONDS if len(at_us) else at_us


def _tickets(events: pd.DataFrame, until_us: int, levels: tuple[str, ...]) -> pd.DataFrame:
    """A row a ticket: when it was created, and the first known word of each level."""
    seen = events[(_us(events["event_at"]) <= until_us) & (_us(events["recorded_at"]) <= until_us)]
    seen = seen.assign(at_us=_us(seen["event_at"]), known_us=_us(seen["recorded_at"]))
    seen = seen.sort_values(["at_us", "known_us", "event_id"], kind="stable")
    created = seen.loc[seen["kind"] == "created"].drop_duplicates("ticket_id").set_index("ticket_id")
    words = seen[["ticket_id", *levels]].replace("", None).groupby("ticket_id", sort=False).first()
    return created[["at_us"]].join(words)


def _series(
    tickets: pd.DataFrame, levels: tuple[str, ...]
) -> tuple[tuple[Series, ...], list[tuple[Int64Array, Int64Array]]]:
    """All series; and for each level the code of each ticket with the places of the codes among the series."""
    series = [Series(ALL, "")]
    member = [(np.zeros(len(tickets), np.int64), np.zeros(1, np.int64))]
    for level in levels:
        words = tickets[level].astype("object").where(tickets[level].notna(), NONE).astype(str)
        often = words.value_counts()
        if len(often) > MOST_SUBJECTS:
            words = words.where(words.isin(set(often.index[: MOST_SUBJECTS - 1])), OTHERS)
        names = sorted(words.unique())
        if names == [NONE]:
            continue
        codes = pd.Categorical(words, categories=names).codes.astype(np.int64)
        member.append((codes, len(series) + np.arange(len(names))))
        series += [Series(level, name) for name in names]
    return tuple(series), member


def _us(instants: pd.Series) -> Int64Array:
    return instants.to_numpy("datetime64[us]").astype(np.int64)


def _local_s(zone: str, at_us: Int64Array) -> Int64Array:
    days = at_us // DAY_US
    first, last = int(days.min()), int(days.max())
    offsets = zone_offsets(zone, first - first % 366, last + 366 - last % 366)
    return offsets.to_local_s(at_us // SECOND_US)
