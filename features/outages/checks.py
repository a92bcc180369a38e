"""Outages derived from checks (up or down) by named rules, each recorded when the rules could first know of it.

A run of failed checks is an outage unless it is short, or most targets of its monitor fail with it (then the monitor
failed). Runs with a short pause between them are one. Every rule looks ahead by a fixed length, so a start is recorded
that much later than it happened, and an end later still: what is known by an instant never depends on later checks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from features.schema import conform_service_events, empty_service_events
from sla.instants import DAY_US, NEVER_US, SECOND_US, BoolArray, Int64Array

STATUS, MONITOR = "attributes.status", "attributes.site"


class CheckRules(BaseModel):
    """What makes failed checks an outage. The defaults are those of the benchmark's early quarters."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    down_words: tuple[str, ...] = ("down",)
    least_seconds: int = Field(default=60, ge=0, description="A run of failed checks that ends sooner is no outage.")
    merge_seconds: int = Field(default=900, ge=0, description="Runs with a shorter pause between them are one outage.")
    together_seconds: int = Field(
        default=300, ge=0, description="Runs that begin so close to each other begin at once."
    )
    together_share: float = Field(
        default=0.75, gt=0, description="If so many live targets fail at once, the monitor failed."
    )
    together_targets: int = Field(default=3, ge=2, description="... and at least so many do.")
    silent_days: float = Field(default=3.0, gt=0, description="A target not checked for so long is not watched.")

    @property
    def settled_us(self) -> int:
        """How long after its beginning a run is known to be an outage."""
        return max(self.least_seconds, self.together_seconds) * SECOND_US

    @property
    def silent_us(self) -> int:
        """How long a check proves that a target is watched."""
        return int(self.silent_days * DAY_US)


@dataclass(frozen=True)
class Checks:
    """Checks sorted by service and instant: codes into `services`, codes of monitors, instants, whether it failed."""

    services: tuple[str, ...]
    service: Int64Array
    monitor: Int64Array
    at_us: Int64Array
    is_down: BoolArray

    @classmethod
    def of(cls, events: pd.DataFrame, rules: CheckRules) -> Checks:
        """The checks among canonical service events that say a status; a check counts when it is recorded."""
        if STATUS not in events:
            nothing = np.zeros(0, np.int64)
            return cls((), nothing, nothing, nothing, np.zeros(0, np.bool_))
        says = ((events["kind"] == "check") & events[STATUS].notna()).to_numpy(np.bool_)
        needed = [name for name in ("service", STATUS, MONITOR, "recorded_at") if name in events]
        chosen = events[needed] if says.all() else events.loc[says, needed]
        service, names = pd.factorize(chosen["service"], sort=True)
        monitor = pd.factorize(chosen[MONITOR].fillna(""))[0] if MONITOR in chosen else np.zeros(len(chosen), np.int64)
        at_us = chosen["recorded_at"].dt.tz_convert("UTC").to_numpy("datetime64[us]").view("int64")
        is_down = chosen[STATUS].isin(rules.down_words).to_numpy(np.bool_)
        order = np.lexsort((is_down, at_us, service))
        return cls(
            tuple(map(str, names)),
            service.astype(np.int64)[order],
            monitor.astype(np.int64)[order],
            at_us[order],
            is_down[order],
        )


def outages_from_checks(events: pd.DataFrame, rules: CheckRules | None = None) -> pd.DataFrame:
    """Outages (start, end) that the checks among canonical service events tell of, as canonical service events."""
    rules = rules or CheckRules()
    checks = Checks.of(events, rules)
    first, last_us = _runs(checks)
    begin_us, service = checks.at_us[first], checks.service[first]
    kept = ~_is_monitor_failure(checks, first, rules) & (last_us - begin_us >= rules.least_seconds * SECOND_US)
    return _frame(checks.services, *_merged(service[kept], begin_us[kept], last_us[kept], rules), rules)


