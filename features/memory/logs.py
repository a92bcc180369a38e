"""Event logs as arrays of a file."""

from __future__ import annotations

from typing import Any

import numpy as np

from features.memory.array_file import ArrayFile, ArrayWriter
from sla.columns import Column
from sla.event_ids import NO_NUMBER, EventIds
from sla.events import EventLog


def write_log(writer: ArrayWriter, name: str, log: EventLog) -> dict[str, Any]:
    """Facts of the log, whose arrays are written under a name."""
    raw = log.unfilled()
    writer.put_texts(f"{name}/tickets", raw.ticket_ids.tolist())
    writer.put(f"{name}/offsets", raw.offsets)
    writer.put(f"{name}/at", raw.at_us)
    if raw.recorded_us is not raw.at_us:
        writer.put(f"{name}/recorded", raw.recorded_us)
    writer.put(f"{name}/numbers", raw.ids.numbers)
    if raw.ids.texts is not None:
        writer.put_texts(f"{name}/ids", raw.ids.texts[raw.ids.numbers == NO_NUMBER].tolist())
    for place, column in enumerate(raw.columns.values()):
        writer.put(f"{name}/column {place}", column.codes)
        writer.put_texts(f"{name}/values {place}", column.values)
    return {"columns": list(raw.columns)}


def log_in(file: ArrayFile, name: str, facts: dict[str, Any]) -> EventLog:
    """The log that was written under a name. Raises MemoryFileError where it is not there."""
    at_us = file.array(f"{name}/at")
    numbers, texts = file.array(f"{name}/numbers"), None
    if f"{name}/ids/ends" in file:
        texts = np.full(len(numbers), None, dtype=object)
        texts[numbers == NO_NUMBER] = file.texts(f"{name}/ids")
    tickets = file.texts(f"{name}/tickets")
    ticket_ids = np.empty(len(tickets), dtype=object)
    ticket_ids[:] = tickets
    columns = {
        column: Column(file.array(f"{name}/column {place}"), tuple(file.texts(f"{name}/values {place}")))
        for place, column in enumerate(facts["columns"])
    }
    recorded_us = file.array(f"{name}/recorded") if f"{name}/recorded" in file else at_us
    return EventLog(ticket_ids, file.array(f"{name}/offsets"), at_us, recorded_us, EventIds(numbers, texts), columns)
