"""The tables as the code sees them; features/store/migrations is what makes them.

Texts that repeat are stored once, in `words`, and rows hold numbers: a tenth of the size and several times as quick as texts
in every row. The `*_text` views show the same rows in words. What a column holds is in its `info`: see features/store/columns.py.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Column, Index, MetaData, Table

from features.store.columns import FLAG, INSTANT, NUMBER, TEXT, WHOLE, WORD, columns, sequence

metadata: Final = MetaData()


words: Final = Table(
    "words",
    metadata,
    sequence("word_id", is_given=True),
    *columns(WHOLE, "digest"),  # of the text, 64 bits: an index on long texts would be as long as they are
    *columns(TEXT, "text"),
    Index("words_digest", "digest"),
)

imports: Final = Table(
    "imports",
    metadata,
    sequence("import_id"),
    *columns(INSTANT, "imported_at", optional=True),
    *columns(TEXT, "source", "kind"),  # kind: the table that was appended to
    *columns(WHOLE, "inserted", "duplicates"),
)


def _events(name: str, subject: str, kinds: tuple[str, ...], *others: Column[Any]) -> Table:
    """An event is named by subject, kinds, instant and ordinal (features/store/identity.py), or by a text of its own."""
    table = Table(
        name,
        metadata,
        sequence("sequence"),
        *columns(WORD, subject),
        *columns(INSTANT, "event_at"),
        *columns(WHOLE, "ordinal", optional=True),
        *columns(INSTANT, "recorded_at"),
        *others,
        *columns(WORD, "attributes", optional=True),  # a JSON object of texts, keys sorted; a missing one is absent
        *columns(TEXT, "event_id", optional=True),  # missing where subject, kinds, instant and ordinal say it
    )
    Index(f"{name}_identity", *(table.c[part] for part in (subject, "event_at", *kinds, "ordinal")), unique=True)
    has_own = table.c.event_id.is_not(None)
    Index(f"{name}_event_id", table.c.event_id, unique=True, sqlite_where=has_own, postgresql_where=has_own)
    return table


ticket_events: Final = _events(
    "ticket_events",
    "ticket_id",
    (),
    *columns(WORD, "kind"),
    *columns(WORD, "status", "waiting_on", "priority", "service", "category", "team", optional=True),
    *columns(WORD, "assignee", "customer", "channel", "actor_kind", optional=True),
)

service_events: Final = _events(
    "service_events",
    "service",
    ("kind", "phase"),
    *columns(WORD, "kind", "phase"),
    *columns(WORD, "severity", optional=True),
    *columns(NUMBER, "value", optional=True),
)

agreements: Final = Table(
    "agreements", metadata, sequence("version"), *columns(INSTANT, "saved_at"), *columns(TEXT, "sha256", "text")
)

predictions: Final = Table(
    "predictions",
    metadata,
    sequence("prediction_id"),
    *columns(WORD, "ticket_id", "target"),
    *columns(FLAG, "is_shadow"),  # said by a challenger: judged later, shown to no one
    *columns(INSTANT, "scored_at", "snapshot_at"),
    *columns(WORD, "bundle_version", optional=True),  # missing: the rules alone spoke
    *columns(WORD, "state"),
    *columns(NUMBER, "probability", optional=True),
    *columns(TEXT, "reasons", optional=True),  # JSON
    *columns(INSTANT, "due_at", optional=True),  # missing: no target, or nobody knows while the clock stands still
    Index("predictions_in_force", "ticket_id", "target", "is_shadow", "scored_at", "prediction_id"),
)

outcomes: Final = Table(
    "outcomes",
    metadata,
    sequence("outcome_id"),
    *columns(WORD, "ticket_id", "target"),
    *columns(WHOLE, "measurement"),
    *columns(INSTANT, "known_at"),
    *columns(WORD, "state"),
    *columns(FLAG, "breached"),
    *columns(WORD, "agreement", optional=True),
    *columns(INSTANT, "started_at", "due_at", "stopped_at", "breached_at", optional=True),
    *columns(WHOLE, "target_us", "elapsed_us", optional=True),
    Index("outcomes_in_force", "ticket_id", "target", "measurement", "known_at", "outcome_id"),
)

feedback: Final = Table(
    "feedback",
    metadata,
    sequence("feedback_id"),
    *columns(TEXT, "key"),
    *columns(WORD, "ticket_id"),
    *columns(WORD, "target", optional=True),
    *columns(INSTANT, "given_at"),
    *columns(WORD, "given_by", "verdict"),
    *columns(WHOLE, "prediction_id", optional=True),
    *columns(TEXT, "comment", optional=True),
    Index("feedback_key", "key", unique=True),
    Index("feedback_ticket_id", "ticket_id"),
)

alerts: Final = Table(
    "alerts",
    metadata,
    sequence("alert_id"),
    *columns(TEXT, "key"),
    *columns(WORD, "rule", "subject_kind", "subject", "event"),
    *columns(INSTANT, "raised_at"),
    *columns(WORD, "severity", optional=True),
    *columns(TEXT, "message"),
    *columns(TEXT, "details", optional=True),  # JSON
    Index("alerts_key", "key", unique=True),
    Index("alerts_subject", "subject", "rule"),
)

deliveries: Final = Table(
    "deliveries",
    metadata,
    sequence("delivery_id"),
    *columns(WHOLE, "alert_id"),
    *columns(WORD, "channel", "state"),
    *columns(INSTANT, "attempted_at"),
    *columns(INSTANT, "retry_at", optional=True),
    *columns(TEXT, "detail", optional=True),
    Index("deliveries_alert", "alert_id", "channel", "delivery_id"),
)

outbox: Final = Table(  # rows are removed when an alert is delivered or given up
    "outbox",
    metadata,
    sequence("outbox_id"),
    *columns(WHOLE, "alert_id"),
    *columns(WORD, "channel"),
    *columns(WHOLE, "attempts"),  # that failed so far
    *columns(INSTANT, "due_at"),
    Index("outbox_alert", "alert_id", "channel", unique=True),
    Index("outbox_due", "channel", "due_at"),
)

forecasts: Final = Table(
    "forecasts",
    metadata,
    sequence("forecast_id"),
    *columns(WORD, "series", "subject"),
    *columns(INSTANT, "made_at", "period_start", "period_end"),
    *columns(NUMBER, "quantile", "value"),
    *columns(WORD, "model_version", optional=True),
    Index("forecasts_identity", "series", "subject", "made_at", "period_start", "quantile", unique=True),
)

suggestions: Final = Table(
    "suggestions",
    metadata,
    sequence("suggestion_id"),
    *columns(WORD, "team", "ticket_id"),
    *columns(INSTANT, "suggested_at"),
    *columns(WHOLE, "place"),
    *columns(FLAG, "is_shown"),
    Index("suggestions_identity", "team", "suggested_at", "place", unique=True),
    Index("suggestions_at", "suggested_at"),
)

access_keys: Final = Table(
    "access_keys",
    metadata,
    sequence("key_id"),
    *columns(TEXT, "prefix", "name", "role", "hashed", "created_by"),
    *columns(TEXT, "teams", "services"),  # JSON lists
    *columns(INSTANT, "created_at"),
    *columns(INSTANT, "expires_at", optional=True),
    Index("access_keys_prefix", "prefix", unique=True),
)

key_revocations: Final = Table(
    "key_revocations",
    metadata,
    sequence("revocation_id"),
    *columns(TEXT, "prefix", "revoked_by"),
    *columns(INSTANT, "revoked_at"),
    Index("key_revocations_prefix", "prefix", unique=True),
)

sessions: Final = Table(  # rows are removed when a session ends
    "sessions",
    metadata,
    sequence("session_id"),
    *columns(TEXT, "digest", "holder"),  # holder: JSON
    *columns(INSTANT, "begun_at", "expires_at"),
    Index("sessions_digest", "digest", unique=True),
)

audit: Final = Table(
    "audit",
    metadata,
    sequence("audit_id"),
    *columns(TEXT, "actor", "action", "subject"),
    *columns(INSTANT, "at"),
    *columns(TEXT, "state_before", "state_after", "origin", optional=True),  # states: JSON
    Index("audit_at", "at"),
)

idempotency: Final = Table(  # rows are removed after two days
    "idempotency",
    metadata,
    sequence("answer_id"),
    *columns(TEXT, "caller", "key", "digest", "body"),
    *columns(WHOLE, "status"),
    *columns(INSTANT, "at"),
    Index("idempotency_key", "caller", "key", unique=True),
    Index("idempotency_at", "at"),
)

leases: Final = Table(  # rows change hands
    "leases",
    metadata,
    sequence("lease_id"),
    *columns(TEXT, "name", "holder"),
    *columns(WHOLE, "turn"),
    *columns(INSTANT, "acquired_at", "renewed_at", "expires_at"),
    Index("leases_name", "name", unique=True),
)

jobs: Final = Table(  # rows are what is known of a job, and change until it ended
    "jobs",
    metadata,
    sequence("job_id"),
    *columns(TEXT, "kind", "arguments", "asked_by", "state"),  # arguments: JSON
    *columns(FLAG, "is_short"),
    *columns(INSTANT, "asked_at"),
    *columns(INSTANT, "started_at", "seen_at", "cancel_asked_at", "ended_at", optional=True),
    *columns(TEXT, "holder", "step", "problem", "result", optional=True),  # result: JSON
    *columns(NUMBER, "progress", optional=True),
    *columns(WHOLE, "exit_code", optional=True),
    Index("jobs_state", "state", "job_id"),
)

marks: Final = Table(  # what people noted about tickets; the last of a ticket, kind and holder holds
    "marks",
    metadata,
    sequence("mark_id"),
    *columns(TEXT, "ticket_id", "kind", "made_by", "text"),
    *columns(INSTANT, "made_at"),
    *columns(INSTANT, "until_at", optional=True),
    Index("marks_ticket", "ticket_id", "kind", "mark_id"),
)

saved_views: Final = Table(  # the last of an owner and name holds
    "saved_views",
    metadata,
    sequence("view_id"),
    *columns(TEXT, "owner", "name", "query"),
    *columns(INSTANT, "saved_at"),
    Index("saved_views_owner", "owner", "name", "view_id"),
)
