"""The exports of well-known systems, read without naming a column: each module turns one vendor's change log into tickets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from features.sources.adapters import jira, prometheus, servicenow, statuspage, zammad, zendesk
from features.sources.adapters.pages import Pages, read_pages
from features.sources.archive import Unpacked
from features.sources.change_log import Refusals, Ticket, table_of
from features.sources.mapping_model import Mapping
from features.sources.table import Table

Reader = Callable[[Pages, Refusals], Iterable[Ticket]]

_READERS: dict[str, tuple[Reader, tuple[str, ...], frozenset[str]]] = {
    "jira": (jira.tickets, jira.PAGES, jira.FINAL),
    "servicenow": (servicenow.tickets, servicenow.PAGES, servicenow.FINAL),
    "zendesk": (zendesk.tickets, zendesk.PAGES, zendesk.FINAL),
    "zammad": (zammad.tickets, zammad.PAGES, zammad.FINAL),
}
ServiceReader = Callable[[str, Pages, Refusals, Mapping], Table]
_SERVICE_READERS: dict[str, tuple[ServiceReader, tuple[str, ...]]] = {
    "prometheus": (prometheus.samples, prometheus.PAGES),
    "statuspage": (statuspage.transitions, statuspage.PAGES),
}


def adapted_table(path: str, files: Sequence[Unpacked], mapping: Mapping) -> Table:
    """One row a creation or change of every ticket in the files, by the mapping's adapter; `path` is for messages.

    Adapters of service events give one row a sample or a change of state. Raises SourceError for text that is no JSON or
    breaks off, for another encoding, and for an export without tickets.
    """
    if mapping.adapter in _SERVICE_READERS:
        read, pages = _SERVICE_READERS[mapping.adapter]
        return read(path, read_pages(path, files, mapping.file.encoding, pages), Refusals(), mapping)
    reader, keys, final = _READERS[mapping.adapter or ""]
    refusals = Refusals()
    tickets = list(reader(read_pages(path, files, mapping.file.encoding, keys), refusals))
    return table_of(path, tickets, refusals, mapping, final)
