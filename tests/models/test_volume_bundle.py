from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from features.volumes.counts import Series, VolumeCounts, VolumeError, count_tickets
from features.volumes.handling import Handling, handling_times
from features.volumes.planned import Outlook
from features.volumes.resolutions import resolved_counts
from models.volumes.bundle import MODEL_FILE, VolumeModelError, load_volume_model, save_volume_model
from models.volumes.forecast import BREACHES
from models.volumes.frame import counts_frame, frame_counts
from models.volumes.past import judged_days, past_figures
from models.volumes.workload import backlog_ahead, workload_hours
from tests.volume_events import FIRST, volume_events
from training.volumes.fitting import VolumeSettings, fit_volumes

AT = (FIRST + pd.Timedelta(days=120, hours=9)).to_pydatetime()


@pytest.fixture(scope="module")
def counted():
    return count_tickets(volume_events(121), AT, zone="Europe/Berlin")


@pytest.fixture(scope="module")
def model(counted):
    return fit_volumes(counted, Outlook(), VolumeSettings(horizon_days=28, origins=4)).model


def test_a_model_says_the_same_after_it_was_written_and_read(model, counted, tmp_path):
    digest = save_volume_model(tmp_path / "a", model)
    again = load_volume_model(tmp_path / "a")
    one, other = (each.forecast(counted, Outlook()) for each in (model, again))
    assert (one.expected == other.expected).all()
    np.testing.assert_array_equal(one.bounds, other.bounds)
    assert save_volume_model(tmp_path / "b", again) == digest


def test_a_folder_that_is_no_model_is_refused_in_words(model, tmp_path):
    with pytest.raises(VolumeModelError, match=r"holds no volume model .* Train one: slacast train volume"):
        load_volume_model(tmp_path)
    save_volume_model(tmp_path, model)
    data = json.loads((tmp_path / MODEL_FILE).read_text())
    (tmp_path / MODEL_FILE).write_text(json.dumps(data | {"version": 9}))
    with pytest.raises(VolumeModelError, match="train again"):
        load_volume_model(tmp_path)
    (tmp_path / MODEL_FILE).write_text(json.dumps(data | {"shape": "round"}))
    with pytest.raises(VolumeModelError, match="names round, which this program lacks"):
        load_volume_model(tmp_path)


def test_a_table_of_counts_is_read_back_as_it_was(counted):
    again = frame_counts(counts_frame(counted))
    assert again.series == counted.series
    assert (again.counts == counted.counts).all()
    assert again.first_day == counted.first_day
    with pytest.raises(VolumeError, match="the table lacks count"):
        frame_counts(counts_frame(counted).drop(columns="count"))


def test_kept_forecasts_are_held_against_what_came_by_days_ahead(model, counted):
    early = counted.before(counted.end_day - 10)
    said = model.forecast(early, Outlook())
    made = (FIRST + pd.Timedelta(days=110, hours=9)).to_pydatetime()
    judged = judged_days(said.rows(made), counted)
    assert len(judged) == 10 * len(counted.series)
    figures = past_figures(judged, "team:Desk")
    assert [(one.words, one.days) for one in figures] == [
        ("1 day ahead", 1),
        ("2 to 7 days ahead", 6),
        ("8 to 28 days ahead", 3),
    ]
    place = counted.place("team", "Desk")
    off = np.abs(counted.counts[place, -9:-3] - said.expected[place, 1:7]).sum() / counted.counts[place, -9:-3].sum()
    assert figures[1].wape == pytest.approx(off)
    assert past_figures(judged, "team:Nobody") == ()
    other = said.with_values(2 * said.expected, 2 * said.bounds).rows(made, BREACHES)
    both = pd.concat([said.rows(made), other], ignore_index=True)
    assert judged_days(both, counted).equals(judged)
    np.testing.assert_allclose(judged_days(both, counted, BREACHES)["said"], 2 * judged["said"])


