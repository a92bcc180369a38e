"""Each family of signals is used where it alone carries information, and days that looked alike where only they do."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pytest

from benchmarks._planted import BEGIN
from features.outages.columns import OutageColumns, outage_columns
from features.outages.ledger import Ledger
from features.outages.rows import OutageRows, outage_rows
from features.schema import conform_service_events
from models.outage import OutageParameters, fit_outage_model
from models.outage_forecast import reasons
from sla.instants import DAY_US
from training.evaluation import evaluate

SERVICES, DAYS = 20, 160
LIKELY, SELDOM = 0.6, 0.03
SIGNS = ("errors", "slow minutes", "change made", "maintenance", "degradation", "major", "reopened")
WORDS = {
    "errors": "% of the checks of 15 minutes failed",
    "slow minutes": "times as long as usual",
    "change made": "one change in 24 hours",
    "maintenance": "maintenance within 24 hours",
    "degradation": "degradation",
    "major": "one major incident in 24 hours",
    "reopened": "reopened in 7 days",
}
MINUTE = 1 / 1440


@dataclass
class Records:
    """Service events and what tickets tell; instants in days from the beginning."""

    events: list[tuple[object, ...]] = field(default_factory=list)
    tickets: list[tuple[str, str, float]] = field(default_factory=list)

    def add(
        self, service: str, kind: str, at: float, phase: str = "point", known: float | None = None, **said: object
    ) -> None:
        self.events.append(
            (service, kind, phase, at, at if known is None else known, said.get("ms"), said.get("status"))
        )

    def outage(self, service: str, at: float) -> None:
        self.add(service, "outage", at, "start")
        self.add(service, "outage", at + 20 * MINUTE, "end")

    def sign(self, name: str, service: str, day: int) -> None:
        """What announces an outage of the day, before its midnight."""
        if name == "errors":  # too short to be an outage
            self.add(service, "check", day - 14 * MINUTE, status="down")
            self.add(service, "check", day - 13.5 * MINUTE, status="up", ms=100.0)
        elif name == "slow minutes":
            self.add(service, "check", day - 4 * MINUTE, status="up", ms=400.0)
        elif name == "change made":
            self.add(service, "change", day - 0.2)
        elif name == "maintenance":
            self.add(service, "maintenance", day + 0.5, "start", known=day - 0.4)
            self.add(service, "maintenance", day + 0.52, "end", known=day - 0.4)
        elif name == "degradation":
            self.add(service, "degradation", day - 0.3, "start")
            self.add(service, "degradation", day - 0.28, "end")
        else:
            self.tickets.append((name, service, day - 0.1))

    def ledger(self) -> Ledger:
        names = ["service", "kind", "phase", "event_at", "recorded_at", "value", "attributes.status"]
        frame = pd.DataFrame(self.events, columns=names).assign(event_id=[f"e{n}" for n in range(len(self.events))])
        tickets = pd.DataFrame(self.tickets, columns=["kind", "service", "recorded_at"])
        for one, columns in ((frame, ("event_at", "recorded_at")), (tickets, ("recorded_at",))):
            for name in columns:
                one[name] = (BEGIN + pd.to_timedelta(one[name], unit="D")).astype("datetime64[us, UTC]")
        return Ledger.of(conform_service_events(frame.assign(value=frame["value"].astype(float))), tickets)


def world(signal: str | None, seed: int = 0) -> tuple[Ledger, np.ndarray]:
    """All signs come and go on a tenth of the days; only the one named raises the odds of an outage on the day that follows."""
    rng = np.random.default_rng(seed)
    seen = {name: rng.random((SERVICES, DAYS)) < 0.1 for name in SIGNS}
    probability = np.where(seen[signal], LIKELY, SELDOM) if signal else np.full((SERVICES, DAYS), 0.1)
    comes, records = rng.random((SERVICES, DAYS)) < probability, Records()
    for place, day in np.ndindex(SERVICES, DAYS):
        service = f"s{place:02d}"
        for minute in (360, 180, 30, 8):
            records.add(service, "check", day - minute * MINUTE, status="up", ms=100.0 * rng.lognormal(0, 0.05))
        for name in SIGNS:
            if seen[name][place, day]:
                records.sign(name, service, day)
        if comes[place, day]:
            records.outage(service, day + rng.uniform(0.05, 0.9))
    return records.ledger(), probability


def patterned(seed: int = 0) -> tuple[Ledger, np.ndarray]:
    """An outage is likely where exactly one of the days two and three before saw one."""
    rng = np.random.default_rng(seed)
    comes, probability = np.zeros((SERVICES, DAYS), bool), np.full((SERVICES, DAYS), 0.3)
    records = Records()
    for place, day in np.ndindex(SERVICES, DAYS):
        if day >= 3:
            probability[place, day] = 0.85 if comes[place, day - 2] != comes[place, day - 3] else 0.1
        comes[place, day] = rng.random() < probability[place, day]
        if comes[place, day]:
            records.outage(f"s{place:02d}", day + rng.uniform(0.05, 0.9))
        if day % 30 == 0:
            records.add(f"s{place:02d}", "degradation", day + 0.5)
    return records.ledger(), probability


def judged(ledger: Ledger, probability: np.ndarray, without: str | None = None):
    """Average precision of the mean and of the true probabilities on later days than those it learned from; model, rows, columns."""
    rows = outage_rows(ledger)
    rows = rows.where(~np.isnan(rows.label))
    columns = outage_columns(ledger, rows)
    if without is not None:
        kept = [place for place, name in enumerate(columns.names) if not name.endswith(without)]
        columns = OutageColumns(tuple(columns.names[place] for place in kept), columns.values[:, kept], columns.rates)
    cut_us = int(np.quantile(rows.at_us, 0.6)) // DAY_US * DAY_US
    train, test = rows.known_us <= cut_us, rows.at_us >= cut_us
    lesson = (columns.where(train), rows.label[train], rows.at_us[train], OutageParameters())
    model = fit_outage_model(*lesson, horizon_us=DAY_US, kinds=("outage",))
    asked, said = rows.where(test), columns.where(test)
    true = probability[asked.service, asked.at_us // DAY_US - BEGIN.value // 1000 // DAY_US]
    return evaluate(asked.label, model.predict(said)).ap, evaluate(asked.label, true).ap, model, asked, said


def likeliest_reasons(model, rows: OutageRows, columns: OutageColumns) -> tuple[str, ...]:
    pushes, place = model.attributions(columns), int(np.argmax(model.predict(columns)))
    return reasons(columns, pushes, place, "mean", int(rows.at_us[place] // DAY_US + 3) % 7)


@pytest.mark.parametrize("signal", SIGNS)
def test_a_sign_is_used_and_told_where_it_carries_information(signal: str) -> None:
    found, best, model, rows, columns = judged(*world(signal))
    assert best > 0.35
    assert found > 0.8 * best
    assert any(WORDS[signal] in why for why in likeliest_reasons(model, rows, columns))


def test_signs_that_mean_nothing_find_nothing() -> None:
    found, best, *_ = judged(*world(None))
    assert found < best + 0.06


def test_days_that_looked_alike_are_used_where_only_they_tell() -> None:
    ledger, probability = patterned()
    found, best, model, rows, columns = judged(ledger, probability)
    without, *_ = judged(ledger, probability, without="similar days")
    assert found > 0.9 * best
    assert found > without + 0.03
    assert any("days that looked like this one" in why for why in likeliest_reasons(model, rows, columns))
