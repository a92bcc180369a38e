"""Which rows may be learned from and which are judged: splits by time, with labels only as they were known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from features.snapshots import SnapshotKind
from training.rows import Labelled

Int64Array = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
T = TypeVar("T", bound=np.generic)

DAY_US = 86_400_000_000
WEEK_US = 7 * DAY_US
LEAST_JUDGED = 300


@dataclass(frozen=True)
class Periods:
    """Instants of one judgement: train on what was known at `cut`, judge tickets opened after it until `until`.

    `end` is the last instant the log knows of, `closed` the last opening whose outcome can usually be known by then;
    `maturity` is how long after its opening a ticket's outcome is usually known.
    """

    cut_us: int
    until_us: int
    closed_us: int
    end_us: int
    maturity_us: int


def learnable(rows: Labelled, cut_us: int, maturity_us: int) -> BoolArray:
    """The rows a model trained at `cut` may use: the label was known by then, and the ticket was old enough for it to be.

    Without the second condition the youngest tickets enter only if they ended early, which are the ones that went well
    (or breached fast): a biased sample of the most recent weeks.
    """
    is_known = (rows.breached >= 0) & (rows.known_us <= cut_us)
    return np.asarray(is_known & (rows.at_us <= cut_us) & (rows.opened_us <= cut_us - maturity_us))


def last_event_us(rows: Labelled, cut_us: int) -> int:
    """The last event up to the cut, or the cut where there is none."""
    events = rows.at_us[(rows.kind != SnapshotKind.GRID) & (rows.at_us <= cut_us)]
    return int(events.max()) if len(events) else cut_us


def censored(rows: Labelled, cut_us: int, maturity_us: int, last_us: int | None = None) -> BoolArray:
    """The rows of which a model trained at `cut` may know only how long their clocks ran: all others that were there then.

    Tickets too young to learn an outcome from, some of which have ended; those still open; those cancelled. Instants after
    the last event before the cut are left out: nothing is known beyond them, and a log that ends there has them not. Where
    the rows are part of a log, `last_us` is that of the whole one.
    """
    last_us = last_event_us(rows, cut_us) if last_us is None else last_us
    return np.asarray((rows.at_us <= last_us) & ~learnable(rows, cut_us, maturity_us))


def judged(rows: Labelled, cut_us: int, until_us: int) -> BoolArray:
    """The rows a model trained at `cut` is judged on: tickets opened after it, seen until `until`, outcome known by now."""
    return np.asarray((rows.opened_us > cut_us) & (rows.at_us <= until_us) & (rows.breached >= 0))


def maturity(rows: Labelled, cut_us: int, share: float = 0.9) -> int:
    """Microseconds after opening by which `share` of tickets have a known outcome, seen from the older half before the cut.

    The younger half is left out because its slow tickets are not known yet. At most a quarter of the history.
    """
    before = rows.opened_us <= cut_us
    if not before.any():
        return 0
    start = int(rows.opened_us[before].min())
    _, first = np.unique(rows.ticket, return_index=True)
    old = first[rows.opened_us[first] <= start + (cut_us - start) // 2]
    is_known = (rows.breached[old] >= 0) & (
        rows.known_us[old] <= cut_us
    )  # later answers are not used, not even for this
    delay = np.where(is_known, rows.known_us[old] - rows.opened_us[old], np.iinfo(np.int64).max)
    if len(delay) == 0:
        return 0
    typical = int(_quantile(delay, rows.stands_for[old], share))
    return min(max(typical, 0), (cut_us - start) // 4)


def end_of_arrivals(opened_us: Int64Array, stands_for: NDArray[np.float64] | None = None) -> int:
    """The end of the last day on which tickets still arrived as usual: at least a fifth of a typical day's.

    Exports often trail off: a few old tickets that were touched again, months later. Judging there would judge nothing.
    """
    start = int(opened_us.min())
    day = (opened_us - start) // DAY_US
    count = np.bincount(day, stands_for)
    typical = (
        np.median(count[day]) if stands_for is None else _quantile(count[day], stands_for, 0.5)
    )  # the median over tickets, not over days: a long thin tail has many days
    return start + (int(np.flatnonzero(count >= 0.2 * typical).max()) + 1) * DAY_US


def derive_periods(
    rows: Labelled, end_us: int, cut_us: int | None, until_us: int | None, *, weeks_judged: int
) -> Periods:
    """The periods asked for, or by default the last `weeks_judged` weeks whose outcomes are known, at most a third of the history.

    Where few tickets arrive, more weeks: so many that LEAST_JUDGED tickets were opened in them.
    """
    end_delay = maturity(rows, end_us)
    stands_for = None if (rows.stands_for == 1.0).all() else rows.stands_for
    closed = min(end_of_arrivals(rows.opened_us, stands_for), end_us - end_delay)
    until = closed if until_us is None else until_us
    if cut_us is None:
        start = int(rows.opened_us.min())
        opened_us = np.sort(rows.opened_us[np.unique(rows.ticket, return_index=True)[1]])
        late = opened_us[opened_us <= until][-LEAST_JUDGED:]
        wanted_us = max(weeks_judged * WEEK_US, until - int(late[0]) + 1) if len(late) else weeks_judged * WEEK_US
        cut_us = until - min(wanted_us, (until - start) // 3)
    return Periods(cut_us, until, closed, end_us, maturity(rows, cut_us))


def _quantile(values: NDArray[T], weight: NDArray[np.float64], share: float) -> T:
    """The first value in order at which more than a share of the weight is reached, or the last."""
    order = np.argsort(values, kind="stable")
    upto = np.cumsum(weight[order])
    place = int(np.searchsorted(upto, share * upto[-1], side="right"))
    return values[order[min(place, len(values) - 1)]]  # type: ignore[no-any-return]


def instant(at_us: int) -> datetime:
    """The aware UTC instant of microseconds since 1970."""
    return datetime.fromtimestamp(at_us // 1_000_000, UTC).replace(microsecond=at_us % 1_000_000)
