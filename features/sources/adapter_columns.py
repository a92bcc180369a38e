"""What each adapter knows without being told: which of the vendor's fields are which of ours."""

from __future__ import annotations

from typing import Any

from features.schema import STATE_COLUMNS

TICKET_ADAPTERS = ("jira", "servicenow", "zendesk", "zammad")
SERVICE_ADAPTERS = ("prometheus", "statuspage")
ADAPTERS = (*TICKET_ADAPTERS, *SERVICE_ADAPTERS)

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

OF_SERVICES: dict[str, dict[str, Any]] = {
    "prometheus": {
        "dates": ("epoch_seconds",),
        "columns": {"service": "instance", "event_at": "at", "kind": "__name__", "value": "milliseconds"},
        "attributes": {"status": "status", "site": "job"},
        "values": {
            "kind": {
                **dict.fromkeys(("up", "probe_success"), "check"),
                **dict.fromkeys(("probe_duration_seconds", "probe_http_duration_seconds"), "latency"),
            }
        },
        "ignore": ("sample", "milliseconds", "status"),
    },
    "statuspage": {
        "dates": ("iso",),
        "columns": {
            "service": "component",
            "event_at": "at",
            "recorded_at": "recorded",
            "kind": "status",
            "phase": "phase",
            "severity": "status",
        },
        "attributes": {"incident": "incident", "title": "title"},
        "values": {
            "kind": {
                **dict.fromkeys(("major_outage", "partial_outage", "critical", "major"), "outage"),
                **dict.fromkeys(("degraded_performance", "minor"), "degradation"),
                **dict.fromkeys(("under_maintenance", "maintenance"), "maintenance"),
                **dict.fromkeys(("operational", "none")),
            }
        },
        "ignore": ("component_id", "impact", "planned_until"),
    },
}
"""What the readers of service events know: their instants carry an offset, so that no zone needs to be named."""


def with_adapter_columns(mapping: dict[str, Any]) -> dict[str, Any]:
    """A mapping as written, with what its adapter knows wherever the mapping itself says nothing.

    A column that the mapping gives as null is left out. A change to nothing is known to be empty, not no news.
    """
    adapter = mapping.get("adapter")
    if adapter in OF_SERVICES:
        return _of_services(mapping, OF_SERVICES[adapter])
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


def _of_services(mapping: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    constants, values = mapping.get("constants") or {}, dict(mapping.get("values") or {})
    columns = {**known["columns"], **(mapping.get("columns") or {})}
    attributes = {**known["attributes"], **(mapping.get("attributes") or {})}
    if "kind" not in constants:
        values["kind"] = {**known["values"]["kind"], **(values.get("kind") or {})}
    used = {*columns.values(), *attributes.values()}
    ignored = {name: "made by the adapter" for name in known["ignore"] if name not in used}
    return {
        "kind": "service_events",
        "time_zone": "UTC",
        "dates": known["dates"],
        **mapping,
        "columns": {key: name for key, name in columns.items() if name is not None and key not in constants},
        "attributes": {key: name for key, name in attributes.items() if name is not None},
        "values": values,
        "ignore": {**ignored, **_ignored(mapping.get("ignore"))},
    }


def _ignored(written: Any) -> dict[str, Any]:
    return dict.fromkeys(written) if isinstance(written, list) else dict(written or {})
