"""Where few tickets have an outcome, another blend is taken only if it is surely better over folds of the history there is."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from models.blend import Blend
from models.calibration import Calibration
from models.scales import sigmoid
from tests.training.builders import DAY_US, START_US, SyntheticSource, lied_about, small_settings, synthetic_source
from training.rehearsal import DEFAULT, RehearsalSettings, chosen_blend, rehearse
from training.rolling_folds import Played, folds_played, surely_better
from training.rows import Rows

CUT_US = START_US + 60 * DAY_US
MODEL = small_settings().model.model_copy(update={"blend": None})
TREES, LINE = Blend.even("boosting"), Blend.even("linear")


def with_outcomes(source: SyntheticSource, chance: np.ndarray) -> SyntheticSource:
    """The same tickets, each broken with its own probability."""
    drawn = np.random.default_rng(3).random(len(chance)) < chance
    return replace(source, labelled=replace(source.labelled, breached=drawn[source.labelled.ticket].astype(np.int8)))


def of_tickets(source: SyntheticSource, column: int) -> np.ndarray:
    """What each ticket's first row says in a column."""
    return np.asarray(source.X[:: len(source.X) // (int(source.labelled.ticket.max()) + 1), column])


def chosen(source: SyntheticSource, settings: RehearsalSettings | None = None) -> Blend:
    settings = settings or RehearsalSettings()
    rows = source.rows(CUT_US)
    rehearsal = rehearse(rows, CUT_US, CUT_US - 3 * DAY_US, 3 * DAY_US, MODEL, settings, 0, source.labels)
    return chosen_blend(rehearsal, MODEL, settings)


def folds(rows: Rows, source: SyntheticSource | None = None) -> tuple[Played, ...]:
    labels = None if source is None else source.labels
    return folds_played(rows, CUT_US, CUT_US - 3 * DAY_US, 3 * DAY_US, MODEL, 0, labels)


def test_where_the_truth_is_a_line_and_tickets_are_few_logistic_regression_leads() -> None:
    source = synthetic_source(tickets=750)
    plain = with_outcomes(source, sigmoid(4.0 * of_tickets(source, 1) + 4.0 * of_tickets(source, 2) - 1.0))
    assert chosen(plain).share("linear") > 0.5
    assert chosen(plain, RehearsalSettings(most_tickets_for_folds=400)) == DEFAULT  # 475 have an outcome
    assert chosen(plain, RehearsalSettings(least_gain=1.0)) == DEFAULT


def test_where_the_truth_is_an_interaction_trees_keep_their_say() -> None:
    source = synthetic_source(tickets=1500)
    same_side = of_tickets(source, 1) * of_tickets(source, 2) > 0
    source = with_outcomes(source, np.where(same_side, 0.9, 0.1))
    assert chosen(source).share("linear") == 0.0
    found = folds(source.rows(CUT_US), source)
    trees, line = (sum(one.log_loss(blend, Calibration()) for one in found) for blend in (TREES, LINE))
    assert trees < 0.9 * line
    assert surely_better(found, [LINE, TREES], LINE, Calibration(), 0.001) == TREES


def test_where_nothing_can_be_learned_the_default_stays() -> None:
    source = synthetic_source(tickets=750)
    assert chosen(with_outcomes(source, np.full(750, 0.3))) == DEFAULT


def test_folds_are_the_younger_half_each_asked_of_what_was_known_before() -> None:
    source = synthetic_source(tickets=600)
    rows = source.rows(CUT_US)
    found = folds(rows, source)
    known = np.unique(rows.ticket[(rows.known_us <= CUT_US) & (rows.opened_us <= CUT_US - 3 * DAY_US)])
    asked = [np.unique(one.rows.ticket) for one in found]
    assert [len(tickets) for tickets in asked] == pytest.approx([len(known) / 6] * 3, abs=1)
    assert np.array_equal(np.concatenate(asked), known[-sum(map(len, asked)) :])
    begins = min(one.rows.opened_us.min() for one in found)
    later = lied_about(rows, rows.known_us > begins)
    again = folds(later)
    assert np.array_equal(again[0].margins["linear"], folds(rows)[0].margins["linear"])
    assert not np.array_equal(again[2].margins["linear"], folds(rows)[2].margins["linear"])


def test_no_outcome_known_after_the_cut_is_used() -> None:
    rows = synthetic_source(tickets=600).rows(CUT_US)
    lied = lied_about(rows, rows.known_us > CUT_US)
    assert (lied.breached != rows.breached)[rows.opened_us <= CUT_US].any()
    # closed at the cut, so that some of the last fold have no outcome yet
    honest, other = (folds_played(part, CUT_US, CUT_US, 3 * DAY_US, MODEL, 0) for part in (rows, lied))
    for mine, its in zip(honest, other, strict=True):
        assert np.array_equal(mine.y, its.y)
        assert np.array_equal(mine.margins["boosting"], its.margins["boosting"])


def test_a_fold_that_has_too_little_before_it_is_left_out() -> None:
    source = synthetic_source(
        tickets=110
    )  # 70 have an outcome at the cut: 35, 46 and 58 before each fold, fewer of them old enough
    assert len(folds(source.rows(CUT_US), source)) == 1
    assert folds(synthetic_source(tickets=60).rows(CUT_US)) == ()
    one_sided = with_outcomes(synthetic_source(tickets=600), np.zeros(600))
    assert folds(one_sided.rows(CUT_US)) == ()
    assert surely_better((), [LINE], TREES, Calibration(), 0.0) == TREES


def fold(days: np.ndarray, trees: np.ndarray, line: np.ndarray, each: np.ndarray | None = None) -> Played:
    """Tickets that all break, by day of opening, with the log odds of two members; `each` stands for so many."""
    ones = np.ones(len(days))
    rows = SimpleNamespace(opened_day=days, stands_for=ones if each is None else each)
    return Played({"boosting": trees, "linear": line}, ones, ones, len(days), cast(Rows, rows))


def test_one_good_day_is_no_proof_however_many_tickets_it_has() -> None:
    trees = np.zeros(400)
    on_one_day = fold(np.repeat(np.arange(4), 100), trees, np.repeat([3.0, -0.1, -0.1, -0.1], 100))
    on_each_day = fold(np.repeat(np.arange(4), 100), trees, np.tile([3.0, -0.1, -0.1, -0.1], 100))
    assert surely_better([on_one_day], [TREES, LINE], TREES, Calibration(), 0.001) == TREES
    assert surely_better([on_each_day], [TREES, LINE], TREES, Calibration(), 0.001) == LINE
    assert surely_better([on_each_day], [TREES, LINE], TREES, Calibration(), 0.2) == TREES  # better, but not by so much
    assert (
        surely_better([fold(np.zeros(9), np.zeros(9), np.ones(9))], [TREES, LINE], TREES, Calibration(), 0.0) == TREES
    )


def test_sampled_tickets_count_for_those_they_stand_for() -> None:
    days, each = np.arange(60), np.where(np.arange(60) % 2 == 0, 10.0, 1.0)
    line = np.where(np.arange(60) % 2 == 0, -1.0, 3.0)
    assert surely_better([fold(days, np.zeros(60), line, each)], [LINE], TREES, Calibration(), 0.0) == TREES
    assert surely_better([fold(days, np.zeros(60), -line, each)], [LINE], TREES, Calibration(), 0.0) == LINE
