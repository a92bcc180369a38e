"""Which step was in force at an instant: as going through a ticket's steps one by one says."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from features.knowledge import Steps, StepSearch

known = st.lists(st.lists(st.integers(0, 9), max_size=4).map(sorted), min_size=1, max_size=4)  # instants, by ticket


def steps_of(by_ticket: list[list[int]]) -> Steps:
    offsets = np.cumsum([0, *map(len, by_ticket)])
    ticket = np.repeat(np.arange(len(by_ticket)), np.diff(offsets))
    known_us = np.array([instant for own in by_ticket for instant in own], np.int64)
    return Steps(ticket, offsets, known_us, known_us, np.arange(len(ticket)), {})


@given(known, st.lists(st.tuples(st.integers(0, 3), st.integers(-1, 11)), max_size=6), st.booleans())
def test_the_step_in_force_is_the_last_that_was_known_by_then(
    by_ticket: list[list[int]], asked: list[tuple[int, int]], is_late: bool
) -> None:
    """`is_late`: all instants lie at or after the last step of all, as those of live tickets do."""
    latest = max((own[-1] for own in by_ticket if own), default=0)
    ticket = np.array([one % len(by_ticket) for one, _ in asked], np.int64)
    at_us = np.array([latest + max(instant, 0) if is_late else instant for _, instant in asked], np.int64)
    steps = steps_of(by_ticket)
    search = StepSearch(steps)
    for found, is_known in (
        (search.at(ticket, at_us), np.less_equal),
        (search.before(ticket, at_us), np.less),
    ):
        for place, step in enumerate(found.tolist()):
            number = int(ticket[place])
            then = int(is_known(np.array(by_ticket[number], np.int64), at_us[place]).sum())
            assert step == (int(steps.offsets[number]) + then - 1 if then else -1)
