"""What is recorded of services as sums along time, and the outages themselves: all that rows and columns are made from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.outages.acted import Acted
from features.outages.checks import MONITOR, CheckRules, outages_from_checks
from features.outages.needed import NeededOutages, Needs
from features.outages.samples import Samples
from features.outages.spans import Spans, places_of, spans_of, us_of
from features.outages.tickets import MAJOR_INCIDENT, TICKET_OPENED, TICKET_REOPENED
from features.outages.watching import Watching
from features.outages.wholes import Whole
from features.prefix_sums import KeyedSums, Timeline
from features.schema import attribute_columns
from features.service_histories import ServiceHistories
from sla.instants import DAY_US, NEVER_US, SECOND_US, BoolArray, Int64Array

OUTAGE_DAY, SECONDS_DOWN, CHECK, FAILED_CHECK, TIMED, LOG_MS, TICKET, REOPENED, MAJOR = range(9)
ON_WEEKDAY = 9  # seven columns, Monday first
WIDTH = ON_WEEKDAY + 7
OF_TICKETS = {TICKET_OPENED: TICKET, TICKET_REOPENED: REOPENED, MAJOR_INCIDENT: MAJOR}
OF_SAMPLES = (CHECK, FAILED_CHECK, TIMED, LOG_MS)
OF_OTHERS = tuple(column for column in range(WIDTH) if column not in OF_SAMPLES)
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
    known_outages: KeyedSums  # by service along `around_timeline`
    watch_since_us: Int64Array  # since when each service is known of
    last_us: Int64Array  # the last record of each service
    watching: Watching
    acted: Acted
    rules: CheckRules
    kinds: tuple[str, ...]
    needs: Needs
    needed: NeededOutages
    population: Ledger | None = None  # of a ledger of groups: that of the services they are made of
    wholes: tuple[Whole, ...] = ()  # what each group is made of (features/outages/groups.py)

    @property
    def of_all(self) -> Ledger:
        """The ledger whose services say what is usual: groups fail when their parts do, which must not count again."""
        return self.population or self

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
        """The ledger of canonical service events, and of what tickets tell of services (features/outages/tickets.py).

        Outages are events of these `kinds` and those derived from checks. `needs` is the catalogue's: which service needs which.
        """
        rules = rules or CheckRules()
        samples = Samples.of(events, rules)
        plain = as_outages(events[~samples.is_sample], kinds)
        told = pd.concat([plain, outages_from_checks(events, rules), samples.edges(events)], ignore_index=True)
        histories = ServiceHistories.from_events(told)
        place = {name: number for number, name in enumerate(histories.names)}
        outages = spans_of(told, "outage", place)
        service, at_us, amounts = _arrivals(tickets, outages, place)
        timeline, sample_timeline = Timeline.of(at_us), Timeline.of(samples.at_us)
        sampled = samples.places(place)
        group = _groups(events, place)
        around = Timeline.of(outages.known_us)
        one_each = np.ones((len(around.at_us), 1), np.int64)
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
            KeyedSums(around, group[outages.service], int(group.max(initial=0)) + 1, one_each),
            KeyedSums(around, outages.service, max(len(place), 1), one_each),
            np.minimum.reduceat(log.recorded_us, starts) if len(starts) else starts,
            np.maximum.reduceat(log.recorded_us, starts) if len(starts) else starts,
            samples.watching(sampled, len(place), rules.silent_us),
            Acted.of(events, place),
            rules,
            kinds,
            needs or {},
            NeededOutages(outages, histories.names, needs or {}),
        )

    def summed(self, service: Int64Array, at_us: Int64Array) -> NDArray[np.int64]:
        """n x WIDTH: what was recorded of each service strictly before each instant."""
        out = np.empty((len(service), WIDTH), np.int64)
        out[:, OF_OTHERS] = self.sums.upto(service, self.timeline.before(at_us))
        out[:, OF_SAMPLES] = self.sampled(service, at_us)
        return out

    def sampled(self, service: Int64Array, at_us: Int64Array) -> NDArray[np.int64]:
        """The columns OF_SAMPLES of `summed` alone."""
        return self.sample_sums.upto(service, self.sample_timeline.before(at_us))

    def outages_known(self, service: Int64Array, at_us: Int64Array) -> Int64Array:
        """How many outages of each service had begun as known strictly before each instant."""
        found: Int64Array = self.known_outages.upto(service, self.around_timeline.before(at_us))[:, 0]
        return found

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


def as_outages(events: pd.DataFrame, kinds: tuple[str, ...]) -> pd.DataFrame:
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
        named = tickets[tickets["service"].isin(place)]
        for kind, column in OF_TICKETS.items():
            some = named[named["kind"] == kind]
            parts.append(
                (places_of(some["service"], place), us_of(some["recorded_at"]), _amounts(len(some), {column: 1}))
            )
    service, at_us, amounts = (np.concatenate([part[number] for part in parts]) for number in range(3))
    return service, at_us, amounts


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
        first = np.full(len(names), -1)
        first[service[named[::-1]]] = named[::-1]  # of several the last written stays, which is the first of all
        codes = np.flatnonzero(first >= 0)
        group[[place[str(names[code])] for code in codes.tolist()]] = monitor[first[codes]] + 1
    return group
