"""Rows by several columns, against the slow and obvious way."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.sorting import order_by

NUMBERS = st.sampled_from([0.0, -0.0, 1.0, -1.0, 2.5, np.inf, -np.inf, np.nan, 2.0**53, 2.0**53 + 2])
ROWS = st.lists(st.tuples(st.integers(0, 3), NUMBERS, st.integers(-2, 2), NUMBERS), max_size=40)


@settings(deadline=None)
@given(ROWS, st.integers(0, 2))
def test_rows_are_ordered_as_by_every_column(rows: list[tuple[int, float, int, float]], others: int) -> None:
    part, main, *more = (np.array([row[column] for row in rows]) for column in range(4))
    wanted = np.lexsort((*reversed(more[:others]), main, part)) if rows else np.zeros(0, np.intp)
    assert order_by(part.astype(np.int64), main.astype(np.float64), *more[:others]).tolist() == wanted.tolist()


@pytest.mark.parametrize("parts", [1, 300, 70_000])
def test_so_are_many_rows_of_many_parts(parts: int) -> None:
    chance = np.random.default_rng(parts)
    part, main = chance.integers(0, parts, 100_000), chance.integers(0, 2_000, 100_000)
    time_us, last = chance.integers(0, 5, 100_000), chance.permutation(100_000)
    wanted = np.lexsort((last, time_us, main, part))
    assert (order_by(part, main, time_us, last) == wanted).all()
