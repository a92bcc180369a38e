"""Rows from histories: which snapshots are taken, how they are labelled, and their features."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.histories import Histories
from features.labels import breach_labels
from features.pipeline import build
from features.snapshots import SnapshotKind, Snapshots, event_snapshots, grid_snapshots
from features.spec import FeatureSpec
from models.scales import Float64Array
from sla.agreements.agreement_set import AgreementSet
from sla.clocks.replay import verdicts_at
from sla.clocks.verdicts import VerdictArrays, VerdictState
from training.rows import Int64Array, Labelled, Rows


@dataclass(frozen=True)
class HistoryRows:
    """The rows of a log: each ticket at each event while its clock is open and unbreached, and a thin sample of working hours between."""

    histories: Histories
    snapshots: Snapshots
    labelled: Labelled
    target: str
    data_fingerprint: str

    @classmethod
    def of(
        cls, events: pd.DataFrame, agreements: AgreementSet, target: str, grid_one_in: int, seed: int
    ) -> HistoryRows:
        """The rows of a frame of canonical ticket events; no features yet."""
        histories = Histories.from_events(events, agreements)
        candidates = Snapshots.concatenated([event_snapshots(histories), grid_snapshots(histories, seed, grid_one_in)])
        log = histories.log.unfilled()
        verdicts = verdicts_at(log, agreements, target, candidates.ticket, candidates.at_us)
        keep = np.flatnonzero(_is_asked(histories, candidates, verdicts))
        snapshots = candidates.take(keep)
        labelled = _labelled(histories, snapshots, verdicts.take(keep), target)
        return cls(histories, snapshots, labelled, target, data_fingerprint(events))

    @property
    def end_us(self) -> int:
        """When the last record of the log became known."""
        return self.histories.last_known_us

    @property
    def agreements_version(self) -> str:
        """The fingerprint of the agreements."""
        return self.histories.agreements.version

    def labels(self, as_of_us: int) -> tuple[NDArray[np.int8], Int64Array]:
        """`breached` and `known_us` of every row, as anyone could have known them at an instant."""
        found = breach_labels(self.histories, self.snapshots, self.target, as_of_us)
        return found.breached, found.known_us

    def rows(self, known_by_us: int) -> Rows:
        """The rows with features; which features, is learned from what was known by an instant."""
        spec = FeatureSpec.from_histories(self.histories.known_by(known_by_us))
        X = build(self.histories, self.snapshots, spec, self.target)
        return Rows.of(self.labelled, spec, X.to_numpy(dtype=np.float64))


def data_fingerprint(events: pd.DataFrame) -> str:
    """Sixteen hexadecimal digits for a set of events, the same in whatever order they come."""
    columns = sorted(events.columns)
    rows = np.sort(pd.util.hash_pandas_object(events[columns], index=False).to_numpy())
    return hashlib.sha256("\n".join(columns).encode() + rows.tobytes()).hexdigest()[:16]


def _is_asked(histories: Histories, snapshots: Snapshots, verdicts: VerdictArrays) -> NDArray[np.bool_]:
    """The clock is running or paused, and unbroken. Between events only while its calendar is open: that is when people look."""
    asked = np.isin(verdicts.state, (VerdictState.RUNNING, VerdictState.PAUSED))
    between = snapshots.kind == SnapshotKind.GRID
    for index, calendar in enumerate(histories.agreements.business_times):
        rows = np.flatnonzero(between & asked & (verdicts.calendar == index))
        asked[rows] = calendar.is_open(snapshots.at_us[rows])
    return asked


def _labelled(histories: Histories, snapshots: Snapshots, verdicts: VerdictArrays, target: str) -> Labelled:
    labels = breach_labels(histories, snapshots, target)
    steps = histories.steps
    step = histories.search.at(snapshots.ticket, snapshots.at_us)
    return Labelled(
        breached=labels.breached,
        known_us=labels.known_us,
        ticket=snapshots.ticket,
        at_us=snapshots.at_us,
        opened_us=steps.at_us[steps.offsets[snapshots.ticket]],
        kind=snapshots.kind,
        share_used=_share_used(verdicts),
        priority=histories.codes("priority")[step].astype(np.int64),
        team=histories.codes("team")[step].astype(np.int64),
    )


def _share_used(verdicts: VerdictArrays) -> Float64Array:
    target = verdicts.target_us.astype(np.float64)
    share = np.full(len(target), np.nan)
    np.divide(verdicts.elapsed_us, target, out=share, where=target > 0)
    return share
