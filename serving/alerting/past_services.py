"""How services stood in the past, and which outages came: what a dry run of service rules is made of and judged by."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np
import pandas as pd

from features.outages.ledger import Ledger
from models.outage import told_how
from serving.alerting.memory import Event, Notice
from serving.alerting.rules import Rule
from serving.alerting.sight import Sight
from serving.services.groups import histories_of, outages_of
from serving.services.happened import Happened
from serving.services.making import Answering, make_basis
from serving.services.standing import ServiceBoard
from sla.agreements.agreement_set import AgreementSet
from sla.instants import DAY_US, NEVER_US, Int64Array, from_us

HORIZON = timedelta(hours=24)


@dataclass(frozen=True)
class PastServices:
    """The events of services, of which each look sees those recorded by then; outages are judged by all of them."""

    events: pd.DataFrame
    tickets: pd.DataFrame
    agreements: AgreementSet
    answering: Answering = field(default_factory=Answering)

    def board(self, at_us: int) -> ServiceBoard:
        """How services stood at an instant, as known then."""
        return make_basis(self.events, self.tickets, self.agreements, from_us(at_us), self.answering).board

    def outages(self, known_us: int) -> dict[str, Int64Array]:
        """When outages of each service began, in order, by all that is known in the end."""
        model = self.answering.model
        kinds, rules = told_how(model)
        ledger = Ledger.of(self.events, None, kinds=kinds, rules=rules)
        happened = Happened.of(self.events, ledger, known_us)
        names = sorted({*happened.place, *self.agreements.services})
        histories = histories_of(names, happened, self.agreements)
        return {name: np.sort(outages_of(name, histories[name], happened, self.agreements).begin_us) for name in names}


@dataclass
class OutageCourse:
    """What an outage rule did. `told`: service, when, when the next outage began (NEVER_US: none). `asked`: one a service and day."""

    told: list[tuple[str, int, int]] = field(default_factory=list)
    asked: dict[tuple[str, int], tuple[int, int]] = field(default_factory=dict)

    def keep(self, rule: Rule, notices: list[Notice], sight: Sight, outages: dict[str, Int64Array]) -> None:
        """Nothing; what the rule told at a look, and of whom it could have, is remembered."""
        for notice in notices:
            if notice.rule == rule.name and notice.event is Event.RAISED:
                self.told.append((notice.subject, notice.at_us, _next(outages, notice.subject, notice.at_us)))
        if sight.board is None:
            return
        names = [one.service for one in sight.board.services if one.risk is not None]
        for name in sight.matching_services(rule.applies_to, names):
            self.asked.setdefault((name, sight.at_us // DAY_US), (sight.at_us, _next(outages, name, sight.at_us)))

    def right(self, within_us: int, known_us: int) -> tuple[int, int]:
        """Of the alerts whose horizon is over, or whose outage came, how many saw one within it."""
        return _counted([(at_us, next_us) for _, at_us, next_us in self.told], within_us, known_us)

    def base(self, within_us: int, known_us: int) -> tuple[int, int]:
        """The same of the first look of every day at every service that the rule is about."""
        return _counted(list(self.asked.values()), within_us, known_us)

    def caught(self, within_us: int, since_us: int, until_us: int) -> tuple[int, int]:
        """Of the outages that began in the span, those told of within the horizon before."""
        came = {(name, next_us) for (name, _), (_, next_us) in self.asked.items() if since_us < next_us <= until_us}
        told = {(name, next_us) for name, at_us, next_us in self.told if next_us - at_us <= within_us}
        return len(came & told), len(came)


def _next(outages: dict[str, Int64Array], service: str, at_us: int) -> int:
    begins = outages.get(service)
    place = 0 if begins is None else int(np.searchsorted(begins, at_us, side="right"))
    return NEVER_US if begins is None or place == len(begins) else int(begins[place])


def _counted(pairs: list[tuple[int, int]], within_us: int, known_us: int) -> tuple[int, int]:
    came = [next_us <= at_us + within_us for at_us, next_us in pairs]
    is_known = [one or at_us + within_us <= known_us for one, (at_us, _) in zip(came, pairs, strict=True)]
    return sum(came), sum(is_known)
