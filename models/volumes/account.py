"""A forecast with all that planners ask of it: workload, backlog, what is stored, what is printed, how earlier ones did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from features.volumes.counts import ALL, FloatArray, VolumeCounts
from features.volumes.handling import Handling, handling_times
from features.volumes.planned import Outlook
from features.volumes.resolutions import resolved_counts
from models.volumes.candidates import FALLBACK
from models.volumes.forecast import BACKLOG, BREACHES, BY_HALF_HOUR, COUNTED, HOURS, MEDIAN, MISSED, VolumeForecast
from models.volumes.intervals import DAYS, HALF_HOURS, QUANTILES, WEEKS, Intervals
from models.volumes.missed import breaches_ahead
from models.volumes.model import VolumeModel, weeks_of
from models.volumes.past import PastFigure, judged_days, past_figures
from models.volumes.workload import backlog_ahead, workload_hours

SHOWN_DAYS = 56  # of the past, kept beside a forecast so that a page can show both
HORIZON = 56
_EDGES = {0.025: "low_95", 0.1: "low_80", 0.9: "high_80", 0.975: "high_95"}


@dataclass(frozen=True)
class VolumeAccount:
    """A forecast made at an instant, with counts, hours (None without handling times), the backlog of the whole, and breaches.

    `breaches` (s x h, with bounds) and `breached` (the same series counted) are None where no resolution is promised.
    """

    made_at: datetime
    counts: VolumeCounts
    said: VolumeForecast
    handling: Mapping[str, Handling] | None
    backlog: tuple[FloatArray, FloatArray]
    breaches: tuple[FloatArray, FloatArray] | None = None
    breached: VolumeCounts | None = None

    def hours(self, place: int) -> tuple[FloatArray, FloatArray] | None:
        """Expected hours of work of a series, and their bounds."""
        if self.handling is None:
            return None
        one = self.said.series[place]
        return workload_hours(self.said.expected[place], self.said.bounds[:, place], self.handling[one.name])

    def rows(self) -> pd.DataFrame:
        """All that is stored of it: arrivals, hours, backlog, breaches, half hours of the first two weeks, and the latest counts."""
        said, series = self.said, self.said.series
        parts = [said.rows(self.made_at)]
        if self.handling is not None:
            worked = [
                workload_hours(said.expected[p], said.bounds[:, p], self.handling[one.name])
                for p, one in enumerate(series)
            ]
            hours, bounds = np.stack([one[0] for one in worked]), np.stack([one[1] for one in worked], axis=1)
            parts.append(said.with_values(hours, bounds).rows(self.made_at, HOURS))
        whole = said.only([0]).with_values(self.backlog[0][None], self.backlog[1][:, None])
        parts += [whole.rows(self.made_at, BACKLOG), self._counted(self.counts, COUNTED)]
        if self.breaches is not None and self.breached is not None:
            parts += [
                said.with_values(*self.breaches).rows(self.made_at, BREACHES),
                self._counted(self.breached, MISSED),
            ]
        if said.half_hours is not None:
            parts.append(self._by_half_hour())
        return pd.concat(parts, ignore_index=True)

    def printed(self, level: str, subject: str, earlier: pd.DataFrame) -> PrintedForecast:
        """What a person or a machine reads of one series; `earlier` are stored forecasts."""
        place = self.said.place(level, subject)
        name, missed = self.said.series[place].name, self.breached
        past = past_figures(judged_days(earlier, self.counts), name)
        of_missed = () if missed is None else past_figures(judged_days(earlier, missed, BREACHES), name)
        return PrintedForecast(self, place, tuple(past), tuple(of_missed))

    def _counted(self, counts: VolumeCounts, name: str) -> pd.DataFrame:
        recent = counts.counts[:, -SHOWN_DAYS:]
        past = VolumeForecast(
            counts.series, counts.end_day - recent.shape[1], counts.zone, recent,
            np.full((len(QUANTILES), *recent.shape), np.nan), np.zeros((len(QUANTILES), len(recent), 0)), None, (), (), self.said.version,
        )  # fmt: skip
        return past.rows(self.made_at, name)

    def _by_half_hour(self) -> pd.DataFrame:
        """Of the whole and the teams: the expected value of each half hour with any."""
        said = self.said
        assert said.half_hours is not None  # noqa: S101 (the caller looked)
        chosen = [place for place, one in enumerate(said.series) if one.level in (ALL, "team")]
        starts = pd.DatetimeIndex(said.day_edges()[: said.half_hours.shape[1]]).as_unit("us")
        parts = []
        for place in chosen:
            day, slot = np.nonzero(said.half_hours[place] > 0.01)
            begin = starts[day] + pd.to_timedelta(30 * slot, unit="min")
            parts.append(
                pd.DataFrame(
                    {
                        "subject": said.series[place].name,
                        "period_start": begin,
                        "period_end": begin + pd.Timedelta(minutes=30),
                        "value": said.half_hours[place][day, slot],
                    }
                )
            )
        frame = pd.concat(parts, ignore_index=True)
        return frame.assign(
            series=BY_HALF_HOUR,
            quantile=MEDIAN,
            made_at=pd.Timestamp(self.made_at).as_unit("us"),
            model_version=said.version or None,
        )


@dataclass(frozen=True)
class PrintedForecast:
    """One series of an account, to be printed."""

    account: VolumeAccount
    place: int
    past: tuple[PastFigure, ...]
    past_breaches: tuple[PastFigure, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        said, place = self.account.said, self.place
        one = said.series[place]
        hours, dates = self.account.hours(place), [day.isoformat() for day in said.dates]
        missed = self._missed()
        return {
            "made_at": self.account.made_at.isoformat(),
            "level": one.level,
            "subject": one.subject,
            "model": said.version or None,
            "by": said.served[place],
            "zone": said.zone,
            "days": _periods(dates, said.expected[place], said.bounds[:, place]),
            "weeks": _periods(dates[::7], weeks_of(said.expected)[place], said.week_bounds[:, place]),
            "hours": None if hours is None else _periods(dates, *hours),
            "backlog": _periods(dates, *self.account.backlog) if place == 0 else None,
            "breaches": None if missed is None else _periods(dates, *missed),
            "notes": list(said.notes),
            "past": [_past_values(one) for one in self.past],
            "past_breaches": [_past_values(one) for one in self.past_breaches],
        }

    def text(self) -> str:
        """A table of weeks and of the first two weeks' days, then what should be known."""
        said, place = self.account.said, self.place
        model = said.version or "no model yet: slacast train volume"
        lines = [f"Tickets expected, {said.series[place]}, by {said.served[place]} ({model}), days in {said.zone}.", ""]
        weeks, bounds = weeks_of(said.expected)[place], said.week_bounds[:, place]
        lines += [
            f"week from {day}  {_range(value, bounds[:, at])}"
            for at, (day, value) in enumerate(zip(said.dates[::7], weeks, strict=False))
        ]
        lines.append("")
        days, edges = said.expected[place], said.bounds[:, place]
        lines += [f"{said.dates[at]:%a %Y-%m-%d}  {_range(days[at], edges[:, at])}" for at in range(min(14, len(days)))]
        lines += ["", *self._work_words(), *self._breach_words(), *said.notes]
        lines += [_past_words(one, "forecasts") for one in self.past]
        lines += [_past_words(one, "forecasts of missed resolutions") for one in self.past_breaches]
        return "\n".join(lines)

    def _work_words(self) -> list[str]:
        """Hours of work of the first week, and for the whole the backlog at its end, with how they were computed."""
        account, found = self.account, []
        hours = account.hours(self.place)
        if hours is not None and account.handling is not None:
            one = account.handling[account.said.series[self.place].name]
            source = f"learned from {one.tickets} tickets" if one.tickets else "as stated"
            found.append(
                f"Work of the first 7 days: {hours[0][:7].sum():.0f} h at {one.minutes:.0f} min a ticket ({source})."
            )
        if self.place == 0:
            backlog, bounds = account.backlog
            found.append(
                f"Open at the end of the first 7 days: {_range(backlog[6], bounds[:, 6]).strip()}, if as much is resolved as on the last four same weekdays."
            )
        return found

    def _missed(self) -> tuple[FloatArray, FloatArray] | None:
        """Expected breaches of the series (h), and their bounds (4 x h)."""
        found = self.account.breaches
        return None if found is None else (found[0][self.place], found[1][:, self.place])

    def _breach_words(self) -> list[str]:
        """Resolutions missed on the first day and in the first week; for the whole also by team, the most first."""
        missed, said = self._missed(), self.account.said
        if missed is None or self.account.breaches is None:
            return []
        first_week = (
            f"Resolutions missed on {said.dates[0]:%a %Y-%m-%d}: {_range(missed[0][0], missed[1][:, 0]).strip()}; in the first 7 days {missed[0][:7].sum():.1f}, if as "
            "large a share is missed as in the last four weeks."
        )
        lines = [first_week]
        weeks = self.account.breaches[0][:, :7].sum(axis=1)
        teams = [(-weeks[at], one.subject) for at, one in enumerate(said.series) if one.level == "team"]
        if self.place == 0 and teams:
            told = ", ".join(f"{team} {-value:.1f}" for value, team in sorted(teams))
            lines.append(f"In the first 7 days, by the first team of a ticket: {told}.")
        return lines


