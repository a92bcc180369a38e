"""A search for better settings on time-ordered folds: pruned, resumable, and adopted only where a later fold agrees.

Nothing after the cut is looked at. Before it, the last fold is held out; the folds before that are what the search sees.
The search's own best figure is the luckiest of many and proves nothing: start and winner meet once more on the held-out fold.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from models.boosting import BoostingMember, fit_boosting
from models.calibration import log_loss_each
from models.clipping import fit_range
from models.scales import Float64Array
from sla.instants import BoolArray
from training.bootstrap import Interval, differences, ratio
from training.fitting import ModelSettings
from training.plan import Plan, RowSource, TrainingError
from training.rows import Rows
from training.search_space import Point, inside, point_of, settings_at, suggested
from training.settings import TrainingSettings
from training.splits import instant
from training.tuning_folds import Fold, TuningSettings, folds_before

if TYPE_CHECKING:
    import optuna

START = "start_loss"
Progress = Callable[[str], None]


@dataclass(frozen=True)
class TuneResponse:
    """What the search found. `settings` are those to train with: the winner's where the held-out fold agrees, else the start's."""

    settings: TrainingSettings
    is_adopted: bool
    start_loss: float
    best_loss: float
    best_point: dict[str, Any]
    held_out_gain: Interval
    held_out_tickets: int
    held_out_from_us: int
    trials: int
    pruned: int

    @property
    def verdict(self) -> str:
        """One sentence."""
        where = f"on {self.held_out_tickets} tickets opened since {instant(self.held_out_from_us):%Y-%m-%d}, which the search never saw"
        gain = f"log loss lower by {self.held_out_gain.value:.4f} [{self.held_out_gain.low:.4f}, {self.held_out_gain.high:.4f}]"
        if self.is_adopted:
            return f"the tuned settings are adopted: {gain} {where}"
        return f"the settings stay as they were: the tuned ones are not clearly better ({gain}) {where}"

    def text(self) -> str:
        """The search in a few lines."""
        lines = [
            f"{self.trials} settings tried to the end, {self.pruned} given up early.",
            f"log loss over the folds of the search: {self.start_loss:.4f} at the start, {self.best_loss:.4f} at best, with",
            *(
                f"  {name} = {value:.4g}" if isinstance(value, float) else f"  {name} = {value}"
                for name, value in self.best_point.items()
            ),
            f"{self.verdict}.",
        ]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """The search for machines."""
        gain = self.held_out_gain
        return {
            "is_adopted": self.is_adopted,
            "trials": self.trials,
            "pruned": self.pruned,
            "start_log_loss": self.start_loss,
            "best_log_loss": self.best_loss,
            "best": self.best_point,
            "held_out": {"gain": gain.value, "low": gain.low, "high": gain.high, "tickets": self.held_out_tickets},
            "settings": self.settings.model_dump(mode="json"),
        }


def tune(
    source: RowSource,
    plan: Plan,
    study_file: Path | None,
    *,
    minutes: float | None = None,
    trials: int | None = None,
    settings: TuningSettings | None = None,
    progress: Progress = lambda _text: None,
    clock_seconds: Callable[[], float] = time.monotonic,
) -> TuneResponse:
    """The search's response; `plan.settings` is where it starts and what it must beat.

    `trials` bounds the whole search, `minutes` this call of it, whichever ends first; at least one point is tried.
    The study is kept in `study_file` (SQLite; None: nowhere): called again on the same data it goes on, and an interrupted
    search gives what an uninterrupted one does. Raises TrainingError where there is too little history for the folds.
    """
    how = settings or TuningSettings()
    folds = folds_before(source, plan, how)
    progress(f"{len(folds) - 1} folds to search on, one held out")
    study = _study(study_file, _study_name(source, plan, how, folds), how)
    if START not in study.user_attrs:
        study.set_user_attr(START, _loss(folds[:-1], point_of(plan.settings), plan, lambda _step, _loss: None))
        study.enqueue_trial(inside(point_of(plan.settings)))  # the search begins where we stand
    began, done = clock_seconds(), len(_finished(study))
    if done:
        progress(f"{done} settings were tried in an earlier search")
    while done < 1 or not _is_over(done, trials, minutes, clock_seconds() - began):
        _one_trial(study, folds[:-1], plan, how, done)
        done += 1
        progress(
            f"{done} settings tried, best log loss {study.best_value:.4f} ({study.user_attrs[START]:.4f} at the start)"
        )
    return _answer(study, folds[-1], plan, how)


def _is_over(done: int, trials: int | None, minutes: float | None, seconds: float) -> bool:
    if trials is None and minutes is None:
        raise TrainingError("a search without end: give it minutes, or a number of settings to try")
    return (trials is not None and done >= trials) or (minutes is not None and seconds >= 60 * minutes)


def _one_trial(study: optuna.Study, folds: list[Fold], plan: Plan, how: TuningSettings, done: int) -> None:
    """One point. The sampler is seeded by how many came before, so that a search taken up again proposes what it would have."""
    import optuna

    study.sampler = optuna.samplers.TPESampler(seed=1000 * plan.seed + done, n_startup_trials=how.random_trials)

    def objective(trial: optuna.Trial) -> float:
        def report(step: int, loss: float) -> None:
            trial.report(loss, step)
            if step + 1 < len(folds) and trial.should_prune():
                raise optuna.TrialPruned

        return _loss(folds, suggested(trial), plan, report)

    study.optimize(objective, n_trials=1)


def _loss(folds: list[Fold], point: Point, plan: Plan, report: Callable[[int, float], None]) -> float:
    """The mean loss over folds, newest first: what fails there need not be tried on older ones."""
    losses: list[float] = []
    for step, fold in enumerate(reversed(folds)):
        losses.append(_mean_loss(fold.test, _row_losses(fold, point, plan)))
        report(step, float(np.mean(losses)))
    return float(np.mean(losses))


def _row_losses(fold: Fold, point: Point, plan: Plan) -> Float64Array:
    """The log loss of each test row under boosted trees at a point, trained on the fold."""
    settings = settings_at(point, plan.settings)
    train = fold.train.where(_is_kept(fold.train, point["thinning"]))
    limits = fit_range(train.X)
    member = _fitted(train, limits.clip(train.X), settings.model, plan.seed)
    return log_loss_each(member.margin(limits.clip(fold.test.X)), fold.test.y)


def _fitted(train: Rows, X: Float64Array, model: ModelSettings, seed: int) -> BoostingMember:
    weight = train.weights(model.weighting)
    return fit_boosting(X, train.y, weight, train.spec.names, model.boosting, seed=seed, directions=model.directions)


def _mean_loss(rows: Rows, losses: Float64Array) -> float:
    """The objective: half the mean loss at events, half that between events, so that neither kind drowns the other."""
    kinds = [mask for mask in (rows.is_event, ~rows.is_event) if mask.any()]
    return float(np.mean([losses[mask].mean() for mask in kinds]))


def _is_kept(rows: Rows, thinning: int) -> BoolArray:
    """All events, and one in `thinning` of the rows between: by ticket and instant, so that every trial keeps the same."""
    number = rows.ticket.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) ^ (rows.at_us // 3_600_000_000).astype(
        np.uint64
    )
    number = (number ^ (number >> np.uint64(31))) * np.uint64(0xBF58476D1CE4E5B9)
    return np.asarray(rows.is_event | ((number >> np.uint64(40)) % np.uint64(thinning) == 0))


def _answer(study: optuna.Study, held_out: Fold, plan: Plan, how: TuningSettings) -> TuneResponse:
    import optuna

    start, best, start_loss = point_of(plan.settings), dict(study.best_trial.params), float(study.user_attrs[START])
    test = held_out.test
    gain = _gain(test, _row_losses(held_out, start, plan), _row_losses(held_out, best, plan), how.draws, plan.seed)
    is_adopted = study.best_value < start_loss and gain.low > 0  # NaN is not above anything
    finished = _finished(study)
    pruned = sum(trial.state == optuna.trial.TrialState.PRUNED for trial in finished)
    return TuneResponse(
        settings=settings_at(best, plan.settings) if is_adopted else plan.settings,
        is_adopted=is_adopted,
        start_loss=start_loss,
        best_loss=float(study.best_value),
        best_point=best,
        held_out_gain=gain,
        held_out_tickets=test.ticket_count(),
        held_out_from_us=held_out.origin_us,
        trials=len(finished) - pruned,
        pruned=pruned,
    )


def _gain(rows: Rows, start: Float64Array, best: Float64Array, draws: int, seed: int) -> Interval:
    """By how much the loss of `best` is lower, over resampled days; rows weigh as in the objective."""
    weight = np.where(rows.is_event, 1 / max(rows.is_event.sum(), 1), 1 / max((~rows.is_event).sum(), 1))
    _, block = np.unique(rows.opened_day, return_inverse=True)
    blocks = int(block.max()) + 1
    prepared = {
        name: ratio(-losses * weight, weight, block, blocks) for name, losses in (("best", best), ("start", start))
    }
    return differences(prepared, "best", blocks, draws=draws, seed=seed)["start"]


def _study(file: Path | None, name: str, how: TuningSettings) -> optuna.Study:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
    return optuna.create_study(
        study_name=name,
        storage=None if file is None else f"sqlite:///{file}",
        load_if_exists=True,
        pruner=optuna.pruners.MedianPruner(n_startup_trials=how.random_trials),
    )


def _finished(study: optuna.Study) -> list[Any]:
    """Trials that came to an end; one that was interrupted is none and is tried again."""
    import optuna

    return study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED))


def _study_name(source: RowSource, plan: Plan, how: TuningSettings, folds: list[Fold]) -> str:
    """One study for one problem: other data, agreements, folds or start are another search."""
    problem = [
        source.data_fingerprint,
        source.agreements_version,
        plan.target,
        str(plan.seed),
        plan.settings.model_dump_json(exclude={"gate"}),
        how.model_dump_json(),
        *(f"{fold.origin_us} {len(fold.train)} {len(fold.test)}" for fold in folds),
    ]
    return f"{plan.name}-{hashlib.sha256(chr(10).join(problem).encode()).hexdigest()[:12]}"
