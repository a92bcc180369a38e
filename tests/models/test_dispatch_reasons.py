import numpy as np
import pytest

from models.dispatch import GainSettings, gain, savable_first
from models.dispatch_reasons import WHY, Group, duration, groups, suggested_order, why_suggested
from tests.models.test_dispatch import queue


def test_three_groups_say_what_to_do():
    worth = gain(queue([-30.0, 20.0, 60.0, 3000.0], work=[30.0, 90.0, 30.0, 30.0]), GainSettings())
    assert groups(worth) == [Group.LOST, Group.LOST, Group.SAVE_NOW, Group.SAFE]


def test_the_first_of_the_order_is_the_choice_of_the_policy():
    rng = np.random.default_rng(1)
    for _ in range(30):
        waiting = queue(
            rng.uniform(-500, 2000, 20), work=rng.uniform(5, 120, 20), weight=rng.choice([20.0, 8, 3, 1], 20)
        )
        assert suggested_order(waiting)[0] == savable_first()(waiting)


@pytest.mark.parametrize(
    ("left", "work", "response_left", "sentence"),
    [
        (-90.0, 30.0, np.inf, "Overdue by 1 h 30 min: it cannot be saved"),
        (20.0, 90.0, np.inf, "Due in 20 min but about 1 h 30 min of work: taken now it would be in time with only"),
        (60.0, 30.0, np.inf, "Due in 1 h with about 30 min of work: taken now it is in time with 9"),
        (3000.0, 30.0, np.inf, "Due in 50 h with about 30 min of work: it can wait"),
        (3000.0, 30.0, 10.0, "The first response is due in 10 min"),
    ],
)
def test_one_sentence_says_why_a_ticket_stands_there(left, work, response_left, sentence):
    waiting = queue([left], work=work, response_left=response_left)
    assert why_suggested(waiting, gain(waiting, GainSettings(response=0.1)), 0).startswith(sentence)


def test_plain_orders_count_who_is_before():
    waiting = queue([100.0, 50.0, 10.0])
    assert WHY["earliest due"](waiting, 2) == "No other ticket is due before it."
    assert WHY["earliest due"](waiting, 1) == "One ticket is due before it."
    assert WHY["least slack"](waiting, 0) == "2 tickets are tighter, by time left beyond the work."


def test_working_time_is_put_into_words():
    assert [duration(minutes) for minutes in (0.4, 45, 59.6, 200)] == ["0 min", "45 min", "1 h", "3 h 20 min"]
