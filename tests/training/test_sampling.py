"""A sample of whole tickets stands for all: drawn by ids alone, judged tickets first, and weighted back to the base rate."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tests.training.builders import DAY_US, START_US, synthetic_source
from training.rows import Labelled
from training.sampling import Surveyed, shares
from training.splits import derive_periods, end_of_arrivals, maturity
from training.weighting import Weighting

CUT_US = START_US + 70 * DAY_US


def _surveyed(tickets: int = 6000, seed: int = 1) -> tuple[Labelled, Surveyed]:
    labelled = synthetic_source(tickets, seed=seed).labelled
    ids = np.array([f"T{number:06d}" for number in range(tickets)], dtype=object)
    return labelled, Surveyed.of(labelled, pd.util.hash_array(ids, categorize=False))


def test_about_as_many_rows_remain_as_are_wanted_and_none_more_than_once():
    labelled, surveyed = _surveyed()
    for most_rows in (2_000, 6_000, 12_000):
        kept = surveyed.stands_for(CUT_US, most_rows) > 0
        # A draw of k tickets of three rows each: four standard deviations of a binomial count are at most 12 sqrt(k).
        assert surveyed.rows[kept].sum() == pytest.approx(most_rows, abs=12 * np.sqrt(most_rows / 3))
    assert (surveyed.stands_for(CUT_US, len(labelled)) == 1.0).all()


def test_tickets_to_be_judged_on_all_stay_while_they_fill_half():
    _, surveyed = _surveyed()
    stands_for = surveyed.stands_for(CUT_US, 10_000)
    is_new = surveyed.opened_us > CUT_US
    assert (stands_for[is_new] == 1.0).all()
    assert 0 < (stands_for[~is_new] > 0).mean() < 1


def test_which_new_tickets_stay_does_not_depend_on_how_they_ended():
    _, surveyed = _surveyed()
    other = replace(surveyed, breached=np.where(surveyed.opened_us > CUT_US, 1 - surveyed.breached, surveyed.breached))
    np.testing.assert_array_equal(surveyed.stands_for(CUT_US, 3_000), other.stands_for(CUT_US, 3_000))


def test_broken_promises_are_kept_more_often_and_weights_restore_their_share():
    _, surveyed = _surveyed()
    rare = np.where(np.arange(6000) % 5 == 0, surveyed.breached, np.int8(0))  # about one in fifteen
    surveyed = replace(surveyed, breached=rare, known_us=np.minimum(surveyed.known_us, CUT_US))
    stands_for = surveyed.stands_for(CUT_US, 4_000)
    old = surveyed.opened_us <= CUT_US
    broken, others = old & (rare == 1), old & (rare == 0)
    assert (stands_for[broken] > 0).mean() > 2 * (stands_for[others] > 0).mean()
    kept = stands_for > 0
    share = np.average(rare[kept & old], weights=stands_for[kept & old])
    # Within four standard deviations of a binomial share of as many broken tickets as were kept.
    assert share == pytest.approx(rare[old].mean(), rel=4 / np.sqrt((kept & broken).sum()))
    assert stands_for.sum() == pytest.approx(6000, rel=0.1)


def test_the_same_tickets_are_drawn_in_whatever_parts_they_come():
    labelled, surveyed = _surveyed(900)
    ids = np.array([f"T{number:06d}" for number in range(900)], dtype=object)
    first, second = labelled.where(labelled.ticket < 400), labelled.where(labelled.ticket >= 400)
    second = replace(second, ticket=second.ticket - 400)
    parts = [
        Surveyed.of(part, pd.util.hash_array(names, categorize=False))
        for part, names in ((first, ids[:400]), (second, ids[400:]))
    ]
    np.testing.assert_array_equal(
        Surveyed.concatenated(parts).stands_for(CUT_US, 1_000), surveyed.stands_for(CUT_US, 1_000)
    )


def test_periods_of_the_survey_are_those_of_all_rows():
    labelled, surveyed = _surveyed(900)
    end_us = START_US + 95 * DAY_US
    assert surveyed.periods(end_us, None, None, weeks_judged=4) == derive_periods(
        labelled, end_us, None, None, weeks_judged=4
    )


def test_what_one_class_leaves_the_next_may_use():
    np.testing.assert_allclose(shares(np.array([100.0, 100.0, 10_000.0]), 1_000), [1, 1, 0.08])
    np.testing.assert_allclose(shares(np.array([10_000.0, 100.0, 100.0]), 1_000), [0.08, 1, 1])
    np.testing.assert_allclose(shares(np.array([4_000.0, 4_000.0, 4_000.0]), 1_000), [0.125, 0.0625, 0.0625])
    np.testing.assert_allclose(shares(np.array([0.0, 0.0, 5.0]), 1_000), [1, 1, 1])


def test_a_sampled_ticket_weighs_as_much_as_those_it_stands_for():
    labelled = synthetic_source(30).labelled
    doubled = replace(labelled, stands_for=np.where(labelled.ticket == 3, 5.0, 1.0))
    weights = doubled.weights(Weighting(half_life_tickets=1e12))
    assert weights.mean() == pytest.approx(1.0)
    assert weights[labelled.ticket == 3][0] / weights[labelled.ticket == 4][0] == pytest.approx(5.0)


def test_medians_of_a_sample_are_those_of_the_log_it_stands_for():
    labelled = synthetic_source(600).labelled
    kept = np.where(labelled.ticket % 3 == 0, 1.0, 0.0) + np.where(labelled.ticket % 3 == 1, 2.0, 0.0)
    sample = labelled.where(kept > 0)
    sample = replace(sample, stands_for=kept[kept > 0])
    repeated = np.repeat(np.arange(len(sample)), sample.stands_for.astype(int))
    end_us = START_US + 95 * DAY_US
    assert end_of_arrivals(sample.opened_us, sample.stands_for) == end_of_arrivals(sample.opened_us[repeated])
    delay_days = maturity(sample, end_us) / DAY_US
    assert delay_days == pytest.approx(maturity(labelled, end_us) / DAY_US, abs=0.2)  # of delays of one to three days
