"""A file into the store: read, judged, and stored whole or not at all."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from features.coded_events import CodedEvents, CodedServiceEvents
from features.sources.faults import SourceError
from features.sources.mapping import load_mapping
from features.sources.reading import read
from features.sources.report import report_dict, report_text
from features.sources.result import ImportResult
from features.store import AppendReport, Store, open_store

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is."""


@dataclass(frozen=True)
class ImportReport:
    """What an import read and stored; with `stored` None it was a dry run."""

    result: ImportResult
    stored: AppendReport | None
    store: str | None  # where, without a password

    def text(self) -> str:
        """The report for people."""
        if self.stored is None:
            return f"{report_text(self.result)}\nDry run: nothing was stored."
        known = f", {self.stored.duplicates:,} known already" if self.stored.duplicates else ""
        kept = (
            f", {self.stored.kept:,} creations known already with other first values, which stay"
            if self.stored.kept
            else ""
        )
        return f"{report_text(self.result)}\nStored in {self.store}: {self.stored.inserted:,} new events{known}{kept}."

    def to_dict(self) -> dict[str, Any]:
        """The report for machines: plain values for JSON."""
        return {
            **report_dict(self.result),
            "store": self.store,
            "stored": None if self.stored is None else asdict(self.stored),
        }


def import_file(
    path: str | Path,
    mapping_path: str | Path,
    store: Store | str | None = None,
    *,
    dry_run: bool = False,
    progress: Progress | None = None,
    imported_at: datetime | None = None,
    secret: str | None = None,
) -> ImportReport:
    """The account of importing one file by one mapping into `store`, an open store or its URL (None: var/slacast.db).

    One transaction: after any fault, interruption included, the store is as before, and running again ends as one clean run
    would. `secret` makes the pseudonyms that the mapping asks for. A dry run reads and reports but opens no store. Raises SourceError (MappingError among them) for the mapping and the
    file, StoreError (ConflictError among them) for the store; each text is ready to print.
    """
    tell = progress or _silent
    mapping = load_mapping(mapping_path)
    tell(f"reading {Path(path).name}", 0, 1)
    result = read(path, mapping, secret)
    tell(f"reading {Path(path).name}", 1, 1)
    if dry_run:
        return ImportReport(result, None, None)
    _refuse_leaks(result, mapping_path)
    if isinstance(store, Store):
        return _stored(result, store, tell, imported_at)
    with open_store(store) if store else open_store() as opened:
        return _stored(result, opened, tell, imported_at)


def _stored(result: ImportResult, store: Store, progress: Progress, imported_at: datetime | None) -> ImportReport:
    found = result.found
    with _collector_paused():
        if isinstance(found, CodedServiceEvents) or not isinstance(found, CodedEvents):
            stored = store.append_service_events(found, result.source, imported_at=imported_at, progress=progress)
        else:
            stored = store.append_ticket_events(found, result.source, imported_at=imported_at, progress=progress)
    return ImportReport(result, stored, store.url)


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Inside, nobody looks for cycles among the rows on their way to the database: there are none, and it took an eighth of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _refuse_leaks(result: ImportResult, mapping_path: str | Path) -> None:
    used = [one for one in result.quality.leak_suspects if one.is_used and not one.is_trusted]
    if used:
        lines = "\n".join(f"  column {one.text()}" for one in used)
        raise SourceError(
            f"{result.source}: {len(used)} columns that {mapping_path} uses seem to tell the future; nothing was imported.\n{lines}\n"
            "A model trained on them would look excellent and fail in use."
        )


def _silent(_message: str, _done: int, _total: int) -> None:
    pass
