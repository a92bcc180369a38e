"""Missed targets with what was written about them: cause, action, owner, due day; what is overdue comes first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

import pandas as pd

from features.store.deviation_notes import DeviationNote

Notes = Mapping[tuple[str, str], DeviationNote]


class DeviationState(StrEnum):
    """How far a deviation has come. `noted`: there is a cause, and nothing is to be done."""

    OVERDUE = "overdue"
    OPEN = "open"
    UNEXPLAINED = "unexplained"
    NOTED = "noted"
    DONE = "done"


@dataclass(frozen=True)
class Deviation:
    """One clock that missed its target, and the note that holds for it, if there is one."""

    ticket_id: str
    target: str
    agreement: str
    decided_at: datetime
    share_used: float
    overdue_seconds: float
    team: str
    service: str
    category: str
    priority: str
    note: DeviationNote | None
    state: DeviationState


def state_of(note: DeviationNote | None, today: date) -> DeviationState:
    """How far a deviation with that note has come; one is overdue from the day after its due day."""
    if note is None or not (note.cause or note.action or note.owner or note.due_on or note.is_done):
        return DeviationState.UNEXPLAINED  # also where what was written was taken back
    if note.is_done:
        return DeviationState.DONE
    if note.due_on is not None and note.due_on < today:
        return DeviationState.OVERDUE
    return DeviationState.OPEN if note.action or note.due_on else DeviationState.NOTED


def deviations_of(missed: pd.DataFrame, notes: Notes, today: date) -> Iterator[Deviation]:
    """The missed clocks of a frame (see serving.levels.COLUMNS) in its order, each with its note."""
    names = ("ticket_id", "target", "agreement", "decided_at", "share_used", "overdue_seconds", "team", "service", "category", "priority")  # fmt: skip
    for values in zip(*(missed[name].tolist() for name in names), strict=True):
        told = dict(zip(names, values, strict=True))
        note = notes.get((str(told["ticket_id"]), str(told["target"])))
        yield Deviation(**told | {"decided_at": told["decided_at"].to_pydatetime()}, note=note, state=state_of(note, today))  # fmt: skip


def pressing_first(deviations: Iterable[Deviation]) -> list[Deviation]:
    """Overdue ones by their due day, then what is open by its due day, those without one behind; the rest as it was."""

    def key(one: Deviation) -> tuple[int, date]:
        due_on = one.note.due_on if one.note and one.note.due_on else date.max
        pressing = (DeviationState.OVERDUE, DeviationState.OPEN)
        return (pressing.index(one.state), due_on) if one.state in pressing else (len(pressing), date.max)

    return sorted(deviations, key=key)


def open_actions(missed: pd.DataFrame, notes: Notes, today: date) -> list[Deviation]:
    """What is still to be done about missed clocks of any month, the overdue first."""
    wanted = [
        key for key, note in notes.items() if state_of(note, today) in (DeviationState.OVERDUE, DeviationState.OPEN)
    ]
    if not wanted:
        return []
    keys = pd.MultiIndex.from_arrays([missed["ticket_id"], missed["target"]])
    return pressing_first(deviations_of(missed[keys.isin(wanted)], notes, today))
