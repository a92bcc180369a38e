"""Hands-on work: what was booked on a ticket up to an instant, or where nothing is booked how long its clock has run since it was picked up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.histories import Histories
from features.snapshots import SnapshotKind, Snapshots
from sla.clocks.replay import verdicts_at
from sla.instants import SECOND_US, BoolArray, Int64Array

BOOKED = "attributes.handling_minutes"
"""The attribute that holds the hands-on minutes booked on a ticket so far."""
MINUTE_US = 60 * SECOND_US


@dataclass(frozen=True)
class HandsOn:
    """Work on m snapshots' tickets so far, in minutes.

    `booked`: as recorded, NaN where nothing is. `since_pick_up`: time its clock has run since somebody was first assigned, NaN
    where nobody was. `had_detour`: whether the ticket changed its team, or waited for somebody, before.
    """

    booked: NDArray[np.float64]
    since_pick_up: NDArray[np.float64]
    had_detour: BoolArray

    @classmethod
    def nothing(cls, size: int) -> HandsOn:
        """Nothing known of so many snapshots."""
        return cls(np.full(size, np.nan), np.full(size, np.nan), np.zeros(size, np.bool_))


def hands_on(histories: Histories, snapshots: Snapshots, target: str, elapsed_us: Int64Array | None = None) -> HandsOn:
    """The work on each snapshot's ticket as known then. `elapsed_us`: what the target's clock shows there, if it was asked already."""
    ticket, at_us = snapshots.ticket, snapshots.at_us
    step = histories.search.at(ticket, at_us)
    if elapsed_us is None:
        elapsed_us = verdicts_at(histories.log, histories.agreements, target, ticket, at_us).elapsed_us
    first, before_us = histories.once(f"pick-up on {target}", lambda: _pick_ups(histories, target))
    is_picked = (first[ticket] <= step) & (step >= 0)
    ran_us = np.maximum(elapsed_us - before_us[ticket], 0)
    minutes = histories.once("booked minutes", lambda: _booked(histories))
    detours = histories.once("detours so far", lambda: _detours(histories))
    return HandsOn(
        np.where(step >= 0, minutes[step], np.nan),
        np.where(is_picked, ran_us / MINUTE_US, np.nan),
        (step >= 0) & (detours[step] > 0),
    )


def ends(histories: Histories) -> Snapshots:
    """A LIVE snapshot of every ticket after its last record."""
    last = histories.steps.offsets[1:] - 1
    has_any = np.diff(histories.steps.offsets) > 0
    ticket = np.flatnonzero(has_any)
    return Snapshots(ticket, histories.steps.known_us[last[has_any]], np.full(len(ticket), SnapshotKind.LIVE, np.int8))


def _pick_ups(histories: Histories, target: str) -> tuple[Int64Array, Int64Array]:
    """One a ticket: the step at which somebody was first assigned (beyond all steps: nobody was), and what the clock showed then."""
    steps, never = histories.steps, len(histories.steps)
    has_any = np.diff(steps.offsets) > 0
    first = np.full(len(has_any), never)
    if never:
        places = np.where(histories.is_named("assignee"), np.arange(never), never)
        first[has_any] = np.minimum.reduceat(places, steps.offsets[:-1][has_any])
    elapsed_us = np.zeros(len(first), np.int64)
    picked = np.flatnonzero(first < never)
    at_us = steps.known_us[first[picked]]
    elapsed_us[picked] = verdicts_at(histories.log, histories.agreements, target, picked, at_us).elapsed_us
    return first, elapsed_us


def _booked(histories: Histories) -> NDArray[np.float64]:
    """One a step: the minutes booked so far, NaN where none or no number is."""
    texts = histories.values(BOOKED)
    numbers = np.array([*(_number(text) for text in texts), np.nan])
    return np.append(numbers[histories.codes(BOOKED)], np.nan)


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return float("nan")
    return value if value >= 0 else float("nan")


def _detours(histories: Histories) -> Int64Array:
    """One a step: how often the ticket changed from one team to another, or began to wait, so far."""
    steps, codes = histories.steps, histories.codes("team")
    was_named = steps.previous(histories.is_named("team"), False)
    moved = steps.changed(codes) & was_named & histories.is_named("team")
    begins_waiting = steps.changed(histories.is_value("status", "waiting").astype(np.int8)) & histories.is_value(
        "status", "waiting"
    )
    return np.append(steps.running_total(moved | begins_waiting), 0)
