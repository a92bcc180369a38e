"""How many resolutions were missed each day."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd

from features.histories import Histories
from features.volumes.counts import FloatArray, VolumeCounts, local_days
from sla.agreements.agreement_set import AgreementSet
from sla.clocks.replay import verdicts_at
from sla.instants import NEVER_US, to_us

TARGET = "resolution"


def breached_counts(events: pd.DataFrame, agreements: AgreementSet, at: datetime, counts: VolumeCounts) -> FloatArray:
    """Clocks on the resolution that were missed on each counted day (t), at the instant of the breach, as known at `at`.

    A ticket that is open and overdue counts like one that ended late. All zero where no resolution is agreed.
    """
    found = np.zeros(counts.days)
    until = pd.Timestamp(at)
    seen = events[(events["event_at"] <= until) & (events["recorded_at"] <= until)]
    if TARGET not in agreements.clocks or seen.empty:
        return found
    histories = Histories.from_events(seen, agreements)
    tickets = np.arange(len(histories.ticket_ids))
    verdicts = verdicts_at(histories.log, agreements, TARGET, tickets, np.full(len(tickets), to_us(at)))
    at_us = verdicts.breached_us[verdicts.breached_us != NEVER_US]
    day = local_days(counts.zone, at_us) - counts.first_day
    np.add.at(found, day[(day >= 0) & (day < counts.days)], 1.0)
    return found
