"""A trained model behaves as people expect: time, pauses, names, and clocks that are decided."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.histories import Histories
from features.pipeline import build
from features.snapshots import Snapshots, event_snapshots, open_snapshots
from models.scales import sigmoid
from sla.agreements.agreement_set import AgreementSet
from sla.clocks.replay import verdicts_at
from sla.clocks.verdicts import VerdictState
from tests.training.builders import small_settings
from training.building import HistoryRows
from training.fitting import Fitted, fit_members
from training.rehearsal import DEFAULT
from training.rows import Rows
from training.splits import censored, learnable

AGREEMENTS = Path(__file__).resolve().parents[2] / "examples" / "demo" / "agreements.yaml"
DAY_US = 86_400_000_000
BLEND = DEFAULT
NOISE = 0.03  # hazards are not constrained: deadlines do make people hurry
FLAGS = {"is_half_used": 0.5, "is_three_quarters_used": 0.75, "is_nearly_used": 0.9}


@pytest.fixture(scope="module")
def rows(source: HistoryRows) -> Rows:
    return source.rows(source.end_us)


@pytest.fixture(scope="module")
def fitted(source: HistoryRows, rows: Rows) -> Fitted:
    age_us = 3 * DAY_US
    train = rows.where(learnable(rows, source.end_us, age_us))
    return fit_members(train, small_settings().model, 0, censored=rows.where(censored(rows, source.end_us, age_us)))


def risk(fitted: Fitted, X: np.ndarray) -> np.ndarray:
    return sigmoid(BLEND.margin(fitted.margins(X)))


def later(X: np.ndarray, names: list[str], hours: float) -> np.ndarray:
    """The same tickets after the clock ran on, but not out."""
    frame = pd.DataFrame(X, columns=names)
    step = np.minimum(hours, 0.9 * frame["remaining_hours"])
    frame["remaining_hours"] -= step
    frame["elapsed_hours"] += step
    frame["due_in_hours"] -= step
    frame["share_used"] = frame["elapsed_hours"] / frame["target_hours"]
    for name, share in FLAGS.items():
        frame[name] = frame["share_used"] >= share
    return frame.to_numpy(np.float64)


@pytest.mark.parametrize("hours", [0.5, 2.0, 8.0])
def test_less_time_left_never_lowers_the_risk_beyond_noise(fitted: Fitted, rows: Rows, hours: float) -> None:
    before, after = risk(fitted, rows.X), risk(fitted, later(rows.X, rows.spec.names, hours))
    assert (after >= before - NOISE).mean() > 0.99
    assert (after - before).mean() > 0


def test_the_boosted_member_never_lowers_it_at_all(fitted: Fitted, rows: Rows) -> None:
    member = fitted.members["boosting"]
    before, after = (member.margin(fitted.range.clip(X)) for X in (rows.X, later(rows.X, rows.spec.names, 2.0)))
    assert (after >= before - 1e-9).all()


def test_a_paused_clock_that_runs_again_never_has_less_risk_beyond_noise(fitted: Fitted, rows: Rows) -> None:
    place = rows.spec.names.index("is_clock_paused")
    paused = rows.X[rows.X[:, place] == 1]
    assert len(paused) > 50
    running = paused.copy()
    running[:, place] = 0.0
    assert (risk(fitted, running) >= risk(fitted, paused) - NOISE).mean() > 0.99


def test_renaming_tickets_changes_no_risk(
    events: pd.DataFrame, agreements: AgreementSet, fitted: Fitted, rows: Rows
) -> None:
    renamed = events.copy()
    numbers = {name: f"{place:06d}-x" for place, name in enumerate(sorted(events["ticket_id"].unique()))}
    renamed["ticket_id"] = renamed["ticket_id"].map(numbers)
    said = []
    for frame in (events, renamed):
        histories = Histories.from_events(frame, agreements)
        snapshots = event_snapshots(histories)
        spec = rows.spec
        X = build(histories, snapshots, spec, text=rows.text).to_numpy(np.float64)
        said.append(risk(fitted, X))
    assert np.array_equal(said[0], said[1])  # the new names are in the order of the old ones


def test_a_clock_that_is_decided_or_cancelled_is_never_asked_about(source: HistoryRows) -> None:
    histories = source.histories
    tickets = np.arange(len(histories.ticket_ids))
    end = Snapshots(tickets, np.full(len(tickets), histories.last_known_us), np.full(len(tickets), 3, np.int8))
    states = verdicts_at(histories.log.unfilled(), histories.agreements, "resolution", end.ticket, end.at_us).state
    asked = source.at(end)
    assert (states == VerdictState.MET).any()
    assert set(asked.snapshots.ticket.tolist()) == set(
        tickets[np.isin(states, (VerdictState.RUNNING, VerdictState.PAUSED))].tolist()
    )


def test_every_open_ticket_has_a_finite_range_in_rising_order(source: HistoryRows, fitted: Fitted, rows: Rows) -> None:
    middle_us = int(np.median(source.labelled.at_us))
    live = source.at(open_snapshots(source.histories, middle_us)).described(rows.spec)
    finish = fitted.finish()
    assert finish is not None
    assert len(live) > 5
    X = fitted.range.clip(live.X)
    for hours in (finish.working_hours(X, BLEND.margin(fitted.margins(live.X))), finish.opening_hours(X)):
        assert np.isfinite(hours).all()
        assert (np.diff(hours, axis=1) >= 0).all()
        assert (hours >= 0).all()
