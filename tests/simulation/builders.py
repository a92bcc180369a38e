"""Small desks: around the clock, in UTC, with one team, unless a test says otherwise."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

from simulation.world import Agent, Arrivals, Channel, Customer, Duration, Exponential, Title, Topic, World

START = datetime(2026, 1, 5, tzinfo=UTC)
ALWAYS = {"always_open": True}


def topic(work: Duration, **changes: object) -> Topic:
    plain = Topic(
        service="VPN",
        category="Network",
        subcategory="Remote access",
        team="Network",
        weight=1.0,
        work=work,
        titles=(Title("VPN drops every few minutes"),),
        priority_shares=(0.0, 0.0, 1.0, 0.0),
        ask_customer_share=0.0,
        reopen_share=0.0,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def agents(count: int, shift: str = "always", **changes: object) -> tuple[Agent, ...]:
    return tuple(replace(Agent(f"Agent {k}", ("Network",), shift), **changes) for k in range(count))  # type: ignore[arg-type]


def world(per_day: float, team: tuple[Agent, ...], *topics: Topic, **changes: object) -> World:
    plain = World(
        zone="UTC",
        calendars={"always": ALWAYS, "desk": ALWAYS, "customers": ALWAYS},
        teams=("Network",),
        agents=team,
        topics=topics or (topic(Exponential(30.0)),),
        customers=(Customer("Nordwind Logistics", 1.0),),
        channels=(Channel("portal", 1.0),),
        priorities=("1", "2", "3", "4"),
        arrivals=Arrivals(per_day),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def queue_of(load: float, count: int, work_minutes: float = 30.0, **changes: object) -> World:
    """A textbook queue: `load` erlangs of exponential work on `count` agents around the clock."""
    return world(load * 24 * 60 / work_minutes, agents(count), topic(Exponential(work_minutes)), **changes)


def after(days: float) -> datetime:
    return START + timedelta(days=days)


def waits(events: pd.DataFrame, warm_up_days: float = 10.0) -> pd.DataFrame:
    """One row a ticket whose wait is over: opened, priority, started, resolved, cancelled (seconds), waited (minutes)."""
    seconds = events["event_at"].to_numpy("datetime64[s]").view("int64")
    table = events.assign(seconds=seconds).set_index("ticket_id")
    first = table[table["kind"] == "created"]
    found = pd.DataFrame({"opened": first["seconds"], "priority": first["priority"]})
    started = table[table["kind"] == "assigned"].groupby(level=0)["seconds"].min()
    for status in ("resolved", "cancelled"):
        found[status] = table[table["status"] == status].groupby(level=0)["seconds"].min().reindex(found.index)
    found["started"] = started.reindex(found.index)
    ended = found["started"].fillna(found["cancelled"])
    found["waited"] = (ended - found["opened"]) / 60
    is_warm = found["opened"] >= seconds.min() + warm_up_days * 86_400
    return found[is_warm & found["waited"].notna()]


def interval(values: pd.Series, batches: int = 20) -> tuple[float, float]:
    """Mean and its standard error from means of consecutive batches: waits of neighbours are not independent."""
    means = np.array([batch.mean() for batch in np.array_split(values.to_numpy(dtype=np.float64), batches)])
    return float(means.mean()), float(means.std(ddof=1) / np.sqrt(batches))


def assert_agrees(values: pd.Series, expected: float) -> None:
    """The expected mean lies within three and a half standard errors, and these are small enough to mean something."""
    mean, error = interval(values)
    assert error < 0.12 * expected, f"the test is too weak: {mean:.4g} +- {error:.2g}"
    assert abs(mean - expected) < 3.5 * error, f"{mean:.4g} +- {error:.2g}, expected {expected:.4g}"
