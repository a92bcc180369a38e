"""Zendesk tickets with their audits, as `/api/v2/tickets` and `/api/v2/tickets/{id}/audits` return them, names sideloaded or not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from features.sources.adapters.pages import ALONE, Pages, at_path, has_path, listed, text
from features.sources.change_log import Change, Edit, Refusals, Ticket

PAGES = ("tickets", "audits", "users", "groups", "organizations", "ticket")
FINAL = frozenset(
    ("updated_at", "satisfaction_rating", "solved_at", "comment_count", "is_public", "follower_ids", "metric_set")
)
_NAMED = {
    **dict.fromkeys(("assignee_id", "requester_id", "submitter_id"), "users"),
    "group_id": "groups",
    "organization_id": "organizations",
}
_KINDS = {"status": "status", "assignee_id": "assigned", "group_id": "assigned", "priority": "priority"}
_NOBODY = "-1"  # the author of what Zendesk does by itself

Names = dict[str, dict[str, str]]


def tickets(pages: Pages, refusals: Refusals) -> Iterator[Ticket]:
    """The tickets that can be used; one without audits, or whose first audit is absent, is refused."""
    names = {key: {text(one.get("id")): text(one.get("name")) for one in _of(pages, key)} for key in PAGES[2:5]}
    roles = {text(one.get("id")): text(one.get("role")) for one in _of(pages, "users")}
    audits: dict[str, list[dict[str, Any]]] = defaultdict(list)
    found = []
    for located in (*pages["tickets"], *pages["ticket"], *pages["audits"], *pages[ALONE]):
        record = located.value
        if not isinstance(record, dict) or not record.get("id"):
            refusals.add("no ticket and no audit", f"{located.place}: 'id' missing", "an object with `id`")
        elif "ticket_id" in record and "events" in record:
            audits[text(record["ticket_id"])].append(record)
        else:
            found.append((f"ticket {text(record['id'])} ({located.place})", record))
    for place, record in found:
        own = [*listed(record.get("audits")), *audits[text(record["id"])]]
        if not any(event.get("type") == "Create" for audit in own for event in listed(audit.get("events"))):
            what = "no audit with Create events" if own else "no audits"
            refusals.add(
                "the first audit is absent", f"{place}: {what}", "all audits of the ticket from its creation on"
            )
        else:
            yield _ticket(record, place, own, names, roles)


def _of(pages: Pages, key: str) -> list[dict[str, Any]]:
    return listed([located.value for located in pages[key]])


def _ticket(
    record: dict[str, Any], place: str, audits: list[dict[str, Any]], names: Names, roles: dict[str, str]
) -> Ticket:
    requester = text(record.get("requester_id"))
    custom = {text(one.get("id")): one.get("value") for one in listed(record.get("custom_fields"))}
    at_first: dict[str, str] = {}
    opening: dict[str, Any] = {}
    changes = []
    for audit in {text(one.get("id")): one for one in audits}.values():  # pages may overlap
        events = listed(audit.get("events"))
        created = {text(one.get("field_name")): one for one in events if one.get("type") == "Create"}
        if created:
            opening = audit
            at_first |= {name: _named(name, one.get("value"), names) for name, one in created.items()}
        else:
            changes.append(_change(audit, events, requester, names, roles))
    edited = {edit.field for change in changes for edit in change.edits}

    def value_of(name: str) -> str | None:
        if name in at_first and name not in edited:
            return at_first[name]
        if name in custom:
            return text(custom[name])
        return _named(name, at_path(record, name), names) if has_path(record, name) else None

    opened = text(opening.get("created_at"))
    by = _actor(opening, requester, roles)
    return Ticket(text(record["id"]), place, opened, opened, by, text(record.get("updated_at")), value_of, changes)


def _change(
    audit: dict[str, Any], events: list[dict[str, Any]], requester: str, names: Names, roles: dict[str, str]
) -> Change:
    edits = []
    for event in events:
        if event.get("type") == "Change":
            name = text(event.get("field_name"))
            before, after = (_named(name, event.get(key), names) for key in ("previous_value", "value"))
            edits.append(Edit(name, before, after))
    actor = _actor(audit, requester, roles)
    kind = _kind(audit, events, edits)
    return Change(text(audit.get("id")), text(audit.get("created_at")), kind, actor, tuple(edits))


def _kind(audit: dict[str, Any], events: list[dict[str, Any]], edits: list[Edit]) -> str:
    if at_path(audit, "via.source.rel") == "merge":
        return "merged"
    comments = [event for event in events if event.get("type") in ("Comment", "VoiceComment")]
    if comments:
        return "commented" if any(comment.get("public") for comment in comments) else "noted"
    return next((_KINDS[edit.field] for edit in edits if edit.field in _KINDS), "updated")


def _actor(audit: dict[str, Any], requester: str, roles: dict[str, str]) -> str:
    author = text(audit.get("author_id"))
    if author in ("", _NOBODY) or at_path(audit, "via.channel") == "rule":
        return "system"
    if author in roles:
        return "customer" if roles[author] == "end-user" else "agent"
    return "customer" if author == requester else "agent"


def _named(name: str, value: Any, names: Names) -> str:
    written = text(value)
    return names[_NAMED[name]].get(written, written) if name in _NAMED else written
