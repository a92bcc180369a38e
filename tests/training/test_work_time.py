import numpy as np
import pytest

from models.work_time import category_means
from training.work_time import fit_work_time


def tickets(count: int, told: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Five categories with means of their own; a mark tells `told` of the log beyond the category."""
    rng = np.random.default_rng(seed)
    category, mark = rng.integers(0, 5, count), rng.standard_normal(count)
    logs = 3.0 + 0.4 * category + told * np.abs(mark) + 0.5 * rng.standard_normal(count)
    return np.column_stack([category, mark]).astype(np.float64), np.exp(logs)


def test_a_mark_that_tells_narrows_the_belief_on_later_tickets():
    model = fit_work_time(*tickets(3000, 0.8, 1), columns=[0])
    X, minutes = tickets(2000, 0.8, 2)
    plain, learned = model.categories.belief(X), model.belief(X)
    assert np.std(np.log(minutes) - learned.log_mean) < 0.85 * np.std(np.log(minutes) - plain.log_mean)
    assert model.log_sd == pytest.approx(0.5, rel=0.1)
    assert model.trust > 0.8
    assert learned.expected.mean() == pytest.approx(minutes.mean(), rel=0.1)


def test_marks_that_tell_nothing_are_hardly_trusted():
    model = fit_work_time(*tickets(3000, 0.0, 3), columns=[0])
    X, minutes = tickets(2000, 0.0, 4)
    plain = np.mean((np.log(minutes) - model.categories.belief(X).log_mean) ** 2)
    assert model.trust < 0.3
    assert np.mean((np.log(minutes) - model.belief(X).log_mean) ** 2) < 1.02 * plain


def test_means_of_few_tickets_are_drawn_to_the_mean_of_all():
    X = np.array([[0.0]] * 100 + [[1.0]])
    means = category_means(X, np.array([2.0] * 100 + [6.0]), [0])
    assert 2.0 < means.belief(np.array([[1.0]])).log_mean[0] < 3.0
    assert means.belief(np.array([[7.0]])).log_mean[0] == means.overall


def test_a_later_ticket_of_another_order_of_rows_gets_the_same_belief():
    model = fit_work_time(*tickets(800, 0.8, 5), columns=[0])
    X, _ = tickets(50, 0.8, 6)
    np.testing.assert_array_equal(model.belief(X[::-1]).log_mean[::-1], model.belief(X).log_mean)


def test_work_that_was_never_recorded_is_refused():
    X, minutes = tickets(20, 0.0, 7)
    minutes[3] = 0.0
    with pytest.raises(ValueError, match="leave out tickets without recorded work"):
        fit_work_time(X, minutes, columns=[0])
