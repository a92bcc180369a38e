"""Texts by number: each is stored once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from hashlib import blake2b

import numpy as np
import pyarrow as pa
from sqlalchemy import Connection, ScalarSelect, bindparam, select

from features.store.bulk import indices_deferred, load, rows_with
from features.store.coding import Numbers, Texts
from features.store.tables import words

_REMEMBERED = 2_000_000  # texts that are held by others anyway: a hundred bytes each
_NEAR, _MANY = 8, 50
"""Numbers that are at most so far apart, and at least so many, are read in one sweep with those between them; others one by one."""
_LEARNT_AT_ONCE = 100_000


class WordBook:
    """The numbers of texts during one append, whose caller holds the writers' lock; remembers what it has looked up."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._last = int(connection.exec_driver_sql("SELECT coalesce(max(word_id), 0) FROM words").scalar_one())
        self._numbers: dict[str, int] = {}
        self._knows_all = self._last == 0
        self._deferred = ExitStack()

    @contextmanager
    def index_deferred(self, rows: int) -> Iterator[None]:
        """Inside, an empty book does without its index: see `indices_deferred`."""
        with self._deferred:
            self._deferred.enter_context(indices_deferred(self._connection, words, rows if self._knows_all else 0))
            yield

    def learn(self, texts: Iterable[str]) -> dict[str, int]:
        """The number of each text (and of others); texts that are new are stored, in their order."""
        if len(self._numbers) > _REMEMBERED:
            self._deferred.close()  # from now on texts are looked up
            self._numbers, self._knows_all = {}, False
        numbers = self._numbers
        fresh = list(dict.fromkeys(text for text in texts if text not in numbers))
        if fresh and not self._knows_all:
            numbers |= _stored(self._connection, fresh)
            fresh = [text for text in fresh if text not in numbers]
        if fresh:
            given = np.arange(self._last + 1, self._last + 1 + len(fresh))
            rows = {"word_id": given, "digest": _digests(fresh), "text": pa.array(fresh, type=pa.large_string())}
            load(self._connection, words, pa.table(rows))
            numbers |= zip(fresh, given.tolist(), strict=True)
            self._last += len(fresh)
        return numbers

    def numbers(self, texts: Sequence[str]) -> Numbers:
        """The number of each of distinct texts, in their order; texts that are new are stored, in their order."""
        found = np.empty(len(texts), dtype=np.int64)
        for start in range(0, len(texts), _LEARNT_AT_ONCE):
            some = texts[start : start + _LEARNT_AT_ONCE]
            found[start : start + len(some)] = list(map(self.learn(some).__getitem__, some))
        return found


def known_numbers(connection: Connection, texts: Sequence[str]) -> list[int]:
    """The numbers of those texts that are stored; nothing is written."""
    return list(_stored(connection, texts).values())


def number_of(name: str) -> ScalarSelect[int]:
    """The number of a text inside a query, which is asked with `number_given` of the same name; NULL where it is not stored."""
    known = (words.c.digest == bindparam(f"{name}_digest"), words.c.text == bindparam(f"{name}_text"))
    return select(words.c.word_id).where(*known).scalar_subquery()


def number_given(name: str, text: str) -> dict[str, int | str]:
    """What `number_of` is asked with."""
    return {f"{name}_digest": int(_digests([text])[0]), f"{name}_text": text}


def texts_of(connection: Connection, numbers: Numbers) -> Texts:
    """The texts of distinct ascending `numbers`, in their order."""
    if not len(numbers):
        return np.empty(0, dtype=object)
    rows: list[tuple[int, str]] = []
    alone: list[int] = []
    for run in np.split(numbers, np.flatnonzero(np.diff(numbers) > _NEAR) + 1):
        if len(run) >= _MANY:
            rows += _between(connection, int(run[0]), int(run[-1]))
        else:
            alone += run.tolist()
    rows = sorted([*rows, *rows_with(connection, words, ("word_id", "text"), "word_id", alone)])
    stored, texts = zip(*rows, strict=True)
    held = np.empty(len(texts), dtype=object)
    held[:] = texts
    return held[np.searchsorted(np.array(stored, dtype=np.int64), numbers)]


def _between(connection: Connection, first: int, last: int) -> list[tuple[int, str]]:
    wanted = f"SELECT word_id, text FROM words WHERE word_id BETWEEN {first:d} AND {last:d} ORDER BY word_id"  # noqa: S608
    cursor = connection.connection.cursor()
    try:
        cursor.execute(wanted)
        return list(cursor.fetchall())
    finally:
        cursor.close()


def _stored(connection: Connection, texts: Sequence[str]) -> dict[str, int]:
    """Digests only narrow the search: that two texts share one is improbable, and harmless."""
    asked = set(texts)
    found = rows_with(connection, words, ("text", "word_id"), "digest", _digests(texts).tolist())
    return {text: number for text, number in found if text in asked}


def _digests(texts: Sequence[str]) -> Numbers:
    joined = b"".join([blake2b(text.encode(), digest_size=8).digest() for text in texts])
    return np.frombuffer(joined, dtype="<i8")
