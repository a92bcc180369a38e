"""The explanation of a clock that a person can follow: what it did, day by day, in the calendar's local time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from sla.business_time import BusinessTime
from sla.durations import format_us
from sla.instants import SECOND_US, from_us, to_us
from sla.stepping import Doing, Stretch
from sla.verdict import TraceStep

LONG_DAYS = 7  # a stretch over more local days than this is told in one line


def trace(
    calendar: BusinessTime, stretches: Sequence[Stretch], due_us: int | None, stopped_us: int | None
) -> tuple[TraceStep, ...]:
    """What a clock did, in order: a step for each local day of each stretch, closed days by name, and when it is due."""
    zone = ZoneInfo(calendar.zone)
    steps: list[TraceStep] = []
    for stretch in _merged(stretches):
        steps += _stretch_steps(calendar, zone, stretch)
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


def _stretch_steps(calendar: BusinessTime, zone: ZoneInfo, stretch: Stretch) -> list[TraceStep]:
    first, last = from_us(stretch.from_us).astimezone(zone), from_us(stretch.until_us - 1).astimezone(zone)
    if stretch.doing in (Doing.STOPPED, Doing.CANCELLED) or (last.date() - first.date()).days >= LONG_DAYS:
        pieces = [(stretch.from_us, stretch.until_us)]
    else:
        pieces = _days(stretch, zone, first.date(), last.date())
    steps = [_step(calendar, zone, stretch, from_us_, until_us) for from_us_, until_us in pieces]
    if stretch.doing in (Doing.RUNNING, Doing.PAUSED):
        for day, name in calendar.closures(stretch.from_us, stretch.until_us):
            at = datetime(day.year, day.month, day.day, tzinfo=zone)
            closes = at + timedelta(days=1)
            steps.append(
                TraceStep(from_us(to_us(at)), from_us(to_us(closes)), "closed", 0.0, f"{_day(at)}: {name}, closed")
            )
    return [step for step in steps if step.doing in ("closed", "stopped", "cancelled") or step.worked_seconds]


def _days(stretch: Stretch, zone: ZoneInfo, first: date, last: date) -> list[tuple[int, int]]:
    midnights = []
    day = first + timedelta(days=1)
    while day <= last:
        midnights.append(to_us(datetime(day.year, day.month, day.day, tzinfo=zone)))
        day += timedelta(days=1)
    edges = [stretch.from_us, *midnights, stretch.until_us]
    return list(pairwise(edges))


def _step(calendar: BusinessTime, zone: ZoneInfo, stretch: Stretch, from_: int, until: int) -> TraceStep:
    worked_us = calendar.elapsed_between(from_, until)
    is_on = stretch.doing in (Doing.RUNNING, Doing.PAUSED)
    windows = calendar.open_windows(from_, until) if worked_us and is_on else []
    begins, ends = (windows[0][0], windows[-1][1]) if windows else (from_, until)
    begin, end = from_us(begins).astimezone(zone), from_us(ends).astimezone(zone)
    reason = _reason(stretch)
    if stretch.doing is Doing.RUNNING:
        what = f"{format_us(worked_us)} ran"
    elif stretch.doing is Doing.PAUSED:
        what = f"paused {format_us(worked_us)}{f' {reason}' if reason else ''}"
    elif stretch.doing is Doing.STOPPED:
        what = f"stopped{f', {reason}' if reason else ''}" + (
            f"; {format_us(worked_us)} counted, as the work was not over" if stretch.counts and worked_us else ""
        )
    else:
        what = "cancelled"
    return TraceStep(
        from_us(from_), from_us(until), stretch.doing.value, worked_us / SECOND_US, f"{_span(begin, end)}: {what}"
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
