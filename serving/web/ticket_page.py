"""What the ticket page shows beside the plain facts: the course of the leading clock as a bar, and events in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import groupby

from markupsafe import Markup

from serving.ticket_file import ClockFile, EventLine, TicketFile
from serving.web.language import phrase
from serving.wording import percent, working_time

BAR_WIDTH = 1000.0
LATE_NEWS_SECONDS = 60
_KINDS = {
    "created": phrase("Opened"),
    "updated": phrase("Updated"),
    "commented": phrase("Commented"),
    "noted": phrase("Internal note"),
    "status": phrase("Status changed"),
    "assigned": phrase("Assigned"),
    "priority": phrase("Priority changed"),
    "worked": phrase("Worked on"),
    "escalated": phrase("Escalated"),
    "merged": phrase("Merged"),
}
_ACTORS = {
    "agent": phrase("by the desk"),
    "customer": phrase("by the customer"),
    "supplier": phrase("by a supplier"),
    "system": phrase("by the system"),
}
_SEGMENT_WORDS = {"ran": "Ran", "waited": "Waited", "late": "Over target", "left": "Left"}
_HIDDEN = ("attributes.title",)


@dataclass(frozen=True)
class Segment:
    """A stretch of the bar: `kind` ran, waited, late or left; place and width in units of BAR_WIDTH."""

    kind: str
    x: float
    width: float
    words: str


@dataclass(frozen=True)
class Mark:
    """A line across the bar: `kind` target or warning."""

    kind: str
    x: float
    words: str


@dataclass(frozen=True)
class Bar:
    """The course of a clock in working time, from its start to its target or, when late, to now."""

    segments: tuple[Segment, ...]
    marks: tuple[Mark, ...]
    legend: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Change:
    """One column that carried news."""

    name: str
    value: str


@dataclass(frozen=True)
class Entry:
    """One line of the timeline. `heard_at` is set where it became known more than a minute after it happened."""

    at: datetime
    heard_at: datetime | None
    words: str
    actor: str
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class TicketView:
    """Everything the template needs beside the file itself. The timeline begins with the latest."""

    title: str
    bar: Bar | None
    timeline: tuple[Entry, ...]
    dots: Markup


def ticket_view(found: TicketFile) -> TicketView:
    """The view of a file."""
    probability = found.row.probability if found.row else None
    return TicketView(
        title=found.facts.get("title", ""),
        bar=clock_bar(found.leading) if found.leading else None,
        timeline=timeline_of(found.events),
        dots=hundred_dots(round(probability * 100)) if probability is not None else Markup(),
    )


def clock_bar(item: ClockFile) -> Bar | None:
    """The bar of one clock; None for a clock without target or that never ran."""
    target, left = item.clock.target_seconds, item.clock.remaining_working_seconds
    if not target or item.started_at is None:
        return None
    pieces = list(_pieces(item, target))
    if left is not None and left > 0 and item.stopped_at is None:
        pieces.append(("left", left))
    if not pieces:  # met in the second it began: there is no course to draw
        return None
    scale = BAR_WIDTH / sum(seconds for _kind, seconds in pieces)
    segments, x = [], 0.0
    for kind, seconds in pieces:
        words = f"{_SEGMENT_WORDS[kind]} {working_time(seconds)}"
        segments.append(Segment(kind, round(x, 2), round(seconds * scale, 2), words))
        x += seconds * scale
    marks = [Mark("target", place, "Target") for place in _places(pieces, target, scale)]
    for warning in item.warnings:
        words = f"Warning at {percent(warning.share)}"
        marks += [Mark("warning", place, words) for place in _places(pieces, target * warning.share, scale)]
    return Bar(tuple(segments), tuple(marks), _legend(pieces))


def _places(pieces: list[tuple[str, float]], amount: float, scale: float) -> Iterator[float]:
    """Where on the bar so much of the target is used up, if it ever is."""
    x = used = 0.0
    for kind, seconds in pieces:
        counted = 0.0 if kind == "waited" else seconds
        if counted and used + counted >= amount - 1e-3:
            yield round((x + amount - used) * scale, 2)
            return
        x, used = x + seconds, used + counted


def _pieces(item: ClockFile, target: float) -> Iterator[tuple[str, float]]:
    """What ran and waited in order, in working seconds, the part beyond the target apart; neighbours of a kind are one."""
    ran = 0.0
    for kind, seconds in _runs(item):
        if kind == "waited":
            yield kind, seconds
            continue
        within = min(seconds, max(0.0, target - ran))
        ran += seconds
        if within > 0:
            yield "ran", within
        if seconds - within > 0:
            yield "late", seconds - within


def _runs(item: ClockFile) -> Iterator[tuple[str, float]]:
    kinds = {"ran": "ran", "paused": "waited"}
    steps = [(kinds[step.doing], step.working_seconds) for step in item.steps if step.doing in kinds]
    for kind, group in groupby(steps, key=lambda step: step[0]):
        total = sum(seconds for _kind, seconds in group)
        if total > 0:
            yield kind, total


def _legend(pieces: list[tuple[str, float]]) -> tuple[tuple[str, str], ...]:
    totals: dict[str, float] = {}
    for kind, seconds in pieces:
        totals[kind] = totals.get(kind, 0.0) + seconds
    return tuple(
        (kind, f"{_SEGMENT_WORDS[kind]} {working_time(totals[kind])}") for kind in _SEGMENT_WORDS if kind in totals
    )


def timeline_of(events: tuple[EventLine, ...]) -> tuple[Entry, ...]:
    """The events in words, the latest first. Sources repeat what they know; only what an event changed is told."""
    known: dict[str, str] = {}
    entries = []
    for event in events:
        changes = {name: text for name, text in event.changes.items() if known.get(name, "") != text}
        known |= event.changes
        entries.append(_entry(event, changes))
    return tuple(reversed(entries))


def _entry(event: EventLine, changes: dict[str, str]) -> Entry:
    words = _KINDS.get(event.kind, event.kind.capitalize())
    shown = tuple(
        Change(name.removeprefix("attributes.").replace("_", " "), text)
        for name, text in changes.items()
        if name not in _HIDDEN or event.kind != "created"
    )
    is_late = (event.recorded_at - event.event_at).total_seconds() > LATE_NEWS_SECONDS
    return Entry(
        event.event_at, event.recorded_at if is_late else None, words, _ACTORS.get(event.actor_kind, ""), shown
    )


@cache
def hundred_dots(missing: int) -> Markup:
    """A hundred dots in ten rows as parts of an SVG drawing: so many that miss come first."""
    missed = ' class="misses"'
    dots = (
        f'<circle cx="{number % 10}" cy="{number // 10}" r="0.36"{missed if number < missing else ""}/>'
        for number in range(100)
    )
    return Markup("".join(dots))  # noqa: S704 (numbers alone)
