"""From a file and a mapping to canonical events."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from features.sources.adapters import adapted_table
from features.sources.archive import all_unpacked, unpacked
from features.sources.formats import read_table
from features.sources.mapped_table import mapped_table
from features.sources.mapping_model import Mapping
from features.sources.pseudonyms import check_secret
from features.sources.result import ImportResult
from features.sources.service_rows import service_events
from features.sources.table import Table
from features.sources.ticket_rows import ticket_events

_EVENTS = {"ticket_events": ticket_events, "service_events": service_events}


def read(path: str | Path, mapping: Mapping, secret: str | None = None) -> ImportResult:
    """The canonical events of a file, with every row that was left out and why. `secret` makes the mapping's pseudonyms.

    Raises SourceError, and imports nothing, where the file as a whole is not what the mapping says: an absent column, a word
    without translation, too many rejected rows, a damaged archive, another encoding.
    """
    check_secret(mapping, secret, "the mapping")
    result = _EVENTS[mapping.kind](mapped_table(_table(path, mapping), mapping, secret))
    return replace(result, source=Path(path).name)


def _table(path: str | Path, mapping: Mapping) -> Table:
    layout = mapping.file
    if mapping.adapter is not None:
        return adapted_table(str(path), all_unpacked(path, layout.member, layout.beside), mapping)
    file = unpacked(path, layout.member)
    return read_table(str(path), file.name, file.content, layout)
