"""What can happen at a desk, in the order in which it happens at one and the same instant."""

from __future__ import annotations

from enum import IntEnum


class Happening(IntEnum):
    """What can happen. At the same instant, lower numbers happen first."""

    DAY = 0
    FINISH = 1
    SHIFT_END = 2
    SHIFT_START = 3
    REGISTER = 4
    NOTICE = 5
    ANSWER = 6
    CHASE = 7
    RAISE = 8
    CANCEL = 9
    REOPEN = 10
    CLOSE = 11
    FAILURE = 12
