"""What alert rules see: the open tickets of one instant as columns, and how services stand."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from serving.clock_reading import has_target
from serving.scored import Scored
from serving.services.standing import ServiceBoard
from serving.text_column import TextColumn
from sla.agreements.agreement_set import AgreementSet
from sla.agreements.catalogue import Service
from sla.agreements.conditions import SERVICE_FACTS, Clause, Condition, Test
from sla.clocks.verdicts import VerdictArrays
from sla.instants import BoolArray, Int64Array

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ClockSight:
    """One clock of m tickets. `share_used`: elapsed over target, NaN without one; `term`: the goal that decides, an index into `warnings`."""

    share_used: Floats
    is_breached: BoolArray
    breached_us: Int64Array
    term: NDArray[np.int32]
    warnings: tuple[tuple[float, ...], ...]

    @classmethod
    def of(cls, verdicts: VerdictArrays, target: str, agreements: AgreementSet) -> ClockSight:
        """What verdicts say of a clock."""
        known = has_target(verdicts)
        share = np.divide(
            verdicts.elapsed_us, verdicts.target_us, out=np.ones(len(verdicts)), where=verdicts.target_us > 0
        )
        clock = agreements.clocks.get(target)
        return cls(
            np.where(known, share, np.nan),
            known & verdicts.is_breached,
            verdicts.breached_us,
            verdicts.term,
            tuple(term.warnings for term in clock.terms) if clock else (),
        )

    def take(self, places: Int64Array) -> ClockSight:
        """The clock of some of the tickets."""
        return ClockSight(
            self.share_used[places],
            self.is_breached[places],
            self.breached_us[places],
            self.term[places],
            self.warnings,
        )

    def warned_from(self, share: float) -> Floats:
        """The first agreed warning of each ticket from a share on, infinite where there is none."""
        firsts = [min((one for one in agreed if one >= share), default=np.inf) for agreed in self.warnings]
        return np.array([*firsts, np.inf])[self.term]  # term -1, no goal, is the last


@dataclass(frozen=True)
class Sight:
    """m open tickets at an instant. `probability` is NaN where no model was asked."""

    at_us: int
    ticket_ids: NDArray[np.object_]
    texts: Mapping[str, TextColumn]
    probability: Floats
    clocks: Mapping[str, ClockSight]
    services: Mapping[str, Service] = field(default_factory=dict)
    board: ServiceBoard | None = None  # how services stand; None: nobody can tell

    @classmethod
    def of(
        cls,
        scored: Scored,
        at_us: int,
        targets: Collection[str] = ("resolution",),
        board: ServiceBoard | None = None,
    ) -> Sight:
        """What a scoring holds, ticket by ticket in its order, with the clocks of some targets; the leading one is always there."""
        reading, facts = scored.reading, scored.facts
        verdicts = {reading.leading: scored.leading}
        if reading.response in targets:
            verdicts[reading.response] = scored.response(np.arange(len(facts.ticket_ids)))
        clocks = {target: ClockSight.of(found, target, reading.agreements) for target, found in verdicts.items()}
        probability, services = scored.estimates.probability, reading.agreements.services
        return cls(at_us, facts.ticket_ids, facts.texts, probability, clocks, services, board)

    def take(self, places: Int64Array, at_us: int) -> Sight:
        """Some of the tickets, as of another instant."""
        return Sight(
            at_us,
            self.ticket_ids[places],
            {name: texts.take(places) for name, texts in self.texts.items()},
            self.probability[places],
            {name: clock.take(places) for name, clock in self.clocks.items()},
            self.services,
            self.board,
        )

    @cached_property
    def place_of(self) -> dict[str, int]:
        """The place of each ticket."""
        return {str(ticket_id): place for place, ticket_id in enumerate(self.ticket_ids)}

    def matches(self, condition: Condition | None) -> BoolArray:
        """Which tickets a condition holds for."""
        if condition is None:
            return np.ones(len(self.ticket_ids), np.bool_)
        held = np.zeros(len(self.ticket_ids), np.bool_)
        for clause in condition:
            held |= self._fulfils(clause)
        return held

    def matching_services(self, condition: Condition | None, names: Collection[str]) -> set[str]:
        """The services that a condition on their name and catalogue holds for."""
        if condition is None:
            return set(names)
        return {
            name
            for name in names
            if any(
                all(test.holds(self._value(asked, name)) for asked, test in clause.tests.items())
                for clause in condition
            )
        }

    def _fulfils(self, clause: Clause) -> BoolArray:
        held = np.ones(len(self.ticket_ids), np.bool_)
        for name, test in clause.tests.items():
            texts = self.texts["service" if name in SERVICE_FACTS else name]
            held &= texts.each(partial(self._passes, name, test), np.bool_)
        return held

    def _passes(self, name: str, test: Test, text: str) -> bool:
        return test.holds(self._value(name, text))

    def _value(self, name: str, text: str) -> str | None:
        if name not in SERVICE_FACTS:
            return text
        service = self.services.get(text)
        return None if service is None else service.fact(name)
