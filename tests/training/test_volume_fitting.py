from __future__ import annotations

import numpy as np
import pytest

from features.volumes.counts import SLOTS, Series, VolumeCounts, VolumeError
from features.volumes.openings import weekdays
from features.volumes.planned import Outlook
from models.volumes.candidates import CARRIED, FALLBACK, LAST, REGRESSION
from training.volumes.choice import choose
from training.volumes.fitting import VolumeSettings, fit_volumes
from training.volumes.replay import replay
from training.volumes.rolling import RolledVolumes, past_origins, roll_volumes

FIRST = 20_000
SETTINGS = VolumeSettings(horizon_days=14, origins=5, step_days=7)


def desk(days=200, seed=0):
    """A whole of two teams, a third of whose tickets come after lunch; team b is eight weeks old at most."""
    rng = np.random.default_rng(seed)
    week = np.array([1.3, 1.1, 1.0, 1.0, 0.8, 0.2, 0.1])[weekdays(FIRST, days)]
    shape = np.zeros(SLOTS)
    shape[16:36] = 1.0 / 20
    mean = np.stack([40.0 * week, np.where(np.arange(days) >= days - 20, 8.0 * week, 0.0)])
    half_hours = rng.poisson(mean[:, :, None] * shape).astype(np.uint16)
    half_hours = np.concatenate([half_hours.sum(axis=0, keepdims=True, dtype=np.uint16), half_hours])
    series = (Series("all", ""), Series("team", "a"), Series("team", "b"))
    counts = half_hours.sum(axis=2, dtype=np.int64).astype(np.float64)
    return VolumeCounts(series, FIRST, counts, "Europe/Berlin", half_hours)


def test_a_forecast_at_an_origin_does_not_know_what_came_after_it():
    counts = desk()
    origins = np.array([FIRST + 150, FIRST + 160])
    changed = counts.counts.copy()
    changed[:, 155:] *= 3.0
    one, other = (
        roll_volumes(VolumeCounts(counts.series, FIRST, values), Outlook(), origins, horizon=14)
        for values in (counts.counts, changed)
    )
    for name in one.said:
        assert (one.said[name][0] == other.said[name][0]).all(), name
        assert (one.said[name][1] != other.said[name][1]).any(), name
    known = one.known_by(FIRST + 158)
    assert known.origins.tolist() == [FIRST + 150]
    assert np.isfinite(known.came[0, 0]).sum() == 8


def test_the_best_candidate_is_served_only_where_it_beats_the_mean_of_four():
    came = np.full((6, 2, 14), 10.0)
    said = {FALLBACK: came + 1.0, LAST: came + 3.0, REGRESSION: came + np.array([0.5, 1.5])[None, :, None]}
    choice = choose(RolledVolumes(FIRST + 7 * np.arange(6), came, said), 2)
    assert {choice.names[place] for place in choice.place[:, 0]} == {REGRESSION}
    assert {choice.names[place] for place in choice.place[:, 1]} == {FALLBACK}
    assert choice.ratio[0].tolist() == [0.5, 1.0]
    assert choice.of({name: one[0] for name, one in said.items()}, 14)[:, 0].tolist() == [10.5, 11.0]


def test_without_anything_judged_the_mean_of_four_is_served():
    counts = desk().before(FIRST + 30)
    assert not len(past_origins(counts, horizon=14, most=5, step_days=7))
    fitted = fit_volumes(counts, Outlook(), SETTINGS)
    assert {name for names in fitted.model.served.values() for name in names} == {FALLBACK}
    said = fitted.model.forecast(counts, Outlook())
    assert np.isnan(said.bounds).all()  # nothing was judged: no interval is claimed


def test_a_fitted_model_says_sums_that_hold_half_hours_that_hold_and_what_is_new():
    counts = desk()
    fitted = fit_volumes(counts, Outlook(), SETTINGS)
    said = fitted.model.forecast(counts, Outlook(), "volume v1")
    assert (said.expected[1:].sum(axis=0) == said.expected[0]).all()
    assert said.half_hours is not None
    assert (said.half_hours.sum(axis=2) == said.expected[:, :14]).all()
    assert said.bounds.shape == (4, 3, 14)
    assert said.week_bounds.shape == (4, 3, 2)
    assert (np.diff(said.bounds, axis=0) >= 0).all()
    assert said.notes == (
        "1 series with fewer than four weeks of counts are forecast as their share of all tickets: team b",
    )
    share = said.expected[2].sum() / said.expected[0].sum()
    assert share == pytest.approx(8 / 48, rel=0.15)
    half = fitted.model.half_hour_bounds(counts.series[1], said.half_hours[1])
    assert half.shape == (4, 14, SLOTS)
    assert fitted.coverage["all"][0] > 0.7


def test_too_short_a_history_is_refused_in_words():
    with pytest.raises(VolumeError, match="9 whole days of tickets are too few to forecast from: 14 are needed"):
        fit_volumes(desk().before(FIRST + 9), Outlook(), SETTINGS)


def test_played_back_intervals_cover_about_what_they_promise():
    counts = desk(160, seed=1)
    whole = VolumeCounts(counts.series[:1], FIRST, counts.counts[:1], "UTC", counts.by_half_hour[:1])
    played = replay(whole, Outlook(), np.arange(FIRST + 40, FIRST + 159), horizon=7)
    late, ahead = slice(-40, -7), 2
    said, came = played.half_hours[late, ahead], played.came[late, ahead]
    inside = (came >= played.bounds[1, late, ahead]) & (came <= played.bounds[2, late, ahead])
    assert 0.7 < inside[said > 0.3].mean() < 0.95
    assert (played.half_hours.sum(axis=2) == played.days).all()
    assert CARRIED in played.rolled.said
