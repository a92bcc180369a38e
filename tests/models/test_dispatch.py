import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.waiting import Waiting
from models.dispatch import (
    GainSettings,
    earliest_due,
    earliest_due_overdue_last,
    followed,
    gain,
    gain_total,
    late_if_taken_now,
    least_slack,
    moore_hodgson,
    priority_then_opened,
    riskiest,
    savable_first,
)


def queue(left, work=30.0, weight=1.0, sd=0.5, agents=1, response_left=np.inf, detour=0.0, target=480.0) -> Waiting:
    left = np.asarray(left, dtype=np.float64)

    def column(value):
        return np.broadcast_to(np.asarray(value, dtype=np.float64), left.shape).copy()

    mean, spread = np.log(column(work)) - column(sd) ** 2 / 2, column(sd)
    expected = np.exp(mean + spread**2 / 2)
    return Waiting(
        left,
        column(response_left),
        column(target),
        column(weight),
        mean,
        spread,
        expected,
        column(detour),
        left - column(target),
        agents,
    )


def test_what_can_be_saved_goes_before_what_is_lost():
    waiting = queue([-60.0, 40.0, 2000.0])
    assert savable_first()(waiting) == 1
    assert riskiest(waiting) == 0  # the warning example works on the lost
    assert earliest_due(waiting) == 0
    assert earliest_due_overdue_last(waiting) == 1


def test_short_and_costly_work_goes_first():
    assert savable_first()(queue([120.0, 80.0], work=[60.0, 20.0])) == 1
    assert savable_first()(queue([120.0, 120.0], weight=[3.0, 20.0])) == 1


def test_the_guard_makes_the_latest_of_the_lost_worth_most():
    lost = queue([-10.0, -4800.0])
    assert savable_first(GainSettings(guard=0.02))(lost) == 1
    none = gain(lost, GainSettings(guard=0.0))
    assert not none.total.any()


def test_a_guard_of_zero_never_takes_the_lost_while_one_can_be_saved():
    waiting = queue([-10_000.0, 5000.0])
    assert savable_first(GainSettings(guard=0.0))(waiting) == 1
    assert savable_first(GainSettings(guard=1.0))(waiting) == 0


def test_a_response_still_due_counts_only_where_it_is_agreed_and_in_time():
    waiting = queue([400.0, 400.0, 400.0], response_left=[np.inf, 20.0, -5.0])
    assert gain(waiting, GainSettings()).response.tolist() == [0.0, 0.0, 0.0]
    counted = gain(waiting, GainSettings(response=0.1)).response
    assert counted[1] > 0
    assert counted[[0, 2]].tolist() == [0.0, 0.0]


def test_the_chance_of_a_detour_makes_late_more_likely():
    plain, detoured = queue([100.0]), queue([100.0], detour=0.4)
    assert late_if_taken_now(detoured) > late_if_taken_now(plain)
    assert late_if_taken_now(queue([-1.0, 0.0, 1e9], detour=0.4)).tolist() == [1.0, 1.0, pytest.approx(0.0)]


@given(st.lists(st.floats(-5000, 5000), min_size=1, max_size=30), st.floats(0, 1))
def test_less_time_left_never_makes_a_ticket_safer_and_gains_are_finite(left, guard):
    ordered = queue(sorted(left))
    assert (np.diff(late_if_taken_now(ordered)) <= 1e-12).all()
    worth = gain(ordered, GainSettings(guard=guard, response=0.1))
    assert np.isfinite(worth.total).all()
    assert (worth.total >= 0).all()


@given(st.permutations(range(8)))
def test_the_suggestion_does_not_depend_on_the_order_of_the_rows(order):
    left, work = np.array([-50.0, 10, 45, 90, 200, 300, 900, 2000]), np.array([20.0, 15, 30, 80, 10, 60, 45, 25])
    rows = np.array(order)
    assert rows[savable_first()(queue(left[rows], work=work[rows]))] == savable_first()(queue(left, work=work))


def brute_force_kept(left, work) -> int:
    """Most tickets that one agent can finish in time, by trying every set in the order of due times."""
    most = 0
    for chosen in range(1 << len(left)):
        rows = sorted((left[i], work[i]) for i in range(len(left)) if chosen >> i & 1)
        ends = np.cumsum([minutes for _, minutes in rows])
        if all(end <= due for end, (due, _) in zip(ends, rows, strict=True)):
            most = max(most, len(rows))
    return most


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(1, 200), st.integers(1, 60)), min_size=1, max_size=8))
def test_following_moore_hodgson_saves_as_many_as_any_order_can(tickets):
    left, work = (np.array(column, dtype=np.float64) for column in zip(*tickets, strict=True))
    left += 0.5  # so that rounding does not decide
    most, saved, now, waiting = brute_force_kept(left, work), 0, 0.0, list(range(len(left)))
    while waiting:
        rows = np.array(waiting)
        taken = waiting.pop(moore_hodgson(queue(left[rows] - now, work=work[rows], sd=0.0)))
        now += work[taken]
        saved += now <= left[taken] + 1e-6
    assert saved == most


def test_simple_orders_take_what_their_name_says():
    waiting = queue([100.0, 90.0, 400.0], work=[60.0, 10.0, 30.0], weight=[1.0, 3.0, 3.0])
    assert least_slack(waiting) == 0
    assert earliest_due(waiting) == 1
    assert priority_then_opened(waiting) == 1


def test_all_overdue_are_taken_longest_overdue_first():
    assert earliest_due_overdue_last(queue([-5.0, -50.0, -20.0])) == 1


def test_advice_is_followed_only_when_it_is():
    answers = iter([True, False])
    choice = followed(earliest_due, priority_then_opened, lambda: next(answers))
    waiting = queue([50.0, 100.0], weight=[1.0, 20.0])
    assert [choice(waiting), choice(waiting)] == [0, 1]


@given(
    st.lists(
        st.tuples(st.floats(-5000, 5000), st.floats(1, 500), st.sampled_from([1.0, 3.0, 20.0])), min_size=1, max_size=20
    ),
    st.sampled_from([0.0, 0.02, 1.0]),
    st.sampled_from([0.0, 0.3]),
    st.sampled_from([0.0, 0.1]),
)
def test_the_quick_gain_is_the_gain(rows, guard, detour, response):
    left, work, weight = (np.array(column) for column in zip(*rows, strict=True))
    waiting = queue(left, work=work, weight=weight, detour=detour, response_left=left / 3)
    dials = GainSettings(guard=guard, response=response)
    np.testing.assert_allclose(gain_total(waiting, dials), gain(waiting, dials).total, rtol=1e-9, atol=1e-15)
