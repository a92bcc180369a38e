"""Kept probabilities are judged by what came, once it is known, a service a day."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd
import pytest

from benchmarks._planted import BEGIN, planted
from features.outages.columns import RULES, outage_columns
from features.outages.groups import group_ledger
from features.outages.ledger import Ledger
from features.outages.rows import outage_rows
from sla.instants import DAY_US
from training.evaluation import evaluate
from training.outage_judgement import judge_forecasts


@pytest.fixture(scope="module")
def told() -> tuple[Ledger, pd.DataFrame, np.ndarray]:
    """Said at every midnight by a rule, as a running service would have kept it, with the outcome."""
    events, _ = planted(services=15, days=120, seed=6)
    ledger = Ledger.of(events)
    rows = outage_rows(ledger)
    rate = outage_columns(ledger, rows).rates[:, RULES.index("EWMA")]
    at = pd.Series(rows.at_us.view("datetime64[us]")).dt.tz_localize("UTC")
    said = pd.DataFrame({"subject": np.array(ledger.names, object)[rows.service], "made_at": at, "value": rate})
    said = said.assign(period_start=at, period_end=at + pd.Timedelta(days=1), model_version="EWMA")
    return ledger, said, rows.label


def test_what_was_said_is_judged_as_an_evaluation_would(told) -> None:
    ledger, said, label = told
    found = judge_forecasts(said, ledger, ledger.until_us + 10 * DAY_US)
    known = ~np.isnan(label)
    assert found.rows == {"EWMA": (int(known.sum()), int(label[known].sum()))}
    assert found.scores["EWMA"] == evaluate(label[known], said["value"].to_numpy()[known])
    assert "EWMA: " in found.text()


def test_an_hourly_forecast_counts_once_a_day(told) -> None:
    ledger, said, _ = told
    later = said.assign(made_at=said["made_at"] + pd.Timedelta(hours=1), value=0.99)
    both = pd.concat([later, said], ignore_index=True)
    assert judge_forecasts(both, ledger, ledger.until_us).rows == judge_forecasts(said, ledger, ledger.until_us).rows


def test_what_is_not_known_yet_is_not_judged(told) -> None:
    ledger, said, _ = told
    until_us = BEGIN.value // 1000 + 60 * DAY_US
    found = judge_forecasts(said, ledger, until_us)
    assert 0 < found.rows["EWMA"][0] < len(said) * 0.6
    assert found.not_known_yet + found.rows["EWMA"][0] == len(said)
    few = judge_forecasts(said.head(20), ledger, until_us)
    assert few.scores == {}
    assert "too few to judge" in few.text()


def test_services_left_alone_are_judged_by_themselves_too(told) -> None:
    ledger, said, label = told

    def is_left_alone(service: str, at: datetime) -> bool:
        return (int(service[-1]) + at.day) % 3 == 0

    found = judge_forecasts(said, ledger, ledger.until_us + 10 * DAY_US, is_left_alone)
    plain = judge_forecasts(said, ledger, ledger.until_us + 10 * DAY_US)
    alone = [is_left_alone(name, at) for name, at in zip(said["subject"], said["made_at"], strict=True)]
    chosen = ~np.isnan(label) & np.array(alone)
    name = "EWMA, untouched share alone"
    assert (found.rows["EWMA"], found.scores["EWMA"]) == (plain.rows["EWMA"], plain.scores["EWMA"])
    assert found.rows[name] == (int(chosen.sum()), int(label[chosen].sum()))
    assert found.scores[name] == evaluate(label[chosen], said["value"].to_numpy()[chosen])
    assert set(judge_forecasts(said, ledger, ledger.until_us, lambda *_: False).rows) == {"EWMA"}


def test_groups_are_judged_by_the_outages_of_the_whole(told) -> None:
    """Something of the group's own name was recorded too: it is no reason to judge it by that alone."""
    events, _ = planted(services=15, days=120, seed=6)
    names = {"pair": (2, ("service 000", "service 001"))}
    own = events[events["service"] == "service 003"]
    both = pd.concat([events, own.assign(service="pair", event_id=own["event_id"] + " own")], ignore_index=True)
    ledger = Ledger.of(both)
    groups = group_ledger(ledger, both, names)
    assert groups is not None
    rows = outage_rows(groups)
    at = pd.Series(rows.at_us.view("datetime64[us]")).dt.tz_localize("UTC")
    said = pd.DataFrame({"subject": "pair", "made_at": at, "value": 0.1, "model_version": "rule"})
    said = said.assign(period_start=at, period_end=at + pd.Timedelta(days=1))
    found = judge_forecasts(said, ledger, ledger.until_us + 10 * DAY_US, groups=groups, group_names=names)
    known = ~np.isnan(rows.label)
    assert found.rows == {"rule": (int(known.sum()), int(rows.label[known].sum()))}
    parts = outage_rows(ledger)
    alone = parts.label[(parts.service == ledger.names.index("service 003")) & ~np.isnan(parts.label)].sum()
    assert rows.label[known].sum() > alone
