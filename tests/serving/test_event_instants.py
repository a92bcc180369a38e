"""Instants of events are read alike however few or many of them are written as most write them."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.schema import NO_INSTANT_US
from serving.api import event_instants
from serving.api.event_instants import instants_in, written
from sla.instants import to_us

TWO, OFFSETS = (
    st.integers(0, 61),
    st.sampled_from(["Z", "z", "+00:00", "-09:30", "+23:59", "+24:00", "+05:75", "-99:99", ""]),
)
TEXTS = st.builds(
    lambda year, month, day, mark, hour, minute, second, offset: (
        f"{year:04d}-{month:02d}-{day:02d}{mark}{hour:02d}:{minute:02d}{second}{offset}"
    ),
    st.sampled_from([0, 1969, 1970, 2024, 2099, 9999]),
    st.integers(0, 13),
    st.integers(0, 32),
    st.sampled_from("Tt "),
    st.integers(0, 24),
    TWO,
    st.builds(
        lambda second, fraction: "" if second is None else f":{second:02d}{fraction}",
        st.one_of(st.none(), TWO),
        st.sampled_from(["", ".5", ".123", ".123456", ".1234567", ".999999999"]),
    ),
    OFFSETS,
)
USUAL = st.integers(0, 4_102_444_799_999_999).map(written)


@given(st.lists(st.one_of(USUAL, TEXTS, st.none(), st.just("yesterday")), max_size=6))
def test_every_text_is_read_as_pandas_reads_it(texts: list[str | None]) -> None:
    assert instants_in(texts).tolist() == event_instants._instants_of(texts).tolist()


@given(st.lists(st.one_of(USUAL, st.none()), max_size=5))
def test_those_written_as_most_write_them_need_no_pandas(texts: list[str | None]) -> None:
    found = [NO_INSTANT_US if text is None else to_us(datetime.fromisoformat(text)) for text in texts]
    assert event_instants._usual_instants(texts).tolist() == instants_in(texts).tolist() == found


@pytest.mark.parametrize("text", ["2024-04-03 10:00:00Z", "2024-04-03T10:00Z", "2024-04-03t10:00:00.5z"])
def test_other_ways_to_write_an_instant_are_read_too(text: str) -> None:
    assert event_instants._usual_instants([text]) is None
    assert written(int(instants_in([text])[0])).startswith("2024-04-03T10:00:00")
