"""Samples of Prometheus: the answer of `/api/v1/query_range` (or `query` with a range), a series each target.

Every label becomes a column. Beside them stand `at` (epoch seconds), `sample` (the value as sent), `milliseconds` (of metrics
in seconds) and `status` (of all others, if the sample is 0 to 1: 1 is up, 0 down, between them, as `avg_over_time` gives, degraded).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from features.sources.adapters.pages import ALONE, Pages, text
from features.sources.change_log import Refusals
from features.sources.faults import SourceError
from features.sources.json_text import Located
from features.sources.mapping_model import Mapping
from features.sources.table import Coded, Table
from features.sources.text_columns import coded
from sla.instants import Int64Array

PAGES = ()
AT, SAMPLE, STATUS, MILLISECONDS, NAME = "at", "sample", "status", "milliseconds", "__name__"
_MADE = (AT, SAMPLE, STATUS, MILLISECONDS)
_SCALES = {"_seconds": 1000.0, "_milliseconds": 1.0}
_EXPECTED = 'a series with "metric" and "values", as /api/v1/query_range answers'


@dataclass(frozen=True)
class _Series:
    labels: dict[str, str]
    at: list[str]
    sample: list[str]

    @property
    def words(self) -> str:
        """The series as Prometheus writes it."""
        inner = ", ".join(f'{name}="{value}"' for name, value in sorted(self.labels.items()) if name != NAME)
        return f"series {self.labels.get(NAME, '')}{{{inner}}}"


def samples(path: str, pages: Pages, refusals: Refusals, mapping: Mapping) -> Table:
    """One row a sample, series in the order of their labels and samples in that of their times."""
    found = sorted(
        (series for located in pages[ALONE] for series in _series(path, located, refusals)), key=lambda one: one.words
    )
    if not any(one.at for one in found):
        reasons = "\n".join(one.text() for one in refusals.rejections())
        raise SourceError(
            f"{path}: holds no sample; ask for another range and export it again with data\n{reasons}".rstrip()
        )
    lengths = np.array([len(one.at) for one in found], np.int64)
    count = int(lengths.sum())
    columns = _columns(found, lengths)
    for known in (*mapping.columns.values(), *mapping.attributes.values()):
        if known in ("job", *_MADE, NAME):
            columns.setdefault(known, Coded.constant(None, count))
    rejections = refusals.rejections()
    within = np.arange(count) - np.repeat(np.cumsum(lengths) - lengths, lengths) + 1
    owners = Coded(
        np.repeat(np.arange(len(found)), lengths).astype(np.int32), np.array([one.words for one in found], object)
    )
    rows_read = count + sum(one.count for one in rejections)
    return Table(
        path,
        columns,
        np.arange(1, count + 1),
        within,
        rows_read,
        rejections,
        (),
        noun="sample",
        names_at="",
        owners=owners,
    )


def _series(path: str, located: Located, refusals: Refusals) -> Iterator[_Series]:
    answer = located.value
    if isinstance(answer, dict) and answer.get("status") == "error":
        raise SourceError(f"{path}, {located.place}: Prometheus answered with an error: {text(answer.get('error'))}")
    data = answer.get("data") if isinstance(answer, dict) else None
    held = data.get("result") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(held, list):
        raise SourceError(
            f"{path}, {located.place or 'record 1'}: no answer of Prometheus; expected an object with data.result; "
            "export it again: curl 'http://prometheus:9090/api/v1/query_range?query=probe_success&start=...&end=...&step=60'"
        )
    if data.get("resultType") != "matrix":
        raise SourceError(
            f"{path}, {located.place}: resultType is {data.get('resultType')!r}, expected 'matrix': ask /api/v1/query_range"
        )
    for number, one in enumerate(held, start=1):
        place = f"{located.place + ', ' if located.place else ''}series {number}"
        if not isinstance(one, dict) or not isinstance(one.get("values"), list):
            refusals.add("no samples in the series", f"{place}: 'values' missing", _EXPECTED)
        else:
            yield _read(one, place, refusals)


def _read(one: dict[str, Any], place: str, refusals: Refusals) -> _Series:
    labels = {name: text(value) for name, value in (one.get("metric") or {}).items()}
    pairs = [pair for pair in one["values"] if isinstance(pair, list) and len(pair) == 2]
    for _ in range(len(one["values"]) - len(pairs)):
        refusals.add("no sample", f"{place}: a value that is no pair of time and sample", _EXPECTED)
    at, sample = [str(pair[0]) for pair in pairs], [str(pair[1]) for pair in pairs]
    order = np.argsort(pd.to_numeric(pd.Series(at, dtype="str"), errors="coerce").to_numpy(), kind="stable")
    return _Series(labels, [at[k] for k in order], [sample[k] for k in order])


def _columns(found: list[_Series], lengths: Int64Array) -> dict[str, Coded]:
    columns = {}
    for label in dict.fromkeys(name for one in found for name in one.labels):
        per_series = pd.Series([one.labels.get(label) for one in found], dtype="object")
        codes, words = pd.factorize(per_series)
        name = f"label.{label}" if label in _MADE else label
        columns[name] = Coded(np.repeat(codes, lengths).astype(np.int32), np.asarray(words, dtype=object))
    columns[AT] = coded(pa.chunked_array([pa.array(one.at, pa.large_string()) for one in found]))
    columns[SAMPLE] = coded(pa.chunked_array([pa.array(one.sample, pa.large_string()) for one in found]))
    status = columns[SAMPLE].translated([_status(value) for value in columns[SAMPLE].values])
    is_time = np.repeat([_scale(one) is not None for one in found], lengths)
    columns[STATUS] = Coded(np.where(is_time, -1, status.codes).astype(np.int32), status.values)
    return columns | {MILLISECONDS: _milliseconds(found)}


def _scale(series: _Series) -> float | None:
    """Milliseconds in a unit of the metric; None where it is no time."""
    name = series.labels.get(NAME, "")
    return next((factor for ending, factor in _SCALES.items() if name.endswith(ending)), None)


def _status(sample: str) -> str | None:
    number = float(sample) if _is_number(sample) else -1.0
    if not 0 <= number <= 1:
        return None
    return {1.0: "up", 0.0: "down"}.get(number, "degraded")


def _milliseconds(found: list[_Series]) -> Coded:
    texts: list[pa.Array] = []
    for one in found:
        scale = _scale(one)
        values = [
            None if scale is None or not _is_number(value) else f"{scale * float(value):.6g}" for value in one.sample
        ]
        texts.append(pa.array(values, pa.large_string()))
    return coded(pa.chunked_array(texts))


def _is_number(sample: str) -> bool:
    try:
        return bool(np.isfinite(float(sample)))
    except ValueError:
        return False
