"""Incidents and maintenances of a status page (statuspage.io): `/api/v2/incidents.json`, `/api/v2/scheduled-maintenances.json`.

An update says to which state it moved each component and when it was posted; from these the states of a component during an
incident follow. `at` is what the page displays as the time of the update, `recorded` when it was posted: an update that is
dated back was not known earlier. Where no update names components, the incident's own impact holds for its components.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from features.sources.adapters.pages import ALONE, Pages, listed, text
from features.sources.change_log import Refusals, instant
from features.sources.faults import SourceError
from features.sources.mapping_model import Mapping
from features.sources.table import Coded, Table
from features.sources.text_columns import TextColumns

PAGES = ("incidents", "scheduled_maintenances", "page")
COLUMNS = (
    "component",
    "component_id",
    "at",
    "recorded",
    "status",
    "phase",
    "incident",
    "title",
    "impact",
    "planned_until",
)
OVER = ("resolved", "completed", "postmortem")
_EXPECTED = "an incident with 'id', 'created_at', and 'resolved_at' once it is over"


@dataclass(frozen=True)
class _Move:
    """A component in another state from an update on."""

    component: str
    component_id: str
    at: str
    recorded: str
    status: str
    number: int  # of the update, from the earliest; 0: the incident itself


def transitions(path: str, pages: Pages, refusals: Refusals, mapping: Mapping) -> Table:
    """One row for each beginning and each end of a state of a component; states that mean the same kind are one."""
    latest: dict[str, tuple[str, dict[str, Any]]] = {}
    page = next((text(one.value) for one in pages["page"] if isinstance(one.value, dict)), "")
    for located in (*pages["incidents"], *pages["scheduled_maintenances"], *pages[ALONE]):
        one = located.value
        if not isinstance(one, dict) or not one.get("id") or not one.get("created_at"):
            refusals.add("no incident", f"{located.place}: 'id' or 'created_at' missing", _EXPECTED)
            continue
        known = latest.get(text(one["id"]))
        if known is None or instant(text(one.get("updated_at"))) > instant(text(known[1].get("updated_at"))):
            latest[text(one["id"])] = (f"incident {text(one['id'])} ({located.place})", one)
    kinds = mapping.values.get("kind", {})
    rows = _Rows()
    places: list[str] = []
    for place, one in (latest[name] for name in sorted(latest)):
        found = _rows_of(one, place, page, kinds, refusals)
        rows.add(found, len(places))
        places.append(place)
    return rows.table(path, places, refusals)


class _Rows:
    def __init__(self) -> None:
        self._columns = TextColumns()
        self._owner: list[int] = []
        self._number: list[int] = []

    def add(self, found: list[tuple[int, dict[str, str]]], owner: int) -> None:
        self._columns.add([row for _, row in found])
        self._owner += [owner] * len(found)
        self._number += [number for number, _ in found]

    def table(self, name: str, places: list[str], refusals: Refusals) -> Table:
        rejections, count = refusals.rejections(), len(self._columns)
        if not count:
            reasons = "\n".join(one.text() for one in rejections)
            raise SourceError(
                f"{name}: holds no incident that can be used; export it again with data\n{reasons}".rstrip()
            )
        columns = self._columns.columns()
        for known in COLUMNS:
            columns.setdefault(known, Coded.constant(None, count))
        return Table(
            name,
            columns,
            np.arange(1, count + 1),
            np.array(self._number, np.int64),
            count + sum(one.count for one in rejections),
            rejections,
            (),
            noun="update",
            names_at="",
            owners=Coded(np.array(self._owner, np.int32), np.array(places, object)),
        )


def _rows_of(
    one: dict[str, Any], place: str, page: str, kinds: Any, refusals: Refusals
) -> list[tuple[int, dict[str, str]]]:
    is_over = text(one.get("status")) in OVER
    end = _end(one)
    if is_over and end is None:
        refusals.add("no end", f"{place}: status is {text(one.get('status'))!r} without 'resolved_at'", _EXPECTED)
        return []
    moves = sorted(_moves(one, page), key=lambda move: (instant(move.at), instant(move.recorded), move.number))
    if not moves:
        refusals.add("no component", f"{place}: neither components nor the page's name", _EXPECTED)
        return []
    shared = {"incident": text(one["id"]), "title": text(one.get("name")), "impact": text(one.get("impact"))}
    if one.get("scheduled_until"):
        shared["planned_until"] = text(one["scheduled_until"])
    rows: list[tuple[int, dict[str, str]]] = []
    for component in dict.fromkeys(move.component for move in moves):
        own = [move for move in moves if move.component == component]
        rows += ((number, row | shared) for number, row in _states(own, kinds, end if is_over else None))
    return rows


def _states(moves: list[_Move], kinds: Any, end: tuple[str, str] | None) -> Iterator[tuple[int, dict[str, str]]]:
    """The beginnings and ends of one component's states in one incident; words the mapping does not know count as kinds."""
    held: _Move | None = None
    for move in moves:
        before = None if held is None else kinds.get(held.status, held.status)
        after = kinds.get(move.status, move.status)
        if before == after:
            continue
        if held is not None:
            yield move.number, _row(held, "end", move.at, move.recorded)
        held = move if after is not None else None
        if held is not None:
            yield move.number, _row(move, "start", move.at, move.recorded)
    if held is not None and end is not None:
        yield moves[-1].number + 1, _row(held, "end", *end)


def _row(state: _Move, phase: str, at: str, recorded: str) -> dict[str, str]:
    return {
        "component": state.component,
        "component_id": state.component_id,
        "at": at,
        "recorded": recorded,
        "status": state.status,
        "phase": phase,
    }


def _moves(one: dict[str, Any], page: str) -> Iterator[_Move]:
    """What the updates say of components; where none does, the impact of the incident from its beginning on."""
    updates = sorted(listed(one.get("incident_updates")), key=lambda update: instant(text(update.get("created_at"))))
    found = False
    if not one.get("scheduled_for"):
        for number, update in enumerate(updates, start=1):
            recorded = text(update.get("created_at"))
            at = text(update.get("display_at")) or recorded
            for component in listed(update.get("affected_components")):
                found = True
                name, code = text(component.get("name")), text(component.get("code"))
                yield _Move(name, code, at, recorded, text(component.get("new_status")), number)
    if not found:
        recorded = text(one["created_at"])
        at = text(one.get("scheduled_for")) or text(one.get("started_at")) or recorded
        status = "under_maintenance" if one.get("scheduled_for") else text(one.get("impact")) or "none"
        parts = [(text(part.get("name")), text(part.get("id"))) for part in listed(one.get("components"))]
        for name, code in parts or ([(page, "")] if page else []):
            yield _Move(name, code, at, recorded, status, 0)


def _end(one: dict[str, Any]) -> tuple[str, str] | None:
    """When it was over and when that was posted; None while it is not, or where nothing says when."""
    done = [update for update in listed(one.get("incident_updates")) if text(update.get("status")) in OVER[:2]]
    first = min(done, key=lambda update: instant(text(update.get("created_at"))), default=None)
    at = text(one.get("resolved_at")) or (text(first.get("display_at")) if first else "")
    recorded = text(first.get("created_at")) if first else at
    return (at, max(at, recorded, key=instant)) if at else None
