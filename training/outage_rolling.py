"""Rolling origins: at each quarter's beginning models are fitted to what was known then, and asked about the quarter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.outages.columns import RULES, OutageColumns
from features.outages.rows import OutageRows
from models.outage import CANDIDATES, MODELS, OutageModel, OutageParameters, fit_outage_model
from models.scales import Float64Array
from sla.instants import DAY_US, NEVER_US, Int64Array
from training.bootstrap import Interval, average_precision, paired_differences

WEEK_US = 7 * DAY_US
FIRST_RULE = "rate x weekday"  # served until there is something to judge on


@dataclass(frozen=True)
class Rolled:
    """Labelled rows with what each candidate said of them, when the last model before them was fitted (`origin_us`)."""

    y: Float64Array
    at_us: Int64Array
    origin_us: Int64Array
    said: dict[str, Float64Array]

    def where(self, chosen: NDArray[np.bool_]) -> Rolled:
        """The chosen rows."""
        said = {name: values[chosen] for name, values in self.said.items()}
        return Rolled(self.y[chosen], self.at_us[chosen], self.origin_us[chosen], said)

    @property
    def weeks(self) -> Int64Array:
        """The week of each row: what is resampled, because services fail together and for days."""
        return self.at_us // WEEK_US

    def gain(self, candidate: str, rule: str, *, draws: int = 200) -> Interval:
        """The candidate's average precision less the rule's, with its interval over resampled weeks."""
        said = {candidate: self.said[candidate], rule: self.said[rule]}
        return paired_differences(self.y, said, candidate, self.weeks, average_precision, draws=draws)[rule]


@dataclass(frozen=True)
class OutageVerdict:
    """Which candidate is served, beside the best simple rule and the best model, and why."""

    served: str
    rule: str
    model: str
    gain: Interval
    why: str


def quarters(begin_us: int, end_us: int) -> Iterator[int]:
    """The beginnings of the UTC quarters in between."""
    first = pd.Timestamp(begin_us, unit="us", tz="UTC").ceil("D")
    for at in pd.date_range(first, pd.Timestamp(end_us, unit="us", tz="UTC"), freq="QS", normalize=True):
        yield int(at.value // 1000)


def roll(
    rows: OutageRows,
    columns: OutageColumns,
    parameters: OutageParameters,
    *,
    horizon_us: int,
    kinds: tuple[str, ...],
    least_outages: int = 60,
    seed: int = 0,
    learned: NDArray[np.bool_] | None = None,
) -> Rolled:
    """What each candidate said of every labelled row after the first origin with enough known outages before it.

    `learned` are the rows that models may be fitted to (default: all); all are asked about.
    """
    parts = []
    has_label = ~np.isnan(rows.label)
    begin_us, end_us = (int(rows.at_us.min()), int(rows.at_us.max())) if len(rows) else (0, 0)
    origins = [*quarters(begin_us, end_us), end_us + 1]
    for origin_us, next_us in pairwise(origins):
        train = has_label & (rows.known_us <= origin_us) & (True if learned is None else learned)
        asked = has_label & (rows.at_us >= origin_us) & (rows.at_us < next_us)
        if rows.label[train].sum() < least_outages or not asked.any():
            continue
        model = fit_outage_model(
            columns.where(train),
            rows.label[train],
            rows.at_us[train],
            parameters,
            horizon_us=horizon_us,
            kinds=kinds,
            seed=seed,
        )
        parts.append(_asked(model, rows, columns, asked, origin_us))
    return _joined(parts)


def earlier_rows(rows: OutageRows, columns: OutageColumns, rolled: Rolled) -> Rolled:
    """What each rule said of every labelled row before the first that a model was asked about: rules need no training."""
    first_us = int(rolled.at_us.min()) if len(rolled.y) else NEVER_US
    mine = ~np.isnan(rows.label) & (rows.at_us < first_us)
    said = {name: columns.rates[mine, place] for place, name in enumerate(RULES)}
    return Rolled(rows.label[mine], rows.at_us[mine], np.zeros(int(mine.sum()), np.int64), said)


def decide(
    rolled: Rolled,
    earlier: Rolled | None = None,
    *,
    least_outages: int = 30,
    candidate: str = "mean",
    draws: int = 200,
) -> OutageVerdict:
    """Serve the model only where its gain over the best simple rule is surely above zero; otherwise a rule.

    Which rule that is, all rows tell, those of `earlier_rows` too; where even they hold too few outages, it is FIRST_RULE.
    The model that is asked for is named before, so that no winner is picked among several on the rows that judge it. The
    latest weeks, back to `least_outages` outages, have a veto: where the model is surely behind the best rule of these
    weeks, that rule is served, however far ahead the model was before.
    """
    usual, outages = _best_rule(rolled, earlier, least_outages)
    if len(rolled.y) == 0 or rolled.y.sum() < least_outages:
        why = f"only {int(rolled.y.sum())} outages to judge on (needed {least_outages}): {usual} is served"
        why += f", the best rule of all {outages} outages" if outages >= least_outages else ""
        return OutageVerdict(usual, usual, candidate, Interval(*[float("nan")] * 3), why)
    rule = max(RULES, key=lambda name: _precision(rolled, name))
    gain = rolled.gain(candidate, rule, draws=draws)
    why = f"average precision of {candidate} over {rule}: {gain}"
    if not gain.low > 0:
        which = "the rule" if usual == rule else f"{usual}, the best rule of all {outages} outages,"
        return OutageVerdict(usual, rule, candidate, gain, f"{why}, not clear of zero, so {which} is served")
    latest = _latest(rolled, least_outages)
    newer = max(RULES, key=lambda name: _precision(latest, name))
    lately = latest.gain(candidate, newer, draws=draws)
    weeks = f"in the latest {len(np.unique(latest.weeks))} weeks ({int(latest.y.sum())} outages)"
    why = f"{why}, clear of zero; {weeks} over {newer}: {lately}"
    if lately.high < 0:
        return OutageVerdict(newer, rule, candidate, gain, f"{why}, surely behind, so that rule is served")
    return OutageVerdict(candidate, rule, candidate, gain, f"{why}, not surely behind")


def _best_rule(rolled: Rolled, earlier: Rolled | None, least_outages: int) -> tuple[str, int]:
    """The rule with the highest average precision over all rows, and their outages; FIRST_RULE where those are too few."""
    parts = [rolled] if earlier is None else [earlier, rolled]
    y = np.concatenate([part.y for part in parts])
    if y.sum() < least_outages:
        return FIRST_RULE, int(y.sum())
    said = {name: np.concatenate([part.said[name] for part in parts]) for name in RULES}
    nothing = np.zeros(len(y), np.int64)
    whole = Rolled(y, nothing, nothing, said)
    return max(RULES, key=lambda name: _precision(whole, name)), int(y.sum())


def _latest(rolled: Rolled, least_outages: int) -> Rolled:
    """The rows of the latest whole weeks that hold at least so many outages."""
    weeks, place = np.unique(rolled.weeks, return_inverse=True)
    outages = np.bincount(place, weights=rolled.y, minlength=len(weeks))
    since = np.cumsum(outages[::-1])[::-1]  # of each week and those after it
    return rolled.where(rolled.weeks >= weeks[np.flatnonzero(since >= least_outages)[-1]])


def gated(rolled: Rolled, earlier: Rolled | None = None) -> Float64Array:
    """What would have been served: in each quarter what the quarters before, and `earlier_rows`, decided."""
    out = np.full(len(rolled.y), np.nan)
    for origin_us in np.unique(rolled.origin_us):
        now = rolled.origin_us == origin_us
        known = None if earlier is None else earlier.where(earlier.at_us < origin_us - 2 * DAY_US)
        verdict = decide(rolled.where(rolled.at_us < origin_us - 2 * DAY_US), known)
        out[now] = rolled.said[verdict.served][now]
    return out


def _precision(rolled: Rolled, name: str) -> float:
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(rolled.y, rolled.said[name]))


def _asked(
    model: OutageModel, rows: OutageRows, columns: OutageColumns, asked: NDArray[np.bool_], origin_us: int
) -> Rolled:
    said = model.probabilities(columns.where(asked))
    return Rolled(rows.label[asked], rows.at_us[asked], np.full(int(asked.sum()), origin_us), said)


def _joined(parts: list[Rolled]) -> Rolled:
    if not parts:
        nothing = np.zeros(0)
        whole = np.zeros(0, np.int64)
        return Rolled(nothing, whole, whole, dict.fromkeys(CANDIDATES, nothing))
    said = {name: np.concatenate([part.said[name] for part in parts]) for name in (*RULES, *MODELS)}
    y, at_us, origin_us = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("y", "at_us", "origin_us")
    )
    return Rolled(y, at_us, origin_us, said)
