"""The simple candidates: the last same weekday, and the mean of the last four; and a part's share of the whole."""

from __future__ import annotations

import numpy as np

from models.scales import Float64Array


def same_weekdays(values: Float64Array, horizon: int, most: int) -> Float64Array:
    """s x horizon: the mean of the last `most` counted same weekdays before the end; of all days where there is none, else 0.

    `values` is s x n with NaN for days to leave out.
    """
    n = values.shape[1]
    usual = _mean(values[:, -28:], np.isfinite(values[:, -28:]))
    out = np.empty((len(values), 7))
    for ahead in range(7):
        past = values[:, np.arange(n - 7 + ahead, -1, -7)]
        known = np.isfinite(past)
        latest = known & (np.cumsum(known, axis=1) <= most)
        found = _mean(past, latest)
        out[:, ahead] = np.where(latest.any(axis=1), found, usual)
    return out[:, np.arange(horizon) % 7]


def share_of_whole(values: Float64Array, whole_ahead: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Each series' share of the whole since its first count, times the whole's forecast (s x horizon); and the shares.

    A sixteenth of a ticket is added to each share, so that a series of one quiet day is not said to be empty for ever.
    """
    born = np.isfinite(values)
    whole = np.where(np.isfinite(values[:1]), values[:1], 0.0)
    came = np.where(born, values, 0.0).sum(axis=1)
    share = (came + 0.0625) / (np.where(born, whole, 0.0).sum(axis=1) + 1.0)
    share = np.minimum(share, 1.0)
    return share[:, None] * whole_ahead[None, :], share


def _mean(values: Float64Array, known: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> Float64Array:
    total = np.where(known, values, 0.0).sum(axis=1)
    found: Float64Array = total / np.maximum(known.sum(axis=1), 1)
    return found
