"""Work that is done again and again in a thread of its own, and what is said of it when it fails."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

log = logging.getLogger(__name__)


class Trouble:
    """What is wrong with a piece of work, in words; in the log once for each different fault, not at every try."""

    def __init__(self, what: str) -> None:
        """`what` begins the sentence, such as `Scores are not stored`."""
        self._what = what
        self.words: str | None = None

    def met(self, fault: Exception) -> str:
        """The fault in words, which stand until it is over or another is met."""
        words = f"{self._what}: {type(fault).__name__}: {fault}"
        if words != self.words:
            log.error("%s", words, exc_info=fault)
        self.words = words
        return words

    def over(self) -> None:
        """Nothing is wrong any more."""
        self.words = None


class Loop:
    """A step that is done, waited after and done again until it is stopped. Any thread may `wake` it."""

    def __init__(
        self, name: str, step: Callable[[], object], seconds: Callable[[], float], *, begins_waiting: bool = False
    ) -> None:
        """`seconds`: how long to wait, asked before each wait. `begins_waiting`: the first step is not done at the start."""
        self.name = name
        self._step, self._seconds, self._begins_waiting = step, seconds, begins_waiting
        self._woken, self._stopped = threading.Event(), threading.Event()
        self._trouble = Trouble(f"{name} failed at a round and goes on with the next")
        self._thread: threading.Thread | None = None

    @property
    def is_running(self) -> bool:
        """Whether it was started and not stopped since."""
        return self._thread is not None

    @property
    def is_stopping(self) -> bool:
        """Whether it was stopped; a long step asks between its parts."""
        return self._stopped.is_set()

    def start(self) -> None:
        """Begin in the background."""
        self._stopped.clear()
        self._thread = threading.Thread(target=self._run, name=f"slacast-{self.name}", daemon=True)
        self._thread.start()

    def stop(self, timeout_seconds: float | None = None) -> bool:
        """True where it ran. A step under way is waited for, no longer than the time given."""
        self._stopped.set()
        self._woken.set()
        if self._thread is None:
            return False
        self._thread.join(timeout_seconds)
        self._thread = None
        return True

    def wake(self) -> None:
        """Do the next step at once, or as soon as the one under way is done."""
        self._woken.set()

    def _run(self) -> None:
        if self._begins_waiting:
            self._rest()
        while not self._stopped.is_set():
            self._round()
            self._rest()

    def _rest(self) -> None:
        self._woken.wait(self._seconds())
        self._woken.clear()  # before it is asked whether to stop: a stop that is cleared here is seen there

    def _round(self) -> None:
        try:
            self._step()
        except Exception as fault:  # the root of a thread: one that died would never act again, and nobody would see it
            self._trouble.met(fault)
        else:
            self._trouble.over()
