"""What POST /score says beside a ticket's row: when it will likely end, and what the model never saw of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from serving.api.tickets import likely_end_content
from serving.likely_end import likely_ends, unseen
from serving.queue import Queue
from serving.scored_rows import ScoredRows


def said_beside(
    queue: Queue, attributes: Mapping[str, Mapping[str, str]], *, with_range: bool
) -> dict[str, dict[str, Any]]:
    """`likely_end` and `warnings` of each ticket by its id, as plain values for JSON. `attributes`: the free ones of each, as they stand."""
    if not isinstance(queue.rows, ScoredRows):
        return {row.ticket_id: {"likely_end": None, "warnings": []} for row in queue.rows}
    scored = queue.rows.scored
    reading = scored.reading
    everything = np.arange(len(scored.facts.ticket_ids))
    ends = (
        likely_ends(scored.estimates, scored.leading, reading.agreements, reading.at, everything)
        if with_range
        else None
    )
    found = {}
    for place, (ticket_id, words) in enumerate(
        zip(scored.facts.ticket_ids.tolist(), scored.facts.in_words(), strict=True)
    ):
        end = ends[place] if ends else None
        facts = words | {f"attributes.{name}": text for name, text in attributes[ticket_id].items()}
        found[str(ticket_id)] = {
            "likely_end": likely_end_content(end) if end else None,
            "warnings": list(unseen(scored.estimates.bundle, facts)),
        }
    return found
