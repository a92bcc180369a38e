"""When a ticket will likely be done: serving/likely_end.py."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from serving.likely_end import likely_ends
from sla.clocks.verdicts import VerdictArrays, VerdictState
from sla.instants import to_us
from tests.serving.real_desk import AT, agreements


def test_an_end_that_no_calendar_reaches_is_not_told() -> None:
    hours = np.array([[1.0, 2.0, 3.0, 1.0, 2.0, 3.0], [1.0, 2.0, 5e8, 1.0, 2.0, 5e8]])
    verdicts = VerdictArrays.blank(2, VerdictState.RUNNING)
    verdicts.calendar[:], verdicts.agreement[:] = 0, 0
    estimates: Any = SimpleNamespace(
        bundle=SimpleNamespace(target="resolution"),
        asked_us=np.full(2, to_us(AT)),
        finish_hours=lambda places: hours[places],
    )
    near, far = likely_ends(estimates, verdicts, agreements(), AT, np.arange(2))
    assert near is not None
    assert near.early_at < near.middle_at < near.late_at
    assert far is None
