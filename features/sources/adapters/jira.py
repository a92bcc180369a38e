"""Jira issues with their change log, as `GET /rest/api/3/search?expand=changelog` (or 2, or one issue each) returns them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from features.sources.adapters.pages import ALONE, Pages, at_path, has_path, listed, text
from features.sources.change_log import Change, Edit, Refusals, Ticket, several

PAGES = ("issues",)
FINAL = frozenset(
    (
        *("resolutiondate", "updated", "lastViewed", "timespent", "aggregatetimespent", "workratio", "progress"),
        *("aggregateprogress", "statuscategorychangedate", "watches", "votes", "comment", "worklog", "statusCategory"),
    )
)
# The log names some fields otherwise than the issue does; Jira Cloud also gives `fieldId`.
_FIELD_IDS = {"Component": "components", "Fix Version": "fixVersions", "Version": "versions", "Link": "issuelinks"}
_SEVERAL = frozenset(("components", "fixVersions", "versions"))
_KINDS = {"status": "status", "assignee": "assigned", "priority": "priority"}


def tickets(pages: Pages, refusals: Refusals) -> Iterator[Ticket]:
    """The issues that can be used; one whose change log is absent or cut off is refused, because its first state is unknown."""
    for located in (*pages["issues"], *pages[ALONE]):
        issue = located.value
        if not isinstance(issue, dict) or not issue.get("key") or not isinstance(issue.get("fields"), dict):
            refusals.add("no issue", f"{located.place}: 'key' or 'fields' missing", "an object with `key` and `fields`")
            continue
        place = f"issue {text(issue['key'])} ({located.place})"
        histories = _histories(issue)
        if histories is None:
            refusals.add("no change log", f"{place}: 'changelog' missing", "issues exported with `expand=changelog`")
        elif len(histories) < _total(issue):
            refusals.add(
                "the change log is cut off",
                f"{place}: 'changelog' holds {len(histories)} of {_total(issue)} entries",
                "all of them: fetch the others with /rest/api/3/issue/KEY/changelog",
            )
        else:
            yield _ticket(issue, place, histories)


def _ticket(issue: dict[str, Any], place: str, histories: list[dict[str, Any]]) -> Ticket:
    fields = issue["fields"]
    reporter = _account(fields.get("reporter"))

    def value_of(name: str) -> str | None:
        if name in ("key", "id"):
            return text(issue.get(name))
        if name in _SEVERAL:
            return several(text(item) for item in fields[name] or ()) if name in fields else None
        return text(at_path(fields, name)) if has_path(fields, name) else None

    changes = [_change(entry, reporter) for entry in histories]
    changes += [
        Change(
            f"c{text(one.get('id'))}", text(one.get("created")), _comment_kind(one), _actor(one.get("author"), reporter)
        )
        for one in listed(at_path(fields, "comment.comments"))
    ]
    changes += [
        Change(f"w{text(one.get('id'))}", text(one.get("created")), "worked", _actor(one.get("author"), reporter))
        for one in listed(at_path(fields, "worklog.worklogs"))
    ]
    created = text(fields.get("created"))
    by = _actor(fields.get("creator"), reporter) if fields.get("creator") else ""
    return Ticket(text(issue["key"]), place, created, created, by, text(fields.get("updated")), value_of, changes)


def _change(entry: dict[str, Any], reporter: str) -> Change:
    edits = []
    for item in listed(entry.get("items")):
        name = item.get("fieldId") or _FIELD_IDS.get(item.get("field", ""), item.get("field", ""))
        edits.append(Edit(name, text(item.get("fromString")), text(item.get("toString")), name in _SEVERAL))
    kind = next((_KINDS[edit.field] for edit in edits if edit.field in _KINDS), "updated")
    actor = _actor(entry.get("author"), reporter)
    return Change(text(entry.get("id")), text(entry.get("created")), kind, actor, tuple(edits))


def _histories(issue: dict[str, Any]) -> list[dict[str, Any]] | None:
    log = issue.get("changelog")
    if not isinstance(log, dict):
        return None
    entries = log.get("histories", log.get("values"))
    return None if entries is None else listed(entries)


def _total(issue: dict[str, Any]) -> int:
    total = text(issue["changelog"].get("total"))
    return int(total) if total.isdecimal() else 0


def _account(user: Any) -> str:
    if not isinstance(user, dict):
        return ""
    return text(user.get("accountId") or user.get("key") or user.get("name") or user.get("displayName"))


def _actor(user: Any, reporter: str) -> str:
    """Who it was: an app, a customer (by the account, or because the issue is theirs), or else an agent."""
    if not isinstance(user, dict):
        return "system"  # automation without an account
    kind = user.get("accountType")
    if kind == "app":
        return "system"
    return "customer" if kind == "customer" or _account(user) == reporter else "agent"


def _comment_kind(comment: dict[str, Any]) -> str:
    """Public unless it says otherwise: Service Management marks internal comments, plain Jira knows none."""
    is_internal = comment.get("jsdPublic") is False or bool(comment.get("visibility"))
    return "noted" if is_internal else "commented"
