"""Sums by key and time agree with counting one by one."""

from __future__ import annotations

from unittest import mock

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from features import prefix_sums
from features.prefix_sums import FewSums, KeyedSums, Timeline, sums_below

ENTRIES = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 20), st.integers(-3, 3)), max_size=30)


@given(ENTRIES, st.lists(st.tuples(st.integers(0, 4), st.integers(-1, 22)), min_size=1), st.sampled_from([-1, 20, 99]))
def test_sums_count_what_was_known_strictly_before(entries, queries, few):
    keys, at_us, amounts = (
        (np.array(column, np.int64) for column in zip(*entries, strict=True))
        if entries
        else [np.zeros(0, np.int64)] * 3
    )
    line = Timeline.of(at_us)
    with mock.patch.object(prefix_sums, "FEW", few):  # of few entries all columns are summed at once
        sums = KeyedSums(line, keys, 5, np.stack([amounts, np.ones_like(amounts)], axis=1))
    asked, when = (np.array(column, np.int64) for column in zip(*queries, strict=True))
    expected = [
        [sum(a for k, t, a in entries if k == key and t < at), sum(1 for k, t, _ in entries if k == key and t < at)]
        for key, at in queries
    ]
    assert sums.upto(asked, line.before(when)).tolist() == expected


@given(ENTRIES, st.lists(st.tuples(st.integers(0, 4), st.integers(-1, 22)), min_size=1))
def test_few_entries_that_are_all_looked_at_answer_as_sorted_ones_do(entries, queries):
    keys, at_us, amounts = (
        np.array(column, np.int64) for column in (zip(*entries, strict=True) if entries else [[]] * 3)
    )
    line, both = Timeline.of(at_us), np.stack([amounts, np.ones_like(amounts)], axis=1)
    sums, few = KeyedSums(line, keys, 5, both), FewSums(line, keys, both)
    asked, when = (np.array(column, np.int64) for column in zip(*queries, strict=True))
    known = line.before(when)
    assert few.upto(asked, known).tolist() == sums.upto(asked, known).tolist()
    assert (few.columns, few.entries.tolist()) == (sums.columns, sums.entries.tolist())
    begins, stops = few.starts(asked), few.places(asked, known)
    assert begins.tolist() == sums.starts(asked).tolist()
    assert stops.tolist() == sums.places(asked, known).tolist()


def test_more_keys_than_small_integers_hold_are_told_apart():
    keys = np.array([70_000, 4_464, 70_000])  # 70,000 and 4,464 are the same in sixteen bits
    line = Timeline.of(np.array([1, 2, 3]))
    sums = KeyedSums(line, keys, 70_001, np.ones((3, 1), np.int64))
    assert sums.upto(np.array([70_000, 4_464]), line.before(np.array([9, 9])))[:, 0].tolist() == [2, 1]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(-2, 2)), max_size=20), st.data())
def test_sums_below_a_limit_agree_with_a_loop(entries, data):
    values = np.array([value for value, _ in entries], np.int64)
    weights = np.array([weight for _, weight in entries], np.int64)
    bounds = st.tuples(st.integers(0, len(entries)), st.integers(0, len(entries)), st.integers(-1, 11))
    queries = data.draw(st.lists(bounds, min_size=1, max_size=8))
    begins, ends, limits = (np.array(column, np.int64) for column in zip(*queries, strict=True))
    begins, ends = np.minimum(begins, ends), np.maximum(begins, ends)
    expected = [
        sum(weight for value, weight in entries[begin:end] if value < limit)
        for begin, end, limit in zip(begins, ends, limits, strict=True)
    ]
    assert sums_below(values, weights, begins, ends, limits).tolist() == expected
