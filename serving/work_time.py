"""How much work open tickets still need, as the registered work-time model says; category means where there is none, or it is not better."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from models.registry import RegistryAnswer, champion
from models.work_marks import COLUMNS, WorkTime, load_work_time
from models.work_time import WorkBelief
from serving.handling import Handling, Texts

log = logging.getLogger(__name__)
MODEL_NAME = "work-time"


class WorkTimeChampion:
    """The work-time model that carries `champion`. One thread polls; any may ask. A bad one is refused and the old one stays."""

    def __init__(
        self,
        mlflow_uri: str,
        download_to: Path,
        *,
        ask: Callable[..., RegistryAnswer] = champion,
        load: Callable[..., WorkTime] = load_work_time,
    ) -> None:
        self._uri, self._download_to, self._ask, self._load = mlflow_uri, download_to, ask, load
        self._loaded: str | None = None
        self.model: WorkTime | None = None

    def poll(self) -> bool:
        """True where another model answers now, so that the order changes with it."""
        answer, before = self._ask(self._uri, MODEL_NAME, download_to=self._download_to), self.model
        if answer.path is None:
            if answer.is_reachable and answer.version is None:  # there is no such champion (any more)
                self.model = self._loaded = None
        elif answer.version != self._loaded:
            self._loaded = answer.version
            try:
                self.model = self._load(answer.path, version=answer.version)
            except Exception as fault:  # made by others, it may fail in any way: the last one stays, or none
                log.warning("%s was refused: %s", answer.version, fault)
        return self.model is not before


def believed(work: WorkTime | None, handling: Handling, texts: Callable[[str], Texts]) -> WorkBelief | None:
    """The model's belief about all the work of n tickets, of which `texts` tells a column; None where category means are to answer.

    A model that learned from other minutes than those that are counted now (booked, or from pick-up) is not asked.
    """
    if work is None or not answers(work, handling):
        return None
    return work.belief({name: texts(name) for name in COLUMNS})


def answers(work: WorkTime | None, handling: Handling) -> bool:
    """Whether the model is asked."""
    return work is not None and work.is_learned and work.minutes == handling.minutes


def work_words(work: WorkTime | None, handling: Handling) -> str:
    """Where the estimates of work come from, as a sentence."""
    if work is None or not answers(work, handling):
        return handling.words
    what = "minutes booked on" if work.minutes == "booked" else "time from pick-up to the end of"
    return f"Work needed is what {work.version} learned from the {what} {work.tickets} tickets."
