"""The explanation of a clock that a person can follow: what it did, day by day, in the calendar's local time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from sla.clocks.stepping import Doing, Stretch
from sla.clocks.verdict import TraceStep
from sla.durations import format_us
from sla.instants import SECOND_US, from_us, to_us
from sla.working_time.business_time import BusinessTime

LONG_DAYS = 7  # of a stretch over more local days than this, those between the first and the last are told in one line


def trace(
    calendar: BusinessTime, stretches: Sequence[Stretch], due_us: int | None, stopped_us: int | None
) -> tuple[TraceStep, ...]:
    """What a clock did, in order: a step for each local day of each stretch, closed days by name, and when it is due."""
    zone = ZoneInfo(calendar.zone)
    steps: list[TraceStep] = []
    merged = _merged(stretches)
    for stretch in merged:
        steps += _stretch_steps(calendar, zone, stretch, is_last=stretch is merged[-1])
    if due_us is not None and stretches:
        word = "would have been due" if stopped_us is not None and due_us > stopped_us else "due"
        due = from_us(due_us)
        steps.append(
            TraceStep(due, due, "due", 0.0, f"{word} {_day(due.astimezone(zone))} {_clock(due.astimezone(zone))}")
        )
    return tuple(sorted(steps, key=lambda step: step.from_at))


def _merged(stretches: Sequence[Stretch]) -> list[Stretch]:
    """Neighbours that do the same for the same reason as one; stretches without length are left out."""
    merged: list[Stretch] = []
    for stretch in stretches:
        if stretch.until_us == stretch.from_us:
            continue
        last = merged[-1] if merged else None
        if last is not None and last.until_us == stretch.from_us and _does(last) == _does(stretch):
            merged[-1] = Stretch(last.from_us, stretch.until_us, last.doing, last.counts, last.row)
        else:
            merged.append(stretch)
    return merged


def _does(stretch: Stretch) -> tuple[Doing, bool, str]:
    return stretch.doing, stretch.counts, _reason(stretch) if stretch.doing is Doing.PAUSED else ""


def _reason(stretch: Stretch) -> str:
    """Why the clock waits or stands, as far as the ticket's state says it."""
    state = stretch.row.state
    status, waiting_on = state.get("status", ""), state.get("waiting_on", "")
    if stretch.doing is Doing.PAUSED:
        if status == "waiting":
            return f"waiting on {waiting_on}" if waiting_on else "waiting"
        return f"with {state['team']}" if state.get("team") else status
    return status if status in ("resolved", "closed") else ""


def _stretch_steps(calendar: BusinessTime, zone: ZoneInfo, stretch: Stretch, is_last: bool) -> list[TraceStep]:
    if stretch.doing in (Doing.STOPPED, Doing.CANCELLED):
        return [_standing_step(calendar, zone, stretch, is_last)]
    first, last = from_us(stretch.from_us).astimezone(zone), from_us(stretch.until_us - 1).astimezone(zone)
    days = _days(stretch, zone, first.date(), last.date())
    if len(days) > LONG_DAYS:  # what is alike in between is told once
        days = [days[0], (days[1][0], days[-2][1]), days[-1]]
    steps = [_step(calendar, zone, stretch, *day) for day in days]
    return [step for step in steps if step.worked_seconds] + _closures(calendar, zone, stretch)


def _closures(calendar: BusinessTime, zone: ZoneInfo, stretch: Stretch) -> list[TraceStep]:
    """A step for each closed day that would have had hours, or for a row of days closed for the same reason."""
    rows: list[tuple[date, date, str]] = []
    for day, name in calendar.closures(stretch.from_us, stretch.until_us):
        if rows and rows[-1][2] == name and (day - rows[-1][1]).days <= LONG_DAYS:
            rows[-1] = (rows[-1][0], day, name)
        else:
            rows.append((day, day, name))
    steps = []
    for first, last, name in rows:
        begin, end = (datetime(day.year, day.month, day.day, tzinfo=zone) for day in (first, last))
        span = _day(begin) if first == last else f"{_day(begin)} - {_day(end)}"
        until = from_us(to_us(end + timedelta(days=1)))
        steps.append(TraceStep(from_us(to_us(begin)), until, "closed", 0.0, f"{span}: {_reason_of_closing(name)}"))
    return steps


def _reason_of_closing(name: str) -> str:
    return name if name == "closed" else f"{name}, closed"


def _days(stretch: Stretch, zone: ZoneInfo, first: date, last: date) -> list[tuple[int, int]]:
    midnights = []
    day = first + timedelta(days=1)
    while day <= last:
        midnights.append(to_us(datetime(day.year, day.month, day.day, tzinfo=zone)))
        day += timedelta(days=1)
    edges = [stretch.from_us, *midnights, stretch.until_us]
    return list(pairwise(edges))


def _step(calendar: BusinessTime, zone: ZoneInfo, stretch: Stretch, from_: int, until: int) -> TraceStep:
    """What a clock that is on did in one day, or in several that are told together."""
    worked_us = calendar.elapsed_between(from_, until)
    windows = calendar.open_windows(from_, until) if worked_us else []
    begins, ends = (windows[0][0], windows[-1][1]) if windows else (from_, until)
    begin, end = from_us(begins).astimezone(zone), from_us(ends).astimezone(zone)
    reason = _reason(stretch)
    what = f"paused {format_us(worked_us)}" if stretch.doing is Doing.PAUSED else f"{format_us(worked_us)} ran"
    days = {from_us(opens).astimezone(zone).date() for opens, _ in windows}
    if (end - begin).days >= 2 and len(days) > 1:
        what += f" on {len(days)} working days"
    if reason and stretch.doing is Doing.PAUSED:
        what += f" {reason}"
    return TraceStep(
        from_us(from_), from_us(until), stretch.doing.value, worked_us / SECOND_US, f"{_span(begin, end)}: {what}"
    )


def _standing_step(calendar: BusinessTime, zone: ZoneInfo, stretch: Stretch, is_last: bool) -> TraceStep:
    """A clock that stands: since when, and until when if it went on."""
    begin, end = (from_us(at).astimezone(zone) for at in (stretch.from_us, stretch.until_us))
    worked_us, reason = calendar.elapsed_between(stretch.from_us, stretch.until_us), _reason(stretch)
    what = "cancelled" if stretch.doing is Doing.CANCELLED else f"stopped{f', {reason}' if reason else ''}"
    if stretch.counts and worked_us:
        what += f"; {format_us(worked_us)} counted, as the work was not over"
    when = f"{_day(begin)} {_clock(begin)}" if is_last else _span(begin, end)
    return TraceStep(
        from_us(stretch.from_us),
        from_us(stretch.until_us),
        stretch.doing.value,
        worked_us / SECOND_US,
        f"{when}: {what}",
    )


def _span(begin: datetime, end: datetime) -> str:
    """A span in local time: "Mon 2 May 08:30-18:00", with both days when they differ."""
    if begin.date() == end.date():
        return f"{_day(begin)} {_clock(begin)}-{_clock(end)}"
    if (end - timedelta(microseconds=1)).date() == begin.date():
        return f"{_day(begin)} {_clock(begin)}-24:00"
    return f"{_day(begin)} {_clock(begin)} - {_day(end)} {_clock(end)}"


def _day(at: datetime) -> str:
    return f"{at:%a} {at.day} {at:%b}"


def _clock(at: datetime) -> str:
    return f"{at:%H:%M}" if at.second == 0 else f"{at:%H:%M:%S}"
