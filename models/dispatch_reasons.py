"""The suggested order in words: three groups, and one sentence on why a ticket stands where it stands."""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from features.waiting import Waiting
from models.dispatch import Gain

LOST_CHANCE = 0.5  # from here on a ticket is more likely late than not, even when taken now
_PRESSING = 0.16  # urgency below this is that of a ticket with more than three horizons to spare


class Group(StrEnum):
    """What the dispatcher is to do with a ticket, in the order of the page."""

    SAVE_NOW = "save now"
    SAFE = "safe for now"
    LOST = "late or lost: tell the customer"


def is_lost(worth: Gain) -> NDArray[np.bool_]:
    """Return whether each ticket is more likely late than in time even when taken now, n."""
    return np.asarray(worth.late_chance >= LOST_CHANCE)


def is_pressing(worth: Gain) -> NDArray[np.bool_]:
    """Return whether each ticket has at most three horizons to spare, n."""
    return np.asarray(worth.saving >= _PRESSING * (1.0 - worth.late_chance))


def groups(worth: Gain) -> list[Group]:
    """Return the group of each ticket, n."""
    return [
        Group.LOST if lost else Group.SAVE_NOW if pressing else Group.SAFE
        for lost, pressing in zip(is_lost(worth).tolist(), is_pressing(worth).tolist(), strict=True)
    ]


def why_suggested(queue: Waiting, worth: Gain, row: int) -> str:
    """Return one sentence on why a ticket stands where it stands in the suggested order."""
    (group,) = groups(Gain(*(part[row : row + 1] for part in worth)))
    work = duration(float(queue.expected[row]))
    left, chance = float(queue.left[row]), f"{100 * (1 - worth.late_chance[row]):.0f} %"
    if left <= 0:
        return f"Overdue by {duration(-left)}: it cannot be saved, and gains weight the longer it waits; about {work} of work."
    if worth.response[row] > max(worth.saving[row], worth.lateness[row]):
        return f"The first response is due in {duration(float(queue.response_left[row]))}, and can still be in time."
    if group is Group.LOST:
        return f"Due in {duration(left)} but about {work} of work: taken now it would be in time with only {chance}."
    if group is Group.SAVE_NOW:
        return f"Due in {duration(left)} with about {work} of work: taken now it is in time with {chance}, later with less."
    return f"Due in {duration(left)} with about {work} of work: it can wait while others cannot."


def duration(minutes: float) -> str:
    """Return minutes of working time in words: 45 min, 3 h 20 min."""
    hours, rest = divmod(round(minutes), 60)
    if not hours:
        return f"{rest} min"
    return f"{hours} h {rest} min" if rest else f"{hours} h"
