"""What is known of tickets, kept in a file: the next start reads only what is newer, instead of all events of the store."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeAlias

from features.live import LiveHistories
from features.memory.array_file import MemoryFileError
from features.memory.state import made_by, read_state, write_state
from serving.background import Loop
from serving.known_events import Known
from sla.agreements.agreement_set import AgreementSet

log = logging.getLogger(__name__)
FOLDER = "state"
ROUND_SECONDS = 15.0
FEWEST_ROWS = 20_000
SHARE = 20
Contents: TypeAlias = tuple[str, frozenset[object]]


class Marks(Protocol):
    """What tells whether events that were read are still those of the store (features.store.reading_marks)."""

    def erasures(self) -> int:
        """How often something was erased from the events."""

    def put(self, erasures: int) -> str | None:
        """A mark for events read when so much had been erased; None where more is erased by now."""

    def found(self, mark: str, last: int) -> int | None:
        """The erasures where a mark stands and the store holds an event's number; else None."""


class KeptState:
    """Keeps the file up to date in a thread of its own, where there is much to know, and recalls it at the start.

    A file is used only where its checksum, the code, the agreements, the time zones and the store agree with it; any other
    is removed. It is written when other sums are asked for, and when the rows that it lacks are a twentieth of those that it has.
    """

    def __init__(
        self,
        folder: Path,
        store_url: str,
        marks: Marks,
        begin: Callable[[AgreementSet], LiveHistories] = LiveHistories,
    ) -> None:
        """`begin` gives live histories that know nothing yet."""
        self._path = folder / FOLDER / f"tickets-{hashlib.sha256(store_url.encode()).hexdigest()[:12]}"
        self._marks, self._begin = marks, begin
        self._erasures: int | None = None  # None: nothing that may be kept was read
        self._kept: tuple[Contents, int] | None = None
        self._seen: Contents | None = None
        self._known: Callable[[], Known | None] = lambda: None
        self._offer: Callable[[Known], None] = lambda _known: None
        self._loop = Loop("state", self.keep, lambda: ROUND_SECONDS, begins_waiting=True)

    def watch(self, known: Callable[[], Known | None], offer: Callable[[Known], None]) -> None:
        """Nothing; `known` gives what is to be kept, `offer` takes the same as the file holds it. Call it before `start`.

        What the file holds stays on the disk until it is looked at: a service that read all its events anew goes on with less memory.
        """
        self._known, self._offer = known, offer

    def start(self) -> None:
        """Begin to keep."""
        self._loop.start()

    def stop(self) -> None:
        """End it; waits for a file that is being written."""
        self._loop.stop()

    def recall(self, agreements: AgreementSet) -> Known:
        """What the file holds, nothing where there is none that can be used. Call it before the first event is read.

        Events of services are few and are read anew.
        """
        for left in self._path.parent.glob(f"{self._path.name}.*"):  # by a process that was killed while it wrote
            left.unlink(missing_ok=True)
        try:
            if self._path.exists():
                return self._recalled(agreements)
        except Exception as fault:  # whatever is wrong with a copy, the events themselves are in the store
            log.warning("%s is not used: %s", self._path, fault or type(fault).__name__)
            self._path.unlink(missing_ok=True)
        self._erasures = self._marks.erasures()
        return Known(self._begin(agreements))

    def _recalled(self, agreements: AgreementSet) -> Known:
        live, said = read_state(self._path, self._begin(agreements))
        last = int(said["last_sequence"])
        erasures = self._marks.found(str(said["mark"]), last)
        if erasures is None:
            raise MemoryFileError("it holds other events than the store")
        known = Known(live, last)
        self._erasures, self._kept = erasures, (_contents(known), live.rows)
        log.info("knows %d rows from %s", live.rows, self._path)
        return known

    def keep(self) -> bool:
        """True where the file was written anew. What changed is left alone until it stays as it is for a round."""
        known = self._known()
        if known is None or self._erasures is None or not known.histories.is_long:
            return False
        contents, before = _contents(known), self._seen
        self._seen = contents
        if contents != before or not self._is_worth_it(contents, known.histories.rows):
            return False
        mark = self._marks.put(self._erasures)
        if mark is None:  # what is in memory was erased from the store since: only a start reads anew
            self._erasures = None
            self._path.unlink(missing_ok=True)
            return False
        self._path.parent.mkdir(parents=True, exist_ok=True)
        write_state(self._path, known.histories, {"last_sequence": known.last_sequence, "mark": mark})
        self._kept = contents, known.histories.rows
        kept, _ = read_state(self._path, self._begin(known.histories.agreements))
        self._offer(Known(kept, known.last_sequence))
        return True

    def _is_worth_it(self, contents: Contents, rows: int) -> bool:
        if self._kept is None or self._kept[0] != contents:
            return True
        return rows - self._kept[1] > max(FEWEST_ROWS, self._kept[1] // SHARE)


def forget_states(folder: Path) -> int:
    """How many files with what was known of tickets were removed from the data folder: all."""
    found = list((folder / FOLDER).glob("tickets-*"))
    for path in found:
        path.unlink(missing_ok=True)
    return len(found)


def _contents(known: Known) -> Contents:
    """What makes a file another one beside its rows: the agreements, and which sums are made of the largest layer."""
    live = known.histories
    return made_by(live.agreements, live.kept), live.made_sums
