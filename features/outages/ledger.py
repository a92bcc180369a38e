"""What is recorded of services as sums along time, and the outages themselves: all that rows and columns are made from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.outages.checks import MONITOR, STATUS, CheckRules, outages_from_checks
from features.prefix_sums import KeyedSums, Timeline
from features.schema import attribute_columns
from features.service_histories import ServiceHistories
from sla.instants import DAY_US, NEVER_US, SECOND_US, BoolArray, Int64Array

ACTED = "attributes.acted_on"
YES = ("yes", "true", "1")
OUTAGE_DAY, SECONDS_DOWN, CHECK, FAILED_CHECK, TIMED, LOG_MS, TICKET = range(7)
ON_WEEKDAY = 7  # seven columns, Monday first
WIDTH = ON_WEEKDAY + 7
LONGEST_SECONDS = 7 * 86_400  # of one outage, for the minutes down: a dead target must not drown the rest
THURSDAY = 3  # 1970-01-01


@dataclass(frozen=True)
class Outages:
    """Outages sorted by service (a place in the ledger's names) and beginning; NEVER_US where the end is not known."""

    service: Int64Array
    begin_us: Int64Array
    end_us: Int64Array
    known_us: Int64Array  # when the beginning was recorded
    end_known_us: Int64Array


@dataclass(frozen=True)
class Ledger:
    """Service events and tickets as they became known. `sums` has key k for service `names[k]`; `around` for its group.

    The group of a service is its monitor or site where checks name one, else all services are one group.
    """

    histories: ServiceHistories
    outages: Outages
    timeline: Timeline
    sums: KeyedSums
    group: Int64Array
    outage_day_known_us: Int64Array  # when each day with an outage, of any service, became known; ascending
    around_timeline: Timeline
    around: KeyedSums
    watch_since_us: Int64Array  # since when each service is known of
    last_us: Int64Array  # the last record of each service
    check_service: Int64Array
    check_us: Int64Array
    acted_service: Int64Array
    acted_us: Int64Array
    rules: CheckRules
    kinds: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The services, sorted."""
        return self.histories.names

    @property
    def until_us(self) -> int:
        """The last record of all."""
        return int(self.last_us.max()) if len(self.last_us) else 0

    @classmethod
    def of(
        cls,
        events: pd.DataFrame,
        tickets: pd.DataFrame | None = None,
        *,
        kinds: tuple[str, ...] = ("outage",),
        rules: CheckRules | None = None,
    ) -> Ledger:
        """The ledger of canonical service events, and of ticket events that name a service (only `created` ones count).

        Outages are events of these `kinds` and those derived from checks.
        """
        rules = rules or CheckRules()
        has_status = STATUS in events and bool(events[STATUS].notna().any())
        told = pd.concat([_as_outages(events, kinds), outages_from_checks(events, rules)], ignore_index=True)
        checks = events[(events["kind"] == "check") & events[STATUS].notna()] if has_status else events.iloc[:0]
        histories = ServiceHistories.from_events(told)
        place = {name: number for number, name in enumerate(histories.names)}
        outages = _outages(told, place)
        arrivals = _arrivals(events, checks, tickets, outages, place, rules)
        service, at_us, amounts = arrivals
        timeline = Timeline.of(at_us)
        group = _groups(events, place)
        around = Timeline.of(outages.known_us)
        log = histories.log
        starts = log.offsets[:-1]
        acted = _acted(events, place)
        check_service = _places(checks["service"], place)
        check_us = _us(checks["recorded_at"])
        order = np.lexsort((check_us, check_service))
        return cls(
            histories,
            outages,
            timeline,
            KeyedSums(timeline, service, max(len(place), 1), amounts),
            group,
            np.sort(_outage_days(outages)[1]),
            around,
            KeyedSums(
                around, group[outages.service], int(group.max(initial=0)) + 1, np.ones((len(around.at_us), 1), np.int64)
            ),
            np.minimum.reduceat(log.recorded_us, starts) if len(starts) else starts,
            np.maximum.reduceat(log.recorded_us, starts) if len(starts) else starts,
            check_service[order],
            check_us[order],
            *acted,
            rules,
            kinds,
        )

    def known_by(self, at_us: int, events: pd.DataFrame, tickets: pd.DataFrame | None = None) -> Ledger:
        """The ledger of what of these events was recorded by an instant."""
        at = pd.Timestamp(at_us, unit="us", tz="UTC")
        seen = None if tickets is None else tickets[tickets["recorded_at"] <= at]
        return Ledger.of(events[events["recorded_at"] <= at], seen, kinds=self.kinds, rules=self.rules)


def weekday_of(at_us: Int64Array) -> Int64Array:
    """The UTC weekday, Monday 0."""
    return (at_us // DAY_US + THURSDAY) % 7


def _as_outages(events: pd.DataFrame, kinds: tuple[str, ...]) -> pd.DataFrame:
    """The events with every kind that is to be forecast called an outage."""
    plain = events.drop(columns=attribute_columns(events))
    is_meant = plain["kind"].isin(kinds)
    kind = plain["kind"].where(~is_meant, "outage").where(is_meant | (plain["kind"] != "outage"), "degradation")
    return plain.assign(kind=kind)


def _outages(told: pd.DataFrame, place: dict[str, int]) -> Outages:
    """Each beginning with the first end after it that no other beginning took; overlapping ones share their service's order."""
    found = told[told["kind"] == "outage"]
    begins, ends = found[found["phase"] != "end"], found[found["phase"] != "start"]
    service, at_us, known_us = _places(begins["service"], place), _us(begins["event_at"]), _us(begins["recorded_at"])
    order = np.lexsort((at_us, service))
    service, at_us, known_us = service[order], at_us[order], np.maximum(known_us, at_us)[order]
    e_service, e_us = _places(ends["service"], place), _us(ends["event_at"])
    e_order = np.lexsort((e_us, e_service))
    e_service, e_us, e_known = (
        e_service[e_order],
        e_us[e_order],
        np.maximum(_us(ends["recorded_at"]), _us(ends["event_at"]))[e_order],
    )
    end_us, end_known = np.full(len(at_us), NEVER_US), np.full(len(at_us), NEVER_US)
    taken = 0
    for number in range(len(at_us)):  # two sorted lists, merged
        while taken < len(e_us) and (e_service[taken], e_us[taken]) < (service[number], at_us[number]):
            taken += 1
        if taken < len(e_us) and e_service[taken] == service[number]:
            end_us[number], end_known[number] = e_us[taken], e_known[taken]
            taken += 1
    return Outages(service, at_us, end_us, known_us, end_known)


def _arrivals(
    events: pd.DataFrame,
    checks: pd.DataFrame,
    tickets: pd.DataFrame | None,
    outages: Outages,
    place: dict[str, int],
    rules: CheckRules,
) -> tuple[Int64Array, Int64Array, NDArray[np.int64]]:
    """Service, instant since when it counts, and amounts of everything that is summed."""
    parts = [_outage_days(outages), _minutes_down(outages)]
    samples = pd.concat([checks, events[events["kind"] == "latency"]])
    if len(samples):
        parts.append(_samples(samples, place, rules))
    if tickets is not None:
        new = tickets[(tickets["kind"] == "created") & tickets["service"].isin(place)]
        parts.append((_places(new["service"], place), _us(new["recorded_at"]), _amounts(len(new), {TICKET: 1})))
    service, at_us, amounts = (np.concatenate([part[number] for part in parts]) for number in range(3))
    return service, at_us, amounts


def _outage_days(outages: Outages) -> tuple[Int64Array, Int64Array, NDArray[np.int64]]:
    """One arrival for each UTC day on which a service has outages: the first of that day to be recorded."""
    day = outages.begin_us // DAY_US
    order = np.lexsort((outages.known_us, day, outages.service))
    service, day, known_us = outages.service[order], day[order], outages.known_us[order]
    is_first = np.append(True, (np.diff(service) != 0) | (np.diff(day) != 0))[: len(service)]
    amounts = _amounts(int(is_first.sum()), {OUTAGE_DAY: 1})
    amounts[np.arange(len(amounts)), ON_WEEKDAY + (day[is_first] + THURSDAY) % 7] = 1
    return service[is_first], known_us[is_first], amounts


def _minutes_down(outages: Outages) -> tuple[Int64Array, Int64Array, NDArray[np.int64]]:
    """The length of each outage that ended, once its end is recorded."""
    over = outages.end_us != NEVER_US
    seconds = np.minimum((outages.end_us - outages.begin_us)[over] // SECOND_US, LONGEST_SECONDS)
    known_us = np.maximum(outages.end_known_us, outages.known_us)[over]
    return outages.service[over], known_us, _amounts(int(over.sum()), {SECONDS_DOWN: seconds})


def _samples(
    samples: pd.DataFrame, place: dict[str, int], rules: CheckRules
) -> tuple[Int64Array, Int64Array, NDArray[np.int64]]:
    is_check = (samples["kind"] == "check").to_numpy()
    is_down = is_check & (samples[STATUS].isin(rules.down_words).to_numpy() if STATUS in samples else False)
    value = samples["value"].to_numpy(np.float64)
    is_timed = np.isfinite(value) & (value > 0) & ~is_down
    thousandths = np.zeros(len(value), np.int64)
    thousandths[is_timed] = np.round(1000 * np.log(value[is_timed])).astype(np.int64)
    amounts = {CHECK: is_check, FAILED_CHECK: is_down, TIMED: is_timed, LOG_MS: thousandths}
    return _places(samples["service"], place), _us(samples["recorded_at"]), _amounts(len(samples), amounts)


def _amounts(rows: int, columns: dict[int, int | BoolArray | Int64Array]) -> NDArray[np.int64]:
    out = np.zeros((rows, WIDTH), np.int64)
    for column, values in columns.items():
        out[:, column] = values
    return out


def _groups(events: pd.DataFrame, place: dict[str, int]) -> Int64Array:
    group = np.zeros(len(place), np.int64)
    if MONITOR in events:
        named = events[events[MONITOR].notna()].drop_duplicates("service")
        codes, _ = pd.factorize(named[MONITOR].astype(object), sort=True)
        group[_places(named["service"], place)] = codes + 1
    return group


def _acted(events: pd.DataFrame, place: dict[str, int]) -> tuple[Int64Array, Int64Array]:
    """Alerts that somebody acted on, sorted by service and instant."""
    chosen = events.iloc[:0]
    if ACTED in events:
        chosen = events[(events["kind"] == "alert") & events[ACTED].isin(YES)]
    service, at_us = _places(chosen["service"], place), _us(chosen["event_at"])
    order = np.lexsort((at_us, service))
    return service[order], at_us[order]


def _places(services: pd.Series[str], place: dict[str, int]) -> Int64Array:
    places: Int64Array = np.asarray(services.map(place), dtype=np.int64)
    return places


def _us(instants: pd.Series[pd.Timestamp]) -> Int64Array:
    values: Int64Array = instants.dt.tz_convert("UTC").to_numpy("datetime64[us]").view("int64")
    return values
