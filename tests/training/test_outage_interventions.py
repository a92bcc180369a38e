"""Interventions that are recorded do not change what the model says of a day on which nobody acts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmarks._planted import BEGIN
from features.outages.columns import outage_columns
from features.outages.ledger import Ledger
from features.outages.rows import outage_rows
from features.schema import conform_service_events
from models.outage import FULL, OutageParameters, fit_outage_model
from sla.instants import DAY_US

SERVICES, DAYS, ACTING_FROM = 40, 200, 80
LIKELY, SELDOM, PREVENTED = 0.6, 0.02, 0.8


def world(untouched: float, *, acting_from: int = ACTING_FROM, is_recorded: bool = True, seed: int = 2) -> pd.DataFrame:
    """Outages follow a change in three of five days; once people act on the alert of a change, four of five are prevented.

    They act on all of them but for a share that is left alone.
    """
    rng = np.random.default_rng(seed)
    records: list[tuple[str, str, str, float, str | None]] = []
    for service, day in np.ndindex(SERVICES, DAYS):
        name, changed = f"service {service:02d}", rng.random() < 0.15
        comes = rng.random() < (LIKELY if changed else SELDOM)
        acts = changed and day >= acting_from and rng.random() >= untouched
        if changed:
            records.append((name, "change", "point", day - 0.1, None))
        if acts:
            records.append((name, "alert", "point", day + 0.01, "yes" if is_recorded else None))
            comes &= bool(rng.random() >= PREVENTED)
        if comes:
            records += [(name, "outage", "start", day + 0.4, None), (name, "outage", "end", day + 0.42, None)]
    frame = pd.DataFrame(records, columns=["service", "kind", "phase", "day", "attributes.acted_on"])
    frame["event_at"] = (BEGIN + pd.to_timedelta(frame.pop("day"), unit="D")).astype("datetime64[us, UTC]")
    return conform_service_events(frame.assign(event_id=[f"e{number}" for number in range(len(frame))]))


def said_of_changed_days(events: pd.DataFrame) -> tuple[float, float]:
    """Of days before which a change was made: the share of labels with an outage; what the full logistic says of the last."""
    ledger = Ledger.of(events)
    rows = outage_rows(ledger)
    columns = outage_columns(ledger, rows)
    known = ~np.isnan(rows.label)
    model = fit_outage_model(
        columns.where(known),
        rows.label[known],
        rows.at_us[known],
        OutageParameters(),
        horizon_us=DAY_US,
        kinds=("outage",),
    )
    full = model.serving(FULL)
    late = rows.at_us >= BEGIN.value // 1000 + (DAYS - 40) * DAY_US
    changed = columns.values[:, columns.names.index("changes in 1 days")] > 0
    return float(rows.label[known & changed].mean()), float(full.predict(columns.where(late & changed)).mean())


@pytest.mark.parametrize(("untouched", "acting_from"), [(0.0, ACTING_FROM), (0.2, 0)])
def test_days_that_nobody_acts_on_are_told_as_they_are(untouched: float, acting_from: int) -> None:
    """From the days before anybody acted, or from the share that is left alone."""
    labels, said = said_of_changed_days(world(untouched, acting_from=acting_from))
    assert labels == pytest.approx(LIKELY, abs=0.07)
    assert said == pytest.approx(LIKELY, abs=0.13)


def test_interventions_that_nobody_records_poison_the_labels() -> None:
    labels, said = said_of_changed_days(world(0.0, is_recorded=False))
    assert labels < LIKELY - 0.2
    assert said < LIKELY - 0.2
