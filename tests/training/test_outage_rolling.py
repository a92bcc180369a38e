"""Rolling origins: what carries information is found, what does not is not, and the gate tells them apart."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks._planted import BEGIN, planted
from benchmarks.outages import planted_share
from features.outages.columns import RULES, outage_columns
from features.outages.ledger import Ledger
from features.outages.rows import outage_rows
from models.outage import OutageParameters
from sla.instants import DAY_US
from training.evaluation import evaluate
from training.outage_rolling import FIRST_RULE, decide, earlier_rows, gated, quarters, roll


def _rolled(signals: tuple[str, ...], *, services: int = 30, days: int = 280):
    events, _ = planted(services=services, days=days, seed=11, signals=signals)
    ledger = Ledger.of(events)
    rows = outage_rows(ledger)
    columns = outage_columns(ledger, rows)
    return roll(rows, columns, OutageParameters(), horizon_us=DAY_US, kinds=("outage",))


@pytest.mark.parametrize("signal", ["change", "alert", "latency"])
def test_a_planted_signal_is_found_and_the_model_is_served(signal):
    verdict = decide(_rolled((signal,)))
    assert verdict.served == "mean"
    assert verdict.gain.low > 0


def test_where_nothing_is_planted_a_rule_is_served():
    verdict = decide(_rolled(()))
    assert verdict.served in RULES
    assert "so the rule is served" in verdict.why


def test_nearly_all_is_found_of_what_can_be():
    assert planted_share() >= 0.9


def test_each_quarter_is_served_by_what_the_quarters_before_decided():
    rolled = _rolled(("change", "alert"))
    served = gated(rolled)
    first = rolled.origin_us == rolled.origin_us.min()
    np.testing.assert_array_equal(served[first], rolled.said[FIRST_RULE][first])
    assert not np.isnan(served).any()


def test_a_model_is_fitted_only_to_labels_known_at_its_origin():
    events, _ = planted(services=20, days=200, seed=2)
    ledger = Ledger.of(events)
    rows = outage_rows(ledger)
    columns = outage_columns(ledger, rows)
    first = roll(rows, columns, OutageParameters(), horizon_us=DAY_US, kinds=("outage",))
    origin_us = int(first.origin_us.max())
    later = rows.known_us > origin_us
    turned = type(rows)(rows.service, rows.at_us, np.where(later, 1 - rows.label, rows.label), rows.known_us)
    again = roll(turned, columns, OutageParameters(), horizon_us=DAY_US, kinds=("outage",))
    np.testing.assert_array_equal(first.said["mean"], again.said["mean"])


def test_the_first_quarter_is_served_by_the_rule_that_was_best_before_it():
    events, _ = planted(services=30, days=280, seed=11, signals=("change", "alert"))
    ledger = Ledger.of(events)
    rows = outage_rows(ledger)
    columns = outage_columns(ledger, rows)
    rolled = roll(rows, columns, OutageParameters(), horizon_us=DAY_US, kinds=("outage",))
    earlier = earlier_rows(rows, columns, rolled)
    assert earlier.at_us.max() < rolled.at_us.min()
    known = ~np.isnan(rows.label)
    assert len(earlier.y) + len(rolled.y) == known.sum()
    for place, rule in enumerate(RULES):
        np.testing.assert_array_equal(earlier.said[rule], columns.rates[known, place][: len(earlier.y)])
    first = rolled.origin_us == rolled.origin_us.min()
    before = earlier.where(earlier.at_us < rolled.origin_us.min() - 2 * DAY_US)
    best = max(RULES, key=lambda rule: evaluate(before.y, before.said[rule]).ap)
    assert best != FIRST_RULE
    np.testing.assert_array_equal(gated(rolled, earlier)[first], rolled.said[best][first])
    assert len(earlier_rows(rows, columns, rolled.where(rolled.at_us < 0)).y) == known.sum()


def test_too_little_to_judge_on_serves_the_first_rule():
    rolled = _rolled(("change",), services=2, days=100)
    assert decide(rolled).served == FIRST_RULE


def test_quarters_begin_where_calendars_say():
    begin_us = BEGIN.value // 1000
    found = [np.datetime64(at, "us").astype(str)[:10] for at in quarters(begin_us, begin_us + 300 * DAY_US)]
    assert found == ["2025-04-01", "2025-07-01", "2025-10-01"]
