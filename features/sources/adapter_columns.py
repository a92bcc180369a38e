"""What each adapter knows without being told: which of the vendor's fields are which of ours."""

from __future__ import annotations

from typing import Any

from features.schema import STATE_COLUMNS

ADAPTERS = ("jira", "servicenow", "zendesk", "zammad")

# What every adapter writes for each change, whatever the vendor calls it.
TICKET, AT, RECORDED, KIND, ACTOR, CHANGE = "ticket", "at", "recorded", "change_kind", "by", "change_id"
_OF_EACH_CHANGE = {"ticket_id": TICKET, "event_at": AT, "recorded_at": RECORDED, "kind": KIND, "actor_kind": ACTOR}

FIELDS: dict[str, dict[str, str]] = {
    "jira": {
        "status": "status",
        "priority": "priority",
        "category": "issuetype",
        "service": "components",
        "assignee": "assignee",
        "customer": "reporter",
    },
    "servicenow": {
        "status": "state",
        "priority": "priority",
        "category": "category",
        "service": "business_service",
        "team": "assignment_group",
        "assignee": "assigned_to",
        "customer": "caller_id",
        "channel": "contact_type",
    },
    "zendesk": {
        "status": "status",
        "priority": "priority",
        "category": "type",
        "team": "group_id",
        "assignee": "assignee_id",
        "customer": "requester_id",
        "channel": "via.channel",
    },
    "zammad": {
        "status": "state",
        "priority": "priority",
        "team": "group",
        "assignee": "owner",
        "customer": "customer",
        "channel": "create_article_type",
    },
}
_MAY_BE_EMPTY = tuple(name for name in STATE_COLUMNS if name not in ("status", "waiting_on"))
TITLES = {"jira": "summary", "servicenow": "short_description", "zendesk": "subject", "zammad": "title"}


def with_adapter_columns(mapping: dict[str, Any]) -> dict[str, Any]:
    """A mapping as written, with what its adapter knows wherever the mapping itself says nothing.

    A column that the mapping gives as null is left out. A change to nothing is known to be empty, not no news.
    """
    adapter = mapping.get("adapter")
    if adapter not in FIELDS:
        return mapping
    written = dict(mapping.get("columns") or {})
    columns = {**_OF_EACH_CHANGE, **FIELDS[adapter], **written}
    attributes = {"title": TITLES[adapter], **(mapping.get("attributes") or {})}
    used = {key: name for key, name in columns.items() if name is not None and key not in mapping.get("constants", {})}
    cleared = {name: ("",) for name in (*used, *attributes) if name in _MAY_BE_EMPTY or name in attributes}
    return {
        **mapping,
        "columns": used,
        "attributes": {name: field for name, field in attributes.items() if field is not None},
        "cleared": {**cleared, **(mapping.get("cleared") or {})},
        "ignore": {**_ignored(mapping.get("ignore")), CHANGE: "tells changes apart"},
    }


def _ignored(written: Any) -> dict[str, Any]:
    return dict.fromkeys(written) if isinstance(written, list) else dict(written or {})
