"""Zammad tickets with their history: `/api/v1/tickets?expand=true` and `/api/v1/ticket_history/{id}`, articles if at hand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from features.sources.adapters.pages import ALONE, Pages, at_path, has_path, listed, text
from features.sources.change_log import Change, Edit, Refusals, Ticket

PAGES = ("history", "tickets", "articles")
FINAL = frozenset(
    (
        *("updated_at", "updated_by", "close_at", "close_in_min", "close_diff_in_min", "close_escalation_at"),
        *("first_response_at", "first_response_in_min", "first_response_diff_in_min", "first_response_escalation_at"),
        *("update_in_min", "update_diff_in_min", "update_escalation_at", "escalation_at", "last_contact_at"),
        *("last_contact_agent_at", "last_contact_customer_at", "last_owner_update_at", "last_close_at"),
        *("article_count", "article_ids", "time_unit"),
    )
)
_KINDS = {"state": "status", "owner": "assigned", "group": "assigned", "priority": "priority"}
_TYPES = {
    "escalation": "escalated",
    "escalation_warning": "escalated",
    "received_merge": "merged",
    "merged_into": "merged",
}
_ACTORS = {"Agent": "agent", "Customer": "customer", "System": "system"}
_EXPECTED = "a ticket exported with `?expand=true` and its whole history"


def tickets(pages: Pages, refusals: Refusals) -> Iterator[Ticket]:
    """The tickets that can be used; one without the entry of its creation in the history is refused."""
    history: dict[str, list[dict[str, Any]]] = defaultdict(list)
    articles: dict[str, list[dict[str, Any]]] = defaultdict(list)
    found = []
    for entry in listed([located.value for located in pages["history"]]):
        history[_ticket_of(entry)].append(entry)
    for article in listed([located.value for located in pages["articles"]]):
        articles[text(article.get("ticket_id"))].append(article)
    for located in (*pages["tickets"], *pages[ALONE]):
        record = located.value
        if not isinstance(record, dict) or not record.get("id") or not record.get("number"):
            refusals.add("no ticket", f"{located.place}: 'id' or 'number' missing", _EXPECTED)
            continue
        found.append((f"ticket {text(record['number'])} ({located.place})", record))
    for place, record in found:
        own = [*_own_history(record), *history[text(record["id"])]]
        if not any(_is_creation(entry) for entry in own):
            refusals.add(
                "the history does not begin with the creation", f"{place}: 'history' has no such entry", _EXPECTED
            )
        elif "state" not in record:
            refusals.add("no names in the ticket", f"{place}: 'state' missing", _EXPECTED)
        else:
            yield _ticket(record, place, own, [*listed(record.get("articles")), *articles[text(record["id"])]])


def _ticket_of(entry: dict[str, Any]) -> str:
    return text(entry.get("o_id") if entry.get("object") == "Ticket" else entry.get("related_o_id"))


def _own_history(record: dict[str, Any]) -> list[dict[str, Any]]:
    held = record.get("history")
    return listed(held.get("history") if isinstance(held, dict) else held)


def _is_creation(entry: dict[str, Any]) -> bool:
    return entry.get("object") == "Ticket" and entry.get("type") == "created"


def _ticket(
    record: dict[str, Any], place: str, entries: list[dict[str, Any]], articles: list[dict[str, Any]]
) -> Ticket:
    customer = text(record.get("customer_id"))
    opening: dict[str, Any] = {}
    grouped: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for entry in {text(one.get("id")): one for one in entries}.values():
        if _is_creation(entry):
            opening = entry
        elif entry.get("object") == "Ticket":
            grouped[(text(entry.get("created_at")), text(entry.get("created_by_id")))].append(entry)

    def value_of(name: str) -> str | None:
        return _plain(name, text(at_path(record, name))) if has_path(record, name) else None

    changes = [_change(at, who, own, customer) for (at, who), own in grouped.items()]
    changes = [change for change in changes if change.edits or change.kind != "updated"]
    opened = text(opening.get("created_at"))
    written = articles or [entry for entry in entries if entry.get("object") == "Ticket::Article"]
    changes += [_article(one, customer) for one in _later(written, articles)]
    by = _actor(text(opening.get("created_by_id")), customer)
    return Ticket(text(record["number"]), place, opened, opened, by, text(record.get("updated_at")), value_of, changes)


def _later(written: list[dict[str, Any]], articles: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """All but the first: with that article the ticket was opened."""
    kept = written if articles else [entry for entry in written if entry.get("type") == "created"]
    return sorted(kept, key=lambda one: (text(one.get("created_at")), len(text(one.get("id"))), text(one.get("id"))))[
        1:
    ]


def _change(at: str, who: str, entries: list[dict[str, Any]], customer: str) -> Change:
    entries = sorted(entries, key=lambda one: (len(text(one.get("id"))), text(one.get("id"))))
    edits = []
    for entry in entries:
        if entry.get("type") == "updated" and entry.get("attribute"):
            name = text(entry["attribute"]).removesuffix("_id")
            before, after = (_plain(name, text(entry.get(key))) for key in ("value_from", "value_to"))
            edits.append(Edit(name, before, after))
    special = [_TYPES[one["type"]] for one in entries if one.get("type") in _TYPES]
    kind = special[0] if special else next((_KINDS[edit.field] for edit in edits if edit.field in _KINDS), "updated")
    return Change(text(entries[0].get("id")), at, kind, _actor(who, customer), tuple(edits))


def _article(one: dict[str, Any], customer: str) -> Change:
    """A reply or a note; the history alone does not say which, nor who can read it."""
    is_article = "internal" in one or "sender" in one
    kind = ("noted" if one.get("internal") is True else "commented") if is_article else "updated"
    actor = _ACTORS.get(text(one.get("sender"))) or _actor(text(one.get("created_by_id")), customer)
    return Change(f"a{text(one.get('id'))}", text(one.get("created_at")), kind, actor)


def _actor(who: str, customer: str) -> str:
    if who in ("", "1"):
        return "system"
    return "customer" if who == customer else "agent"


def _plain(name: str, value: str) -> str:
    return "" if name == "owner" and value == "-" else value  # Zammad's nobody
