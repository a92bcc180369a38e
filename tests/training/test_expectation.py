"""What is expected of tickets without an outcome: known outcomes stay, silence tells, and the young teach the risk."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.hazard import HazardMember
from models.intervals import IN_TIME
from tests.training.builders import DAY_US, small_settings, synthetic_source
from training.expectation import expected
from training.fitting import Fitted, fit_members
from training.rows import Rows
from training.splits import censored, learnable

MATURITY_US = 4 * DAY_US
HOUR_US = 3_600_000_000


@pytest.fixture(scope="module")
def then() -> tuple[Rows, int]:
    """Rows as known at an instant at which some tickets have no outcome yet."""
    source = synthetic_source(300)
    cut_us = int(source.labelled.opened_us.max()) - DAY_US // 2
    return source.rows(cut_us).relabelled(*source.labels(cut_us)), cut_us


@pytest.fixture(scope="module")
def fitted(then: tuple[Rows, int]) -> Fitted:
    rows, cut_us = then
    train, young = rows.where(learnable(rows, cut_us, MATURITY_US)), rows.where(censored(rows, cut_us, MATURITY_US))
    return fit_members(train, small_settings().model, 0, censored=young)


def hazard_of(fitted: Fitted) -> HazardMember:
    member = fitted.members["hazard"]
    assert isinstance(member, HazardMember)
    return member


def expectations(fitted: Fitted, rows: Rows) -> np.ndarray:
    return expected(rows, fitted.range.clip(rows.X), hazard_of(fitted))


def test_a_known_outcome_stays_and_an_unknown_one_lies_between(then: tuple[Rows, int], fitted: Fitted) -> None:
    young = then[0].where(censored(then[0], then[1], MATURITY_US))
    found, is_known = expectations(fitted, young), young.breached >= 0
    assert is_known.any()
    assert not is_known.all()
    np.testing.assert_array_equal(found[is_known], young.y[is_known])
    assert ((found[~is_known] > 0) & (found[~is_known] < 1)).all()


def test_all_rows_of_a_ticket_expect_what_its_last_one_does(then: tuple[Rows, int], fitted: Fitted) -> None:
    young = then[0].where((then[0].breached < 0) & censored(then[0], then[1], MATURITY_US))
    found = expectations(fitted, young)
    several = [ticket for ticket in np.unique(young.ticket) if (young.ticket == ticket).sum() > 1]
    assert several
    for ticket in several:
        mine = np.flatnonzero(young.ticket == ticket)
        last = mine[young.at_us[mine].argmax()]
        alone = expectations(fitted, young.where(np.arange(len(young)) == last))
        assert found[mine] == pytest.approx(alone[0])
    shuffled = np.random.default_rng(0).permutation(len(young))
    np.testing.assert_array_equal(expectations(fitted, young.where(shuffled)), found[shuffled])


def _log_odds_by_hand(hazard: HazardMember, X: np.ndarray, ran_hours: float) -> float:
    """Of one clock that ran on so long in silence: what was said of its last row, moved half of the way to what silence says."""
    stops = 1.0 / (1.0 + np.exp(-hazard.scores(X[None])[0]))
    ends = [0.0, *hazard.ends_hours(X[None])[0]]
    left = ends[len(IN_TIME)]  # where the promise breaks

    def outlives(hours: float) -> float:
        chance = 1.0
        for interval, stop in enumerate(stops[: len(IN_TIME)]):
            length = ends[interval + 1] - ends[interval]
            if hours > ends[interval]:  # of an interval that is only begun, a part at an even rate
                part = 1.0 if length == 0 else min((hours - ends[interval]) / length, 1.0)
                chance *= (1.0 - stop) ** part
        return chance

    said, silent = outlives(left), outlives(left) / outlives(min(ran_hours, left))
    return float(np.mean([np.log(one / (1.0 - one)) for one in np.clip([said, silent], 1e-3, 1 - 1e-3)]))


def test_silence_moves_the_risk_half_of_the_way(then: tuple[Rows, int], fitted: Fitted) -> None:
    young = then[0].where((then[0].breached < 0) & censored(then[0], then[1], MATURITY_US))
    _, first = np.unique(young.ticket, return_index=True)
    alone = young.where(np.isin(np.arange(len(young)), first))  # one row a ticket: it is its last
    for ran_hours in (0.01, 3.0, 20.0, 1000.0):
        asked = replace(alone, worked_us=np.full(len(alone), int(ran_hours * HOUR_US)))
        found = expectations(fitted, asked)
        wanted = [_log_odds_by_hand(hazard_of(fitted), row, ran_hours) for row in fitted.range.clip(asked.X)]
        assert np.log(found / (1.0 - found)) == pytest.approx(wanted, abs=1e-6)


def test_who_ran_on_in_silence_is_expected_to_break_more_often(then: tuple[Rows, int], fitted: Fitted) -> None:
    young = then[0].where((then[0].breached < 0) & censored(then[0], then[1], MATURITY_US))
    ran = [replace(young, worked_us=np.full(len(young), hours * HOUR_US)) for hours in (0, 12, 24)]
    at_once, later, much_later = (expectations(fitted, rows) for rows in ran)
    assert (later >= at_once - 1e-12).all()
    assert (much_later >= later - 1e-12).all()
    assert much_later.mean() > at_once.mean()


def test_the_risk_learns_from_tickets_without_an_outcome(then: tuple[Rows, int], fitted: Fitted) -> None:
    rows, cut_us = then
    train, young = rows.where(learnable(rows, cut_us, MATURITY_US)), rows.where(censored(rows, cut_us, MATURITY_US))
    without = fit_members(train, small_settings().model, 0)
    for kind in ("boosting", "linear"):
        assert not np.array_equal(fitted.margins(rows.X)[kind], without.margins(rows.X)[kind])
    bare = young.where(young.breached < -1)  # none
    again = fit_members(train, small_settings().model, 0, censored=bare)
    np.testing.assert_array_equal(without.margins(rows.X)["boosting"], again.margins(rows.X)["boosting"])
