"""When a ticket will end in wall-clock hours, as the registered remaining-time model says; nothing where there is none."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from features.live import LiveHistories
from models.registry import RegistryAnswer, champion
from models.remaining_time import RemainingTimeModel, load_remaining_time
from sla.instants import to_us

log = logging.getLogger(__name__)
MODEL_NAME = "remaining-time"


@dataclass(frozen=True, slots=True)
class EndEstimate:
    """When the model expects the ticket to end: half of such tickets end before."""

    ends_at: datetime
    hours_ahead: float
    version: str


class RemainingTimeChampion:
    """The remaining-time model that carries `champion`. One thread polls; any may ask. A bad one is refused and the old one stays."""

    def __init__(
        self,
        mlflow_uri: str,
        download_to: Path,
        *,
        ask: Callable[..., RegistryAnswer] = champion,
        load: Callable[..., RemainingTimeModel] = load_remaining_time,
    ) -> None:
        self._uri, self._download_to, self._ask, self._load = mlflow_uri, download_to, ask, load
        self._loaded: str | None = None
        self.model: RemainingTimeModel | None = None

    @property
    def version(self) -> str | None:
        """The version that answers, None while none does."""
        return None if self.model is None else self.model.version

    def poll(self) -> bool:
        """False: the queue does not change with it. Afterwards the model is the registered one, or the last good one."""
        answer = self._ask(self._uri, MODEL_NAME, download_to=self._download_to)
        if answer.path is None:
            if answer.is_reachable and answer.version is None:  # there is no such champion (any more)
                self.model = self._loaded = None
            return False
        if answer.version == self._loaded:
            return False
        self._loaded = answer.version
        try:
            self.model = self._load(answer.path, version=answer.version)
        except Exception as fault:  # made by others, it may fail in any way: the last one stays, or none
            log.warning("%s was refused: %s", answer.version, fault)
        return False

    def estimate(self, histories: LiveHistories, ticket_id: str, at: datetime) -> EndEstimate | None:
        """When the ticket will likely end; None without a model, for a ticket that is over, and where it cannot be asked."""
        model, snapshots = self.model, histories.looked_at(ticket_id, to_us(at))
        if model is None or snapshots is None or not histories.is_open(snapshots)[0]:
            return None
        try:
            hours = float(model.predict(histories.matrix(snapshots, model.spec))[0])
        except ValueError as fault:  # features that this version does not make
            log.warning("%s cannot be asked: %s", model.version, fault)
            return None
        return EndEstimate(at + timedelta(hours=hours), hours, model.version)
