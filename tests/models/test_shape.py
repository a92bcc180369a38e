"""Where in its time a clock ends is told by trees of its own: models/shape.py."""

from __future__ import annotations

import numpy as np

from models.finish import FinishModel
from models.hazard_fitting import fit_hazard
from models.intervals import COUNT
from models.shape import ShapeModel, ShapeParameters, fit_shape, shape_features
from tests.models.hazard_builders import QUICK

COLUMNS = ["remaining_hours", "target_hours", "share_used", "noise", "team_log_hours"]
PARAMETERS = ShapeParameters(rounds=60, lambda_l2=10.0, feature_fraction=0.8)


def late_clocks(seed: int, rows: int = 5000) -> tuple[np.ndarray, np.ndarray]:
    """Half keep a promise of 10 hours, whatever the team; of the late ones a slow team's take ten times as long."""
    rng = np.random.default_rng(seed)
    team, late = rng.integers(0, 2, rows).astype(float), rng.random(rows) < 0.5
    fast = 10.0 + rng.exponential(4.0, rows)
    hours = np.where(late, np.where(team > 0, 10.0 + (fast - 10.0) * 10.0, fast), rng.uniform(0.0, 10.0, rows))
    told = np.full(rows, 10.0)
    return np.column_stack([told, told, np.zeros(rows), rng.normal(size=rows), team]), hours


def fitted(parameters: ShapeParameters = PARAMETERS) -> ShapeModel:
    X, hours = late_clocks(0)
    return fit_shape(X, hours, np.ones(len(X), bool), np.ones(len(X)), COLUMNS, parameters, seed=0)


def test_of_two_teams_with_the_same_risk_the_slow_one_has_the_later_end() -> None:
    X, hours = late_clocks(0)
    hazard = fit_hazard(X, hours, np.ones(len(X), bool), np.ones(len(X)), COLUMNS, QUICK, seed=0)
    asked, truth = late_clocks(1)
    slow, even = asked[:, 4] > 0, np.zeros(len(asked))
    wanted = [np.quantile(truth[rows], 0.9) for rows in (~slow, slow)]
    late = FinishModel(hazard, hazard, shape=fitted()).working_hours(asked, even)[:, 2]
    alike = FinishModel(hazard, hazard).working_hours(asked, even)[:, 2]
    assert wanted[1] > 4 * wanted[0]
    found, usual = ([np.median(hours[rows]) for rows in (~slow, slow)] for hours in (late, alike))
    assert found[1] > 2.5 * found[0]
    assert usual[1] < 1.25 * usual[0]
    off, off_usual = (np.abs(np.log(np.divide(hours, wanted))) for hours in (found, usual))
    assert (off < 0.7 * off_usual).all()  # the hazard model has half the say


def test_clocks_that_still_run_outlived_the_intervals_so_far() -> None:
    X, hours = late_clocks(0)
    seen = np.random.default_rng(3).uniform(0.0, 40.0, len(X))
    model = fit_shape(X, np.minimum(hours, seen), hours <= seen, np.ones(len(X)), COLUMNS, PARAMETERS, seed=0)
    asked = late_clocks(1)[0][:200]
    found, whole = model.scores(asked), fitted().scores(asked)
    assert np.abs(found - whole)[:, 1:10].mean() < 0.35  # what is seen of the first 20 hours is seen right
    dropped = fit_shape(
        X[hours <= seen],
        hours[hours <= seen],
        np.ones((hours <= seen).sum(), bool),
        np.ones((hours <= seen).sum()),
        COLUMNS,
        PARAMETERS,
        seed=0,
    )
    assert np.abs(dropped.scores(asked) - whole)[:, 1:10].mean() > 2 * np.abs(found - whole)[:, 1:10].mean()


def test_the_same_rows_and_seed_give_the_same_text_and_a_text_the_same_scores() -> None:
    model, asked = fitted(), late_clocks(1)[0][:100]
    assert model.text() == fitted().text()
    again = ShapeModel.from_text(model.text(), model.to_json())
    assert np.array_equal(again.scores(asked), model.scores(asked))
    assert model.scores(asked[:0]).shape == (0, COUNT)


def test_of_many_intervals_some_are_taken() -> None:
    few = fitted(ShapeParameters(rounds=5, most_intervals=3000))
    sizes = [
        int(line.split("=")[1].split()[0]) for line in few.text().splitlines() if line.startswith("internal_count")
    ]
    assert max(sizes) <= 3000
    assert max(sizes) > 1500


def test_records_of_teams_and_their_load_are_read_and_names_of_other_things_are_not() -> None:
    names = [*COLUMNS, "subcategory_breach_logit", "assignee_open", "is_new", "local_hour"]
    read = shape_features(names)
    assert read[:3] == ["remaining_hours", "target_hours", "share_used"]
    assert {"team_log_hours", "subcategory_breach_logit", "assignee_open", "is_new"} <= set(read)
    assert not {"noise", "local_hour"} & set(read)
    assert len(read) == len(set(read))
