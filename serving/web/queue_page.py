"""What the queue page shows: the address' selection, pills, headings, groups and rows, ready for the template."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from features.store.marks import SavedView
from serving.likely_end import LikelyEnd
from serving.queue import Counts, Queue, QueueRow
from serving.risk import Group, Risk
from serving.row_ends import ends_of
from serving.selection import EXACT, Selection, Sort
from serving.web.addresses import page_number, place_in
from serving.web.language import phrase
from serving.web.mark_book import Desk, Notes
from serving.web.queue_views import PILLS, PageView, counts_of, part_of

COLUMNS: tuple[tuple[str, str, Sort | None], ...] = (
    ("risk", phrase("Risk"), Sort.RISK),
    ("left", phrase("Time left"), Sort.LEFT),
    ("due", phrase("Due"), Sort.DUE),
    ("ticket", phrase("Ticket"), Sort.TICKET),
    ("title", phrase("Title"), Sort.TITLE),
    ("priority", phrase("Priority"), Sort.PRIORITY),
    ("service", phrase("Service"), Sort.SERVICE),
    ("owner", phrase("Owner"), Sort.OWNER),
    ("reason", phrase("Main reason"), None),
)
GROUP_NOTES = {
    Group.SAVE_NOW: phrase("soonest due first, then high risk"),
    Group.SAFE_FOR_NOW: phrase("riskiest first, paused last"),
    Group.LATE_OR_LOST: phrase("tell the customer; longest without contact first"),
}
SUGGESTED_NOTES = {
    Group.SAVE_NOW: phrase("a minute of work saves most at the top"),
    Group.SAFE_FOR_NOW: phrase("nothing is lost by waiting a little; paused last"),
    Group.LATE_OR_LOST: phrase("tell the customer"),
}


@dataclass(frozen=True)
class QueueAddress:
    """The state of the page as its address says it: what is selected, in which view, and which page of it (from 1)."""

    selection: Selection
    view: PageView = PageView.ALL
    number: int = 1

    @classmethod
    def read(cls, query: QueryParams) -> QueueAddress:
        """The state in an address. Values that mean nothing are ignored: an old link still opens the queue."""
        sort = _member(Sort, query.get("sort")) or Sort.SUGGESTED
        direction = query.get("dir")
        exactly: dict[str, Any] = {name: _values(query, name) for name in EXACT}
        selection = Selection(
            **exactly,
            risk=tuple(risk for value in _values(query, "risk") if (risk := _member(Risk, value))),
            text=query.get("q", "")[:500].strip(),
            sort=sort,
            descending=sort.highest_first if direction not in ("asc", "desc") else direction == "desc",
        )
        return cls(selection, _member(PageView, query.get("view")) or PageView.ALL, page_number(query.get("p", "")))

    def csv_url(self) -> str:
        """The address of the whole selected list as CSV."""
        return "/queue.csv" + self.url().removeprefix("/queue")

    def cleared(self) -> str:
        """The address of the same view and order without any filter."""
        return self.url(text="", **dict.fromkeys((*EXACT, "risk"), ()))

    @property
    def query(self) -> str:
        """The query of this state, from its first page."""
        return self.url().partition("?")[2]

    def url(self, **changes: Any) -> str:
        """The address of this state with some parts of the selection changed; it begins again at page 1 unless `number` is given."""
        number, view = changes.pop("number", 1), changes.pop("view", self.view)
        wanted = replace(self.selection, **changes)
        parts: list[tuple[str, str]] = []
        if view is not PageView.ALL:
            parts.append(("view", view.value))
        for name in (*EXACT, "risk"):
            parts += [(name, str(value)) for value in getattr(wanted, name)]
        if wanted.text:
            parts.append(("q", wanted.text))
        if wanted.sort is not Sort.SUGGESTED:
            parts.append(("sort", wanted.sort.value))
            if wanted.descending != wanted.sort.highest_first:
                parts.append(("dir", "desc" if wanted.descending else "asc"))
        if number > 1:
            parts.append(("p", str(number)))
        return "/queue" + (f"?{urlencode(parts)}" if parts else "")


@dataclass(frozen=True)
class Pill:
    """A view with its count."""

    view: PageView
    count: int
    url: str
    is_current: bool


@dataclass(frozen=True)
class Heading:
    """A column's heading; `aria_sort` only on the one sorted by; `url` sorts by it, or the other way round."""

    name: str
    word: str
    url: str | None
    aria_sort: str | None


