"""Texts as codes: whatever is asked of them is answered as by the texts themselves."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from serving.text_column import TextColumn

words = st.sampled_from(["", "a", "B", "ä", "desk", "desk 2"])
texts = st.lists(words, max_size=12)


def is_sound(column: TextColumn) -> bool:
    return len(set(column.names.tolist())) == len(column.names) and column.codes.dtype == np.int32


@given(texts, st.data())
def test_it_answers_as_the_texts_do(given_texts: list[str], data: st.DataObject) -> None:
    column = TextColumn.of(given_texts)
    places = np.array(
        data.draw(st.lists(st.integers(0, max(len(given_texts) - 1, 0)), max_size=8 if given_texts else 0)), np.int64
    )
    some = [given_texts[place] for place in places.tolist()]
    assert is_sound(column)
    assert list(column) == given_texts
    assert column[places].tolist() == some
    assert [column[place] for place in places.tolist()] == some
    assert list(column.take(places)) == some
    assert column.counts() == Counter(given_texts)
    assert column.counts(places) == Counter(some)
    assert column.different(places) == set(some)
    assert column.take(places).different() == set(some)  # other names are still there, for no ticket
    assert column.is_among(("a", "desk", "")).tolist() == [text in ("a", "desk", "") for text in given_texts]
    assert column.each(len, np.int64).tolist() == [len(text) for text in given_texts]


@given(st.lists(st.integers(-1, 4), max_size=9), st.permutations(["", "a", "B", "desk", "x"]))
def test_codes_without_a_text_are_empty_and_no_text_has_two_codes(codes: list[int], values: list[str]) -> None:
    for known in (values, [value or "y" for value in values]):
        column = TextColumn.coded(np.array(codes, np.int32), tuple(known))
        assert is_sound(column)
        assert list(column) == [known[code] if code >= 0 else "" for code in codes]


@given(texts, st.lists(st.tuples(st.booleans(), words), max_size=12))
def test_texts_move_with_their_tickets_and_new_ones_are_told(before: list[str], after: list[tuple[bool, str]]) -> None:
    """Of each ticket after: whether it is told anew, and if so its text; else the text of some ticket before."""
    rng = np.random.default_rng(len(before) + len(after))
    is_new = np.array([new or not before for new, _ in after], np.bool_)
    place = np.where(is_new, -1, rng.integers(0, max(len(before), 1), len(after)))
    anew = np.flatnonzero(is_new)
    told = TextColumn.of([*(after[row][1] for row in anew.tolist()), "no ticket's"]).take(np.arange(len(anew)))
    first = TextColumn.of(before)
    held = (first.codes.copy(), first.names.copy())
    found = first.moved(place, anew, told)
    assert is_sound(found)
    assert list(found) == [
        text if new else before[place[row]]
        for row, (new, (_, text)) in enumerate(zip(is_new.tolist(), after, strict=True))
    ]
    for column in (found, found.take(np.arange(len(found))), first):
        assert [column.names[code] for code in column.code_of.values()] == list(column.code_of)
        assert set(column.code_of) == set(column.names.tolist())
    assert (first.codes == held[0]).all()
    assert first.names.tolist() == held[1].tolist()  # what others still read stays as it was


@given(texts, texts)
def test_parts_are_joined_by_their_rows(some: list[str], others: list[str]) -> None:
    size = len(some) + len(others) + 1
    rows = np.random.default_rng(size).permutation(size)
    mine, theirs = np.split(rows[:-1], [len(some)])
    found = TextColumn.joined(size, [(mine, TextColumn.of(some)), (theirs, TextColumn.of(others))])
    expected = np.full(size, "", object)
    expected[mine], expected[theirs] = some, others
    assert is_sound(found)
    assert list(found) == expected.tolist()
