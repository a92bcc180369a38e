"""Live histories of tickets as a file: their events, and what is kept of the sums over all of them.

A file is of use only to the code, the agreements and the time zones that made it (`made_by`); whether its events are still
those of the store is for the caller to know.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

import features
import sla
from features.layers import Kept, Layer, Tickets
from features.live import LiveHistories
from features.memory.array_file import ArrayFile, ArrayWriter, MemoryFileError
from features.memory.logs import log_in, write_log
from features.memory.sums import indices_in, named_indices, write_indices
from sla.agreements.agreement_set import AgreementSet

_PARTS = ("open", "over", "gone")
_YEARS = range(1990, 2061)
_FOR_US_ALONE = 0o600
"""What events say of people is for the service alone to read."""


def made_by(agreements: AgreementSet, kept: Kept) -> str:
    """A fingerprint of all that a file depends on beside its events."""
    zones = sorted({agreements.time_zone, *(calendar.zone for calendar in agreements.business_times)})
    told = [np.__version__, _code(), agreements.version, asdict(kept), [(zone, _clock(zone)) for zone in zones]]
    return hashlib.sha256(repr(told).encode()).hexdigest()


def write_state(path: Path, live: LiveHistories, said: Mapping[str, Any]) -> None:
    """Nothing; afterwards the file holds the tickets of `live` and what the caller `said`. It appears complete, or OSError is raised."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FOR_US_ALONE), "wb") as file:
            writer = ArrayWriter(file)
            layers = [_write_layer(writer, f"layer {number}", layer) for number, layer in enumerate(live.layers)]
            made = made_by(live.agreements, live.kept)
            writer.finish({"said": dict(said), "made_by": made, "rows_built": live.rows_built, "layers": layers})
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def read_state(path: Path, empty: LiveHistories) -> tuple[LiveHistories, dict[str, Any]]:
    """Live histories that begin with what a file holds in the place of nothing, and what was said when it was written.

    Raises MemoryFileError where it is damaged or was made otherwise, OSError where it cannot be read. Arrays stay on the disk
    until they are looked at.
    """
    file = ArrayFile(path)
    facts = file.facts
    if facts["made_by"] != made_by(empty.agreements, empty.kept):
        raise MemoryFileError("it was made by other code or under other agreements")
    layers = tuple(
        _layer_in(file, f"layer {number}", told, empty.agreements, empty.kept)
        for number, told in enumerate(facts["layers"])
    )
    return replace(empty, layers=layers, rows_built=facts["rows_built"]), facts["said"]


def _write_layer(writer: ArrayWriter, name: str, layer: Layer) -> dict[str, Any]:
    return {part: _write_tickets(writer, f"{name} {part}", getattr(layer, part)) for part in _PARTS}


def _write_tickets(writer: ArrayWriter, name: str, tickets: Tickets) -> dict[str, Any]:
    writer.put(f"{name}/superseded", tickets.superseded)
    made = [
        {"since_us": since_us, **write_indices(writer, f"{name}/{place}", desk, indices, target)}
        for place, ((indices, target), (desk, since_us)) in enumerate(tickets.recent_desks().items())
    ]
    return {"log": write_log(writer, name, tickets.log), "desks": made}


def _layer_in(file: ArrayFile, name: str, told: Mapping[str, Any], agreements: AgreementSet, kept: Kept) -> Layer:
    return Layer(*(_tickets_in(file, f"{name} {part}", told[part], agreements, kept, part) for part in _PARTS))


def _tickets_in(
    file: ArrayFile, name: str, told: Mapping[str, Any], agreements: AgreementSet, kept: Kept, part: str
) -> Tickets:
    log, superseded = log_in(file, name, told["log"]), file.array(f"{name}/superseded")
    tickets = Tickets(log, agreements, kept, part == "over", superseded)
    for place, fact in enumerate(told["desks"]):
        recent = tickets.recent(named_indices(fact), fact["target"], fact["since_us"])
        tickets.know_recent(recent, indices_in(file, f"{name}/{place}", fact, recent))
    return tickets


@cache
def _code() -> str:
    """A fingerprint of all code that histories and sums are made by."""
    digest = hashlib.sha256()
    for package in (features, sla):
        folder = Path(str(package.__path__[0]))
        for module in sorted(folder.rglob("*.py")):
            digest.update(module.relative_to(folder).as_posix().encode() + b"\0" + module.read_bytes())
    return digest.hexdigest()


@cache
def _clock(zone: str) -> str:
    """A fingerprint of a time zone's rules: updates of the system change them."""
    place = ZoneInfo(zone)
    shown = [datetime(year, month, day, 12, tzinfo=UTC).astimezone(place).utcoffset() for year in _YEARS for month in range(1, 13) for day in range(1, 29, 3)]  # fmt: skip
    return hashlib.sha256(repr(shown).encode()).hexdigest()
