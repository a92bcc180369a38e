"""What a file is: as the mapping says, or else as its ending says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath

from features.sources.delimited import read_table as read_delimited
from features.sources.json_table import read_json, read_json_lines
from features.sources.mapping_model import FileFormat
from features.sources.parquet import read_parquet
from features.sources.table import Table
from features.sources.xes import read_xes

READERS: dict[str, Callable[[str, bytes, FileFormat], Table]] = {
    "delimited": read_delimited,
    "json_lines": read_json_lines,
    "json": read_json,
    "parquet": read_parquet,
    "xes": read_xes,
}
ENDINGS = {
    ".jsonl": "json_lines",
    ".ndjson": "json_lines",
    ".json": "json",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".xes": "xes",
}
"""Everything else is read as delimited text, a .tsv or .tab with tabs."""


def read_table(path: str, inner_name: str, content: bytes, layout: FileFormat) -> Table:
    """The records of a file by the mapping's `format`, or by the ending of `inner_name`, the file's name when unpacked.

    `path` is the file's name for messages. Raises SourceError as the reader of the format does.
    """
    ending = PurePath(inner_name).suffix.lower()
    if layout.delimiter is None and ending in (".tsv", ".tab"):
        layout = layout.model_copy(update={"delimiter": "\t"})
    return READERS[layout.format or ENDINGS.get(ending, "delimited")](path, content, layout)
