"""Random numbers: one independent stream for every concern and every day.

A day's luck depends on the seed, the concern and the date only: not on how far one asks at a time, nor on what another concern
drew, nor on the policy under test. Two worlds with the same seed share it (common random numbers), which is what makes a small
difference between them visible.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Concern(IntEnum):
    """What a stream of random numbers is for. The numbers are part of the seed: never renumber."""

    INFLOW = 0
    MARKS = 1
    ROUTE = 2
    WORK = 3
    WAITS = 4
    AFTERWARDS = 5
    OUTAGES = 6
    ABSENCES = 7
    RECORDING = 8
    PLANNED = 9
    MONITORING = 10
    MONITORED_FAILURES = 11


def stream(seed: int, concern: Concern, day: int) -> np.random.Generator:
    """Return the generator of one concern on one day (`day` = days since 1970-01-01, at least 0)."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(int(concern), day))))
