"""Answers as they look, for the OpenAPI document; tests/serving/test_api.py holds them to their schemas."""

from __future__ import annotations

from pydantic import JsonValue

ROW: dict[str, JsonValue] = {
    "ticket_id": "INC0016968",
    "group": "save_now",
    "risk": "some_risk",
    "probability": 0.31,
    "rules_risk": "some_risk",
    "title": "No Wi-Fi in the meeting room",
    "priority": "2",
    "service": "Network",
    "category": "Incident",
    "team": "Network",
    "assignee": "",
    "customer": "caller 17",
    "status": "open",
    "waiting_on": "",
    "opened_at": "2026-07-03T12:05:00Z",
    "waiting_since": None,
    "last_contact_at": "2026-07-03T13:40:00Z",
    "target": "resolution",
    "agreement": "Standard",
    "verdict_state": "running",
    "due_at": "2026-07-06T11:35:00Z",
    "breached_at": None,
    "target_seconds": 28800.0,
    "elapsed_working_seconds": 16800.0,
    "remaining_working_seconds": 12000.0,
    "remaining_wall_seconds": 12000.0,
    "share_used": 0.5833,
    "response_state": None,
    "response_due_at": None,
    "response_remaining_working_seconds": None,
    "why_here": "Due in 3 h 20 min with about 45 min of work: taken now it is in time with 96 %, later with less.",
    "gain_per_minute": 0.0713,
    "late_if_taken_now": 0.04,
    "work_minutes": 45.0,
    "rank_in_team": 2,
    "bundle_version": "breach v3",
    "reasons": ["58 % of the time is used", "Nobody is assigned", "Its team closed 8 of 23 late in 14 days"],
}
LIKELY_END: dict[str, JsonValue] = {
    "early_at": "2026-07-06T09:10:00Z",
    "middle_at": "2026-07-06T10:40:00Z",
    "late_at": "2026-07-06T14:05:00Z",
    "early_working_seconds": 3300,
    "middle_working_seconds": 8700,
    "late_working_seconds": 21000,
    "or_later": [],
}
QUEUE: dict[str, JsonValue] = {
    "as_of": "2026-07-06T08:15:00Z",
    "probabilities_as_of": "2026-07-06T08:14:21Z",
    "scored_seconds_ago": 12.4,
    "time_zone": "Europe/Berlin",
    "bundle_version": "breach v3",
    "rules_only_reason": None,
    "order": "suggested",
    "order_words": "Ordered by what a minute of work saves. Work needed is the mean by category and priority of the minutes booked on 412 tickets finished in 56 days.",
    "idle_teams": [
        {
            "team": "Identity",
            "ticket_id": "INC0016970",
            "from_team": "Workplace",
            "service": "Workplace",
            "category": "Accounts",
            "finished": 38,
            "words": "Identity has nothing to work on and finished 38 tickets of Accounts in eight weeks: take INC0016970, which waits for Workplace.",
        }
    ],
    "problem": None,
    "counts": {"all": 57, "save_now": 17, "safe_for_now": 31, "late_or_lost": 9, "paused": 13, "high_risk": 6},
    "total": 17,
    "tickets": [{**ROW, "likely_end": LIKELY_END}],
    "next_cursor": "WyJJTkMwMDE2OTY4IiwgMV0",
}
CLOCK: dict[str, JsonValue] = {
    "target": "resolution",
    "agreement": "Standard",
    "state": "running",
    "started_at": "2026-07-03T12:05:00Z",
    "due_at": "2026-07-06T11:35:00Z",
    "breached_at": None,
    "stopped_at": None,
    "target_seconds": 28800.0,
    "elapsed_seconds": 16800.0,
    "paused_seconds": 0.0,
    "remaining_working_seconds": 12000.0,
    "remaining_wall_seconds": 12000.0,
    "share_used": 0.5833,
    "kind": "SLA",
    "owner": "Service desk",
    "rule": "Priority 2: 8 working hours",
    "why": "it applies because priority is 2",
    "calendar": "office",
    "time_zone": "Europe/Berlin",
    "policies": {"priority_change": "recompute"},
    "warnings": [{"share": 0.75, "at": "2026-07-06T09:35:00Z", "is_passed": False}],
    "trace": [
        {
            "doing": "ran",
            "start_at": "2026-07-03T12:05:00Z",
            "end_at": "2026-07-06T08:15:00Z",
            "working_seconds": 16800.0,
            "text": "Fri 3 Jul 14:05 - Mon 6 Jul 10:15: 4 h 40 min ran",
        }
    ],
}
TICKET: dict[str, JsonValue] = {
    "ticket_id": "INC0016968",
    "as_of": "2026-07-06T08:15:00Z",
    "time_zone": "Europe/Berlin",
    "is_open": True,
    "facts": {"status": "open", "priority": "2", "team": "Network", "title": "No Wi-Fi in the meeting room"},
    "score": ROW,
    "reasons": [{"text": "58 % of the time is used", "contribution": 0.8}],
    "clocks": [CLOCK],
    "events": [
        {
            "event_id": "jira-88123",
            "event_at": "2026-07-03T12:05:00Z",
            "recorded_at": "2026-07-03T12:05:02Z",
            "kind": "created",
            "actor_kind": "",
            "changes": {"status": "open", "priority": "2", "team": "Network"},
        }
    ],
    "bundle_version": "breach v3",
    "rules_only_reason": None,
}
SCORES: dict[str, JsonValue] = {
    "as_of": "2026-07-06T08:15:00Z",
    "bundle_version": "breach v3",
    "rules_only_reason": None,
    "tickets": [
        {
            **ROW,
            "likely_end": LIKELY_END,
            "warnings": ["Team 'Moon base' was not seen in training: its history is that of the whole desk."],
        }
    ],
    "not_scored": [{"ticket_id": "INC2", "why": "it is not open at this instant"}],
}
_STANDING: dict[str, JsonValue] = {
    "agreement": "Standard",
    "state": "running",
    "due_at": "2026-07-06T11:35:00Z",
    "breached_at": None,
    "target_seconds": 28800.0,
    "elapsed_seconds": 16800.0,
    "remaining_working_seconds": 12000.0,
}
WHAT_IF: dict[str, JsonValue] = {
    "ticket_id": "INC0016968",
    "at": "2026-07-06T08:15:00Z",
    "clocks": [
        {
            "target": "resolution",
            "actual": _STANDING,
            "supposed": {**_STANDING, "target_seconds": 14400.0, "due_at": None, "state": "breached"},
        }
    ],
    "actual": {"risk": "some_risk", "probability": 0.31},
    "supposed": {"risk": "breached", "probability": None},
    "warning": "The probability is an estimate from association: tickets that looked like this one after such a change ended so.",
}
EVENTS: dict[str, JsonValue] = {"inserted": 500, "duplicates": 0, "kept": 0, "last_sequence": 120500}
FEEDBACK: dict[str, JsonValue] = {"inserted": 1, "key": "6f1c0d0f6b0b4f4c9c53a8ad2a0d6a57"}
READINESS: dict[str, JsonValue] = {
    "status": "ready",
    "why": [],
    "access": "access keys or a login are needed",
    "as_of": "2026-07-06T08:15:00Z",
    "scored_seconds_ago": 12.4,
    "open_tickets": 57,
    "bundle_version": "breach v3",
}
CSV = "ticket_id,group,risk,probability\r\nINC0016968,save_now,some_risk,0.31\r\n"
AUDIT: dict[str, JsonValue] = {
    "entries": [
        {
            "number": 17,
            "at": "2026-05-18T07:30:00Z",
            "actor": "key 7hx2mq4c (jira)",
            "action": "events stored",
            "subject": "ticket_events",
            "before": None,
            "after": {"inserted": 500, "duplicates": 0, "last_sequence": 120500},
            "origin": "10.1.2.3",
        }
    ],
    "next_before": None,
}
MODELS: dict[str, JsonValue] = {
    "models": [
        {
            "name": "breach",
            "target": "resolution",
            "aliases": {"champion": 3},
            "champion_since": "2026-05-01T06:00:40Z",
            "versions": [
                {
                    "version": "breach v3",
                    "number": 3,
                    "created_at": "2026-05-01T06:00:00Z",
                    "aliases": ["champion"],
                    "gate": "passed",
                    "gate_reason": "",
                    "metrics": {"pr_auc": 0.41},
                }
            ],
        }
    ],
    "served": "breach v3",
    "problem": None,
}
SCORE_HISTORY: dict[str, JsonValue] = {
    "ticket_id": "INC0016968",
    "as_of": "2016-05-17T06:04:00Z",
    "scores": [
        {
            "scored_at": "2016-05-16T08:00:00Z",
            "verdict_state": "running",
            "probability": 0.12,
            "due_at": "2016-05-19T09:30:00Z",
            "bundle_version": "breach v7",
            "reasons": ["Its team closed 8 of 23 late in 14 days"],
        },
        {
            "scored_at": "2016-05-17T05:10:00Z",
            "verdict_state": "paused",
            "probability": 0.31,
            "due_at": None,
            "bundle_version": "breach v7",
            "reasons": ["Reassigned 3 times"],
        },
    ],
}
JOB: dict[str, JsonValue] = {
    "job_id": 41,
    "kind": "train",
    "about": "Train a model",
    "arguments": {"model": "breach", "target": "resolution", "as_of": None, "cut": None, "tuned": False, "seed": 0},
    "state": "running",
    "step": "building features",
    "progress": 0.4,
    "seconds": 12.5,
    "asked_by": "key 7hx2mq4c (data science)",
    "asked_at": "2026-07-06T08:14:00Z",
    "started_at": "2026-07-06T08:14:02Z",
    "ended_at": None,
    "is_cancelling": False,
    "problem": None,
    "has_log": True,
    "result": None,
}
JOBS: dict[str, JsonValue] = {"jobs": [JOB], "next_before": None, "problem": None}
PROMOTION: dict[str, JsonValue] = {
    "model": "breach",
    "kind": "promotion",
    "number": 4,
    "before": {"champion": 3, "challenger": 4},
    "after": {"champion": 4, "previous": 3},
    "by": "key 7hx2mq4c (data science)",
    "at": "2026-07-06T08:14:00Z",
    "reason": "The champion does not know the new team.",
    "job_id": 42,
}
BY_SCHEMA: dict[str, dict[str, JsonValue]] = {
    "QueuePage": QUEUE,
    "TicketRow": ROW,
    "TicketOut": TICKET,
    "ScoreHistoryOut": SCORE_HISTORY,
    "ScoreOut": SCORES,
    "WhatIfOut": WHAT_IF,
    "EventsOut": EVENTS,
    "FeedbackOut": FEEDBACK,
    "AuditPage": AUDIT,
    "ModelsOut": MODELS,
    "JobOut": JOB,
    "JobPage": JOBS,
    "PromotionOut": PROMOTION,
    "Readiness": READINESS,
}
"""The example of each answer by the name of its schema."""
