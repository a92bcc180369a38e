"""Rows from histories: which snapshots are taken, how they are labelled, and their features."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.histories import Histories
from features.labels import breach_labels
from features.pipeline import build
from features.snapshots import SnapshotKind, Snapshots, event_snapshots, grid_snapshots
from features.spec import FeatureSpec
from features.text import TextEncoder, ticket_texts
from models.scales import Float64Array
from sla.agreements.agreement_set import AgreementSet
from sla.clocks.replay import verdicts_at
from sla.clocks.verdicts import VerdictArrays, VerdictState
from training.endings import endings
from training.rows import Int64Array, Known, Labelled, Rows
from training.text import fit_text_encoder

UNDECIDED = (VerdictState.RUNNING, VerdictState.PAUSED)
"""States about which there is something to predict."""


@dataclass(frozen=True)
class HistoryRows:
    """The rows of a log: each ticket at each event while its clock is open and unbreached, and a thin sample of working hours between."""

    histories: Histories
    snapshots: Snapshots
    verdicts: VerdictArrays
    labelled: Labelled
    target: str
    data_fingerprint: str
    seed: int

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
        verdicts = verdicts.take(keep)
        labelled = _labelled(histories, snapshots, verdicts, target)
        return cls(histories, snapshots, verdicts, labelled, target, data_fingerprint(events), seed)

    def at(self, snapshots: Snapshots, *, keeps_decided: bool = False) -> HistoryRows:
        """The rows of other snapshots of the same log: those of them at which the clock can still be kept or broken.

        With `keeps_decided` all of them: for labels that do not come from the clock.
        """
        log = self.histories.log.unfilled()
        verdicts = verdicts_at(log, self.histories.agreements, self.target, snapshots.ticket, snapshots.at_us)
        keep = np.flatnonzero(np.isin(verdicts.state, UNDECIDED) | keeps_decided)
        snapshots, verdicts = snapshots.take(keep), verdicts.take(keep)
        labelled = _labelled(self.histories, snapshots, verdicts, self.target)
        return replace(self, snapshots=snapshots, verdicts=verdicts, labelled=labelled)

    def take(self, places: Int64Array) -> HistoryRows:
        """The rows at the given places."""
        snapshots, verdicts = self.snapshots.take(places), self.verdicts.take(places)
        labelled = Labelled(**{one.name: getattr(self.labelled, one.name)[places] for one in fields(Labelled)})
        return replace(self, snapshots=snapshots, verdicts=verdicts, labelled=labelled)

    @property
    def end_us(self) -> int:
        """When the last record of the log became known."""
        return self.histories.last_known_us

    @property
    def agreements_version(self) -> str:
        """The fingerprint of the agreements."""
        return self.histories.agreements.version

    @property
    def texts(self) -> Mapping[str, Sequence[str]]:
        """What the codes of priority and team stand for."""
        return {column: self.histories.values(column) for column in ("priority", "team")}

    def labels(self, as_of_us: int) -> Known:
        """What anyone could have known of the future of every row at an instant."""
        return _known(self.histories, self.snapshots, self.verdicts, self.target, as_of_us)

    def rows(self, known_by_us: int) -> Rows:
        """The rows with features; which features, and what words mean, is learned from what was known by an instant."""
        known = self.histories.known_by(known_by_us)
        encoder = fit_text_encoder(ticket_texts(known), self.seed)
        if encoder is not None:
            self._encoder(encoder.fingerprint, encoder)
        return self.described(FeatureSpec.from_histories(known, text=encoder))

    def described(self, spec: FeatureSpec, text: TextEncoder | None = None) -> Rows:
        """The rows with the features of a specification.

        One with text features needs its encoder: given, as a bundle brings it, or fitted before by `rows` of the same histories.
        """
        version = spec.settings.text_version
        encoder = self._encoder(version, text) if version else None
        X = build(self.histories, self.snapshots, spec, self.target, text=encoder)
        return Rows.of(self.labelled, spec, X.to_numpy(dtype=np.float64), encoder)

    def _encoder(self, version: str, fitted: TextEncoder | None = None) -> TextEncoder | None:
        """The encoder of a version: given now, or at an earlier call (None if never)."""
        return self.histories.once(f"text encoder {version}", lambda: fitted)


def data_fingerprint(events: pd.DataFrame) -> str:
    """Sixteen hexadecimal digits for a set of events, the same in whatever order they come."""
    columns = sorted(events.columns)
    rows = np.sort(pd.util.hash_pandas_object(events[columns], index=False).to_numpy())
    return hashlib.sha256("\n".join(columns).encode() + rows.tobytes()).hexdigest()[:16]


def _is_asked(histories: Histories, snapshots: Snapshots, verdicts: VerdictArrays) -> NDArray[np.bool_]:
    """The clock is running or paused, and unbroken. Between events only while its calendar is open: that is when people look."""
    asked = np.isin(verdicts.state, UNDECIDED)
    between = snapshots.kind == SnapshotKind.GRID
    for index, calendar in enumerate(histories.agreements.business_times):
        rows = np.flatnonzero(between & asked & (verdicts.calendar == index))
        asked[rows] = calendar.is_open(snapshots.at_us[rows])
    return asked


def _labelled(histories: Histories, snapshots: Snapshots, verdicts: VerdictArrays, target: str) -> Labelled:
    known = _known(histories, snapshots, verdicts, target, histories.last_known_us)
    steps = histories.steps
    step = histories.search.at(snapshots.ticket, snapshots.at_us)
    return Labelled(
        **known._asdict(),
        ticket=snapshots.ticket,
        at_us=snapshots.at_us,
        opened_us=steps.at_us[steps.offsets[snapshots.ticket]],
        kind=snapshots.kind,
        share_used=_share_used(verdicts),
        priority=histories.codes("priority")[step].astype(np.int64),
        team=histories.codes("team")[step].astype(np.int64),
    )


def _known(histories: Histories, snapshots: Snapshots, verdicts: VerdictArrays, target: str, as_of_us: int) -> Known:
    labels = breach_labels(histories, snapshots, target, as_of_us)
    ends = endings(histories, snapshots, verdicts, target, as_of_us)
    return Known(labels.breached, labels.known_us, *ends)


def _share_used(verdicts: VerdictArrays) -> Float64Array:
    target = verdicts.target_us.astype(np.float64)
    share = np.full(len(target), np.nan)
    np.divide(verdicts.elapsed_us, target, out=share, where=target > 0)
    return share
