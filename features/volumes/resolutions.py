"""How many tickets were resolved each day, and how many are open now."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd

from features.volumes.counts import FloatArray, VolumeCounts, local_days

OVER = ("resolved", "closed", "cancelled")


def resolved_counts(events: pd.DataFrame, at: datetime, counts: VolumeCounts) -> tuple[FloatArray, float]:
    """Tickets that left the open ones, less those reopened, on each counted day (t); and how many were open when the last one ended.

    Only what happened and was recorded by `at` counts. A ticket is open from its first event until a status of resolved,
    closed or cancelled, and again when a later status is another.
    """
    until = pd.Timestamp(at)
    seen = events[(events["event_at"] <= until) & (events["recorded_at"] <= until)]
    created = seen.loc[seen["kind"] == "created", "ticket_id"]
    news = seen[seen["status"].notna() & (seen["status"] != "") & seen["ticket_id"].isin(set(created))]
    news = news.sort_values(["ticket_id", "event_at", "recorded_at", "event_id"], kind="stable")
    over = news["status"].isin(OVER)
    before = over.groupby(news["ticket_id"]).shift(fill_value=False).astype(bool)
    turned = news[over != before]
    step = np.where(over[over != before], 1.0, -1.0)
    day = local_days(counts.zone, turned["event_at"].to_numpy("datetime64[us]").astype(np.int64)) - counts.first_day
    within = (day >= 0) & (day < counts.days)
    resolved = np.zeros(counts.days)
    np.add.at(resolved, day[within], step[within])
    return resolved, float(counts.counts[0].sum() - resolved.sum())
