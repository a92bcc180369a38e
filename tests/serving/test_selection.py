from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.risk import Risk
from serving.selection import Cursor, CursorError, Selection, Sort, View, page
from tests.serving.builders import busy_desk, by_ticket, clock, queue_of, row

QUEUE = busy_desk(120)


def test_filters_narrow_and_every_view_is_counted_under_them() -> None:
    team = QUEUE.rows[0].team
    selected = Selection(team=(team,), view=View.PAUSED).apply(QUEUE)
    mine = [found for found in QUEUE.rows if found.team == team]
    assert selected.counts.all == len(mine)
    assert list(selected.rows) == [found for found in mine if found.risk in (Risk.PAUSED, Risk.PAUSED_AND_BREACHED)]


def test_several_values_mean_any_of_them_and_several_filters_all_of_them() -> None:
    selected = Selection(priority=("1", "2"), risk=(Risk.BREACHED,)).apply(QUEUE)
    assert selected.rows
    assert all(found.priority in "12" and found.risk is Risk.BREACHED for found in selected.rows)


def test_every_word_of_the_text_must_occur_somewhere_whatever_its_case() -> None:
    queue = queue_of([row("A", title="Printer broken", team="Workplace"), row("B", title="Printer", team="Network")])
    assert [found.ticket_id for found in Selection(text="PRINTER workpl").apply(queue).rows] == ["A"]
    assert Selection(text="  ").apply(queue).rows == queue.rows


@pytest.mark.parametrize("sort", list(Sort))
@pytest.mark.parametrize("descending", [False, True])
def test_sorting_keeps_every_row_and_ties_in_the_suggested_order(sort: Sort, descending: bool) -> None:
    rows = Selection(sort=sort, descending=descending).apply(QUEUE).rows
    assert sorted(found.ticket_id for found in rows) == sorted(by_ticket(QUEUE))
    if sort is Sort.PRIORITY:
        places = {found.ticket_id: place for place, found in enumerate(QUEUE.rows)}
        for first, second in pairwise(rows):
            assert first.priority != second.priority or places[first.ticket_id] < places[second.ticket_id]


def test_sorting_by_time_left_begins_with_the_latest_and_what_has_no_clock_comes_last() -> None:
    queue = queue_of(
        [
            row("none", clock=clock(None, state="no_agreement")),
            row("late", clock=clock(-2, state="breached")),
            row("soon", clock=clock(1)),
        ]
    )
    assert [found.ticket_id for found in Selection(sort=Sort.LEFT).apply(queue).rows] == ["late", "soon", "none"]


@given(limit=st.integers(1, 70))
def test_cursors_walk_the_whole_list_once(limit: int) -> None:
    seen, cursor = [], None
    while True:
        part = page(QUEUE.rows, limit, cursor)
        seen += [found.ticket_id for found in part.rows]
        if part.next is None:
            break
        cursor = Cursor.decode(part.next.encode())
    assert seen == [found.ticket_id for found in QUEUE.rows]


def test_a_cursor_goes_on_where_it_was_when_its_ticket_has_left() -> None:
    first = page(QUEUE.rows, 10, None)
    assert first.next is not None
    without = [found for found in QUEUE.rows if found.ticket_id != first.next.after]
    assert page(without, 10, first.next).start == 10


@pytest.mark.parametrize("word", ["", "x", "!!!", "WzFd", "eyJhIjoxfQ", Cursor("a", 1).encode()[:-2], "Ä", "bnVsbA"])
def test_a_cursor_that_is_not_ours_is_refused(word: str) -> None:
    with pytest.raises(CursorError, match="begin again"):
        Cursor.decode(word)
