"""The rows of a sample of tickets, their features made partition by partition among the tickets of the whole log."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field, fields
from pathlib import Path

import numpy as np

from features.distributed.desk import Merged, SharedDesk, Tickets
from features.distributed.seeding import among_all
from features.distributed.shared_sums import mapped, write_arrays
from features.pipeline import build
from features.snapshots import Snapshots
from features.spec import FeatureSpec
from features.text import TextEncoder
from sla.instants import Int64Array
from training.building import HistoryRows
from training.rows import Rows

MATRIX = "X"


@dataclass(frozen=True)
class Parts:
    """Where the sampled tickets lie: one after the other they are the sample, `first` the place of each part's first one."""

    desk: SharedDesk
    tickets: tuple[Tickets, ...]
    first: Int64Array
    last_known_us: int


@dataclass(frozen=True)
class _Question:
    tickets: Tickets
    snapshots: Snapshots
    spec: FeatureSpec
    text: TextEncoder | None
    target: str
    merged: tuple[Merged, ...]
    last_known_us: int
    folder: Path


@dataclass(frozen=True)
class PartitionRows(HistoryRows):
    """Rows whose histories, here, are those of the sample; other tickets are in merged indices on the workers' disks."""

    parts: Parts = field(kw_only=True)

    @classmethod
    def over(cls, rows: HistoryRows, parts: Parts) -> PartitionRows:
        """The rows, from now on described by workers."""
        return cls(**{one.name: getattr(rows, one.name) for one in fields(HistoryRows)}, parts=parts)

    def described(self, spec: FeatureSpec, text: TextEncoder | None = None) -> Rows:
        """See HistoryRows; indices that the spec needs and nobody asked for before are summed up first."""
        version = spec.settings.text_version
        encoder = self._encoder(version, text) if version else None
        desk = self.parts.desk
        merged = desk.indices(spec.settings)
        part = np.searchsorted(self.parts.first, self.snapshots.ticket, side="right") - 1
        asked = [(number, np.flatnonzero(part == number)) for number in range(len(self.parts.tickets))]
        questions = [
            _Question(
                self.parts.tickets[number],
                self._of_part(number, places),
                spec,
                encoder,
                self.target,
                merged,
                self.parts.last_known_us,
                desk.scratch / "answers" / f"{number:05d}",
            )
            for number, places in asked
            if len(places)
        ]
        desk.engine.map("computing features", _answer, questions, desk.progress)
        X = np.empty((len(self.snapshots), len(spec.names)))
        for question, places in zip(questions, (places for _, places in asked if len(places)), strict=True):
            X[places] = mapped(question.folder, MATRIX)
            shutil.rmtree(question.folder)
        return Rows.of(self.labelled, spec, X, encoder)

    def _of_part(self, number: int, places: Int64Array) -> Snapshots:
        mine = self.snapshots.take(places)
        return Snapshots(mine.ticket - self.parts.first[number], mine.at_us, mine.kind)


def _answer(question: _Question) -> None:
    """Writes the features of a part's snapshots."""
    histories = among_all(question.tickets.histories(), question.target, question.merged, question.last_known_us)
    X = build(histories, question.snapshots, question.spec, question.target, text=question.text)
    write_arrays(question.folder, {MATRIX: X.to_numpy(dtype=np.float64)})
