"""The suggested order of live tickets: what a minute of work on each is worth now, its group, its place in its team's queue, and why.

The order is that of models/dispatch.py, for all teams' queues at once. Of the chance to be late although taken now it knows two
things: the belief about the work, and the served model's probability of breach. Taking a ticket cannot make it later than leaving it
to the usual course, so the smaller of the two counts.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.waiting import Waiting
from models.dispatch import Gain, GainSettings, gain, late_if_taken_now
from models.dispatch_reasons import is_lost, is_pressing, why_suggested
from models.work_marks import WorkTime
from serving.handling import Floats, Handling, Texts
from serving.risk import Group
from serving.sorting import order_by
from serving.switchback import Switchback
from serving.text_column import TextColumn
from serving.work_time import work_words
from sla.instants import BoolArray, Int64Array

GROUPS = tuple(Group)
WEIGHTS = {"1": 20.0, "2": 8.0, "3": 3.0, "4": 1.0}
SWITCHES = " Each team works one week of two by due time instead, so that what the order is worth can be measured."
OLDEST_TURN = "Oldest ticket of its team: every {every} picks or so the oldest is taken, so that none waits for ever."


@dataclass(frozen=True)
class OrderSettings:
    """The dials of the order. `weights`: what a breach costs by priority, the least of them for any other. `oldest_every`: one pick in
    so many takes the oldest ticket; 0: none does. `is_wanted` False keeps the order of the rules though a model is served.
    """

    is_wanted: bool = True
    gain: GainSettings = field(default_factory=lambda: GainSettings(response=0.1))
    weights: Mapping[str, float] = field(default_factory=lambda: dict(WEIGHTS))
    oldest_every: int = 0
    assumed_minutes: float = 60.0
    switchback: Switchback = field(default_factory=Switchback)


@dataclass(frozen=True)
class Suggestion:
    """What the order says of m open tickets; numbers are NaN, and ranks 0, for those that nobody can work on (paused, no clock).

    `rank` is the place in the team's queue in the order of gain: 1 is what to take next. `group` is a place in GROUPS, -1 where the
    order has no say. `work`, `worth` are rows of the workable tickets; `row` the row of each ticket there, -1 for none.
    In a week without the suggested order (serving/switchback.py) a team's tickets are in the order of their due times: `is_shown` is False,
    `shown_rank` is the place in that order, and `sort_gain` hands the gains of the team's tickets out in it. Elsewhere they repeat rank and gain.
    """

    gain: Floats
    late_chance: Floats
    work_minutes: Floats
    rank: Int64Array
    group: NDArray[np.int8]
    is_oldest_turn: BoolArray
    is_shown: BoolArray
    shown_rank: Int64Array
    sort_gain: Floats
    row: Int64Array
    work: Waiting
    worth: Gain
    oldest_every: int = 0

    def why(self, place: int) -> str | None:
        """The sentence on why the ticket at a place stands where it stands; None where the order has no say."""
        row = int(self.row[place])
        if row < 0:
            return None
        if self.is_oldest_turn[place]:
            return OLDEST_TURN.format(every=self.oldest_every)
        return why_suggested(self.work, self.worth, row)

    def moved(self, place: Int64Array) -> Suggestion:
        """What was said of other tickets, each said of the one that stood at `place`; nothing where that is -1."""
        nothing = _nothing(len(place))
        to = np.flatnonzero(place >= 0)
        for name in nothing:
            nothing[name][to] = getattr(self, name)[place[to]]
        return Suggestion(**nothing, work=self.work, worth=self.worth, oldest_every=self.oldest_every)


def _nothing(size: int) -> dict[str, NDArray[Any]]:
    return {
        "gain": np.full(size, np.nan),
        "late_chance": np.full(size, np.nan),
        "work_minutes": np.full(size, np.nan),
        "rank": np.zeros(size, np.int64),
        "group": np.full(size, -1, np.int8),
        "is_oldest_turn": np.zeros(size, np.bool_),
        "is_shown": np.ones(size, np.bool_),
        "shown_rank": np.zeros(size, np.int64),
        "sort_gain": np.full(size, np.nan),
        "row": np.full(size, -1),
    }


def weights_of(priority: TextColumn, weights: Mapping[str, float]) -> Floats:
    """What a breach of each ticket costs."""
    least = min(weights.values())
    return priority.each(lambda name: weights.get(name, least), np.float64)


def suggestion(
    work: Waiting,
    team: TextColumn,
    probability: Floats,
    ticket_ids: Texts,
    places: Int64Array,
    size: int,
    handling: Handling,
    settings: OrderSettings,
    at_us: int = 0,
) -> Suggestion:
    """What the order says at an instant of `size` open tickets, of which those at `places` (n) can be worked on.

    `team`, `probability` (of breach, NaN where no model was asked) and `ticket_ids` are n rows beside those of `work`.
    """
    queue, names = team.codes.astype(np.int64), team.names
    late = np.fmin(late_if_taken_now(work), np.where(work.left > 0, probability, np.nan))
    worth = gain(work, settings.gain, horizon=_horizons(work, queue, names, handling, settings.gain), late=late)
    ranks, turns = _ranks(work, worth, queue, ticket_ids, settings.oldest_every)
    pressing = np.where(is_pressing(worth), GROUPS.index(Group.SAVE_NOW), GROUPS.index(Group.SAFE_FOR_NOW))
    group = np.where(is_lost(worth), GROUPS.index(Group.LATE_OR_LOST), pressing)
    whole = _nothing(size)
    is_shown = np.array([settings.switchback.is_suggested(name, at_us) for name in names], np.bool_)[queue]
    shown_rank, sort_gain = _shown(work, worth, queue, ranks, group, is_shown)
    told = (
        worth.total, worth.late_chance, work.expected, ranks, group, turns & is_shown, is_shown, shown_rank, sort_gain, np.arange(len(places)),
    )  # fmt: skip
    for column, values in zip(whole.values(), told, strict=True):
        column[places] = values
    return Suggestion(**whole, work=work, worth=worth, oldest_every=settings.oldest_every)


def _horizons(work: Waiting, queue: Int64Array, names: Texts, handling: Handling, settings: GainSettings) -> Floats:
    """How far ahead urgency looks for each ticket: a share of the time its team needs for its queue, at its usual pace."""
    waits = np.bincount(queue, weights=work.expected, minlength=len(names))
    paces = np.array([handling.pace(name) for name in names])
    horizons = settings.horizon_share * waits / paces + settings.horizon_minutes if len(names) else waits
    return np.asarray(horizons[queue])


def _ranks(
    work: Waiting, worth: Gain, queue: Int64Array, ticket_ids: Texts, oldest_every: int
) -> tuple[Int64Array, BoolArray]:
    """The place of each ticket in its team's queue, from 1, and which of them is first because it is the oldest."""
    order = order_by(queue, -worth.total, work.left, work.opened)
    in_order = queue[order]
    begins = np.flatnonzero(np.diff(in_order, prepend=-1))
    sizes = np.diff(np.append(begins, len(order)))
    ranks = np.empty(len(order), np.int64)
    ranks[order] = np.arange(len(order)) - np.repeat(begins, sizes) + 1
    turns = np.zeros(len(order), np.bool_)
    if oldest_every:
        oldest = np.lexsort((ticket_ids.astype(str), work.opened, queue))[begins]
        for first, old in zip(order[begins].tolist(), oldest.tolist(), strict=True):
            if first != old and is_turn_of_oldest(str(ticket_ids[first]), str(ticket_ids[old]), oldest_every):
                ranks[(queue == queue[old]) & (ranks < ranks[old])] += 1
                ranks[old], turns[old] = 1, True
    return ranks, turns


