"""What a job says: its steps and its log on standard error, its result on standard output, both in its folder."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from serving.log_lines import without_secrets

LOG, RESULT = "log.txt", "output.txt"
MOST_LOG_BYTES = 16 * 1024 * 1024
MOST_RESULT_BYTES = 4 * 1024 * 1024
_TAIL_BYTES = 8192
_STEP = re.compile(r"\[ *[0-9.]+ s\] (?P<step>.*?)(?: (?P<percent>[0-9]{1,3}) %)?")
_SAID = "slacast: "
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True)
class LogPart:
    """A part of a log: whole lines where it still grows; `next_offset` is where the next one begins, in bytes of the file."""

    text: str
    next_offset: int


@dataclass(frozen=True)
class JobOutput:
    """The files of one job."""

    folder: Path

    @property
    def is_here(self) -> bool:
        """True where the log is on this machine."""
        return (self.folder / LOG).is_file()

    def log_bytes(self) -> int:
        """How long the log is; 0 without one."""
        try:
            return (self.folder / LOG).stat().st_size
        except OSError:
            return 0

    def log(self, offset: int = 0, most_bytes: int = 1024 * 1024, *, is_growing: bool = False) -> LogPart:
        """The log from an offset on, at most so long, without secrets and control characters."""
        try:
            with (self.folder / LOG).open("rb") as file:
                file.seek(offset)
                found = file.read(most_bytes)
        except OSError:
            return LogPart("", offset)
        if is_growing or len(found) == most_bytes:
            found = found[: found.rfind(b"\n") + 1] or (found if len(found) == most_bytes else b"")
        return LogPart(shown(found.decode(errors="replace")), offset + len(found))

    def step(self) -> tuple[str | None, float | None]:
        """The last step the log tells of, and the share of it that is done where it says so."""
        for line in reversed(self._tail().splitlines()):
            found = _STEP.fullmatch(line.strip())
            if found is not None:
                share = None if found["percent"] is None else min(int(found["percent"]) / 100, 1.0)
                return found["step"][:300], share
        return None, None

    def last_words(self) -> str:
        """The sentence a command that failed ended with, else the last line it wrote, "" without any."""
        lines = [line.strip() for line in self._tail().splitlines() if line.strip()]
        sentences = [line.removeprefix(_SAID) for line in lines if line.startswith(_SAID)]
        return (sentences or lines or [""])[-1][:2000]

    def result(self) -> Any:
        """What was printed: the value of JSON, else the text; None where nothing was, or too much."""
        try:
            with (self.folder / RESULT).open("rb") as file:
                text = file.read(MOST_RESULT_BYTES + 1).decode(errors="replace").strip()
        except OSError:
            return None
        if not text or len(text) > MOST_RESULT_BYTES:
            return None
        try:
            return json.loads(text, parse_constant=lambda _name: None)
        except ValueError:
            return shown(text)

    def _tail(self) -> str:
        return self.log(max(self.log_bytes() - _TAIL_BYTES, 0)).text


def shown(text: str) -> str:
    """The text as it may be shown: no secrets, nothing that moves a terminal's cursor; a line that is overwritten is its last state."""
    lines = (line.rpartition("\r")[2] for line in without_secrets(text).replace("\r\n", "\n").split("\n"))
    return _CONTROL.sub("", "\n".join(lines))
