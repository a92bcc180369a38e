"""The quality to be expected of recent estimates before it is known how their tickets end, beside what came of those that ended.

Probabilities say how good they are themselves, as far as they are right (confidence-based performance estimation): so the estimate
sees that tickets became harder to tell apart, and it does not see that the world changed and the probabilities with it became wrong.
That shows once enough have ended.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from serving.quality.figures import Floats, brier, brier_spread, count_spread, roc_auc
from sla.instants import from_us, to_us

WIDTH = 1.96  # standard deviations: 95 of 100 by chance alone
LEAST = 30
ENOUGH = 0.8
"""A span is read once so many of its tickets have ended, and at least LEAST: those that end early are not like the others."""


@dataclass(frozen=True)
class Figures:
    """ROC-AUC (None where nothing could be told apart), Brier score and how many miss."""

    auc: float | None
    brier: float
    missed: float


@dataclass(frozen=True)
class Span:
    """The tickets first scored from `since` to `until`: what is expected of all, of those that ended, and what came of these.

    `brier_low` to `brier_high` and `missed_low` to `missed_high` hold 95 of 100 outcomes of the ended ones if their probabilities are right.
    """

    since: datetime
    until: datetime
    tickets: int
    ended: int
    expected: Figures
    expected_of_ended: Figures | None = None
    seen: Figures | None = None
    brier_low: float = 0.0
    brier_high: float = 1.0
    missed_low: float = 0.0
    missed_high: float = 0.0

    @property
    def word(self) -> str:
        """`open` while too few have ended; then `as said`, `worse` or `better` by the Brier score beside its range."""
        if self.seen is None or self.ended < max(LEAST, ENOUGH * self.tickets):
            return "open"
        if self.seen.brier > self.brier_high:
            return "worse"
        return "better" if self.seen.brier < self.brier_low else "as said"


def estimated_quality(first: pd.DataFrame, since: datetime, until: datetime, days: int = 7) -> list[Span]:
    """The spans between two instants, the oldest first; those without a ticket are left out. `first` is that of serving.quality.statements."""
    return list(_spans(first, since, until, timedelta(days=days)))


def _spans(first: pd.DataFrame, since: datetime, until: datetime, length: timedelta) -> Iterator[Span]:
    scored_us = first["scored_us"].to_numpy(dtype=np.int64)
    end_us, step_us = to_us(until), int(length.total_seconds() * 1_000_000)
    count = -(-(end_us - to_us(since)) // step_us)
    for place in reversed(range(count)):  # whole spans back from now; the oldest may begin before `since`
        begin_us = end_us - (place + 1) * step_us
        part = first[(scored_us > begin_us) & (scored_us <= begin_us + step_us)]
        if len(part):
            yield _span(part, from_us(begin_us), from_us(begin_us + step_us))


def _span(part: pd.DataFrame, since: datetime, until: datetime) -> Span:
    said, is_ended = part["probability"].to_numpy(dtype=np.float64), part["is_ended"].to_numpy(dtype=np.bool_)
    of_all, ended = _figures(said, said), said[is_ended]
    if not len(ended):
        return Span(since, until, len(part), 0, of_all)
    came = part["missed"].to_numpy(dtype=np.float64)[is_ended]
    expected = _figures(ended, ended)
    brier_width, count_width = WIDTH * brier_spread(ended) + 1e-12, WIDTH * count_spread(ended)
    return Span(
        since,
        until,
        len(part),
        len(ended),
        of_all,
        expected,
        _figures(ended, came),
        brier_low=max(0.0, expected.brier - brier_width),
        brier_high=expected.brier + brier_width,
        missed_low=max(0.0, expected.missed - count_width),
        missed_high=min(float(len(ended)), expected.missed + count_width),
    )


def _figures(said: Floats, chance: Floats) -> Figures:
    return Figures(roc_auc(said, chance), brier(said, chance), float(chance.sum()))
