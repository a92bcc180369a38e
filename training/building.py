"""Rows from histories: which snapshots are taken, how they are labelled, and their features."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Self

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
from sla.clocks.verdicts import VerdictArrays
from training.endings import endings
from training.rows import Int64Array, Known, Labelled, Rows
from training.text import fit_text_encoder


class TargetError(ValueError):
    """A target that no agreement has; the text names those there are."""


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
    stands_for: Float64Array | None = None  # a ticket, where they were sampled

    @classmethod
    def of(
        cls,
        events: pd.DataFrame,
        agreements: AgreementSet,
        target: str,
        grid_one_in: int,
        seed: int,
        *,
        service_events: pd.DataFrame | None = None,
    ) -> HistoryRows:
        """The rows of a frame of canonical ticket events, and one of service events, where there are any; no features yet."""
        if target not in agreements.clocks:
            raise TargetError(
                f"no agreement has a target {target!r}, so there is nothing to learn about it; there are: "
                f"{', '.join(agreements.clocks)}. Name one of these, or add the target to the agreements."
            )
        histories = Histories.from_events(events, agreements, service_events)
        fingerprint = data_fingerprint(events, service_events)
        return cls.of_histories(histories, target, grid_one_in, seed, fingerprint)

    @classmethod
    def of_histories(
        cls,
        histories: Histories,
        target: str,
        grid_one_in: int,
        seed: int,
        fingerprint: str,
        stands_for: Float64Array | None = None,
    ) -> HistoryRows:
        """The rows of histories; `stands_for` is how many tickets of the log each stands for, where they are a sample."""
        candidates = Snapshots.concatenated([event_snapshots(histories), grid_snapshots(histories, seed, grid_one_in)])
        log = histories.log.unfilled()
        verdicts = verdicts_at(log, histories.agreements, target, candidates.ticket, candidates.at_us)
        keep = np.flatnonzero(_is_asked(histories, candidates, verdicts))
        snapshots = candidates.take(keep)
        verdicts = verdicts.take(keep)
        labelled = _labelled(histories, snapshots, verdicts, target, stands_for)
        return cls(histories, snapshots, verdicts, labelled, target, fingerprint, seed, stands_for)

    def at(self, snapshots: Snapshots, *, keeps_decided: bool = False) -> Self:
        """The rows of other snapshots of the same log: those of them at which the clock can still be kept or broken.

        With `keeps_decided` all of them: for labels that do not come from the clock.
        """
        log = self.histories.log.unfilled()
        verdicts = verdicts_at(log, self.histories.agreements, self.target, snapshots.ticket, snapshots.at_us)
        keep = np.flatnonzero(verdicts.is_undecided | keeps_decided)
        snapshots, verdicts = snapshots.take(keep), verdicts.take(keep)
        labelled = _labelled(self.histories, snapshots, verdicts, self.target, self.stands_for)
        return replace(self, snapshots=snapshots, verdicts=verdicts, labelled=labelled)

    def take(self, places: Int64Array) -> Self:
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
        """What the codes of each column stand for; those of `priority` and `team` are in `labelled`."""
        return {column: self.histories.values(column) for column in ("priority", "team", *self.histories.log.columns)}

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


def data_fingerprint(events: pd.DataFrame, service_events: pd.DataFrame | None = None) -> str:
    """Sixteen hexadecimal digits for a set of events, the same in whatever order they come."""
    frames = [frame for frame in (events, service_events) if frame is not None and len(frame)]
    return fingerprint_of([(sorted(frame.columns), row_hashes(frame, sorted(frame.columns))) for frame in frames])


def row_hashes(frame: pd.DataFrame, columns: Sequence[str]) -> NDArray[np.uint64]:
    """A hash of each row's values in these columns; columns that the frame has not are empty."""
    hashes = pd.util.hash_pandas_object(frame.reindex(columns=list(columns)), index=False)
    return np.asarray(hashes.to_numpy(), np.uint64)


def fingerprint_of(parts: Sequence[tuple[Sequence[str], NDArray[np.uint64]]]) -> str:
    """The fingerprint of frames, of each its sorted columns and the hashes of its rows."""
    digest = hashlib.sha256()
    for columns, hashes in parts:
        digest.update("\n".join(columns).encode() + np.sort(hashes).tobytes())
    return digest.hexdigest()[:16]


def _is_asked(histories: Histories, snapshots: Snapshots, verdicts: VerdictArrays) -> NDArray[np.bool_]:
    """The clock is running or paused, and unbroken. Between events only while its calendar is open: that is when people look."""
    asked = verdicts.is_undecided
    between = snapshots.kind == SnapshotKind.GRID
    for index, calendar in enumerate(histories.agreements.business_times):
        rows = np.flatnonzero(between & asked & (verdicts.calendar == index))
        asked[rows] = calendar.is_open(snapshots.at_us[rows])
    return asked


def _labelled(
    histories: Histories,
    snapshots: Snapshots,
    verdicts: VerdictArrays,
    target: str,
    stands_for: Float64Array | None,
) -> Labelled:
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
        stands_for=np.ones(len(snapshots)) if stands_for is None else stands_for[snapshots.ticket],
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
