"""Alerts, the outbox that holds what is still to be sent of them, and how their delivery went."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import pandas as pd
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Engine,
    Select,
    and_,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from features.store.bulk import load
from features.store.engine import reading, writing
from features.store.faults import StoreError
from features.store.frames import conformed, required, rows_of
from features.store.journal import Added, Journal
from features.store.tables import alerts, deliveries, outbox, words
from features.store.words import WordBook, known_numbers
from sla.instants import to_us

DELIVERED: Final = "delivered"
FAILED: Final = "failed"  # to be tried again at `retry_at`
DEAD: Final = "dead"  # given up


class OutpacedError(StoreError):
    """Another process stored alerts meanwhile; nothing of these was stored."""


@dataclass(frozen=True)
class Attempt:
    """One try to deliver an alert on a channel; `retry_at` is given exactly when it is to be tried again."""

    alert_id: int
    channel: str
    state: str
    attempted_at: datetime
    retry_at: datetime | None = None
    detail: str = ""


@dataclass(frozen=True)
class AlertFigures:
    """How many alerts are stored by rule and event, attempts by channel and state, and deliveries that wait."""

    events: Mapping[tuple[str, str], int]
    deliveries: Mapping[tuple[str, str], int]
    waiting: int


class Alerts:
    """Alerts and the attempts to deliver them. Both are only added to; the outbox alone is worked off."""

    def __init__(self, engine: Engine) -> None:
        self._alerts = Journal(engine, alerts, "raised_at")
        self._deliveries = Journal(engine, deliveries, "attempted_at")

    def append(
        self,
        frame: pd.DataFrame,
        channels: Sequence[Sequence[str]] = (),
        *,
        due_at: datetime | None = None,
        after_id: int | None = None,
        conditions: Sequence[Callable[[Connection], None]] = (),
    ) -> Added:
        """How many alerts are new, in one transaction; an alert whose key is stored is not raised again.

        Columns: key (text, unique), rule, subject_kind (`ticket`, `service`), subject, event (`raised`, `recovered`), raised_at
        (aware UTC), message; and where there is one severity and details (JSON). `channels`: for each row those it is to be
        sent on from `due_at` on; they stand in the outbox exactly if the alert is stored. Raises StoreError for other columns
        and for missing values, and OutpacedError where the last alert stored is not `after_id`;
        `conditions` are asked in the same transaction, and what they raise stops it (see features.store.leases.holding).
        """
        frame = conformed(alerts, frame, required(alerts))
        with writing(self._alerts.engine) as connection:
            for condition in conditions:
                condition(connection)
            last = _last_id(connection)
            if after_id is not None and last != after_id:
                raise OutpacedError(f"alerts up to {last} are stored, not up to {after_id}: read them and decide again")
            book = WordBook(connection)
            fresh = frame[~frame["key"].isin(_known_keys(connection, frame["key"].tolist()))].drop_duplicates("key")
            load(connection, alerts, rows_of(book, alerts, fresh, {}))
            if due_at is not None:
                self._queue(connection, book, {frame["key"][row]: channels[row] for row in fresh.index}, due_at)
        return Added(len(fresh), len(frame) - len(fresh))

    def _queue(
        self, connection: Connection, book: WordBook, channels: Mapping[str, Sequence[str]], due_at: datetime
    ) -> None:
        named = sorted({channel for some in channels.values() for channel in some})
        numbers, ids = book.learn(named), _ids_of(connection, list(channels))
        rows = [
            {"alert_id": ids[key], "channel": numbers[channel], "attempts": 0, "due_at": to_us(due_at)}
            for key, some in channels.items()
            for channel in dict.fromkeys(some)
        ]
        if rows:
            connection.execute(insert(outbox), rows)

    def read(
        self,
        since: datetime | None = None,
        until: datetime | None = None,
        rule: str | None = None,
        subject: str | None = None,
    ) -> pd.DataFrame:
        """Alerts raised between two instants, both included, in the order of storing."""
        return self._alerts.read(since, until, {"rule": rule, "subject": subject})

    def last_id(self) -> int:
        """The number of the last alert stored, 0 if there is none."""
        with reading(self._alerts.engine) as connection:
            return _last_id(connection)

    def after(self, alert_id: int) -> pd.DataFrame:
        """The alerts stored after one, in the order of storing."""
        with reading(self._alerts.engine) as connection:
            return self._alerts.frame(connection, [alerts.c.alert_id > alert_id])

    def standing(self, since: datetime, over: Sequence[str]) -> pd.DataFrame:
        """The alerts raised since an instant, and the last of each rule and subject unless its event is among `over`."""
        last = select(func.max(alerts.c.alert_id)).group_by(alerts.c.rule, alerts.c.subject)
        with reading(self._alerts.engine) as connection:
            is_over = alerts.c.event.in_(known_numbers(connection, list(over)))
            goes_on = and_(alerts.c.alert_id.in_(last), ~is_over)
            return self._alerts.frame(connection, [or_(alerts.c.raised_at >= to_us(since), goes_on)])

    def recent(self, limit: int, before_id: int | None, events: Sequence[str]) -> pd.DataFrame:
        """The last `limit` alerts of some events with a number below one, newest first."""
        with reading(self._alerts.engine) as connection:
            wanted: list[ColumnElement[bool]] = [alerts.c.event.in_(known_numbers(connection, list(events)))]
            wanted += [] if before_id is None else [alerts.c.alert_id < before_id]
            query = select(alerts.c.alert_id).where(*wanted).order_by(alerts.c.alert_id.desc()).limit(limit)
            found = self._alerts.frame(connection, [alerts.c.alert_id.in_(_numbers(connection, query))])
        return found.iloc[::-1].reset_index(drop=True)

    def waiting(self, channel: str, at: datetime, limit: int = 100) -> list[tuple[int, dict[str, Any]]]:
        """What is to be sent on a channel now, the oldest first: failed attempts so far, and the alert by its columns."""
        with reading(self._alerts.engine) as connection:
            here = [outbox.c.channel.in_(known_numbers(connection, [channel])), outbox.c.due_at <= to_us(at)]
            query = select(outbox.c.alert_id, outbox.c.attempts).where(*here).order_by(outbox.c.outbox_id).limit(limit)
            attempts = {int(alert_id): int(tried) for alert_id, tried in connection.execute(query)}
            found = self._alerts.frame(connection, [alerts.c.alert_id.in_(list(attempts))])
        rows = [{str(name): value for name, value in row.items()} for row in found.to_dict("records")]
        return [(attempts[row["alert_id"]], row) for row in rows]

    def count(self, event: str, since: datetime) -> int:
        """How many alerts of an event were stored with an instant after one."""
        with reading(self._alerts.engine) as connection:
            wanted = [alerts.c.event.in_(known_numbers(connection, [event])), alerts.c.raised_at > to_us(since)]
            return int(connection.execute(select(func.count()).select_from(alerts).where(*wanted)).scalar_one())

    def figures(self) -> AlertFigures:
        """All alerts and attempts ever, counted."""
        with reading(self._alerts.engine) as connection:
            events = _counted(connection, alerts.c.rule, alerts.c.event)
            attempts = _counted(connection, deliveries.c.channel, deliveries.c.state)
            waiting = int(connection.execute(select(func.count()).select_from(outbox)).scalar_one())
        return AlertFigures(events, attempts, waiting)

    def still_to_send(self) -> int:
        """How many deliveries stand in the outbox."""
        with reading(self._alerts.engine) as connection:
            return int(connection.execute(select(func.count()).select_from(outbox)).scalar_one())

    def record(self, attempt: Attempt) -> None:
        """Nothing; the attempt is stored, and the alert has left the outbox or stands there until `retry_at`."""
        said = {"alert_id": attempt.alert_id, "channel": attempt.channel, "state": attempt.state}
        at = {"attempted_at": attempt.attempted_at, "retry_at": attempt.retry_at, "detail": attempt.detail or None}
        frame = pd.DataFrame([{**said, **{name: value for name, value in at.items() if value is not None}}])
        with writing(self._alerts.engine) as connection:
            book = WordBook(connection)
            load(
                connection,
                deliveries,
                rows_of(book, deliveries, conformed(deliveries, frame, required(deliveries)), {}),
            )
            channel = book.learn([attempt.channel])[attempt.channel]
            mine = and_(outbox.c.alert_id == attempt.alert_id, outbox.c.channel == channel)
            if attempt.retry_at is None:
                connection.execute(delete(outbox).where(mine))
            else:
                again = {"attempts": outbox.c.attempts + 1, "due_at": to_us(attempt.retry_at)}
                connection.execute(update(outbox).where(mine).values(**again))

    def deliveries(self, alert_id: int | None = None, channel: str | None = None) -> pd.DataFrame:
        """All attempts, in the order of storing."""
        return self._deliveries.read(values={"alert_id": alert_id, "channel": channel})

    def dead_letters(self, limit: int = 100) -> pd.DataFrame:
        """The last attempts of what was given up, newest first: columns of a delivery."""
        with reading(self._alerts.engine) as connection:
            given_up = deliveries.c.state.in_(known_numbers(connection, [DEAD]))
            query = (
                select(deliveries.c.delivery_id).where(given_up).order_by(deliveries.c.delivery_id.desc()).limit(limit)
            )
            found = self._deliveries.frame(connection, [deliveries.c.delivery_id.in_(_numbers(connection, query))])
        return found.iloc[::-1].reset_index(drop=True)


def _counted(connection: Connection, first: Column[Any], second: Column[Any]) -> dict[tuple[str, str], int]:
    """How many rows there are of each pair of words."""
    one, other = words.alias("one"), words.alias("other")
    pairs = select(first, second, func.count().label("count")).group_by(first, second).subquery()
    named = (
        select(one.c.text, other.c.text, pairs.c.count)
        .join(one, one.c.word_id == pairs.c[first.name])
        .join(other, other.c.word_id == pairs.c[second.name])
    )
    return {(str(a), str(b)): int(count) for a, b, count in connection.execute(named)}


def _last_id(connection: Connection) -> int:
    return int(connection.execute(select(func.coalesce(func.max(alerts.c.alert_id), 0))).scalar_one())


def _known_keys(connection: Connection, keys: Sequence[str]) -> set[str]:
    return set(_ids_of(connection, keys))


def _ids_of(connection: Connection, keys: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for start in range(0, len(keys), 500):
        some = list(keys[start : start + 500])
        query = select(alerts.c.key, alerts.c.alert_id).where(alerts.c.key.in_(some))
        found |= {str(key): int(number) for key, number in connection.execute(query)}
    return found


def _numbers(connection: Connection, query: Select[Any]) -> list[int]:
    return [int(number) for (number,) in connection.execute(query)]
