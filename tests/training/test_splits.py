"""Splits by time never use what was not known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.builders import DAY_US, NEVER_US, START_US, lied_about, small_settings, synthetic_source
from training.fitting import fit_members
from training.splits import derive_periods, end_of_arrivals, judged, learnable, maturity


@settings(max_examples=25, deadline=None)
@given(day=st.integers(1, 90), delay_days=st.integers(0, 10))
def test_no_label_known_after_the_cut_is_learned_from(day: int, delay_days: int) -> None:
    rows, cut = synthetic_source(tickets=200).labelled, START_US + day * DAY_US
    mask = learnable(rows, cut, delay_days * DAY_US)
    assert (rows.known_us[mask] <= cut).all()
    assert (rows.at_us[mask] <= cut).all()
    assert (rows.opened_us[mask] <= cut - delay_days * DAY_US).all()


def test_no_ticket_is_learned_from_and_judged() -> None:
    rows, cut = synthetic_source().labelled, START_US + 45 * DAY_US
    learned, tested = rows.ticket[learnable(rows, cut, 0)], rows.ticket[judged(rows, cut, NEVER_US)]
    assert len(learned) > 0
    assert len(tested) > 0
    assert not set(learned) & set(tested)


def test_changing_everything_that_became_known_after_the_cut_changes_no_model() -> None:
    source, cut = synthetic_source(tickets=600), START_US + 60 * DAY_US
    rows = source.rows(cut)
    mask = learnable(rows, cut, 2 * DAY_US)
    late = rows.known_us > cut
    lied = lied_about(rows, late)
    model = small_settings().model
    one, two = (
        fit_members(rows.where(mask), model, 0),
        fit_members(lied.where(learnable(lied, cut, 2 * DAY_US)), model, 0),
    )
    assert late.any()
    assert one.members["boosting"].text() == two.members["boosting"].text()
    assert one.members["linear"].to_json() == two.members["linear"].to_json()


def test_the_youngest_tickets_are_left_out_until_their_outcome_can_be_known() -> None:
    rows, cut = synthetic_source().labelled, START_US + 60 * DAY_US
    found = maturity(rows, cut)
    assert 2 * DAY_US < found < 3 * DAY_US  # outcomes come one to three days after opening
    assert rows.opened_us[learnable(rows, cut, found)].max() <= cut - found


def test_by_default_the_last_four_weeks_with_known_outcomes_are_judged() -> None:
    source = synthetic_source()
    periods = derive_periods(source.labelled, source.end_us, None, None, weeks_judged=4)
    assert periods.until_us - periods.cut_us == 28 * DAY_US
    assert periods.until_us <= source.end_us - periods.maturity_us


def test_a_short_history_is_judged_on_its_last_third() -> None:
    source = synthetic_source(days=30)
    periods = derive_periods(source.labelled, source.end_us, None, None, weeks_judged=4)
    start = int(source.labelled.opened_us.min())
    assert (periods.until_us - periods.cut_us) * 3 == pytest.approx(periods.until_us - start, rel=1e-6)


def test_a_thin_tail_of_old_tickets_is_no_period_to_judge() -> None:
    rng = np.random.default_rng(0)
    busy = START_US + rng.integers(0, 60 * DAY_US, 3000)
    tail = START_US + (60 + np.arange(0, 200, 2)) * DAY_US
    end = end_of_arrivals(np.concatenate([busy, tail]))
    assert (end - START_US) / DAY_US == pytest.approx(60, abs=1)
