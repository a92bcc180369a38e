"""What a model is asked about a period: every event, every working hour of the queue, every ticket at its landmarks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.histories import Histories
from features.landmarks import LANDMARKS, share_snapshots
from features.snapshots import SnapshotKind, Snapshots, event_snapshots
from features.spec import FeatureSpec
from models.scales import Float64Array
from sla.instants import BoolArray, Int64Array
from sla.working_time.business_time import BusinessTime
from training.building import HistoryRows
from training.evaluation.queue import QueueLooks
from training.looks import queue_looks, queue_snapshots, working_instants
from training.rows import Labelled, Rows

SLICED = ("priority", "team", "service", "channel", "category")
"""The columns by whose values figures are split, where a log has them."""


@dataclass(frozen=True)
class Questions:
    """n rows with features, and what their figures need beside labels; arrays of length n.

    share: the share of the target that the clock just passed, NaN where the row is no landmark. columns: the value of
    each column at the row, as known then.
    """

    rows: Rows
    looks: QueueLooks
    share: Float64Array
    columns: Mapping[str, NDArray[np.object_]]

    @classmethod
    def of(
        cls,
        source: HistoryRows,
        spec: FeatureSpec,
        calendar: BusinessTime,
        from_us: int,
        until_us: int,
        *,
        has_queue: bool = True,
    ) -> Questions:
        """The questions after `from` and up to `until` whose answers are known by now; `calendar` says when people look.

        Without `has_queue` nobody looks between events: a fifth of the rows.
        """
        instants = working_instants(calendar, from_us, until_us if has_queue else from_us)
        snapshots, share = _asked(source.histories, source.target, instants, from_us, until_us)
        asked = source.at(snapshots)
        passed = np.full(len(asked.snapshots), np.nan)
        passed[asked.snapshots.kind == SnapshotKind.SHARE] = share  # a clock that passes a share is never left out
        known = np.flatnonzero(asked.labelled.breached >= 0)
        asked, passed = asked.take(known), passed[known]
        return cls(
            asked.described(spec), queue_looks(asked.labelled, asked.verdicts, calendar), passed, _columns(asked)
        )

    def answered(self, probabilities: Mapping[str, Float64Array], fold: int = 0) -> Answered:
        """The questions with what each model said to them, without features."""
        rows = Labelled(**{field.name: getattr(self.rows, field.name) for field in fields(Labelled)})
        return Answered(
            rows, self.looks, self.share, self.columns, np.full(len(rows), fold, np.int64), dict(probabilities)
        )


@dataclass(frozen=True)
class Answered:
    """n questions and the probability each model gave, as known and trained at the origin of its fold."""

    rows: Labelled
    looks: QueueLooks
    share: Float64Array
    columns: Mapping[str, NDArray[np.object_]]
    fold: Int64Array
    probabilities: Mapping[str, Float64Array]

    def __len__(self) -> int:
        return len(self.rows)

    def where(self, mask: BoolArray) -> Answered:
        """The questions for which a mask holds."""
        looks = {field.name: getattr(self.looks, field.name)[mask] for field in fields(QueueLooks)}
        return replace(
            self,
            rows=self.rows.where(mask),
            looks=QueueLooks(**looks),
            share=self.share[mask],
            columns={name: values[mask] for name, values in self.columns.items()},
            fold=self.fold[mask],
            probabilities={name: values[mask] for name, values in self.probabilities.items()},
        )

    @property
    def is_queue(self) -> BoolArray:
        """Whether the question is one of the working hours."""
        return np.asarray(self.rows.kind == SnapshotKind.GRID)

    @classmethod
    def pooled(cls, parts: Sequence[Answered]) -> Answered:
        """The questions of several folds, one after the other; models that some fold does not have are left out."""
        models = [name for name in parts[0].probabilities if all(name in part.probabilities for part in parts)]

        def joined(name: str, kind: type) -> dict[str, Any]:
            return {
                field.name: np.concatenate([getattr(getattr(part, name), field.name) for part in parts])
                for field in fields(kind)
            }

        return cls(
            Labelled(**joined("rows", Labelled)),
            QueueLooks(**joined("looks", QueueLooks)),
            np.concatenate([part.share for part in parts]),
            {name: np.concatenate([part.columns[name] for part in parts]) for name in parts[0].columns},
            np.concatenate([part.fold for part in parts]),
            {name: np.concatenate([part.probabilities[name] for part in parts]) for name in models},
        )


def _asked(
    histories: Histories, target: str, instants_us: Int64Array, from_us: int, until_us: int
) -> tuple[Snapshots, Float64Array]:
    """The snapshots of a period, landmarks last, and the share that each landmark stands for."""

    def inside(snapshots: Snapshots) -> Snapshots:
        return snapshots.take((snapshots.at_us > from_us) & (snapshots.at_us <= until_us))

    hours = queue_snapshots(histories, instants_us)
    passed = {share: inside(found) for share, found in share_snapshots(histories, target, LANDMARKS).items()}
    share = np.concatenate([np.full(len(found), share) for share, found in passed.items()])
    return Snapshots.concatenated([inside(event_snapshots(histories)), hours, *passed.values()]), share


def _columns(asked: HistoryRows) -> dict[str, NDArray[np.object_]]:
    histories, snapshots = asked.histories, asked.snapshots
    return {
        name: histories.states_at(snapshots.ticket, snapshots.at_us, name)
        for name in SLICED
        if len(histories.values(name)) > 1
    }
