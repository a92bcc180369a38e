"""Signals of what surrounds a service: each is used where it carries information, and nothing is found where there is none."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmarks._planted import BEGIN
from features.outages.columns import outage_columns
from features.outages.ledger import Ledger
from features.outages.rows import outage_rows, rows_at
from features.schema import conform_service_events
from models.outage import OutageParameters, fit_outage_model
from models.outage_forecast import forecast_services
from sla.instants import DAY_US
from training.evaluation import evaluate

DAYS, PAIRS = 160, 25
LIKELY, SELDOM = 0.5, 0.02


def world(
    signal: str | None, seed: int = 0
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, tuple[str, ...]], np.ndarray]:
    """Services `a00` that need `b00`; on a tenth of the days b fails, tickets pour in, or its answers slow down.

    Only the signal named raises the odds that a has an outage on the next day; the probability is PAIRS x DAYS.
    """
    rng = np.random.default_rng(seed)
    seen = {name: rng.random((PAIRS, DAYS)) < 0.1 for name in ("needed", "tickets", "latency")}
    probability = np.where(seen[signal], LIKELY, SELDOM) if signal else np.full((PAIRS, DAYS), 0.08)
    comes = rng.random((PAIRS, DAYS)) < probability
    events, tickets = [], []
    for pair, day in np.ndindex(PAIRS, DAYS):
        own, other = f"a{pair:02d}", f"b{pair:02d}"
        events.append((own, "change", "point", day - 0.3 if day % 40 == 0 else -1.0, None))
        for hour in range(12):
            is_slow = seen["latency"][pair, day] and hour >= 8
            events.append((own, "check", "point", day - 0.5 + hour / 24, 400.0 if is_slow else 100.0))
        if seen["needed"][pair, day]:
            events += [(other, "outage", "start", day - 0.2, None), (other, "outage", "end", day - 0.19, None)]
        count = rng.poisson(9 if seen["tickets"][pair, day] else 2)
        tickets += [(own, day - rng.uniform(0.02, 0.2)) for _ in range(count)]
        if comes[pair, day]:
            begin = day + rng.uniform(0.05, 0.2)
            events += [(own, "outage", "start", begin, None), (own, "outage", "end", begin + 0.02, None)]
    frame = pd.DataFrame([row for row in events if row[3] > -0.9], columns=["service", "kind", "phase", "day", "value"])
    frame["event_at"] = (BEGIN + pd.to_timedelta(frame.pop("day"), unit="D")).astype("datetime64[us, UTC]")
    frame["attributes.status"] = np.where(frame["kind"] == "check", "up", None)
    frame["value"] = frame["value"].astype(float)
    frame["event_id"] = [f"e{number}" for number in range(len(frame))]
    named = pd.DataFrame(tickets, columns=["service", "day"])
    named["recorded_at"] = (BEGIN + pd.to_timedelta(named.pop("day"), unit="D")).astype("datetime64[us, UTC]")
    needs = {f"a{pair:02d}": (f"b{pair:02d}",) for pair in range(PAIRS)}
    return conform_service_events(frame), named.assign(kind="created"), needs, probability


def found_share(signal: str | None) -> tuple[float, float]:
    """Average precision of the mean, and of the true probabilities, on later days than those it learned from."""
    events, tickets, needs, probability = world(signal)
    ledger = Ledger.of(events, tickets, needs=needs)
    rows = outage_rows(ledger)
    rows = rows.where(~np.isnan(rows.label) & np.char.startswith(np.array(ledger.names)[rows.service].astype(str), "a"))
    columns = outage_columns(ledger, rows)
    cut_us = int(np.quantile(rows.at_us, 0.6)) // DAY_US * DAY_US
    train, test = rows.known_us <= cut_us, rows.at_us >= cut_us
    lesson = (columns.where(train), rows.label[train], rows.at_us[train], OutageParameters())
    model = fit_outage_model(*lesson, horizon_us=DAY_US, kinds=("outage",))
    asked = rows.where(test)
    true = probability[asked.service, asked.at_us // DAY_US - BEGIN.value // 1000 // DAY_US]
    y = asked.label
    return evaluate(y, model.predict(columns.where(test))).ap, evaluate(y, true).ap


@pytest.mark.parametrize("signal", ["needed", "tickets", "latency"])
def test_a_signal_is_used_where_it_carries_information(signal: str) -> None:
    found, best = found_share(signal)
    assert best > 0.3
    assert found > 0.8 * best


def test_nothing_is_found_where_there_is_nothing() -> None:
    found, best = found_share(None)
    assert found < best + 0.06


def test_what_a_service_needs_counts_through_others_and_circles_do_no_harm() -> None:
    events, tickets, _, _ = world(None)
    needs = {"a00": ("a01",), "a01": ("b01", "a00")}
    ledger = Ledger.of(events, tickets, needs=needs)
    at_us = np.array([BEGIN.value // 1000 + 100 * DAY_US])
    begun = {
        name: int(((ledger.outages.service == ledger.names.index(name)) & (ledger.outages.known_us < at_us[0])).sum())
        for name in ("a00", "a01", "b01")
    }
    place = np.array([ledger.names.index("a00")])
    assert ledger.needed.known(place, at_us)[0, 0] == begun["a01"] + begun["b01"]
    assert ledger.needed.known(np.array([ledger.names.index("b01")]), at_us)[0, 0] == 0


def test_tickets_are_held_against_the_same_hours_of_weeks_before() -> None:
    """Every morning brings ten tickets: at noon that is nothing unusual, though it is above the daily mean."""
    at = BEGIN + pd.Timedelta(days=40, hours=12)
    mornings = [BEGIN + pd.Timedelta(days=day, hours=9) for day in range(41) for _ in range(10)]
    tickets = pd.DataFrame({"service": "mail", "recorded_at": pd.Series(mornings).astype("datetime64[us, UTC]")})
    begun = {
        "service": "mail",
        "kind": "outage",
        "phase": "point",
        "event_at": BEGIN,
        "recorded_at": BEGIN,
        "event_id": "x",
    }
    events = pd.DataFrame([begun])
    for name in ("event_at", "recorded_at"):
        events[name] = events[name].astype("datetime64[us, UTC]")
    ledger = Ledger.of(conform_service_events(events), tickets.assign(kind="created"))
    asked = rows_at(ledger, at.value // 1000)
    columns = outage_columns(ledger, asked)
    facts = dict(zip(columns.names, columns.values[0], strict=True))
    assert facts["tickets in 6 hours against the same hours of weeks before"] == 0
    assert facts["tickets in 24 hours against the same hours of weeks before"] == 0
    surge = pd.concat([tickets, tickets.tail(10).assign(recorded_at=at - pd.Timedelta(hours=1))])
    again = Ledger.of(conform_service_events(events), surge.assign(kind="created"))
    facts = dict(zip(columns.names, outage_columns(again, asked).values[0], strict=True))
    assert facts["tickets in 6 hours against the same hours of weeks before"] == pytest.approx(np.log(21 / 11))
    assert forecast_services(again, at.to_pydatetime(), None).services[0].service == "mail"
