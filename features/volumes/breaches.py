"""How many resolutions were missed each day, by series."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd

from features.histories import Histories
from features.volumes.counts import FloatArray, VolumeCounts, local_days, ticket_places
from sla.agreements.agreement_set import AgreementSet
from sla.clocks.replay import verdicts_at
from sla.instants import NEVER_US, to_us

TARGET = "resolution"


def breached_counts(events: pd.DataFrame, agreements: AgreementSet, at: datetime, counts: VolumeCounts) -> FloatArray:
    """Clocks on the resolution that were missed on each counted day (s x t), at the instant of the breach, as known at `at`.

    A ticket that is open and overdue counts like one that ended late, each in the series its opening counts in, so that the
    parts of a level add up to the whole. All zero where no resolution is agreed.
    """
    found = np.zeros_like(counts.counts)
    until = pd.Timestamp(at)
    seen = events[(events["event_at"] <= until) & (events["recorded_at"] <= until)]
    if TARGET not in agreements.clocks or seen.empty:
        return found
    histories = Histories.from_events(seen, agreements)
    tickets = np.arange(len(histories.ticket_ids))
    verdicts = verdicts_at(histories.log, agreements, TARGET, tickets, np.full(len(tickets), to_us(at)))
    member = ticket_places(seen, at, counts)
    counted = member.index.get_indexer(pd.Index(histories.ticket_ids))
    rows = (verdicts.breached_us != NEVER_US) & (counted >= 0)
    day = local_days(counts.zone, verdicts.breached_us[rows]) - counts.first_day
    within = (day >= 0) & (day < counts.days)
    np.add.at(found[0], day[within], 1.0)
    for level in member:
        places = member[level].to_numpy(np.int64)[counted[rows][within]]
        np.add.at(found, (places, day[within]), 1.0)
    return found
