"""What models said of tickets, beside how the clocks ended as far as that is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sla.instants import NEVER_US, BoolArray, Int64Array


@dataclass(frozen=True)
class Endings:
    """How the clock of each ticket of an index ended: when, NEVER_US where it is not decided, and whether it missed."""

    decided_us: Int64Array
    missed: BoolArray


def endings_of(ticket_ids: pd.Index, clocks: pd.DataFrame, target: str) -> Endings:
    """The endings of tickets by the frame of serving.levels; of a clock that was decided twice the last."""
    ended = clocks[clocks["target"] == target].drop_duplicates("ticket_id", keep="last")
    place = pd.Index(ended["ticket_id"]).get_indexer(ticket_ids)
    decided_us = np.append(in_us(ended["decided_at"]), NEVER_US)[place]
    missed = np.append(~ended["is_met"].to_numpy(dtype=np.bool_), False)[place]
    return Endings(decided_us, missed)


def first_said(said: pd.DataFrame, clocks: pd.DataFrame, target: str) -> pd.DataFrame:
    """The first estimate shown of each ticket, while its clock was undecided: ticket_id, scored_us, probability, is_ended, missed.

    `said` is the frame of features.store.predictions.said_of_some; what a challenger said is left out.
    """
    shown = said[~said["is_shadow"].to_numpy(dtype=np.bool_)]
    first = shown.sort_values("scored_at", kind="stable").drop_duplicates("ticket_id")
    scored_us = in_us(first["scored_at"])
    endings = endings_of(pd.Index(first["ticket_id"]), clocks, target)
    found = pd.DataFrame(
        {
            "ticket_id": first["ticket_id"].to_numpy(dtype=object),
            "scored_us": scored_us,
            "probability": first["probability"].to_numpy(dtype=np.float64),
            "is_ended": endings.decided_us != NEVER_US,
            "missed": endings.missed,
        }
    )
    return found[endings.decided_us > scored_us].reset_index(drop=True)


def in_us(instants: pd.Series[pd.Timestamp]) -> Int64Array:
    """Aware instants as microseconds, NEVER_US where there is none."""
    at = pd.DatetimeIndex(pd.to_datetime(instants, utc=True)).tz_localize(None).to_numpy("datetime64[us]")
    return np.where(np.isnat(at), NEVER_US, at.astype(np.int64))