@dataclass(frozen=True)
class Section:
    """Rows under one group heading; `group` is None when the list is sorted by a column and has no groups."""

    group: Group | None
    count: int
    note: str
    rows: tuple[QueueRow, ...]


@dataclass(frozen=True)
class QueueView:
    """Everything the template of the queue needs."""

    address: QueueAddress
    pills: tuple[Pill, ...]
    saved: tuple[SavedView, ...]
    headings: tuple[Heading, ...]
    sections: tuple[Section, ...]
    choices: dict[str, tuple[str, ...]]
    notes: dict[str, Notes]
    ends: dict[str, LikelyEnd]
    total: int
    first: int
    last: int
    number: int
    pages: int

    @property
    def sorted_by(self) -> str:
        """The word of what the list is sorted by."""
        return next((heading.word for heading in self.headings if heading.aria_sort), phrase("gain"))


def rows_at(queue: Queue, address: QueueAddress, desk: Desk) -> Sequence[QueueRow]:
    """Every row that the page of an address leads through, in its order."""
    return part_of(address.selection.apply(queue).rows, address.view, desk)


def queue_view(
    queue: Queue,
    address: QueueAddress,
    page_size: int,
    desk: Desk,
    saved: Iterable[SavedView] = (),
    *,
    is_person: bool = False,
) -> QueueView:
    """The page of a queue at an address; a page number behind the end shows the last page. Only a person has tickets of their own."""
    matching = address.selection.apply(queue).rows
    shown = part_of(matching, address.view, desk)
    number, pages, start = place_in(len(shown), address.number, page_size)
    rows = tuple(shown[start : start + page_size])
    return QueueView(
        address=address,
        pills=pills_of(matching, address, desk, is_person=is_person),
        saved=tuple(saved),
        headings=tuple(_heading(address, *column) for column in COLUMNS),
        sections=_sections(rows, queue, address.selection, shown),
        choices=choices_of(queue, address.selection),
        notes={row.ticket_id: desk.notes(row) for row in rows},
        ends=ends_of(queue.rows, rows),
        total=len(shown),
        first=start + 1 if rows else 0,
        last=start + len(rows),
        number=number,
        pages=pages,
    )


def pills_of(
    matching: Sequence[QueueRow], address: QueueAddress, desk: Desk, *, is_person: bool
) -> tuple[Pill, ...]:  # fmt: skip
    """The views with their counts under the same filters; the reader's own where they have any, and the one that is open."""
    own = {PageView.MINE: is_person, PageView.SNOOZED: bool(desk.snoozed)}
    wanted = [*PILLS, *(view for view, is_wanted in own.items() if is_wanted)]
    if address.view not in wanted:
        wanted.append(address.view)
    counts = counts_of(matching, wanted, desk)
    return tuple(Pill(view, counts[view], address.url(view=view), view is address.view) for view in wanted)


def choices_of(queue: Queue, selection: Selection) -> dict[str, tuple[str, ...]]:
    """What each filter can be set to: all values in the queue, and those set though no ticket has them any more."""
    return {
        name: tuple(sorted({*values, *chosen}, key=str.casefold)) if (chosen := getattr(selection, name)) else values
        for name, values in queue.choices.items()
    }


def _sections(
    shown: tuple[QueueRow, ...], queue: Queue, selection: Selection, whole: Sequence[QueueRow]
) -> tuple[Section, ...]:  # fmt: skip
    if selection.sort is not Sort.SUGGESTED:
        return (Section(None, len(shown), "", shown),) if shown else ()
    counts = Counts.of(whole)
    notes = SUGGESTED_NOTES if queue.order == "suggested" else GROUP_NOTES
    return tuple(
        Section(group, getattr(counts, group.value), notes[group], part)
        for group in Group
        if (part := tuple(row for row in shown if row.group is group))
    )


def _heading(address: QueueAddress, name: str, word: str, sort: Sort | None) -> Heading:
    selection = address.selection
    if sort is None:
        return Heading(name, word, None, None)
    if selection.sort is not sort:
        return Heading(name, word, address.url(sort=sort, descending=sort.highest_first), None)
    other_way = address.url(sort=sort, descending=not selection.descending)
    return Heading(name, word, other_way, "descending" if selection.descending else "ascending")


def _member(kind: Any, value: str | None) -> Any:
    return next((member for member in kind if member.value == value), None)


def _values(query: QueryParams, name: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in query.getlist(name) if value))[:100]
