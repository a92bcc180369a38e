"""The store: what the rest of the project may ask of the database."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, TypeAlias

import pandas as pd
import pyarrow as pa
from sqlalchemy import Connection, Engine, func, insert, select

from features.coded_events import CodedEvents, CodedServiceEvents
from features.plain_events import PlainEvents
from features.schema import (
    SERVICE_COLUMNS,
    TICKET_COLUMNS,
    empty_service_events,
    empty_ticket_events,
    validate_service_events,
    validate_ticket_events,
)
from features.store import tables
from features.store.access_keys import AccessKeys, Sessions
from features.store.agreements import Agreements
from features.store.alerts import Alerts
from features.store.appending import EventTable, Progress, append, last_sequence
from features.store.audit import Audit
from features.store.coded_tables import coded_tables
from features.store.deviation_notes import DeviationNotes
from features.store.engine import DEFAULT_URL, make_engine, reading, writing
from features.store.feedback import Feedback
from features.store.forecasts import Forecasts
from features.store.idempotency import Idempotency
from features.store.jobs import Jobs
from features.store.leases import Leases
from features.store.logs import read_log
from features.store.marks import Marks, SavedViews
from features.store.migration import migrate
from features.store.outcomes import Outcomes
from features.store.predictions import Predictions
from features.store.querying import Narrowing, chunks
from features.store.reading_marks import ReadingMarks
from features.store.suggestions import Suggestions
from sla.events import EventLog
from sla.instants import to_us

CHUNK_ROWS = 200_000
_TICKET_EVENTS = EventTable(tables.ticket_events, TICKET_COLUMNS, ("ticket_id",))
_SERVICE_EVENTS = EventTable(tables.service_events, SERVICE_COLUMNS, ("service", "kind", "phase"))
_IMPORT = insert(tables.imports)


@dataclass(frozen=True)
class AppendReport:
    """What an append did. Conflicts with stored events raise ConflictError instead."""

    inserted: int
    duplicates: int  # stored before with the same content
    kept: int  # `created` events of tickets whose creation was stored before with other content; the stored one stays
    first_sequence: int  # of the inserted events; 0 if none
    last_sequence: int  # of the table now; 0 if it is empty


Note: TypeAlias = Callable[[Connection, AppendReport], None]
"""What else is stored in the transaction of an append, exactly if the append is: see audit_note and answer_note."""


def open_store(url: str = DEFAULT_URL) -> Store:
    """The store at `sqlite:///path` or `postgresql://...`, with its tables brought up to date under a lock.

    Raises StoreError where it cannot be opened, or was made by a newer version.
    """
    engine = make_engine(url)
    try:
        migrate(engine)
    except BaseException:
        engine.dispose()
        raise
    return Store(engine)


class Store:
    """Append-only events, and what was agreed, predicted, found, said, raised and forecast; one transaction a call."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.agreements = Agreements(engine)
        self.predictions = Predictions(engine)
        self.outcomes = Outcomes(engine)
        self.feedback = Feedback(engine)
        self.alerts = Alerts(engine)
        self.forecasts = Forecasts(engine)
        self.suggestions = Suggestions(engine)
        self.audit = Audit(engine)
        self.reading_marks = ReadingMarks(engine)
        self.access_keys = AccessKeys(engine)
        self.sessions = Sessions(engine)
        self.idempotency = Idempotency(engine)
        self.leases = Leases(engine)
        self.jobs = Jobs(engine)
        self.marks = Marks(engine)
        self.deviation_notes = DeviationNotes(engine)
        self.saved_views = SavedViews(engine)

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def url(self) -> str:
        """Where the store is, without the password."""
        return self._engine.url.render_as_string(hide_password=True)

    def close(self) -> None:
        """Close all connections; an open store needs no other care."""
        self._engine.dispose()

    def append_ticket_events(
        self,
        events: pd.DataFrame | CodedEvents | PlainEvents,
        source: str,
        *,
        imported_at: datetime | None = None,
        progress: Progress | None = None,
        notes: Sequence[Note] = (),
    ) -> AppendReport:
        """What was stored of the ticket events: all or, on any fault, nothing.

        Events that are stored already with the same content are counted as duplicates, so appending twice is appending once.
        Raises SchemaError for events that break the contract, ConflictError where an id is stored with other content.
        """
        if isinstance(events, CodedEvents | PlainEvents):
            events.check()
        else:
            validate_ticket_events(events)
        return self._append(_TICKET_EVENTS, events, source, imported_at, progress, notes)

    def append_service_events(
        self,
        events: pd.DataFrame | CodedServiceEvents,
        source: str,
        *,
        imported_at: datetime | None = None,
        progress: Progress | None = None,
        notes: Sequence[Note] = (),
    ) -> AppendReport:
        """What was stored of the service events; as `append_ticket_events`."""
        if isinstance(events, CodedServiceEvents):
            events.check()
        else:
            validate_service_events(events)
        return self._append(_SERVICE_EVENTS, events, source, imported_at, progress, notes)

    def ticket_events(
        self,
        since_sequence: int = 0,
        until: datetime | None = None,
        ticket_ids: Sequence[str] | None = None,
        up_to_sequence: int | None = None,
    ) -> pd.DataFrame:
        """Ticket events in the order they were stored, as a canonical frame.

        Only those with a sequence above `since_sequence` (and not above `up_to_sequence`), that both happened and were
        recorded by `until`, of these tickets. To read only what is new: take `last_sequence()` first, read up to it, and
        begin there next time.
        """
        found = list(self.ticket_event_chunks(since_sequence, until, ticket_ids, up_to_sequence))
        return pd.concat(found, ignore_index=True) if found else empty_ticket_events()

    def ticket_event_chunks(
        self,
        since_sequence: int = 0,
        until: datetime | None = None,
        ticket_ids: Sequence[str] | None = None,
        up_to_sequence: int | None = None,
        chunk_rows: int = CHUNK_ROWS,
    ) -> Iterator[pd.DataFrame]:
        """The same as `ticket_events` in frames of at most `chunk_rows`, all from one state of the store.

        A chunk has the attribute columns that occur in it.
        """
        wanted = Narrowing(since_sequence, up_to_sequence, until, ticket_ids)
        with reading(self._engine) as connection:
            yield from chunks(connection, _TICKET_EVENTS, wanted, chunk_rows, may_be_announced=False)

    def ticket_event_tables(self, until: datetime | None = None, chunk_rows: int = CHUNK_ROWS) -> Iterator[pa.Table]:
        """The same as `ticket_event_chunks` as Arrow tables of codes: half the time, and a fraction of the memory.

        Texts are dictionaries; `event_number` (features/schema.py) stands for all ids that need no text.
        """
        with reading(self._engine) as connection:
            yield from coded_tables(connection, _TICKET_EVENTS, Narrowing(until=until), chunk_rows)

    def ticket_event_log(self, *, since_sequence: int = 0, up_to_sequence: int | None = None) -> EventLog:
        """The same events as `ticket_events` as a log: several times as quick as frames, and a fraction of their memory."""
        return read_log(self._engine, _TICKET_EVENTS, Narrowing(since_sequence, up_to_sequence))

    def service_events(
        self,
        since_sequence: int = 0,
        until: datetime | None = None,
        services: Sequence[str] | None = None,
        up_to_sequence: int | None = None,
    ) -> pd.DataFrame:
        """Service events in the order they were stored, as a canonical frame.

        As `ticket_events`, but `until` looks at `recorded_at` alone: announced maintenance is known before it happens.
        """
        wanted = Narrowing(since_sequence, up_to_sequence, until, services)
        with reading(self._engine) as connection:
            found = list(chunks(connection, _SERVICE_EVENTS, wanted, CHUNK_ROWS, may_be_announced=True))
        return pd.concat(found, ignore_index=True) if found else empty_service_events()

    def last_sequence(self) -> int:
        """The highest sequence number of the ticket events, 0 in an empty store. It only grows, in the order of commits."""
        return self._last(_TICKET_EVENTS)

    def last_service_sequence(self) -> int:
        """The highest sequence number of the service events, 0 in an empty store."""
        return self._last(_SERVICE_EVENTS)

    def ticket_count(self) -> int:
        """How many tickets have events."""
        with reading(self._engine) as connection:
            return int(
                connection.execute(select(func.count(func.distinct(tables.ticket_events.c.ticket_id)))).scalar_one()
            )

    def save_agreements(self, text: str, at: datetime) -> int:
        """The version under which the agreements' text is stored; see `agreements.save`."""
        return self.agreements.save(text, at)

    def latest_agreements(self) -> str | None:
        """The text of the newest agreements, or None."""
        newest = self.agreements.latest()
        return None if newest is None else newest.text

    def _append(
        self,
        events: EventTable,
        arriving: pd.DataFrame | CodedEvents | PlainEvents,
        source: str,
        imported_at: datetime | None,
        progress: Progress | None,
        notes: Sequence[Note],
    ) -> AppendReport:
        with writing(self._engine) as connection:
            before = last_sequence(connection, events.table)
            done = append(connection, events, arriving, before, progress)
            last = last_sequence(connection, events.table)
            if done.inserted:
                record: dict[str, Any] = {
                    "imported_at": None if imported_at is None else to_us(imported_at),
                    "source": source,
                    "kind": events.table.name,
                }
                record |= {"inserted": done.inserted, "duplicates": done.duplicates + done.kept}
                connection.execute(_IMPORT, record)
            report = AppendReport(done.inserted, done.duplicates, done.kept, before + 1 if done.inserted else 0, last)
            for note in notes:
                note(connection, report)
        return report

    def _last(self, events: EventTable) -> int:
        with reading(self._engine) as connection:
            return last_sequence(connection, events.table)
