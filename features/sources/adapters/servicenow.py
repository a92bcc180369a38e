"""ServiceNow incidents with their audit: the tables `incident` and `sys_audit` as exported in JSON or by the Table API."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from features.sources.adapters.pages import Pages, text
from features.sources.change_log import Change, Edit, Refusals, Ticket

PAGES = ("records", "result")
FINAL = frozenset(
    (
        *("closed_at", "closed_by", "resolved_at", "resolved_by", "close_code", "close_notes", "sys_mod_count"),
        *("sys_updated_on", "sys_updated_by", "reopen_count", "reopened_time", "reassignment_count", "made_sla"),
        *("business_duration", "calendar_duration", "business_stc", "calendar_stc", "activity_due", "work_end"),
        *("time_worked", "comments_and_work_notes", "active"),
    )
)
_KINDS = {"state": "status", "assigned_to": "assigned", "assignment_group": "assigned", "priority": "priority"}
_JOURNALS = {"comments": "commented", "work_notes": "noted"}
_MACHINES = frozenset(("system", "guest"))
_STATE, _HOLD, _ON_HOLD = "state", "hold_reason", "3"


@dataclass
class _Names:
    """What a sys_id stands for, learned from display values and from records of users, groups and services."""

    of_id: dict[str, str] = field(default_factory=dict)
    login: dict[str, str] = field(default_factory=dict)

    def learn(self, record: dict[str, Any]) -> None:
        own = raw(record.get("sys_id"))
        shown = raw(record.get("name") or record.get("user_name"))
        if own and shown and "number" not in record:
            self.of_id[own] = shown
            self.login[own] = raw(record.get("user_name"))
        for value in record.values():
            if isinstance(value, dict) and value.get("display_value") and value.get("link"):
                self.of_id.setdefault(text(value.get("value")), text(value["display_value"]))

    def named(self, value: str) -> str:
        return self.of_id.get(value, value)


def tickets(pages: Pages, refusals: Refusals) -> Iterator[Ticket]:
    """The incidents that can be used; one that was changed but has no audit is refused. A state on hold is `3/1`: state, hold reason."""
    names = _Names()
    audits: dict[str, list[dict[str, Any]]] = defaultdict(list)
    found = []
    for located in [one for records in pages.values() for one in records]:
        record = located.value
        if not isinstance(record, dict) or not (record.get("sys_id") or record.get("documentkey")):
            refusals.add("no incident and no audit", f"{located.place}: 'sys_id' missing", "an object with `sys_id`")
            continue
        names.learn(record)
        if record.get("documentkey"):
            audits[raw(record["documentkey"])].append(record)
        elif record.get("number"):
            found.append((f"incident {raw(record['number'])} ({located.place})", record))
    for place, record in found:
        own = audits[raw(record["sys_id"])]
        changed = raw(record.get("sys_mod_count"))
        if not own and changed not in ("", "0"):
            refusals.add(
                "no audit",
                f"{place}: 'sys_mod_count' is {changed}, but there is no sys_audit record",
                "the sys_audit records of every incident in the export (`file: {beside: sys_audit.json}`)",
            )
        elif _is_display(record):
            refusals.add(
                "display values only",
                f"{place}: 'state' is {raw(record.get('state'))!r}",
                "raw values, as the audit has them: export with sysparm_display_value=all or false",
            )
        else:
            yield _ticket(record, place, own, names)


def raw(value: Any) -> str:
    """A field as stored: with display values or links the field is an object."""
    return text(value.get("value")) if isinstance(value, dict) else text(value)


def _is_display(record: dict[str, Any]) -> bool:
    state = raw(record.get(_STATE))
    return bool(state) and not state.lstrip("-").isdecimal()


def _ticket(record: dict[str, Any], place: str, audits: list[dict[str, Any]], names: _Names) -> Ticket:
    caller, opener = raw(record.get("caller_id")), raw(record.get("opened_by"))
    # Whoever opens a ticket for himself is the caller, and the audit knows people by their login.
    logins = {names.login.get(caller, ""), raw(record.get("sys_created_by")) if caller and caller == opener else ""} - {
        ""
    }
    grouped: dict[tuple[str, str, str], list[dict[str, Any]]] = defaultdict(list)
    for audit in {raw(one.get("sys_id")) or str(k): one for k, one in enumerate(audits)}.values():
        key = (raw(audit.get("sys_created_on")), raw(audit.get("user")), raw(audit.get("record_checkpoint")))
        grouped[key].append(audit)
    changes = [_change(at, user, own, names, logins) for (at, user, _), own in grouped.items()]
    opened, recorded = (utc(record.get(key)) for key in ("opened_at", "sys_created_on"))
    by = _actor(raw(record.get("sys_created_by")), logins)
    ticket = Ticket(
        raw(record["number"]),
        place,
        opened or recorded,
        recorded or opened,
        by,
        utc(record.get("sys_updated_on")),
        lambda _: None,
        changes,
    )
    return _with_hold_reason(ticket, record, names)


def _change(at: str, user: str, audits: list[dict[str, Any]], names: _Names, logins: set[str]) -> Change:
    fields = {raw(audit.get("fieldname")): audit for audit in audits}
    edits = tuple(
        Edit(name, names.named(raw(audit.get("oldvalue"))), names.named(raw(audit.get("newvalue"))))
        for name, audit in fields.items()
        if name not in _JOURNALS
    )
    kinds = [_JOURNALS[name] for name in _JOURNALS if name in fields] + [
        _KINDS[name] for name in _KINDS if name in fields
    ]
    first = min(raw(audit.get("sys_id")) for audit in audits)
    count = raw(audits[0].get("record_checkpoint"))
    return Change(f"{count.zfill(6)}{first}", utc(at), kinds[0] if kinds else "updated", _actor(user, logins), edits)


def _with_hold_reason(ticket: Ticket, record: dict[str, Any], names: _Names) -> Ticket:
    """The ticket with its state and its reason for being on hold as one value, because only together do they say who it waits for."""
    held = {name: raw(record.get(name)) for name in (_STATE, _HOLD)}
    ticket.value_of = lambda name: (
        _state(held_now) if name == _STATE else names.named(raw(record[name])) if name in record else None
    )
    held_now = dict(held)
    ticket.changes.sort(key=lambda change: (change.at, change.change_id), reverse=True)
    for index, change in enumerate(ticket.changes):
        after = _state(held)
        held |= {edit.field: edit.before for edit in change.edits if edit.field in held}
        others = tuple(edit for edit in change.edits if edit.field not in held)
        moved = (Edit(_STATE, _state(held), after),) if _state(held) != after else ()
        kind = "status" if moved and change.kind == "updated" else change.kind
        ticket.changes[index] = Change(change.change_id, change.at, kind, change.actor_kind, (*moved, *others))
    return ticket


def _state(held: dict[str, str]) -> str:
    # A reason may stay in the record after the ticket goes on; it means something only while the ticket is on hold.
    return f"{_ON_HOLD}/{held[_HOLD]}" if held[_STATE] == _ON_HOLD and held[_HOLD] else held[_STATE]


def _actor(login: str, callers: set[str]) -> str:
    if login in _MACHINES or not login:
        return "system"
    return "customer" if login in callers else "agent"


def utc(value: Any) -> str:
    """An instant as stored, which is UTC without saying so, with a Z."""
    written = raw(value)
    return f"{written}Z" if written and not written.endswith("Z") else written
