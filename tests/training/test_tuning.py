"""The search for settings: repeatable, resumable, blind to what comes after the cut, and believed only where later weeks agree."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.training.builders import DAY_US, START_US, SyntheticSource, small_plan, synthetic_source
from training.configuration import read_settings
from training.plan import Plan, TrainingError
from training.search_space import inside, point_of, settings_at
from training.settings import TrainingSettings
from training.splits import instant
from training.tuned_settings import written
from training.tuning import TuneResponse, tune
from training.tuning_folds import TuningSettings, folds_before

HOW = TuningSettings(folds=2, longest_fold_weeks=1, least_training_weeks=3, random_trials=2, draws=100)
CUT_US = START_US + 60 * DAY_US


def plan_from(tmp_path: Path, **boosting: object) -> Plan:
    plan = small_plan(tmp_path, "", cut=instant(CUT_US))
    changed = plan.settings.model.boosting.model_copy(update=boosting)
    model = plan.settings.model.model_copy(update={"boosting": changed})
    return replace(plan, settings=plan.settings.model_copy(update={"model": model}))


def searched(source: SyntheticSource, plan: Plan, file: Path | None, trials: int) -> TuneResponse:
    return tune(source, plan, file, trials=trials, settings=HOW)


@pytest.fixture(scope="module")
def source() -> SyntheticSource:
    return synthetic_source(tickets=1200)


def test_folds_are_in_order_of_time_and_learn_only_what_was_known_at_their_origin(
    source: SyntheticSource, tmp_path: Path
) -> None:
    folds = folds_before(source, plan_from(tmp_path), HOW)
    assert [fold.origin_us for fold in folds] == sorted(fold.origin_us for fold in folds)
    for fold, later in zip(folds, [*folds[1:], None], strict=True):
        assert (fold.train.known_us <= fold.origin_us).all()
        assert (fold.test.opened_us > fold.origin_us).all()
        assert (fold.test.known_us <= CUT_US).all()
        if later is not None:
            assert fold.test.at_us.max() <= later.origin_us


def test_what_happens_after_the_cut_changes_nothing(source: SyntheticSource, tmp_path: Path) -> None:
    later = source.labelled.known_us > CUT_US
    flipped = np.where(later & (source.labelled.breached >= 0), 1 - source.labelled.breached, source.labelled.breached)
    other = replace(source, labelled=replace(source.labelled, breached=flipped.astype(np.int8)))
    first, second = (searched(one, plan_from(tmp_path), None, 2) for one in (source, other))
    assert first == second


def test_a_search_taken_up_again_gives_what_an_uninterrupted_one_does(source: SyntheticSource, tmp_path: Path) -> None:
    plan = plan_from(tmp_path)
    whole = searched(source, plan, None, 4)
    searched(source, plan, tmp_path / "parts.db", 2)
    assert searched(source, plan, tmp_path / "parts.db", 4) == whole
    assert whole.trials + whole.pruned == 4
    told: list[str] = []
    again = tune(source, plan, tmp_path / "parts.db", trials=4, settings=HOW, progress=told.append)
    assert again == whole
    assert "4 settings were tried in an earlier search" in told
    assert not any("settings tried, best" in text for text in told)


def test_better_settings_are_adopted_where_the_held_out_weeks_agree(source: SyntheticSource, tmp_path: Path) -> None:
    found = searched(source, plan_from(tmp_path, rounds=1, learning_rate=0.01), None, 3)
    assert found.is_adopted
    assert found.best_loss < found.start_loss
    assert found.held_out_gain.low > 0
    assert found.settings.model.boosting.rounds == found.best_point["rounds"] >= 100
    assert "the tuned settings are adopted" in found.text()


def test_where_there_is_nothing_to_learn_the_settings_stay(tmp_path: Path) -> None:
    plan = plan_from(tmp_path, rounds=1, learning_rate=0.01)  # as good as the base rate, which noise leaves unbeaten
    found = searched(synthetic_source(tickets=1200, shuffled=True), plan, None, 4)
    assert not found.is_adopted
    assert found.settings == plan.settings
    assert "stay as they were" in found.text()


def test_the_time_budget_ends_the_search_but_not_before_one_point(source: SyntheticSource, tmp_path: Path) -> None:
    plan, ticks = plan_from(tmp_path), iter(range(0, 10_000, 50))
    clock = lambda: float(next(ticks))  # noqa: E731
    none = tune(source, plan, None, minutes=0, settings=HOW, clock_seconds=clock)
    some = tune(source, plan, None, minutes=2, settings=HOW, clock_seconds=clock)
    assert none.trials + none.pruned == 1
    assert some.trials + some.pruned == 3
    with pytest.raises(TrainingError, match="without end"):
        tune(source, plan, None, settings=HOW)


def test_too_little_history_is_refused_with_advice(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"too little history to tune on.*built-in settings"):
        searched(
            synthetic_source(tickets=300, days=40),
            replace(plan_from(tmp_path), cut=instant(START_US + 20 * DAY_US)),
            None,
            2,
        )


def test_a_point_is_settings_and_settings_are_a_point() -> None:
    start = TrainingSettings()
    assert settings_at(point_of(start), start) == start
    assert inside(point_of(start)) == point_of(start)  # the built-in settings lie in the space
    changed = settings_at({**point_of(start), "leaves": 31, "thinning": 4, "later_count_less": False}, start)
    assert (changed.model.boosting.leaves, changed.grid_one_in) == (31, 64)
    assert not changed.model.weighting.later_count_less


def test_the_settings_file_holds_what_was_found_and_how(source: SyntheticSource, tmp_path: Path) -> None:
    found = searched(source, plan_from(tmp_path, rounds=1), None, 2)
    file = written(found, tmp_path / "deep" / "breach.yaml")
    assert read_settings(file, TrainingSettings) == found.settings
    assert file.read_text(encoding="utf-8").startswith("# ")
    plain = written(replace(found, settings=TrainingSettings()), tmp_path / "plain.yaml")
    assert read_settings(plain, TrainingSettings) == TrainingSettings()