def _shown(
    work: Waiting,
    worth: Gain,
    queue: Int64Array,
    ranks: Int64Array,
    group: NDArray[np.int8],
    is_shown: BoolArray,
) -> tuple[Int64Array, Floats]:
    """The places in the team's queue as people see them, and what the tickets are sorted by within their group."""
    rank, gains = ranks.copy(), worth.total.copy()
    rows = np.flatnonzero(~is_shown)
    if len(rows):
        by_due = rows[np.lexsort((work.opened[rows], work.left[rows], group[rows], queue[rows]))]
        begins = np.flatnonzero(np.diff(queue[by_due], prepend=-1))
        sizes = np.diff(np.append(begins, len(by_due)))
        rank[by_due] = np.arange(len(by_due)) - np.repeat(begins, sizes) + 1
        by_gain = rows[np.lexsort((-worth.total[rows], queue[rows]))]
        gains[by_due] = worth.total[by_gain]
    return rank, gains


def is_turn_of_oldest(first: str, oldest: str, every: int) -> bool:
    """Whether the oldest ticket of a queue goes before its first: a lot of one in `every`, the same on every replica and at every tick.

    Whichever of the two is taken, the next pair draws a new lot; so one pick in `every` takes the oldest.
    """
    return zlib.crc32(f"{first}\n{oldest}".encode()) % every == 0


@dataclass(frozen=True)
class OrderNote:
    """By what the queue is ordered (`suggested` or `rules`) and a sentence on why and on what it rests."""

    by: str
    words: str


def note_of(
    settings: OrderSettings, rules_only_reason: str | None, handling: Handling | None, work: WorkTime | None = None
) -> OrderNote:
    """What is said of the order."""
    if handling is None:
        why = rules_only_reason or "the suggested order is switched off"
        if not settings.is_wanted:
            why = "SLACAST_QUEUE_ORDER is rules"
        return OrderNote("rules", f"Ordered by rules: due time first ({why.rstrip('.')}).")
    weeks = SWITCHES if settings.switchback.is_on else ""
    return OrderNote("suggested", f"Ordered by what a minute of work saves. {work_words(work, handling)}{weeks}")


def is_stale(handling: Handling | None, at_us: int, every_us: int) -> bool:
    """Whether what finished tickets tell should be asked anew."""
    return handling is None or not 0 <= at_us - handling.as_of_us < every_us
