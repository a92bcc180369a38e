"""What was predicted of tickets, kept for ever, so that the past can be shown and judged."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

import pandas as pd
from sqlalchemy import ColumnElement, Connection, Engine, bindparam, false, func, select

from features.store.bulk import stream
from features.store.changes import Changes, all_of, stream_frames
from features.store.engine import reading, writing
from features.store.faults import StoreError
from features.store.frames import arrays_of, fetched, frame_of
from features.store.tables import predictions, words
from features.store.words import known_numbers, number_given, number_of
from sla.instants import from_us, to_us

PROBABILITY_TOLERANCE: Final = 0.005
"""A probability that moved by no more than this is the same prediction: shown as a percentage, it differs by half a point."""

CHUNK_ROWS: Final = 100_000
_SAID = ("ticket_id", "is_shadow", "scored_at", "bundle_version", "probability", "due_at")
_STATE, _VERSION = words.alias("state_words"), words.alias("version_words")
_SHOWN: Final = (
    select(
        predictions.c.scored_at,
        _STATE.c.text,
        predictions.c.probability,
        predictions.c.due_at,
        _VERSION.c.text,
        predictions.c.reasons,
    )
    .join_from(predictions, _STATE, _STATE.c.word_id == predictions.c.state)
    .outerjoin(_VERSION, _VERSION.c.word_id == predictions.c.bundle_version)
    .where(
        predictions.c.ticket_id == number_of("ticket"),
        predictions.c.target == number_of("target"),
        predictions.c.is_shadow.is_(False),
        predictions.c.scored_at <= bindparam("until"),
    )
    .order_by(predictions.c.scored_at.desc(), predictions.c.prediction_id.desc())
    .limit(bindparam("most"))
)


@dataclass(frozen=True)
class SaidOfSome:
    """What models said of one ticket in `one_in`, chosen by number, with all that was said of each."""

    frame: pd.DataFrame
    one_in: int


@dataclass(frozen=True)
class StoredChanges:
    """What an append did."""

    inserted: int
    unchanged: int  # said nothing new and were not stored


class ShownPrediction(NamedTuple):
    """What was shown of a ticket from an instant on; `reasons` is JSON."""

    scored_at: datetime
    state: str
    probability: float | None
    due_at: datetime | None
    bundle_version: str | None
    reasons: str | None


class Predictions:
    """Predictions of tickets, one row whenever what is said of a ticket changed."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def append(
        self,
        frame: pd.DataFrame,
        tolerance: float = PROBABILITY_TOLERANCE,
        conditions: Sequence[Callable[[Connection], None]] = (),
    ) -> StoredChanges:
        """How many predictions were stored, in one transaction, and how many said nothing new.

        Columns: ticket_id, target, is_shadow (bool), scored_at, snapshot_at (aware UTC), state (the verdict's); and, where
        there is one, bundle_version, probability (0 to 1), due_at and reasons (JSON). A row is stored unless the same bundle
        gave the ticket's target the same state, due time and, within `tolerance`, probability in the last row stored at or
        before its `scored_at`; drift by small steps adds up until it is stored. Shadow predictions are compared among
        themselves. A condition that raises, inside the transaction, leaves nothing stored (see leases.holding).
        Raises StoreError for other columns, for missing values, and for probabilities outside 0 to 1.
        """
        if "probability" in frame and not frame["probability"].dropna().between(0, 1).all():
            raise StoreError("predictions: a probability is outside 0 to 1; nothing was stored")
        with writing(self._engine) as connection:
            for condition in conditions:
                condition(connection)
            inserted = _changes(tolerance).append(connection, frame)
        return StoredChanges(inserted, len(frame) - inserted)

    def chunks(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        ticket_ids: Sequence[str] | None = None,
        target: str | None = None,
        after_id: int = 0,
        chunk_rows: int = CHUNK_ROWS,
    ) -> Iterator[pd.DataFrame]:
        """All predictions, shadow ones included, in the order they were stored; frames of at most `chunk_rows`.

        Narrowed to `since` <= scored_at <= `until`, to tickets, to a target, and to those with an id above `after_id`.
        """
        with reading(self._engine) as connection:
            wanted = [predictions.c.prediction_id > after_id, *_wanted(connection, until, ticket_ids, target)]
            if since is not None:
                wanted.append(predictions.c.scored_at >= to_us(since))
            shown = select(*(fetched(column) for column in predictions.columns)).where(*wanted)
            yield from stream_frames(connection, predictions, shown.order_by(predictions.c.prediction_id), chunk_rows)

    def said_of_some(self, since: datetime, target: str, most_rows: int) -> SaidOfSome:
        """The probabilities said since an instant, in the order they were stored: of all tickets, or of every n-th so that about `most_rows` are read.

        Columns: ticket_id, is_shadow, scored_at, bundle_version, probability, due_at.
        """
        columns = [predictions.c[name] for name in _SAID]
        with reading(self._engine) as connection:
            wanted = [predictions.c.scored_at >= to_us(since), predictions.c.probability.is_not(None)]
            wanted += _wanted(connection, None, None, target)
            count = connection.execute(select(func.count()).select_from(predictions).where(*wanted)).scalar_one()
            one_in = max(1, -(-count // most_rows))
            wanted.append(predictions.c.ticket_id // one_in * one_in == predictions.c.ticket_id)
            shown = select(*(fetched(column) for column in columns)).where(*wanted)
            ordered = shown.order_by(predictions.c.prediction_id)
            parts = [
                frame_of(connection, columns, arrays_of(columns, portions))
                for portions in stream(connection, ordered, CHUNK_ROWS)
            ]
            if not parts:
                parts = [frame_of(connection, columns, arrays_of(columns, []))]
        return SaidOfSome(pd.concat(parts, ignore_index=True), one_in)

    def shown(self, ticket_id: str, target: str, until: datetime, most: int) -> list[ShownPrediction]:
        """The last `most` predictions of one ticket's target up to an instant, shadow ones left out; by instant, the earliest first.

        One statement and no frame: every look at a ticket's page asks for it.
        """
        with reading(self._engine) as connection:
            given = {**number_given("ticket", ticket_id), **number_given("target", target)}
            found = connection.execute(_SHOWN, {**given, "until": to_us(until), "most": most}).all()
        return [
            ShownPrediction(from_us(at_us), state, probability, None if due_us is None else from_us(due_us), *others)
            for at_us, state, probability, due_us, *others in reversed(found)
        ]

    def in_force(
        self,
        at: datetime,
        ticket_ids: Sequence[str] | None = None,
        target: str | None = None,
        *,
        is_shadow: bool = False,
    ) -> pd.DataFrame:
        """What was last said by an instant: one row for each ticket and target, in the order of storing."""
        with reading(self._engine) as connection:
            wanted = [predictions.c.is_shadow.is_(is_shadow), *_wanted(connection, at, ticket_ids, target)]
            return all_of(connection, predictions, _changes(0).in_force(wanted), CHUNK_ROWS)


def _changes(tolerance: float) -> Changes:
    return Changes(
        predictions,
        subject=("ticket_id", "target", "is_shadow"),
        at="scored_at",
        material=("bundle_version", "state", "due_at", "probability"),
        tolerances={"probability": tolerance},
    )


def _wanted(
    connection: Connection, until: datetime | None, ticket_ids: Sequence[str] | None, target: str | None
) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = [] if until is None else [predictions.c.scored_at <= to_us(until)]
    for column, texts in (("ticket_id", ticket_ids), ("target", None if target is None else [target])):
        if texts is not None:
            numbers = known_numbers(connection, list(dict.fromkeys(texts)))
            wanted.append(predictions.c[column].in_(numbers) if numbers else false())
    return wanted
