"""A ledger of services made of others: what is recorded of them, and their outages as those of their parts make them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from features.outages.ledger import Ledger, as_outages
from features.outages.needed import NeededOutages
from features.outages.samples import SAMPLED
from features.outages.spans import spans_of
from features.outages.wholes import Groups, Told, Whole, outages_of_whole
from features.schema import conform_service_events
from sla.instants import NEVER_US, SECOND_US, Int64Array


def group_ledger(
    ledger: Ledger, events: pd.DataFrame, groups: Groups, tickets: pd.DataFrame | None = None
) -> Ledger | None:
    """The ledger of all groups enough parts of which are known; None where there is none.

    `ledger` is that of the same canonical service events and tickets. It stays as it is: what is said of the parts, and
    what is usual for all services, does not change because some of them are a group.
    """
    place = {name: number for number, name in enumerate(ledger.names)}
    wholes = {name: Whole.of(name, groups, place) for name in sorted(groups)}
    since_us = {name: one.since_us(ledger.watch_since_us) for name, one in wholes.items()}
    wholes = {name: one for name, one in wholes.items() if since_us[name] != NEVER_US}
    if not wholes:
        return None
    maintenance, wait_us = spans_of(events, "maintenance", place), ledger.rules.merge_seconds * SECOND_US
    told = {name: outages_of_whole(one, ledger.outages, maintenance, wait_us) for name, one in wholes.items()}
    mine = events[events["service"].isin(list(wholes)) & ~events["kind"].isin(SAMPLED)]
    plain = as_outages(mine, ledger.kinds)
    frame = pd.concat([plain[plain["kind"] != "outage"], _events(told, since_us)], ignore_index=True)
    found = Ledger.of(frame, tickets, rules=ledger.rules, needs=ledger.needs)
    return replace(
        found,
        population=ledger,
        wholes=tuple(wholes.values()),
        watch_since_us=np.array([since_us[name] for name in wholes], np.int64),
        last_us=np.full(len(wholes), ledger.until_us),
        group=np.array([_around(one, ledger) for one in wholes.values()], np.int64),
        needed=NeededOutages(ledger.outages, ledger.names, ledger.needs, found.names),
    )


def _around(whole: Whole, ledger: Ledger) -> int:
    """The monitor or site of the first part."""
    return int(ledger.group[min(whole.places())])


def _events(told: dict[str, list[Told]], since_us: dict[str, int]) -> pd.DataFrame:
    """Canonical service events: a point for each group, since when it is known, and its outages."""
    rows: list[tuple[str, str, str, int, int]] = []
    for name, outages in told.items():
        rows.append((name, "check", "point", since_us[name], since_us[name]))
        rows += [(name, "outage", "start", one.begin_us, one.known_us) for one in outages]
        rows += [(name, "outage", "end", one.end_us, one.end_known_us) for one in outages if one.end_us != NEVER_US]
    found = pd.DataFrame(rows, columns=["service", "kind", "phase", "event_at", "recorded_at"])
    ids = [f"{row[0]}/{row[1]}/{row[2]}/{row[3]}/{row[4]}/{number}/parts" for number, row in enumerate(rows)]
    instants = {name: _utc(found[name].to_numpy(np.int64)) for name in ("event_at", "recorded_at")}
    return conform_service_events(found.assign(event_id=ids, **instants))


def _utc(at_us: Int64Array) -> pd.Series[pd.Timestamp]:
    return pd.Series(at_us.view("datetime64[us]")).dt.tz_localize("UTC")
