"""The desk of all partitions, index by index: what nobody has asked for is not summed up, and what was, is not again."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from features.declaration import Key, Settings
from features.distributed.contribution import Name, write_contribution
from features.distributed.engines import Engine, Progress
from features.distributed.merging import Merge, merge
from features.distributed.partitions import read_log
from features.histories import Histories
from features.service_histories import ServiceHistories
from features.shared_indices import Index, indices_of
from sla.agreements.agreement_set import AgreementSet

Merged = tuple[Index, Path]
"""An index over all tickets, and the folder that it was written to."""


@dataclass(frozen=True)
class Tickets:
    """Whole tickets: a folder of Parquet files with canonical events, and what it takes to read histories from them."""

    folder: Path
    agreements: AgreementSet
    service_events: pd.DataFrame | None = None

    def histories(self) -> Histories:
        """The histories of the tickets. Raises SchemaError for events that break the contract."""
        services = self.service_events
        found = None if services is None else ServiceHistories.from_events(services)
        return Histories.from_log(read_log(self.folder), self.agreements, found)


@dataclass(frozen=True)
class _Addition:
    """What a partition is asked to add."""

    tickets: Tickets
    target: str
    asked: tuple[Merged, ...]  # with the folders that its part goes to


@dataclass
class SharedDesk:
    """What partitions share. `scratch` is a folder that all workers see."""

    partitions: Sequence[Tickets]
    target: str
    scratch: Path
    engine: Engine
    progress: Progress
    _merged: dict[tuple[str, Key], Merged] = field(default_factory=dict)

    def indices(self, settings: Settings) -> tuple[Merged, ...]:
        """Every index that features of these settings look into, merged now where it was not before."""
        wanted = indices_of(settings)
        missing = [one for one in wanted if (one.kind, one.key) not in self._merged]
        if missing:
            first = len(self._merged)
            self._make([Index(one.kind, one.key, first + place) for place, one in enumerate(missing)])
        return tuple(self._merged[one.kind, one.key] for one in wanted)

    def _make(self, indices: Sequence[Index]) -> None:
        sums, merged = self.scratch / "sums", self.scratch / "merged"
        additions = [
            _Addition(
                tickets,
                self.target,
                tuple((one, sums / tickets.folder.name / f"{one.number:03d}") for one in indices),
            )
            for tickets in self.partitions
        ]
        names = self.engine.map("summing up partitions", _add, additions, self.progress)
        merges = [
            Merge(
                one,
                tuple(addition.asked[place][1] for addition in additions),
                tuple(found[place] for found in names),
                merged / f"{one.number:03d}",
            )
            for place, one in enumerate(indices)
        ]
        self.engine.map("merging sums", merge, merges, self.progress)
        shutil.rmtree(sums)
        self._merged |= {(one.index.kind, one.index.key): (one.index, one.folder) for one in merges}


def _add(addition: _Addition) -> list[list[Name]]:
    histories = addition.tickets.histories()
    return [write_contribution(histories, addition.target, one, folder) for one, folder in addition.asked]
