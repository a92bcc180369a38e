"""A queue as CSV that a spreadsheet can open without running what a customer wrote."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from serving.queue import Queue, QueueRow
from serving.reports.columns import Value, names, record

REASONS = 3
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def as_csv(queue: Queue, rows: Sequence[QueueRow] | None = None) -> str:
    """The CSV text (RFC 4180, first line the names) of the given rows, or of the whole queue."""
    shown = queue.rows if rows is None else rows
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([*names(), *(f"reason_{number}" for number in range(1, REASONS + 1))])
    for row in shown:
        reasons = [*row.reasons[:REASONS], *[""] * (REASONS - len(row.reasons))]
        writer.writerow([harmless(value) for value in (*record(row).values(), *reasons)])
    return text.getvalue()


def harmless(value: Value) -> str:
    """The cell's text; text that a spreadsheet would take for a formula gets an apostrophe in front (OWASP, CSV injection)."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return repr(value)
    return f"'{value}" if value.lstrip(" ").startswith(_FORMULA_STARTS) or value.startswith(_FORMULA_STARTS) else value
