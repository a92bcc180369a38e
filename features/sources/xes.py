"""Event logs in XES (IEEE 1849) as tables: one row an event, the attributes of its trace with `case:` before their names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from xml.parsers import expat

import numpy as np

from features.sources.faults import Rejection, SourceError
from features.sources.mapping_model import FileFormat
from features.sources.table import Coded, Table
from features.sources.text_columns import TextColumns

TRACE_PREFIX = "case:"
_BATCH = 20_000
_CHUNK_BYTES = 1 << 20
_EXAMPLES = 3
_ATTRIBUTES = frozenset(("string", "date", "int", "float", "boolean", "id", "list", "container"))
_CUT_OFF = (
    "no element found",
    "unclosed token",
    "partial character",
    "unclosed CDATA section",
)


def read_xes(name: str, content: bytes, layout: FileFormat) -> Table:
    """The events of an XES log. An attribute inside an attribute is named `outer.inner`.

    The file is read as a stream and no tree is built. A document type declaration is refused at its first character: no
    event log needs one, and the entities declared there can grow without bound or reach other files. Raises SourceError
    for that, for text that is no XML, for a log that is cut off, and for one without events.
    """
    log = _Log()
    parser = expat.ParserCreate(None if layout.encoding == "utf-8" else layout.encoding)
    parser.ordered_attributes = True  # ["key", "org:group", "value", "Desk"]: quicker than a dictionary for each
    parser.StartDoctypeDeclHandler = _refuse_doctype(name)
    parser.StartElementHandler = log.start
    parser.EndElementHandler = log.end
    try:
        for begin in range(0, len(content), _CHUNK_BYTES):
            parser.Parse(content[begin : begin + _CHUNK_BYTES], False)
        parser.Parse(b"", True)
    except (expat.ExpatError, LookupError) as error:
        raise SourceError(_fault(name, error)) from error
    if not log.is_log:
        raise SourceError(f"{name}: expected an XES log, found the element {log.root!r}; export the log as XES")
    return log.table(name)


class _Log:
    """The handlers of the parser, and what they have collected."""

    def __init__(self) -> None:
        self.root = ""
        self.is_log = False
        self._events, self._traces = TextColumns(), TextColumns()
        self._event_batch: list[dict[str, str]] = []
        self._trace_batch: list[dict[str, str]] = []
        self._trace_of: list[int] = []  # one an event
        self._number_in_trace: list[int] = []
        self._trace: dict[str, str] | None = None
        self._number = 0
        self._target: dict[str, str] | None = None  # of the attributes that come now
        self._depth = 0  # of attributes within attributes
        self._outer = ""  # the key of the outermost
        self._inner: list[str] = []  # the keys within it
        self._is_aside = 0  # inside global, classifier and such: depth
        self._stray = 0

    def start(self, tag: str, pairs: list[str]) -> None:
        """An element begins. Nine of ten are plain attributes of an event, so these come first."""
        target = self._target
        if target is not None and (self._depth or tag in _ATTRIBUTES):
            self._depth += 1
            if self._depth == 1 and len(pairs) == 4 and pairs[0] == "key" and pairs[1] not in target:
                target[pairs[1]] = pairs[3]
                self._outer = pairs[1]
            else:
                self._attribute(target, dict(zip(pairs[::2], pairs[1::2], strict=True)))
        else:
            self._element(tag.rpartition(":")[2], tag, pairs)

    def end(self, tag: str) -> None:
        """An element ends."""
        if self._depth:
            self._depth -= 1
        elif self._is_aside:
            self._is_aside -= 1
        elif tag.endswith("event"):
            self._end_event()
        elif tag.endswith("trace"):
            self._trace_batch.append(self._trace or {})
            self._trace = self._target = None
            if len(self._trace_batch) >= _BATCH:
                self._flush()

    def table(self, name: str) -> Table:
        """What was collected."""
        self._flush()
        count = len(self._events)
        if not count:
            raise SourceError(f"{name}: the log holds no events in traces; export it again with data")
        trace_of = np.array(self._trace_of, dtype=np.int64)
        columns = {TRACE_PREFIX + key: column.take(trace_of) for key, column in self._traces.columns().items()}
        columns |= self._events.columns()
        labels = np.array([f"trace {k}" for k in range(1, len(self._traces) + 1)], dtype=object)
        return Table(
            name,
            columns,
            np.arange(1, count + 1),
            np.array(self._number_in_trace, dtype=np.int64),
            count + self._stray,
            self._rejections(),
            (),
            noun="event",
            names_at="",
            owners=Coded(trace_of.astype(np.int32), labels),
        )

    def _element(self, tag: str, written: str, pairs: list[str]) -> None:
        if not self.root:
            self.root, self.is_log = tag, tag == "log"
        elif self._is_aside:
            self._is_aside += 1
        elif tag == "event":
            self._target = {}
        elif tag == "trace":
            self._trace = self._target = {}
            self._number = 0
        elif tag != written and tag in _ATTRIBUTES and self._target is not None:  # with a namespace prefix
            self.start(tag, pairs)
        else:
            self._is_aside += 1

    def _attribute(self, target: dict[str, str], attributes: dict[str, str]) -> None:
        """An attribute inside another, a list, or a key that comes again: its values stand behind one another."""
        own = attributes.get("key", "")  # the <values> of a list have none
        if self._depth == 1:
            self._outer = own
        else:
            self._inner = [*self._inner[: self._depth - 2], own]
        inner = self._inner if self._depth > 1 else ()
        key = ".".join(part for part in (self._outer, *inner) if part)
        value = attributes.get("value")
        if value is not None:
            target[key] = f"{target[key]}, {value}" if key in target else value

    def _end_event(self) -> None:
        if self._trace is None:
            self._stray += 1
        else:
            self._number += 1
            self._event_batch.append(self._target or {})
            self._trace_of.append(len(self._traces) + len(self._trace_batch))
            self._number_in_trace.append(self._number)
            if len(self._event_batch) >= _BATCH:
                self._events.add(self._event_batch)
                self._event_batch = []
        self._target = self._trace

    def _flush(self) -> None:
        self._events.add(self._event_batch)
        self._traces.add(self._trace_batch)
        self._event_batch, self._trace_batch = [], []

    def _rejections(self) -> tuple[Rejection, ...]:
        if not self._stray:
            return ()
        numbers = tuple(range(1, self._stray + 1))
        return (
            Rejection(
                "an event outside of a trace", "events inside a trace: it says which ticket they belong to", numbers, ()
            ),
        )


def _refuse_doctype(name: str) -> Callable[..., Any]:
    def refuse(*_: object) -> None:
        raise SourceError(
            f"{name}: holds a document type declaration (<!DOCTYPE ...>), which an event log does not need and which can be used "
            "to exhaust memory or to read other files; remove it if you trust the file"
        )

    return refuse


def _fault(name: str, error: Exception) -> str:
    if isinstance(error, LookupError):
        return f"{name}: {error}; write the file's encoding in the mapping: `file: {{encoding: ...}}`"
    text = str(error)
    if text.startswith(_CUT_OFF):
        return f"{name}: {text}: the log is cut off before its end; copy or download it again"
    return f"{name}: this is no well-formed XML: {text}; export the log again"
