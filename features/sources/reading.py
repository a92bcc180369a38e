"""From a file and a mapping to canonical events."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from features.sources.archive import read_bytes
from features.sources.delimited import read_table
from features.sources.mapped_table import mapped_table
from features.sources.mapping_model import Mapping
from features.sources.result import ImportResult
from features.sources.service_rows import service_events
from features.sources.ticket_rows import ticket_events

_ADAPTERS = {"ticket_events": ticket_events, "service_events": service_events}


def read(path: str | Path, mapping: Mapping) -> ImportResult:
    """The canonical events of a file, with every row that was left out and why.

    Raises SourceError, and imports nothing, where the file as a whole is not what the mapping says: an absent column, a word
    without translation, too many rejected rows, a damaged archive, another encoding.
    """
    content = read_bytes(path, mapping.file.member)
    table = read_table(str(path), content, mapping.file)
    result = _ADAPTERS[mapping.kind](mapped_table(table, mapping))
    return replace(result, source=Path(path).name)
