"""Two models on the same recent tickets, which neither has learned from, beside the rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
from pydantic import ValidationError

from models.bundle import BreachBundle
from models.scales import Float64Array
from sla.instants import to_us
from training.bootstrap import Interval, auc, brier_gain, paired_differences
from training.building import HistoryRows
from training.evaluation import Scores, evaluate
from training.judgement import BASE_RATE, MODEL, rule_predictions
from training.plan import TrainingError
from training.rows import Labelled, Rows
from training.settings import TrainingSettings
from training.sibling import sibling_at
from training.splits import Periods, derive_periods, instant, judged, learnable
from training.wording import aligned, figure

LEAST_TICKETS = 30
SETS = {"first": "first event", "prefix": "every event while open", "grid": "between events"}


@dataclass(frozen=True)
class SetComparison:
    """Both models and the rules on one set of snapshots. Gains are first model minus other: AUC up and Brier down are positive."""

    title: str
    rows: int
    tickets: int
    scores: Mapping[str, Scores]
    auc_gain: Mapping[str, Interval]
    brier_gain: Mapping[str, Interval]


@dataclass(frozen=True)
class Comparison:
    """The first model against the second, on tickets opened `since` .. `until`, by sets of snapshots."""

    first: str
    second: str
    how: str
    since: datetime
    until: datetime
    notes: tuple[str, ...]
    sets: Mapping[str, SetComparison]

    @property
    def verdict(self) -> str:
        """One sentence on every event while open, where there are most rows."""
        found = self.sets.get("prefix") or next(iter(self.sets.values()))
        gains = {"AUC": found.auc_gain[self.second], "Brier": found.brier_gain[self.second]}
        better = [name for name, gain in gains.items() if gain.low > 0]
        worse = [name for name, gain in gains.items() if gain.high < 0]
        told = ", ".join(f"{name} {gain}" for name, gain in gains.items())
        if better and worse:
            return f"{self.first} is clearly better than {self.second} in {better[0]}, clearly worse in {worse[0]} ({told})"
        if better or worse:
            word = "better" if better else "worse"
            return f"{self.first} is clearly {word} than {self.second} in {' and '.join(better or worse)} ({told})"
        return f"no clear difference between {self.first} and {self.second} ({told})"

    def text(self) -> str:
        """Tables, notes and the verdict."""
        head = (
            f"{self.first} against {self.second}: {self.how}, tickets opened after {self.since:%Y-%m-%d %H:%M} UTC, seen until {self.until:%Y-%m-%d %H:%M} UTC.\n"
            f"AUC and AP: more is better. Brier, log loss and ECE: less is better. Gains are those of {self.first}, with 95 % intervals over resampled days."
        )
        return "\n\n".join([head, *(_table(one) for one in self.sets.values()), *self.notes, f"{self.verdict}."])

    def to_dict(self) -> dict[str, Any]:
        """For machines."""
        return {
            "first": self.first,
            "second": self.second,
            "how": self.how,
            "since": self.since.isoformat(),
            "until": self.until.isoformat(),
            "notes": list(self.notes),
            "verdict": self.verdict,
            "sets": {key: _as_dict(one) for key, one in self.sets.items()},
        }


def compare_bundles(
    source: HistoryRows,
    first: BreachBundle,
    second: BreachBundle,
    *,
    weeks: int = 4,
    until: datetime | None = None,
    draws: int = 200,
    seed: int = 0,
) -> Comparison:
    """The comparison of two bundles as they are served, each on features of its own specification.

    Only tickets opened after both had learned the last they know. Raises TrainingError where there are (almost) none.
    """
    periods = _periods(source, weeks, until)
    knows = {one.version: one.manifest.window.known_until for one in (first, second)}
    since_us = max(periods.cut_us, *map(to_us, knows.values()))
    places = np.flatnonzero(judged(source.labelled, since_us, periods.until_us))
    test = source.take(places)
    tickets = test.labelled.ticket_count()
    if tickets < LEAST_TICKETS:
        told = ", ".join(f"{name} knows all until {at:%Y-%m-%d %H:%M}" for name, at in knows.items())
        raise TrainingError(
            f"{tickets} tickets are left that neither has learned from ({told} UTC; outcomes are known of tickets opened until "
            f"{instant(periods.until_us):%Y-%m-%d %H:%M} UTC), {LEAST_TICKETS} are needed. Wait and import what has happened since, or "
            "compare their settings on recent weeks instead: --retrained."
        )
    said = {one.version: _said(one, test) for one in (first, second)}
    how = "as they are served"
    return _compared(source, test.labelled, said, (first, second), how, since_us, periods, draws, seed)


def compare_settings(
    source: HistoryRows,
    first: BreachBundle,
    second: BreachBundle,
    *,
    weeks: int = 4,
    until: datetime | None = None,
    draws: int = 200,
    seed: int = 0,
) -> Comparison:
    """The comparison of two bundles' settings: both trained anew on what was known before the recent weeks, by this program."""
    periods = _periods(source, weeks, until)
    test = source.take(np.flatnonzero(judged(source.labelled, periods.cut_us, periods.until_us)))
    if test.labelled.ticket_count() < LEAST_TICKETS:
        raise TrainingError(
            f"{test.labelled.ticket_count()} tickets with known outcomes were opened after {instant(periods.cut_us):%Y-%m-%d}, "
            f"{LEAST_TICKETS} are needed. Ask for more --weeks."
        )
    said = {}
    for bundle in (first, second):
        sibling = sibling_at(source, periods.cut_us, _settings(bundle), bundle.manifest.seed)
        said[bundle.version] = sibling.predict(test.described(sibling.spec))[MODEL]
    how = "each one's settings trained anew on what was known then"
    return _compared(source, test.labelled, said, (first, second), how, periods.cut_us, periods, draws, seed)


