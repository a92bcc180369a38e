"""Tickets' journeys read off canonical events: a row a ticket, a row a wait, a row for everything an agent did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.hands_on import BOOKED
from sla.instants import SECOND_US
from sla.working_time.business_time import BusinessTime

MINUTE_US = 60 * SECOND_US
STATE = ("status", "waiting_on", "priority", "team", "assignee", "service", "category", "customer", "channel")
OPEN = ("new", "open", "waiting")


@dataclass(frozen=True)
class Journeys:
    """`tickets`: one row each, by id. `waits`: ticket, customer, what for (also `reopening`), working minutes, whether over. `acts`: what agents did.

    `tickets` has opened_at, ended_at (resolved or cancelled, NaT while open), is_resolved, is_cancelled, priority (the last), first_team, team,
    service, category, customer, channel, booked and in_hand (minutes), asked_customer, asked_supplier, was_reopened, wasted (minutes booked when a
    first wrong team let go), recording_minutes and clock_minutes (working minutes less waits, until the end or `last_at`).
    """

    tickets: pd.DataFrame
    waits: pd.DataFrame
    acts: pd.DataFrame

    @classmethod
    def of(cls, events: pd.DataFrame, hours: BusinessTime, until: pd.Timestamp | None = None) -> Journeys:
        """The journeys of canonical ticket events in any order; working time is that of the desk's hours.

        What is open is measured at `until` (default: the last event).
        """
        rows = _filled(events)
        begins = rows["ticket_id"].ne(rows["ticket_id"].shift())
        last_at = rows["event_at"].max() if until is None else until
        waits = _waits(rows, begins, hours, last_at)
        tickets = _tickets(rows, begins)
        tickets = _with_clocks(tickets, waits, hours, last_at)
        acts = rows[(rows["actor_kind"] == "agent") & (rows["assignee"] != "")][["event_at", "assignee", "team"]]
        return cls(tickets, waits, acts)

    def waits_for(self, what: str) -> NDArray[np.float64]:
        """The working minutes of every finished wait for the customer, a supplier, or a reopening."""
        mine = self.waits[(self.waits["waiting_on"] == what) & self.waits["is_over"]]
        return mine["minutes"].to_numpy(np.float64)


def _filled(events: pd.DataFrame) -> pd.DataFrame:
    rows = events.sort_values(["ticket_id", "event_at", "event_id"], kind="stable").reset_index(drop=True)
    for name in (*STATE, "actor_kind", BOOKED):
        if name not in rows:
            rows[name] = None
    names = [*STATE, BOOKED]
    rows[names] = rows[names].astype(object).groupby(rows["ticket_id"]).ffill()
    rows[list(STATE)] = rows[list(STATE)].fillna("").astype(str)
    rows["booked"] = pd.to_numeric(rows[BOOKED], errors="coerce")
    return rows


def _tickets(rows: pd.DataFrame, begins: pd.Series[Any]) -> pd.DataFrame:
    by_ticket = rows.groupby("ticket_id", sort=True)
    first, last = rows[begins].set_index("ticket_id"), by_ticket.tail(1).set_index("ticket_id")
    found = last[["priority", "team", "service", "category", "customer", "channel", "booked", "status"]].copy()
    found["opened_at"] = first["event_at"]
    found["recording_minutes"] = (first["recorded_at"] - first["event_at"]).dt.total_seconds() / 60
    named = rows[rows["team"] != ""].groupby("ticket_id")["team"].first()
    found["first_team"] = named.reindex(found.index).fillna("")
    found["is_cancelled"] = found["status"] == "cancelled"
    found["is_resolved"] = found["status"].isin(["resolved", "closed"])
    is_over = ~rows["status"].isin(OPEN)
    ends = is_over & ~(is_over.shift(fill_value=False) & ~begins)
    found["ended_at"] = rows[ends].groupby("ticket_id")["event_at"].last().reindex(found.index)
    found.loc[~(found["is_resolved"] | found["is_cancelled"]), "ended_at"] = pd.NaT
    goes_on = ~is_over & is_over.shift(fill_value=False) & ~begins
    found["was_reopened"] = found.index.isin(rows.loc[goes_on, "ticket_id"])
    for what in ("customer", "supplier"):
        asked = rows.loc[(rows["status"] == "waiting") & (rows["waiting_on"] == what), "ticket_id"]
        found[f"asked_{what}"] = found.index.isin(asked)
    moved = rows["team"].ne(rows["team"].shift()) & ~begins & rows["team"].shift().ne("")
    found["wasted"] = rows[moved].groupby("ticket_id")["booked"].first().reindex(found.index)
    found["picked_at"] = rows[rows["assignee"] != ""].groupby("ticket_id")["event_at"].first().reindex(found.index)
    return found


def _waits(rows: pd.DataFrame, begins: pd.Series[Any], hours: BusinessTime, last_at: Any) -> pd.DataFrame:
    """Stretches in which a ticket waited, or was resolved and then opened again, until the next row of another kind of the same ticket.

    Waits that are not over end at `last_at`.
    """
    kind = np.where(
        rows["status"] == "waiting",
        rows["waiting_on"].replace("", "unknown"),
        np.where(rows["status"] == "resolved", "reopening", ""),
    )
    kinds = pd.Series(kind, index=rows.index)
    changes = kinds.ne(kinds.shift()) | begins
    found = rows.loc[changes, ["ticket_id", "customer", "event_at", "status"]].assign(waiting_on=kinds[changes])
    following = found[["ticket_id", "event_at", "status"]].shift(-1)
    found["is_over"] = following["ticket_id"] == found["ticket_id"]
    found["until"] = following["event_at"].where(found["is_over"], last_at)
    goes_on = found["is_over"] & following["status"].isin(OPEN)
    found = found[(found["waiting_on"] != "") & ((found["waiting_on"] != "reopening") | goes_on)]
    found["minutes"] = hours.elapsed_us(_us(found["event_at"]), _us(found["until"])) / MINUTE_US
    return found[["ticket_id", "customer", "waiting_on", "event_at", "until", "minutes", "is_over"]]


def _with_clocks(tickets: pd.DataFrame, waits: pd.DataFrame, hours: BusinessTime, last_at: Any) -> pd.DataFrame:
    until = tickets["ended_at"].fillna(last_at)
    ran = pd.Series(hours.elapsed_us(_us(tickets["opened_at"]), _us(until)) / MINUTE_US, index=tickets.index)
    paused = waits.groupby("ticket_id")["minutes"].sum().reindex(tickets.index).fillna(0.0)
    tickets["clock_minutes"] = ran - paused
    before = pd.Series(0.0, index=tickets.index)
    is_picked = tickets["picked_at"].notna()
    before[is_picked] = (
        hours.elapsed_us(_us(tickets.loc[is_picked, "opened_at"]), _us(tickets.loc[is_picked, "picked_at"])) / MINUTE_US
    )
    tickets["in_hand"] = (tickets["clock_minutes"] - before).where(is_picked & tickets["is_resolved"])
    return tickets


def _us(instants: pd.Series[Any]) -> NDArray[np.int64]:
    return np.asarray(instants.astype("datetime64[us, UTC]").astype("int64"), dtype=np.int64)
