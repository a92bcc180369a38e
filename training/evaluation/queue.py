"""The queue replayed: at every working hour all open, unbroken clocks in some order. Who stands at the top, and who should?

A dispatcher does not see a probability alone but the first page of a list. What counts there is how many of the tickets
that are about to breach stand on it, and a rule as plain as the due time is hard to beat for the next few hours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from models.scales import Float64Array
from sla.instants import BoolArray, Int64Array
from training.bootstrap import Interval, blocks_of, differences, interval_of, ratio

SOON_HOURS = 8.0
FAR_HOURS = (16.0, 30.0)
TOPS = (20, 50)

DUE = "due time"
DUE_WAITING_LAST = "due time, waiting last"
SHARE = "share used"
MODEL = "model"
PRODUCT = "due time within 16 h, then model"


@dataclass(frozen=True)
class QueueLooks:
    """n looks at open, unbroken clocks, each at an instant of the grid; arrays of length n.

    due_us: when the clock runs out, of a waiting one if it resumed now. hours_to_due, hours_to_breach: working hours of
    the desk until then; the latter infinite where the promise is kept. day: block of the bootstrap, the day of the look.
    """

    ticket: Int64Array
    at_us: Int64Array
    due_us: Int64Array
    is_waiting: BoolArray
    share_used: Float64Array
    hours_to_due: Float64Array
    hours_to_breach: Float64Array
    day: Int64Array

    def __len__(self) -> int:
        return len(self.at_us)


def orders(looks: QueueLooks, probability: Mapping[str, Float64Array]) -> dict[str, Float64Array]:
    """Scores by which queues are sorted, highest first: the rules, each model, and the model after what is due soon."""
    soonest = -looks.due_us.astype(np.float64)
    span = max(float(np.ptp(soonest)), 1.0) if len(looks) else 1.0
    nearness = (soonest - soonest.min()) / span if len(looks) else soonest  # 0..1
    found = {
        DUE: nearness,
        DUE_WAITING_LAST: np.where(looks.is_waiting, nearness - 2.0, nearness),
        SHARE: np.nan_to_num(looks.share_used),
        **probability,
    }
    if MODEL in probability:
        is_near = ~looks.is_waiting & (looks.hours_to_due <= FAR_HOURS[0])
        found[PRODUCT] = np.where(is_near, 2.0 + nearness, probability[MODEL])
    return found


def breaches_soon(looks: QueueLooks, hours: float = SOON_HOURS) -> BoolArray:
    """Which looks are at tickets that breach within the next working hours."""
    return np.asarray(looks.hours_to_breach <= hours)


def breaches_far(looks: QueueLooks) -> tuple[BoolArray, BoolArray]:
    """Which looks are at tickets that breach 16 to 30 working hours later, and among which they are sought: not due within 16."""
    low, high = FAR_HOURS
    is_sought = looks.hours_to_due > low
    return (looks.hours_to_breach > low) & (looks.hours_to_breach <= high) & is_sought, is_sought


def places(at_us: Int64Array, score: Float64Array) -> Int64Array:
    """The place of each look in the queue of its instant, 0 at the top; ties in the order given."""
    order = np.lexsort((-score, at_us))
    sorted_at = at_us[order]
    begins = np.ones(len(order), np.bool_)
    begins[1:] = sorted_at[1:] != sorted_at[:-1]
    start = np.maximum.accumulate(np.where(begins, np.arange(len(order)), 0)) if len(order) else order
    found = np.empty(len(order), np.int64)
    found[order] = np.arange(len(order)) - start
    return found


@dataclass(frozen=True)
class TopTable:
    """Of each order, over all instants: the share of wanted tickets on the first `top` places, and what it has over another order.

    `gain` is the found share of the table's own reference less that of each other order, on the same resampled days;
    `precision` is the share of these places that hold a wanted ticket.
    """

    top: int
    wanted_each_time: float  # the mean number of wanted tickets at an instant
    reference: str
    found: Mapping[str, Interval]
    precision: Mapping[str, float]
    gain: Mapping[str, Interval]


def top_table(
    looks: QueueLooks,
    scores: Mapping[str, Float64Array],
    is_wanted: BoolArray,
    top: int,
    reference: str,
    *,
    is_sought: BoolArray | None = None,
    draws: int = 200,
) -> TopTable:
    """The table of one length of list. `is_sought` leaves out looks that the list does not show."""
    chosen = np.arange(len(looks)) if is_sought is None else np.flatnonzero(is_sought)
    at_us, wanted = looks.at_us[chosen], is_wanted[chosen].astype(np.float64)
    block, blocks = blocks_of(looks.day)
    is_top = {name: places(at_us, score[chosen]) < top for name, score in scores.items()}
    prepared = {name: ratio(wanted * first, wanted, block[chosen], blocks) for name, first in is_top.items()}
    return TopTable(
        top,
        float(wanted.sum() / max(len(np.unique(looks.at_us)), 1)),
        reference,
        {name: interval_of(one, blocks, draws=draws) for name, one in prepared.items()},
        {name: float(wanted[first].mean()) if first.any() else float("nan") for name, first in is_top.items()},
        differences(prepared, reference, blocks, draws=draws),
    )
