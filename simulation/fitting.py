"""A desk fitted from its history: arrivals, work, waits, routing and who works when, read off canonical events.

What a history does not say is left out, and said: agents' speed, breaks within a shift, bursts of outages (they are part of the everyday
inflow here). Durations are lognormal; groups of few tickets are drawn to all tickets. Nobody's weeks are perfect: `simulation.fit_check`
holds a fitted desk against weeks it has not seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.hands_on import BOOKED
from simulation.faults import DeskError
from simulation.journeys import Journeys
from simulation.world import Afterwards, Agent, Arrivals, Channel, Customer, LogNormal, Misrouting, Title, Topic, World
from sla.instants import to_us
from sla.working_time.business_time import BusinessTime
from sla.working_time.opening_hours import WEEKDAYS

Floats = NDArray[np.float64]
FEWEST_TICKETS = 100
_SHRINKAGE = 8.0  # a group of so many durations counts half beside all
_MOST_GROUPS = 40
_LEAST_TIMES = 5  # an agent seen less often has no shift that could be read


@dataclass(frozen=True)
class Fit:
    """A fitted world, and in sentences what it rests on and what it leaves out."""

    world: World
    notes: tuple[str, ...]


def fit_world(events: pd.DataFrame, calendar: Mapping[str, Any], hours: BusinessTime, until: datetime) -> Fit:
    """Return a desk like the one whose canonical events these are, from those before `until`.

    `calendar`: the desk's opening hours as written in an agreements file; `hours`: the same, compiled. ValueError for fewer than a
    hundred finished tickets, or none with an assignee.
    """
    known = events[events["recorded_at"] < pd.Timestamp(until)]
    done = pd.DataFrame()
    if len(known):
        journeys = Journeys.of(known, hours)
        tickets = journeys.tickets
        done = tickets[tickets["is_resolved"]]
    if len(done) < FEWEST_TICKETS:
        raise DeskError(
            f"{len(done)} finished tickets before {until.isoformat()}; expected at least {FEWEST_TICKETS} to fit a desk"
        )
    work, source = _work(done)
    priorities = tuple(sorted(priority for priority in tickets["priority"].unique() if priority))
    agents, shifts = _agents(journeys, hours.zone, hours)
    teams = tuple(sorted({team for team in done["team"] if team} | {agent.teams[0] for agent in agents}))
    customers = _customers(tickets, journeys)
    world = World(
        zone=hours.zone,
        calendars={"desk": calendar, **shifts},
        teams=teams,
        agents=agents,
        topics=_topics(done.assign(work=work), tickets, priorities, journeys),
        customers=customers,
        channels=_channels(tickets),
        priorities=priorities,
        arrivals=_arrivals(tickets, hours, to_us(until)),
        afterwards=_afterwards(tickets, journeys),
        customer_hours="desk",
    )
    return Fit(world, _notes(world, len(done), source))


def log_normal(minutes: Floats, usual: LogNormal) -> LogNormal:
    """Return the lognormal of durations, drawn to the usual one where they are few."""
    logs = np.log(minutes[minutes > 0])
    share = len(logs) / (len(logs) + _SHRINKAGE)
    if not len(logs):
        return usual
    middle = share * float(logs.mean()) + (1 - share) * float(np.log(usual.median_minutes))
    spread = share * float(logs.std()) + (1 - share) * usual.log_sd
    return LogNormal(float(np.exp(middle)), max(spread, 0.01))


def _work(done: pd.DataFrame) -> tuple[pd.Series[Any], str]:
    """The minutes of work of each finished ticket, and what they are."""
    if (done["booked"] > 0).mean() >= 0.5:
        return done["booked"], f"minutes booked ({BOOKED})"
    if done["in_hand"].notna().mean() < 0.1:
        raise DeskError(
            f"no minutes are booked ({BOOKED}) and hardly any ticket has an assignee, so nothing tells how long work takes"
        )
    return (
        done["in_hand"],
        "time on the clock from the first assignee to the end, which counts tickets in hand at once as if they were alone",
    )


def _topics(
    done: pd.DataFrame, tickets: pd.DataFrame, priorities: tuple[str, ...], journeys: Journeys
) -> tuple[Topic, ...]:
    usual_work = log_normal(done["work"].to_numpy(np.float64), LogNormal(30.0, 1.0))
    supplier = log_normal(journeys.waits_for("supplier"), LogNormal(1100.0, 0.7))
    kinds = done.groupby(["service", "category", "team"], sort=True)
    opened, solved = (some.groupby(["service", "category"]).size().to_dict() for some in (tickets, done))
    sizes = kinds.size().sort_values(ascending=False, kind="stable")
    found = []
    for (service, category, team), mine in kinds:
        if (service, category, team) not in sizes.index[:_MOST_GROUPS] or not team:
            continue
        direct = mine[mine["first_team"] == mine["team"]]
        counts = mine["priority"].value_counts()
        found.append(
            Topic(
                service=str(service),
                category=str(category),
                subcategory="",
                team=str(team),
                weight=len(mine) * float(opened[service, category]) / float(solved[service, category]),
                work=log_normal((direct if len(direct) >= 10 else mine)["work"].to_numpy(np.float64), usual_work),
                titles=(Title(str(category) or str(service) or "ticket"),),
                priority_shares=tuple(float(counts.get(priority, 0)) / len(mine) for priority in priorities),
                ask_customer_share=float(
                    (mine["asked_customer"] & ~mine["asked_supplier"]).mean()
                    / max(1e-9, 1 - mine["asked_supplier"].mean())
                ),
                ask_supplier_share=float(mine["asked_supplier"].mean()),
                supplier=supplier,
                reopen_share=float(mine["was_reopened"].mean()),
                misrouting=_misrouting(mine, str(team)),
            )
        )
    return tuple(found)


def _misrouting(mine: pd.DataFrame, team: str) -> tuple[Misrouting, ...]:
    astray = mine[(mine["first_team"] != team) & (mine["first_team"] != "")]
    usual = log_normal(astray["wasted"].to_numpy(np.float64), LogNormal(12.0, 0.4))
    return tuple(
        Misrouting(str(wrong), len(some) / len(mine), log_normal(some["wasted"].to_numpy(np.float64), usual))
        for wrong, some in astray.groupby("first_team")
        if len(some) >= 3
    )


def _arrivals(tickets: pd.DataFrame, hours: BusinessTime, until_us: int) -> Arrivals:
    local = tickets["opened_at"].dt.tz_convert(ZoneInfo(hours.zone))
    first, last = (
        local.min().normalize(),
        pd.Timestamp(until_us, unit="us", tz="UTC").tz_convert(ZoneInfo(hours.zone)).normalize(),
    )
    every = pd.date_range(first, last, freq="D", inclusive="left")
    counts = local.dt.normalize().value_counts().reindex(every, fill_value=0)
    is_closed = np.array(
        [not hours.open_windows(to_us(day), to_us(day + pd.Timedelta(days=1))) for day in every.to_pydatetime()]
    )
    weekday = every.day_of_week.to_numpy()
    opened = counts.to_numpy(np.float64)
    per_day = float(opened[~is_closed].mean())
    factors = []
    for day in range(7):
        rows = (weekday == day) & ~is_closed
        factors.append(float(opened[rows].mean()) / per_day if rows.any() else 1.0)
    closed = float(opened[is_closed].mean()) / per_day if is_closed.any() else 1.0
    half_hours = (local.dt.hour * 2 + local.dt.minute // 30).to_numpy()
    shape = np.bincount(half_hours, minlength=48) + 0.25
    return Arrivals(per_day, tuple(factors), closed, tuple((shape / shape.mean()).tolist()))


def _agents(journeys: Journeys, zone: str, hours: BusinessTime) -> tuple[tuple[Agent, ...], dict[str, dict[str, Any]]]:
    acts = journeys.acts
    local = acts["event_at"].dt.tz_convert(ZoneInfo(zone))
    acts = acts.assign(
        minute=local.dt.hour * 60 + local.dt.minute, day=local.dt.normalize(), weekday=local.dt.day_of_week
    )
    shifts: dict[str, dict[str, Any]] = {}
    agents = []
    for name, mine in acts.groupby("assignee", sort=True):
        if len(mine) < _LEAST_TIMES or not name:
            continue
        shift = _shift(mine)
        shifts.setdefault(shift[0], shift[1])
        homes = mine["team"].value_counts()
        teams = tuple(str(team) for team in homes.index[homes >= 0.1 * homes.sum()] if team)
        if teams:
            agents.append(Agent(str(name), teams, shift[0], 1.0, _absent_share(mine, hours)))
    if not agents:
        raise DeskError(
            f"no assignee acts {_LEAST_TIMES} times or more in this history, so nothing tells who works when"
        )
    return tuple(agents), shifts


def _shift(mine: pd.DataFrame) -> tuple[str, dict[str, Any]]:
    """The hours in which somebody acts, to the half hour: from the 2nd to the 98th of 100 of their acts, on the weekdays they are seen."""
    low, high = np.quantile(mine["minute"], [0.02, 0.98])
    begin, end = int(low // 30) * 30, min(1440, int(-(-high // 30)) * 30)
    end = max(end, begin + 30)
    days = mine.groupby("weekday")["day"].nunique()
    names = [name for number, name in enumerate(WEEKDAYS) if days.get(number, 0) >= 0.2 * days.max()]
    window = [f"{begin // 60:02d}:{begin % 60:02d}", f"{end // 60:02d}:{end % 60:02d}"]
    return f"{'-'.join(window)} {','.join(names)}", {"hours": {name: [window] for name in names}}


def _absent_share(mine: pd.DataFrame, hours: BusinessTime) -> float:
    """The share of open days between their first and last act on which somebody did nothing that was recorded."""
    first, last = mine["day"].min(), mine["day"].max()
    every = pd.date_range(first, last, freq="D")
    weekdays = set(mine["weekday"])
    is_open = [
        day.weekday() in weekdays
        and bool(hours.open_windows(to_us(day.to_pydatetime()), to_us((day + pd.Timedelta(days=1)).to_pydatetime())))
        for day in every
    ]
    worked = mine["day"].nunique()
    return float(np.clip(1 - worked / max(1, sum(is_open)), 0.0, 0.9))


def _customers(tickets: pd.DataFrame, journeys: Journeys) -> tuple[Customer, ...]:
    waits = journeys.waits[(journeys.waits["waiting_on"] == "customer") & journeys.waits["is_over"]]
    usual = log_normal(waits["minutes"].to_numpy(np.float64), LogNormal(150.0, 0.9))
    by_customer = {str(name): mine["minutes"].to_numpy(np.float64) for name, mine in waits.groupby("customer")}
    counts = tickets["customer"].value_counts()
    kept = counts[:_MOST_GROUPS]
    found = [
        Customer(str(name), float(count), log_normal(by_customer.get(str(name), np.empty(0)), usual))
        for name, count in kept.items()
    ]
    rest = float(counts[_MOST_GROUPS:].sum())
    return (*found, Customer("other customers", rest, usual)) if rest else tuple(found)


def _channels(tickets: pd.DataFrame) -> tuple[Channel, ...]:
    found = []
    for name, mine in tickets.groupby("channel"):
        delays = mine["recording_minutes"].to_numpy(np.float64)
        recording = log_normal(delays, LogNormal(2.0, 0.5)) if (delays > 0).mean() > 0.5 else None
        found.append(Channel(str(name), float(len(mine)), "customer", recording))
    return tuple(found)


def _afterwards(tickets: pd.DataFrame, journeys: Journeys) -> Afterwards:
    cancelled = tickets[tickets["is_cancelled"]]
    minutes = np.asarray((cancelled["ended_at"] - cancelled["opened_at"]).dt.total_seconds() / 60, dtype=np.float64)
    return Afterwards(
        cancel_share=len(cancelled) / len(tickets),
        patience=log_normal(minutes, LogNormal(1440.0, 1.0)),
        reopen_after=log_normal(journeys.waits_for("reopening"), LogNormal(300.0, 0.8)),
    )


def _notes(world: World, finished: int, source: str) -> tuple[str, ...]:
    return (
        f"{finished} finished tickets; {len(world.teams)} teams, {len(world.agents)} people, {len(world.topics)} kinds of tickets.",
        f"Work is {source}.",
        "Left out: people's speed, breaks within a shift, bursts of outages (their tickets are part of the everyday inflow).",
    )
