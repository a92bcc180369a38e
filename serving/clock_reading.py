"""Verdicts of the rules as the service shows them: arrays become clocks."""

from __future__ import annotations

from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from serving.risk import Clock
from sla.agreements.agreement_set import AgreementSet
from sla.clocks.replay import VerdictArrays, VerdictState
from sla.instants import NEVER_US, SECOND_US, from_us

NAMES = {state.value: state.name.lower() for state in VerdictState}
_WITHOUT_TARGET = (VerdictState.NOT_STARTED, VerdictState.CANCELLED, VerdictState.NO_AGREEMENT)


def has_target(verdicts: VerdictArrays) -> NDArray[np.bool_]:
    """Whether each clock has a target that counts: `clocks_of` gives no times for the others."""
    has: NDArray[np.bool_] = (verdicts.target_us >= 0) & ~verdicts.is_in(*_WITHOUT_TARGET)
    return has


def clocks_of(verdicts: VerdictArrays, target: str, agreements: AgreementSet, at: datetime) -> list[Clock]:
    """One clock a verdict, with times left as seen at `at`."""
    names = [agreement.name for agreement in agreements.agreements]
    rows = zip(
        verdicts.state.tolist(),
        verdicts.target_us.tolist(),
        verdicts.elapsed_us.tolist(),
        verdicts.remaining_us.tolist(),
        verdicts.due_us.tolist(),
        verdicts.breached_us.tolist(),
        verdicts.agreement.tolist(),
        strict=True,
    )
    return [
        _clock(target, names[agreement] if agreement >= 0 else "", state, times, at)
        for state, *times, agreement in rows
    ]


def _clock(target: str, agreement: str, state: int, times: list[int], at: datetime) -> Clock:
    target_us, elapsed_us, remaining_us, due_us, breached_us = times
    if target_us < 0 or state in _WITHOUT_TARGET:
        return Clock(target=target, agreement=agreement, state=NAMES[state])
    due_at = instant(due_us)
    return Clock(
        target=target,
        agreement=agreement,
        state=NAMES[state],
        due_at=due_at,
        breached_at=instant(breached_us),
        target_seconds=target_us / SECOND_US,
        elapsed_seconds=elapsed_us / SECOND_US,
        remaining_working_seconds=remaining_us / SECOND_US,
        remaining_wall_seconds=None if due_at is None else (due_at - at).total_seconds(),
    )


def instant(at_us: int) -> datetime | None:
    """An instant of an array as a datetime; None for the instant that never comes."""
    return None if at_us == NEVER_US else from_us(at_us)
