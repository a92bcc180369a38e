"""The views of the queue page: named parts of it, each with its count, on rows in memory and on columns alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum

import numpy as np

from serving.queue import QueueRow
from serving.risk import LATE, WAITING, Group, Risk
from serving.scored import GROUPS, Scored
from serving.scored_rows import ScoredRows
from serving.web.language import phrase
from serving.web.mark_book import Desk
from sla.instants import BoolArray

AT_RISK = (Risk.HIGH_RISK, Risk.SOME_RISK)


class PageView(StrEnum):
    """A part of the queue that the page shows. The groups have no pill of their own: their headings are in the list."""

    ALL = "all"
    AT_RISK = "at_risk"
    BREACHED = "breached"
    UNASSIGNED = "unassigned"
    PAUSED = "paused"
    MINE = "mine"
    SNOOZED = "snoozed"
    SAVE_NOW = "save_now"
    SAFE_FOR_NOW = "safe_for_now"
    LATE_OR_LOST = "late_or_lost"

    @property
    def word(self) -> str:
        """What it is called."""
        return _WORDS[self]

    @property
    def group(self) -> Group | None:
        """The group it is, if it is one."""
        return Group(self.value) if self.value in set(Group) else None


_WORDS = {
    PageView.ALL: phrase("All open"),
    PageView.AT_RISK: phrase("At risk"),
    PageView.BREACHED: phrase("Breached"),
    PageView.UNASSIGNED: phrase("Unassigned"),
    PageView.PAUSED: phrase("Paused"),
    PageView.MINE: phrase("Mine"),
    PageView.SNOOZED: phrase("Snoozed"),
    PageView.SAVE_NOW: phrase("Save now"),
    PageView.SAFE_FOR_NOW: phrase("Safe for now"),
    PageView.LATE_OR_LOST: phrase("Late or lost"),
}
PILLS = (PageView.ALL, PageView.AT_RISK, PageView.BREACHED, PageView.UNASSIGNED, PageView.PAUSED)


def part_of(rows: Sequence[QueueRow], view: PageView, desk: Desk) -> Sequence[QueueRow]:
    """The rows of a view in the same order; what the reader snoozed is in the view of that name alone."""
    if isinstance(rows, ScoredRows):
        return rows.where(_mask(rows.scored, view, desk))
    return [row for row in rows if holds(row, view, desk)]


def counts_of(rows: Sequence[QueueRow], views: Iterable[PageView], desk: Desk) -> dict[PageView, int]:
    """How many of the rows each view holds."""
    if not isinstance(rows, ScoredRows):
        return {view: len(part_of(rows, view, desk)) for view in views}
    scored = rows.scored
    is_whole = len(rows) == len(scored.risk)  # a row a ticket: their order is all the same to a count
    snoozed = _among(scored, desk.snoozed)
    masks = {view: snoozed if view is PageView.SNOOZED else ~snoozed & _shown(scored, view, desk) for view in views}
    return {view: int(np.count_nonzero(mask if is_whole else mask[rows.places])) for view, mask in masks.items()}


def holds(row: QueueRow, view: PageView, desk: Desk) -> bool:
    """True where the view shows the row."""
    is_snoozed = row.ticket_id in desk.snoozed
    if view is PageView.SNOOZED or is_snoozed:
        return view is PageView.SNOOZED and is_snoozed
    if view.group is not None:
        return row.group is view.group
    risks = _RISKS.get(view)
    if risks is not None:
        return row.risk in risks
    if view is PageView.UNASSIGNED:
        return not row.assignee and row.ticket_id not in desk.noted
    if view is PageView.MINE:
        is_mine = bool(desk.name) and row.assignee == desk.name and row.ticket_id not in desk.given_away
        return is_mine or row.ticket_id in desk.given
    return True


_RISKS = {PageView.AT_RISK: AT_RISK, PageView.BREACHED: tuple(LATE), PageView.PAUSED: tuple(WAITING)}


def _mask(scored: Scored, view: PageView, desk: Desk) -> BoolArray:
    snoozed = _among(scored, desk.snoozed)
    if view is PageView.SNOOZED:
        return snoozed
    return ~snoozed & _shown(scored, view, desk)


def _shown(scored: Scored, view: PageView, desk: Desk) -> BoolArray:
    if view.group is not None:
        return np.asarray(scored.group == GROUPS.index(view.group))
    if view in _RISKS:
        return scored.has_risk(*_RISKS[view])
    if view is PageView.UNASSIGNED:
        return scored.is_unassigned & ~_among(scored, desk.noted)
    if view is PageView.MINE:
        is_mine = scored.facts.texts["assignee"].is_among((desk.name,) if desk.name else ())
        return (is_mine & ~_among(scored, desk.given_away)) | _among(scored, desk.given)
    return np.ones(len(scored.risk), np.bool_)


def _among(scored: Scored, ticket_ids: frozenset[str]) -> BoolArray:
    ids = scored.facts.ticket_ids
    if not ticket_ids:
        return np.zeros(len(ids), np.bool_)
    return np.fromiter((ticket in ticket_ids for ticket in ids.tolist()), np.bool_, len(ids))