def _runs(checks: Checks) -> tuple[Int64Array, Int64Array]:
    """The first check of each run of failed ones, and the instant of the good check that ends it (NEVER_US: none yet)."""
    n = len(checks.at_us)
    if not n:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    is_new = np.append(True, np.diff(checks.service) != 0)
    before = np.append(False, checks.is_down[:-1]) & ~is_new
    first = np.flatnonzero(checks.is_down & ~before)
    good = np.append(np.flatnonzero(~checks.is_down), n)
    after = good[np.searchsorted(good, first)]
    found = (after < n) & (np.append(checks.service, -1)[after] == checks.service[first])
    return first, np.where(found, np.append(checks.at_us, 0)[after], NEVER_US)


def _is_monitor_failure(checks: Checks, first: Int64Array, rules: CheckRules) -> BoolArray:
    together_us = rules.together_seconds * SECOND_US
    begin_us, service, monitor = checks.at_us[first], checks.service[first], checks.monitor[first]
    again = np.zeros(len(first), np.bool_)
    again[1:] = (np.diff(service) == 0) & (np.diff(begin_us) <= 2 * together_us)  # one target is counted once
    live = _live_targets(checks, monitor, begin_us, rules)
    failing = np.zeros(len(first), np.int64)
    for one in np.unique(monitor):
        here = monitor == one
        fresh_us = np.sort(begin_us[here & ~again])
        until = np.searchsorted(fresh_us, begin_us[here] + together_us, side="right")
        failing[here] = until - np.searchsorted(fresh_us, begin_us[here] - together_us, side="left")
    found: BoolArray = (failing >= rules.together_targets) & (failing >= rules.together_share * live)
    return found


def _live_targets(checks: Checks, monitor: Int64Array, at_us: Int64Array, rules: CheckRules) -> Int64Array:
    """How many targets of each monitor were being checked at each instant."""
    n = len(checks.at_us)
    if not n:
        return np.zeros(0, np.int64)
    breaks = (np.diff(checks.service) != 0) | (np.diff(checks.at_us) > rules.silent_us)
    begins, ends = np.flatnonzero(np.append(True, breaks)), np.flatnonzero(np.append(breaks, True))
    out = np.zeros(len(at_us), np.int64)
    for one in np.unique(monitor):
        here = monitor == one
        opened = np.sort(checks.at_us[begins[checks.monitor[begins] == one]])
        closed = np.sort(checks.at_us[ends[checks.monitor[ends] == one]] + rules.silent_us)
        out[here] = np.searchsorted(opened, at_us[here], side="right") - np.searchsorted(
            closed, at_us[here], side="left"
        )
    return out


def _merged(
    service: Int64Array, begin_us: Int64Array, end_us: Int64Array, rules: CheckRules
) -> tuple[Int64Array, Int64Array, Int64Array]:
    """Runs in order of service and beginning, with short pauses between them closed."""
    joined = (np.diff(service) == 0) & (begin_us[1:] - end_us[:-1] <= rules.merge_seconds * SECOND_US)
    first = np.flatnonzero(np.append(True, ~joined)[: len(service)])
    last = np.flatnonzero(np.append(~joined, True)[: len(service)])
    return service[first], begin_us[first], end_us[last]


def _frame(
    names: tuple[str, ...], service: Int64Array, begin_us: Int64Array, end_us: Int64Array, rules: CheckRules
) -> pd.DataFrame:
    if not len(service):
        return empty_service_events()
    over = end_us != NEVER_US
    wait_us = rules.settled_us + rules.merge_seconds * SECOND_US
    at_us = np.concatenate([begin_us, end_us[over]])
    known_us = np.concatenate([begin_us + rules.settled_us, end_us[over] + wait_us])
    phase = np.repeat(np.array(["start", "end"], object), [len(service), int(over.sum())])
    name = np.array(names, object)[np.concatenate([service, service[over]])]
    ids = [f"{one}/outage/{word}/{at}/checks" for one, word, at in zip(name, phase, at_us.tolist(), strict=True)]
    columns = {"event_id": ids, "service": name, "kind": "outage", "phase": phase}
    instants = {"event_at": at_us, "recorded_at": known_us}
    utc = {key: pd.Series(value.view("datetime64[us]")).dt.tz_localize("UTC") for key, value in instants.items()}
    return conform_service_events(pd.DataFrame(columns | utc))
