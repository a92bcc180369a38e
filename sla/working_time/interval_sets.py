"""Sets of half-open intervals as two sorted int64 arrays `(opens, closes)`: union, difference, clipping."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from sla.instants import Int64Array

Intervals: TypeAlias = tuple[Int64Array, Int64Array]


def no_intervals() -> Intervals:
    """Return the empty set."""
    return np.empty(0, np.int64), np.empty(0, np.int64)


def union(opens: Int64Array, closes: Int64Array) -> Intervals:
    """Return sorted, disjoint intervals that cover what the given ones cover; touching ones become one, empty ones go."""
    real = closes > opens
    if not real.all():
        opens, closes = opens[real], closes[real]
    if len(opens) == 0:
        return no_intervals()
    if (opens[1:] < opens[:-1]).any():
        order = np.argsort(opens, kind="stable")
        opens, closes = opens[order], closes[order]
    reach = np.maximum.accumulate(closes)
    begins = np.concatenate(([True], opens[1:] > reach[:-1]))
    ends = np.append(begins[1:], True)
    return opens[begins], reach[ends]


def minus(one: Intervals, other: Intervals) -> Intervals:
    """Return the part of `one` that `other` does not cover; both sorted and disjoint."""
    if len(one[0]) == 0 or len(other[0]) == 0:
        return one
    at = np.concatenate((one[0], one[1], other[0], other[1]))
    in_one = np.repeat(np.array([1, -1, 0, 0]), [len(one[0]), len(one[1]), len(other[0]), len(other[1])])
    in_other = np.repeat(np.array([0, 0, 1, -1]), [len(one[0]), len(one[1]), len(other[0]), len(other[1])])
    order = np.argsort(at, kind="stable")
    at = at[order]
    covered = (np.cumsum(in_one[order]) > 0) & (np.cumsum(in_other[order]) == 0)
    # Of several edges at one instant only the last tells the state from there on.
    final = np.append(at[1:] != at[:-1], True)
    at, covered = at[final], covered[final]
    changed = np.concatenate((covered[:1], covered[1:] != covered[:-1]))
    edges = at[changed]
    return edges[0::2], edges[1::2]


def clip(intervals: Intervals, low: int, high: int) -> Intervals:
    """Return the part of the intervals within `[low, high)`; sorted and disjoint as they were."""
    opens, closes = np.maximum(intervals[0], low), np.minimum(intervals[1], high)
    real = closes > opens
    return opens[real], closes[real]


def intersection(one: Intervals, other: Intervals) -> Intervals:
    """Return what both sets cover; both sorted and disjoint."""
    if len(one[0]) == 0 or len(other[0]) == 0:
        return no_intervals()
    low, high = int(one[0][0]), int(one[1][-1])
    gaps_open = np.concatenate(([min(low, int(other[0][0]))], other[1]))
    gaps_close = np.concatenate((other[0], [max(high, int(other[1][-1]))]))
    return minus(one, union(gaps_open, gaps_close))


def total(intervals: Intervals) -> int:
    """Return the summed length of disjoint intervals."""
    return int((intervals[1] - intervals[0]).sum())
