"""What the queue page shows: the address' selection, pills, headings, groups and rows, ready for the template."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import QueryParams

from serving.queue import Counts, Group, Queue, QueueRow, Risk, texts_of
from serving.selection import EXACT, Selection, Sort, View
from serving.web.language import phrase

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


@dataclass(frozen=True)
class QueueAddress:
    """The state of the page as its address says it: what is selected and which page of it (from 1)."""

    selection: Selection
    number: int = 1

    @classmethod
    def read(cls, query: QueryParams) -> QueueAddress:
        """The state in an address. Values that mean nothing are ignored: an old link still opens the queue."""
        sort = _member(Sort, query.get("sort")) or Sort.SUGGESTED
        direction = query.get("dir")
        selection = Selection(
            view=_member(View, query.get("view")) or View.ALL,
            **{name: _values(query, name) for name in EXACT},
            risk=tuple(risk for value in _values(query, "risk") if (risk := _member(Risk, value))),
            text=query.get("q", "")[:500].strip(),
            sort=sort,
            descending=sort.highest_first if direction not in ("asc", "desc") else direction == "desc",
        )
        number = query.get("p", "1")
        return cls(selection, max(1, int(number)) if number.isascii() and number.isdigit() and len(number) < 7 else 1)

    def csv_url(self) -> str:
        """The address of the whole selected list as CSV."""
        query = self.url().partition("?")[2]
        parts = [("text" if name == "q" else name, value) for name, value in parse_qsl(query) if name != "dir"]
        if self.selection.sort is not Sort.SUGGESTED:
            parts.append(("descending", str(self.selection.descending).lower()))
        return "/api/v1/queue.csv" + (f"?{urlencode(parts)}" if parts else "")

    def cleared(self) -> str:
        """The address of the same view and order without any filter."""
        return self.url(text="", **dict.fromkeys((*EXACT, "risk"), ()))

    def url(self, **changes: Any) -> str:
        """The address of this state with some parts of the selection changed; it begins again at page 1 unless `number` is given."""
        number = changes.pop("number", 1)
        wanted = replace(self.selection, **changes)
        parts: list[tuple[str, str]] = []
        if wanted.view is not View.ALL:
            parts.append(("view", wanted.view.value))
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

    view: View
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
    headings: tuple[Heading, ...]
    sections: tuple[Section, ...]
    choices: dict[str, tuple[str, ...]]
    total: int
    first: int
    last: int
    number: int
    pages: int
    late: int

    @property
    def sorted_by(self) -> str:
        """The word of the column that the list is sorted by."""
        return next(heading.word for heading in self.headings if heading.aria_sort)


def queue_view(queue: Queue, address: QueueAddress, page_size: int) -> QueueView:
    """The page of a queue at an address; a page number behind the end shows the last page."""
    selection = address.selection
    selected = selection.apply(queue)
    pages = max(1, -(-len(selected.rows) // page_size))
    number = min(address.number, pages)
    start = (number - 1) * page_size
    rows = selected.rows[start : start + page_size]
    pills = tuple(
        Pill(view, getattr(selected.counts, view.value), address.url(view=view), view is selection.view)
        for view in View
    )
    return QueueView(
        address=address,
        pills=pills,
        headings=tuple(_heading(address, *column) for column in COLUMNS),
        sections=_sections(rows, selection, Counts.of(selected.rows)),
        choices=choices_of(queue, selection),
        total=len(selected.rows),
        first=start + 1 if rows else 0,
        last=start + len(rows),
        number=number,
        pages=pages,
        late=selected.counts.late_or_lost,
    )


def choices_of(queue: Queue, selection: Selection) -> dict[str, tuple[str, ...]]:
    """What each filter can be set to: all values in the queue, and those set though no ticket has them any more."""
    return {
        name: tuple(sorted(texts_of(queue.rows, name) - {""} | set(getattr(selection, name)), key=str.casefold))
        for name in ("team", "service", "priority")
    }


def _sections(rows: Iterable[QueueRow], selection: Selection, counts: Counts) -> tuple[Section, ...]:
    shown = tuple(rows)
    if selection.sort is not Sort.SUGGESTED:
        return (Section(None, len(shown), "", shown),) if shown else ()
    return tuple(
        Section(group, getattr(counts, group.value), GROUP_NOTES[group], part)
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
