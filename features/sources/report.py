"""The data quality report of a read file, for people and for machines."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from features.sources.faults import count_of
from features.sources.quality import Quality, Seen
from features.sources.result import ImportResult

_MOST = 12


def report_text(result: ImportResult) -> str:
    """The report as lines for people: what was read, what was left out and why, what is worth a look."""
    subject = "services" if result.mapping.kind == "service_events" else "tickets"
    quality = result.quality
    lines = [
        f"{result.source}: {count_of(result.rows_read, 'row')} read, {result.rows_rejected:,} rejected, {len(result.duplicate_rows):,} dropped as identical",
        f"{quality.subjects:,} {subject}, {len(result.found):,} events{_of_them_creations(result)}, from {_day(quality.first_at)} to {_day(quality.last_at)}",
        *_seen_lines("States", quality.states),
        *_seen_lines("Priorities", quality.priorities),
    ]
    for rejection in result.rejections:
        lines += ["Rejected: " + rejection.text().replace("\n", "\n  ")]
    look = notes(result)
    if look:
        lines += ["Worth a look:", *(f"  - {note}" for note in look)]
    suspects = quality.leak_suspects
    if suspects:
        lines += [
            "Leak suspicion (a final value on every row would tell a model the future):",
            *(f"  - {one.text()}" for one in suspects),
        ]
    return "\n".join(lines)


def report_dict(result: ImportResult) -> dict[str, Any]:
    """The report as plain values for JSON."""
    quality = asdict(result.quality)
    quality = {key: value.isoformat() if isinstance(value, datetime) else value for key, value in quality.items()}
    quality["gaps"] = [{"days": gap.days, "after": gap.after.isoformat()} for gap in result.quality.gaps]
    return {
        "source": result.source,
        "kind": result.mapping.kind,
        "rows_read": result.rows_read,
        "rows_rejected": result.rows_rejected,
        "rows_duplicate": len(result.duplicate_rows),
        "rows_without_event": result.rows_without_event,
        "events": len(result.found),
        "rejections": [
            {"reason": one.reason, "expected": one.expected, "rows": list(one.rows), "examples": list(one.examples)}
            for one in result.rejections
        ],
        "unmapped_columns": list(result.unmapped_columns),
        "ignored_columns": dict(result.mapping.ignore),
        "quality": quality,
        "notes": notes(result),
    }


def notes(result: ImportResult) -> list[str]:
    """What a careful reader would want to know about the file, one sentence each."""
    quality = result.quality
    mapping, zone = result.mapping, result.mapping.time_zone
    free = [name for name in mapping.attributes if name not in mapping.pseudonymise]
    found = [
        (
            len(result.unmapped_columns),
            f"columns neither used nor ignored by the mapping: {', '.join(result.unmapped_columns)}",
        ),
        (result.rows_without_event, f"no events, says the mapping: {count_of(result.rows_without_event, 'row')}"),
        (
            quality.out_of_order_rows,
            f"after a later row of the same subject: {count_of(quality.out_of_order_rows, 'row')}; sorted by time",
        ),
        (
            quality.recorded_before_happened,
            f"recorded before it happened: {count_of(quality.recorded_before_happened, 'row')}; recorded_at moved to event_at",
        ),
        (
            quality.opened_after_first_row,
            f"opened after the first row: {count_of(quality.opened_after_first_row, 'ticket')}; opening moved to that row",
        ),
        (
            quality.in_gap_rows,
            f"local times that the clocks skipped in {zone}: {count_of(quality.in_gap_rows, 'row')}; moved forward",
        ),
        (
            quality.ambiguous_rows,
            f"local times that happened twice in {zone}: {count_of(quality.ambiguous_rows, 'row')}; taken as the first",
        ),
        (len(mapping.pseudonymise), f"stored as pseudonyms: {', '.join(mapping.pseudonymise)}"),
        (
            len(mapping.pseudonymise) and len(free),
            f"free texts stay as they are and may hold names: {', '.join(free)}; what is not needed, leave out of the mapping",
        ),
        (quality.has_odd_hours, _odd_hours(quality, zone)),
        (len(quality.gaps), _gaps(quality)),
        (len(quality.date_formats) > 1, _formats(quality)),
    ]
    return [note for applies, note in found if applies]


def _odd_hours(quality: Quality, time_zone: str) -> str:
    start, end = quality.busiest_hours or (0, 0)
    hours = abs(quality.shift_hours)
    return (
        f"most rows fall between {start}:00 and {end % 24}:00 in {time_zone}, {hours} hours {'after' if quality.shift_hours > 0 else 'before'} ordinary office hours; "
        "if that is not when people work, time_zone is wrong, or the file gives local times as UTC"
    )


def _gaps(quality: Quality) -> str:
    gaps = ", ".join(f"{gap.days:.0f} days after {_day(gap.after)}" for gap in quality.gaps)
    return f"no rows at all for {gaps}: is a part of the export absent?"


def _formats(quality: Quality) -> str:
    found = ", ".join(f"{count_of(count, 'row')} as {written!r}" for written, count in quality.date_formats.items())
    return (
        f"dates are written in {len(quality.date_formats)} ways: {found}; where a text fits several, the first counts"
    )


def _of_them_creations(result: ImportResult) -> str:
    if "opened_at" not in result.mapping.columns:
        return ""
    return f" ({result.creations:,} of them creations)"


def _seen_lines(title: str, seen: tuple[Seen, ...]) -> list[str]:
    if not seen:
        return []
    shown = [f"{one.found or 'nothing'} {_arrow(one)}({one.rows:,})" for one in seen[:_MOST]]
    more = [f"and {len(seen) - _MOST} more"] if len(seen) > _MOST else []
    return [f"{title}: {', '.join([*shown, *more])}"]


def _arrow(one: Seen) -> str:
    if one.became == one.found:
        return ""
    return f"= {'no news' if one.became is None else one.became or 'empty'} "


def _day(at: datetime | None) -> str:
    return "never" if at is None else f"{at:%Y-%m-%d}"
