"""Breaches ahead: what is said of all tickets, how the parts share it out, and how often the intervals hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.volumes.missed import breaches_ahead

WEEKDAY = np.tile([6.0, 2.0, 2.0, 2.0, 1.0, 0.0, 0.0], 20)
OPENED = np.tile([14.0, 10.0, 10.0, 10.0, 12.0, 0.0, 0.0], 20)
TEAMS = [("team", np.arange(1, 4))]


def stacked(*parts):
    return np.vstack([np.sum(parts, axis=0), *parts])


def test_breaches_ahead_are_the_usual_ones_of_the_weekday_times_what_comes():
    twice = np.concatenate([OPENED[:7], 2 * OPENED[:7], OPENED[:3]])
    said, bounds = breaches_ahead(WEEKDAY[None], OPENED[None], twice[None])
    assert said[0].tolist() == pytest.approx([*WEEKDAY[:7], *(2 * WEEKDAY[:7]), *(2 * WEEKDAY[:3])])
    np.testing.assert_allclose(bounds[:, 0], np.broadcast_to(said[0], (4, 17)), atol=0.02)  # nothing was ever off
    assert np.isnan(breaches_ahead(WEEKDAY[None, :70], OPENED[None, :70], twice[None])[1]).all()
    nothing, none = breaches_ahead(np.zeros((1, 140)), OPENED[None], twice[None])
    assert not nothing.any()
    assert none.max() < 0.001


def test_two_counted_weeks_do_not_look_as_if_twice_as_much_came():
    said, _ = breaches_ahead(WEEKDAY[None, :14], OPENED[None, :14], OPENED[None, :7])
    assert said[0].tolist() == pytest.approx(WEEKDAY[:7])


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(20, 200), st.integers(1, 40), st.floats(0.01, 20.0))
def test_the_parts_of_each_level_add_up_to_the_whole_exactly(seed, days, horizon, rate):
    rng = np.random.default_rng(seed)
    teams = rng.poisson(rate * rng.random(3)[:, None], (3, days)).astype(float)
    whole = teams.sum(axis=0)
    urgent = rng.binomial(whole.astype(int), 0.2).astype(float)
    breached = np.vstack([whole, teams, urgent, whole - urgent])
    opened = rng.poisson(2.0, breached.shape).astype(float)
    expected = rng.gamma(1.0, 2.0, (6, horizon))
    said, bounds = breaches_ahead(
        breached, opened, expected, [("team", np.arange(1, 4)), ("priority", np.arange(4, 6))]
    )
    assert (said[1:4].sum(axis=0) == said[0]).all()
    assert (said[4:6].sum(axis=0) == said[0]).all()
    assert (said >= 0).all()
    assert not (bounds < 0).any()
    alone, _ = breaches_ahead(breached[:1], opened[:1], expected[:1])
    assert (alone[0] == said[0]).all()  # the whole does not depend on how it is divided


def test_a_team_has_the_share_of_the_last_weeks_drawn_to_that_of_half_a_year():
    """100 of the last 100 breaches are the second team's, half of the half year's: (100 + 40 x .5) / (100 + 40)."""
    before = np.repeat([1.0, 0.0], [154, 28]) * 100 / 154
    lately = np.repeat([0.0, 1.0], [154, 28]) * 100 / 28
    breached = stacked(before, lately, np.zeros(182))
    opened = np.full_like(breached, 10.0)
    said, _ = breaches_ahead(breached, opened, opened[:, :7], TEAMS)
    assert said[2].sum() / said[0].sum() == pytest.approx(
        120 / 140, abs=0.02
    )  # the tilt of weekdays is the same for all
    assert not said[3].any()


def test_a_team_that_expects_more_is_told_more_of_the_whole():
    breached = stacked(WEEKDAY, WEEKDAY, 0 * WEEKDAY)
    opened = stacked(OPENED, OPENED, 0 * OPENED)
    ahead = stacked(OPENED[:14], np.concatenate([OPENED[:7], 3 * OPENED[:7]]), 0 * OPENED[:14])
    said, _ = breaches_ahead(breached, opened, ahead, TEAMS)
    assert (said[1, :7] == said[2, :7]).all()
    # 56 tickets a week: three times them, drawn to the whole's twice by five tickets' worth
    ratio = (3 * 56 + 5 * 2) / (56 + 5 * 2)
    assert said[2, 7] / said[1, 7] == pytest.approx(ratio, abs=0.01)
    assert said[0, 7] == pytest.approx(2 * said[0, 0])


def test_a_team_without_tickets_lately_is_not_said_to_grow_without_bound():
    late = np.zeros(140)
    late[[115, 122]] = 1.0  # of tickets opened long ago
    breached = stacked(WEEKDAY, late, 0 * late)
    opened = stacked(OPENED, 0 * OPENED, 0 * OPENED)
    ahead = stacked(OPENED[:7], 0 * OPENED[:7] + 0.1, 0 * OPENED[:7])
    said, _ = breaches_ahead(breached, opened, ahead, TEAMS)
    assert said[2].sum() < 1.0
    assert said[1].sum() > 12.0


def test_a_team_that_works_at_weekends_gets_more_of_the_weekends_breaches():
    office, duty = np.tile([4.0, 4, 4, 4, 4, 0, 0], 26), np.tile([0.0, 0, 0, 0, 0, 4, 4], 26)
    breached = stacked(office, duty, 0 * duty)
    opened = np.full_like(breached, 10.0)
    said, _ = breaches_ahead(breached, opened, opened[:, :7], TEAMS)
    assert said[2, 5] / said[0, 5] > 1.5 * said[2, 0] / said[0, 0]


def test_four_of_five_days_lie_within_the_intervals_of_all_and_of_teams_though_bad_weeks_follow_each_other():
    rng = np.random.default_rng(4)
    inside, wide = [], []
    for _ in range(100):
        strain = np.zeros(40)
        for week in range(1, 40):
            strain[week] = 0.5 * strain[week - 1] + rng.normal(0, 0.25)
        rate = np.repeat(np.exp(strain), 7) * np.tile([6.0, 4, 4, 4, 3, 0.2, 0.2], 40)
        came = stacked(*(rng.poisson(share * rate).astype(float) for share in (0.6, 0.3, 0.1)))
        opened = np.outer([30.0, 18.0, 9.0, 3.0], np.ones(280))
        _, bounds = breaches_ahead(came[:, :224], opened[:, :224], opened[:, 224:], TEAMS)
        inside.append(((bounds[1] <= came[:, 224:]) & (came[:, 224:] <= bounds[2])).mean(axis=1))
        wide.append(((bounds[0] <= came[:, 224:]) & (came[:, 224:] <= bounds[3])).mean(axis=1))
        assert (bounds[1] <= bounds[2]).all()
    of_all, of_teams = np.mean(inside, axis=0)[0], np.mean(inside, axis=0)[1:]
    assert 0.76 < of_all < 0.86
    assert 0.76 < of_teams.mean() < 0.86
    assert of_teams.min() > 0.74
    assert of_teams.max() < 0.90
    assert 0.92 < np.mean(wide) < 0.98


def test_no_interval_is_claimed_for_days_that_fewer_than_eight_weeks_tell_of():
    breached, opened = np.tile(WEEKDAY[None, :84], (4, 1)), np.tile(OPENED[None, :84], (4, 1))
    _, bounds = breaches_ahead(breached, opened, np.ones((4, 56)), TEAMS)
    assert np.isfinite(bounds[:, :, :7]).all()  # eight weeks tell of a week ahead ...
    assert np.isnan(bounds[:, :, 7:]).all()  # ... and seven of the next


def test_past_origins_are_judged_by_what_was_known_then():
    """Two a day for half a year, twenty in the last four weeks: nobody ever said too much, so nothing lies below what is said."""
    came = np.repeat([2.0, 20.0], [168, 28])[None]
    opened = np.full_like(came, 50.0)
    said, bounds = breaches_ahead(came, opened, opened[:, :7])
    assert said[0] == pytest.approx(np.full(7, 20.0))
    np.testing.assert_allclose(bounds[1, 0], said[0], atol=0.01)
    assert (bounds[2, 0] > said[0] + 1.0).all()