def _periods(source: HistoryRows, weeks: int, until: datetime | None) -> Periods:
    if not (source.labelled.breached >= 0).any():
        raise TrainingError(f"no ticket has a known outcome for the target {source.target!r}: nothing can be compared")
    until_us = None if until is None else to_us(until)
    return derive_periods(source.labelled, source.end_us, None, until_us, weeks_judged=weeks)


def _settings(bundle: BreachBundle) -> TrainingSettings:
    try:
        return TrainingSettings.model_validate(bundle.manifest.parameters)
    except ValidationError as fault:
        raise TrainingError(
            f"the settings of {bundle.version} are not all known to this program ({fault.errors()[0]['loc']}), so it cannot be trained anew."
        ) from fault


def _said(bundle: BreachBundle, test: HistoryRows) -> Float64Array:
    rows: Rows = test.described(bundle.spec, bundle.text)
    return bundle.predict(pd.DataFrame(rows.X, columns=bundle.spec.names))


def _compared(
    source: HistoryRows,
    test: Labelled,
    said: Mapping[str, Float64Array],
    bundles: tuple[BreachBundle, BreachBundle],
    how: str,
    since_us: int,
    periods: Periods,
    draws: int,
    seed: int,
) -> Comparison:
    then = source.labelled.relabelled(*source.labels(since_us))
    rules = rule_predictions(then.where(learnable(then, since_us, periods.maturity_us)), test)
    probabilities = {**said, **rules}
    masks = {"first": test.is_first, "prefix": test.is_event, "grid": ~test.is_event}
    first, second = bundles
    return Comparison(
        first.version,
        second.version,
        how,
        instant(since_us),
        instant(periods.until_us),
        _notes(source, bundles),
        {
            key: _set(key, test, mask, probabilities, first.version, draws, seed)
            for key, mask in masks.items()
            if mask.any()
        },
    )


def _set(
    key: str,
    test: Labelled,
    mask: np.ndarray[Any, np.dtype[np.bool_]],
    probabilities: Mapping[str, Float64Array],
    reference: str,
    draws: int,
    seed: int,
) -> SetComparison:
    rows, part = test.where(mask), {name: values[mask] for name, values in probabilities.items()}
    ranked = {name: values for name, values in part.items() if name != BASE_RATE}
    return SetComparison(
        SETS[key],
        len(rows),
        rows.ticket_count(),
        {name: evaluate(rows.y, values) for name, values in part.items()},
        paired_differences(rows.y, ranked, reference, rows.opened_day, auc, draws=draws, seed=seed),
        paired_differences(rows.y, part, reference, rows.opened_day, brier_gain, draws=draws, seed=seed),
    )


def _notes(source: HistoryRows, bundles: tuple[BreachBundle, BreachBundle]) -> tuple[str, ...]:
    return tuple(
        f"Note: {one.version} was trained under other agreements ({one.manifest.agreements_version}) than those its answers are judged by."
        for one in bundles
        if one.manifest.agreements_version != source.agreements_version
    )


def _table(one: SetComparison) -> str:
    columns = ("", "AUC", "AP", "Brier", "log loss", "ECE", "AUC gain", "Brier gain")
    lines = [
        (
            name,
            *(figure(value if name != BASE_RATE else float("nan")) for value in (scores.auc, scores.ap)),
            *(figure(value) for value in (scores.brier, scores.log_loss, scores.ece)),
            *(str(gains[name]) if name in gains else "" for gains in (one.auc_gain, one.brier_gain)),
        )
        for name, scores in one.scores.items()
    ]
    return f"{one.title}: {one.rows:,} snapshots of {one.tickets:,} tickets\n{aligned([columns, *lines])}"


def _as_dict(one: SetComparison) -> dict[str, Any]:
    def told(gains: Mapping[str, Interval]) -> dict[str, dict[str, float]]:
        return {name: {"gain": gain.value, "low": gain.low, "high": gain.high} for name, gain in gains.items()}

    return {
        "rows": one.rows,
        "tickets": one.tickets,
        "figures": {name: scores.named() for name, scores in one.scores.items()},
        "auc_gain": told(one.auc_gain),
        "brier_gain": told(one.brier_gain),
    }
