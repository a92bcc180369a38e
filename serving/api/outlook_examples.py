"""Examples of what is told of services, of kept agreements and of what is coming, for the OpenAPI description."""

from __future__ import annotations

from pydantic import JsonValue

_BURN: dict[str, JsonValue] = {
    "severity": "page",
    "factor": 14.4,
    "long_seconds": 3600,
    "short_seconds": 300,
    "long_rate": 0.0,
    "short_rate": 0.0,
    "is_firing": False,
}
_SERVICE: dict[str, JsonValue] = {
    "service": "Mail",
    "state": "available",
    "state_since": "2026-07-04T21:40:00Z",
    "whole_state": "available",
    "description": "Mailboxes of all staff",
    "owner": "Workplace",
    "criticality": "high",
    "risk": {
        "probability": 0.31,
        "usual": 0.12,
        "outages_7_days": 1.4,
        "minutes_down_7_days": 52.0,
        "because": ["two outages in 7 days", "a change tonight"],
        "words": "3 of 10 such days saw an outage; usual for this service: 1 of 10; because: two outages in 7 days, a change tonight",
        "is_untouched": False,
    },
    "why_no_risk": None,
    "availability": 0.9987,
    "budget": {
        "objective": 0.999,
        "period_days": 30.0,
        "calendar": None,
        "measured_seconds": 2592000.0,
        "allowed_seconds": 2592.0,
        "lost_seconds": 3370.0,
        "remaining_share": -0.3,
        "burn_rate": 0.0,
        "exhausted_in_seconds": 0.0,
        "burns": [_BURN],
    },
    "open_tickets": 7,
    "outages": 2,
    "last_outage_at": "2026-07-04T21:02:00Z",
    "last_outage_ended_at": "2026-07-04T21:40:00Z",
    "mttr_seconds": 1685.0,
    "mtbf_seconds": 1294315.0,
    "lost_minutes_by_day": [0.0, 18.2, 38.0, 0.0],
    "needs": ["Directory"],
    "needed_by": [],
    "needs_down": [],
    "made_of": None,
    "planned": [{"kind": "change", "start_at": "2026-07-06T20:00:00Z", "end_at": "2026-07-06T21:00:00Z"}],
    "continuity": None,
}
_BOARD: dict[str, JsonValue] = {
    "as_of": "2026-07-06T08:15:00Z",
    "by": "outage model v3",
    "model_version": "3",
    "why_no_model": None,
    "horizon_hours": 24.0,
    "problem": None,
}
SERVICES: dict[str, JsonValue] = {**_BOARD, "total": 1, "services": [_SERVICE], "next_cursor": None}
SERVICE: dict[str, JsonValue] = {
    **_BOARD,
    "service": _SERVICE,
    "whole_availability": 0.9981,
    "happenings": [
        {
            "kind": "outage",
            "start_at": "2026-07-04T21:02:00Z",
            "end_at": "2026-07-04T21:40:00Z",
            "known_at": "2026-07-04T21:03:10Z",
        }
    ],
    "course": [{"at": "2026-07-06T00:00:00Z", "availability": 0.9987, "remaining_share": -0.3}],
    "tickets_by_day": [3, 11, 4],
}
AVAILABILITY: dict[str, JsonValue] = {
    "as_of": "2026-07-06T08:15:00Z",
    "services": ["Line North", "Line South"],
    "needed": 1,
    "with_needs": False,
    "window": "month",
    "zone": "Europe/Berlin",
    "hours": None,
    "objective_percent": 99.9,
    "problem": None,
    "windows": [
        {
            "start_at": "2026-05-31T22:00:00Z",
            "end_at": "2026-06-30T22:00:00Z",
            "availability": 0.9995,
            "measured_minutes": 43200.0,
            "lost_minutes": 21.6,
            "outages": 1,
            "budget_left": 0.5,
        }
    ],
}
LEVELS: dict[str, JsonValue] = {
    "as_of": "2026-07-06T10:15:00+02:00",
    "time_zone": "Europe/Berlin",
    "month": "2026-07",
    "levels": [
        {
            "agreement": "Standard support",
            "target": "resolution",
            "months": [
                {
                    "month": "2026-07",
                    "met": 212,
                    "missed": 9,
                    "share": 0.9593,
                    "goal": 0.95,
                    "is_goal_assumed": True,
                    "gap": 0.0093,
                    "word": "close",
                }
            ],
            "chance_to_miss": 0.22,
        }
    ],
    "missed": [
        {
            "ticket_id": "INC0016968",
            "target": "resolution",
            "agreement": "Standard support",
            "decided_at": "2026-07-03T14:05:00+00:00",
            "share_used": 1.31,
            "overdue_seconds": 11160.0,
            "team": "Network",
            "service": "Mail",
        }
    ],
    "missed_total": 1,
    "near_misses": [],
    "near_total": 0,
}
_DAY: dict[str, JsonValue] = {
    "start_at": "2026-07-06T22:00:00Z",
    "end_at": "2026-07-07T22:00:00Z",
    "expected": 61.5,
    "low_95": 44.0,
    "low_80": 50.5,
    "high_80": 73.0,
    "high_95": 80.5,
}
_PAST: dict[str, JsonValue] = {
    "first_day_ahead": 2,
    "last_day_ahead": 7,
    "days": 28,
    "wape": 0.14,
    "within_80": 0.79,
    "within_95": 0.95,
}
FORECAST: dict[str, JsonValue] = {
    "level": "team",
    "subject": "Network",
    "made_at": "2026-07-06T01:00:00Z",
    "model_version": "2",
    "time_zone": "Europe/Berlin",
    "why_none": None,
    "days": [_DAY],
    "half_hours": [],
    "hours": [],
    "backlog": [],
    "breaches": [_DAY | {"expected": 3.2, "low_95": 0.0, "low_80": 0.9, "high_80": 6.1, "high_95": 9.4}],
    "counted": [],
    "missed": [],
    "past": [_PAST],
    "past_breaches": [_PAST | {"wape": 0.31, "within_80": 0.86, "within_95": 0.96}],
    "series": [{"level": "all", "subject": ""}, {"level": "team", "subject": "Network"}],
}
NOTE: dict[str, JsonValue] = {
    "cause": "The part was not in stock.",
    "action": "Keep two in stock.",
    "owner": "M. Berg",
    "due_on": "2016-06-15",
    "is_done": False,
    "noted_by": "key 4f1c (A. Novak)",
    "noted_at": "2016-06-02T08:15:00Z",
}
DEVIATIONS: dict[str, JsonValue] = {
    "as_of": "2016-06-03T08:00:00Z",
    "month": "2016-05",
    "total": 1,
    "deviations": [
        {
            "ticket_id": "INC0000045",
            "target": "resolution",
            "agreement": "Standard",
            "decided_at": "2016-05-31T15:00:00Z",
            "share_used": 1.4,
            "overdue_seconds": 57600.0,
            "team": "Group 70",
            "service": "Mail",
            "category": "Hardware",
            "priority": "3",
            "state": "open",
            "note": NOTE,
        }
    ],
}
STAFFING: dict[str, JsonValue] = {
    "agents": 14,
    "scheduled": 20,
    "load": 10.0,
    "service_level": 0.8884,
    "occupancy": 0.7143,
    "waiting_share": 0.1741,
    "mean_wait_seconds": 7.84,
    "abandoned_share": 0.0,
    "square_root_agents": 13,
    "formula": "Erlang C",
    "steps": ["Load: 100 contacts x 180 s / 1800 s = 10 erlangs."],
}
BY_SCHEMA: dict[str, dict[str, JsonValue]] = {
    "DeviationsOut": DEVIATIONS,
    "StoredNoteOut": {"is_new": True},
    "ServicesPage": SERVICES,
    "ServiceOut": SERVICE,
    "AvailabilityOut": AVAILABILITY,
    "LevelsOut": LEVELS,
    "ForecastOut": FORECAST,
    "StaffingOut": STAFFING,
}
"""The example of each answer by the name of its schema."""
