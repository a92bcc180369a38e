import numpy as np
import pytest

from models.dispatch import GainSettings, gain
from models.dispatch_reasons import Group, duration, groups, why_suggested
from tests.models.test_dispatch import queue


def test_three_groups_say_what_to_do():
    worth = gain(queue([-30.0, 20.0, 60.0, 3000.0], work=[30.0, 90.0, 30.0, 30.0]), GainSettings())
    assert groups(worth) == [Group.LOST, Group.LOST, Group.SAVE_NOW, Group.SAFE]


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


def test_working_time_is_put_into_words():
    assert [duration(minutes) for minutes in (0.4, 45, 59.6, 200)] == ["0 min", "45 min", "1 h", "3 h 20 min"]
