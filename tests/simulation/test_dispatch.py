import numpy as np
import pytest

from simulation.desk import Desk
from simulation.dispatch import chosen, earliest_due, fifo, priority_then_fifo, ranked
from simulation.tickets import Ending, Stint, Ticket
from simulation.world import LogNormal
from tests.simulation.builders import START, after, agents, topic, waits, world


def ticket(name: str, opened_us: int, priority: int = 2) -> Ticket:
    return Ticket(name, opened_us, opened_us, priority, [Stint(0, 1, Ending.RESOLVE, 0)])


def order(line, *tickets) -> list[str]:
    for one in tickets:
        line.join(one)
    picked = iter(lambda: line.pick(0, 1), None)
    return [one.ticket_id for one in picked]


def test_first_come_first_served():
    assert order(fifo(), ticket("late", 30, 0), ticket("early", 10, 3), ticket("between", 20, 1)) == [
        "early",
        "between",
        "late",
    ]


def test_priority_goes_first_and_age_decides_within_it():
    late_urgent, old, young = ticket("late urgent", 30, 0), ticket("old", 10, 2), ticket("young", 20, 2)
    assert order(priority_then_fifo(), young, old, late_urgent) == ["late urgent", "old", "young"]


def test_what_is_due_first_goes_first():
    due = {"a": 300, "b": 100, "c": 200}
    line = earliest_due(lambda one: due[one.ticket_id])()
    assert order(line, ticket("a", 1), ticket("b", 2), ticket("c", 3)) == ["b", "c", "a"]


def test_equals_are_served_as_they_came():
    assert order(ranked(lambda one: (0,))(), ticket("b", 5), ticket("a", 5)) == ["b", "a"]


def test_a_choice_sees_all_that_wait_and_how_many_work():
    seen = []

    def youngest(waiting, at_us, agents_):
        seen.append(([one.ticket_id for one in waiting], at_us, agents_))
        return len(waiting) - 1

    line = chosen(youngest)()
    line.join(ticket("a", 1))
    line.join(ticket("b", 2))
    assert line.pick(77, 3).ticket_id == "b"
    assert line.pick(78, 2).ticket_id == "a"
    assert line.pick(79, 1) is None
    assert seen == [(["a", "b"], 77, 3), (["a"], 78, 2)]


@pytest.mark.parametrize("policy", [fifo, chosen(lambda waiting, at_us, agents_: 0)])
def test_what_left_the_line_is_not_picked(policy):
    line, gone, stays = policy(), ticket("gone", 1), ticket("stays", 2)
    line.join(gone)
    line.join(stays)
    gone.token += 1
    assert line.pick(0, 1) is stays
    assert line.pick(0, 1) is None


def test_the_desk_asks_the_policy_with_the_agents_on_shift():
    counts = set()

    def first(waiting, at_us, agents_):
        counts.add(agents_)
        return 0

    calendars = {name: {"always_open": True} for name in ("desk", "customers", "always")}
    calendars["day"] = {"hours": {"mon-sun": [["08:00", "16:00"]]}}
    crew = (*agents(2), *agents(1, "day", name="Day"))
    Desk(world(90.0, crew, calendars=calendars), 1, START, chosen(first)).events_until(after(10))
    assert counts == {2, 3}


def test_a_choice_by_age_is_fifo():
    mixed = topic(LogNormal(60.0, 0.8), priority_shares=(0.1, 0.2, 0.4, 0.3))
    plain = world(44.0, agents(2), mixed)
    oldest = chosen(lambda waiting, at_us, agents_: int(np.argmin([one.opened_us for one in waiting])))
    one, other = (Desk(plain, 8, START, policy).events_until(after(20)) for policy in (fifo, oldest))
    assert one.to_csv() == other.to_csv()


def test_priority_before_age_helps_the_urgent_at_the_cost_of_the_others():
    mixed = topic(LogNormal(60.0, 0.8), priority_shares=(0.1, 0.2, 0.4, 0.3))
    plain = world(31.0, agents(2), mixed)
    mean = {
        policy: waits(Desk(plain, 8, START, policy).events_until(after(60))).groupby("priority")["waited"].mean()
        for policy in (fifo, priority_then_fifo)
    }
    assert mean[priority_then_fifo]["1"] < 0.5 * mean[fifo]["1"]
    assert mean[priority_then_fifo]["4"] > mean[fifo]["4"]
