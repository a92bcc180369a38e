"""Event frames as numbers and distinct texts, and back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute
from numpy.typing import NDArray

from features.schema import ATTRIBUTE_PREFIX, attribute_columns

Numbers: TypeAlias = NDArray[np.int64]
Texts: TypeAlias = NDArray[np.object_]

_LARGEST = 2**62


@dataclass(frozen=True)
class CodedTexts:
    """A text column: `texts[codes[i]]` is row i, code -1 is missing, no text occurs twice."""

    codes: Numbers
    texts: list[str]


def coded(column: pd.Series) -> CodedTexts:
    """A `str` series as codes and distinct texts."""
    return _from_arrow(arrow_texts(column))


def coded_attributes(frame: pd.DataFrame) -> CodedTexts:
    """The free attributes of each row as one JSON object of texts, keys sorted, missing ones absent; none at all is missing."""
    names = sorted(attribute_columns(frame))
    return coded_objects(names, [coded(frame[name]) for name in names], len(frame))


def coded_objects(names: Sequence[str], columns: Sequence[CodedTexts], rows: int) -> CodedTexts:
    """The same from attributes by their full names, in alphabetical order, and their texts as codes."""
    if not names:
        return CodedTexts(np.full(rows, -1, dtype=np.int64), [])
    codes, first = _combinations(columns)
    keys = [json.dumps(name.removeprefix(ATTRIBUTE_PREFIX), ensure_ascii=False) for name in names]
    pieces = [_pieces(key, column, first) for key, column in zip(keys, columns, strict=True)]
    members = pa.compute.binary_join_element_wise(*pieces, pa.scalar("", pa.large_string())).to_pylist()
    texts = [f"{{{text[:-1]}}}" for text in members]
    if "{}" not in texts:
        return CodedTexts(codes, texts)
    none = texts.index("{}")
    return CodedTexts(np.where(codes == none, -1, codes - (codes > none)), texts[:none] + texts[none + 1 :])


def text_series(texts: Texts, codes: Numbers) -> pd.Series:
    """A `str` series from distinct texts and codes, -1 missing."""
    return pd.Series(pd.array(texts, dtype="str").take(codes, allow_fill=True))


def attribute_series(texts: Sequence[str], codes: Numbers) -> dict[str, pd.Series]:
    """The inverse of `coded_attributes`: a `str` series for each attribute, by full column name in alphabetical order."""
    objects: list[dict[str, Any]] = json.loads(f"[{','.join(texts)}]")
    names = sorted({name for one in objects for name in one})
    columns = {name: np.array([one.get(name) for one in objects], dtype=object) for name in names}
    return {ATTRIBUTE_PREFIX + name: text_series(values, codes) for name, values in columns.items()}


def instants_us(column: pd.Series) -> Numbers:
    """Aware instants as microseconds since 1970 UTC."""
    return column.to_numpy("datetime64[us]").view(np.int64)


def arrow_texts(column: pd.Series) -> pa.Array:
    """A `str` series as a large_string array, missing values as nulls."""
    array = pa.array(column, type=pa.large_string(), from_pandas=True)
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _from_arrow(array: Any) -> CodedTexts:
    encoded = array.dictionary_encode()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return CodedTexts(codes, encoded.dictionary.to_pylist())


def _combinations(columns: Sequence[CodedTexts]) -> tuple[Numbers, Numbers]:
    """For each row the number of its combination of codes, and for each combination the first row that has it."""
    combined, count = columns[0].codes + 1, len(columns[0].texts) + 1
    for column in columns[1:]:
        width = len(column.texts) + 1
        if count * width >= _LARGEST:
            combined = pd.factorize(combined)[0].astype(np.int64)
            count = int(combined.max(initial=0)) + 1
        combined, count = combined * width + column.codes + 1, count * width
    codes = pd.factorize(combined)[0].astype(np.int64)
    first = np.empty(int(codes.max(initial=-1)) + 1, dtype=np.int64)
    first[codes[::-1]] = np.arange(len(codes) - 1, -1, -1)
    return codes, first


def _pieces(key: str, column: CodedTexts, rows: Numbers) -> pa.Array:
    """`"name":"value",` for some rows, empty where the attribute is missing; each distinct value is written once."""
    written = [*(f"{key}:{json.dumps(text, ensure_ascii=False)}," for text in column.texts), ""]
    codes = column.codes[rows]
    return pa.array(written, type=pa.large_string()).take(pa.array(np.where(codes < 0, len(written) - 1, codes)))