def test_handling_times_of_few_tickets_are_drawn_to_those_of_all():
    events = volume_events(40)
    series = (Series("all", ""), Series("team", "Desk"), Series("team", "Nobody"))
    found = handling_times(events, series)
    assert found is not None
    minutes = pd.to_numeric(events["attributes.handling_minutes"])
    minutes = minutes[minutes > 0]
    assert found[""].minutes == pytest.approx(minutes.mean())
    assert found["team:Nobody"].minutes == pytest.approx(minutes.mean())
    assert found["team:Desk"].tickets < found[""].tickets
    assert handling_times(volume_events(40, minutes=False), series) is None


def test_minutes_that_are_booked_as_a_running_total_count_once():
    events = volume_events(40)
    minutes = pd.to_numeric(events["attributes.handling_minutes"])
    ends = events[minutes > 0]
    halfway = ends.assign(
        event_id="h" + ends["event_id"].astype(str),
        event_at=ends["event_at"] - pd.Timedelta(minutes=1),
        recorded_at=ends["recorded_at"] - pd.Timedelta(minutes=1),
        **{"attributes.handling_minutes": (minutes[minutes > 0] / 2).astype(str)},
    )
    told = pd.concat([events, halfway]).sample(frac=1.0, random_state=1)
    series = (Series("all", ""), Series("team", "Desk"))
    assert handling_times(told, series) == handling_times(events, series)


def test_hours_are_as_uncertain_as_many_simulated_days():
    """Days drawn with the forecast's own uncertainty, tickets with theirs: the oracle adds nothing up by formula."""
    rng = np.random.default_rng(0)
    tickets = np.maximum(rng.normal(100, 15, 40_000), 0).round().astype(int)
    mean = rng.normal(30.0, 2.0, 40_000)
    hours = np.array([rng.exponential(30.0, n).sum() for n in tickets]) * mean / 30.0 / 60.0
    z = np.array([-1.96, -1.2816, 1.2816, 1.96])
    expected, bounds = workload_hours(np.array([100.0]), (100 + 15 * z)[:, None], Handling(30.0, 2.0, 30.0, 200))
    assert expected[0] == pytest.approx(50.0)
    np.testing.assert_allclose(bounds[:, 0], np.quantile(hours, [0.025, 0.1, 0.9, 0.975]), rtol=0.04)


def test_the_backlog_is_what_is_open_plus_what_comes_less_what_gets_done():
    opened, resolved = np.full(140, 10.0), np.full(140, 9.0)
    backlog, bounds = backlog_ahead(opened, resolved, 140.0, np.full(7, 12.0))
    assert backlog.tolist() == [143.0, 146.0, 149.0, 152.0, 155.0, 158.0, 161.0]
    np.testing.assert_allclose(bounds, np.broadcast_to(backlog, (4, 7)))  # nothing was ever off
    assert np.isnan(backlog_ahead(opened[:30], resolved[:30], 30.0, np.full(7, 12.0))[1]).all()


def test_resolved_tickets_are_counted_on_their_day_and_reopened_ones_taken_back():
    events = volume_events(30)
    counts = count_tickets(events, (FIRST + pd.Timedelta(days=30)).to_pydatetime())
    resolved, open_now = resolved_counts(events, (FIRST + pd.Timedelta(days=30)).to_pydatetime(), counts)
    done = events[events["status"] == "resolved"]
    by_day = done["event_at"].dt.floor("D").value_counts().sort_index()
    assert resolved[resolved > 0].tolist() == by_day.tolist()
    assert open_now == counts.counts[0].sum() - len(done)
    again = done.iloc[:3].assign(event_id=["x0", "x1", "x2"], status="open")
    again["event_at"] = again["recorded_at"] = FIRST + pd.Timedelta(days=29, hours=3)
    reopened, open_then = resolved_counts(
        pd.concat([events, again]), (FIRST + pd.Timedelta(days=30)).to_pydatetime(), counts
    )
    assert open_then == open_now + 3
    assert resolved[29] - reopened[29] == 3


def test_counts_may_have_one_series(model):
    counts = VolumeCounts((Series("all", ""),), 20_000, np.full((1, 60), 10.0))
    assert model.forecast(counts, Outlook()).expected[0] == pytest.approx(np.full(28, 10.0), abs=0.5)
