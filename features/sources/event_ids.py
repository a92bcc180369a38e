"""Event ids that say the same for the same event in every export, so that importing twice adds nothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute
from numpy.typing import NDArray

from features.sources.table import Coded
from features.stamps import FIRST_US, LAST_US, WIDTH, stamps
from sla.instants import Int64Array

_WIDTH = 3


def event_ids(parts: Sequence[Coded], at_us: Int64Array, ordinal: Int64Array) -> pd.Series:
    """`part/.../20160229T012300000000/001` for each row: parts, instant in UTC, ordinal; sorts by part, instant, ordinal."""
    keys = [part.series().to_numpy() for part in parts]
    pieces = [pa.array(key, type=pa.large_string()) for key in keys]
    joined = pa.compute.binary_join_element_wise(
        *pieces, _stamps(at_us), _ordinals(ordinal), pa.scalar("/", pa.large_string())
    )
    return pd.Series(joined.to_numpy(zero_copy_only=False), dtype="str")


def ordinals(groups: Sequence[Int64Array], order: Int64Array | None) -> Int64Array:
    """A number from 1 for each row that tells apart rows with equal `groups`: stable from export to export.

    With an `order` column it is that number plus one, so an export that begins in the middle of a ticket still agrees;
    where it repeats inside a group, and without one, rows are numbered in the order of the file.
    """
    keys = pd.DataFrame({str(k): group for k, group in enumerate(groups)})
    names = list(keys.columns)
    if order is None:
        return np.asarray(keys.groupby(names, sort=False).cumcount(), dtype=np.int64) + 1
    keys["order"] = order
    is_repeat = keys.duplicated().to_numpy()
    if not is_repeat.any():
        return order + 1
    in_group = np.asarray(keys.groupby(names, sort=False)["order"].rank(method="first"), dtype=np.int64)
    mixed = keys.assign(repeat=is_repeat).groupby(names, sort=False)["repeat"].transform("any").to_numpy(dtype=bool)
    return np.where(mixed, in_group, order + 1)


def rows_in_order(*keys: Int64Array) -> NDArray[np.intp]:
    """The order of rows by whole numbers, the first key counting most; rows with equal keys stay in their order."""
    packed, room = np.zeros(len(keys[0]), np.int64), 63
    for key in keys:
        since = key - key.min() if len(key) else key
        since = since // max(int(np.gcd.reduce(since)), 1)  # instants to the second or minute need few bits
        bits = int(since.max(initial=0)).bit_length()
        if bits > room:
            return np.lexsort(keys[::-1])
        packed, room = packed << bits | since, room - bits
    order = np.argsort(packed)  # one sort of single numbers is several times as quick as one of several keys
    in_order = packed[order]
    return order if (in_order[1:] > in_order[:-1]).all() else np.argsort(packed, kind="stable")


def _stamps(at_us: Int64Array) -> pa.Array:
    if at_us.min(initial=FIRST_US) >= FIRST_US and at_us.max(initial=FIRST_US) < LAST_US:
        offsets = np.arange(len(at_us) + 1, dtype=np.int64) * WIDTH
        return pa.LargeStringArray.from_buffers(len(at_us), pa.py_buffer(offsets), pa.py_buffer(stamps(at_us)))
    distinct, inverse = np.unique(at_us, return_inverse=True)
    text = np.char.replace(np.datetime_as_string(distinct.view("datetime64[us]"), unit="us"), "-", "")
    text = np.char.replace(np.char.replace(text, ":", ""), ".", "")
    return pa.array(text.astype(object), type=pa.large_string()).take(pa.array(inverse))


def _ordinals(ordinal: Int64Array) -> pa.Array:
    distinct, inverse = _distinct(ordinal)
    # A number that needs more digits sorts after those that do not: z is after every digit.
    text = [f"{k:0{_WIDTH}d}" if k < 10**_WIDTH else f"z{k:09d}" for k in distinct.tolist()]
    return pa.array(text, type=pa.large_string()).take(pa.array(inverse))


def _distinct(numbers: Int64Array) -> tuple[Int64Array, Int64Array]:
    """As `np.unique` with the inverse; numbers close to each other, as nearly always, are counted and not sorted."""
    least, most = int(numbers.min(initial=0)), int(numbers.max(initial=0))
    if most - least > len(numbers) + _WIDTH:
        return np.unique(numbers, return_inverse=True)
    places = np.cumsum(np.bincount(numbers - least, minlength=most - least + 1) > 0) - 1
    return np.flatnonzero(np.diff(places, prepend=-1)) + least, places[numbers - least]
