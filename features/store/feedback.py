"""What people said of scores and outcomes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import pandas as pd
from sqlalchemy import Connection, Engine

from features.store.journal import Added, Journal
from features.store.tables import feedback


class Feedback:
    """Feedback on tickets; each has a key, so that sending it twice stores it once."""

    def __init__(self, engine: Engine) -> None:
        self._journal = Journal(engine, feedback, "given_at")

    def append(self, frame: pd.DataFrame, notes: Sequence[Callable[[Connection, Added], None]] = ()) -> Added:
        """How much of it is new, in one transaction.

        Columns: key (text, names it for ever), ticket_id, given_at (aware UTC), given_by, verdict (a word, as `helpful`); and
        where there is one target, prediction_id and comment. Raises StoreError for other columns and for missing values.
        """
        return self._journal.append(frame, notes)

    def read(
        self, ticket_id: str | None = None, since: datetime | None = None, until: datetime | None = None
    ) -> pd.DataFrame:
        """Feedback given between two instants, both included, in the order of storing; a missing prediction_id is -1."""
        return self._journal.read(since, until, {"ticket_id": ticket_id})
