"""Frames as rows of a table, and back: words as their numbers, instants as microseconds, whatever is missing as NULL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from sqlalchemy import Column, ColumnElement, Connection, Table, func
from sqlalchemy.sql.expression import literal

from features.schema import NO_INSTANT_US, instant_series
from features.store.coding import (
    CodedTexts,
    Numbers,
    Texts,
    arrow_texts,
    coded,
    instants_us,
    text_series,
)
from features.store.columns import FLAG, INSTANT, NUMBER, TEXT, WORD, held_by
from features.store.faults import StoreError
from features.store.words import WordBook, texts_of

Arrays: TypeAlias = Mapping[str, NDArray[Any]]

_NO_WHOLE = -1
_NO_WORD = 0  # words count from 1


def rows_of(book: WordBook, table: Table, frame: pd.DataFrame, also_words: Mapping[str, CodedTexts]) -> pa.Table:
    """The frame's columns that the table has (and words made elsewhere) as the table holds them, in its order."""
    columns = [column for column in table.columns if column.name in frame]
    coded_words = {column.name: coded(frame[column.name]) for column in columns if held_by(column) == WORD}
    coded_words |= also_words
    numbers = book.learn(text for one in coded_words.values() for text in one.texts)
    out = {name: numbered(one, numbers) for name, one in coded_words.items()}
    out |= {column.name: _plain(column, frame[column.name]) for column in columns if column.name not in out}
    return pa.table({column.name: out[column.name] for column in table.columns if column.name in out})


def numbered(column: CodedTexts, numbers: Mapping[str, int]) -> pa.Array:
    """The number of each row's text as an array, null where there is none."""
    of_code = np.array([*(numbers[text] for text in column.texts), _NO_WORD], dtype=np.int64)
    return pa.array(of_code[column.codes], mask=column.codes < 0)  # code -1 is the last


def conformed(table: Table, frame: pd.DataFrame, given: Sequence[str]) -> pd.DataFrame:
    """The frame with `given`, the table's columns that are not optional, and of the others those that it has.

    Raises StoreError naming a column that is absent or unknown, and one that has missing values where none may be.
    """
    known = [column.name for column in table.columns if not column.primary_key]
    unknown = [str(name) for name in frame.columns if name not in known]
    absent = [name for name in given if name not in frame]
    if unknown or absent:
        raise StoreError(f"{table.name}: columns {absent} are absent and {unknown} unknown; expected {known}")
    gaps = [name for name in given if frame[name].isna().any()]
    if gaps:
        row = int(frame[gaps[0]].isna().to_numpy().argmax())
        raise StoreError(f"{table.name}: {gaps[0]!r} is missing in row {row}; only optional columns may have no value")
    return frame.reset_index(drop=True)


def required(table: Table) -> list[str]:
    """The columns of the table that every row must have, without its number."""
    return [column.name for column in table.columns if not column.primary_key and not column.nullable]


def fetched(column: Column[Any]) -> ColumnElement[Any]:
    """The column as `frame_of` wants it: a number for NULL where there is one that no value has."""
    if not column.nullable or held_by(column) in (TEXT, NUMBER, FLAG):
        return column
    none = {WORD: _NO_WORD, INSTANT: NO_INSTANT_US}.get(held_by(column), _NO_WHOLE)
    return func.coalesce(column, literal(none))


def arrays_of(columns: Sequence[Column[Any]], portions: Iterable[Sequence[Sequence[Any]]]) -> Arrays:
    """The values of each `fetched` column as one array, by its name, from rows in portions."""
    kinds = [_dtype(column) for column in columns]
    pieces: list[list[NDArray[Any]]] = [[np.empty(0, dtype=kind)] for kind in kinds]
    for rows in portions:
        for piece, values, kind in zip(pieces, zip(*rows, strict=True), kinds, strict=True):
            piece.append(np.array(values, dtype=kind))
    return {column.name: np.concatenate(piece) for column, piece in zip(columns, pieces, strict=True)}


def frame_of(connection: Connection, columns: Sequence[Column[Any]], arrays: Arrays) -> pd.DataFrame:
    """A frame of `columns`: words and texts as `str`, instants as aware UTC, a missing whole number as -1."""
    named = [column.name for column in columns if held_by(column) == WORD]
    found = zip(named, word_texts(connection, [arrays[name] for name in named]), strict=True)
    texts = {name: text_series(distinct, codes) for name, (distinct, codes) in found}
    return pd.DataFrame(
        {
            column.name: texts[column.name] if column.name in texts else _series(column, arrays[column.name])
            for column in columns
        }
    )


def word_texts(connection: Connection, columns: Sequence[Numbers]) -> list[tuple[Texts, Numbers]]:
    """For each column of word numbers its distinct texts, and for each row its place among them, -1 for no word."""
    found = [_factorized(numbers) for numbers in columns]
    used = np.unique(np.concatenate([distinct for distinct, _ in found])) if found else np.empty(0, dtype=np.int64)
    texts = texts_of(connection, used)
    return [(texts[np.searchsorted(used, distinct)], codes) for distinct, codes in found]


def _factorized(numbers: Numbers) -> tuple[Numbers, Numbers]:
    codes, distinct = pd.factorize(numbers)
    none = np.flatnonzero(distinct == _NO_WORD)
    if not len(none):
        return distinct, codes
    place = int(none[0])
    return np.delete(distinct, place), np.where(codes == place, -1, codes - (codes > place))


def _plain(column: Column[Any], series: pd.Series) -> pa.Array:
    holds = held_by(column)
    if holds == INSTANT:
        at_us = instants_us(series)
        return pa.array(at_us, mask=at_us == NO_INSTANT_US)
    if holds == TEXT:
        return arrow_texts(series)
    if holds == NUMBER:
        return pa.array(series.to_numpy(dtype=np.float64, na_value=np.nan), from_pandas=True)
    if holds == FLAG:
        return pa.array(series.to_numpy(dtype=np.bool_))
    return pa.array(series.array, type=pa.int64(), from_pandas=True)


def _series(column: Column[Any], values: NDArray[Any]) -> pd.Series:
    if held_by(column) == INSTANT:
        return instant_series(values)
    return pd.Series(pd.array(values, dtype="str") if held_by(column) == TEXT else values)


def _dtype(column: Column[Any]) -> type:
    return {NUMBER: np.float64, FLAG: np.bool_, TEXT: object}.get(held_by(column), np.int64)
