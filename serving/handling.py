"""What finished tickets tell of work: how many minutes a kind of ticket takes, how fast a team works off its queue, who knows what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.hands_on import HandsOn, ends, hands_on
from features.histories import Histories
from features.layers import Tickets
from features.live import LiveHistories
from features.snapshots import Snapshots
from models.work_time import CategoryMeans, WorkBelief, category_means, still_needed
from serving.text_column import TextColumn
from sla.clocks.replay import verdicts_at
from sla.instants import DAY_US, Int64Array

Floats = NDArray[np.float64]
Texts = NDArray[np.object_]
LOOKS_BACK_US = 56 * DAY_US
PACE_US = 28 * DAY_US
MOST_TICKETS = 20_000  # finished tickets beyond these, the oldest, add nothing but time
FEWEST_TICKETS = 30
LEAST_PACE = 0.1
ASSUMED_LOG_SD = 1.0
_KINDS = ("category", "priority")


@dataclass(frozen=True)
class Finished:
    """Finished tickets, n rows: what they were, the minutes they took, when they ended."""

    texts: Mapping[str, Texts]
    booked: Floats
    since_pick_up: Floats
    had_detour: NDArray[np.bool_]
    ended_us: Int64Array
    calendar: NDArray[np.int32]

    @classmethod
    def joined(cls, parts: list[Finished]) -> Finished:
        """The tickets of all parts."""
        texts = {name: np.concatenate([part.texts[name] for part in parts]) for name in (*_KINDS, "team")}
        names = ("booked", "since_pick_up", "had_detour", "ended_us", "calendar")
        return cls(texts, *(np.concatenate([getattr(part, name) for part in parts]) for name in names))

    def take(self, rows: NDArray[np.generic]) -> Finished:
        """Some of the tickets."""
        texts = {name: column[rows] for name, column in self.texts.items()}
        names = ("booked", "since_pick_up", "had_detour", "ended_us", "calendar")
        return Finished(texts, *(getattr(self, name)[rows] for name in names))


@dataclass(frozen=True)
class Handling:
    """What is believed of hands-on work at an instant.

    `minutes` says what counts as work: `booked` minutes, time since `pick_up`, or an `assumed` number. `paces`: minutes of work a
    team finishes in a minute of working time; with booked minutes the agents at work on average, else the tickets in hand at once.
    """

    as_of_us: int
    minutes: str = "assumed"
    tickets: int = 0
    assumed_minutes: float = 60.0
    means: CategoryMeans | None = None
    codes: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    paces: Mapping[str, float] = field(default_factory=dict)
    detours: Mapping[str, float] = field(default_factory=dict)
    detour_share: float = 0.0
    finished: Mapping[tuple[str, str], int] = field(default_factory=dict)  # by team and category

    @classmethod
    def of(cls, live: LiveHistories, target: str, at_us: int, assumed_minutes: float = 60.0) -> Handling:
        """What the tickets finished in the eight weeks before an instant tell, as known then."""
        parts = list(_finished(live, target, at_us))
        nothing = cls(at_us, assumed_minutes=assumed_minutes)
        if not parts:
            return nothing
        every = Finished.joined(parts)
        every = every.take(np.sort(np.argsort(every.ended_us, kind="stable")[-MOST_TICKETS:]))
        is_booked = int((every.booked > 0).sum()) >= len(every.booked) / 2
        minutes = every.booked if is_booked else every.since_pick_up
        told = np.flatnonzero(minutes > 0)
        if len(told) < FEWEST_TICKETS:
            return nothing
        every, minutes = every.take(told), minutes[told]
        codes = {name: _codes(every.texts[name]) for name in _KINDS}
        marks = np.column_stack([_coded(codes[name], every.texts[name]) for name in _KINDS]).astype(np.float64)
        return cls(
            at_us,
            "booked" if is_booked else "pick_up",
            len(told),
            assumed_minutes,
            category_means(marks, np.log(minutes), (0, 1)),
            codes,
            _paces(live, every, minutes, at_us),
            _shares(every),
            float(every.had_detour.mean()),
            _counts(every),
        )

    @property
    def words(self) -> str:
        """Where the estimates of work come from, as a sentence."""
        if self.minutes == "assumed":
            return (
                f"Work needed is an assumption, {self.assumed_minutes:g} minutes a ticket: fewer than {FEWEST_TICKETS} "
                "finished tickets tell how long work takes."
            )
        what = "minutes booked on" if self.minutes == "booked" else "time from pick-up to the end of"
        return f"Work needed is the mean by category and priority of the {what} {self.tickets} tickets finished in 56 days."

    def belief(
        self, category: TextColumn, priority: TextColumn, work: HandsOn, whole: WorkBelief | None = None
    ) -> WorkBelief:
        """The belief about the minutes still needed by n open tickets, on which some work was done already.

        `whole`: what is believed of all their work, where more is known of it than means by category and priority.
        """
        spent = work.booked if self.minutes == "booked" else work.since_pick_up
        return still_needed(whole or self._whole(category, priority), np.nan_to_num(spent))

    def _whole(self, category: TextColumn, priority: TextColumn) -> WorkBelief:
        if self.means is None:
            log_mean = np.log(self.assumed_minutes) - ASSUMED_LOG_SD**2 / 2
            return WorkBelief(np.full(len(category), log_mean), np.full(len(category), ASSUMED_LOG_SD))
        pairs = category.codes.astype(np.int64) * len(priority.names) + priority.codes
        is_used = np.zeros(len(category.names) * len(priority.names), np.bool_)
        is_used[pairs] = True
        used = np.divmod(np.flatnonzero(is_used), max(len(priority.names), 1))
        numbers = (
            np.array([self.codes[kind].get(name, -1) for name in texts.names.tolist()], np.float64)[codes]
            for kind, texts, codes in zip(_KINDS, (category, priority), used, strict=True)
        )
        belief, place = self.means.belief(np.column_stack([*numbers])), (np.cumsum(is_used) - 1)[pairs]
        return WorkBelief(belief.log_mean[place], belief.log_sd[place])

    def pace(self, team: str) -> float:
        """Minutes of work the team finishes in a minute of working time; that of a usual team where nothing is known of it."""
        return max(self.paces.get(team, self._usual_pace), LEAST_PACE)

    @cached_property
    def _usual_pace(self) -> float:
        return float(np.median(list(self.paces.values()))) if self.paces else 1.0

    def detour(self, category: TextColumn) -> Floats:
        """The chance that a ticket of each category is sent on, or must wait for somebody, before it is solved."""
        found: Floats = category.each(lambda name: self.detours.get(name, self.detour_share), np.float64)
        return found


def _finished(live: LiveHistories, target: str, at_us: int) -> Iterator[Finished]:
    for layer in live.layers:
        tickets = layer.over
        places = _recent(tickets, at_us)
        if len(places):
            histories, mine = tickets.histories_of(places)
            yield _told(histories, mine, target)


def _recent(tickets: Tickets, at_us: int) -> Int64Array:
    if not len(tickets):
        return np.empty(0, np.int64)
    known_us = np.maximum.reduceat(tickets.log.known_us, tickets.log.offsets[:-1])
    is_recent = (known_us <= at_us) & (known_us > at_us - LOOKS_BACK_US)
    is_recent[tickets.superseded] = False
    found = np.flatnonzero(is_recent)
    return np.sort(found[np.argsort(known_us[found], kind="stable")[-MOST_TICKETS:]])


def _told(histories: Histories, tickets: Int64Array, target: str) -> Finished:
    every = ends(histories)
    last = Snapshots(tickets, every.at_us[tickets], every.kind[tickets])
    verdicts = verdicts_at(histories.log, histories.agreements, target, last.ticket, last.at_us)
    work = hands_on(histories, last, target, verdicts.elapsed_us)
    step = histories.search.at(last.ticket, last.at_us)
    texts = {}
    for name in (*_KINDS, "team"):
        texts[name] = np.array([*histories.values(name), ""], dtype=object)[histories.codes(name)[step]]
    return Finished(texts, work.booked, work.since_pick_up, work.had_detour, last.at_us, verdicts.calendar)


def _codes(texts: Texts) -> dict[str, int]:
    return {text: code for code, text in enumerate(sorted(set(texts.tolist())))}


def _coded(codes: Mapping[str, int], texts: Texts) -> Int64Array:
    """The code of each text, -1 for one never seen."""
    places, names = pd.factorize(texts)
    known = np.array([codes.get(name, -1) for name in names], np.int64)
    return known[places] if len(known) else np.empty(0, np.int64)


def _paces(live: LiveHistories, every: Finished, minutes: Floats, at_us: int) -> dict[str, float]:
    since_us = max(at_us - PACE_US, int(every.ended_us.min()))
    is_late = every.ended_us >= since_us
    found = {}
    for team in set(every.texts["team"][is_late].tolist()):
        rows = np.flatnonzero(is_late & (every.texts["team"] == team))
        calendars = every.calendar[rows]
        calendars = calendars[calendars >= 0]
        if not len(calendars):
            continue
        calendar = live.agreements.business_times[int(np.bincount(calendars).argmax())]
        open_minutes = calendar.elapsed_between(since_us, at_us) / 60e6
        if open_minutes > 0:
            found[team] = float(minutes[rows].sum()) / open_minutes
    return found


def _shares(every: Finished) -> dict[str, float]:
    """The share of tickets with a detour by category, those of few tickets drawn to the share of all."""
    overall = float(every.had_detour.mean())
    codes, names = pd.factorize(every.texts["category"])
    counts, sums = np.bincount(codes), np.bincount(codes, weights=every.had_detour)
    shares = (sums + 10 * overall) / (counts + 10)
    return dict(zip(names.tolist(), shares.tolist(), strict=True))


def _counts(every: Finished) -> dict[tuple[str, str], int]:
    return dict(Counter(zip(every.texts["team"].tolist(), every.texts["category"].tolist(), strict=True)))
