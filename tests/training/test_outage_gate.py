"""The gate serves a model only where its gain over the best rule is surely above zero, and says so."""

from __future__ import annotations

import numpy as np

from features.outages.columns import RULES
from models.outage import MODELS
from sla.instants import DAY_US
from training.outage_rolling import FIRST_RULE, Rolled, _latest, decide

WEEKS, ROWS = 30, 40
MANY = 300  # rows a week, where a few weeks alone are to be sure


def rolled(noise_of_mean: float, seed: int = 0, noise_of_rule: float = 1.0, rows: int = ROWS) -> Rolled:
    """Rows of which EWMA, the best rule, and the mean see the same signal, the mean with other noise."""
    rng = np.random.default_rng(seed)
    n = WEEKS * rows
    signal = rng.normal(size=n)
    y = (rng.random(n) < 1 / (1 + np.exp(3.5 - 1.5 * signal))).astype(float)
    said = {name: rng.random(n) for name in (*RULES, *MODELS)}
    said["EWMA"] = signal + rng.normal(scale=noise_of_rule, size=n)
    said["mean"] = signal + rng.normal(scale=noise_of_mean, size=n)
    at_us = np.repeat(np.arange(WEEKS), rows) * 7 * DAY_US
    return Rolled(y, at_us, np.zeros(n, np.int64), said)


def test_a_gain_that_may_be_luck_serves_the_rule_and_says_so() -> None:
    cases = [decide(rolled(1.0, seed)) for seed in range(6)]
    lucky = [one for one in cases if one.gain.value > 0]
    assert lucky
    for one in lucky:
        assert one.gain.low < 0
        assert (one.served, one.rule) == ("EWMA", "EWMA")
        assert "not clear of zero, so the rule is served" in one.why


def test_a_gain_that_is_sure_serves_the_model() -> None:
    found = decide(rolled(0.0, noise_of_rule=2.0))
    assert found.gain.low > 0
    assert found.served == "mean"
    assert "clear of zero; in the latest" in found.why
    assert found.why.endswith("not surely behind")


def test_a_model_that_is_worse_is_not_served() -> None:
    found = decide(rolled(3.0))
    assert found.gain.high < 0
    assert found.served == "EWMA"


def test_with_too_few_outages_the_first_rule_is_served() -> None:
    few = rolled(0.0)
    few = few.where(np.arange(len(few.y)) < 60)
    found = decide(few)
    assert found.served == FIRST_RULE
    assert "outages to judge on" in found.why


def test_rules_are_judged_by_days_before_any_model_was_asked_too() -> None:
    """EWMA is best by far on those days; of the few since nothing is known."""
    earlier = rolled(1.0, seed=7)
    few = rolled(0.0, seed=8).where(np.arange(WEEKS * ROWS) < 60)
    found = decide(few, earlier)
    assert found.served == "EWMA"
    assert found.why.endswith(f"EWMA is served, the best rule of all {int(earlier.y.sum() + few.y.sum())} outages")
    assert decide(few, earlier.where(earlier.at_us < 0)).served == FIRST_RULE


def test_which_rule_is_served_all_days_tell_and_the_model_must_beat_the_best_of_its_own() -> None:
    before, now = rolled(1.0, seed=3, rows=5 * ROWS), rolled(1.0)
    before.said["service rate"] = before.said.pop("EWMA")
    before.said["EWMA"] = np.random.default_rng(5).random(len(before.y))
    found = decide(now, before)
    assert (found.served, found.rule) == ("service rate", "EWMA")
    assert "so service rate, the best rule of all" in found.why
    assert decide(rolled(0.0, noise_of_rule=2.0), before).served == "mean"


def test_a_model_that_fell_behind_lately_is_not_served_however_far_ahead_it_was() -> None:
    before, now = rolled(0.0, noise_of_rule=9.0, rows=MANY), rolled(9.0, 1, 0.0, rows=MANY)
    late = now.weeks >= WEEKS - 4
    both = Rolled(
        np.where(late, now.y, before.y),
        now.at_us,
        now.origin_us,
        {name: np.where(late, now.said[name], before.said[name]) for name in now.said},
    )
    found = decide(both)
    assert found.gain.low > 0, "over all weeks the model is ahead"
    assert found.served == "EWMA"
    assert "surely behind, so that rule is served" in found.why
    assert decide(both.where(~late)).served == "mean"


def test_the_veto_belongs_to_the_latest_weeks_with_enough_outages_and_to_no_others() -> None:
    before, now = rolled(9.0, 1, 0.0, rows=MANY), rolled(0.0, noise_of_rule=3.0, rows=MANY)
    early = now.weeks < 4
    both = Rolled(
        np.where(early, before.y, now.y),
        now.at_us,
        now.origin_us,
        {name: np.where(early, before.said[name], now.said[name]) for name in now.said},
    )
    found = decide(both)
    told = _latest(both, 30)
    assert found.served == "mean"
    assert told.y.sum() >= 30 > told.where(told.weeks > told.weeks.min()).y.sum()
    assert (np.unique(told.weeks) == np.arange(told.weeks.min(), WEEKS)).all()
