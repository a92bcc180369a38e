"""The direct trees of the breach model grown by a Dask cluster on all rows of a log: each worker counts its own partitions."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from features.distributed.desk import Merged, SharedDesk, Tickets
from features.distributed.seeding import among_all
from features.distributed.shared_sums import mapped, write_arrays
from features.pipeline import build
from features.spec import FeatureSpec
from features.text import TextEncoder
from models.boosting import BoostingMember, BoostingParameters
from models.clipping import TrainingRange
from models.hazard import HazardMember
from models.scales import Float64Array
from models.trees import averaged, seeds_of
from training.building import HistoryRows
from training.expectation import expected
from training.fitting import ModelSettings, Taught
from training.rows import Rows
from training.splits import censored, last_event_us, learnable
from training.weighting import Recency, Weighting

VALUES, OUTCOME, WEIGHT = "X", "y", "weight"
OF_THE_NETWORK = ("[machines:", "[num_machines:", "[local_listen_port:", "[time_out:", "[machine_list_filename:")


@dataclass(frozen=True)
class _Lesson:
    """What one partition is asked for: the rows that a model may learn from at an instant, with their outcomes as expected then."""

    tickets: Tickets
    spec: FeatureSpec
    text: TextEncoder | None
    target: str
    grid_one_in: int
    seed: int
    merged: tuple[Merged, ...]
    last_known_us: int
    at_us: int
    last_us: int
    maturity_us: int
    limits: TrainingRange
    hazard: HazardMember | None
    weighting: Weighting
    recency: Recency
    folder: Path


@dataclass(frozen=True)
class ClusterTrees:
    """Grows trees on all rows of all partitions that teach the other members, sampled or not, and on those they lack.

    Tickets too young for an outcome teach what the hazard model expects of them, as everywhere. Not reproducible: workers
    add in any order.
    """

    client: Any
    desk: SharedDesk
    last_known_us: int
    grid_one_in: int

    def fit(self, taught: Taught, at_us: int, maturity_us: int, settings: ModelSettings, seed: int) -> BoostingMember:
        """The trees as known at an instant, with the features of the rows by which the other members were taught."""
        like = taught.rows
        merged = self.desk.indices(like.spec.settings)
        recency = Recency.of(like.ticket, like.opened_us, like.stands_for)
        lessons = [
            _Lesson(
                tickets,
                like.spec,
                like.text,
                self.desk.target,
                self.grid_one_in,
                seed,
                merged,
                self.last_known_us,
                at_us,
                last_event_us(like, at_us),
                maturity_us,
                taught.limits,
                taught.hazard,
                settings.weighting,
                recency,
                self.desk.scratch / "lessons" / f"{at_us}" / tickets.folder.name,
            )
            for tickets in self.desk.partitions
        ]
        counts = self.desk.engine.map("computing features", _write, lessons, self.desk.progress)
        return _grown(
            self.client,
            [(one.folder, *count) for one, count in zip(lessons, counts, strict=True)],
            like,
            settings,
            seed,
        )


def _write(lesson: _Lesson) -> tuple[int, float]:
    """How many rows were written, and what they count together."""
    own = lesson.tickets.histories()
    own.last_known_us = lesson.last_known_us
    rows = HistoryRows.of_histories(own, lesson.target, lesson.grid_one_in, lesson.seed, "")
    then = rows.labelled.relabelled(*rows.labels(lesson.at_us))
    mask = learnable(then, lesson.at_us, lesson.maturity_us)
    if lesson.hazard is not None:
        mask |= censored(then, lesson.at_us, lesson.maturity_us, lesson.last_us)
    places, taught = np.flatnonzero(mask), then.where(mask)
    histories = among_all(own, lesson.target, lesson.merged, lesson.last_known_us)
    X = build(histories, rows.snapshots.take(places), lesson.spec, lesson.target, text=lesson.text)
    values = lesson.limits.clip(X.to_numpy(dtype=np.float64))
    outcome = taught.y if lesson.hazard is None else expected(taught, values, lesson.hazard)
    weight = lesson.weighting.raw(taught.ticket, taught.at_us, taught.opened_us, lesson.recency)
    arrays = {VALUES: values, OUTCOME: outcome, WEIGHT: weight}
    write_arrays(lesson.folder, arrays)
    return len(places), float(weight.sum())


def _grown(
    client: Any, parts: list[tuple[Path, int, float]], like: Rows, settings: ModelSettings, seed: int
) -> BoostingMember:
    from dask import array, delayed
    from lightgbm.dask import DaskLGBMRegressor

    factor = sum(count for _, count, _ in parts) / sum(weight for _, _, weight in parts)
    filled = [part for part in parts if part[1]]

    def whole(name: str, shape: tuple[int, ...]) -> Any:
        pieces = [
            array.from_delayed(delayed(_read)(folder, name, factor), (count, *shape), np.float64)
            for folder, count, _ in filled
        ]
        return array.concatenate(pieces)

    # A regressor, since outcomes may be expectations; and a classifier would number the classes that each worker happens to see.
    names = like.spec.names
    rows = whole(VALUES, (len(names),)), whole(OUTCOME, ())
    grown = []
    for own in seeds_of(seed, settings.repeats):
        model = DaskLGBMRegressor(client=client, **_named(settings.boosting, settings, names, own))
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Parameter n_jobs will be ignored")  # it is nobody's wish: a default
            model.fit(*rows, sample_weight=whole(WEIGHT, ()), feature_name=names)
        grown.append(model.booster_)
    lines = averaged(grown).split("\n")
    return BoostingMember.from_text("\n".join(line for line in lines if not line.startswith(OF_THE_NETWORK)))


def _read(folder: Path, name: str, factor: float) -> Float64Array:
    values = np.array(mapped(folder, name))
    return values * factor if name == WEIGHT else values


def _named(parameters: BoostingParameters, settings: ModelSettings, names: list[str], seed: int) -> dict[str, Any]:
    """The parameters of models.boosting under the names of LightGBM's estimators."""
    constraints = [settings.directions.get(name, 0) for name in names]
    return {
        "objective": "cross_entropy",  # what models.boosting takes, too, where an outcome is not decided
        "tree_learner": "data",
        "n_estimators": parameters.rounds,
        "learning_rate": parameters.learning_rate,
        "num_leaves": parameters.leaves,
        "min_child_samples": parameters.rows_per_leaf,
        "min_child_weight": 1e-3,
        "colsample_bytree": parameters.feature_fraction,
        "reg_lambda": parameters.lambda_l2,
        "extra_trees": parameters.extra_trees,
        "random_state": seed,
        "verbosity": -1,
        **({"monotone_constraints": constraints} if any(constraints) else {}),
    }
