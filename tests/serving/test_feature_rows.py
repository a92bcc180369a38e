"""What is taken from held rows is exactly what was given, in whatever bytes it is held."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.live import LiveHistories
from serving import estimates as estimates_module
from serving import feature_rows
from serving.estimates import Estimates
from serving.feature_rows import FeatureRows
from sla.instants import to_us
from tests.serving.real_desk import AT, agreements, fitted_bundle, random_events

ODD = [0.0, -0.0, 1.0, 2048.0, 2049.0, 65504.0, 65520.0, 1e39, 0.1, 1 / 3, 1e-9, 2.0**24 + 1, np.nan, np.inf, -np.inf]
COLUMN = st.lists(st.sampled_from(ODD) | st.floats(), min_size=7, max_size=7)


def held_bytes(rows: FeatureRows) -> int:
    plain = sum(values.nbytes for _, values in rows.plain)
    return plain + sum(codes.nbytes + values.nbytes for _, codes, values in rows.coded)


@given(st.lists(COLUMN, min_size=1, max_size=4), st.lists(st.integers(0, 6), max_size=9), st.integers(6, 7))
def test_any_numbers_come_back(columns: list[list[float]], wanted: list[int], few: int) -> None:
    """Of one row more than a few, whose bytes are looked at, as of few, which are held as they come."""
    frame = pd.DataFrame(np.array(columns).T, columns=[f"f{place}" for place in range(len(columns))])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(feature_rows, "FEW_ROWS", few)
        rows, places = FeatureRows.of(frame), np.array(wanted, np.int64)
    pd.testing.assert_frame_equal(rows.frame(), frame, check_exact=True)
    taken = frame.iloc[places].reset_index(drop=True)
    pd.testing.assert_frame_equal(rows.take(places), taken, check_exact=True)
    assert len(rows) == len(frame)


def test_columns_are_held_in_as_few_bytes_as_they_need() -> None:
    chance, n = np.random.default_rng(0), 4_000
    of_team = chance.random(20)
    columns = {
        "exact in two bytes": chance.integers(0, 2_000, n).astype(float),
        "exact in four": chance.integers(0, 1 << 20, n).astype(float),
        "one of a few numbers": of_team[chance.integers(0, 20, n)],
        "any number": chance.random(n),
    }
    columns["exact in two bytes"][::3] = np.nan
    columns["one of a few numbers"][::3] = np.nan
    for name, bytes_each in zip(columns, (2, 4, 1, 8), strict=True):
        rows = FeatureRows.of(pd.DataFrame({name: columns[name]}))
        assert round(held_bytes(rows) / n) == bytes_each, name
    frame = pd.DataFrame(columns)
    pd.testing.assert_frame_equal(FeatureRows.of(frame).frame(), frame, check_exact=True)


def test_few_rows_are_held_as_they_come() -> None:
    """No column of theirs is looked at; what they were read from may change, and they do not."""
    values = np.random.default_rng(0).integers(0, 9, (feature_rows.FEW_ROWS + 1, 5)).astype(float)
    few, more = (pd.DataFrame(values[:n], copy=False) for n in (feature_rows.FEW_ROWS, feature_rows.FEW_ROWS + 1))
    rows, as_given = FeatureRows.of(few), few.copy()
    assert (held_bytes(rows), held_bytes(FeatureRows.of(more))) == (8 * few.size, 2 * more.size)
    values[:] = -1.0
    pd.testing.assert_frame_equal(rows.frame(), as_given, check_exact=True)


@pytest.mark.parametrize("late", [0.1, 3e5, 1e300])
def test_a_number_that_comes_late_is_held_too(late: float) -> None:
    """The first rows let all of a column be held in fewer bytes, or as codes; the last row does not."""
    n = feature_rows._LOOKED_AT + 5
    small, many = np.arange(n) % 7.0, np.r_[np.full(feature_rows._LOOKED_AT, 0.3), np.arange(5) + 0.7]
    small[-1] = many[-2] = late
    frame = pd.DataFrame({"small": small, "many": many})
    pd.testing.assert_frame_equal(FeatureRows.of(frame).frame(), frame, check_exact=True)


def test_more_than_a_byte_can_tell_apart_is_held_as_codes_of_two() -> None:
    """Sorted: the first rows show a hundred of six hundred different numbers."""
    frame = pd.DataFrame({"sorted": np.repeat(np.random.default_rng(0).random(600), 10)})
    rows = FeatureRows.of(frame)
    assert [codes.dtype for _, codes, _ in rows.coded] == [np.uint16]
    pd.testing.assert_frame_equal(rows.frame(), frame, check_exact=True)


def test_many_different_numbers_are_not_held_as_codes() -> None:
    n = 4 * feature_rows._LOOKED_AT
    rows = FeatureRows.of(pd.DataFrame({"rises": np.r_[np.full(feature_rows._LOOKED_AT, 0.3), np.arange(0.1, n)]}))
    assert not rows.coded


def test_a_desk_asked_about_in_portions_is_told_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    events = random_events(60)
    live, bundle = LiveHistories.of(events, agreements()), fitted_bundle(events)
    snapshots = live.open_snapshots(to_us(AT))
    wanted = np.arange(len(snapshots)) % 4 != 1
    whole = Estimates.by(bundle, live, snapshots, wanted)
    monkeypatch.setattr(estimates_module, "ROWS_AT_ONCE", 7)
    parts = Estimates.by(bundle, live, snapshots, wanted)
    assert (len(whole.features), len(parts.features) > 2) == (1, True)
    every = np.arange(len(snapshots))
    np.testing.assert_array_equal(parts.probability, whole.probability)
    np.testing.assert_array_equal(parts.row, whole.row)
    assert parts.reason_texts(every).tolist() == whole.reason_texts(every).tolist()
    both = [pd.concat([rows.frame() for rows in one.features], ignore_index=True) for one in (parts, whole)]
    pd.testing.assert_frame_equal(*both, check_exact=True)
