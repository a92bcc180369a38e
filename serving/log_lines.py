"""Log lines: plain text for people or one JSON object a line for machines; each with its request's id, none with a secret."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Final, TextIO

REQUEST_ID: Final[ContextVar[str]] = ContextVar("slacast_request_id", default="")
"""The id of the request that is being answered, "" outside of one."""

FIELDS: Final = "slacast_fields"
"""`extra={FIELDS: {...}}` adds named values to a line."""

_HIDDEN: Final = "***"
_SECRETS: Final = (
    (
        re.compile(r"(slk_[a-z0-9]{8}_)[A-Za-z0-9_\-]+"),
        rf"\1{_HIDDEN}",
    ),  # access keys: their name may be read, the rest not
    (re.compile(r"(?i)(bearer\s+)(?!slk_)[^\s\"',]+"), rf"\1{_HIDDEN}"),
    (re.compile(r"(://[^\s:/@]*:)[^\s@/]+(?=@)"), rf"\1{_HIDDEN}"),  # passwords in addresses
    (re.compile(r"(?i)((?:password|secret|token)[\"']?\s*[=:]\s*[\"']?)[^\s\"',&;]+"), rf"\1{_HIDDEN}"),
    (re.compile(r"(?i)((?:set-)?cookie[\"']?\s*[=:]\s*[\"']?)[^\r\n\"']+"), rf"\1{_HIDDEN}"),
)


def without_secrets(text: str) -> str:
    """The text with access keys, bearer tokens, cookies, and passwords in addresses and assignments replaced by ***."""
    for pattern, shown in _SECRETS:
        text = pattern.sub(shown, text)
    return text


class TextLines(logging.Formatter):
    """`2026-05-18T09:30:00.123Z INFO serving.app [request id] message name=value`."""

    def format(self, record: logging.LogRecord) -> str:  # noqa: D102
        request_id = REQUEST_ID.get()
        said = " ".join(f"{name}={value}" for name, value in _fields(record).items())
        parts = [_at(record), record.levelname, record.name, f"[{request_id}]" if request_id else "", record.getMessage(), said]  # fmt: skip
        line = _one_line(" ".join(part for part in parts if part))
        return without_secrets(f"{line}\n{_trace(self, record)}" if record.exc_info else line)


class JsonLines(logging.Formatter):
    """One JSON object a line: at, level, logger, message, and where there are any request_id, the named values and the trace."""

    def format(self, record: logging.LogRecord) -> str:  # noqa: D102
        said: dict[str, Any] = {
            "at": _at(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": without_secrets(record.getMessage()),
        }
        if request_id := REQUEST_ID.get():
            said["request_id"] = request_id
        for name, value in _fields(record).items():
            said[name] = without_secrets(value) if isinstance(value, str) else value
        if record.exc_info:
            said["trace"] = without_secrets(_trace(self, record))
        return json.dumps(said, ensure_ascii=False, default=str)


def set_up_logging(level: str, line_format: str, stream: TextIO | None = None) -> None:
    """Nothing; from now on all of the process's log goes to `stream` (standard error) as `text` or `json` lines."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines() if line_format == "json" else TextLines())
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
    for name in (
        "alembic",
        "httpx",
        "httpcore",
        "urllib3",
        "mlflow",
    ):  # theirs at info is of no use to whoever runs slacast
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


def _fields(record: logging.LogRecord) -> Mapping[str, Any]:
    found = getattr(record, FIELDS, None)
    return found if isinstance(found, Mapping) else {}


def _at(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _one_line(text: str) -> str:
    """A sender's line break would forge a line of its own."""
    return text.replace("\r", "\\r").replace("\n", "\\n")


def _trace(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    assert record.exc_info is not None  # noqa: S101 (asked for only where there is one)
    return formatter.formatException(record.exc_info)
