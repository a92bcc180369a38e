"""Instants as int64 microseconds since 1970-01-01 UTC, and back: the only place where the two forms meet."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Int64Array: TypeAlias = NDArray[np.int64]
BoolArray: TypeAlias = NDArray[np.bool_]

SECOND_US = 1_000_000
DAY_SECONDS = 86_400
DAY_US = DAY_SECONDS * SECOND_US
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

NEVER_US: int = int(np.iinfo(np.int64).max)
"""Stands for an instant that never comes (or that is missing) in arrays of instants."""


def to_us(at: datetime) -> int:
    """Return an aware datetime as microseconds since 1970-01-01 UTC.

    Raises ValueError for a naive datetime: without a zone it is not an instant.
    """
    if at.tzinfo is None:
        raise ValueError(
            f"{at.isoformat()} has no time zone, so it is no instant: write an offset, for example {at.isoformat()}+00:00"
        )
    since = at - EPOCH
    return (since.days * DAY_SECONDS + since.seconds) * SECOND_US + since.microseconds


def from_us(at_us: int) -> datetime:
    """Return microseconds since 1970-01-01 UTC as an aware datetime in UTC."""
    return EPOCH + timedelta(microseconds=int(at_us))
