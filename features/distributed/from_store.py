"""The features of a log, written to files: what `slacast features` does."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pandas as pd

from features.distributed.building import ROWS_A_PARTITION, Request, build
from features.distributed.engines import Engine, Progress
from features.distributed.sample import sampled_histories
from features.event_files import write_tables
from features.matrix_files import Sampling
from features.spec import FeatureSpec, SpecError
from features.store import Store, StoreError
from sla.agreements.agreement_set import AgreementSet

SPEC = "spec.json"


@dataclass(frozen=True)
class Wanted:
    """Which matrix is wanted and where: `out` must be absent or empty.

    Events come from `log`, an open store or a folder of Parquet files of canonical ticket events, as known at `until`
    (all, where that is None; of files always all). Without a `spec` the features are chosen from the log.
    `rows_a_partition` bounds what a worker holds at once.
    """

    log: Store | Path
    out: Path
    agreements: AgreementSet
    target: str = "resolution"
    until: datetime | None = None
    spec: FeatureSpec | None = None
    sampling: Sampling = field(default_factory=Sampling)
    rows_a_partition: int = ROWS_A_PARTITION

    @property
    def scratch(self) -> Path:
        """Where files in between are, beside the result: on a cluster both must be folders that all workers see."""
        return self.out.with_name(f"{self.out.name}.scratch")


@dataclass(frozen=True)
class Written:
    """What was written."""

    rows: int
    features: int
    files: int
    out: Path

    def text(self) -> str:
        """The account for people."""
        return (
            f"{self.rows:,} snapshots with {self.features} features in {self.files} files below {self.out}; "
            f"{SPEC} there says what each column means."
        )

    def to_dict(self) -> dict[str, int | str]:
        """The account for machines."""
        return {"rows": self.rows, "features": self.features, "files": self.files, "out": str(self.out)}


def write_features(wanted: Wanted, engine: Engine, progress: Progress) -> Written:
    """What was written: a Parquet file a partition, and the spec.

    Raises StoreError for an empty store, SchemaError for files that are no canonical events, SpecError for a folder that is
    in use, for a target that no agreement has, and for text features, whose encoder a bundle keeps.
    """
    _check(wanted)
    wanted.scratch.mkdir(parents=True)
    try:
        events, service_events = _events(wanted, progress)
        spec = wanted.spec or _chosen(events, wanted.agreements, service_events, progress)
        request = Request(
            events=events,
            out=wanted.out,
            scratch=wanted.scratch,
            agreements=wanted.agreements,
            spec=spec,
            target=wanted.target,
            sampling=wanted.sampling,
            service_events=service_events,
            rows_a_partition=wanted.rows_a_partition,
        )
        rows = build(request, engine, progress)
        (wanted.out / SPEC).write_text(spec.to_json(), encoding="utf-8")
        return Written(rows, len(spec.features), len(list(wanted.out.glob("*.parquet"))), wanted.out)
    finally:
        shutil.rmtree(wanted.scratch, ignore_errors=True)


def _events(wanted: Wanted, progress: Progress) -> tuple[Path, pd.DataFrame | None]:
    if isinstance(wanted.log, Path):
        return wanted.log, None
    folder = wanted.scratch / "log"
    progress("reading the events", 0, 1)
    if not write_tables(wanted.log.ticket_event_tables(wanted.until), folder):
        raise StoreError(f"{wanted.log.url} holds no events. First: slacast import FILE --mapping mapping.yaml")
    progress("reading the events", 1, 1)
    services = wanted.log.service_events(until=wanted.until)
    return folder, None if services.empty else services


def _chosen(
    events: Path, agreements: AgreementSet, service_events: pd.DataFrame | None, progress: Progress
) -> FeatureSpec:
    progress("choosing features", 0, 1)
    spec = FeatureSpec.from_histories(sampled_histories(events, agreements, service_events))
    progress("choosing features", 1, 1)
    return spec


def _check(wanted: Wanted) -> None:
    if wanted.out.exists() and (not wanted.out.is_dir() or any(wanted.out.iterdir())):
        raise SpecError(f"{wanted.out} is in use; name a folder that does not exist yet, or an empty one")
    if wanted.scratch.exists():
        raise SpecError(
            f"{wanted.scratch} is left from an interrupted run, or in use now; remove it, or name another folder"
        )
    known = list(wanted.agreements.clocks)
    if wanted.target not in known:
        raise SpecError(f"no agreement has the target {wanted.target!r}; expected one of {known}")
    if wanted.spec is not None and wanted.spec.settings.text_topics:
        raise SpecError("the spec has text features; the encoder that makes them is in a bundle, not in the spec")
