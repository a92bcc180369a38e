"""Tickets of several askers in one state, each looked at among those it came with alone.

Whoever sends tickets to be asked about must not see in the answer what others sent at the same moment. What features ask of
other tickets they ask by keys (features/keys.py), and here no key holds tickets of two askers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from features.keys import APART
from features.live import LiveHistories
from sla.agreements.agreement_set import AgreementSet
from sla.columns import Column
from sla.events import EventLog

_DIGITS = 4
MOST = 10**_DIGITS


def apart_name(asker: int, ticket_id: str) -> str:
    """The id under which the ticket of an asker (below MOST) is known in `apart`: in the order of askers, then of ids."""
    return f"{asker:0{_DIGITS}d}/{ticket_id}"


def asker_of(name: str) -> tuple[int, str]:
    """The asker and the ticket's own id, of what `apart_name` gave."""
    return int(name[:_DIGITS]), name[_DIGITS + 1 :]


def apart(logs: Sequence[EventLog], agreements: AgreementSet) -> LiveHistories:
    """The state that knows one log of each asker, under `apart_name`s; ids may be used by several of them. Given no news."""
    return LiveHistories(agreements).with_logs([_own(asker, log) for asker, log in enumerate(logs)])


def _own(asker: int, log: EventLog) -> EventLog:
    names = np.empty(len(log.ticket_ids), object)
    names[:] = [apart_name(asker, ticket_id) for ticket_id in log.ticket_ids.tolist()]
    whose = Column(np.zeros(len(log.at_us), np.int32), (str(asker),))
    return replace(log, ticket_ids=names, columns={**log.columns, APART: whose})
