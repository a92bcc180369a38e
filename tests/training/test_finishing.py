"""The range of a trained model comes with levels, and agrees with the risk it serves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from models.blend import Blend
from models.calibration import Calibration
from models.finish import QUANTILES, FinishModel, conformal_levels
from models.intervals import stopped_by
from tests.training.builders import DAY_US, START_US, TARGET_HOURS, small_settings, synthetic_source
from training.finishing import TOWARDS_NOMINAL, finish_model, levels_of
from training.fitting import HOUR_US, SUPPORT, Fitted, fit_members, longest_hours
from training.rehearsal import RehearsalSettings, recalibrate, rehearse
from training.rows import Rows
from training.splits import censored, learnable

BLEND = Blend.even("boosting", "hazard")
CUT_US = START_US + 80 * DAY_US


@pytest.fixture(scope="module")
def rows() -> Rows:
    source = synthetic_source(tickets=2500)
    return source.rows(CUT_US).relabelled(*source.labels(CUT_US))


@pytest.fixture(scope="module")
def train(rows: Rows) -> Rows:
    return rows.where(learnable(rows, CUT_US, 3 * DAY_US))


@pytest.fixture(scope="module")
def fitted(rows: Rows, train: Rows) -> Fitted:
    young = rows.where(censored(rows, CUT_US, 3 * DAY_US))
    assert (~young.has_stopped).any()
    return fit_members(train, small_settings().model, 0, censored=young)


def finish_of(fitted: Fitted, train: Rows, levels: tuple[tuple[float, float, float], ...] | None) -> FinishModel:
    found = finish_model(fitted, train, BLEND, Calibration(), levels)  # type: ignore[arg-type]
    assert found is not None
    return found


def test_without_a_rehearsal_levels_come_from_the_training_rows(fitted: Fitted, train: Rows) -> None:
    found = finish_of(fitted, train, None)
    odds = BLEND.margin(fitted.margins(train.X))
    read, _ = levels_of(fitted, found, train, odds)
    back = [low + TOWARDS_NOMINAL * (nominal - low) for low, nominal in zip(read, QUANTILES, strict=True)]
    assert found.levels == pytest.approx(back)
    weight = 1.0 / np.bincount(train.ticket)[train.ticket]
    hours = train.worked_us / HOUR_US

    def held(levels: tuple[float, float, float]) -> float:
        said = fitted.finish(levels, QUANTILES)
        assert said is not None
        low, _, high = said.working_hours(fitted.range.clip(train.X), odds).T
        return float(np.average((hours >= low) & (hours <= high), weights=weight))

    assert held(read) == pytest.approx(0.8, abs=0.03)
    assert abs(held(read) - 0.8) < abs(held(found.levels) - 0.8) < abs(held(QUANTILES) - 0.8)
    assert found.opening_levels == QUANTILES


def test_clocks_that_stop_at_once_count_half_for_the_median_and_whole_for_the_range(
    fitted: Fitted, train: Rows
) -> None:
    third = np.arange(len(train)) % 3 == 0
    hurried = replace(
        train, worked_us=np.where(third, 0, train.worked_us), open_us=np.where(third, 0, train.open_us),
        has_stopped=train.has_stopped | third,
    )  # fmt: skip
    found, odds = finish_of(fitted, train, (QUANTILES, QUANTILES)), BLEND.margin(fitted.margins(train.X))
    values, weight = fitted.range.clip(train.X), train.weights()
    read = levels_of(fitted, found, hurried, odds)
    for levels, hours, survival in (
        (read[0], hurried.worked_us, found.working_survival(values, odds)),
        (read[1], hurried.open_us, found.opening_survival(values)),
    ):
        whole = conformal_levels(stopped_by(hours / HOUR_US, *survival), hurried.has_stopped, weight)
        assert (levels[0], levels[2]) == (whole[0], whole[2])
        assert levels[1] < whole[1]


def test_a_rehearsal_says_the_levels(rows: Rows, fitted: Fitted, train: Rows) -> None:
    settings = RehearsalSettings(least_tickets=200)
    source = synthetic_source(tickets=2500)
    rehearsal = rehearse(
        rows, CUT_US, CUT_US - 3 * DAY_US, 3 * DAY_US, small_settings().model, settings, 0, source.labels
    )
    answer = recalibrate(rehearsal, BLEND, settings)
    assert answer.levels is not None
    assert finish_of(fitted, train, answer.levels).levels == answer.levels[0]
    assert rehearsal.fitted is not None
    assert rehearsal.window is not None
    odds = BLEND.margin(rehearsal.window.margins)
    again = levels_of(rehearsal.fitted, finish_of(rehearsal.fitted, train, None), rehearsal.window.rows, odds)
    assert np.allclose(again[0], answer.levels[0], atol=0.1)


def test_risk_and_range_of_a_trained_model_agree(fitted: Fitted, train: Rows) -> None:
    found = finish_of(fitted, train, (QUANTILES, QUANTILES))
    X = fitted.range.clip(train.X)
    odds = BLEND.margin(fitted.margins(train.X))
    left = X[:, train.spec.names.index("remaining_hours")]
    middle = found.working_hours(X, odds)[:, 1]
    clear = np.abs(odds) > 1e-6
    assert np.array_equal((middle > left * (1 + 1e-9))[clear], (odds > 0)[clear])
    assert 0.05 < (odds > 0).mean() < 0.95


def test_rows_without_the_time_left_have_no_hazard_model_and_no_range(train: Rows) -> None:
    frame = pd.DataFrame(train.X, columns=train.spec.names)
    assert frame["target_hours"].eq(TARGET_HOURS).all()
    keep = [name for name in train.spec.names if name not in ("remaining_hours", "target_hours")]
    features = tuple(feature for feature in train.spec.features if feature.name in keep)
    spec = type(train.spec)(features, train.spec.settings)
    bare = Rows.of(train, spec, frame[keep].to_numpy())
    found = fit_members(bare, small_settings().model, 0)
    assert set(found.members) == {"boosting", "linear"}
    assert finish_model(found, bare, Blend.even("boosting"), Calibration(), None) is None


def test_the_range_speaks_of_times_that_a_few_tickets_were_seen_to_take(
    fitted: Fitted, train: Rows, rows: Rows
) -> None:
    by_ticket: dict[int, int] = {}
    young = rows.where(censored(rows, CUT_US, 3 * DAY_US))
    for part in (train, young):
        for ticket, ran_us in zip(part.ticket.tolist(), part.worked_us.tolist(), strict=True):
            by_ticket[ticket] = max(by_ticket.get(ticket, 0), ran_us)
    ranked = sorted(by_ticket.values(), reverse=True)
    assert fitted.longest_hours[0] == pytest.approx(ranked[SUPPORT - 1] / HOUR_US)
    assert fitted.longest_hours[0] < ranked[0] / HOUR_US
    assert fitted.longest_hours[1] >= fitted.longest_hours[0]
    found = finish_of(fitted, train, None)
    assert found.longest_hours == fitted.longest_hours
    assert found.shape is fitted.shape
    assert found.shape is not None


def test_of_fewer_tickets_the_shortest_of_their_times_is_the_most_that_is_said(train: Rows) -> None:
    few = train.where(np.isin(train.ticket, np.unique(train.ticket)[:3]))
    each = [few.worked_us[few.ticket == ticket].max() for ticket in np.unique(few.ticket)]
    assert longest_hours(few, few.worked_us) == pytest.approx(min(each) / HOUR_US)
    assert longest_hours(few.where(few.ticket < 0), np.empty(0, np.int64)) == np.inf
