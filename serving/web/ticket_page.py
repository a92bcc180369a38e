"""What the ticket page shows beside the plain facts: the course of the leading clock as a bar, and events in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from serving.ticket_file import ClockFile, EventLine, TicketFile
from serving.wording import working_time

BAR_WIDTH = 1000.0
_KINDS = {
    "created": "Opened",
    "updated": "Updated",
    "commented": "Commented",
    "noted": "Internal note",
    "status": "Status changed",
    "assigned": "Assigned",
    "priority": "Priority changed",
    "worked": "Worked on",
    "escalated": "Escalated",
    "merged": "Merged",
}
_ACTORS = {"agent": "the desk", "customer": "the customer", "supplier": "a supplier", "system": "the system"}
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
class Bar:
    """The course of a clock in working time, from its start to its target or, when late, to now."""

    segments: tuple[Segment, ...]
    target_x: float | None
    legend: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Change:
    """One column that carried news."""

    name: str
    value: str


@dataclass(frozen=True)
class Entry:
    """One line of the timeline. `heard_at` is set where it became known notably later than it happened."""

    at: datetime
    heard_at: datetime | None
    words: str
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class TicketView:
    """Everything the template needs beside the file itself. The timeline begins with the latest."""

    title: str
    bar: Bar | None
    timeline: tuple[Entry, ...]
    dots: tuple[tuple[int, int, bool], ...]


def ticket_view(found: TicketFile) -> TicketView:
    """The view of a file."""
    probability = found.row.probability if found.row else None
    return TicketView(
        title=found.facts.get("title", ""),
        bar=clock_bar(found.leading) if found.leading else None,
        timeline=tuple(entry(event) for event in reversed(found.events)),
        dots=tuple(hundred_dots(probability)) if probability is not None else (),
    )


def clock_bar(item: ClockFile) -> Bar | None:
    """The bar of one clock; None for a clock without target or that never ran."""
    target, left = item.clock.target_seconds, item.clock.remaining_working_seconds
    if not target or item.started_at is None:
        return None
    pieces = list(_pieces(item, target))
    if left is not None and left > 0 and item.stopped_at is None:
        pieces.append(("left", left))
    total = sum(seconds for _kind, seconds in pieces) or 1.0
    segments, x, ran, target_x = [], 0.0, 0.0, None
    for kind, seconds in pieces:
        width = BAR_WIDTH * seconds / total
        segments.append(Segment(kind, round(x, 2), round(width, 2), f"{_SEGMENT_WORDS[kind]} {working_time(seconds)}"))
        x += width
        ran += seconds if kind in ("ran", "left") else 0.0
        if kind in ("ran", "left") and ran >= target - 1e-3:
            target_x = round(x, 2)
    return Bar(tuple(segments), target_x, _legend(pieces))


def _pieces(item: ClockFile, target: float) -> Iterator[tuple[str, float]]:
    """What ran and waited in order, in working seconds, the part beyond the target apart."""
    ran = 0.0
    for span in item.spans:
        if span.working_seconds <= 0:
            continue
        if span.kind != "ran":
            yield "waited", span.working_seconds
            continue
        within = min(span.working_seconds, max(0.0, target - ran))
        ran += span.working_seconds
        if within > 0:
            yield "ran", within
        if span.working_seconds - within > 0:
            yield "late", span.working_seconds - within


def _legend(pieces: list[tuple[str, float]]) -> tuple[tuple[str, str], ...]:
    totals: dict[str, float] = {}
    for kind, seconds in pieces:
        totals[kind] = totals.get(kind, 0.0) + seconds
    return tuple(
        (kind, f"{_SEGMENT_WORDS[kind]} {working_time(totals[kind])}") for kind in _SEGMENT_WORDS if kind in totals
    )


def entry(event: EventLine) -> Entry:
    """An event in words; what was recorded more than a minute after it happened says so."""
    words = _KINDS.get(event.kind, event.kind.capitalize())
    if actor := _ACTORS.get(event.actor_kind):
        words += f" by {actor}"
    changes = tuple(
        Change(name.removeprefix("attributes.").replace("_", " "), value)
        for name, value in event.changes.items()
        if name not in _HIDDEN or event.kind != "created"
    )
    is_late = (event.recorded_at - event.event_at).total_seconds() > 60
    return Entry(event.event_at, event.recorded_at if is_late else None, words, changes)


def hundred_dots(probability: float) -> Iterator[tuple[int, int, bool]]:
    """A hundred dots in ten rows, as (column, row, misses): the share that misses comes first."""
    missing = round(probability * 100)
    for number in range(100):
        yield number % 10, number // 10, number < missing
