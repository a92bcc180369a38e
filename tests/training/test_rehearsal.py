"""A correction is adopted only where later weeks show that it helps."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from models.blend import Blend
from models.calibration import Calibration
from models.scales import sigmoid
from tests.training.builders import DAY_US, START_US, SyntheticSource, lied_about, small_settings, synthetic_source
from training.rehearsal import (
    DEFAULT,
    CalibrationAnswer,
    Played,
    Rehearsal,
    RehearsalSettings,
    chosen_blend,
    recalibrate,
    rehearse,
)
from training.rows import Rows

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
    none = dataclasses.replace(rehearsed(synthetic_source(), day=60), folds=None)  # no rehearsal, no folds
    assert chosen_blend(none, free, ENOUGH) == DEFAULT
    much = ENOUGH.model_copy(update={"least_gain": 10.0})
    assert chosen_blend(rehearsal, free, much) == DEFAULT  # better, but not by so much


def played(
    margin: np.ndarray, y: np.ndarray, weight: np.ndarray | None = None, each: np.ndarray | None = None
) -> Played:
    """A window with these log odds and outcomes; `each` row's ticket stands for so many."""
    ones = np.ones(len(y))
    rows = SimpleNamespace(stands_for=ones if each is None else each)
    return Played({"boosting": margin}, y, ones if weight is None else weight, len(y), cast(Rows, rows))


def drawn(slope: float, shift: float, seed: int, count: int = 4_000) -> tuple[np.ndarray, np.ndarray]:
    """Log odds as said, and outcomes by a line of them."""
    rng = np.random.default_rng(seed)
    margin = rng.normal(0.0, 2.0, count)
    return margin, (rng.random(count) < sigmoid(slope * margin + shift)).astype(np.float64)


def corrected(window: Played, later: Played, settings: RehearsalSettings = ENOUGH) -> CalibrationAnswer:
    return recalibrate(Rehearsal(window, later), Blend.even("boosting"), settings)


def test_of_two_corrections_the_one_that_helps_later_weeks_more_is_taken_if_it_helps_enough() -> None:
    window, later = played(*drawn(0.4, 0.0, 1)), played(*drawn(0.4, 0.0, 2))
    answer = corrected(window, later)
    assert (answer.calibration.kind, round(answer.calibration.slope, 1)) == ("platt", 0.4)
    gain = later.log_loss(Blend.even("boosting"), ENOUGH.uncorrected) - later.log_loss(
        Blend.even("boosting"), answer.calibration
    )
    for least, kind in ((0.9 * gain, "platt"), (1.1 * gain, "identity")):
        assert corrected(window, later, ENOUGH.model_copy(update={"least_gain": least})).calibration.kind == kind


def test_what_is_above_one_half_counts_more_with_and_without_a_correction() -> None:
    window, later = played(*drawn(1.0, 1.5, 6)), played(*drawn(1.0, 1.5, 7))
    steep = ENOUGH.model_copy(update={"upper_slope": 1.5})
    moved, kept = (
        corrected(window, later, steep),
        corrected(window, later, steep.model_copy(update={"least_gain": 9.0})),
    )
    assert kept.calibration == Calibration(upper_slope=1.5)
    assert np.allclose(kept.calibration.apply(np.array([-2.0, 2.0])), [-2.0, 3.0])
    assert moved.calibration.kind in ("shift", "platt")
    assert moved.calibration.upper_slope == 1.5


def test_a_model_that_is_too_mild_above_one_half_alone_needs_no_other_correction() -> None:
    margin, _ = drawn(1.0, 0.0, 9)
    mild = np.where(margin > 0, margin / 1.5, margin)
    y = (np.random.default_rng(10).random(len(margin)) < sigmoid(margin)).astype(np.float64)
    whole = played(mild, y)
    assert corrected(whole, whole, ENOUGH.model_copy(update={"upper_slope": 1.5})).calibration.kind == "identity"
    assert corrected(whole, whole, ENOUGH.model_copy(update={"upper_slope": 1.0})).calibration.kind != "identity"


def test_rows_that_count_little_hardly_move_a_correction() -> None:
    margin, y = drawn(1.0, 0.7, 3)
    other, its_y = drawn(1.0, -3.0, 4)
    weight = np.repeat([1.0, 1e-6], 4_000)
    window = played(np.concatenate([margin, other]), np.concatenate([y, its_y]), weight)
    answer = corrected(window, played(*drawn(1.0, 0.7, 5)))
    assert sigmoid(answer.calibration.apply(np.zeros(1)))[0] == pytest.approx(sigmoid(np.array([0.7]))[0], abs=0.03)


def test_a_correction_must_help_the_tickets_that_sampled_ones_stand_for() -> None:
    window = played(*drawn(1.0, 1.5, 6))
    helped, its_y = drawn(1.0, 1.5, 7)
    harmed, other_y = drawn(1.0, -1.5, 8, count=1_000)
    margin, y = np.concatenate([helped, harmed]), np.concatenate([its_y, other_y])
    each = np.repeat([1.0, 100.0], [4_000, 1_000])
    assert corrected(window, played(margin, y)).calibration.kind != "identity"
    assert corrected(window, played(margin, y, each=each)).calibration.kind == "identity"


def test_a_rehearsal_uses_no_outcome_known_after_the_cut() -> None:
    source, cut = synthetic_source(tickets=1500), START_US + 80 * DAY_US
    model, rows = small_settings().model, source.rows(cut)
    lied = lied_about(rows, rows.known_us > cut)
    # closed at the cut, so that some of the later window have no outcome yet
    honest, other = (rehearse(part, cut, cut, 3 * DAY_US, model, ENOUGH, 0) for part in (rows, lied))
    is_asked = (rows.opened_us > cut - 14 * DAY_US) & (rows.opened_us <= cut) & (rows.at_us <= cut)
    assert (lied.breached != rows.breached)[is_asked].any()
    for mine, its in ((honest.window, other.window), (honest.later, other.later)):
        assert mine is not None
        assert its is not None
        assert np.array_equal(mine.margins["boosting"], its.margins["boosting"])
        assert np.array_equal(mine.y, its.y)
