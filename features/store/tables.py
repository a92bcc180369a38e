"""The tables as the code sees them; features/store/migrations is what makes them.

Every text but the event's id is stored once, in `words`, and events hold numbers: a tenth of the size and twice as quick as
texts in every row. The views `ticket_events_text` and `service_events_text` show the same events in words.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import BigInteger, Column, Float, Index, Integer, LargeBinary, MetaData, Table, Text, UniqueConstraint

from features.schema import INSTANT_COLUMNS, SERVICE_COLUMNS, TICKET_COLUMNS

metadata: Final = MetaData()

# SQLite hands out ascending row numbers only to a column of exactly the type INTEGER.
_Sequence: Final = BigInteger().with_variant(Integer, "sqlite")
_TICKET_REQUIRED: Final = ("event_id", "ticket_id", "event_at", "recorded_at", "kind")
_SERVICE_REQUIRED: Final = ("event_id", "service", "event_at", "recorded_at", "kind", "phase")


def _event_column(name: str, required: tuple[str, ...]) -> Column[Any]:
    nullable = name not in required
    if name == "event_id":
        return Column(name, Text, nullable=nullable)
    if name == "value":
        return Column(name, Float, nullable=nullable)
    return Column(name, BigInteger, nullable=nullable)  # an instant in microseconds since 1970 UTC, or a word


def is_word(name: str) -> bool:
    """Whether the column of an event table holds the number of a word."""
    return name not in ("event_id", "value", *INSTANT_COLUMNS)


words: Final = Table(
    "words",
    metadata,
    Column("word_id", _Sequence, primary_key=True, autoincrement=False),
    Column("digest", LargeBinary, nullable=False),  # of the text: an index on long texts would be as long as they are
    Column("text", Text, nullable=False),
    UniqueConstraint("digest", name="words_digest"),
)

imports: Final = Table(
    "imports",
    metadata,
    Column("import_id", _Sequence, primary_key=True),
    Column("imported_at", BigInteger),  # microseconds since 1970 UTC
    Column("source", Text, nullable=False),
    Column("kind", Text, nullable=False),  # the table that was appended to
    Column("inserted", BigInteger, nullable=False),
    Column("duplicates", BigInteger, nullable=False),
)

ticket_events: Final = Table(
    "ticket_events",
    metadata,
    Column("sequence", _Sequence, primary_key=True),
    *(_event_column(name, _TICKET_REQUIRED) for name in TICKET_COLUMNS),
    Column("attributes", BigInteger),  # a word: a JSON object of texts, keys sorted; a missing attribute is absent
    UniqueConstraint("event_id", name="ticket_events_event_id"),
    Index("ticket_events_ticket_id", "ticket_id"),
)

service_events: Final = Table(
    "service_events",
    metadata,
    Column("sequence", _Sequence, primary_key=True),
    *(_event_column(name, _SERVICE_REQUIRED) for name in SERVICE_COLUMNS),
    Column("attributes", BigInteger),
    UniqueConstraint("event_id", name="service_events_event_id"),
    Index("service_events_service", "service"),
)

agreements: Final = Table(
    "agreements",
    metadata,
    Column("version", _Sequence, primary_key=True),
    Column("saved_at", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("text", Text, nullable=False),
)
