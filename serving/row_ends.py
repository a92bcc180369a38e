"""When the tickets of the rows that are read will likely end: worked out for these alone, for few rows are ever read."""

from __future__ import annotations

from collections.abc import Sequence

from serving.likely_end import LikelyEnd, likely_ends
from serving.queue import QueueRow
from serving.scored_rows import ScoredRows


def ends_of(everything: Sequence[QueueRow], rows: Sequence[QueueRow]) -> dict[str, LikelyEnd]:
    """The likely ends by ticket of some `rows` of a queue's; a ticket without one is left out (serving/likely_end.py says why)."""
    if not isinstance(everything, ScoredRows) or not len(rows):
        return {}
    scored = everything.scored
    ids = [row.ticket_id for row in rows]
    places = scored.places_of(ids)
    ends = likely_ends(scored.estimates, scored.leading, scored.reading.agreements, scored.reading.at, places)
    return {ticket_id: end for ticket_id, end in zip(ids, ends, strict=True) if end is not None}
