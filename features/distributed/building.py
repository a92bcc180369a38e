"""The features of a log in files: own histories ticket by ticket, sums over all tickets merged in between.

Three passes over partitions of whole tickets. The first writes what each partition adds to every index over all tickets
(who holds which ticket when, how clocks ended), the second merges each index, the third computes features with the
partition's own histories and the merged indices. All sums are of integers, so the matrix equals that of one machine to
the last bit. Every piece of work writes its files whole or not at all and may be done again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from features.distributed.contribution import Name, write_contribution
from features.distributed.engines import Engine, Progress
from features.distributed.merging import Merge, merge
from features.distributed.partitions import read_log, split
from features.distributed.seeding import among_all
from features.histories import Histories
from features.matrix_files import Sampling, write
from features.service_histories import ServiceHistories
from features.shared_indices import Index, indices_of
from features.spec import FeatureSpec
from features.text import TextEncoder
from sla.agreements.agreement_set import AgreementSet

ROWS_A_PARTITION = 500_000


@dataclass(frozen=True)
class Request:
    """What is built from what, and where it goes.

    `events`: a folder of Parquet files with canonical ticket events; `out` gets one Parquet file a partition, whose rows
    in the order of the files are those of features.matrix_files on one machine; `scratch` is for files in between. All
    three must be the same folders for every worker. `service_events` are few and go to everyone.
    """

    events: Path
    out: Path
    scratch: Path
    agreements: AgreementSet
    spec: FeatureSpec
    target: str = "resolution"
    sampling: Sampling = field(default_factory=Sampling)
    service_events: pd.DataFrame | None = None
    text: TextEncoder | None = None
    rows_a_partition: int = ROWS_A_PARTITION


@dataclass(frozen=True)
class Part:
    """A partition's share of the work; `last_known_us` is that of the whole log."""

    request: Request
    folder: Path
    indices: tuple[Index, ...]
    last_known_us: int = 0

    @property
    def name(self) -> str:
        """The partition's name, in the order of ticket ids."""
        return self.folder.name

    def histories(self) -> Histories:
        """The histories of the partition's tickets."""
        services = self.request.service_events
        return Histories.from_log(
            read_log(self.folder),
            self.request.agreements,
            None if services is None else ServiceHistories.from_events(services),
        )


@dataclass(frozen=True)
class Contributed:
    """What the first pass tells: since when all is known, and the names of key codes of each index."""

    last_known_us: int
    names: tuple[list[Name], ...]


def build(request: Request, engine: Engine, progress: Progress = lambda _what, _done, _total: None) -> int:
    """How many rows were written below `request.out`.

    Raises SchemaError for events that break the contract. The files below `scratch` may be removed afterwards.
    """
    request.out.mkdir(parents=True, exist_ok=True)
    folders = split(request.events, request.scratch / "events", request.rows_a_partition, engine, progress)
    indices = indices_of(request.spec.settings)
    parts = [Part(request, folder, indices) for folder in folders]
    contributed = engine.map("summing up partitions", _contribute, parts, progress)
    engine.map("merging sums", merge, _merges(parts, indices, contributed), progress)
    last_known_us = max(one.last_known_us for one in contributed)
    parts = [Part(request, folder, indices, last_known_us) for folder in folders]
    return sum(engine.map("computing features", _compute, parts, progress))


def _contribute(part: Part) -> Contributed:
    histories = part.histories()
    names = tuple(
        write_contribution(histories, part.request.target, one, _contribution(part, one)) for one in part.indices
    )
    return Contributed(histories.last_known_us, names)


def _compute(part: Part) -> int:
    request = part.request
    indices = [(one, _merged(request, one)) for one in part.indices]
    histories = among_all(part.histories(), request.target, indices, part.last_known_us)
    snapshots = request.sampling.of(histories)
    return write(request.out / f"{part.name}.parquet", histories, snapshots, request.spec, request.target, request.text)


def _merges(parts: Sequence[Part], indices: Sequence[Index], contributed: Sequence[Contributed]) -> list[Merge]:
    return [
        Merge(
            one,
            tuple(_contribution(part, one) for part in parts),
            tuple(found.names[place] for found in contributed),
            _merged(parts[0].request, one),
        )
        for place, one in enumerate(indices)
    ]


def _contribution(part: Part, index: Index) -> Path:
    return part.request.scratch / "sums" / part.name / f"{index.number:03d}"


def _merged(request: Request, index: Index) -> Path:
    return request.scratch / "merged" / f"{index.number:03d}"
