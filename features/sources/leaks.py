"""Which columns tell the end of a ticket from its first row on, and so must not feed a prediction."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.sources.dates import UNREADABLE, read_instants
from features.sources.table import Coded, Table
from sla.instants import Int64Array

_ENDINGS = re.compile(
    r"clos(e|ed|ing|ure)|resol(ve|ved|ution)|final|complet|finish|solved|outcome|breach|ended|end_?(date|time|at)$|variant",
    re.IGNORECASE,
)
_CONSTANT_SHARE = 0.995
_FUTURE_SHARE = 0.5
_DATE_SHARE = 0.9
_SAMPLE = 200
_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?")
_NUMBER_SHARE = 0.9
_LEAST_TICKETS = 50
_LEAST_NUMBERS = 3
_TELLING_CORRELATION = 0.7

Float64Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class LeakSuspect:
    """A column that holds a final value on every row of a ticket."""

    column: str
    reason: str
    is_used: bool
    is_trusted: bool

    def text(self) -> str:
        """One line for people."""
        if self.is_trusted:
            return f"{self.column!r}: {self.reason}; trusted by the mapping"
        if self.is_used:
            return f"{self.column!r}: {self.reason}; it is used: move it to `ignore`, or to `trusted` if it was known from the start"
        return f"{self.column!r}: {self.reason}; not used"


def leak_suspects(
    table: Table,
    tickets: Int64Array,
    at_us: Int64Array,
    plain: set[str],
    used: set[str],
    trusted: set[str],
    formats: Sequence[str],
    time_zone: str,
) -> tuple[LeakSuspect, ...]:
    """The columns that look as if they were filled in at the end and copied to every row.

    A suspect has the same value on all rows of a ticket in nearly every ticket with several rows, and either holds dates
    later than the rows themselves, or numbers that rise and fall with how many rows the tickets came to have or how long
    they lasted (final counts, total hours), or has a name that speaks of the end. `plain` are columns beyond suspicion (keys and times).
    Only rows with `tickets >= 0` count.
    """
    rows = np.flatnonzero(tickets >= 0)
    first, inverse, counts = _distinct(tickets[rows])
    several = counts > 1
    if not several.any():
        return ()
    fates = _Fates(first, counts, _spans_us(inverse, at_us[rows], len(first)))
    found = []
    for name, column in table.columns.items():
        codes = column.codes[rows]
        if name in plain or codes.min() == codes.max():
            continue
        differs = np.bincount(inverse, weights=codes != codes[first][inverse], minlength=len(first)) > 0
        if 1 - differs[several].mean() < _CONSTANT_SHARE:
            continue
        reason = _reason(name, column.take(rows), at_us[rows], formats, time_zone) or fates.told_by(column.take(rows))
        if reason:
            found.append(LeakSuspect(name, reason, name in used, name in trusted))
    return tuple(found)


def _distinct(codes: Int64Array) -> tuple[Int64Array, Int64Array, Int64Array]:
    """Of each code that occurs its first place, the place of each row's code among them, and how many rows have it.

    As `np.unique` tells, without sorting: codes are small.
    """
    counts = np.bincount(codes)
    occurs = counts > 0
    first = np.zeros(len(counts), np.int64)
    first[codes[::-1]] = np.arange(len(codes) - 1, -1, -1)
    return first[occurs], (np.cumsum(occurs) - 1)[codes], counts[occurs]


@dataclass(frozen=True)
class _Fates:
    """What became of each ticket: how many rows it has in the end, and how long it lasted; `first` is its first row."""

    first: Int64Array
    rows: Int64Array
    spans_us: Int64Array

    def told_by(self, column: Coded) -> str | None:
        """The reason to suspect a column of numbers that goes with one of them, by rank (Spearman 1904)."""
        number = _numbers(column)
        if number is None:
            return None
        of_ticket = number[column.codes[self.first]]
        known = np.isfinite(of_ticket)
        if known.sum() < _LEAST_TICKETS or len(np.unique(of_ticket[known])) < _LEAST_NUMBERS:
            return None
        for fate, words in (
            (self.rows, "how many rows the ticket came to have"),
            (self.spans_us, "how long it lasted"),
        ):
            close = _rank_correlation(of_ticket[known], fate[known].astype(np.float64))
            if close >= _TELLING_CORRELATION:
                return (
                    f"the same number on every row of a ticket, and it goes with {words} (rank correlation {close:.2f})"
                )
        return None


def _spans_us(ticket: Int64Array, at_us: Int64Array, count: int) -> Int64Array:
    begins, ends = np.full(count, np.iinfo(np.int64).max), np.full(count, np.iinfo(np.int64).min)
    np.minimum.at(begins, ticket, at_us)
    np.maximum.at(ends, ticket, at_us)
    return np.asarray(ends - begins, dtype=np.int64)


def _numbers(column: Coded) -> Float64Array | None:
    """The number that each value is, NaN where it is none and for no value (code -1, the last place); None for a column of words."""
    found = np.full(len(column.values) + 1, np.nan)
    words = 0
    for place, value in enumerate(column.values):
        text = str(value).strip(" ?")
        if _NUMBER.fullmatch(text):
            found[place] = float(text.replace(",", "."))
        elif text.strip("-"):
            words += 1
            if words > _SAMPLE and words > (1 - _NUMBER_SHARE) * place:
                return None
    return found if np.isfinite(found).sum() >= _NUMBER_SHARE * (np.isfinite(found).sum() + words) else None


def _rank_correlation(one: Float64Array, other: Float64Array) -> float:
    ranks = [np.unique(values, return_inverse=True, return_counts=True)[1:] for values in (one, other)]
    mean = [(np.cumsum(count) - (count - 1) / 2.0)[place.reshape(-1)] for place, count in ranks]
    if mean[0].std() == 0.0 or mean[1].std() == 0.0:
        return 0.0
    return float(np.corrcoef(mean[0], mean[1])[0, 1])


def _reason(name: str, column: Coded, at_us: Int64Array, formats: Sequence[str], time_zone: str) -> str | None:
    sample = Coded(np.arange(min(_SAMPLE, len(column.values)), dtype=np.int32), column.values[:_SAMPLE])
    may_be_dates = bool((read_instants(sample, formats, time_zone).at_us != UNREADABLE).any())
    when_us = read_instants(column, formats, time_zone).at_us if may_be_dates else np.full(len(at_us), UNREADABLE)
    dated = when_us != UNREADABLE
    if dated.any() and _is_mostly_dates(column, dated):
        later = float((when_us[dated] > at_us[dated]).mean())
        if later > _FUTURE_SHARE:
            return f"the same date on every row of a ticket, and in {later:.0%} of rows later than the row itself"
        return None
    if _ENDINGS.search(name):
        return "the same value on every row of a ticket, and its name speaks of the end"
    return None


def _is_mostly_dates(column: Coded, dated: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> bool:
    filled = np.array([bool(str(value).strip(" ?-")) for value in column.values], dtype=bool)
    has_text = column.per_row(filled, False).astype(bool)
    return float(dated.sum()) >= _DATE_SHARE * float(has_text.sum())
