"""Every clock that was decided so far, as a frame: what service levels, similar tickets and the quality of scores are counted from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.live import LiveHistories
from serving.text_column import TextColumn
from sla.agreements.agreement_set import AgreementSet
from sla.clocks.clock_table import ClockTable
from sla.clocks.replay import replay
from sla.clocks.verdicts import VerdictState
from sla.events import EventLog
from sla.instants import NEVER_US, SECOND_US, BoolArray, Int64Array, to_us

BLOCK_ROWS = 250_000
"""About so many events are replayed at a time: of all at once, what is worked out on the way is larger than all that is known."""
TEXTS = ("team", "service", "category", "priority")
COLUMNS = ("ticket_id", "target", "agreement", "month", "is_met", "decided_at", "share_used", "overdue_seconds", "team", "service", "category", "priority")  # fmt: skip


def decided_clocks(histories: LiveHistories, at: datetime, zone: str) -> pd.DataFrame:
    """Every clock that was decided up to an instant, as a frame with COLUMNS; what became known later does not count."""
    agreements, at_us = histories.agreements, to_us(at)
    blocks = (block for log in histories.logs() for block in log.blocks(BLOCK_ROWS))
    parts = [_decided(block, replay(block, agreements, at_us), agreements) for block in blocks]
    plain = [frame for frame, _texts in parts]
    found = pd.concat(plain, ignore_index=True) if parts else pd.DataFrame(columns=list(COLUMNS))
    local = pd.to_datetime(found["decided_at"], utc=True).dt.tz_convert(zone)
    found["month"] = _months(local)
    for name in ("target", "agreement", *TEXTS):  # compared and grouped by every view
        found[name] = _category([texts[name] for _frame, texts in parts])
    return found[list(COLUMNS)]


def _category(parts: Sequence[TextColumn]) -> pd.Categorical:
    """The texts of some columns one after the other, by those that occur, in their order."""
    ends = np.cumsum([len(part) for part in parts], dtype=np.int64)
    rows = [np.arange(end - len(part), end) for part, end in zip(parts, ends.tolist(), strict=True)]
    column = TextColumn.joined(int(ends[-1]) if len(ends) else 0, zip(rows, parts, strict=True))
    used = np.flatnonzero(np.bincount(column.codes, minlength=len(column.names)))
    used = used[np.argsort(column.names[used])]
    place = np.zeros(len(column.names), np.int32)
    place[used] = np.arange(len(used))
    return pd.Categorical.from_codes(place[column.codes], pd.Index(column.names[used]))


def _months(local: pd.Series[Any]) -> pd.Categorical:
    """The month of each local instant as `2024-05`: of each distinct one it is written once, as a year has twelve and a log millions."""
    months, place = np.unique(local.dt.tz_localize(None).to_numpy("datetime64[M]"), return_inverse=True)
    return pd.Categorical.from_codes(place, pd.Index(months.astype(str).astype(object)))


def _decided(log: EventLog, table: ClockTable, agreements: AgreementSet) -> tuple[pd.DataFrame, dict[str, TextColumn]]:
    """The decided clocks of a log, and the texts that many of them share."""
    verdicts = table.verdicts
    is_missed = verdicts.is_breached & (verdicts.breached_us != NEVER_US)
    is_met = (verdicts.state == VerdictState.MET) & (verdicts.stopped_us != NEVER_US)
    rows = np.flatnonzero(is_missed | is_met)
    decided_us = np.where(is_missed, verdicts.breached_us, verdicts.stopped_us)[rows]
    target_us, elapsed_us = verdicts.target_us[rows], verdicts.elapsed_us[rows]
    share = np.divide(elapsed_us, target_us, out=np.ones(len(rows)), where=target_us > 0)
    ticket = table.ticket[rows]
    names = [one.name for one in agreements.agreements]
    plain = pd.DataFrame(
        {
            "ticket_id": pd.array(
                table.ticket_ids[ticket], dtype="str"
            ),  # also of none: of texts and objects all become objects
            "is_met": is_met[rows],
            "decided_at": pd.to_datetime(decided_us, unit="us", utc=True),
            "share_used": share,
            "overdue_seconds": np.maximum(elapsed_us - target_us, 0) / SECOND_US,
        }
    )
    return plain, {
        "target": _coded(table.target[rows], table.targets),
        "agreement": _coded(verdicts.agreement[rows], names),
        **{name: _last_texts(log, name, table.as_of_us, ticket) for name in TEXTS},
    }


def _coded(codes: NDArray[np.signedinteger[Any]], texts: Sequence[str]) -> TextColumn:
    """The column of codes into texts, of which some may be equal; -1 stands for none."""
    place_of: dict[str, int] = {}
    place = np.array([place_of.setdefault(text, len(place_of)) for text in (*texts, "")], np.int32)
    return TextColumn(place[codes], np.array([*place_of], dtype=object))


def _last_texts(log: EventLog, name: str, at_us: int, ticket: Int64Array) -> TextColumn:
    """The last text of a column that each of some tickets had and that was known at an instant, "" for none."""
    column = log.columns.get(name)
    if column is None or not len(log.ticket_ids):
        return _coded(np.full(len(ticket), -1), ())
    known: BoolArray = (column.codes >= 0) & (log.at_us <= at_us) & (log.recorded_us <= at_us)
    row = np.maximum.reduceat(np.where(known, np.arange(len(known)), -1), log.offsets[:-1])[ticket]
    return _coded(np.where(row >= 0, column.codes[row], -1), column.values)
