"""What a bundle meets since it was trained: features that left their training range, and what it expected beside what came."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from models.bundle import BreachBundle
from models.drift import LEAST_ROWS, Drifted, drifted
from models.scales import Float64Array
from sla.instants import to_us
from training.building import HistoryRows
from training.plan import TrainingError
from training.rows import Labelled
from training.splits import WEEK_US, end_of_arrivals, instant, maturity
from training.wording import aligned, figure, percent

SURPRISING = 3.0
SHARE_KNOWN = 0.98  # what is not known yet is likelier late than not: a week counts when hardly any of that is left
MOST_SHOWN = 12


@dataclass(frozen=True)
class Week:
    """Tickets that became known in seven days, at their first event. `expected` breaches by the bundle, of those known by now also `came`.

    `known`: tickets whose outcome is known; `expected_of_known`: breaches expected among them. A week is `closed` when its
    tickets are old enough for their outcomes to be known: before, those that ended early are not like the rest.
    """

    since: datetime
    tickets: int
    expected: float
    known: int
    expected_of_known: float
    came: int
    is_closed: bool


@dataclass(frozen=True)
class DriftReport:
    """A bundle on all tickets seen since it was trained, no longer ago than asked; features with the most drifted first."""

    version: str
    target: str
    known_until: datetime
    since: datetime
    until: datetime
    rows: int
    features: tuple[Drifted, ...]
    weeks: tuple[Week, ...]
    surprise: float

    @property
    def drifts(self) -> tuple[Drifted, ...]:
        """The features of which 5 % of the values lie beyond all of training."""
        return tuple(one for one in self.features if one.word == "drifts")

    @property
    def is_off(self) -> bool:
        """Whether breaches of closed weeks differ from what was expected by three standard errors or more."""
        return abs(self.surprise) >= SURPRISING

    @property
    def verdict(self) -> str:
        """One sentence."""
        found = []
        if self.drifts:
            found.append(f"{len(self.drifts)} of {len(self.features)} features drift, {self.drifts[0].name} most")
        if self.is_off:
            word = "more" if self.surprise > 0 else "fewer"
            found.append(f"clearly {word} breaches came than expected ({abs(self.surprise):.1f} standard errors)")
        if found:
            return f"{' and '.join(found)}: train again (slacast train breach), and compare before promoting"
        if self.surprise != self.surprise:
            return "no feature drifts; how it came out is not known yet, no week is closed"
        return "nothing drifts, and breaches came as expected"

    def text(self) -> str:
        """Tables in words and the verdict."""
        head = (
            f"{self.version}, which knows all until {self.known_until:%Y-%m-%d %H:%M} UTC, on {self.rows:,} events while open from "
            f"{self.since:%Y-%m-%d %H:%M} to {self.until:%Y-%m-%d %H:%M} UTC."
        )
        return "\n\n".join(
            [head, self._features_text(), self._weeks_text(), f"{self.verdict[0].upper()}{self.verdict[1:]}."]
        )

    def _features_text(self) -> str:
        moved = [one for one in self.features if one.word != "steady"]
        steady = f"{len(self.features) - len(moved)} of {len(self.features)} features are steady."
        if not moved:
            return steady
        lines = [("feature", "", "beyond training", "above its median", "PSI", "missing")]
        lines += [
            (one.name, one.word, percent(one.outside), percent(one.above), figure(one.psi, 2), percent(one.missing))
            for one in moved[:MOST_SHOWN]
        ]
        hidden = f" {len(moved) - MOST_SHOWN} more move: --json lists all." if len(moved) > MOST_SHOWN else ""
        return f"{aligned(lines)}\n{steady}{hidden}"

    def _weeks_text(self) -> str:
        lines = [("week from", "tickets", "breaches expected", "known", "expected of these", "came", "")]
        lines += [
            (
                f"{one.since:%Y-%m-%d}",
                f"{one.tickets:,}",
                f"{one.expected:.0f}",
                f"{one.known:,}",
                f"{one.expected_of_known:.0f}",
                f"{one.came:,}",
                "" if one.is_closed else "not closed: the early ends are not like the rest",
            )
            for one in self.weeks
        ]
        return f"At the first event of each ticket:\n{aligned(lines)}"

    def to_dict(self) -> dict[str, Any]:
        """For machines."""
        return {
            "version": self.version,
            "target": self.target,
            "known_until": self.known_until.isoformat(),
            "since": self.since.isoformat(),
            "until": self.until.isoformat(),
            "rows": self.rows,
            "features": [asdict(one) | {"word": one.word} for one in self.features],
            "weeks": [asdict(one) | {"since": one.since.isoformat()} for one in self.weeks],
            "surprise": None if self.surprise != self.surprise else self.surprise,
            "verdict": self.verdict,
        }


def drift_report(source: HistoryRows, bundle: BreachBundle, *, weeks: int = 4) -> DriftReport:
    """What the bundle meets in the last weeks in which tickets came in as usual, as far as it has not learned from them.

    Raises TrainingError where (almost) nothing was seen since.
    """
    knew_us = to_us(bundle.manifest.window.known_until)
    all_rows, end_us = source.labelled, source.end_us
    until_us = min(end_us, end_of_arrivals(all_rows.opened_us)) if len(all_rows) else end_us
    since_us = max(knew_us, until_us - weeks * WEEK_US)
    seen = source.take(np.flatnonzero(all_rows.is_event & (all_rows.at_us > since_us) & (all_rows.at_us <= until_us)))
    if len(seen.labelled) < LEAST_ROWS:
        raise TrainingError(
            f"{len(seen.labelled)} events while a clock ran were seen since {instant(since_us):%Y-%m-%d %H:%M} UTC, until which {bundle.version} "
            f"knows all; {LEAST_ROWS} are needed. Import what has happened since."
        )
    rows = seen.described(bundle.spec, bundle.text)
    live = pd.DataFrame(rows.X, columns=bundle.spec.names)
    said = bundle.predict(live)
    first = rows.is_first
    closed_us = min(until_us, end_us - maturity(all_rows, end_us, SHARE_KNOWN))
    return DriftReport(
        bundle.version,
        bundle.target,
        bundle.manifest.window.known_until,
        instant(since_us),
        instant(until_us),
        len(rows),
        tuple(drifted(bundle, live)),
        _weeks(rows.where(first), said[first], since_us, until_us, closed_us),
        _surprise(rows.where(first), said[first], closed_us),
    )


def _weeks(first: Labelled, said: Float64Array, since_us: int, until_us: int, closed_us: int) -> tuple[Week, ...]:
    number = (first.at_us - since_us) // WEEK_US
    known = first.breached >= 0
    told = []
    for week in range(-(-(until_us - since_us) // WEEK_US)):
        mine = number == week
        told.append(
            Week(
                instant(since_us + week * WEEK_US),
                int(mine.sum()),
                float(said[mine].sum()),
                int((mine & known).sum()),
                float(said[mine & known].sum()),
                int((mine & (first.breached == 1)).sum()),
                min(since_us + (week + 1) * WEEK_US, until_us) <= closed_us,
            )
        )
    return tuple(told)


def _surprise(first: Labelled, said: Float64Array, closed_us: int) -> float:
    """Breaches of tickets opened until `closed` less those expected, in standard errors of independent tickets; NaN without any."""
    mature = (first.opened_us <= closed_us) & (first.breached >= 0)
    expected = said[mature]
    variance = float((expected * (1 - expected)).sum())
    return float((first.y[mature].sum() - expected.sum()) / np.sqrt(variance)) if variance > 0 else float("nan")
