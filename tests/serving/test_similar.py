"""Similar tickets: the most alike first, the latest among equals, never the ticket itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

import serving.similar
from serving.similar import ALIKE_BY, COUNTED, LEAST_ALIKE, LISTED, FinishedClocks, Similar

AT = datetime(2016, 5, 1, tzinfo=UTC)
WORDS = st.sampled_from(["a", "b", ""])
ROWS = st.lists(st.tuples(*[WORDS] * 4, st.booleans(), st.integers(0, 9)), max_size=25)


def frame(rows: list[tuple[str, str, str, str, bool, int]]) -> pd.DataFrame:
    columns = ["ticket_id", "target", *ALIKE_BY, "is_met", "decided_at", "share_used"]
    made = [(f"T{place}", "resolution", *row[:5], AT + timedelta(hours=row[5]), 0.5) for place, row in enumerate(rows)]
    found = pd.DataFrame(made, columns=columns)
    found["decided_at"] = pd.to_datetime(found["decided_at"], utc=True).astype("datetime64[us, UTC]")
    return found


def similar(clocks: pd.DataFrame, facts: dict[str, str], ticket_id: str, target: str = "resolution") -> Similar:
    return FinishedClocks(clocks, target).like(facts, ticket_id)


@given(ROWS, st.tuples(*[WORDS] * 4), st.sampled_from([1, 3, COUNTED]), st.sampled_from([object, "category"]))
def test_what_is_found_is_what_a_plain_search_finds(
    rows: list[tuple[str, str, str, str, bool, int]], facts: tuple[str, str, str, str], counted: int, kind: Any
) -> None:
    """Whether texts are held as such or, as the service holds them, as categories."""
    wanted = dict(zip(ALIKE_BY, facts, strict=True))
    with patch.object(serving.similar, "COUNTED", counted):
        found = similar(frame(rows).astype(dict.fromkeys(("target", *ALIKE_BY), kind)), wanted, "T0")
    alike = {
        f"T{place}": sum(bool(fact) and fact == text for fact, text in zip(facts, row[:4], strict=True))
        for place, row in enumerate(rows)
        if place
    }
    most = max(alike.values(), default=0)
    best = [ticket for ticket, count in alike.items() if count == most >= LEAST_ALIKE]
    if sum(bool(fact) for fact in facts) < LEAST_ALIKE:
        best = []
    in_order = sorted(best, key=lambda ticket: (-rows[int(ticket[1:])][5], ticket))[:counted]
    assert found.count == len(in_order)
    assert found.missed == sum(not rows[int(ticket[1:])][4] for ticket in in_order)
    assert [one.ticket_id for one in found.tickets] == in_order[:LISTED]
    for one in found.tickets:
        row = rows[int(one.ticket_id[1:])]
        shared = [name for name, fact, text in zip(ALIKE_BY, facts, row[:4], strict=True) if fact and fact == text]
        assert (list(one.alike_by), len(shared)) == (shared, most)
        assert (one.is_met, one.decided_at) == (row[4], AT + timedelta(hours=row[5]))


def test_nothing_finished_is_like_nothing() -> None:
    assert similar(frame([]), {"team": "a", "service": "b"}, "T0").tickets == ()


def test_only_clocks_of_the_target_are_compared() -> None:
    clocks = frame([("a", "b", "", "", True, 1), ("a", "b", "", "", False, 2)])
    clocks["target"] = ["resolution", "first_response"]
    facts = {"category": "a", "service": "b"}
    assert [one.ticket_id for one in similar(clocks, facts, "T9").tickets] == ["T0"]
    assert [one.ticket_id for one in similar(clocks, facts, "T9", "first_response").tickets] == ["T1"]


def test_where_only_the_ticket_itself_is_most_alike_the_next_ones_are_found() -> None:
    clocks = frame([("a", "b", "c", "", False, 9), ("a", "b", "", "", True, 1), ("a", "", "", "", True, 2)])
    found = similar(clocks, {"category": "a", "service": "b", "team": "c"}, "T0")
    assert [(one.ticket_id, one.alike_by) for one in found.tickets] == [("T1", ("category", "service"))]


def test_a_fact_that_no_finished_ticket_had_is_shared_with_none_not_even_with_those_of_which_it_is_unknown() -> None:
    clocks = frame([("a", "b", "", "", True, 1), ("a", "b", "", "", True, 2)])
    clocks["team"] = pd.Categorical([None, "x"])
    facts = {"category": "a", "service": "b", "team": "never seen"}
    assert [one.ticket_id for one in similar(clocks, facts, "T9").tickets] == ["T1", "T0"]
