"""Keys as dense codes per step. Code 0 stands for "none": missing or known to be empty."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.declaration import FIRST_TEAM, Key
from features.histories import Histories
from sla.instants import Int64Array

MOST_COUNTED = 1 << 22


@dataclass(frozen=True)
class KeyCodes:
    """The code of one key after each step, and how many codes there are."""

    codes: Int64Array
    count: int

    @classmethod
    def of(cls, histories: Histories, key: Key) -> KeyCodes:
        """The codes of a key, built once; the empty key puts all tickets under one code."""
        return histories.once(f"codes of {key}", lambda: _combined(histories, key))


def _combined(histories: Histories, key: Key) -> KeyCodes:
    combined = KeyCodes(np.zeros(len(histories.steps), np.int64), 1)
    for column in key:
        part = _single(histories, column)
        pairs = KeyCodes(combined.codes * part.count + part.codes, combined.count * part.count)
        combined = part if combined.count == 1 else _dense(pairs)
    return combined


def _dense(sparse: KeyCodes) -> KeyCodes:
    """Codes without gaps, in the same order."""
    if sparse.count > MOST_COUNTED:
        distinct, codes = np.unique(sparse.codes, return_inverse=True)
        return KeyCodes(codes.astype(np.int64), max(len(distinct), 1))
    is_used = np.bincount(sparse.codes, minlength=1) > 0
    return KeyCodes((np.cumsum(is_used) - 1)[sparse.codes], max(int(is_used.sum()), 1))


def _single(histories: Histories, column: str) -> KeyCodes:
    if column == FIRST_TEAM:
        return _first_team(histories)
    codes = np.where(histories.is_named(column), histories.codes(column).astype(np.int64) + 1, 0)
    return KeyCodes(codes, len(histories.values(column)) + 1)


def _first_team(histories: Histories) -> KeyCodes:
    """The first team that was known to hold the ticket, 0 until one is known."""
    steps, team = histories.steps, _single(histories, "team")
    named = histories.is_named("team")
    first = steps.latest(named & (steps.running_total(named) == 1))
    return KeyCodes(np.where(first >= 0, team.codes[first], 0), team.count)
