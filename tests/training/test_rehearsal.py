"""A correction is adopted only where later weeks show that it helps."""

from __future__ import annotations

import numpy as np

from models.blend import Blend
from models.scales import sigmoid
from tests.training.builders import DAY_US, START_US, SyntheticSource, lied_about, small_settings, synthetic_source
from training.rehearsal import (
    DEFAULT,
    CalibrationAnswer,
    Rehearsal,
    RehearsalSettings,
    chosen_blend,
    recalibrate,
    rehearse,
)

ENOUGH = RehearsalSettings(least_tickets=200)


def rehearsed(source: SyntheticSource, day: int = 90) -> Rehearsal:
    cut = START_US + day * DAY_US
    return rehearse(source.rows(cut), cut, cut - 3 * DAY_US, 3 * DAY_US, small_settings().model, ENOUGH, 0)


def answered(source: SyntheticSource, settings: RehearsalSettings = ENOUGH, day: int = 90) -> CalibrationAnswer:
    return recalibrate(rehearsed(source, day), Blend.even("boosting", "linear"), settings)


def shifted_from(day: int) -> SyntheticSource:
    """Three times the breaches from a day on, for reasons that no feature shows."""
    source = synthetic_source(tickets=3000)
    rows, rng = source.labelled, np.random.default_rng(7)
    extra = rng.random(int(rows.ticket.max()) + 1) < 0.4
    rows.breached[(rows.opened_us > START_US + day * DAY_US) & extra[rows.ticket]] = 1
    return source


def test_a_level_that_moved_and_stayed_is_corrected() -> None:
    answer = answered(shifted_from(day=45))
    assert answer.calibration.kind in ("shift", "platt")
    assert sigmoid(answer.calibration.apply(np.array([-1.0])))[0] > sigmoid(np.array([-1.0]))[0]
    assert "lowered log loss" in answer.why


def test_a_level_that_moved_for_some_weeks_only_is_not_corrected() -> None:
    source = synthetic_source(tickets=3000)
    rows = source.labelled
    days = (rows.opened_us - START_US) / DAY_US
    rows.breached[(days > 47) & (days < 72) & (rows.ticket % 2 == 0)] = 1
    answer = answered(source)
    assert answer.calibration.kind == "identity"
    assert answer.why.startswith("no correction")


def test_few_tickets_or_a_short_history_allow_no_correction() -> None:
    few = answered(synthetic_source(), RehearsalSettings())
    assert (few.calibration.kind, "2000 needed" in few.why) == ("identity", True)
    short = answered(synthetic_source(), day=60)
    assert (short.calibration.kind, "history before the window" in short.why) == ("identity", True)


def test_where_the_truth_is_linear_the_blend_leans_on_logistic_regression() -> None:
    rehearsal, model = rehearsed(synthetic_source(tickets=3000)), small_settings().model
    mostly_trees = Blend.of({"boosting": 0.9, "linear": 0.1})
    free = model.model_copy(update={"blend": None})
    assert chosen_blend(rehearsal, free, ENOUGH).share("linear") > 0
    assert (
        chosen_blend(rehearsal, model.model_copy(update={"blend": dict(mostly_trees.shares)}), ENOUGH) == mostly_trees
    )
    assert chosen_blend(rehearsed(synthetic_source(), day=60), free, ENOUGH) == DEFAULT  # no rehearsal


def test_a_rehearsal_uses_no_outcome_known_after_the_cut() -> None:
    source, cut = synthetic_source(tickets=1500), START_US + 80 * DAY_US
    model, rows = small_settings().model, source.rows(cut)
    lied = lied_about(rows, rows.known_us > cut)
    honest, other = (rehearse(part, cut, cut - 3 * DAY_US, 3 * DAY_US, model, ENOUGH, 0) for part in (rows, lied))
    assert honest.window is not None
    assert other.window is not None
    assert (lied.breached != rows.breached).any()
    assert np.array_equal(honest.window.margins["boosting"], other.window.margins["boosting"])
    assert np.array_equal(honest.window.y, other.window.y)