def account_of(
    counts: VolumeCounts,
    outlook: Outlook,
    events: pd.DataFrame,
    at: datetime,
    model: VolumeModel | None,
    version: str,
    *,
    stated_minutes: float | None = None,
    breached: FloatArray | None = None,
) -> VolumeAccount:
    """The account at an instant, from counts and events known by then. Raises VolumeError for less than two weeks of counts.

    `breached`: how many resolutions were missed by series on each counted day (s x t), None where none is promised.
    """
    said = (model or _without_model()).forecast(counts, outlook, version)
    handling = handling_times(events, counts.series)
    if stated_minutes is not None:
        handling = {one.name: Handling.stated(stated_minutes) for one in counts.series}
    resolved, open_now = resolved_counts(events, at, counts)
    backlog = backlog_ahead(counts.counts[0], resolved, open_now, said.expected[0])
    missed = None if breached is None else breaches_ahead(breached, counts.counts, said.expected, counts.levels())
    if model is None:
        said = said.with_notes(
            f"there is no model yet, so every series is the {FALLBACK}, without intervals: slacast train volume"
        )
    if handling is None:
        said = said.with_notes(
            "the log tells no handling times (attributes.handling_minutes), so no hours of work: --handling-minutes states them"
        )
    of_missed = None if breached is None else replace(counts, counts=breached, half_hours=None)
    return VolumeAccount(at, counts, said, handling, backlog, missed, of_missed)


