"""Which open tickets of a key are due before a given instant: spells of running clocks with the due time known then."""

from __future__ import annotations

from features.declaration import Key
from features.histories import Histories
from features.keys import KeyCodes, codes_in
from features.membership import DeskSpells, Spells
from features.outcomes import Outcomes
from features.snapshots import is_open
from sla.instants import NEVER_US


def due_spells(histories: Histories, key: Key, target: str) -> Spells | DeskSpells:
    """Spells of open tickets whose clock runs, ended by every change of key or due time; on a desk, those of all its tickets.

    Their `ticket` is the step at which each began, so that `older` compares the due times after steps
    (`Outcomes.due_us`): a clock that is paused is due at no known time, one that is late was due before.
    """
    if not histories.desk:
        return _own(histories, key, target)
    parts = [
        (_own(other, key, target), Outcomes.of(other, target).due_us, codes_in(histories, key, other), sign)
        for other, sign in histories.desk
    ]
    return DeskSpells(parts)


def _own(histories: Histories, key: Key, target: str) -> Spells:
    def build() -> Spells:
        steps, codes = histories.steps, KeyCodes.of(histories, key)
        due_us = Outcomes.of(histories, target).due_us
        runs = is_open(histories) & (due_us != NEVER_US)
        return Spells.by_step(steps, codes.codes, codes.count, runs, steps.previous(due_us, 0) != due_us)

    return histories.once(f"due spells of {target} by {key}", build)
