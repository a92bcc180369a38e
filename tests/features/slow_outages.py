"""What surrounds a service, in plain loops over records: checks by windows, what tickets tell, days that looked alike."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from features.outages.ledger import Ledger
from features.outages.rows import is_asked
from features.outages.similar import MOST_A_DAY
from sla.instants import DAY_US

MINUTE_US = 60_000_000


@dataclass(frozen=True)
class Sample:
    """A check or a timed answer, counting from its record on."""

    service: str
    known_us: int
    has_failed: bool | None  # None: no check, or one that says nothing
    ms: float


@dataclass(frozen=True)
class Told:
    """What a ticket tells."""

    kind: str
    service: str
    known_us: int


@dataclass(frozen=True)
class Happening:
    """A change or an alert."""

    kind: str
    service: str
    at_us: int
    recorded_us: int
    is_acted_on: bool = False

    @property
    def known_us(self) -> int:
        """Since when it counts."""
        return max(self.at_us, self.recorded_us)


@dataclass(frozen=True, eq=False)
class SlowWorld:
    """All records; the ledger tells only outages, who is asked about and who is watched, which have tests of their own."""

    ledger: Ledger
    samples: Sequence[Sample]
    told: Sequence[Told]
    happenings: Sequence[Happening]

    def shares(self, service: str, at_us: int, minutes: int) -> float:
        """The share of failed checks in a window."""
        found = [one.has_failed for one in self._within(service, at_us, minutes) if one.has_failed is not None]
        return sum(found) / max(len(found), 1)

    def latency(self, service: str, at_us: int, minutes: int) -> float:
        """The mean logarithm of answers in a window less that of four weeks; 0 without either."""
        lately, usual = (self._logs(service, at_us, span) for span in (minutes, 28 * 1440))
        return sum(lately) / len(lately) - sum(usual) / len(usual) if lately and usual else 0.0

    def trends(self, service: str, at_us: int, minutes: int) -> tuple[float, float]:
        """Failed checks and answers of a window against the day; 0 where there are fewer than three."""
        found = self._within(service, at_us, minutes)
        checked = sum(one.has_failed is not None for one in found)
        failed = self.shares(service, at_us, minutes) - self.shares(service, at_us, 1440) if checked >= 3 else 0.0
        logs, day = self._logs(service, at_us, minutes), self._logs(service, at_us, 1440)
        return failed, sum(logs) / len(logs) - sum(day) / len(day) if len(logs) >= 3 else 0.0

    def tickets(self, kind: str, service: str, at_us: int, days: int) -> int:
        """How many tickets told something in a window."""
        since_us = at_us - days * DAY_US
        return sum(
            one.kind == kind and one.service == service and since_us <= one.known_us < at_us for one in self.told
        )

    def similar(self, service: str, at_us: int, horizon_us: int = DAY_US) -> tuple[float, int]:
        """The share of days that looked alike and saw an outage, and how many there were."""
        mine = self._look(service, at_us)
        counts = [[0, 0], [0, 0], [0, 0]]
        for other, day_us in self._days(at_us - horizon_us - DAY_US):
            over_us = day_us + horizon_us + DAY_US
            outcome = self._outcome(other, day_us, over_us, horizon_us, at_us)
            if over_us >= at_us or outcome is None:
                continue
            look = self._look(other, day_us)
            is_like = (
                True,
                (look[0], min(sum(look[1]), 3), look[2]) == (mine[0], min(sum(mine[1]), 3), mine[2]),
                look == mine,
            )
            for count, counts_here in zip(counts, is_like, strict=True):
                if counts_here:
                    count[0] += 1
                    count[1] += outcome
        share = (counts[0][1] + 0.5) / (counts[0][0] + 25)
        share = (counts[1][1] + 20 * share) / (counts[1][0] + 20)
        return (counts[2][1] + 10 * share) / (counts[2][0] + 10), counts[2][0]

    def _days(self, until_us: int) -> list[tuple[str, int]]:
        found = []
        since = dict(zip(self.ledger.names, self.ledger.watch_since_us.tolist(), strict=True))
        for place, name in enumerate(self.ledger.names):
            day = -(-(since[name] + DAY_US) // DAY_US)
            while day * DAY_US <= until_us:
                known = sum(at_us < day * DAY_US for at_us in since.values())
                is_its_turn = (zlib.crc32(name.encode()) + day) % math.ceil(known / MOST_A_DAY) == 0
                at = np.array([day * DAY_US])
                if is_its_turn and is_asked(self.ledger, np.array([place]), at)[0] and self._is_watched(place, day):
                    found.append((name, day * DAY_US))
                day += 1
        return found

    def _is_watched(self, place: int, day: int) -> bool:
        if not self.ledger.watching.has_checks[place]:
            return True
        return bool(self.ledger.watching.just_before(np.array([place]), np.array([(day + 2) * DAY_US]))[0])

    def _outcome(self, service: str, day_us: int, over_us: int, horizon_us: int, at_us: int) -> bool | None:
        """Whether an outage of the day is known by the instant; None: an alert was acted on."""
        came = any(
            day_us <= begin_us < day_us + horizon_us and max(known_us, over_us) < at_us
            for begin_us, known_us in self._outages(service)
        )
        acted = any(
            one.is_acted_on
            and one.service == service
            and day_us <= one.at_us < day_us + horizon_us
            and max(one.known_us, over_us) < at_us
            for one in self.happenings
        )
        return None if acted else came

    def _outages(self, service: str) -> list[tuple[int, int]]:
        spans, place = self.ledger.outages, self.ledger.names.index(service)
        rows = zip(spans.service.tolist(), spans.begin_us.tolist(), spans.known_us.tolist(), strict=True)
        return [(begin_us, known_us) for one, begin_us, known_us in rows if one == place]

    @cache  # noqa: B019 (a world of one test)
    def _look(self, service: str, at_us: int) -> tuple[int, tuple[bool, ...], tuple[bool, ...]]:
        known = [(begin_us, known_us) for begin_us, known_us in self._outages(service) if known_us < at_us]
        days = tuple(
            any(at_us - (back + 1) * DAY_US <= known_us < at_us - back * DAY_US for _, known_us in known)
            for back in range(7)
        )
        with_outage = len({begin_us // DAY_US for begin_us, _ in known})
        watched = (at_us - self.ledger.watch_since_us[self.ledger.names.index(service)]) / DAY_US
        rate = (with_outage + 0.5) / (watched + 25)
        signs = (
            self._lately("change", service, at_us) or self._is_ahead(service, at_us),
            self._lately("alert", service, at_us),
            self.shares(service, at_us, 1440) > 0 or self.latency(service, at_us, 1440) > math.log(1.5),
            math.log((self.tickets("created", service, at_us, 1) + 1) / (self.tickets("created", service, at_us, 28) / 28 + 1)) > math.log(2),
        )  # fmt: skip
        return sum(rate > border for border in (0.01, 0.03, 0.1, 0.3)), days, signs

    def _lately(self, kind: str, service: str, at_us: int) -> bool:
        return any(
            one.kind == kind and one.service == service and at_us - DAY_US <= one.known_us < at_us
            for one in self.happenings
        )

    def _is_ahead(self, service: str, at_us: int) -> bool:
        return any(
            one.kind == "change" and one.service == service and one.recorded_us < at_us <= one.at_us < at_us + DAY_US
            for one in self.happenings
        )

    def _within(self, service: str, at_us: int, minutes: int) -> list[Sample]:
        since_us = at_us - minutes * MINUTE_US
        return [one for one in self.samples if one.service == service and since_us <= one.known_us < at_us]

    def _logs(self, service: str, at_us: int, minutes: int) -> list[float]:
        return [
            round(1000 * math.log(one.ms)) / 1000
            for one in self._within(service, at_us, minutes)
            if one.ms > 0 and not one.has_failed
        ]
