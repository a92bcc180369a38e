"""A queue as text for a terminal of 120 columns."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Sequence

from serving.queue import Queue, QueueRow
from serving.risk import Group
from serving.wording import LocalTime, one_line, percent, relative, working_time

WIDTH = 120
_WIDTHS = {"risk": 20, "left": 14, "wall": 14, "due": 12, "verdict": 10, "ticket": 12, "priority": 4}
_REASONS_INDENT = 4
_HEADINGS = {
    "risk": "RISK",
    "left": "WORK TIME LEFT",
    "wall": "BY THE CLOCK",
    "due": "DUE",
    "verdict": "RULES SAY",
    "ticket": "TICKET",
    "priority": "PRIO",
    "title": "TITLE",
}
_NOTES = {
    "rules": {
        Group.SAVE_NOW: "due soon, or likely to miss",
        Group.SAFE_FOR_NOW: "paused last",
        Group.LATE_OR_LOST: "tell the customer; longest without contact first",
    },
    "suggested": {
        Group.SAVE_NOW: "what a minute of work saves most first",
        Group.SAFE_FOR_NOW: "can wait while others cannot; paused last",
        Group.LATE_OR_LOST: "tell the customer; later and shorter ones first",
    },
}


_PLACES = "`2. of Workplace`: take it second of that team's tickets, whatever its group."


def as_table(queue: Queue, rows: Sequence[QueueRow] | None = None, width: int = WIDTH) -> str:
    """The queue as lines of at most `width` columns: what is known and counts first, then the rows under their groups.

    A ticket has a line of where it stands, and below it why: in the suggested order first the sentence of its place, in full.
    """
    shown = queue.rows if rows is None else rows
    local = LocalTime.named(queue.zone)
    lines = [*_head(queue, local), *textwrap.wrap(queue.order_words, width)]
    lines += [line for one in queue.idle for line in textwrap.wrap(f"Idle: {one.words}", width, subsequent_indent="  ")]
    if queue.order == "suggested":
        lines.append(_PLACES)
    lines.append("")
    if not shown:
        lines.append("No open tickets.")
    else:
        lines.append(_line(_HEADINGS, width))
    group: Group | None = None
    for row in shown:
        if row.group is not group:
            group = row.group
            lines.append(f"-- {group.word} ({_count(queue, group)}): {_NOTES[queue.order][group]} ".ljust(width, "-"))
        lines.append(_line(_cells(row, queue, local), width))
        lines += _why(row, width, is_told=queue.order == "suggested")
    if len(shown) < len(queue.rows):
        lines.append(_rest(queue, shown))
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _head(queue: Queue, local: LocalTime) -> list[str]:
    counts = queue.counts
    by = f"scored by {queue.bundle_version}" if queue.bundle_version else queue.rules_only_reason or "Rules only"
    return [
        f"Queue as of {local.full(queue.as_of)}: {counts.all} open, {by}",
        f"{counts.save_now} save now, {counts.safe_for_now} safe for now, {counts.late_or_lost} late or lost; {counts.paused} paused.",
    ]


def _rest(queue: Queue, shown: Sequence[QueueRow]) -> str:
    """How many more there are, by group: who looks at the top few is told of the late ones below."""
    left = {group: _count(queue, group) - sum(row.group is group for row in shown) for group in Group}
    groups = ", ".join(f"{count} {group.word.lower()}" for group, count in left.items() if count > 0)
    return f"   ... {len(queue.rows) - len(shown):,} more open tickets".replace(",", " ") + f": {groups}"


def _count(queue: Queue, group: Group) -> int:
    return int(getattr(queue.counts, group.value))


def _cells(row: QueueRow, queue: Queue, local: LocalTime) -> dict[str, str]:
    clock = row.clock
    left, wall, due = clock.remaining_working_seconds, clock.remaining_wall_seconds, clock.due_at
    number = f" {percent(row.probability)}" if row.probability is not None else ""
    return {
        "risk": f"{row.risk.shape} {row.risk.word}{number}",
        "left": "" if left is None else working_time(left),
        "wall": "" if wall is None else relative(wall),
        "due": "" if due is None else local.short(due, queue.as_of),
        "verdict": clock.state.replace("paused_and_breached", "paused, ✕").replace("_", " "),
        "ticket": row.ticket_id,
        "priority": row.priority,
        "title": row.title or row.category or row.service,
    }


def _line(cells: dict[str, str], width: int) -> str:
    fixed = " ".join(fitted(cells[name], size) for name, size in _WIDTHS.items())
    return f"{fixed} {fitted(cells['title'], width - sum(_WIDTHS.values()) - len(_WIDTHS))}"


def _why(row: QueueRow, width: int, is_told: bool) -> list[str]:
    """The row's reasons below it, as many on a line as fit; one is cut only where it alone is longer than a line.

    In the suggested order a sentence before them says why the ticket stands there; it is never cut between words.
    """
    room = width - _REASONS_INDENT
    is_placed = row.rank_in_team is not None and is_told
    place = _broken(one_line(f"{_place(row)}{row.why_here}"), room) if is_placed else []
    lines = list(place)
    for reason in map(one_line, row.reasons):
        if len(lines) > len(place) and _columns(joined := f"{lines[-1]}; {reason}") <= room:
            lines[-1] = joined
        else:
            lines.append(reason)
    return [" " * _REASONS_INDENT + fitted(line, room).rstrip() for line in lines]


def _place(row: QueueRow) -> str:
    return f"{row.rank_in_team}. of {row.team}: " if row.team else f"{row.rank_in_team}.: "


def _broken(text: str, room: int) -> list[str]:
    """The text in lines of at most so many columns, broken between words; the later ones are indented."""
    lines: list[str] = []
    for word in text.split():
        if lines and _columns(joined := f"{lines[-1]} {word}") <= room:
            lines[-1] = joined
        else:
            lines.append(f"  {word}" if lines else word)
    return lines


def fitted(text: str, width: int) -> str:
    """The text in exactly `width` terminal columns, cut with `…` or padded; wide letters count twice; control characters go."""
    clean = one_line(text)
    if _columns(clean) > width:
        while clean and _columns(clean) > width - 1:
            clean = clean[:-1]
        clean += "…"
    return clean + " " * (width - _columns(clean))


def _columns(text: str) -> int:
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )
