"""Texts by number: each is stored once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b

import numpy as np
from sqlalchemy import Connection, func, select

from features.store.bulk import load, rows_with
from features.store.coding import Numbers, Texts
from features.store.tables import words

_REMEMBERED = 500_000
_FEW = 20_000


class WordBook:
    """The numbers of texts during one append, whose caller holds the writers' lock; remembers what it has looked up."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._last = int(connection.execute(select(func.coalesce(func.max(words.c.word_id), 0))).scalar_one())
        self._numbers: dict[str, int] = {}
        self._knows_all = self._last == 0

    def learn(self, texts: Iterable[str]) -> dict[str, int]:
        """The number of each text (and of others); texts that are new are stored."""
        if len(self._numbers) > _REMEMBERED:
            self._numbers, self._knows_all = {}, False
        unknown = {text for text in texts if text not in self._numbers}
        by_digest = {_digest(text): text for text in unknown}
        if not self._knows_all:
            self._numbers |= _stored(self._connection, by_digest)
        fresh = [(digest, text) for digest, text in sorted(by_digest.items()) if text not in self._numbers]
        rows = [(number, digest, text) for number, (digest, text) in enumerate(fresh, start=self._last + 1)]
        if rows:
            load(self._connection, words, ("word_id", "digest", "text"), rows)
        self._last += len(rows)
        self._numbers |= {text: number for number, _, text in rows}
        return self._numbers


def known_numbers(connection: Connection, texts: Sequence[str]) -> list[int]:
    """The numbers of those texts that are stored; nothing is written."""
    return list(_stored(connection, {_digest(text): text for text in texts}).values())


def texts_of(connection: Connection, numbers: Numbers) -> Texts:
    """The texts of distinct ascending `numbers`, in their order."""
    if len(numbers) > _FEW:
        between = words.c.word_id.between(int(numbers[0]), int(numbers[-1]))
        rows = connection.execute(
            select(words.c.word_id, words.c.text).where(between).order_by(words.c.word_id)
        ).tuples()
        stored, texts = zip(*rows, strict=True)
        return np.array(texts, dtype=object)[np.searchsorted(np.array(stored, dtype=np.int64), numbers)]
    found: dict[int, str] = dict(rows_with(connection, words, ("word_id", "text"), "word_id", numbers.tolist()))
    out = np.empty(len(numbers), dtype=object)
    out[:] = [found[number] for number in numbers.tolist()]
    return out


def _stored(connection: Connection, by_digest: dict[bytes, str]) -> dict[str, int]:
    found = rows_with(connection, words, ("digest", "word_id"), "digest", list(by_digest))
    return {by_digest[bytes(digest)]: number for digest, number in found}


def _digest(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=16).digest()