def _without_model() -> VolumeModel:
    """Every series by the mean of four same weekdays; no interval is claimed, because nothing was judged."""
    nothing = Intervals(np.ones(1), {})
    return VolumeModel(HORIZON, {}, {}, dict.fromkeys((DAYS, WEEKS, HALF_HOURS), nothing), ())


def _periods(names: list[str], values: FloatArray, bounds: FloatArray) -> list[dict[str, Any]]:
    edges = [
        {_EDGES[q]: _number(bound[at]) for q, bound in zip(QUANTILES, bounds, strict=True)} for at in range(len(values))
    ]
    return [
        {"from": name, "expected": round(float(value), 3), **edge}
        for name, value, edge in zip(names, values, edges, strict=False)
    ]


def _number(value: float) -> float | None:
    return round(float(value), 4) if np.isfinite(value) else None


def _range(value: float, bounds: FloatArray) -> str:
    if not np.isfinite(bounds).all():
        return f"{value:8.1f}"
    return f"{value:8.1f}  80 %: {bounds[1]:.1f} to {bounds[2]:.1f}  95 %: {bounds[0]:.1f} to {bounds[3]:.1f}"


def _past_values(one: PastFigure) -> dict[str, Any]:
    return {
        "days_ahead": [one.first_ahead, one.last_ahead],
        "days": one.days,
        "wape": _number(one.wape),
        "within_80": _number(one.within_80),
        "within_95": _number(one.within_95),
    }


def _past_words(one: PastFigure, what: str) -> str:
    """How forecasts so far ahead did, in a sentence."""
    within = "" if not np.isfinite(one.within_80) else f"; {100 * one.within_80:.0f} % within the 80 % interval"
    return f"Earlier {what} {one.words}: off by {100 * one.wape:.1f} % over {one.days} days{within}."
