"""The gate serves a model only where its gain over the best rule is surely above zero, and says so."""

from __future__ import annotations

import numpy as np

from features.outages.columns import RULES
from models.outage import MODELS
from sla.instants import DAY_US
from training.outage_rolling import FIRST_RULE, Rolled, decide

WEEKS, ROWS = 30, 40


def rolled(noise_of_mean: float, seed: int = 0, noise_of_rule: float = 1.0) -> Rolled:
    """Rows of which EWMA, the best rule, and the mean see the same signal, the mean with other noise."""
    rng = np.random.default_rng(seed)
    n = WEEKS * ROWS
    signal = rng.normal(size=n)
    y = (rng.random(n) < 1 / (1 + np.exp(3.5 - 1.5 * signal))).astype(float)
    said = {name: rng.random(n) for name in (*RULES, *MODELS)}
    said["EWMA"] = signal + rng.normal(scale=noise_of_rule, size=n)
    said["mean"] = signal + rng.normal(scale=noise_of_mean, size=n)
    at_us = np.repeat(np.arange(WEEKS), ROWS) * 7 * DAY_US
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
    assert found.why.endswith("clear of zero")


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
