"""The incident log's own flag `made_sla` as the label: known when an incident is closed, and never before.

The flag is not a clock of ours (it follows the time to close), so the rows are made here: first events of all incidents,
even of those that are resolved by then, and every later event while open, whatever the clock says. A stand-in clock from
opening to closing gives the features of time; labels and the rates by team or person count the flag, from the closing on.
"""

from __future__ import annotations

import csv
import io
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.histories import Histories
from features.outcomes import BROKEN, DECIDED, LOG_HOURS, LOG_SQUARES, LOG_UNITS, STOPPED, Outcomes, Points, Revisions
from features.prefix_sums import Timeline
from features.snapshots import SnapshotKind, Snapshots, event_snapshots, grid_snapshots
from sla.agreements.agreement_set import AgreementSet
from sla.instants import Int64Array
from training.building import HistoryRows
from training.evaluation.figures import evaluate
from training.judgement import GROUP_TABLE, LINEAR, MODEL, SHARE_RULE
from training.settings import TrainingSettings
from training.sibling import sibling_at

TARGET = "made_sla"
HOUR_US = 3_600_000_000.0
DAY_US = 86_400_000_000
STAND_IN = {
    "metric": TARGET,
    "start": {"opened": True},
    "stop": {"status": "closed"},
    "goals": [
        {"applies_to": {"priority": [1, 2]}, "within": "10 working hours", "calendar": "office"},
        {"applies_to": {"priority": 3}, "within": "70 working hours", "calendar": "office"},
        {"default": True, "within": "150 working hours", "calendar": "office"},
    ],
}
"""Six and fourteen business days from opening to closing are what the flag of priorities 3 and 4 follows (its data page)."""


def made_sla(log: Path, events: pd.DataFrame, agreements: AgreementSet, cut_us: int, until_us: int) -> dict[str, float]:
    """The figures for incidents opened from the cut on and before `until`, their later events included."""
    settings = TrainingSettings()
    source = _source(log, events, agreements, settings.grid_one_in)
    sibling = sibling_at(source, cut_us, settings, 0)
    rows = source.labelled
    test = np.flatnonzero(
        (rows.opened_us >= cut_us)
        & (rows.opened_us < until_us)
        & (rows.kind != SnapshotKind.GRID)
        & (rows.breached >= 0)
    )
    asked = source.take(test).described(sibling.spec)
    said = sibling.predict(asked)
    found: dict[str, float] = {}
    is_open = _is_open_at(source, test)
    for key, mask in (("first", asked.is_first), ("prefix", is_open)):
        for name, prefix in ((MODEL, ""), (LINEAR, "linear_"), (GROUP_TABLE, "group_"), (SHARE_RULE, "rules_")):
            scores = evaluate(asked.y[mask], said[name][mask])
            for figure in ("auc", "ap", "brier", "ece"):
                found[f"made_sla.{key}_{prefix}{figure}"] = getattr(scores, figure)
        found[f"made_sla.{key}_rows"] = float(mask.sum())
        found[f"made_sla.{key}_base_rate"] = float(asked.y[mask].mean())
    return found


def _source(log: Path, events: pd.DataFrame, agreements: AgreementSet, grid_one_in: int) -> HistoryRows:
    written = agreements.model_dump(mode="json", by_alias=True, exclude_unset=True)
    written["agreements"][0]["targets"].append(STAND_IN)
    both = AgreementSet.model_validate(written).reading_from(agreements.folder)
    source = HistoryRows.of(events, both, TARGET, grid_one_in, 0)
    histories = Histories.from_events(events, both)
    flags = _flags(log, histories)
    clock = Outcomes.of(source.histories, TARGET)
    histories.once(f"outcomes of {TARGET}", lambda: _outcomes(histories, flags, clock))
    steps = histories.steps
    first = steps.offsets[:-1][np.diff(steps.offsets) > 0]
    firsts = Snapshots(steps.ticket[first], steps.known_us[first], np.full(len(first), SnapshotKind.CREATED, np.int8))
    later = event_snapshots(histories)
    later = later.take(later.kind == SnapshotKind.EVENT)
    grid = grid_snapshots(histories, 0, grid_one_in)
    return replace(source, histories=histories).at(Snapshots.concatenated([firsts, later, grid]), keeps_decided=True)


def _is_open_at(source: HistoryRows, places: Int64Array) -> NDArray[np.bool_]:
    """Whether the incident is neither resolved nor closed at each row."""
    snapshots = source.snapshots.take(places)
    status = source.histories.states_at(snapshots.ticket, snapshots.at_us, "status")
    return ~np.isin(status.astype(str), ("resolved", "closed"))


def _flags(log: Path, histories: Histories) -> NDArray[np.int8]:
    """The final flag of each ticket as a breach: 1 where it says false."""
    last: dict[str, str] = {}
    with zipfile.ZipFile(log) as archive:
        name = next(member for member in archive.namelist() if member.endswith(".csv"))
        for row in csv.DictReader(io.TextIOWrapper(archive.open(name), "utf-8")):
            last[row["number"]] = row["made_sla"]
    return np.array([last[str(ticket)] != "true" for ticket in histories.ticket_ids], np.int8)


def _outcomes(histories: Histories, flags: NDArray[np.int8], clock: Outcomes) -> Outcomes:
    """The flag as what became known of each ticket when it was first closed, in the place of the stand-in clock's own outcome."""
    steps = histories.steps
    closes = np.flatnonzero(histories.is_value("status", "closed"))
    closing = np.full(len(histories.ticket_ids), -1, np.int64)
    closing[steps.ticket[closes[::-1]]] = closes[::-1]  # the first closing of each ticket stays
    is_closed = closing >= 0
    step = np.arange(len(steps))
    after = is_closed[steps.ticket] & (step >= closing[steps.ticket])
    outcome = np.where(after, flags[steps.ticket], np.int8(-1)).astype(np.int8)
    measurement = steps.ticket.astype(np.int64)
    points = Points(step, steps.known_us, outcome, outcome < 0, measurement, measurement)
    places = closing[is_closed]
    places = places[np.argsort(steps.known_us[places], kind="stable")]
    ticket = steps.ticket[places]
    log_hours = np.log1p(np.maximum(steps.known_us[places] - steps.opened_us[ticket], 0) / HOUR_US)
    amounts = np.zeros((len(places), 5), np.int64)
    amounts[:, DECIDED] = amounts[:, STOPPED] = 1
    amounts[:, BROKEN] = flags[ticket]
    amounts[:, LOG_HOURS] = np.rint(log_hours * LOG_UNITS)
    amounts[:, LOG_SQUARES] = np.rint(log_hours**2 * LOG_UNITS)
    revisions = Revisions(steps.known_us[places], places, amounts)
    return replace(clock, points=points, revisions=revisions, timeline=Timeline.of(revisions.at_us))
