"""Columns of verdicts: which states they are in, and columns made of rows."""

from itertools import combinations

import numpy as np

from sla.clocks.verdicts import VerdictArrays, VerdictState
from sla.instants import NEVER_US

STATES = [*VerdictState, VerdictState.RUNNING, VerdictState.BREACHED]
ROWS = [(state, *(10 * place + number for number in range(12))) for place, state in enumerate(STATES)]


def test_columns_of_rows_hold_the_rows() -> None:
    found, blank = VerdictArrays.of_rows(ROWS), VerdictArrays.blank(0, VerdictState.MET)
    columns = {name: getattr(found, name) for name in blank.__dataclass_fields__}
    assert [tuple(row) for row in zip(*(column.tolist() for column in columns.values()), strict=True)] == ROWS
    assert all(column.dtype == getattr(blank, name).dtype for name, column in columns.items())
    assert VerdictArrays.of_rows([(VerdictState.MET, *[NEVER_US] * 8, 1, 2, 3, NEVER_US)]).due_us.tolist() == [NEVER_US]
    assert (len(VerdictArrays.of_rows([])), VerdictArrays.of_rows([]).state.dtype) == (0, np.int8)


def test_which_are_in_some_states() -> None:
    verdicts = VerdictArrays.of_rows(ROWS)
    for wanted in (some for size in range(4) for some in combinations(VerdictState, size)):
        assert verdicts.is_in(*wanted).tolist() == [state in wanted for state in STATES]
    for state, broken, undecided in zip(STATES, verdicts.is_breached, verdicts.is_undecided, strict=True):
        assert broken == (state.name in ("BREACHED", "PAUSED_AND_BREACHED"))
        assert undecided == (state.name in ("RUNNING", "PAUSED"))
