"""Rolling folds before the cut: what a search for settings may see, and the later one that it may not."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from training.plan import Plan, RowSource, TrainingError
from training.rows import Rows
from training.splits import DAY_US, WEEK_US, derive_periods, instant, judged, learnable, maturity

SHORTEST_FOLD_US = 3 * DAY_US


class TuningSettings(BaseModel):
    """How the search is done."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    folds: int = Field(default=3, ge=1)  # those that the search sees; one more is held out
    longest_fold_weeks: int = Field(default=3, ge=1)  # shorter where history is
    least_training_weeks: int = Field(default=4, ge=1)
    random_trials: int = Field(default=8, ge=1)  # before the sampler learns, and before the median prunes
    draws: int = Field(default=400, ge=20)  # of the bootstrap on the held-out fold


@dataclass(frozen=True)
class Fold:
    """Rows to learn from as known at its origin, and the tickets opened after it on which a model is judged."""

    origin_us: int
    train: Rows
    test: Rows


def folds_before(source: RowSource, plan: Plan, how: TuningSettings) -> list[Fold]:
    """The folds, oldest first; the last is the one held out. Every outcome in them was known at the cut."""
    cut_us = _cut(source, plan)
    rows = source.rows(cut_us)
    known = rows.relabelled(*source.labels(cut_us))
    age, start = maturity(known, cut_us), int(known.opened_us.min()) if len(known) else cut_us
    spare = cut_us - age - start - how.least_training_weeks * WEEK_US
    width = min(how.longest_fold_weeks * WEEK_US, spare // (how.folds + 1))
    if width < SHORTEST_FOLD_US:
        raise TrainingError(
            f"too little history to tune on: before the cut {instant(cut_us):%Y-%m-%d} outcomes of {max(cut_us - age - start, 0) / DAY_US:.0f} "
            f"days are known; {how.least_training_weeks} weeks to learn from and {how.folds + 1} folds of at least "
            f"{SHORTEST_FOLD_US // DAY_US} days are needed. Train with the built-in settings until there is more."
        )
    ends = [cut_us - age - place * width for place in reversed(range(how.folds + 1))]
    return [_fold(source, rows, known, end - width, end, age) for end in ends]


def _cut(source: RowSource, plan: Plan) -> int:
    cut_us = None if plan.cut is None else int(plan.cut.timestamp() * 1_000_000)
    until_us = None if plan.judge_until is None else int(plan.judge_until.timestamp() * 1_000_000)
    weeks = plan.settings.weeks_judged
    return derive_periods(source.labelled, source.end_us, cut_us, until_us, weeks_judged=weeks).cut_us


def _fold(source: RowSource, rows: Rows, known: Rows, from_us: int, until_us: int, age: int) -> Fold:
    then = rows.relabelled(*source.labels(from_us))
    train, test = then.where(learnable(then, from_us, age)), known.where(judged(known, from_us, until_us))
    for part in (train, test):
        if not 0 < part.y.sum() < len(part):
            raise TrainingError(
                f"the fold from {instant(from_us):%Y-%m-%d} to {instant(until_us):%Y-%m-%d} has {len(part)} rows with one outcome only; "
                "tuning needs both. Use fewer or longer folds."
            )
    return Fold(from_us, train, test)
