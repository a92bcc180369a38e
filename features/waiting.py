"""What waits for one team at an instant, as columns: what every order of a queue is made from, live or simulated."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Waiting(NamedTuple):
    """One queue at a pick, n rows each; working minutes of each ticket's own clock.

    `left` until due, negative when overdue; `response_left` until the response is due, inf once given or where none is agreed. `target`:
    what was promised. `weight`: what a breach costs, in any unit. `log_mean` and `log_sd`: of the log of the hands-on minutes still
    needed, as believed, and `expected` their mean, exp(log_mean + log_sd**2 / 2). `detour_share`: the chance that a ticket never touched
    is sent on or must ask its customer first; 0 once touched. `opened`: only its order matters. `agents`: of the team on shift.
    """

    left: Floats
    response_left: Floats
    target: Floats
    weight: Floats
    log_mean: Floats
    log_sd: Floats
    expected: Floats
    detour_share: Floats
    opened: Floats
    agents: int = 1
