"""Services that are made of others: their histories and outages, from those of their parts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from serving.services.happened import Happened
from sla.agreements.agreement_set import AgreementSet
from sla.agreements.catalogue import Service
from sla.instants import NEVER_US, Int64Array
from sla.services.dependencies import Needs, composites, outages_alone
from sla.services.service_history import FAR_PAST_US, ServiceHistory, ServiceState


@dataclass(frozen=True)
class Outages:
    """Outages of one service in order of their beginning; NEVER_US where the end is not known."""

    begin_us: Int64Array
    end_us: Int64Array
    known_us: Int64Array  # when the beginning was recorded, of a group that of the last part then down


def needs_of(service: Service) -> Needs:
    """All that a service of the catalogue rests on: what it depends on, and its parts."""
    made = service.made_of
    return Needs(service.depends_on, () if made is None else ((made.parts_needed, made.parts),))


def histories_of(names: Iterable[str], happened: Happened, agreements: AgreementSet) -> dict[str, ServiceHistory]:
    """The history of each service; that of a group is what its parts make it, and its own outages are added.

    Of a group's own events only what they tell counts: where nothing was recorded of it by itself, its parts alone decide.
    """
    own = {name: happened.history(name) for name in names}
    groups = {name: Needs(groups=needs_of(one).groups) for name, one in agreements.services.items() if one.made_of}
    known = {
        name: outages_alone(history) if name in groups else history
        for name, history in own.items()
        if name not in groups or name in happened.place
    }
    return own | composites(groups, known, groups)


def outages_of(name: str, history: ServiceHistory, happened: Happened, agreements: AgreementSet) -> Outages:
    """The outages of a service that began by the instant; of a group those of the whole, outside planned maintenance."""
    if agreements.services.get(name, Service()).made_of is None:
        own = happened.of_service(happened.outages, happened.place.get(name, -1))
        return Outages(own.begin_us, own.end_us, own.known_us)
    begin_us, end_us = history.periods(ServiceState.DOWN)
    has_begun = (begin_us > FAR_PAST_US) & (begin_us < happened.at_us)
    begin_us, end_us = begin_us[has_begun], end_us[has_begun]
    end_us = np.where(end_us <= happened.at_us, end_us, NEVER_US)  # an announced end is no fact yet
    return Outages(begin_us, end_us, _known_us(begin_us, resting_on(name, agreements), happened))


def resting_on(name: str, agreements: AgreementSet) -> frozenset[str]:
    """A service and its parts, and theirs."""
    seen: set[str] = set()
    ahead = [name]
    while ahead:
        one = ahead.pop()
        if one not in seen:
            seen.add(one)
            ahead += agreements.services.get(one, Service()).parts
    return frozenset(seen)


def _known_us(begin_us: Int64Array, names: frozenset[str], happened: Happened) -> Int64Array:
    known_us = begin_us.copy()
    for place in sorted(happened.place[name] for name in names if name in happened.place):
        spans = happened.of_service(happened.outages, place)
        for began, ended, known in zip(
            spans.begin_us.tolist(), spans.end_us.tolist(), spans.known_us.tolist(), strict=True
        ):
            low, high = np.searchsorted(begin_us, [began, ended])
            known_us[low:high] = np.maximum(known_us[low:high], known)
    return known_us
