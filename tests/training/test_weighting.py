"""Claims: a row counts by what was known at its instant; later rows of a ticket count less, and so do older tickets."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.boosting import BoostingParameters, fit_boosting
from models.scales import sigmoid
from training.weighting import Recency, Weighting

ROWS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 40)), min_size=1, max_size=40)


def _weights(rows: list[tuple[int, int]], weighting: Weighting) -> NDArray[np.float64]:
    ticket, at_us = np.array(rows, np.int64).T
    opened_us = ticket * 3
    return weighting.raw(ticket, at_us, opened_us, Recency.of(ticket, opened_us, np.ones(len(ticket))))


@given(ROWS)
def test_the_kth_row_of_a_ticket_counts_one_over_k_and_newer_tickets_halve_it(rows):
    found = _weights(rows, Weighting(half_life_tickets=2.0))
    tickets = {ticket for ticket, _ in rows}
    for place, (ticket, at) in enumerate(rows):
        earlier = sum(1 for other, (its, when) in enumerate(rows) if its == ticket and (when, other) < (at, place))
        newer = sum(1 for other in tickets if other > ticket)
        assert found[place] == pytest.approx(0.5 ** (newer / 2.0) / (earlier + 1))


@given(ROWS, st.integers(0, 40))
def test_what_a_ticket_does_later_changes_no_weight(rows, until):
    """Deleting the later rows of tickets that are still there leaves every earlier row's weight as it was."""
    kept = [row for row in rows if row[1] <= until]
    if {ticket for ticket, _ in kept} != {ticket for ticket, _ in rows}:
        return  # a ticket that is not there yet cannot make others older
    at_us = np.array(rows)[:, 1]
    weighting = Weighting()
    np.testing.assert_array_equal(_weights(rows, weighting)[at_us <= until], _weights(kept, weighting))


def test_a_sampled_ticket_ages_others_as_much_as_the_tickets_it_stands_for():
    """Three tickets, the newest of which stands for five: the oldest has six newer ones, not two."""
    ticket, opened_us = np.arange(3), np.array([10, 20, 30])
    recency = Recency.of(ticket, opened_us, np.array([1.0, 1.0, 5.0]))
    np.testing.assert_array_equal(recency.newer(opened_us), [6.0, 5.0, 0.0])
    halved = Weighting(half_life_tickets=1.0).raw(ticket, opened_us, opened_us, recency)
    np.testing.assert_allclose(halved, [2.0**-6, 2.0**-5, 1.0])


def test_every_row_may_count_the_same():
    rows = [(1, 5), (1, 6), (1, 7), (2, 5)]
    np.testing.assert_allclose(_weights(rows, Weighting(later_count_less=False, half_life_tickets=1e12)), 1.0)


def test_tickets_that_live_on_do_not_make_their_first_event_look_safe():
    """Broken tickets have ten rows more. Had each ticket counted once, first events would be said to break in .04, not in .3."""
    random = np.random.default_rng(1)
    is_broken = random.random(3_000) < 0.3
    ticket = np.concatenate([np.arange(3_000), np.repeat(np.flatnonzero(is_broken), 10)])
    order = np.concatenate([np.zeros(3_000), np.tile(np.arange(1, 11), int(is_broken.sum()))])
    opened_us = ticket * 60_000_000
    at_us = opened_us + (order * 1_000_000).astype(np.int64)
    weight = Weighting().raw(ticket, at_us, opened_us, Recency.of(ticket, opened_us, np.ones(len(ticket))))
    X = np.column_stack([order, random.normal(size=len(order))])
    settings = BoostingParameters(feature_fraction=1.0)
    member = fit_boosting(X, is_broken[ticket].astype(float), weight, ["events", "noise"], settings, seed=0)
    first = order == 0
    assert sigmoid(member.margin(X[first])).mean() == pytest.approx(is_broken.mean(), abs=0.03)
