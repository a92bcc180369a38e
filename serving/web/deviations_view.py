"""What the page of the service levels shows of deviations: what is still to be done, and the form for one of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

import pandas as pd
from fastapi import Request

from features.store.deviation_notes import DeviationNote
from features.store.faults import StoreError
from serving.access.caller import Caller
from serving.access.roles import Permission
from serving.api.deviations import history_of, missed_of, notes_of, today_of
from serving.api.levels import clocks_seen
from serving.deviations import Deviation, DeviationState, Notes, deviations_of, open_actions
from serving.levels import Month
from serving.problems import ProblemError
from serving.queue import Queue
from serving.reports.columns import iso
from serving.reports.delimited import harmless
from serving.service import service_of
from serving.web.language import phrase

STATES = {
    DeviationState.OVERDUE: ("✕", phrase("Overdue"), "breached"),
    DeviationState.OPEN: ("◆", phrase("To be done"), "some_risk"),
    DeviationState.UNEXPLAINED: ("○", phrase("No cause yet"), "no_clock"),
    DeviationState.NOTED: ("●", phrase("Cause known"), "on_track"),
    DeviationState.DONE: ("✓", phrase("Done"), "met"),
}
"""Shape, word, and the risk whose colours it has."""
CSV_COLUMNS = (
    *("ticket_id", "target", "agreement", "decided_at", "share_used", "overdue_seconds", "team", "service", "category"),
    *("priority", "state", "cause", "action", "owner", "due_on", "noted_by", "noted_at"),
)
MOST_ACTIONS = 25
UNREAD = -1


@dataclass(frozen=True)
class DeviationsView:
    """What is to be done about missed targets of any month; and the one that is written about, with all notes on it, the newest first."""

    actions: tuple[Deviation, ...]
    actions_total: int
    overdue_total: int
    noting: Deviation | None
    history: tuple[DeviationNote, ...]
    may_note: bool
    month: Month
    is_read: bool = True  # False: the store does not answer, so how far any deviation is cannot be told

    def note_url(self, one: Deviation) -> str:
        """The address of the form for a deviation."""
        return f"/levels?{urlencode({'month': self.month, 'note': one.ticket_id, 'target': one.target})}#note"

    @property
    def month_url(self) -> str:
        """The address of the month without any form."""
        return f"/levels?{urlencode({'month': self.month})}#deviations"


def deviations_view(request: Request, caller: Caller, queue: Queue, month: Month) -> tuple[DeviationsView, Notes]:
    """The view of a month at an address whose `note` and `target` name what is written about; and the notes that hold."""
    try:
        notes = notes_of(request)
        return _view(request, caller, queue, month, notes), notes
    except ProblemError:
        return DeviationsView((), 0, 0, None, (), may_note=False, month=month, is_read=False), {}


def _view(request: Request, caller: Caller, queue: Queue, month: Month, notes: Notes) -> DeviationsView:
    clocks, today = clocks_seen(request, caller), today_of(queue)
    key = request.query_params.get("note", ""), request.query_params.get("target", "")
    spoken_of = {ticket_id for ticket_id, _target in notes} | {key[0]}
    missed = missed_of(clocks[clocks["ticket_id"].isin(spoken_of)])
    actions = open_actions(missed, notes, today)
    named = missed[(missed["ticket_id"] == key[0]) & (missed["target"] == key[1])].head(1)
    noting = next(deviations_of(named, notes, today), None)
    store = service_of(request).store
    return DeviationsView(
        actions=tuple(actions[:MOST_ACTIONS]),
        actions_total=len(actions),
        overdue_total=sum(one.state is DeviationState.OVERDUE for one in actions),
        noting=noting,
        history=tuple(reversed(history_of(request, *key))) if noting is not None and noting.note is not None else (),
        may_note=store is not None and caller.may(Permission.IMPROVE),
        month=month,
    )


def version_of(request: Request) -> int:
    """A number that differs once anything was written; UNREAD while the store cannot be read."""
    store = service_of(request).store
    try:
        return 0 if store is None else store.deviation_notes.last_number()
    except StoreError:
        return UNREAD


def csv_lines(request: Request, queue: Queue, missed: pd.DataFrame) -> Iterator[list[object]]:
    """Each missed clock as a line with CSV_COLUMNS; text that a spreadsheet would run is neutralised."""
    for one in deviations_of(missed, notes_of(request), today_of(queue)):
        note = one.note
        told = {
            **{name: getattr(one, name) for name in CSV_COLUMNS[:10]},
            "decided_at": iso(one.decided_at),
            "share_used": f"{one.share_used:.4f}",
            "overdue_seconds": f"{one.overdue_seconds:.0f}",
            "state": one.state.value,
            **{name: getattr(note, name) if note else "" for name in ("cause", "action", "owner")},
            "due_on": note.due_on.isoformat() if note and note.due_on else "",
            "noted_by": note.made_by if note else "",
            "noted_at": iso(note.made_at) if note else "",
        }
        yield [harmless(str(told[name])) for name in CSV_COLUMNS]
