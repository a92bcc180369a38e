"""What is recorded of services as sums along time, and the outages themselves: all that rows and columns are made from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.outages.checks import MONITOR, STATUS, CheckRules, outages_from_checks
from features.outages.needed import NeededOutages, Needs
from features.outages.spans import Spans, places_of, spans_of, us_of
from features.outages.watching import Watching
from features.prefix_sums import KeyedSums, Timeline
from features.schema import attribute_columns
from features.service_histories import ServiceHistories
from sla.instants import DAY_US, NEVER_US, SECOND_US, BoolArray, Int64Array

ACTED = "attributes.acted_on"
YES = ("yes", "true", "1")
OUTAGE_DAY, SECONDS_DOWN, CHECK, FAILED_CHECK, TIMED, LOG_MS, TICKET = range(7)
ON_WEEKDAY = 7  # seven columns, Monday first
WIDTH = ON_WEEKDAY + 7
OF_SAMPLES = (CHECK, FAILED_CHECK, TIMED, LOG_MS)
OF_OTHERS = tuple(column for column in range(WIDTH) if column not in OF_SAMPLES)
SAMPLED = ("check", "latency")
LONGEST_SECONDS = 7 * 86_400  # of one outage, for the minutes down: a dead target must not drown the rest
THURSDAY = 3  # 1970-01-01


@dataclass(frozen=True)
class Ledger:
    """Service events and tickets as they became known, summed by service (see `summed`); `around` by its group.

    Checks and samples of latency are many and have sums of their own, so that nothing else is summed along them.
    The group of a service is its monitor or site where checks name one, else all services are one group.
    """

    histories: ServiceHistories
    outages: Spans
    timeline: Timeline
    sums: KeyedSums
    sample_timeline: Timeline
    sample_sums: KeyedSums
    group: Int64Array
    outage_day_known_us: Int64Array  # when each day with an outage, of any service, became known; ascending
    around_timeline: Timeline
    around: KeyedSums
    watch_since_us: Int64Array  # since when each service is known of
    last_us: Int64Array  # the last record of each service
    watching: Watching
    acted_service: Int64Array
    acted_us: Int64Array
    rules: CheckRules
    kinds: tuple[str, ...]
    needs: Needs
    needed: NeededOutages

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
        needs: Needs | None = None,
    ) -> Ledger:
        """The ledger of canonical service events, and of ticket events that name a service (only `created` ones count).

        Outages are events of these `kinds` and those derived from checks. `needs` is the catalogue's: which service needs which.
        """
        rules = rules or CheckRules()
        samples = _Samples.of(events, rules)
        plain = _as_outages(events[~samples.is_sample], kinds)
        told = pd.concat([plain, outages_from_checks(events, rules), samples.edges(events)], ignore_index=True)
        histories = ServiceHistories.from_events(told)
        place = {name: number for number, name in enumerate(histories.names)}
        outages = spans_of(told, "outage", place)
        service, at_us, amounts = _arrivals(tickets, outages, place)
        timeline, sample_timeline = Timeline.of(at_us), Timeline.of(samples.at_us)
        sampled = samples.places(place)
        group = _groups(events, place)
        around = Timeline.of(outages.known_us)
        log = histories.log
        starts = log.offsets[:-1]
        return cls(
            histories,
            outages,
            timeline,
            KeyedSums(timeline, service, max(len(place), 1), amounts[:, OF_OTHERS]),
            sample_timeline,
            KeyedSums(sample_timeline, sampled, max(len(place), 1), samples.amounts),
            group,
            np.sort(_outage_days(outages)[1]),
            around,
            KeyedSums(
                around, group[outages.service], int(group.max(initial=0)) + 1, np.ones((len(around.at_us), 1), np.int64)
            ),
            np.minimum.reduceat(log.recorded_us, starts) if len(starts) else starts,
            np.maximum.reduceat(log.recorded_us, starts) if len(starts) else starts,
            samples.watching(sampled, len(place), rules.silent_us),
            *_acted(events, place),
            rules,
            kinds,
            needs or {},
            NeededOutages(outages, histories.names, needs or {}),
        )

    def summed(self, service: Int64Array, at_us: Int64Array) -> NDArray[np.int64]:
        """n x WIDTH: what was recorded of each service strictly before each instant."""
        out = np.empty((len(service), WIDTH), np.int64)
        out[:, OF_OTHERS] = self.sums.upto(service, self.timeline.before(at_us))
        out[:, OF_SAMPLES] = self.sample_sums.upto(service, self.sample_timeline.before(at_us))
        return out

    def tickets_before(self, service: Int64Array, at_us: Int64Array) -> Int64Array:
        """How many tickets had named each service strictly before each instant."""
        found: Int64Array = self.sums.upto(service, self.timeline.before(at_us))[:, OF_OTHERS.index(TICKET)]
        return found

    def known_by(self, at_us: int, events: pd.DataFrame, tickets: pd.DataFrame | None = None) -> Ledger:
        """The ledger of what of these events was recorded by an instant."""
        at = pd.Timestamp(at_us, unit="us", tz="UTC")
        seen = None if tickets is None else tickets[tickets["recorded_at"] <= at]
        return Ledger.of(
            events[events["recorded_at"] <= at], seen, kinds=self.kinds, rules=self.rules, needs=self.needs
        )


def weekday_of(at_us: Int64Array) -> Int64Array:
    """The UTC weekday, Monday 0."""
    return (at_us // DAY_US + THURSDAY) % 7


def _as_outages(events: pd.DataFrame, kinds: tuple[str, ...]) -> pd.DataFrame:
    """The events with every kind that is to be forecast called an outage."""
    plain = events.drop(columns=attribute_columns(events))
    is_meant = plain["kind"].isin(kinds)
    kind = plain["kind"].where(~is_meant, "outage").where(is_meant | (plain["kind"] != "outage"), "degradation")
    return plain.assign(kind=kind)


def _arrivals(
    tickets: pd.DataFrame | None, outages: Spans, place: dict[str, int]
) -> tuple[Int64Array, Int64Array, NDArray[np.int64]]:
    """Service, instant since when it counts, and amounts of everything that is summed but samples."""
    parts = [_outage_days(outages), _minutes_down(outages)]
    if tickets is not None:
        new = tickets[(tickets["kind"] == "created") & tickets["service"].isin(place)]
        parts.append((places_of(new["service"], place), us_of(new["recorded_at"]), _amounts(len(new), {TICKET: 1})))
    service, at_us, amounts = (np.concatenate([part[number] for part in parts]) for number in range(3))
    return service, at_us, amounts


@dataclass(frozen=True)
class _Samples:
    """Checks that say a status, and latencies: codes into `names`, when each was recorded, amounts (n x OF_SAMPLES)."""

    names: NDArray[np.object_]
    service: Int64Array
    at_us: Int64Array
    is_check: BoolArray
    amounts: NDArray[np.int64]
    is_sample: BoolArray  # one an event: a check or a latency, whether it says anything or not
    first: Int64Array  # of each service the places, among the events, of its first such record and of its last
    last: Int64Array

    @classmethod
    def of(cls, events: pd.DataFrame, rules: CheckRules) -> _Samples:
        is_sample = events["kind"].isin(SAMPLED).to_numpy(np.bool_)
        rows = np.flatnonzero(is_sample)
        chosen = events if len(rows) == len(events) else events[is_sample]
        codes, names = pd.factorize(chosen["service"], sort=True)
        service, at_us = codes.astype(np.int64), us_of(chosen["recorded_at"])
        order = np.lexsort((at_us, service))
        begins = np.flatnonzero(np.append(True, np.diff(service[order]) != 0)[: len(order)])
        ends = np.append(begins[1:], len(order))[: len(begins)] - 1
        is_check, amounts = _amounts_of_samples(chosen, rules)
        says = is_check | (chosen["kind"] == "latency").to_numpy(np.bool_)
        kept = order[says[order]]
        return cls(
            np.asarray(names, object),
            service[kept],
            at_us[kept],
            is_check[kept],
            amounts[kept],
            is_sample,
            rows[order[begins]],
            rows[order[ends]],
        )

    def edges(self, events: pd.DataFrame) -> pd.DataFrame:
        """The first and the last sample of each service: since when and until when it is known of."""
        plain = events.drop(columns=attribute_columns(events))
        return plain.iloc[np.unique(np.concatenate([self.first, self.last]))]

    def places(self, place: dict[str, int]) -> Int64Array:
        """The place of each sample's service in the ledger's names; both are sorted, so the order stays."""
        of_code = np.array([place[name] for name in self.names], np.int64)
        return of_code[self.service] if len(of_code) else self.service

    def watching(self, service: Int64Array, services: int, silent_us: int) -> Watching:
        """When the checks watched each service."""
        return Watching.of(service[self.is_check], self.at_us[self.is_check], services, silent_us)


def _amounts_of_samples(chosen: pd.DataFrame, rules: CheckRules) -> tuple[BoolArray, NDArray[np.int64]]:
    """Which rows are checks that say a status, and what each row adds to the columns OF_SAMPLES."""
    n = len(chosen)
    has_status = chosen[STATUS].notna().to_numpy(np.bool_) if STATUS in chosen else np.zeros(n, np.bool_)
    is_check = (chosen["kind"] == "check").to_numpy(np.bool_) & has_status
    is_down = is_check & (chosen[STATUS].isin(rules.down_words).to_numpy(np.bool_) if has_status.any() else has_status)
    value = chosen["value"].to_numpy(np.float64)
    is_timed = np.isfinite(value) & (value > 0) & ~is_down
    amounts = np.zeros((n, len(OF_SAMPLES)), np.int64)
    amounts[:, 0], amounts[:, 1], amounts[:, 2] = is_check, is_down, is_timed
    amounts[is_timed, 3] = np.round(1000 * np.log(value[is_timed])).astype(np.int64)
    return is_check, amounts


def _outage_days(outages: Spans) -> tuple[Int64Array, Int64Array, NDArray[np.int64]]:
    """One arrival for each UTC day on which a service has outages: the first of that day to be recorded."""
    day = outages.begin_us // DAY_US
    order = np.lexsort((outages.known_us, day, outages.service))
    service, day, known_us = outages.service[order], day[order], outages.known_us[order]
    is_first = np.append(True, (np.diff(service) != 0) | (np.diff(day) != 0))[: len(service)]
    amounts = _amounts(int(is_first.sum()), {OUTAGE_DAY: 1})
    amounts[np.arange(len(amounts)), ON_WEEKDAY + (day[is_first] + THURSDAY) % 7] = 1
    return service[is_first], known_us[is_first], amounts


def _minutes_down(outages: Spans) -> tuple[Int64Array, Int64Array, NDArray[np.int64]]:
    """The length of each outage that ended, once its end is recorded."""
    over = outages.end_us != NEVER_US
    seconds = np.minimum((outages.end_us - outages.begin_us)[over] // SECOND_US, LONGEST_SECONDS)
    known_us = np.maximum(outages.end_known_us, outages.known_us)[over]
    return outages.service[over], known_us, _amounts(int(over.sum()), {SECONDS_DOWN: seconds})


def _amounts(rows: int, columns: dict[int, int | BoolArray | Int64Array]) -> NDArray[np.int64]:
    out = np.zeros((rows, WIDTH), np.int64)
    for column, values in columns.items():
        out[:, column] = values
    return out


def _groups(events: pd.DataFrame, place: dict[str, int]) -> Int64Array:
    """The group of each service: that of its first record that names a monitor, else 0."""
    group = np.zeros(len(place), np.int64)
    if MONITOR in events:
        monitor, _ = pd.factorize(events[MONITOR], sort=True)
        service, names = pd.factorize(events["service"])
        named = np.flatnonzero(monitor >= 0)
        codes, first = np.unique(service[named], return_index=True)
        group[[place[str(names[code])] for code in codes]] = monitor[named[first]] + 1
    return group


def _acted(events: pd.DataFrame, place: dict[str, int]) -> tuple[Int64Array, Int64Array]:
    """Alerts that somebody acted on, sorted by service and instant."""
    chosen = events.iloc[:0]
    if ACTED in events:
        chosen = events[(events["kind"] == "alert") & events[ACTED].isin(YES)]
    service, at_us = places_of(chosen["service"], place), us_of(chosen["event_at"])
    order = np.lexsort((at_us, service))
    return service[order], at_us[order]
