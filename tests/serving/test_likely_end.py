"""When a ticket will likely be done: serving/likely_end.py."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from serving.likely_end import LikelyEnd, likely_ends
from sla.agreements.agreement_set import AgreementSet
from sla.agreements.loading import parse_agreements
from sla.clocks.verdicts import VerdictArrays, VerdictState
from sla.instants import to_us
from tests.serving.real_desk import AGREEMENTS, AT, agreements

NONE = np.inf
NEVER_PAUSES = parse_agreements(AGREEMENTS.replace("        pause: {status: waiting, waiting_on: customer}\n", ""))
MAY_PAUSE = any(
    target.pause is not None for target in agreements().agreements[0].targets if target.metric == "resolution"
)


def test_an_end_that_no_calendar_reaches_is_not_told() -> None:
    hours = np.array([[1.0, 2.0, 3.0] * 2 + [NONE] * 2, [1.0, 2.0, 5e8] * 2 + [NONE] * 2])
    near, far = told(hours)
    assert near is not None
    assert near.early_at < near.middle_at < near.late_at
    assert near.or_later == ()
    assert far is None


@pytest.mark.parametrize("nothing", [np.inf, np.nan])
@pytest.mark.parametrize("place", range(6))
def test_hours_without_a_number_have_no_end_where_they_are_needed(nothing: float, place: int) -> None:
    hours = np.array([1.0, 2.0, 3.0] * 2 + [NONE] * 2)
    hours[place] = nothing
    near, far = told(np.array([[1.0, 2.0, 3.0] * 2 + [NONE] * 2, hours]))
    assert near is not None
    assert far is None
    (without_waits,) = told(np.array([hours]), NEVER_PAUSES)
    assert without_waits == (None if place < 3 else near)


def test_ends_beyond_what_training_saw_are_said_to_be_later() -> None:
    most = [3.0, 50.0]  # on the clock, and in opening hours
    waits = [1.0, 2.0, 2.5, 10.0, 50.0, 50.0, *most]
    stuck, long, short = told(np.array([[1.0, 3.0, 3.0, 1.0, 3.0, 3.0, *most], waits, [1.0, 2.0, 2.9] * 2 + most]))
    assert stuck is not None
    assert stuck.or_later == ("middle", "late")
    assert stuck.late_working_seconds == 3 * 3600
    assert long is not None
    assert long.or_later == (("middle", "late") if MAY_PAUSE else ())
    assert short is not None
    assert short.or_later == ()


def told(hours: np.ndarray, under: AgreementSet | None = None) -> list[LikelyEnd | None]:
    """What is told of tickets with these rows of FINISH_COLUMNS."""
    verdicts = VerdictArrays.blank(len(hours), VerdictState.RUNNING)
    verdicts.calendar[:], verdicts.agreement[:] = 0, 0
    estimates: Any = SimpleNamespace(
        bundle=SimpleNamespace(target="resolution"),
        asked_us=np.full(len(hours), to_us(AT)),
        finish_hours=lambda places: hours[places],
    )
    return likely_ends(estimates, verdicts, under or agreements(), AT, np.arange(len(hours)))
