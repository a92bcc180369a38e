"""A queue as one JSON document."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from serving.queue import Queue, QueueRow
from serving.reports.columns import iso, record


def document(queue: Queue, rows: Sequence[QueueRow] | None = None) -> dict[str, Any]:
    """The queue as plain values ready for JSON; `rows` limits what is listed, the counts are always of the whole queue."""
    return {
        "as_of": iso(queue.as_of),
        "time_zone": queue.zone,
        "target": queue.target,
        "bundle_version": queue.bundle_version,
        "rules_only_reason": queue.rules_only_reason,
        "order": queue.order,
        "order_words": queue.order_words,
        "idle_teams": [asdict(one) for one in queue.idle],
        "counts": asdict(queue.counts),
        "tickets": [row_document(row) for row in (queue.rows if rows is None else rows)],
    }


def row_document(row: QueueRow) -> dict[str, Any]:
    """One row as plain values, its reasons as a list."""
    return {**record(row), "reasons": list(row.reasons)}


def as_json(queue: Queue, rows: Sequence[QueueRow] | None = None) -> str:
    """The JSON text of a queue, indented, ending with a line break."""
    return json.dumps(document(queue, rows), indent=2, ensure_ascii=False) + "\n"
