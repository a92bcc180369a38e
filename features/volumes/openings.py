"""On which days a desk took tickets, and which counts are no guide to the future: gaps, closed days, days far out of line."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.volumes.counts import FloatArray, VolumeCounts
from features.volumes.planned import Outlook
from sla.instants import EPOCH, BoolArray, Int64Array

MONDAY_1970 = 3  # 1970-01-01 was a Thursday
LEAST_EXPECTED = 12.0  # tickets a day: with so many expected, a day without any is no chance (1 in 160,000)
QUIET_SHARE = 0.4  # of the busiest weekday: below it a weekday is no working day
FAR = 6.0  # robust standard deviations
NEIGHBOURS = 8


@dataclass(frozen=True)
class Learnable:
    """What can be learned from: s x t `values`, NaN where a day says nothing; outliers cut to the edge of what is usual.

    `is_closed` (7) are weekdays on which nothing ever comes, `is_working` (7) the busy ones; `notes` say what was left out.
    """

    values: FloatArray
    first_day: int
    is_closed: BoolArray
    is_working: BoolArray
    closed_on_holidays: bool
    notes: tuple[str, ...] = ()

    def before(self, day: int) -> Learnable:
        """What was known before a day; the notes stay those of the whole."""
        return Learnable(
            self.values[:, : max(day - self.first_day, 0)],
            self.first_day,
            self.is_closed,
            self.is_working,
            self.closed_on_holidays,
            self.notes,
        )

    def shut(self, outlook: Outlook, first_day: int, days: int) -> BoolArray:
        """Which of the days nothing will come on: closed weekdays, and holidays where the desk closes on them."""
        found = self.is_closed[weekdays(first_day, days)]
        return found | outlook.is_holiday(first_day, days) if self.closed_on_holidays else found


def weekdays(first_day: int, days: int) -> Int64Array:
    """The weekday of each day, Monday 0."""
    return (np.arange(first_day, first_day + days) + MONDAY_1970) % 7


def learnable(counts: VolumeCounts, outlook: Outlook) -> Learnable:
    """The counts without gaps and closed days; looks at these counts alone, so cut them before asking about the past."""
    hours = _Hours.of(counts, outlook)
    values = counts.counts.copy()
    values[:, hours.gap | hours.shut] = np.nan
    values[_unborn(counts.counts)] = np.nan
    first, days = counts.first_day, counts.days
    special = outlook.is_holiday(first, days) | outlook.is_planned(first, days) | outlook.follows_holiday(first, days)
    cut = _cut(values, special)
    notes = (*_gap_notes(hours.gap, counts), *_cut_notes(cut, counts))
    return Learnable(values, first, hours.is_closed, hours.is_working, hours.closed_on_holidays, notes)


def gap_days(counts: VolumeCounts, outlook: Outlook) -> BoolArray:
    """Days without a single ticket on which many were expected and no holiday explains it."""
    return _Hours.of(counts, outlook).gap


@dataclass(frozen=True)
class _Hours:
    """Which weekdays are closed and which busy, and what each day was."""

    is_closed: BoolArray
    is_working: BoolArray
    closed_on_holidays: bool
    gap: BoolArray
    shut: BoolArray

    @classmethod
    def of(cls, counts: VolumeCounts, outlook: Outlook) -> _Hours:
        """Read off the whole."""
        whole, weekday = counts.counts[0], weekdays(counts.first_day, counts.days)
        usual = np.array([_mean(whole[weekday == one]) for one in range(7)])
        is_closed = usual == 0 if counts.days >= 14 else np.zeros(7, np.bool_)
        open_holiday = outlook.is_holiday(counts.first_day, counts.days) & ~is_closed[weekday]
        closed_on_holidays = bool(open_holiday.any() and (whole[open_holiday] == 0).mean() >= 0.5)
        empty = (whole == 0) & ~is_closed[weekday]
        shut = is_closed[weekday] | (empty & open_holiday & closed_on_holidays)
        gap = empty & ~shut & (_expected(whole) >= LEAST_EXPECTED)
        return cls(is_closed, usual >= QUIET_SHARE * usual.max(), closed_on_holidays, gap, shut)


def _unborn(counts: FloatArray) -> BoolArray:
    """Days before a series' first ticket."""
    found: BoolArray = np.cumsum(counts, axis=1) == 0
    return found


def _expected(whole: FloatArray) -> FloatArray:
    """The median of the same weekday within eight weeks on either side."""
    shifts = [_shifted(whole[None, :], weeks)[0] for weeks in range(-NEIGHBOURS, NEIGHBOURS + 1)]
    return _median(np.stack(shifts))[0]


def _cut(values: FloatArray, special: BoolArray) -> list[tuple[int, int, float, float]]:
    """Series, day, count and bound of what is far above its weekday's usual; `values` are cut in place.

    Usual is the median of the eight same weekdays before; days with a reason (holidays, plans) are left as they are.
    """
    past = np.stack([_shifted(values, weeks) for weeks in range(1, NEIGHBOURS + 1)])
    usual, known = _median(past)
    spread = 1.4826 * _median(np.abs(past - usual))[0]
    bound = usual + FAR * np.maximum(np.maximum(spread, np.sqrt(usual + 1.0)), 0.1 * usual)
    with np.errstate(invalid="ignore"):
        far = (values > bound) & (known >= 4) & ~special[None, :]
    found = [(int(row), int(day), float(values[row, day]), float(bound[row, day])) for row, day in np.argwhere(far)]
    values[far] = bound[far]
    return found


def _shifted(values: FloatArray, weeks: int) -> FloatArray:
    """What stood so many weeks before (after, where negative) each day; NaN beyond the edges."""
    out = np.full_like(values, np.nan)
    days = 7 * weeks
    if days >= 0:
        out[:, days:] = values[:, : max(values.shape[1] - days, 0)]
    else:
        out[:, :days] = values[:, -days:]
    return out


def _median(stack: FloatArray) -> tuple[FloatArray, Int64Array]:
    """The median over the first axis without NaN (NaN where there is nothing else), and how many it is of."""
    ordered = np.sort(stack, axis=0)  # NaN last
    known = np.isfinite(stack).sum(axis=0)
    below, above = np.maximum(known - 1, 0) // 2, known // 2
    low, high = (
        np.take_along_axis(ordered, place[None], axis=0)[0] for place in (below, np.minimum(above, len(stack) - 1))
    )
    return (low + high) / 2.0, known


def _gap_notes(gap: BoolArray, counts: VolumeCounts) -> tuple[str, ...]:
    days = np.flatnonzero(gap)
    if not len(days):
        return ()
    words = ", ".join(date_text(counts.first_day + int(day)) for day in days[:5]) + (", ..." if len(days) > 5 else "")
    return (
        f"{len(days)} days without a single ticket where many were expected are taken for gaps and not learned from: {words}",
    )


def _cut_notes(cut: list[tuple[int, int, float, float]], counts: VolumeCounts) -> tuple[str, ...]:
    if not cut:
        return ()
    row, day, count, bound = max(cut, key=lambda one: one[2] / one[3])
    where = f"{counts.series[row]} on {date_text(counts.first_day + day)}, {count:.0f} cut to {bound:.0f}"
    many = f"{len(cut)} counts far above their weekday's usual were cut for learning, not for judging"
    return (f"{many}; the farthest: {where}",)


def date_text(day: int) -> str:
    """A local day as YYYY-MM-DD."""
    from datetime import timedelta

    return (EPOCH + timedelta(days=day)).date().isoformat()


def _mean(values: FloatArray) -> float:
    return float(values.mean()) if len(values) else 0.0
