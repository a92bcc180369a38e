"""One ticket's file as a queue has it: what was worked out for the list is not worked out again for its page."""

from __future__ import annotations

from dataclasses import replace

from serving.likely_end import likely_ends, unseen
from serving.queue import Queue
from serving.scored_rows import ScoredRows
from serving.ticket_file import TicketFile
from serving.ticket_reading import read_ticket


def listed_ticket(queue: Queue, ticket_id: str) -> TicketFile | None:
    """The file of a ticket that stands in the queue, by what the queue knows, at its instant.

    Its row, probability, reasons and likely end are those of the list, also where the bundle was asked some minutes before the instant.
    None for a ticket that is not in it, and where no bundle was asked: the rules alone are read as quickly from the events.
    """
    if not isinstance(queue.rows, ScoredRows) or queue.rows.scored.estimates.bundle is None:
        return None
    scored = queue.rows.scored
    here, reading = scored.places_of([ticket_id]), scored.reading
    if here[0] < 0:
        return None
    told = scored.estimates.reasons(here)
    ((_, histories, mine),) = scored.histories.parts(scored.snapshots.take(here))
    file = read_ticket(histories, int(mine.ticket[0]), reading.at, scored.rows(here, told), told, reading.local)
    (end,) = likely_ends(scored.estimates, scored.leading, reading.agreements, reading.at, here)
    return replace(
        file,
        bundle_version=scored.estimates.version,
        likely_end=end,
        warnings=unseen(scored.estimates.bundle, file.facts),
    )
