"""Which term of a clock governs each row: the first whose agreement is valid and whose conditions the ticket meets."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sla.agreements.terms import Clock, Term
from sla.clocks.masks import RowMasks
from sla.instants import NEVER_US, Int64Array, to_us

NO_MATCH = -1


def match_rows(clock: Clock, masks: RowMasks) -> NDArray[np.int32]:
    """The index of the governing term at each row, -1 where no agreement holds, whether by silence or by its own words."""
    log = masks.log
    matched = np.full(log.at_us.size, NO_MATCH, dtype=np.int32)
    undecided = np.ones(log.at_us.size, dtype=np.bool_)
    opened_us = log.at_us[log.row_start] if log.at_us.size else log.at_us
    for term in clock.terms:
        holds = undecided & _in_force(term, opened_us, log.at_us)
        for condition in (term.agreement_applies_to, term.goal_applies_to):
            if condition is not None:
                holds &= masks.of(condition)
        if term.measures:
            matched[holds] = term.index
        undecided &= ~holds
    return matched


def _in_force(term: Term, opened_us: Int64Array, at_us: Int64Array) -> NDArray[np.bool_] | np.bool_:
    """Whether the agreement is valid, and enforced, for each row's ticket."""
    valid: NDArray[np.bool_] | np.bool_ = np.True_
    if term.valid_from_us != -NEVER_US or term.valid_until_us != NEVER_US:
        judged_us = at_us if term.policies.version == "current" else opened_us
        valid = (judged_us >= term.valid_from_us) & (judged_us < term.valid_until_us)
    if term.policies.enforce_from is not None:
        valid = valid & (opened_us >= to_us(term.policies.enforce_from))
    return valid
