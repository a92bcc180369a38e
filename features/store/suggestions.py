"""What each team was advised to take next, to be held against what it took."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import pandas as pd
from sqlalchemy import Connection, Engine

from features.store.journal import Added, Journal
from features.store.tables import suggestions


class Suggestions:
    """The first tickets of each team's queue in the suggested order, a row a place, whenever they changed."""

    def __init__(self, engine: Engine) -> None:
        self._journal = Journal(engine, suggestions, "suggested_at")

    def append(self, frame: pd.DataFrame, conditions: Sequence[Callable[[Connection], None]] = ()) -> Added:
        """How many rows are new, in one transaction; one of the same team, instant and place stays as it is.

        Columns: team, ticket_id, suggested_at (aware UTC), place (1: to be taken next), is_shown (the team's queue was in this order).
        A condition that raises, inside the transaction, leaves nothing stored (see leases.holding).
        """

        def held(connection: Connection, _added: Added) -> None:
            for condition in conditions:
                condition(connection)

        return self._journal.append(frame, [held])

    def read(self, since: datetime | None = None, until: datetime | None = None) -> pd.DataFrame:
        """What was suggested between two instants, both included, in the order of storing."""
        return self._journal.read(since, until)
