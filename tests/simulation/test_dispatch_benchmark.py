import numpy as np
import pytest

from benchmarks.dispatch import BREACHES, FIGURES, believers, change, figures, gap_closed, half_interval, policies
from simulation.quick_desk import run_desk
from simulation.quick_lines import Belief
from simulation.quick_world import DeskPlan, Team, draw_world


def found(**breaches: list[float]) -> dict[str, np.ndarray]:
    return {name.replace("_", " "): np.column_stack([rows] * len(FIGURES)) for name, rows in breaches.items()}


def test_a_change_is_a_ratio_of_means_and_its_interval_is_paired():
    rows = found(suggested=[2.0, 4.0, 6.0], priority=[4.0, 8.0, 12.0])
    moved, half = change(rows, "suggested", "priority", BREACHES)
    assert moved == pytest.approx(-0.5)
    assert half == pytest.approx(0.0, abs=1e-12)  # seeds differ, their ratio does not
    assert change(found(a=[1.0, 3.0], b=[4.0, 4.0]), "a", "b", BREACHES)[1] > 0.5


def test_the_gap_is_that_from_priority_to_full_information():
    rows = found(suggested=[4.0, 4.0], priority=[10.0, 14.0], full_information=[2.0, 2.0])
    assert gap_closed(rows, "suggested") == pytest.approx(0.8)


def test_an_interval_of_one_seed_is_unknown():
    assert np.isnan(half_interval(np.array([1.0])))


def test_what_is_believed_comes_from_another_seed_and_what_is_known_is_the_work():
    world = draw_world(DeskPlan(load=0.5), 3)
    beliefs = {name: believe(world) for name, believe in believers(0.5).items()}
    np.testing.assert_allclose(np.exp(beliefs["known"].log_mean), world.work)
    logs = np.log(world.work)
    assert np.std(logs - beliefs["learned"].log_mean) < 0.95 * np.std(logs - beliefs["category"].log_mean)
    assert 0.2 < beliefs["learned"].detour_share.mean() < 0.45


def test_every_policy_gives_every_figure():
    world = draw_world(DeskPlan(load=0.3, weeks=11, teams=(Team(2), Team(1, True))), 4)
    belief = Belief(np.log(world.work), np.full(len(world), 0.5), np.zeros(len(world)))
    for name, (policy, _) in policies(4).items():
        measured = figures(run_desk(world, policy, belief))
        assert len(measured) == len(FIGURES), name
        assert 0 <= measured[BREACHES] < 15, name
