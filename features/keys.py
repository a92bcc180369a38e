"""Keys as dense codes per step. Code 0 stands for "none": missing or known to be empty."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.declaration import FIRST_TEAM, Key
from features.histories import Histories
from sla.instants import Int64Array

MOST_COUNTED = 1 << 22
APART = "apart"
"""A column that tells whose a ticket is, where a log holds tickets of several who know nothing of one another (features/apart.py)."""


@dataclass(frozen=True)
class KeyCodes:
    """The code of one key after each step, and how many codes there are.

    The codes of a key of several columns are places in `pairs`: (code under all columns but the last) x (number of codes
    of the last) + (code under the last). Keys of one column have no pairs.
    """

    codes: NDArray[np.int32]
    count: int
    pairs: Int64Array | None = None

    @classmethod
    def of(cls, histories: Histories, key: Key) -> KeyCodes:
        """The codes of a key, built once; the empty key puts all tickets under one code, of each owner where there are several."""
        return _codes_of(histories, _own(histories, key))


def codes_in(histories: Histories, key: Key, other: Histories) -> Int64Array:
    """For each code of a key in some histories its code in others, -1 where they do not know it; built once."""
    return _codes_in(histories, _own(histories, key), other)


def are_alone(histories: Histories) -> bool:
    """Whether no two of the tickets lie under any one key: there is but one, or each has an owner of its own."""
    if APART not in histories.log.columns:
        return len(histories.ticket_ids) == 1
    return len(np.unique(KeyCodes.of(histories, ()).codes)) == len(histories.ticket_ids)


def _own(histories: Histories, key: Key) -> Key:
    """The key, under which no tickets of two owners lie."""
    return (APART, *key) if APART in histories.log.columns else key


def _codes_of(histories: Histories, key: Key) -> KeyCodes:
    return histories.once(f"codes of {key}", lambda: _combined(histories, key))


def _codes_in(histories: Histories, key: Key, other: Histories) -> Int64Array:
    return histories.code_map(key, other, lambda: _mapped(histories, key, other))


def _mapped(histories: Histories, key: Key, other: Histories) -> Int64Array:
    codes, there = _codes_of(histories, key), _codes_of(other, key)
    if histories.is_same(other) or not key:
        return np.arange(codes.count)
    if codes.pairs is None or there.pairs is None:
        return _mapped_texts(histories, key[0], other)
    wanted = _pairs_in(histories, key, other)
    place = np.minimum(np.searchsorted(there.pairs, wanted), max(len(there.pairs) - 1, 0))
    is_there = (wanted >= 0) & (len(there.pairs) > 0)
    is_there[is_there] = there.pairs[place[is_there]] == wanted[is_there]
    return np.where(is_there, place, -1)


def pairs_in(histories: Histories, key: Key, other: Histories) -> Int64Array:
    """For each code of a key of several columns, the pair that others make of its parts, -1 where they do not know one."""
    return _pairs_in(histories, _own(histories, key), other)


def _pairs_in(histories: Histories, key: Key, other: Histories) -> Int64Array:
    codes = _codes_of(histories, key)
    if codes.pairs is None:
        raise TypeError(f"the key {key} has one column: its codes are no pairs")
    width, width_there = (_codes_of(one, key[-1:]).count for one in (histories, other))
    first = _codes_in(histories, key[:-1], other)[codes.pairs // width]
    last = _codes_in(histories, key[-1:], other)[codes.pairs % width]
    return np.where((first >= 0) & (last >= 0), first * width_there + last, -1)


def _mapped_texts(histories: Histories, column: str, other: Histories) -> Int64Array:
    """Code 0 is "none" everywhere; the other codes are places of texts, counted from 1."""
    name = "team" if column == FIRST_TEAM else column
    place_of = other.once(
        f"places of {name}", lambda: {text: place for place, text in enumerate(other.values(name), start=1)}
    )
    return np.array([0, *(place_of.get(text, -1) for text in histories.values(name))], np.int64)


def _combined(histories: Histories, key: Key) -> KeyCodes:
    if not key:
        return KeyCodes(np.zeros(len(histories.steps), np.int32), 1)
    if len(key) == 1:
        return _single(histories, key[0])
    first, last = _codes_of(histories, key[:-1]), _codes_of(histories, key[-1:])
    return _dense(first.codes.astype(np.int64) * last.count + last.codes, first.count * last.count)


def _dense(pairs: Int64Array, count: int) -> KeyCodes:
    """Codes without gaps, in the same order."""
    if count > MOST_COUNTED:
        distinct, codes = np.unique(pairs, return_inverse=True)
        return KeyCodes(codes.astype(np.int32), max(len(distinct), 1), distinct)
    is_used = np.bincount(pairs, minlength=1) > 0
    return KeyCodes(
        (np.cumsum(is_used) - 1).astype(np.int32)[pairs], max(int(is_used.sum()), 1), np.flatnonzero(is_used)
    )


def _single(histories: Histories, column: str) -> KeyCodes:
    if column == FIRST_TEAM:
        return _first_team(histories)
    codes = np.where(histories.is_named(column), histories.codes(column) + 1, 0).astype(np.int32, copy=False)
    return KeyCodes(codes, len(histories.values(column)) + 1)


def _first_team(histories: Histories) -> KeyCodes:
    """The first team that was known to hold the ticket, 0 until one is known."""
    steps, team = histories.steps, _single(histories, "team")
    named = histories.is_named("team")
    first = steps.latest(named & (steps.running_total(named) == 1))
    return KeyCodes(np.where(first >= 0, team.codes[first], np.int32(0)), team.count)
