"""The order of many rows by several columns, of which the first two mostly tell."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sla.instants import Int64Array


def order_by(part: NDArray[np.integer], main: NDArray[np.number], *others: NDArray[np.generic]) -> Int64Array:
    """The places of n rows as np.lexsort((*reversed(others), main, part)) gives them, at a third of the cost.

    A sort that need not keep the order of equals is several times as quick, so `main` gets one. Where rows share `part`
    and `main` the others are looked at, of these rows alone. `part` holds no negative numbers; NaN in `main` come last.
    """
    order = np.argsort(main)
    codes = part.astype(np.min_scalar_type(int(part.max(initial=0))))  # of at most two bytes they need no comparisons
    order = order[np.argsort(codes[order], kind="stable")]
    of, value = codes[order], main[order]
    is_alike = (of[1:] == of[:-1]) & (
        (value[1:] == value[:-1]) | ((value[1:] != value[1:]) & (value[:-1] != value[:-1]))
    )
    if is_alike.any():
        follows, goes_on = np.append(False, is_alike), np.append(is_alike, False)
        tied = np.flatnonzero(follows | goes_on)
        rows, run = order[tied], np.cumsum(~follows[tied])
        order[tied] = rows[np.lexsort((rows, *(other[rows] for other in reversed(others)), run))]
    return order
