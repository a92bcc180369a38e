"""Who took which ticket when, held against what the team was advised to take next just before."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sla.instants import Int64Array

UNKNOWN, BEYOND = -1, 0
COLUMNS = ("ticket_id", "team", "assignee", "picked_at")


def picks(events: pd.DataFrame) -> pd.DataFrame:
    """Every pick of canonical ticket events, in the order in which they happened: columns COLUMNS.

    A pick is an event after which a ticket has another assignee than before it, and has one.
    """
    rows = events.sort_values(["ticket_id", "event_at", "event_id"], kind="stable").reset_index(drop=True)
    state = rows[["team", "assignee"]].astype(object).groupby(rows["ticket_id"]).ffill()
    state = state.fillna("").astype(str)
    before = state["assignee"].groupby(rows["ticket_id"]).shift(fill_value="")
    is_pick = (state["assignee"] != "") & (state["assignee"] != before)
    found = pd.DataFrame({"ticket_id": rows["ticket_id"], **state, "picked_at": rows["event_at"]})[is_pick]
    return found[list(COLUMNS)].sort_values(["picked_at", "ticket_id"], kind="stable").reset_index(drop=True)


def with_places(found: pd.DataFrame, suggested: pd.DataFrame) -> pd.DataFrame:
    """The picks with `place` and `is_shown`.

    `place` is the place that a ticket had among those still waiting of the last advice given to its team before the pick: 1 is what was to
    be taken next, BEYOND one that is not among the first, UNKNOWN where no advice was given, or all it named was taken. Advice of the very
    instant of a pick counts as given after it: news makes advice. `is_shown`: whether the team had the suggested order then.
    """
    places, shown = np.full(len(found), UNKNOWN), np.zeros(len(found), np.bool_)
    orders = {str(team): _Orders(mine) for team, mine in suggested.groupby("team", sort=False)}
    taken: dict[tuple[str, int], set[str]] = {}
    at_us = _us(found["picked_at"])
    for row, (ticket, team) in enumerate(zip(found["ticket_id"], found["team"], strict=True)):
        order = orders.get(team)
        which = -1 if order is None else order.before(int(at_us[row]))
        if order is None or which < 0:
            continue
        gone = taken.setdefault((team, which), set())
        waiting = [one for one in order.tickets[which] if one not in gone]
        shown[row] = order.is_shown[which]
        if waiting:
            places[row] = waiting.index(ticket) + 1 if ticket in waiting else BEYOND
        gone.add(ticket)
    return found.assign(place=places, is_shown=shown)


class _Orders:
    """The advice given to one team, one after the other."""

    def __init__(self, rows: pd.DataFrame) -> None:
        rows = rows.assign(at=_us(rows["suggested_at"])).sort_values(["at", "place"], kind="stable")
        groups = rows.groupby("at", sort=True)
        self.at_us: NDArray[np.int64] = np.array(list(groups.groups), np.int64)
        self.tickets: list[list[str]] = [mine["ticket_id"].tolist() for _, mine in groups]
        self.is_shown: list[bool] = [bool(mine["is_shown"].iloc[0]) for _, mine in groups]

    def before(self, at_us: int) -> int:
        """The place of the last advice given before an instant, -1 for none."""
        return int(np.searchsorted(self.at_us, at_us, side="left")) - 1


def _us(instants: pd.Series[pd.Timestamp]) -> Int64Array:
    return np.asarray(instants.astype("datetime64[us, UTC]").astype("int64"), dtype=np.int64)
