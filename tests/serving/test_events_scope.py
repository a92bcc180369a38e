"""Whose tickets and services a caller of some teams may bring events of: judged by where they stood, never by what is sent."""

from __future__ import annotations

from typing import Any, cast

import pandas as pd
import pytest

from features.store import Store
from serving.access.caller import Scope
from serving.api.events import Kind, refuse_outside
from serving.problems import ProblemError
from tests.features.builders import event, events, service_event, service_events

DESK = Scope(teams=("desk",))


class Stored:
    """A store that holds some events."""

    def __init__(self, *known: dict[str, Any]) -> None:
        self._known = events(*known) if known else events(event()).iloc[:0]

    def ticket_events(self, ticket_ids: list[str]) -> pd.DataFrame:
        return self._known[self._known["ticket_id"].isin(ticket_ids)]


def is_refused(sent: pd.DataFrame, *known: dict[str, Any], scope: Scope = DESK, of: Kind = Kind.TICKETS) -> bool:
    try:
        refuse_outside(sent, of, scope, cast(Store, Stored(*known)))
    except ProblemError as error:
        return error.status == 403
    return False


MINE, THEIRS = event(team="desk", service="mail"), event(team="network", service="web")
LATER = event(minute=5, ordinal=2)


def moved(minute: float, team: str) -> dict[str, Any]:
    return event(minute=minute, ordinal=9, team=team)


@pytest.mark.parametrize(
    ("sent", "known", "refused"),
    [
        ([MINE], [], False),
        ([THEIRS], [], True),
        ([LATER], [MINE], False),
        ([LATER], [THEIRS], True),
        ([moved(5, "network")], [MINE], False),  # it is theirs to give away
        ([moved(5, "desk")], [THEIRS], True),  # but not to take
        ([moved(-5, "desk")], [THEIRS], True),  # nor to have been theirs before
        ([moved(9, "desk")], [MINE, moved(3, "network")], True),  # it was given away before
        ([THEIRS, moved(5, "desk")], [], True),  # a new one stands where it began
        ([MINE, moved(5, "network")], [], False),
        ([moved(5, "desk"), THEIRS], [], True),  # in whatever order it is told
        ([event()], [], True),  # nobody's
    ],
)
def test_a_ticket_stands_where_it_was_known_to_stand(
    sent: list[dict[str, Any]], known: list[dict[str, Any]], refused: bool
) -> None:
    assert is_refused(events(*sent), *known) is refused
    assert not is_refused(events(*sent), *known, scope=Scope())
    assert not is_refused(events(*sent), *known, scope=Scope(teams=("desk", "network", "")))


def test_the_service_counts_too_and_all_outside_are_named() -> None:
    scope = Scope(services=("mail",))
    assert not is_refused(events(MINE), scope=scope)
    assert is_refused(events(THEIRS), scope=scope)
    sent = events(MINE, event("T2", team="network"), event("T3", team="lab"))
    with pytest.raises(ProblemError, match=r"2 of the subjects are outside of team desk: 'T2', 'T3'"):
        refuse_outside(sent, Kind.TICKETS, DESK, cast(Store, Stored()))


def test_events_of_services_are_those_of_the_services_one_may_see() -> None:
    sent = service_events(service_event("mail"), service_event("web", minute=1))
    assert is_refused(sent, scope=Scope(services=("mail",)), of=Kind.SERVICES)
    assert not is_refused(sent, scope=Scope(services=("mail", "web")), of=Kind.SERVICES)
    assert not is_refused(sent, scope=DESK, of=Kind.SERVICES)
